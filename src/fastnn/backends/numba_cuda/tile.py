"""The matrix products' large tile: 128 x 128 float32 results in a block, 8 x 8 in a thread; 64 x 64, 4 x 4 of float64.

Everything moves in 16 bytes: from memory into registers, while the tiles before are multiplied; into shared memory,
two pairs of tiles in turn; and from there into registers again. A thread's rows and columns are two vectors each, half
a tile apart, and a warp is 8 threads wide and 4 high: so each of its loads from shared memory takes as few turns as its
bytes need. Rows of a tile are a vector longer than the tile, so that those which are written one number at a time (of
an operand that lies along the inner index) fall into different banks.

An element is one chain of fused multiply-adds in ascending order of the inner index, from the bias on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.backends.kind_numbers import IDENTITY, RELU

from .compiling import SIMULATED, Kernel, cuda, device, kernel
from .elementary import fma, like
from .kinds import applied
from .vectors import BYTES, load_vector, store_vector

THREADS = 256
# Threads along each side of a tile; the tile's inner length.
SIDE, INNER = 16, 8
LAYOUTS = ("nn", "nt", "tn")
# numba-cuda's simulator knows no alignment.
ALIGNMENT = None if SIMULATED else BYTES

# An index without a sign: Numba would ask of each signed one whether it counts from the end.
unsigned = np.uint64


def width(dtype: Any) -> int:
    """The rows, and the columns, of a tile."""
    return 2 * SIDE * (BYTES // int(np.dtype(dtype).itemsize))


@device
def write_vector(sums, first, lanes, row, column, m, n, is_whole, kind, z, y):
    """A vector of a thread's results, from the sum `first` on, to y and without the activation to z."""
    at = row * n + column
    if row < m and column < n:
        if z.size > 0:
            if is_whole != 0:
                store_vector(z, at, sums, first)
            else:
                for j in range(lanes):
                    if column + j < n:
                        z[unsigned(at + j)] = sums[first + j]
        if kind == RELU:
            for j in range(lanes):
                value = sums[first + j]
                sums[first + j] = like(value, 0.0) if value <= like(value, 0.0) else value
        if is_whole != 0:
            store_vector(y, at, sums, first)
        else:
            for j in range(lanes):
                if column + j < n:
                    y[unsigned(at + j)] = sums[first + j]


@device
def write_rows(sums, i, held, place, kind, z, y):
    """Rows i and i + 1 of a thread's `held`. Called for each pair by itself: so the sums' numbers are constants.

    In a loop the compiler would have left the sums in local memory, for it does not unroll one as long.
    """
    top, left, half, m, n, is_whole = place
    lanes = held // 2
    row = top + i % lanes + i // lanes * half
    write_vector(sums, i * held, lanes, row, left, m, n, is_whole, kind, z, y)
    write_vector(sums, i * held + lanes, lanes, row, left + half, m, n, is_whole, kind, z, y)
    write_vector(sums, i * held + held, lanes, row + 1, left, m, n, is_whole, kind, z, y)
    write_vector(sums, i * held + held + lanes, lanes, row + 1, left + half, m, n, is_whole, kind, z, y)


def _product(dtype: Any, layout: str, blocks: int) -> Kernel:
    """The kernel for operands that are stored so: n as they are, t transposed; a is (m, k), b is (k, n)."""
    a_is_transposed, b_is_transposed = layout[0] == "t", layout[1] == "t"
    lanes = BYTES // np.dtype(dtype).itemsize
    wide, half, held = width(dtype), SIDE * lanes, 2 * lanes
    # A tile's vectors along the inner index, and along the tile: a thread loads one of either.
    along_inner, along_tile = INNER // lanes, wide // lanes
    assert along_tile * INNER == THREADS
    pitch = wide + lanes
    # A pair of tiles.
    size = 2 * INNER * pitch
    shared, accumulators = 2 * size, held * held

    @kernel(
        "T[::1], T[::1], T[::1], int64, int64, int64, int64, T, T[::1], T[::1], int64, int64, int64",
        name=f"product_large_{np.dtype(dtype).name}_{layout}",
        threads=THREADS,
        blocks=blocks,
        dtypes=(dtype,),
        fma=True,
        unit="inner step",
        bytes=lambda size: size * 2 / wide,
        flops=lambda size: 2,
    )
    def product(a, b, bias, m, n, k, kind, parameter, z, y, a_is_whole, b_is_whole, y_is_whole):
        """y (m, n) = f(a b + bias), and z the same without f; bias and z may be empty.

        NAME_is_whole: whether every row of it, and it itself, begins at a multiple of 16 bytes.
        """
        tiles = cuda.shared.array(shared, a.dtype, ALIGNMENT)
        sums = cuda.local.array(accumulators, a.dtype)
        left = cuda.local.array(held, a.dtype)
        right = cuda.local.array(held, a.dtype)
        next_a = cuda.local.array(lanes, a.dtype)
        next_b = cuda.local.array(lanes, a.dtype)
        zero = a.dtype.type(0.0)
        thread = cuda.threadIdx.x
        lane = thread % 32
        warp = thread // 32
        across = (warp % 2 * 8 + lane % 8) * lanes
        down = (warp // 2 * 4 + lane // 8) * lanes
        first_row = cuda.blockIdx.y * wide
        first_column = cuda.blockIdx.x * wide
        for j in range(held):
            column = first_column + across + j % lanes + j // lanes * half
            start = bias[column] if bias.size > 0 and column < n else zero
            for i in range(held):
                sums[i * held + j] = start
        # What this thread brings of each tile: its place in the tile, and where it goes.
        if a_is_transposed:
            a_row, a_inner = thread % along_tile * lanes, thread // along_tile
        else:
            a_row, a_inner = thread // along_inner, thread % along_inner * lanes
        if b_is_transposed:
            b_column, b_inner = thread // along_inner, thread % along_inner * lanes
        else:
            b_column, b_inner = thread % along_tile * lanes, thread // along_tile
        to_a = a_inner * pitch + a_row
        to_b = INNER * pitch + b_inner * pitch + b_column
        row = first_row + a_row
        column = first_column + b_column
        steps = (k + INNER - 1) // INNER
        # One step more than there are: the first only fetches, the last only multiplies.
        for step in range(steps + 1):
            if step < steps:
                depth = step * INNER + a_inner
                at = depth * m + row if a_is_transposed else row * k + depth
                if a_is_whole != 0:
                    if row < m and depth < k:
                        load_vector(a, at, next_a, 0)
                    else:
                        for i in range(lanes):
                            next_a[i] = zero
                else:
                    for i in range(lanes):
                        inside = row + i < m and depth < k if a_is_transposed else row < m and depth + i < k
                        next_a[i] = a[unsigned(at + i)] if inside else zero
                depth = step * INNER + b_inner
                at = column * k + depth if b_is_transposed else depth * n + column
                if b_is_whole != 0:
                    if column < n and depth < k:
                        load_vector(b, at, next_b, 0)
                    else:
                        for i in range(lanes):
                            next_b[i] = zero
                else:
                    for i in range(lanes):
                        inside = column < n and depth + i < k if b_is_transposed else column + i < n and depth < k
                        next_b[i] = b[unsigned(at + i)] if inside else zero
            if step > 0:
                # Beyond k both operands are 0, and 0 times 0 changes nothing.
                at = ((step - 1) & 1) * size
                for _ in range(INNER):
                    for i in range(2):
                        load_vector(tiles, at + down + i * half, left, i * lanes)
                        load_vector(tiles, at + INNER * pitch + across + i * half, right, i * lanes)
                    at += pitch
                    for i in range(held):
                        for j in range(held):
                            sums[i * held + j] = fma(left[i], right[j], sums[i * held + j])
            if step < steps:
                at = (step & 1) * size
                if a_is_transposed:
                    store_vector(tiles, at + to_a, next_a, 0)
                else:
                    for i in range(lanes):
                        tiles[unsigned(at + to_a + i * pitch)] = next_a[i]
                if b_is_transposed:
                    for i in range(lanes):
                        tiles[unsigned(at + to_b + i * pitch)] = next_b[i]
                else:
                    store_vector(tiles, at + to_b, next_b, 0)
            # One barrier a step: the tiles just written are those that nobody has read since the last one.
            cuda.syncthreads()
        place = first_row + down, first_column + across, half, m, n, y_is_whole
        write_rows(sums, 0, held, place, kind, z, y)
        write_rows(sums, 2, held, place, kind, z, y)
        if held > 4:
            write_rows(sums, 4, held, place, kind, z, y)
            write_rows(sums, 6, held, place, kind, z, y)
        # A loop of its own over what this thread wrote, so that f is in the code once and not 64 times.
        if kind != IDENTITY and kind != RELU:
            for e in range(held * held):
                i, j = e // held, e % held
                row = first_row + down + i % lanes + i // lanes * half
                column = first_column + across + j % lanes + j // lanes * half
                if row < m and column < n:
                    y[unsigned(row * n + column)] = applied(kind, parameter, y[unsigned(row * n + column)])

    return product


PRODUCTS = {
    (np.dtype(dtype), layout): _product(dtype, layout, blocks)
    for dtype, blocks in ((np.float32, 2), (np.float64, 2))
    for layout in LAYOUTS
}


def is_whole(array: Any, row: int) -> int:
    """1 if a flat array and all its rows of that length begin at multiples of 16 bytes, else 0."""
    address = 0 if SIMULATED else array.device_ctypes_pointer.value or 0
    return int(address % BYTES == 0 and row * array.dtype.itemsize % BYTES == 0)


def multiply_large(
    a: Any,
    b: Any,
    bias: Any,
    layout: str,
    sizes: tuple[int, int, int],
    kind: tuple[int, float],
    z: Any,
    y: Any,
    stream: Any,
) -> None:
    """Queues y = f(a b + bias) in large tiles; see gemm.multiply, which chooses them."""
    m, n, k = sizes
    side = width(y.dtype)
    whole_a = is_whole(a, m if layout[0] == "t" else k)
    whole_b = is_whole(b, k if layout[1] == "t" else n)
    whole_y = is_whole(y, n) if z.size == 0 else is_whole(y, n) & is_whole(z, n)
    args = a, b, bias, m, n, k, kind[0], y.dtype.type(kind[1]), z, y, whole_a, whole_b, whole_y
    PRODUCTS[np.dtype(y.dtype), layout].launch((-(-n // side), -(-m // side)), stream, *args)
