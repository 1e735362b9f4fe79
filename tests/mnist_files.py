"""Files of images in the three forms of MNIST, for the tests of what reads them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# x_train, y_train, x_test, y_test, in this order.
Arrays = dict[str, NDArray[np.uint8]]


def write_npz(directory: Path, arrays: Arrays) -> Path:
    """With the names of Keras."""
    np.savez(directory / "mnist.npz", **arrays)
    return directory / "mnist.npz"


def write_idx(directory: Path, arrays: Arrays) -> Path:
    """As they were first published."""
    for array, name in zip(
        arrays.values(), ("train-images", "train-labels", "t10k-images", "t10k-labels"), strict=True
    ):
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (directory / f"{name}-idx{array.ndim}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return directory


def write_csv(directory: Path, arrays: Arrays) -> Path:
    """As Kaggle has them: a label and 784 pixels a line."""
    images = np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(-1, 784)
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    names = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    table = np.column_stack([labels, images])
    np.savetxt(directory / "train.csv", table, fmt="%d", delimiter=",", header=names, comments="")
    return directory / "train.csv"
