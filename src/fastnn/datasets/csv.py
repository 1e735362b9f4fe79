"""Images as rows of comma-separated pixels, the form of Kaggle's Digit Recognizer."""

import io
import math
from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.files import PathLike, naming, open_plain_or_gzip


def read_csv(path: PathLike) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Reads square images, one a row, from a CSV file, plain or gzipped.

    A row is the S * S pixels of an image, with the label before them if there is one column more: Kaggle's train.csv
    (label, pixel0 ... pixel783) has labels, its test.csv has none.  One line of column names may stand on top.

    Returns (images (N, S, S), labels (N,) or None), both uint8.
    Raises OSError if the file cannot be read and ValueError, naming the file, if rows differ in length, if the columns
    do not make a square image, or if a value is not an integer from 0 to 255.
    """
    with open_plain_or_gzip(path) as (file, _), naming(path):
        with io.TextIOWrapper(file, encoding="utf-8-sig") as text:
            table = _read_table(line for line in text if not line.isspace())
        columns = table.shape[1]
        for labels in (0, 1):
            side = math.isqrt(columns - labels)
            if side > 0 and side * side == columns - labels:
                images = np.ascontiguousarray(table[:, labels:]).reshape(-1, side, side)
                return images, table[:, 0].copy() if labels else None
        raise ValueError(f"{columns} columns are not the pixels of a square image, with or without a label before them")


def _read_table(lines: Iterator[str]) -> NDArray[np.uint8]:
    top = next(lines, "")
    has_names = top[:1].isalpha() or top[:1] == '"'
    first = next(lines, "") if has_names else top
    if not first:
        raise ValueError("no rows of pixels")
    if has_names and top.count(",") != first.count(","):
        raise ValueError(f"{top.count(',') + 1} column names stand over {first.count(',') + 1} columns")
    return np.loadtxt(chain([first], lines), dtype=np.uint8, delimiter=",", comments=None, ndmin=2)
