"""NumPy, with out= everywhere, so that no call allocates."""

from __future__ import annotations

import numpy as np

from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import numpy_network

VERSION = np.__version__


def set_threads(n: int) -> None:
    """Limits NumPy's BLAS."""
    import threadpoolctl

    threadpoolctl.threadpool_limits(n, user_api="blas")


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell in NumPy."""
    if case.is_network:
        return numpy_network.entries(case, arrays)
    make = {
        "dense": _dense,
        "dense_backward": _dense_backward,
        "softmax": _softmax,
        "log_softmax": _log_softmax,
        "softmax_backward": _softmax_backward,
        "cross_entropy_with_grad": _cross_entropy,
    }.get(case.op)
    return [make(arrays)] if make else []


def _dense(a: Arrays) -> Entry:
    x, w, b = a["x"], a["w"], a["b"]
    y = np.empty((x.shape[0], w.shape[1]), x.dtype)

    def call() -> None:
        np.matmul(x, w, out=y)
        np.add(y, b, out=y)
        np.maximum(y, 0, out=y)

    return Entry(call, lambda _: (y,))


def _dense_backward(a: Arrays) -> Entry:
    dy, x, w, y = a["dy"], a["x"], a["w"], a["y"]
    dz, dx, dw, db = np.empty_like(dy), np.empty_like(x), np.empty_like(w), np.empty(w.shape[1], w.dtype)
    positive = np.empty(y.shape, bool)

    def call() -> None:
        np.greater(y, 0, out=positive)
        np.multiply(dy, positive, out=dz)
        np.matmul(dz, w.T, out=dx)
        np.matmul(x.T, dz, out=dw)
        np.sum(dz, axis=0, out=db)

    return Entry(call, lambda _: (dx, dw, db))


def _softmax(a: Arrays) -> Entry:
    x = a["x"]
    y, row = np.empty_like(x), np.empty((x.shape[0], 1), x.dtype)

    def call() -> None:
        np.max(x, axis=-1, keepdims=True, out=row)
        np.subtract(x, row, out=y)
        np.exp(y, out=y)
        np.sum(y, axis=-1, keepdims=True, out=row)
        np.divide(y, row, out=y)

    return Entry(call, lambda _: (y,))


def _log_softmax(a: Arrays) -> Entry:
    x = a["x"]
    y, e, row = np.empty_like(x), np.empty_like(x), np.empty((x.shape[0], 1), x.dtype)

    def call() -> None:
        np.max(x, axis=-1, keepdims=True, out=row)
        np.subtract(x, row, out=y)
        np.exp(y, out=e)
        np.sum(e, axis=-1, keepdims=True, out=row)
        np.log(row, out=row)
        np.subtract(y, row, out=y)

    return Entry(call, lambda _: (y,))


def _softmax_backward(a: Arrays) -> Entry:
    dy, y = a["dy"], a["y"]
    dx, row = np.empty_like(y), np.empty((y.shape[0], 1), y.dtype)

    def call() -> None:
        np.multiply(dy, y, out=dx)
        np.sum(dx, axis=-1, keepdims=True, out=row)
        np.subtract(dy, row, out=dx)
        np.multiply(dx, y, out=dx)

    return Entry(call, lambda _: (dx,))


def _cross_entropy(a: Arrays) -> Entry:
    x, targets = a["x"], a["targets"]
    y, row, rows = np.empty_like(x), np.empty((x.shape[0], 1), x.dtype), np.arange(len(x))

    def call() -> Array:
        np.max(x, axis=-1, keepdims=True, out=row)
        np.subtract(x, row, out=y)
        chosen = y[rows, targets]
        np.exp(y, out=y)
        np.sum(y, axis=-1, keepdims=True, out=row)
        np.divide(y, row * x.dtype.type(len(x)), out=y)
        y[rows, targets] -= x.dtype.type(1 / len(x))
        return np.asarray(np.mean(np.log(row[:, 0]) - chosen))

    return Entry(call, lambda loss: (loss, y))
