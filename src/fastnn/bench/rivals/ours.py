"""fastnn itself, with out= as in a loop that runs for long."""

from __future__ import annotations

import numpy as np

import fastnn
from fastnn.bench.cases import Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import ours_network


def entry(case: Case, arrays: Arrays) -> Entry:
    """The cell computed by fastnn."""
    if case.is_network:
        return ours_network.entry(case, arrays)
    a = arrays
    if case.op in ("dense", "packed_dense"):
        x, w, b = a["x"], a["w"], a["b"]
        y = np.empty((x.shape[0], w.shape[1]), x.dtype)
        if case.op == "dense":
            return Entry(lambda: fastnn.dense(x, w, b, "relu", out=y), lambda _: (y,))
        packed = fastnn.PackedDense(w, b, "relu")
        return Entry(lambda: packed(x, out=y), lambda _: (y,))
    if case.op == "dense_backward":
        dy, x, w, y = a["dy"], a["x"], a["w"], a["y"]
        dx, dw, db = np.empty_like(x), np.empty_like(w), np.empty(w.shape[1], w.dtype)
        return Entry(
            lambda: fastnn.dense_backward(dy, x, w, y, "relu", dx_out=dx, dw_out=dw, db_out=db), lambda _: (dx, dw, db)
        )
    out = np.empty_like(a["y"] if case.op == "softmax_backward" else a["x"])
    if case.op == "softmax":
        return Entry(lambda: fastnn.softmax(a["x"], out=out), lambda _: (out,))
    if case.op == "log_softmax":
        return Entry(lambda: fastnn.log_softmax(a["x"], out=out), lambda _: (out,))
    if case.op == "softmax_backward":
        return Entry(lambda: fastnn.softmax_backward(a["dy"], a["y"], out=out), lambda _: (out,))
    x, targets = a["x"], a["targets"]
    return Entry(lambda: fastnn.cross_entropy_with_grad(x, targets, out=out), tuple)
