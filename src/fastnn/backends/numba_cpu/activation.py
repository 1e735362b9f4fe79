"""Activations and the parametric ReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from fastnn import activations

from .arrays import flat, new
from .compiling import call_at, kernel, parallel
from .kinds import applied, differentiated, number_of
from .simd import LANES, fma, load_some, select, spread, store_some
from .threads import run

if TYPE_CHECKING:
    from fastnn.activations import Kind
    from fastnn.arrays import Array

# Rows of prelu's gradient that are summed in one chain.
ROWS = 1024


@kernel
def activation_span(kind, parameter, z, y, at, count):
    """y = f(z) for `count` elements from `at` on of arrays of any shape; y may be z."""
    for i in range(at, at + count, LANES):
        rest = at + count - i
        store_some(y, i, rest, applied(kind, parameter, load_some(z, i, rest, 0.0)))


@kernel
def activation_forward(kind, parameter, z, y, begin, end):
    """y = f(z) for the blocks of 16 elements from begin to end of flat arrays; y may be z."""
    activation_span(kind, parameter, z, y, begin * LANES, min(end * LANES, z.size) - begin * LANES)


@parallel
def activation_forward_driver(address, kind, parameter, z, y, units, parts):
    """activation_forward on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, kind, parameter, z, y, units * part // parts, units * (part + 1) // parts)


@kernel
def activation_gradient(kind, parameter, dy, saved, dz, begin, end):
    """dz = dy f' for the blocks from begin to end; saved is y, or z where that is needed; dz may be dy."""
    for i in range(begin * LANES, min(end * LANES, dy.size), LANES):
        rest = dy.size - i
        value = differentiated(kind, parameter, load_some(dy, i, rest, 0.0), load_some(saved, i, rest, 0.0))
        store_some(dz, i, rest, value)


@parallel
def activation_gradient_driver(address, kind, parameter, dy, saved, dz, units, parts):
    """activation_gradient on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, kind, parameter, dy, saved, dz, units * part // parts, units * (part + 1) // parts)


@kernel
def prelu_forward(x, slope, columns, y, begin, end):
    """y = x where x > 0, else slope x, for the rows from begin to end; slope has 1 or `columns` elements."""
    for row in range(begin, end):
        for j in range(0, columns, LANES):
            rest = columns - j
            v = load_some(x, row * columns + j, rest, 0.0)
            s = spread(v, slope[0]) if slope.size == 1 else load_some(slope, j, rest, 0.0)
            store_some(y, row * columns + j, rest, select(v > 0.0, v, s * v))


@parallel
def prelu_forward_driver(address, x, slope, columns, y, units, parts):
    """prelu_forward on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, x, slope, columns, y, units * part // parts, units * (part + 1) // parts)


@kernel
def prelu_gradient(dy, x, slope, columns, dx, sums, begin, end):
    """dx = dy where x > 0, else slope dy; sums (chunks, columns) gets dy x where x <= 0, summed over 1024 rows each.

    begin and end count chunks of 1024 rows.
    """
    rows = x.size // columns
    for chunk in range(begin, end):
        for j in range(0, columns, LANES):
            rest = columns - j
            total = spread(x, 0.0)
            s = spread(x, slope[0]) if slope.size == 1 else load_some(slope, j, rest, 0.0)
            for row in range(chunk * ROWS, min((chunk + 1) * ROWS, rows)):
                v = load_some(x, row * columns + j, rest, 0.0)
                d = load_some(dy, row * columns + j, rest, 0.0)
                store_some(dx, row * columns + j, rest, select(v > 0.0, d, s * d))
                total = select(v > 0.0, total, fma(d, v, total))
            store_some(sums, chunk * columns + j, rest, total)


@parallel
def prelu_gradient_driver(address, dy, x, slope, columns, dx, sums, units, parts):
    """prelu_gradient on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, dy, x, slope, columns, dx, sums, units * part // parts, units * (part + 1) // parts)


def activation(z: Array, kind: str | Kind, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    y = new(out, z.shape, z.dtype)
    units = -(-z.size // LANES)
    run(activation_forward, activation_forward_driver, units, z.size, *number_of(kind), flat(z), flat(y))
    return y


def activation_backward(
    dy: Array, y: Array, kind: str | Kind, *, z: Array | None = None, out: Array | None = None
) -> Array:
    """As the public function of that name, for prepared arguments."""
    dz = new(out, dy.shape, dy.dtype)
    saved = z if z is not None and activations.needs_z(kind) else y
    units = -(-dy.size // LANES)
    args = *number_of(kind), flat(dy), flat(saved), flat(dz)
    run(activation_gradient, activation_gradient_driver, units, dy.size, *args)
    return dz


def prelu(x: Array, slope: Array, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    y = new(out, x.shape, x.dtype)
    columns = x.shape[-1]
    if x.size:
        run(prelu_forward, prelu_forward_driver, x.size // columns, x.size, flat(x), flat(slope), columns, flat(y))
    return y


def prelu_backward(dy: Array, x: Array, slope: Array) -> tuple[Array, Array]:
    """As the public function of that name, for prepared arguments."""
    dx = np.empty(x.shape, x.dtype)
    if x.size == 0:
        return dx, np.zeros(slope.shape, slope.dtype)
    columns = x.shape[-1]
    chunks = -(-(x.size // columns) // ROWS)
    sums = np.empty((chunks, columns), x.dtype)
    args = flat(dy), flat(x), flat(slope), columns, flat(dx), flat(sums)
    run(prelu_gradient, prelu_gradient_driver, chunks, x.size, *args)
    total = sums.sum(axis=None if slope.size == 1 else 0, dtype=np.float64)
    return dx, np.asarray(total, slope.dtype).reshape(slope.shape)
