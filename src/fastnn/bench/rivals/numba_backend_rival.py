"""fastnn's own numba backend: through the public functions, and its functions as the engine of networks calls them."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

import fastnn
from fastnn import backends
from fastnn.bench.cases import Arrays, Case
from fastnn.bench.measure import Entry

VERSION = f"numba {numba.__version__}"


def set_threads(n: int) -> None:
    """Limits the threads of fastnn, which the backend obeys."""
    fastnn.set_num_threads(n)


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The operations on the numba backend; no networks, whose engine is timed with the native backend."""
    if case.is_network:
        return []
    return [_entry(case, arrays, fastnn, {"backend": "numba"}), _entry(case, arrays, backends.load("numba"), {})]


def _entry(case: Case, a: Arrays, ops: Any, backend: dict[str, Any]) -> Entry:
    x = a["dy"] if case.op == "softmax_backward" else a["x"]
    if case.op in ("dense", "packed_dense"):
        w, b = a["w"], a["b"]
        y = np.empty((x.shape[0], w.shape[1]), x.dtype)
        if case.op == "dense":
            return Entry(lambda: ops.dense(x, w, b, "relu", out=y, **backend), lambda _: (y,))
        packed = ops.PackedDense(w, b, "relu", **backend)
        return Entry(lambda: packed(x, out=y), lambda _: (y,))
    if case.op == "dense_backward":
        dy, w, y = a["dy"], a["w"], a["y"]
        dx, dw, db = np.empty_like(x), np.empty_like(w), np.empty(w.shape[1], w.dtype)
        results = {"dx_out": dx, "dw_out": dw, "db_out": db}
        return Entry(lambda: ops.dense_backward(dy, x, w, y, "relu", **results, **backend), lambda _: (dx, dw, db))
    out = np.empty_like(x)
    if case.op == "softmax_backward":
        y = a["y"]
        return Entry(lambda: ops.softmax_backward(x, y, out=out, **backend), lambda _: (out,))
    if case.op == "cross_entropy_with_grad":
        targets = a["targets"]
        return Entry(lambda: ops.cross_entropy_with_grad(x, targets, out=out, **backend), tuple)
    operation = getattr(ops, case.op)
    return Entry(lambda: operation(x, out=out, **backend), lambda _: (out,))
