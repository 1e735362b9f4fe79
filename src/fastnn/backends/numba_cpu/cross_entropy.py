"""The losses over classes, from logits and from probabilities: one sweep for the loss and its gradient.

A row's loss is -sum(c * log p), c the weight of each class times its target. With label smoothing s, c is
weight * (q (1 - s) + s / C) for probabilities q; for an index it is weight * s / C, with weight * (1 - s) more at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from .arrays import back, flat, last, new
from .compiling import call_at, inlined, kernel, parallel
from .elementary import INFINITY, exp_of_negative, log
from .loss import mean_divisor
from .simd import LANES, first_lanes, load_some, select, spread, store_some, tree_max, tree_sum
from .softmax import log_of
from .threads import run

if TYPE_CHECKING:
    from fastnn.arrays import Array


@inlined
def _coefficients(x, q, weight, row, j, columns, smoothing):
    """c of the 16 classes from j on, the index's own part left out; 0 behind the last class."""
    rest = columns - j
    if q.size > 0:
        c = load_some(q, row * columns + j, rest, 0.0) * (1.0 - smoothing) + smoothing / columns
    else:
        c = spread(x, smoothing / columns)
    if weight.size > 0:
        c = c * load_some(weight, j, rest, 0.0)
    return c if rest >= LANES else select(first_lanes(x, rest), c, 0.0)


@inlined
def _picked(x, index, weight, row, smoothing):
    """The index's own part of c; 0 without indices."""
    if index.size == 0:
        return x.dtype.type(0.0)
    own = weight[index[row]] if weight.size > 0 else x.dtype.type(1.0)
    return own * x.dtype.type(1.0 - smoothing)


@kernel
def cross_entropy_rows(x, columns, index, ignored, q, weight, smoothing, factor, factors, losses, dx, begin, end):
    """Losses and gradients of the logits' rows from begin to end. All arrays are flat.

    Args:
        x: logits (rows, columns).
        index, ignored: int64, the class of each row, or empty; rows with the class `ignored` give 0.
        q: target probabilities (rows, columns), or empty.
        weight: of each class, or empty.
        smoothing: of the labels, from 0 to 1.
        factor, factors: what each row's gradient is multiplied by, one for all or (not empty) one a row.
        losses: the loss of each row.
        dx: the gradient (rows, columns), or empty; it may be x.
    """
    has_even = q.size > 0 or smoothing > 0.0
    zero = x.dtype.type(0.0)
    for row in range(begin, end):
        start = row * columns
        if index.size > 0 and index[row] == ignored:
            losses[row] = zero
            if dx.size > 0:
                for j in range(0, columns, LANES):
                    store_some(dx, start + j, columns - j, spread(x, 0.0))
            continue
        largest = spread(x, -INFINITY)
        for j in range(0, columns, LANES):
            v = load_some(x, start + j, columns - j, -INFINITY)
            largest = select(v > largest, v, largest)
        top = tree_max(largest)
        own = _picked(x, index, weight, row, smoothing)
        loss = zero
        if index.size > 0:
            loss = -own * (x[start + index[row]] - top)
        total, even, even_loss = spread(x, 0.0), spread(x, 0.0), spread(x, 0.0)
        for j in range(0, columns, LANES):
            rest = columns - j
            shifted = load_some(x, start + j, rest, -INFINITY) - top
            e = exp_of_negative(shifted)
            total = total + (e if rest >= LANES else select(first_lanes(x, rest), e, 0.0))
            if has_even:
                c = _coefficients(x, q, weight, row, j, columns, smoothing)
                even = even + c
                term = c * shifted
                even_loss = even_loss - (term if rest >= LANES else select(first_lanes(x, rest), term, 0.0))
            if dx.size > 0:
                store_some(dx, start + j, rest, e)
        s = tree_sum(total)
        mass = own + tree_sum(even)
        losses[row] = mass * log_of(s) + (loss + tree_sum(even_loss))
        if dx.size > 0:
            scale = factors[row] if factors.size > 0 else x.dtype.type(factor)
            share = mass / s
            for j in range(0, columns, LANES):
                rest = columns - j
                slope = load_some(dx, start + j, rest, 0.0) * share
                if has_even:
                    slope = slope - _coefficients(x, q, weight, row, j, columns, smoothing)
                store_some(dx, start + j, rest, slope * scale)
            if index.size > 0:
                dx[start + index[row]] -= own * scale


@parallel
def cross_entropy_driver(
    address, x, columns, index, ignored, q, weight, smoothing, factor, factors, losses, dx, units, parts
):
    """cross_entropy_rows on Numba's threads."""
    for part in numba.prange(parts):
        call_at(
            *(address, x, columns, index, ignored, q, weight, smoothing, factor, factors, losses, dx),
            *(units * part // parts, units * (part + 1) // parts),
        )


@kernel
def probability_rows(p, columns, index, q, weight, smoothing, low, high, factor, factors, losses, dp, begin, end):
    """As cross_entropy_rows, from probabilities p clipped to low ... high; the gradient is 0 where p was clipped."""
    has_even = q.size > 0 or smoothing > 0.0
    zero = spread(p, 0.0)
    for row in range(begin, end):
        start = row * columns
        own = _picked(p, index, weight, row, smoothing)
        loss = p.dtype.type(0.0)
        scale = factors[row] if factors.size > 0 else p.dtype.type(factor)
        slope = p.dtype.type(0.0)
        if index.size > 0:
            one = p[start + index[row]]
            clipped = low if one < low else high if one > high else one
            loss = -own * log_of(clipped)
            slope = -own * scale / one if clipped == one or one != one else p.dtype.type(0.0)
        total = zero
        if has_even or dp.size > 0:
            for j in range(0, columns, LANES):
                rest = columns - j
                v = load_some(p, start + j, rest, 1.0)
                c = _coefficients(p, q, weight, row, j, columns, smoothing) if has_even else zero
                if has_even:
                    inside = select(v < low, low, select(v > high, high, v))
                    total = total - c * log(inside)
                if dp.size > 0:
                    gradient = select(v < low, zero, select(v > high, zero, c * -scale / v)) if has_even else zero
                    store_some(dp, start + j, rest, gradient)
        losses[row] = loss + tree_sum(total)
        if index.size > 0 and dp.size > 0:
            dp[start + index[row]] += slope


@parallel
def probability_driver(
    address, p, columns, index, q, weight, smoothing, low, high, factor, factors, losses, dp, units, parts
):
    """probability_rows on Numba's threads."""
    for part in numba.prange(parts):
        call_at(
            *(address, p, columns, index, q, weight, smoothing, low, high, factor, factors, losses, dp),
            *(units * part // parts, units * (part + 1) // parts),
        )


class _Targets:
    """Targets, weights and factors as the kernels take them."""

    def __init__(
        self,
        x: Array,
        targets: Array,
        axis: int,
        weight: Array | None,
        ignored: int | None,
        reduction: str,
        dloss: Any,
    ) -> None:
        nothing = np.empty(0, x.dtype)
        self.index, self.q = np.empty(0, np.int64), nothing
        self.weight = nothing if weight is None else flat(weight)
        if targets.ndim == x.ndim:
            self.q = flat(last(targets, axis))
            total: Any = self.q.size // max(x.shape[axis], 1)
        else:
            self.index = flat(targets)
            total = self._mass(ignored)
        self.divisor = mean_divisor(total, reduction)
        is_many = isinstance(dloss, np.ndarray)
        self.factors = flat(dloss) if is_many else nothing
        self.factor = 1.0 if is_many else float(dloss) / self.divisor

    def _mass(self, ignored: int | None) -> Any:
        """The sum of the weights of the classes that count."""
        kept = self.index if ignored is None else self.index[self.index != ignored]
        return kept.size if self.weight.size == 0 else self.weight[kept].sum(dtype=np.float64)


def _cross_entropy(
    logits: Array,
    targets: Array,
    axis: int,
    weight: Array | None,
    ignored: int,
    smoothing: float,
    reduction: str,
    dloss: Any,
    out: Array | None,
    wants_grad: bool,
) -> tuple[Any, Array]:
    x, t = last(logits, axis), _Targets(logits, targets, axis, weight, ignored, reduction, dloss)
    rows, columns, losses, dx = _outputs(x, out if x is logits else None, wants_grad)
    args = (
        flat(x),
        columns,
        t.index,
        int(ignored),
        t.q,
        t.weight,
        float(smoothing),
        t.factor,
        t.factors,
        flat(losses),
        flat(dx),
    )
    run(cross_entropy_rows, cross_entropy_driver, rows, 4 * x.size, *args)
    return _reduced(losses, t, reduction), back(dx, axis, out) if wants_grad else dx


def _probabilities(
    p: Array,
    targets: Array,
    axis: int,
    weight: Array | None,
    smoothing: float,
    reduction: str,
    dloss: Any,
    out: Array | None,
    wants_grad: bool,
) -> tuple[Any, Array]:
    x, t = last(p, axis), _Targets(p, targets, axis, weight, None, reduction, dloss)
    rows, columns, losses, dp = _outputs(x, out if x is p else None, wants_grad)
    low, high = p.dtype.type(1e-7), p.dtype.type(1.0 - 1e-7)
    args = (
        flat(x),
        columns,
        t.index,
        t.q,
        t.weight,
        float(smoothing),
        low,
        high,
        t.factor,
        t.factors,
        flat(losses),
        flat(dp),
    )
    run(probability_rows, probability_driver, rows, 4 * x.size, *args)
    return _reduced(losses, t, reduction), back(dp, axis, out) if wants_grad else dp


def _outputs(x: Array, out: Array | None, wants_grad: bool) -> tuple[int, int, Array, Array]:
    """(rows, columns, the losses of the rows, the gradient)."""
    losses = np.empty(x.shape[:-1], x.dtype)
    gradient = new(out, x.shape, x.dtype) if wants_grad else np.empty(0, x.dtype)
    return losses.size, x.shape[-1], losses, gradient


def _reduced(losses: Array, targets: _Targets, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return losses.dtype.type(losses.sum(dtype=np.float64) / targets.divisor)


def cross_entropy(
    logits: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """As the public function of that name, for prepared arguments."""
    options = axis, weight, ignore_index, label_smoothing, reduction, 1.0, None
    return _cross_entropy(logits, targets, *options, False)[0]


def cross_entropy_with_grad(
    logits: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    options = axis, weight, ignore_index, label_smoothing, reduction, dloss, out
    return _cross_entropy(logits, targets, *options, True)


def categorical_cross_entropy(
    p: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _probabilities(p, targets, axis, weight, label_smoothing, reduction, 1.0, None, False)[0]


def categorical_cross_entropy_with_grad(
    p: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    return _probabilities(p, targets, axis, weight, label_smoothing, reduction, dloss, out, True)
