"""Activations and the parametric ReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import activations
from fastnn.backends.kind_numbers import number_of

from .arrays import blocks_for, empty, filled, flat, hosted, new, stream_of
from .compiling import cuda, kernel
from .kinds import applied, differentiated
from .sums import finish_loss, nothing

if TYPE_CHECKING:
    from fastnn.activations import Kind

THREADS = 256
# Elements of a block, 4 a thread.
CHUNK = 4 * THREADS
# Rows of prelu's gradient that are summed in one chain, and the columns of a block.
ROWS = 64
COLUMNS = 128


@kernel(
    "int64, T, T[::1], T[::1]",
    threads=THREADS,
    blocks=4,
    fma=True,
    bytes=lambda size: 2 * size,
    flops=lambda size: 10,
)
def activation_elements(kind, parameter, z, y):
    """y = f(z); y may be z."""
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < z.size:
            y[i] = applied(kind, parameter, z[i])


@kernel(
    "int64, T, T[::1], T[::1], T[::1]",
    threads=THREADS,
    blocks=4,
    fma=True,
    bytes=lambda size: 3 * size,
    flops=lambda size: 12,
)
def activation_gradient(kind, parameter, dy, saved, dz):
    """dz = dy f'; saved is y, or z where that is needed; dz may be dy."""
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < dy.size:
            dz[i] = differentiated(kind, parameter, dy[i], saved[i])


@kernel("T[::1], T[::1], T[::1]", threads=THREADS, blocks=8, bytes=lambda size: 2 * size, flops=lambda size: 1)
def prelu_elements(x, slope, y):
    """y = x where x > 0, else slope x; slope has an element, or one for each column."""
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < x.size:
            v = x[i]
            s = slope[0] if slope.size == 1 else slope[i % slope.size]
            y[i] = v if v > x.dtype.type(0.0) else s * v


@kernel(
    "T[::1], T[::1], T[::1], int64, T[::1], float64[::1]",
    threads=COLUMNS,
    blocks=8,
    doubles=True,
    bytes=lambda size: 3 * size,
    flops=lambda size: 3,
)
def prelu_gradient(dy, x, slope, columns, dx, sums):
    """dx = dy where x > 0, else slope dy; sums (chunks, columns) gets dy x where x <= 0, summed over 64 rows each.

    The second axis of the grid counts the chunks. The last row may be shorter, where slope has one element.
    """
    column = cuda.blockIdx.x * COLUMNS + cuda.threadIdx.x
    if column < columns:
        zero = x.dtype.type(0.0)
        s = slope[0] if slope.size == 1 else slope[column]
        total = np.float64(0.0)
        begin = cuda.blockIdx.y * ROWS * columns + column
        for i in range(begin, min(begin + ROWS * columns, x.size), columns):
            v = x[i]
            d = dy[i]
            if v > zero:
                dx[i] = d
            else:
                dx[i] = s * d
                total += np.float64(d) * np.float64(v)
        sums[cuda.blockIdx.y * columns + column] = total


@kernel(
    "float64[::1], T[::1]",
    threads=COLUMNS,
    blocks=8,
    doubles=True,
    unit="column",
    bytes=lambda size: size,
    flops=lambda size: 1,
)
def finish_columns(sums, totals):
    """totals[column] = the sum over the chunks of sums (chunks, columns)."""
    column = cuda.blockIdx.x * COLUMNS + cuda.threadIdx.x
    if column < totals.size:
        total = np.float64(0.0)
        for i in range(column, sums.size, totals.size):
            total += sums[i]
        totals[column] = totals.dtype.type(total)


@hosted(outputs=("out",))
def activation(z: Any, kind: str | Kind, *, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(z, out)
    y = new(out, tuple(z.shape), z.dtype, stream)
    number, parameter = number_of(kind)
    args = number, z.dtype.type(parameter), flat(z), flat(y)
    activation_elements.launch(blocks_for(z.size, CHUNK), stream, *args)
    return y


@hosted(outputs=("out",))
def activation_backward(dy: Any, y: Any, kind: str | Kind, *, z: Any = None, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(dy, y, z, out)
    dz = new(out, tuple(dy.shape), dy.dtype, stream)
    saved = z if z is not None and activations.needs_z(kind) else y
    number, parameter = number_of(kind)
    args = number, dy.dtype.type(parameter), flat(dy), flat(saved), flat(dz)
    activation_gradient.launch(blocks_for(dy.size, CHUNK), stream, *args)
    return dz


@hosted(outputs=("out",))
def prelu(x: Any, slope: Any, *, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(x, slope, out)
    y = new(out, tuple(x.shape), x.dtype, stream)
    prelu_elements.launch(blocks_for(x.size, CHUNK), stream, flat(x), flat(slope), flat(y))
    return y


@hosted()
def prelu_backward(dy: Any, x: Any, slope: Any) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(dy, x, slope)
    dx = empty(tuple(x.shape), x.dtype, stream)
    if x.size == 0:
        return dx, filled(tuple(slope.shape), slope.dtype, 0.0, stream)
    # One slope for all: the rows may be of any length.
    columns = slope.size if slope.size > 1 else min(2 * COLUMNS, x.size)
    chunks = -(-x.size // (columns * ROWS))
    sums = empty(chunks * columns, np.float64, stream)
    grid = blocks_for(columns, COLUMNS), chunks
    prelu_gradient.launch(grid, stream, flat(dy), flat(x), flat(slope), columns, flat(dx), sums)
    dslope = empty(tuple(slope.shape), slope.dtype, stream)
    if slope.size == 1:
        finish_loss.launch(1, stream, sums, nothing(np.float64, stream), 1.0, flat(dslope))
    else:
        finish_columns.launch(blocks_for(columns, COLUMNS), stream, sums, flat(dslope))
    return dx, dslope
