"""softmax and its family, along one axis."""

from __future__ import annotations

import numpy as np

from .precision import Array, down, quiet, up


def shifted(x: Array, axis: int = -1) -> Array:
    """x minus its maximum along the axis; a row with nan or +inf, or of -inf alone, gets a nan."""
    largest = x.max(axis=axis, keepdims=True, initial=-np.inf)
    return np.asarray(x - largest)


def log_softmax64(x: Array, axis: int = -1) -> Array:
    """log_softmax of a float64 x, in float64."""
    s = shifted(x, axis)
    return np.asarray(s - np.log(np.exp(s).sum(axis=axis, keepdims=True)))


@quiet
def softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """y = exp(x) / sum(exp(x))."""
    e = np.exp(shifted(up(x), axis))
    return down(e / e.sum(axis=axis, keepdims=True), x.dtype, out)


@quiet
def softmax_backward(dy: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """dx = y * (dy - sum(dy * y))."""
    dot = (up(dy) * up(y)).sum(axis=axis, keepdims=True)
    return down(up(y) * (up(dy) - dot), dy.dtype, out)


@quiet
def log_softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """y = x - log(sum(exp(x)))."""
    return down(log_softmax64(up(x), axis), x.dtype, out)


@quiet
def log_softmax_backward(dy: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """dx = dy - exp(y) * sum(dy)."""
    return down(up(dy) - np.exp(up(y)) * up(dy).sum(axis=axis, keepdims=True), dy.dtype, out)


@quiet
def logsumexp(x: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """s = log(sum(exp(x))): -inf for a row of -inf alone, or of nothing; inf for a row with +inf and no nan."""
    largest = up(x).max(axis=axis, keepdims=True, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    s = largest + np.log(np.exp(up(x) - largest).sum(axis=axis, keepdims=True))
    return down(s if keepdims else s.squeeze(axis=axis), x.dtype)
