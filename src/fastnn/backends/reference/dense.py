"""The dense layer: y = f(x @ w + b)."""

from __future__ import annotations

import numpy as np

from .activation import Kind, backward, forward
from .precision import Array, down, quiet, up


@quiet
def dense(
    x: Array,
    w: Array,
    b: Array | None = None,
    activation: Kind = "identity",
    *,
    out: Array | None = None,
    z_out: Array | None = None,
) -> Array:
    """y (…, O) = f(z), z = x @ w + b, from x (…, I), w (I, O), b (O,)."""
    z = up(x) @ up(w)
    if b is not None:
        z = z + up(b)
    y = forward(z, activation)
    if z_out is not None:
        down(z, x.dtype, z_out)
    return down(y, x.dtype, out)


@quiet
def dense_backward(
    dy: Array,
    x: Array,
    w: Array,
    y: Array,
    activation: Kind = "identity",
    *,
    z: Array | None = None,
    need_dx: bool = True,
    dx_out: Array | None = None,
    dw_out: Array | None = None,
    db_out: Array | None = None,
) -> tuple[Array | None, Array, Array]:
    """dz = dy * f'(z); dx = dz @ w.T, dw = x.T @ dz, db = the sum of dz over all rows."""
    inputs, outputs = w.shape
    dz = backward(up(dy), up(y), activation, None if z is None else up(z))
    rows = int(np.prod(dy.shape[:-1]))
    dz_rows = dz.reshape(rows, outputs)
    dw = up(x).reshape(rows, inputs).T @ dz_rows
    db = dz_rows.sum(axis=0)
    dx = down(dz @ up(w).T, x.dtype, dx_out) if need_dx else None
    return dx, down(dw, x.dtype, dw_out), down(db, x.dtype, db_out)


class PackedDense:
    """dense with w and b held ready for many calls."""

    def __init__(self, w: Array, b: Array | None = None, activation: Kind = "identity") -> None:
        self._w = np.array(w)
        self._b = None if b is None else np.array(b)
        self._activation = activation

    def __call__(self, x: Array, out: Array | None = None) -> Array:
        return dense(x, self._w, self._b, self._activation, out=out)
