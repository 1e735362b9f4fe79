"""The elementwise losses: value, gradient and sum in one sweep. Sums run in chunks of CHUNK elements, 16 lanes each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from .arrays import flat, new
from .compiling import call_at, inlined, kernel, parallel
from .elementary import exp_of_negative, larger, log, log1p, sigmoid, smaller
from .simd import LANES, absolute, first_lanes, load_some, select, spread, store_some, tree_sum
from .threads import run

if TYPE_CHECKING:
    from fastnn.arrays import Array

MSE, MAE, HUBER, POISSON, HINGE, BINARY_CROSS_ENTROPY, BINARY_CROSS_ENTROPY_WITH_LOGITS = range(7)
CHUNK = 4096


@inlined
def loss_value(kind, delta, y, t):
    """One element's loss; the formulas are those of backends/reference/loss.py."""
    zero = spread(y, 0.0)
    if kind == MSE:
        value = (y - t) * (y - t)
    elif kind == MAE:
        value = absolute(y - t)
    elif kind == HUBER:
        d = absolute(y - t)
        value = select(d < delta, d * d * 0.5, (d - 0.5 * delta) * delta)
    elif kind == POISSON:
        value = y - t * log(y + 1e-7)
    elif kind == HINGE:
        value = larger(1.0 - t * y, zero)
    elif kind == BINARY_CROSS_ENTROPY:
        value = -t * larger(log(y), spread(y, -100.0)) - (1.0 - t) * larger(log1p(-y), spread(y, -100.0))
    else:
        value = (1.0 - t) * y - smaller(y, zero) + log1p(exp_of_negative(-absolute(y)))
    return value


@inlined
def loss_slope(kind, delta, y, t):
    """The derivative of one element's loss by y."""
    zero = spread(y, 0.0)
    one = spread(y, 1.0)
    if kind == MSE:
        slope = (y - t) * 2.0
    elif kind == MAE:
        slope = select(y > t, one, select(y < t, -one, zero))
    elif kind == HUBER:
        slope = smaller(larger(y - t, -delta), delta)
    elif kind == POISSON:
        slope = 1.0 - t / (y + 1e-7)
    elif kind == HINGE:
        slope = select(1.0 - t * y > zero, -t, zero)
    elif kind == BINARY_CROSS_ENTROPY:
        slope = (y - t) / larger(y * (1.0 - y), 1e-12)
    else:
        slope = sigmoid(y) - t
    return slope


@kernel
def loss_chunks(kind, delta, y, t, weight, factor, factors, losses, dy, sums, begin, end):
    """Losses and gradients of the chunks of 4096 elements from begin to end. All arrays are flat.

    Args:
        kind, delta: the number of the loss; delta is Huber's.
        y, t: predictions and targets.
        weight: what each loss is multiplied by, or empty.
        factor, factors: what each gradient is multiplied by, one for all or (not empty) one each.
        losses, dy: each element's loss and gradient, or empty; dy may be y.
        sums: float64, the sum of each chunk's losses.
    """
    for chunk in range(begin, end):
        stop = min((chunk + 1) * CHUNK, y.size)
        total = spread(y, 0.0)
        for i in range(chunk * CHUNK, stop, LANES):
            rest = stop - i
            v = load_some(y, i, rest, 0.5)
            target = load_some(t, i, rest, 0.5)
            value = loss_value(kind, delta, v, target)
            scale = load_some(factors, i, rest, 0.0) if factors.size > 0 else spread(y, factor)
            if weight.size > 0:
                w = load_some(weight, i, rest, 0.0)
                value = value * w
                scale = scale * w
            if losses.size > 0:
                store_some(losses, i, rest, value)
            total = total + (value if rest >= LANES else select(first_lanes(y, rest), value, 0.0))
            if dy.size > 0:
                store_some(dy, i, rest, loss_slope(kind, delta, v, target) * scale)
        sums[chunk] = tree_sum(total)


@parallel
def loss_chunks_driver(address, kind, delta, y, t, weight, factor, factors, losses, dy, sums, units, parts):
    """loss_chunks on Numba's threads."""
    for part in numba.prange(parts):
        call_at(
            *(address, kind, delta, y, t, weight, factor, factors, losses, dy, sums),
            *(units * part // parts, units * (part + 1) // parts),
        )


@kernel
def squared_rows(y, t, columns, losses, begin, end):
    """losses[row] = the sum of (y - t)^2 over a row of `columns`, for the rows from begin to end of flat arrays."""
    for row in range(begin, end):
        result = 0.0
        for first in range(row * columns, (row + 1) * columns, CHUNK):
            stop = min(first + CHUNK, (row + 1) * columns)
            total = spread(y, 0.0)
            for i in range(first, stop, LANES):
                d = load_some(y, i, stop - i, 0.0) - load_some(t, i, stop - i, 0.0)
                total = total + d * d
            result += tree_sum(total)
        losses[row] = result


@parallel
def squared_rows_driver(address, y, t, columns, losses, units, parts):
    """squared_rows on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, y, t, columns, losses, units * part // parts, units * (part + 1) // parts)


def _spread(values: Array, shape: tuple[int, ...]) -> Array:
    """Values of a leading part of a shape, for each element of it."""
    spread_out = np.broadcast_to(values.reshape(values.shape + (1,) * (len(shape) - values.ndim)), shape)
    return np.ascontiguousarray(spread_out)


def mean_divisor(total: Any, reduction: str) -> float:
    """What the sum of the losses is divided by; a mean over no weight is nan."""
    if reduction != "mean":
        return 1.0
    return float(total) if total != 0 else float("nan")


def _evaluate(
    kind: int,
    delta: float,
    y: Array,
    targets: Array,
    sample_weight: Array | None,
    reduction: str,
    dloss: Any,
    out: Array | None,
    wants_grad: bool,
) -> tuple[Any, Array]:
    nothing = np.empty(0, y.dtype)
    weight = nothing if sample_weight is None else flat(_spread(sample_weight, y.shape))
    divisor = mean_divisor(y.size if sample_weight is None else weight.sum(dtype=np.float64), reduction)
    is_many = isinstance(dloss, np.ndarray)
    factors = flat(_spread(np.asarray(dloss, y.dtype), y.shape)) if is_many else nothing
    factor = 1.0 if is_many else float(dloss) / divisor
    losses = np.empty(y.shape if reduction == "none" else (0,), y.dtype)
    dy = new(out, y.shape, y.dtype) if wants_grad else nothing
    sums = np.zeros(-(-y.size // CHUNK), np.float64)
    run(
        *(loss_chunks, loss_chunks_driver, sums.size, 2 * y.size, kind, float(delta), flat(y), flat(targets), weight),
        *(factor, factors, flat(losses), flat(dy), sums),
    )
    return losses if reduction == "none" else y.dtype.type(sums.sum() / divisor), dy


def _value(kind: int, y: Array, targets: Array, weight: Array | None, reduction: str, delta: float = 0.0) -> Any:
    return _evaluate(kind, delta, y, targets, weight, reduction, 1.0, None, False)[0]


def _with_grad(
    kind: int,
    y: Array,
    targets: Array,
    weight: Array | None,
    reduction: str,
    dloss: Any,
    out: Array | None,
    delta: float = 0.0,
) -> tuple[Any, Array]:
    return _evaluate(kind, delta, y, targets, weight, reduction, dloss, out, True)


def mse(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(MSE, y, targets, sample_weight, reduction)


def mse_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    return _with_grad(MSE, y, targets, sample_weight, reduction, dloss, out)


def mae(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(MAE, y, targets, sample_weight, reduction)


def mae_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    return _with_grad(MAE, y, targets, sample_weight, reduction, dloss, out)


def huber(
    y: Array, targets: Array, *, delta: float = 1.0, sample_weight: Array | None = None, reduction: str = "mean"
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(HUBER, y, targets, sample_weight, reduction, delta)


def huber_with_grad(
    y: Array,
    targets: Array,
    *,
    delta: float = 1.0,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    return _with_grad(HUBER, y, targets, sample_weight, reduction, dloss, out, delta)


def _squared(y: Array, targets: Array, sample_weight: Array | None, reduction: str, dloss: Any) -> tuple[Any, Array]:
    """The loss of sum_squared_error, and what each sample's gradient is multiplied by."""
    columns = y.shape[-1] if y.ndim > 1 else 1
    shape = y.shape[:-1] if y.ndim > 1 else y.shape
    losses = np.zeros(shape, y.dtype)
    run(squared_rows, squared_rows_driver, losses.size, y.size, flat(y), flat(targets), columns, flat(losses))
    weight = np.ones((1,) * len(shape) or (1,), y.dtype) if sample_weight is None else sample_weight
    weight = np.broadcast_to(weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim)), shape)
    divisor = mean_divisor(weight.sum(dtype=np.float64), reduction)
    factors = np.asarray(weight * (np.asarray(dloss, np.float64) / divisor), y.dtype)
    if reduction == "none":
        return weight * losses, factors
    return y.dtype.type((weight * losses).sum(dtype=np.float64) / divisor), factors


def sum_squared_error(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _squared(y, targets, sample_weight, reduction, 1.0)[0]


def sum_squared_error_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    losses, factors = _squared(y, targets, sample_weight, reduction, dloss)
    dy = new(out, y.shape, y.dtype)
    nothing = np.empty(0, y.dtype)
    sums = np.zeros(-(-y.size // CHUNK), np.float64)
    args = flat(y), flat(targets), nothing, 1.0, flat(_spread(factors, y.shape)), nothing, flat(dy), sums
    run(loss_chunks, loss_chunks_driver, sums.size, 2 * y.size, MSE, 0.0, *args)
    return losses, dy


def poisson(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(POISSON, y, targets, sample_weight, reduction)


def poisson_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    return _with_grad(POISSON, y, targets, sample_weight, reduction, dloss, out)


def hinge(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(HINGE, y, targets, sample_weight, reduction)


def hinge_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    return _with_grad(HINGE, y, targets, sample_weight, reduction, dloss, out)


def binary_cross_entropy(
    y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean"
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(BINARY_CROSS_ENTROPY, y, targets, sample_weight, reduction)


def binary_cross_entropy_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    return _with_grad(BINARY_CROSS_ENTROPY, y, targets, sample_weight, reduction, dloss, out)


def binary_cross_entropy_with_logits(
    y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean"
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _value(BINARY_CROSS_ENTROPY_WITH_LOGITS, y, targets, sample_weight, reduction)


def binary_cross_entropy_with_logits_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    return _with_grad(BINARY_CROSS_ENTROPY_WITH_LOGITS, y, targets, sample_weight, reduction, dloss, out)
