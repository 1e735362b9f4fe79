"""The elementwise losses: value, gradient and sum of 4096 elements a block in one launch.

sum_squared_error has a loss a row instead: a row on the lanes of a warp, or of a block beyond 1024 columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import empty, flat, hosted, is_device, new, stream_of
from .compiling import Kernel, cuda, device, kernel
from .elementary import divided, exp, larger, like, log, log1p, sigmoid, smaller
from .rows import BLOCK_THREADS, MERGES, WARPS_THREADS, spread_of_stream
from .sums import CHUNK, SUM, THREADS, WARPS, Mean, chunks_of, nothing, picked, sums_of
from .warp import block_sum

MSE, MAE, HUBER, POISSON, HINGE, BINARY_CROSS_ENTROPY, BINARY_CROSS_ENTROPY_WITH_LOGITS = range(7)


@device
def loss_value(kind, delta, y, t):
    """One element's loss; the formulas are those of backends/reference/loss.py."""
    one = like(y, 1.0)
    if kind == MSE:
        return (y - t) * (y - t)
    if kind == MAE:
        return abs(y - t)
    if kind == HUBER:
        d = abs(y - t)
        half = like(y, 0.5)
        return d * d * half if d < delta else (d - half * delta) * delta
    if kind == POISSON:
        return y - t * log(y + like(y, 1e-7))
    if kind == HINGE:
        return larger(one - t * y, like(y, 0.0))
    if kind == BINARY_CROSS_ENTROPY:
        least = like(y, -100.0)
        return -t * larger(log(y), least) - (one - t) * larger(log1p(-y), least)
    return (one - t) * y - smaller(y, like(y, 0.0)) + log1p(exp(-abs(y)))


@device
def loss_slope(kind, delta, y, t):
    """The derivative of one element's loss by y."""
    zero = like(y, 0.0)
    one = like(y, 1.0)
    if kind == MSE:
        return (y - t) + (y - t)
    if kind == MAE:
        return one if y > t else -one if y < t else zero
    if kind == HUBER:
        return smaller(larger(y - t, -delta), delta)
    if kind == POISSON:
        return one - divided(t, y + like(y, 1e-7))
    if kind == HINGE:
        return -t if one - t * y > zero else zero
    if kind == BINARY_CROSS_ENTROPY:
        return divided(y - t, larger(y * (one - y), like(y, 1e-12)))
    return sigmoid(y) - t


@kernel(
    "int64, T, T[::1], T[::1], T[::1], int64, T, T[::1], T[::1], T[::1], float64[::1]",
    threads=THREADS,
    blocks=4,
    fma=True,
    shuffle=True,
    doubles=True,
    bytes=lambda size: 3 * size,
    flops=lambda size: 6,
)
def loss_chunks(kind, delta, y, t, weight, stride, factor, factors, losses, dy, sums):
    """Losses and gradients of 4096 elements a block. All arrays are flat.

    Args:
        kind, delta: the number of the loss; delta is Huber's.
        y, t: predictions and targets.
        weight, stride: what each `stride` losses in turn are multiplied by, or empty.
        factor, factors: what each gradient is multiplied by: one for all, unless factors has one or one each.
        losses, dy: each element's loss and gradient, or empty; dy may be y.
        sums: the sum of each block's losses, or empty.
    """
    total = np.float64(0.0)
    first = cuda.blockIdx.x * CHUNK + cuda.threadIdx.x
    for i in range(first, min(first + CHUNK, y.size), THREADS):
        v = y[i]
        target = t[i]
        value = loss_value(kind, delta, v, target)
        scale = factor if factors.size == 0 else picked(factors, i, 1)
        if weight.size > 0:
            w = picked(weight, i, stride)
            value = value * w
            scale = scale * w
        if losses.size > 0:
            losses[i] = value
        if dy.size > 0:
            dy[i] = loss_slope(kind, delta, v, target) * scale
        total += np.float64(value)
    if sums.size > 0:
        total = block_sum(total, WARPS)
        if cuda.threadIdx.x == 0:
            sums[cuda.blockIdx.x] = total


def _squared(group: str) -> Kernel:
    """The kernel for rows of a group of lanes."""
    merge_sum = MERGES[group][1]
    threads = BLOCK_THREADS if group == "block" else WARPS_THREADS

    @kernel(
        "T[::1], T[::1], int64, int64, int64, T[::1], int64, T, T[::1], T[::1], T[::1]",
        name=f"squared_rows_{group}",
        threads=threads,
        blocks=4 if group == "block" else 8,
        fma=True,
        shuffle=True,
        bytes=lambda size: 3 * size,
        flops=lambda size: 5,
    )
    def rows_kernel(y, t, rows, columns, bits, weight, stride, factor, factors, losses, dy):
        """losses[row] = weight times the sum of (y - t)^2 over a row of `columns`; dy its gradient, or empty.

        2^bits lanes have a row; the other arguments are those of loss_chunks, for rows.
        """
        thread = cuda.blockIdx.x * threads + cuda.threadIdx.x
        # Lanes without a row follow the last one, for all must meet in the merge; they write nothing.
        row = min(thread >> bits, rows - 1)
        width = columns if thread >> bits < rows else 0
        lane = thread & ((1 << bits) - 1)
        scale = factor if factors.size == 0 else picked(factors, row, 1)
        w = picked(weight, row, stride) if weight.size > 0 else like(scale, 1.0)
        total = like(scale, 0.0)
        for i in range(row * columns + lane, row * columns + width, 1 << bits):
            d = y[i] - t[i]
            total += d * d
            if dy.size > 0:
                dy[i] = (d + d) * (scale * w)
        total = merge_sum(total, bits)
        if lane == 0 and thread >> bits < rows:
            losses[row] = total * w

    return rows_kernel


SQUARED = {group: _squared(group) for group in ("warp", "block")}


def _mean(count: int, weight: Any, reduction: str, stream: Any) -> Mean:
    """What `count` losses are divided by; weight as the public functions take it, or None."""
    if weight is None or reduction != "mean":
        return Mean(reduction, count)
    return Mean(reduction, count, sums_of(SUM, weight, stream), count // max(weight.size, 1))


def _evaluate(
    kind: int,
    delta: float,
    y: Any,
    targets: Any,
    sample_weight: Any,
    reduction: str,
    dloss: Any,
    out: Any,
    wants_grad: bool,
) -> tuple[Any, Any]:
    stream = stream_of(y, targets, sample_weight, dloss if is_device(dloss) else None, out)
    mean = _mean(y.size, sample_weight, reduction, stream)
    factor, factors = mean.factors(dloss, y.dtype, stream)
    weight = nothing(y.dtype, stream) if sample_weight is None else flat(sample_weight)
    stride = y.size // max(weight.size, 1)
    each = reduction == "none"
    losses = empty(tuple(y.shape) if each else 0, y.dtype, stream)
    dy = new(out, tuple(y.shape), y.dtype, stream) if wants_grad else nothing(y.dtype, stream)
    sums = empty(0 if each else chunks_of(y.size), np.float64, stream)
    real = y.dtype.type
    loss_chunks.launch(
        *(chunks_of(y.size), stream, kind, real(delta), flat(y), flat(targets), weight, stride),
        *(real(factor), factors, flat(losses), flat(dy), sums),
    )
    return losses if each else mean.loss(sums, y.dtype, stream), dy


def _rows(
    y: Any, targets: Any, sample_weight: Any, reduction: str, dloss: Any, out: Any, wants_grad: bool
) -> tuple[Any, Any]:
    """sum_squared_error of rows."""
    stream = stream_of(y, targets, sample_weight, dloss if is_device(dloss) else None, out)
    *leading, columns = y.shape
    losses = empty(tuple(leading), y.dtype, stream)
    mean = _mean(losses.size, sample_weight, reduction, stream)
    factor, factors = mean.factors(dloss, y.dtype, stream)
    weight = nothing(y.dtype, stream) if sample_weight is None else flat(sample_weight)
    stride = losses.size // max(weight.size, 1)
    dy = new(out, tuple(y.shape), y.dtype, stream) if wants_grad else nothing(y.dtype, stream)
    spread = spread_of_stream(losses.size, columns)
    SQUARED[spread.key[0]].launch(
        *(spread.blocks, stream, flat(y), flat(targets), losses.size, columns, spread.bits, weight, stride),
        *(y.dtype.type(factor), factors, flat(losses), flat(dy)),
    )
    if reduction == "none":
        return losses, dy
    return mean.loss(sums_of(SUM, losses, stream), y.dtype, stream), dy


def _value(kind: int, y: Any, targets: Any, weight: Any, reduction: str, delta: float = 0.0) -> Any:
    return _evaluate(kind, delta, y, targets, weight, reduction, 1.0, None, False)[0]


@hosted()
def mse(y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(MSE, y, targets, sample_weight, reduction)


@hosted(outputs=("out",))
def mse_with_grad(
    y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean", dloss: Any = 1.0, out: Any = None
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    return _evaluate(MSE, 0.0, y, targets, sample_weight, reduction, dloss, out, True)


@hosted()
def mae(y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(MAE, y, targets, sample_weight, reduction)


@hosted(outputs=("out",))
def mae_with_grad(
    y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean", dloss: Any = 1.0, out: Any = None
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    return _evaluate(MAE, 0.0, y, targets, sample_weight, reduction, dloss, out, True)


@hosted()
def huber(y: Any, targets: Any, *, delta: float = 1.0, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(HUBER, y, targets, sample_weight, reduction, delta)


@hosted(outputs=("out",))
def huber_with_grad(
    y: Any,
    targets: Any,
    *,
    delta: float = 1.0,
    sample_weight: Any = None,
    reduction: str = "mean",
    dloss: Any = 1.0,
    out: Any = None,
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    return _evaluate(HUBER, delta, y, targets, sample_weight, reduction, dloss, out, True)


@hosted()
def sum_squared_error(y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    if y.ndim == 1:
        return _value(MSE, y, targets, sample_weight, reduction)
    return _rows(y, targets, sample_weight, reduction, 1.0, None, False)[0]


@hosted(outputs=("out",))
def sum_squared_error_with_grad(
    y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean", dloss: Any = 1.0, out: Any = None
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    if y.ndim == 1:
        return _evaluate(MSE, 0.0, y, targets, sample_weight, reduction, dloss, out, True)
    return _rows(y, targets, sample_weight, reduction, dloss, out, True)


@hosted()
def poisson(y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(POISSON, y, targets, sample_weight, reduction)


@hosted(outputs=("out",))
def poisson_with_grad(
    y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean", dloss: Any = 1.0, out: Any = None
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    return _evaluate(POISSON, 0.0, y, targets, sample_weight, reduction, dloss, out, True)


@hosted()
def hinge(y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(HINGE, y, targets, sample_weight, reduction)


@hosted(outputs=("out",))
def hinge_with_grad(
    y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean", dloss: Any = 1.0, out: Any = None
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    return _evaluate(HINGE, 0.0, y, targets, sample_weight, reduction, dloss, out, True)


@hosted()
def binary_cross_entropy(y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(BINARY_CROSS_ENTROPY, y, targets, sample_weight, reduction)


@hosted(outputs=("out",))
def binary_cross_entropy_with_grad(
    y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean", dloss: Any = 1.0, out: Any = None
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    return _evaluate(BINARY_CROSS_ENTROPY, 0.0, y, targets, sample_weight, reduction, dloss, out, True)


@hosted()
def binary_cross_entropy_with_logits(
    y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean"
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(BINARY_CROSS_ENTROPY_WITH_LOGITS, y, targets, sample_weight, reduction)


@hosted(outputs=("out",))
def binary_cross_entropy_with_logits_with_grad(
    y: Any, targets: Any, *, sample_weight: Any = None, reduction: str = "mean", dloss: Any = 1.0, out: Any = None
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    return _evaluate(BINARY_CROSS_ENTROPY_WITH_LOGITS, 0.0, y, targets, sample_weight, reduction, dloss, out, True)
