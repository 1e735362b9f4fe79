"""Matrix products: which kernel computes one, small tiles for results that are not large, and two for small batches.

A block's tile of the result is kept in registers, its operands' tiles in shared memory, two of each in turn: while one
pair is multiplied the next is on its way from memory into registers. An element is one chain of fused multiply-adds in
ascending order of the inner index, from the bias on, in small tiles as in large ones (tile.py). A small batch has eight
such chains, or one for each lane of a warp, added in a fixed order. Which it is depends on the shapes alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastnn.backends.kind_numbers import IDENTITY, RELU

from .compiling import Kernel, cuda, kernel
from .elementary import fma
from .kinds import applied
from .tile import LAYOUTS, multiply_large, unsigned, width
from .warp import WARP, warp_sum


class Tile(NamedTuple):
    """A block's tile: rows, columns and inner length, and the rows and columns of a thread."""

    rows: int
    columns: int
    inner: int
    thread_rows: int
    thread_columns: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.rows // self.thread_rows * (self.columns // self.thread_columns)


SMALL = Tile(32, 32, 8, 4, 4)
# From so many large tiles on they are used: fewer would leave multiprocessors idle.
ENOUGH_TILES = 64
# The most rows of a small batch, the columns of its block, and the parts of the inner length.
BATCH_ROWS, BATCH_COLUMNS, BATCH_PARTS = 8, 32, 8


def _product(tile: Tile, layout: str, blocks: int) -> Kernel:
    bm, bn, bk, tm, tn = tile
    threads = tile.threads
    # The rows and columns of a block's threads.
    across, down = bn // tn, bm // tm
    loads_a, loads_b = bm * bk // threads, bn * bk // threads
    a_is_transposed, b_is_transposed = layout[0] == "t", layout[1] == "t"
    # A word more in each row: tiles that are written along the inner index would meet in one bank.
    wide_a, wide_b, held = bm + 1, bn + 1, tm * tn
    size_a, size_b = 2 * bk * wide_a, 2 * bk * wide_b

    @kernel(
        "T[::1], T[::1], T[::1], int64, int64, int64, int64, T, T[::1], T[::1]",
        name=f"product_small_{layout}",
        threads=threads,
        blocks=blocks,
        fma=True,
        unit="inner step",
        bytes=lambda size: size * (1 / bm + 1 / bn),
        flops=lambda size: 2,
    )
    def product(a, b, bias, m, n, k, kind, parameter, z, y):
        """y (m, n) = f(a b + bias), and z without f; bias and z may be empty.

        a is (m, k), b is (k, n); with a t in the layout's name the operand is stored transposed.
        """
        a_tiles = cuda.shared.array(size_a, a.dtype)
        b_tiles = cuda.shared.array(size_b, a.dtype)
        zero = a.dtype.type(0.0)
        thread = cuda.threadIdx.x
        x = thread % across
        t = thread // across
        first_row = cuda.blockIdx.y * bm
        first_column = cuda.blockIdx.x * bn
        sums = cuda.local.array(held, a.dtype)
        next_a = cuda.local.array(loads_a, a.dtype)
        next_b = cuda.local.array(loads_b, a.dtype)
        left = cuda.local.array(tm, a.dtype)
        right = cuda.local.array(tn, a.dtype)
        for j in range(tn):
            column = first_column + x + j * across
            start = bias[column] if bias.size > 0 and column < n else zero
            for i in range(tm):
                sums[i * tn + j] = start
        steps = (k + bk - 1) // bk
        # One step more than there are: the first only fetches, the last only multiplies.
        for step in range(steps + 1):
            if step < steps:
                inner = step * bk
                for i in range(loads_a):
                    e = thread + i * threads
                    if a_is_transposed:
                        row = first_row + e % bm
                        depth = inner + e // bm
                        next_a[i] = a[unsigned(depth * m + row)] if row < m and depth < k else zero
                    else:
                        row = first_row + e // bk
                        depth = inner + e % bk
                        next_a[i] = a[unsigned(row * k + depth)] if row < m and depth < k else zero
                for i in range(loads_b):
                    e = thread + i * threads
                    if b_is_transposed:
                        column = first_column + e // bk
                        depth = inner + e % bk
                        next_b[i] = b[unsigned(column * k + depth)] if column < n and depth < k else zero
                    else:
                        column = first_column + e % bn
                        depth = inner + e // bn
                        next_b[i] = b[unsigned(depth * n + column)] if column < n and depth < k else zero
            if step > 0:
                which = (step - 1) & 1
                # The padding of the last step is left out: 0 times an infinite number is no number.
                at_a = which * (bk * wide_a) + t
                at_b = which * (bk * wide_b) + x
                for _ in range(min(bk, k - (step - 1) * bk)):
                    for i in range(tm):
                        left[i] = a_tiles[unsigned(at_a + i * down)]
                    for j in range(tn):
                        right[j] = b_tiles[unsigned(at_b + j * across)]
                    at_a += wide_a
                    at_b += wide_b
                    for i in range(tm):
                        for j in range(tn):
                            sums[i * tn + j] = fma(left[i], right[j], sums[i * tn + j])
            if step < steps:
                which = step & 1
                for i in range(loads_a):
                    e = thread + i * threads
                    if a_is_transposed:
                        a_tiles[unsigned(which * (bk * wide_a) + e // bm * wide_a + e % bm)] = next_a[i]
                    else:
                        a_tiles[unsigned(which * (bk * wide_a) + e % bk * wide_a + e // bk)] = next_a[i]
                for i in range(loads_b):
                    e = thread + i * threads
                    if b_is_transposed:
                        b_tiles[unsigned(which * (bk * wide_b) + e % bk * wide_b + e // bk)] = next_b[i]
                    else:
                        b_tiles[unsigned(which * (bk * wide_b) + e // bn * wide_b + e % bn)] = next_b[i]
            # One barrier a step: the tiles just written are those that nobody has read since the last one.
            cuda.syncthreads()
        for i in range(tm):
            for j in range(tn):
                row = first_row + t + i * down
                column = first_column + x + j * across
                if row < m and column < n:
                    value = sums[i * tn + j]
                    if z.size > 0:
                        z[unsigned(row * n + column)] = value
                    if kind == RELU:
                        value = zero if value <= zero else value
                    y[unsigned(row * n + column)] = value
        if kind != IDENTITY and kind != RELU:
            for e in range(tm * tn):
                row = first_row + t + e // tn * down
                column = first_column + x + e % tn * across
                if row < m and column < n:
                    y[unsigned(row * n + column)] = applied(kind, parameter, y[unsigned(row * n + column)])

    return product


SMALL_PRODUCTS = {layout: _product(SMALL, layout, 6) for layout in LAYOUTS}


@kernel(
    "T[::1], T[::1], T[::1], int64, int64, int64, int64, T, T[::1], T[::1]",
    threads=(BATCH_COLUMNS, BATCH_PARTS),
    blocks=4,
    fma=True,
    unit="inner step",
    bytes=lambda size: size / BATCH_ROWS,
    flops=lambda size: 2,
)
def product_batch(a, b, bias, m, n, k, kind, parameter, z, y):
    """product for up to 8 rows: each word of b is read once, by eight warps that have every eighth inner index."""
    parts = cuda.shared.array((BATCH_PARTS, BATCH_ROWS, BATCH_COLUMNS), a.dtype)
    lane = cuda.threadIdx.x
    part = cuda.threadIdx.y
    column = cuda.blockIdx.x * BATCH_COLUMNS + lane
    zero = a.dtype.type(0.0)
    sums = cuda.local.array(BATCH_ROWS, a.dtype)
    for i in range(BATCH_ROWS):
        sums[i] = zero
    if column < n:
        for depth in range(part, k, BATCH_PARTS):
            word = b[unsigned(depth * n + column)]
            for i in range(BATCH_ROWS):
                if i < m:
                    sums[i] = fma(a[i * k + depth], word, sums[i])
    for i in range(BATCH_ROWS):
        parts[part, i, lane] = sums[i]
    cuda.syncthreads()
    # Each warp finishes a row.
    if part < m and column < n:
        value = bias[column] if bias.size > 0 else zero
        for i in range(BATCH_PARTS):
            value += parts[i, part, lane]
        if z.size > 0:
            z[part * n + column] = value
        y[part * n + column] = applied(kind, parameter, value)


@kernel(
    "T[::1], T[::1], T[::1], int64, int64, int64, int64, T, T[::1], T[::1]",
    threads=(WARP, BATCH_PARTS),
    blocks=4,
    fma=True,
    shuffle=True,
    unit="inner step",
    bytes=lambda size: size / BATCH_ROWS,
    flops=lambda size: 2,
)
def product_batch_transposed(a, b, bias, m, n, k, kind, parameter, z, y):
    """product for up to 8 rows and b stored transposed: a warp computes a column, its lanes every 32nd inner index."""
    lane = cuda.threadIdx.x
    column = cuda.blockIdx.x * BATCH_PARTS + cuda.threadIdx.y
    zero = a.dtype.type(0.0)
    sums = cuda.local.array(BATCH_ROWS, a.dtype)
    for i in range(BATCH_ROWS):
        sums[i] = zero
    if column < n:
        for depth in range(lane, k, WARP):
            word = b[unsigned(column * k + depth)]
            for i in range(BATCH_ROWS):
                if i < m:
                    sums[i] = fma(a[unsigned(i * k + depth)], word, sums[i])
    value = zero
    for i in range(BATCH_ROWS):
        total = warp_sum(sums[i])
        # Each of the first lanes finishes a row.
        if lane == i:
            value = total
    if lane < m and column < n:
        value += bias[column] if bias.size > 0 else zero
        if z.size > 0:
            z[lane * n + column] = value
        y[lane * n + column] = applied(kind, parameter, value)


def multiply(
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
    """Queues y (m, n) = f(a b + bias), and z without f, of flat arrays; bias and z may be empty.

    Args:
        layout: n or t for each operand: stored as it is, a (m, k) and b (k, n), or transposed.
        sizes: m, n and k.
        kind: of f; see kinds.number_of.
    """
    m, n, k = sizes
    if m == 0 or n == 0:
        return
    args = a, b, bias, m, n, k, kind[0], a.dtype.type(kind[1]), z, y
    side = width(y.dtype)
    if m <= BATCH_ROWS and layout == "nn":
        product_batch.launch(-(-n // BATCH_COLUMNS), stream, *args)
    elif m <= BATCH_ROWS and layout == "nt":
        product_batch_transposed.launch(-(-n // BATCH_PARTS), stream, *args)
    elif -(-m // side) * -(-n // side) >= ENOUGH_TILES:
        multiply_large(a, b, bias, layout, sizes, kind, z, y, stream)
    else:
        SMALL_PRODUCTS[layout].launch((-(-n // SMALL.columns), -(-m // SMALL.rows)), stream, *args)
