"""Dropout and the randomised leaky ReLU, native."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn

from .answer import answered

if TYPE_CHECKING:
    from fastnn.arrays import Array


def dropout(x: Array, p: float, *, seed: int, counter: int, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_dropout(x, p, seed, counter, out)
    return answered(result)


def dropout_backward(dy: Array, p: float, *, seed: int, counter: int, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_dropout_backward(dy, p, seed, counter, out)
    return answered(result)


def rrelu(
    x: Array,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    seed: int = 0,
    counter: int = 0,
    out: Array | None = None,
) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_rrelu(x, lower, upper, training, seed, counter, out)
    return answered(result)


def rrelu_backward(
    dy: Array,
    x: Array,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    seed: int = 0,
    counter: int = 0,
    out: Array | None = None,
) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_rrelu_backward(dy, x, lower, upper, training, seed, counter, out)
    return answered(result)
