"""softmax, its logarithm, their gradients and logsumexp, over the last axis.

The row of a warp or block is held in registers (rows.py): one read and one write of memory. Beyond 8192 columns a block
first merges (max, sum of exp(x - max)) over the row, then reads it a second time.
"""

from __future__ import annotations

import math
from typing import Any

from .arrays import back, empty, filled, flat, hosted, last, new, stream_of, viewed
from .compiling import Kernel, cuda, kernel
from .elementary import exp, fma, log
from .rows import (
    BLOCK_BITS,
    BLOCK_HOLDS,
    BLOCK_THREADS,
    BLOCK_WARPS,
    MERGES,
    WARP_HOLDS,
    WARPS_THREADS,
    spread_of,
)
from .warp import block_merge, block_sum, merged

SOFTMAX, LOG_SOFTMAX, LOGSUMEXP = range(3)
# Blocks of a multiprocessor, by the elements that a lane holds: what the registers allow without spilling float64.
FORWARD_BLOCKS = {1: 12, 2: 12, 4: 12, 8: 5, 16: 4, 32: 2}
BACKWARD_BLOCKS = {1: 12, 2: 12, 4: 10, 8: 6, 16: 4, 32: 2}


def _forward(key: tuple[str, int]) -> Kernel:
    """The kernel for rows of which a lane holds so many elements."""
    group, held = key
    merge_max, merge_sum = MERGES[group]
    fixed = BLOCK_BITS if group == "block" else 5 if held > 1 else -1
    threads = BLOCK_THREADS if group == "block" else WARPS_THREADS

    @kernel(
        "int64, T[::1], int64, int64, int64, T[::1]",
        name=f"softmax_{group}_{held}",
        threads=threads,
        blocks=max(FORWARD_BLOCKS[held] * WARPS_THREADS // threads, 1),
        fma=True,
        shuffle=True,
        bytes=lambda size: 2 * size,
        flops=lambda size: 8,
    )
    def forward(what, x, rows, columns, few, y):
        """y = softmax, log_softmax (both may be in place) or logsumexp of x (rows, columns), by `what`.

        2^few lanes have a row, where that is not fixed.
        """
        bits = fixed if fixed >= 0 else few
        thread = cuda.blockIdx.x * threads + cuda.threadIdx.x
        row = thread >> bits
        lane = thread & ((1 << bits) - 1)
        start = row * columns
        width = columns if row < rows else 0
        zero = x.dtype.type(0.0)
        infinity = x.dtype.type(math.inf)
        v = cuda.local.array(held, x.dtype)
        top = -infinity
        for i in range(held):
            j = (i << bits) + lane
            v[i] = x[start + j] if j < width else -infinity
            top = v[i] if v[i] > top else top
        top = merge_max(top, bits)
        # Without a finite maximum the exponentials say it all: nan, inf, or 0 for a row of -inf alone.
        if what == LOGSUMEXP and not -infinity < top < infinity:
            top = zero
        total = zero
        for i in range(held):
            v[i] = v[i] - top
            e = exp(v[i])
            total += e if (i << bits) + lane < width else zero
            if what == SOFTMAX:
                v[i] = e
        total = merge_sum(total, bits)
        if what == LOGSUMEXP:
            if lane == 0 and row < rows:
                y[row] = top + log(total)
        elif what == SOFTMAX:
            factor = x.dtype.type(1.0) / total
            for i in range(held):
                j = (i << bits) + lane
                if j < width:
                    y[start + j] = v[i] * factor
        else:
            logarithm = log(total)
            for i in range(held):
                j = (i << bits) + lane
                if j < width:
                    y[start + j] = v[i] - logarithm

    return forward


def _backward(key: tuple[str, int]) -> Kernel:
    """The kernel for rows of which a lane holds so many elements."""
    group, held = key
    merge_sum = MERGES[group][1]
    fixed = BLOCK_BITS if group == "block" else 5 if held > 1 else -1
    threads = BLOCK_THREADS if group == "block" else WARPS_THREADS

    @kernel(
        "int64, T[::1], T[::1], int64, int64, int64, T[::1]",
        name=f"softmax_backward_{group}_{held}",
        threads=threads,
        blocks=max(BACKWARD_BLOCKS[held] * WARPS_THREADS // threads, 1),
        fma=True,
        shuffle=True,
        bytes=lambda size: 3 * size,
        flops=lambda size: 4,
    )
    def backward(what, dy, y, rows, columns, few, dx):
        """dx = y (dy - sum(dy y)) for softmax, dy - exp(y) sum(dy) for log_softmax; dx may be dy."""
        bits = fixed if fixed >= 0 else few
        thread = cuda.blockIdx.x * threads + cuda.threadIdx.x
        row = thread >> bits
        lane = thread & ((1 << bits) - 1)
        start = row * columns
        width = columns if row < rows else 0
        zero = dy.dtype.type(0.0)
        d = cuda.local.array(held, dy.dtype)
        v = cuda.local.array(held, dy.dtype)
        total = zero
        for i in range(held):
            j = (i << bits) + lane
            d[i] = dy[start + j] if j < width else zero
            v[i] = y[start + j] if j < width else zero
            total = fma(d[i], v[i], total) if what == SOFTMAX else total + d[i]
        total = merge_sum(total, bits)
        for i in range(held):
            j = (i << bits) + lane
            if j < width:
                dx[start + j] = v[i] * (d[i] - total) if what == SOFTMAX else fma(exp(v[i]), -total, d[i])

    return backward


HELD = [("warp", held) for held in WARP_HOLDS] + [("block", held) for held in BLOCK_HOLDS]
FORWARD = {key: _forward(key) for key in HELD}
BACKWARD = {key: _backward(key) for key in HELD}


@kernel(
    "int64, T[::1], int64, T[::1]",
    threads=BLOCK_THREADS,
    blocks=4,
    fma=True,
    shuffle=True,
    bytes=lambda size: 3 * size,
    flops=lambda size: 12,
)
def softmax_long(what, x, columns, y):
    """As the other kernels, for rows of any length, a block each; they are read twice, for logsumexp once."""
    row = cuda.blockIdx.x
    start = row * columns
    infinity = x.dtype.type(math.inf)
    one = x.dtype.type(1.0)
    top = -infinity
    total = x.dtype.type(0.0)
    for j in range(cuda.threadIdx.x, columns, BLOCK_THREADS):
        top, total = merged(top, total, x[start + j], one)
    top, total = block_merge(top, total, BLOCK_WARPS)
    logarithm = log(total)
    if what == LOGSUMEXP:
        if cuda.threadIdx.x == 0:
            y[row] = top + logarithm
        return
    # A row with +inf has no softmax.
    factor = one / total if top < infinity else x.dtype.type(math.nan)
    if not top < infinity:
        logarithm = x.dtype.type(math.nan)
    for j in range(cuda.threadIdx.x, columns, BLOCK_THREADS):
        shifted = x[start + j] - top
        y[start + j] = exp(shifted) * factor if what == SOFTMAX else shifted - logarithm


@kernel(
    "int64, T[::1], T[::1], int64, T[::1]",
    threads=BLOCK_THREADS,
    blocks=4,
    fma=True,
    shuffle=True,
    bytes=lambda size: 5 * size,
    flops=lambda size: 4,
)
def softmax_backward_long(what, dy, y, columns, dx):
    """As the other kernels, for rows of any length, a block each; they are read twice."""
    start = cuda.blockIdx.x * columns
    total = dy.dtype.type(0.0)
    for j in range(cuda.threadIdx.x, columns, BLOCK_THREADS):
        d = dy[start + j]
        total = fma(d, y[start + j], total) if what == SOFTMAX else total + d
    total = block_sum(total, BLOCK_WARPS)
    for j in range(cuda.threadIdx.x, columns, BLOCK_THREADS):
        d = dy[start + j]
        v = y[start + j]
        dx[start + j] = v * (d - total) if what == SOFTMAX else fma(exp(v), -total, d)


def _last_axis(x: Any, axis: int) -> tuple[tuple[int, ...], int, int]:
    """(shape with that axis last, rows, columns)."""
    axis %= x.ndim
    shape = (*x.shape[:axis], *x.shape[axis + 1 :], x.shape[axis])
    return shape, math.prod(shape[:-1]), shape[-1]


def _run(what: int, x: Any, rows: int, columns: int, y: Any, stream: Any) -> None:
    spread = spread_of(rows, columns)
    if spread.key in FORWARD:
        FORWARD[spread.key].launch(spread.blocks, stream, what, flat(x), rows, columns, spread.bits, flat(y))
    else:
        softmax_long.launch(spread.blocks, stream, what, flat(x), columns, flat(y))


def _forward_call(what: int, x: Any, axis: int, out: Any) -> Any:
    stream = stream_of(x, out)
    shape, rows, columns = _last_axis(x, axis)
    if x.size == 0:
        return new(out, tuple(x.shape), x.dtype, stream)
    moved = last(x, axis, stream)
    y = new(out if moved is x else None, shape, x.dtype, stream)
    _run(what, moved, rows, columns, y, stream)
    return back(y, axis, out, stream)


def _backward_call(what: int, dy: Any, y: Any, axis: int, out: Any) -> Any:
    stream = stream_of(dy, y, out)
    shape, rows, columns = _last_axis(dy, axis)
    if dy.size == 0:
        return new(out, tuple(dy.shape), dy.dtype, stream)
    moved, results = last(dy, axis, stream), last(y, axis, stream)
    dx = new(out if moved is dy else None, shape, dy.dtype, stream)
    spread = spread_of(rows, columns)
    args = what, flat(moved), flat(results)
    if spread.key in BACKWARD:
        BACKWARD[spread.key].launch(spread.blocks, stream, *args, rows, columns, spread.bits, flat(dx))
    else:
        softmax_backward_long.launch(spread.blocks, stream, *args, columns, flat(dx))
    return back(dx, axis, out, stream)


@hosted(outputs=("out",))
def softmax(x: Any, axis: int = -1, *, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _forward_call(SOFTMAX, x, axis, out)


@hosted(outputs=("out",))
def log_softmax(x: Any, axis: int = -1, *, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _forward_call(LOG_SOFTMAX, x, axis, out)


@hosted(outputs=("out",))
def softmax_backward(dy: Any, y: Any, axis: int = -1, *, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _backward_call(SOFTMAX, dy, y, axis, out)


@hosted(outputs=("out",))
def log_softmax_backward(dy: Any, y: Any, axis: int = -1, *, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _backward_call(LOG_SOFTMAX, dy, y, axis, out)


@hosted()
def logsumexp(x: Any, axis: int = -1, keepdims: bool = False) -> Any:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(x)
    shape, rows, columns = _last_axis(x, axis)
    kept = tuple(1 if i == axis % x.ndim else n for i, n in enumerate(x.shape))
    if x.size == 0:
        s = filled(shape[:-1], x.dtype, -math.inf, stream)
    else:
        s = empty(shape[:-1], x.dtype, stream)
        _run(LOGSUMEXP, last(x, axis, stream), rows, columns, s, stream)
    return viewed(s, kept) if keepdims else s
