"""MNIST from whatever form it has on this machine, checked to be MNIST."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.csv import read_csv
from fastnn.datasets.files import PathLike, naming, open_plain_or_gzip
from fastnn.datasets.idx import read_idx
from fastnn.datasets.npz import read_npz

Split: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]

# Names the file that load_data reads when it is given none.
VARIABLE = "FASTNN_MNIST"

_SIDE = 28
_CLASSES = 10


def load_mnist(path: PathLike) -> tuple[Split, Split]:
    """Loads MNIST, or a data set of the same form such as Fashion-MNIST, from files on this machine.

    `path` is one of
    - an npz file with the names Keras uses: x_train, y_train, x_test, y_test;
    - a directory with the four IDX files, plain or .gz, in either spelling (train-images-idx3-ubyte or
      train-images.idx3-ubyte), or one of these four files;
    - a CSV file with labels, such as Kaggle's train.csv;
    - a directory with train.csv, or with mnist_train.csv and mnist_test.csv, or with mnist.npz.

    A CSV file alone, and Kaggle's pair, whose test.csv has no labels, are split by place: the last seventh of the rows,
    the share of MNIST's own test set, becomes the test set.

    Returns ((x_train, y_train), (x_test, y_test)), uint8: pixels (N, 28, 28) and labels (N,) from 0 to 9.
    Raises OSError if a file is missing or cannot be read, and ValueError, naming the file, if it is damaged, of another
    kind, or of other shapes or values.
    """
    path = Path(path)
    if path.is_dir():
        return _load_directory(path)
    with open_plain_or_gzip(path) as (file, _), naming(path):
        start = file.read(2)
    if start == b"PK":
        return _load_npz(path)
    if start == b"\0\0":
        return _load_idx(path.parent)
    return _hold_out(path)


def load_data(path: PathLike | None = None) -> tuple[Split, Split]:
    """load_mnist as Keras's scripts call it, mnist.load_data(). Nothing is downloaded.

    `path` is what load_mnist takes; by default what the environment variable FASTNN_MNIST says.

    Returns ((x_train, y_train), (x_test, y_test)) as load_mnist.
    Raises ValueError if there is no path, and the errors of load_mnist.
    """
    found = os.environ.get(VARIABLE) if path is None else path
    if not found:
        raise ValueError(
            f"load_data needs the path of MNIST on this machine, for nothing is downloaded: load_data('mnist.npz'), or "
            f"set the environment variable {VARIABLE}"
        )
    return load_mnist(found)


def _load_directory(directory: Path) -> tuple[Split, Split]:
    if _find_idx(directory, "train-images", 3).is_file():
        return _load_idx(directory)
    if (directory / "mnist.npz").is_file():
        return _load_npz(directory / "mnist.npz")
    if (directory / "mnist_train.csv").is_file():
        return _read_rows(directory / "mnist_train.csv"), _read_rows(directory / "mnist_test.csv")
    if (directory / "train.csv").is_file():
        return _hold_out(directory / "train.csv")
    wanted = "train-images-idx3-ubyte (or .gz), mnist.npz, mnist_train.csv or train.csv"
    raise FileNotFoundError(errno.ENOENT, f"none of {wanted} in this directory", str(directory))


def _load_npz(path: Path) -> tuple[Split, Split]:
    arrays = read_npz(path, ("x_train", "y_train", "x_test", "y_test"))
    train, test = (
        _checked(arrays[f"x_{part}"], arrays[f"y_{part}"], f"{path}: x_{part}", f"{path}: y_{part}")
        for part in ("train", "test")
    )
    return train, test


def _load_idx(directory: Path) -> tuple[Split, Split]:
    paths = [
        (_find_idx(directory, f"{part}-images", 3), _find_idx(directory, f"{part}-labels", 1))
        for part in ("train", "t10k")
    ]
    train, test = (_checked(read_idx(x), read_idx(y), str(x), str(y)) for x, y in paths)
    return train, test


def _find_idx(directory: Path, stem: str, axes: int) -> Path:
    """The file in one of its spellings; if there is none the first of them, so that opening it says what is missing."""
    spellings = [directory / f"{stem}{mark}idx{axes}-ubyte{end}" for end in ("", ".gz") for mark in ("-", ".")]
    return next((path for path in spellings if path.is_file()), spellings[0])


def _read_rows(path: Path) -> Split:
    images, labels = read_csv(path)
    if labels is None:
        raise ValueError(f"{path}: the rows have no labels; Kaggle's test.csv has none, its train.csv has")
    return _checked(images, labels, f"{path}: the images", f"{path}: the labels")


def _hold_out(path: Path) -> tuple[Split, Split]:
    images, labels = _read_rows(path)
    start = len(labels) - len(labels) // 7
    return (images[:start], labels[:start]), (images[start:], labels[start:])


def _checked(images: NDArray[Any], labels: NDArray[Any], images_name: str, labels_name: str) -> Split:
    """The two as uint8, if they are images of 28 by 28 pixels and as many labels from 0 to 9."""
    if images.ndim == 2 and images.shape[1] == _SIDE * _SIDE:
        images = images.reshape(-1, _SIDE, _SIDE)
    if images.ndim != 3 or images.shape[1:] != (_SIDE, _SIDE):
        raise ValueError(f"{images_name} must have shape (N, {_SIDE}, {_SIDE}), got {images.shape}")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{labels_name} must have shape (N,) = {images.shape[:1]}, got {labels.shape}")
    return _as_bytes(images, 255, images_name), _as_bytes(labels, _CLASSES - 1, labels_name)


def _as_bytes(values: NDArray[Any], most: int, name: str) -> NDArray[np.uint8]:
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, got {values.dtype}")
    if values.size and not 0 <= values.min() <= values.max() <= most:
        raise ValueError(f"{name} must lie between 0 and {most}, got {values.min()} to {values.max()}")
    return np.ascontiguousarray(values, dtype=np.uint8)
