"""fastnn's own cuda backend on arrays of the GPU, each call timed until the GPU is done; not yet timed on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastnn
from fastnn.backends import gpu
from fastnn.bench.cases import Arrays, Case
from fastnn.bench.measure import Entry

_reason = gpu.missing()
if _reason is not None:
    raise ImportError(_reason)

import numba_cuda  # noqa: E402
from numba import cuda  # noqa: E402

VERSION = f"numba-cuda {numba_cuda.__version__}"


def set_threads(n: int) -> None:
    """Does nothing: one thread of the processor queues the kernels, whatever n is."""


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The operations on the cuda backend; no networks, whose engine is timed with the native backend."""
    if case.is_network:
        return []
    return [_entry(case, {name: cuda.to_device(array) for name, array in arrays.items()})]


def _entry(case: Case, a: dict[str, Any]) -> Entry:
    x = a["dy"] if case.op == "softmax_backward" else a["x"]
    if case.op in ("dense", "packed_dense"):
        w, b = a["w"], a["b"]
        y = cuda.device_array((x.shape[0], w.shape[1]), x.dtype)
        if case.op == "dense":
            return _timed(lambda: fastnn.dense(x, w, b, "relu", out=y, backend="cuda"), y)
        packed = fastnn.PackedDense(w, b, "relu", backend="cuda")
        return _timed(lambda: packed(x, out=y), y)
    if case.op == "dense_backward":
        dy, w, y = a["dy"], a["w"], a["y"]
        results = [cuda.device_array(shape, x.dtype) for shape in (x.shape, w.shape, w.shape[1:])]
        outputs = dict(zip(("dx_out", "dw_out", "db_out"), results, strict=True))
        return _timed(lambda: fastnn.dense_backward(dy, x, w, y, "relu", **outputs, backend="cuda"), *results)
    out = cuda.device_array(x.shape, x.dtype)
    if case.op == "softmax_backward":
        y = a["y"]
        return _timed(lambda: fastnn.softmax_backward(x, y, out=out, backend="cuda"), out)
    if case.op == "cross_entropy_with_grad":
        targets = a["targets"]
        entry = _timed(lambda: fastnn.cross_entropy_with_grad(x, targets, out=out, backend="cuda"), out)
        return Entry(entry.call, lambda pair: tuple(array.copy_to_host() for array in pair))
    operation = getattr(fastnn, case.op)
    return _timed(lambda: operation(x, out=out, backend="cuda"), out)


def _timed(operation: Callable[[], Any], *results: Any) -> Entry:
    """The call, until the GPU is done with it; its results are those arrays of the device."""

    def call() -> Any:
        result = operation()
        cuda.synchronize()
        return result

    return Entry(call, lambda _: tuple(array.copy_to_host() for array in results))
