"""Matrix products: a block's tile of the result in registers, its operands' tiles in shared memory, two of each in turn.

While a pair of tiles is multiplied the next one is on its way from memory into registers. The rows and columns that a
thread computes are a tile's width apart, so that neighbouring threads read neighbouring words of shared memory and
write neighbouring results. An element is one chain of fused multiply-adds in ascending order of the inner index, from
the bias on (a small batch has eight chains, added in order): the order depends on the shapes alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .compiling import Kernel, cuda, kernel
from .elementary import fma
from .kinds import IDENTITY, RELU, applied


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


# 64 accumulators, 16 operands and 8 words on their way in: 4 bytes each, so float64 has a quarter of them.
LARGE = {np.dtype(np.float32): Tile(128, 128, 8, 8, 8), np.dtype(np.float64): Tile(64, 64, 8, 4, 4)}
SMALL = Tile(32, 32, 8, 4, 4)
# From so many large tiles on they are used: fewer would leave multiprocessors idle.
ENOUGH_TILES = 64
# The most rows of a small batch, the columns of its block, and the parts of the inner length.
BATCH_ROWS, BATCH_COLUMNS, BATCH_PARTS = 8, 32, 8

LAYOUTS = ("nn", "nt", "tn")


# An index without a sign: Numba would ask of each signed one whether it counts from the end.
unsigned = np.uint64


def _product(tile: Tile, layout: str, dtypes: tuple[Any, ...], name: str, blocks: int) -> Kernel:
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
        name=f"product_{name}_{layout}",
        threads=threads,
        blocks=blocks,
        dtypes=dtypes,
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
        if kind != IDENTITY and kind != RELU:  # noqa: SIM102 (a loop apart, so that f is in the code once, not 64 times)
            for e in range(tm * tn):
                row = first_row + t + e // tn * down
                column = first_column + x + e % tn * across
                if row < m and column < n:
                    y[unsigned(row * n + column)] = applied(kind, parameter, y[unsigned(row * n + column)])

    return product


F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
PRODUCTS = {
    **{("large", F32, layout): _product(LARGE[F32], layout, (F32,), "large_f32", 1) for layout in LAYOUTS},
    **{("large", F64, layout): _product(LARGE[F64], layout, (F64,), "large_f64", 2) for layout in LAYOUTS},
}
SMALL_PRODUCTS = {layout: _product(SMALL, layout, (F32, F64), "small", 6) for layout in LAYOUTS}


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
    """Queues y = f(a b + bias) of flat arrays; see the kernels. sizes are m, n and k, kind is number_of's."""
    m, n, k = sizes
    args = a, b, bias, m, n, k, kind[0], a.dtype.type(kind[1]), z, y
    if layout == "nn" and m <= BATCH_ROWS:
        product_batch.launch(-(-n // BATCH_COLUMNS) if m else 0, stream, *args)
        return
    tile = LARGE[np.dtype(a.dtype)]
    if -(-m // tile.rows) * -(-n // tile.columns) >= ENOUGH_TILES:
        chosen = PRODUCTS["large", np.dtype(a.dtype), layout]
    else:
        tile, chosen = SMALL, SMALL_PRODUCTS[layout]
    chosen.launch((-(-n // tile.columns), -(-m // tile.rows)), stream, *args)
