"""Activations, native."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn

from .answer import answered

if TYPE_CHECKING:
    from fastnn.activations import Kind
    from fastnn.arrays import Array


def activation(z: Array, kind: str | Kind, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_activation(z, kind, out)
    return answered(result)


def activation_backward(
    dy: Array, y: Array, kind: str | Kind, *, z: Array | None = None, out: Array | None = None
) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_activation_backward(dy, y, kind, z, out)
    return answered(result)


def prelu(x: Array, slope: Array, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_prelu(x, slope, out)
    return answered(result)


def prelu_backward(dy: Array, x: Array, slope: Array) -> tuple[Array, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Array, Array] = _fastnn.native_prelu_backward(dy, x, slope)
    return answered(result)
