"""The dense layer, native."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn

from .answer import answered

if TYPE_CHECKING:
    from fastnn.activations import Kind
    from fastnn.arrays import Array


def dense(
    x: Array,
    w: Array,
    b: Array | None = None,
    activation: str | Kind = "identity",
    *,
    out: Array | None = None,
    z_out: Array | None = None,
) -> Array:
    """As the public function of that name, for prepared arguments."""
    result: Array = _fastnn.native_dense(x, w, b, activation, out, z_out)
    return answered(result)


def dense_backward(
    dy: Array,
    x: Array,
    w: Array,
    y: Array,
    activation: str | Kind = "identity",
    *,
    z: Array | None = None,
    need_dx: bool = True,
    dx_out: Array | None = None,
    dw_out: Array | None = None,
    db_out: Array | None = None,
) -> tuple[Array | None, Array, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Array | None, Array, Array] = _fastnn.native_dense_backward(
        dy, x, w, y, activation, z, need_dx, dx_out, dw_out, db_out
    )
    return answered(result)


class PackedDense:
    """A layer whose weights are in the kernels' own layout; packed is what the binding runs."""

    __slots__ = ("packed",)

    def __init__(self, w: Array, b: Array | None = None, activation: str | Kind = "identity") -> None:
        self.packed = _fastnn.PackedDense(w, b, activation)

    def __call__(self, x: Array, out: Array | None = None) -> Array:
        y: Array = _fastnn.native_packed_dense(self.packed, x, out)
        return answered(y)
