"""softmax, its logarithm and logsumexp, native."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn

from .answer import answered

if TYPE_CHECKING:
    from fastnn.arrays import Array


def softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_softmax(x, axis, out)
    return answered(result)


def softmax_backward(dy: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_softmax_backward(dy, y, axis, out)
    return answered(result)


def log_softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_log_softmax(x, axis, out)
    return answered(result)


def log_softmax_backward(dy: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_log_softmax_backward(dy, y, axis, out)
    return answered(result)


def logsumexp(x: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_logsumexp(x, axis, keepdims)
    return answered(result)
