"""Numba: loops as a careful user writes them, with NumPy's dot for the products."""

from __future__ import annotations

import numba
import numpy as np

from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry

VERSION = str(numba.__version__)


def set_threads(n: int) -> None:
    """Limits Numba's threads."""
    numba.set_num_threads(n)


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell as one compiled function; the products and the softmax."""
    if case.op == "dense":
        x, w, b = arrays["x"], arrays["w"], arrays["b"]
        y = np.empty((x.shape[0], w.shape[1]), x.dtype)
        return [Entry(lambda: _dense(x, w, b, y), lambda _: (y,))]
    if case.op == "softmax":
        x = arrays["x"]
        y = np.empty_like(x)
        return [Entry(lambda: _softmax(x, y), lambda _: (y,))]
    return []


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _dense(x: Array, w: Array, b: Array, y: Array) -> None:
    np.dot(x, w, y)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = max(y[i, j] + b[j], 0)


@numba.njit(parallel=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _softmax(x: Array, y: Array) -> None:
    for i in numba.prange(x.shape[0]):
        largest = x[i].max()
        total = x.dtype.type(0)
        for j in range(x.shape[1]):
            y[i, j] = np.exp(x[i, j] - largest)
            total += y[i, j]
        for j in range(x.shape[1]):
            y[i, j] /= total
