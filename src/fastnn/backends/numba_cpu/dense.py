"""The dense layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from fastnn import activations

from .activation import activation_backward
from .arrays import flat, new
from .compiling import allocating, call_at, kernel, parallel
from .gemm import (
    BLOCK,
    CHUNK,
    Panels,
    lying_panels,
    multiply,
    pack_panels,
    packed_panels,
    packed_size,
    product,
    scratch,
)
from .kinds import IDENTITY, number_of
from .simd import LANES, load_some, spread, store_some
from .threads import run
from .tile import width

if TYPE_CHECKING:
    from fastnn.activations import Kind
    from fastnn.arrays import Array

# Up to this many rows w is read where it lies: below, packing costs more than it saves.
FEW_ROWS = 32


@kernel
def column_sums(x, rows, columns, s, begin, end):
    """s (columns,) = the sums of the columns of a flat x (rows, columns), for the blocks of 16 from begin to end."""
    for block in range(begin, end):
        j = block * LANES
        rest = columns - j
        total = spread(x, 0.0)
        for first in range(0, rows, CHUNK):
            part = spread(x, 0.0)
            for row in range(first, min(first + CHUNK, rows)):
                part = part + load_some(x, row * columns + j, rest, 0.0)
            total = total + part
        store_some(s, j, rest, total)


@parallel
def column_sums_driver(address, x, rows, columns, s, units, parts):
    """column_sums on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, x, rows, columns, s, units * part // parts, units * (part + 1) // parts)


@allocating
def _product_alone(a, a_is_transposed, b, b_is_transposed, m, n, depth, bias, kind, parameter, y):
    """product for a B that is packed here, with all units on the calling thread."""
    if m == 0 or n == 0:
        return
    wide = width(y)
    panels = (n + wide - 1) // wide
    nothing = np.empty(0, y.dtype)
    packed = np.empty(panels * wide * depth, y.dtype)
    pack_panels(b.reshape(b.size), depth, n, b_is_transposed, packed, 0, panels)
    blocks = (m + BLOCK - 1) // BLOCK
    product(
        *(a, a_is_transposed, packed, depth * wide, wide, nothing, m, n, depth, bias, kind, parameter),
        *(y.reshape(y.size), nothing, BLOCK, panels, 0, blocks),
    )


@allocating
def dense_forward(x, w, b, kind, parameter, y):
    """y (B, O) = f(x @ w + b) from x (B, I), w (I, O) and b (O,), all C-contiguous, on the calling thread.

    kind is a number of kinds, such as kinds.RELU, and parameter its number; b may be empty.
    """
    rows, depth = x.shape
    _product_alone(x.reshape(x.size), False, w, False, rows, w.shape[1], depth, b, kind, parameter, y)


@allocating
def dense_gradient(dz, x, w, dx, dw, db):
    """dx = dz @ w.T, dw = x.T @ dz and db = the sum of dz's rows, on the calling thread; all C-contiguous.

    dz (B, O) is dy times f', as kernels.activation_gradient gives it; dx (B, I) may have no rows: then it is left out.
    """
    rows, depth = x.shape
    columns = w.shape[1]
    nothing = np.empty(0, dw.dtype)
    flat_dz = dz.reshape(dz.size)
    if dx.shape[0] > 0:
        _product_alone(flat_dz, False, w, True, rows, depth, columns, nothing, IDENTITY, 0.0, dx)
    _product_alone(x.reshape(x.size), True, dz, False, depth, columns, rows, nothing, IDENTITY, 0.0, dw)
    column_sums(flat_dz, rows, columns, db, 0, (columns + LANES - 1) // LANES)


def _weights(w: Array) -> tuple[Array, bool]:
    """A matrix as one axis, and whether that is its transpose's order."""
    return (flat(w), False) if w.flags.c_contiguous else (flat(w.T), True)


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
    inputs, outputs = w.shape
    rows = _rows(x)
    memory, is_transposed = _weights(w)
    if rows <= FEW_ROWS and not is_transposed:
        panels = lying_panels(memory, inputs, outputs)
    else:
        panels = packed_panels(memory, inputs, outputs, is_transposed)
    return _forward(x, panels, b, inputs, outputs, number_of(activation), out, z_out)


def _rows(x: Array) -> int:
    return int(np.prod(x.shape[:-1], dtype=np.int64))


def _forward(
    x: Array,
    panels: Panels,
    b: Array | None,
    inputs: int,
    outputs: int,
    kind: tuple[int, float],
    out: Array | None,
    z_out: Array | None,
) -> Array:
    y = new(out, (*x.shape[:-1], outputs), x.dtype)
    shape = (_rows(x), outputs, inputs)
    bias = None if b is None else flat(b)
    multiply(flat(x), False, panels, shape, bias, kind, flat(y), None if z_out is None else flat(z_out))
    return y


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
    inputs, outputs = w.shape
    rows, dtype = _rows(x), x.dtype
    dz = flat(dy)
    if number_of(activation)[0] != IDENTITY:
        dz = scratch.array("dz", dy.size, dtype)
        saved = z if z is not None and activations.needs_z(activation) else y
        activation_backward(flat(dy), flat(saved), activation, z=flat(saved), out=dz)
    dx = None
    plain = (IDENTITY, 0.0)
    if need_dx:
        dx = new(dx_out, x.shape, dtype)
        memory, is_transposed = _weights(w)
        panels = packed_panels(memory, outputs, inputs, not is_transposed)
        multiply(dz, False, panels, (rows, inputs, outputs), None, plain, flat(dx), None)
    dw = new(dw_out, w.shape, dtype)
    panels = packed_panels(dz, rows, outputs, False)
    multiply(flat(x), True, panels, (inputs, outputs, rows), None, plain, flat(dw), None)
    db = new(db_out, (outputs,), dtype)
    blocks = -(-outputs // LANES)
    run(column_sums, column_sums_driver, blocks, rows * outputs, dz, rows, outputs, flat(db))
    return dx, dw, db


class PackedDense:
    """A layer whose weights are kept in the panels of the products."""

    def __init__(self, w: Array, b: Array | None = None, activation: str | Kind = "identity") -> None:
        self._inputs, self._outputs = w.shape
        memory, is_transposed = _weights(w)
        panels = np.empty(packed_size(self._inputs, self._outputs, w.dtype), w.dtype)
        self._panels = packed_panels(memory, self._inputs, self._outputs, is_transposed, panels)
        self._b = None if b is None else b.copy()
        self._kind = number_of(activation)

    def __call__(self, x: Array, out: Array | None = None) -> Array:
        return _forward(x, self._panels, self._b, self._inputs, self._outputs, self._kind, out, None)
