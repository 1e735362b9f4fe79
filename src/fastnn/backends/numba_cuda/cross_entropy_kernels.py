"""The kernels of the losses over classes: a row's loss and its gradient in one launch.

A row's loss is -sum(c * log p), c the weight of each class times its target. With label smoothing s, c is
weight * (q (1 - s) + s / C) for probabilities q; for an index it is weight * s / C, with weight * (1 - s) more at it.
Rows are spread as rows.py says. Target probabilities and weights are read a second time for the gradient, mostly from
the caches.

Arguments that all of them have, in flat arrays:
    x or p: (rows, columns).
    index, ignored: the class of each row, or empty; rows with the class `ignored` give 0. A row whose class is out of
        range gives nan.
    q: target probabilities (rows, columns), or empty.
    weight: of each class, or empty.
    kept, even: 1 - s and s / C.
    factor, factors: what each row's gradient is multiplied by: one for all, unless factors has one or one a row.
    losses: the loss of each row.
    dx or dp: the gradient, or empty; it may be x.
"""

from __future__ import annotations

import math

import numpy as np

from .compiling import Kernel, cuda, device, kernel
from .elementary import divided, exp, like, log
from .rows import BLOCK_BITS, BLOCK_HOLDS, BLOCK_THREADS, BLOCK_WARPS, MERGES, WARP_HOLDS, WARPS_THREADS
from .sums import CHUNK, THREADS, WARPS, picked
from .warp import block_merge, block_sum, merged

COMMON = "T[::1], int64, int64, int64, int64[::1], int64, T[::1], T[::1], T, T"
SIGNATURE = f"{COMMON}, T, T[::1], T[::1], T[::1]"
# Blocks of a multiprocessor, by the elements that a lane holds: what the registers allow without spilling float64.
BLOCKS = {1: 8, 2: 8, 4: 8, 8: 5, 16: 3, 32: 2}


@device
def coefficient(q, weight, at, j, kept, even):
    """c of class j, the index's own part left out; `at` is its place in q."""
    c = q[at] * kept + even if q.size > 0 else even
    return c * weight[j] if weight.size > 0 else c


@device
def target_of(index, row, columns, ignored):
    """(the row's class, -1 for none; whether the row counts). Without indices there is no class."""
    if index.size == 0:
        return np.int64(-1), True
    target = index[row]
    is_inside = target >= 0 and target < columns
    return target if is_inside else np.int64(-1), target != ignored


@device
def own_of(index, target, weight, kept):
    """The index's own part of c: 0 without indices, nan for an index out of range."""
    if index.size == 0:
        return kept - kept
    if target < 0:
        return like(kept, math.nan)
    return kept * weight[target] if weight.size > 0 else kept


def _cross_entropy(key: tuple[str, int]) -> Kernel:
    """The kernel for rows of which a lane holds so many elements."""
    group, held = key
    merge_max, merge_sum = MERGES[group]
    fixed = BLOCK_BITS if group == "block" else 5 if held > 1 else -1
    threads = BLOCK_THREADS if group == "block" else WARPS_THREADS

    @kernel(
        SIGNATURE,
        name=f"cross_entropy_{group}_{held}",
        threads=threads,
        blocks=max(BLOCKS[held] * WARPS_THREADS // threads, 1),
        fma=True,
        shuffle=True,
        bytes=lambda size: 2 * size,
        flops=lambda size: 10,
    )
    def rows_kernel(x, rows, columns, few, index, ignored, q, weight, kept, even, factor, factors, losses, dx):
        """See above; 2^few lanes have a row, where that is not fixed."""
        bits = fixed if fixed >= 0 else few
        thread = cuda.blockIdx.x * threads + cuda.threadIdx.x
        # Lanes without a row follow the last one, for all must meet in the merges; they write nothing.
        row = min(thread >> bits, rows - 1)
        width = columns if thread >> bits < rows else 0
        lane = thread & ((1 << bits) - 1)
        start = row * columns
        zero = x.dtype.type(0.0)
        infinity = x.dtype.type(math.inf)
        has_even = q.size > 0 or even > zero
        target, counts = target_of(index, row, columns, ignored)
        own = own_of(index, target, weight, kept)
        v = cuda.local.array(held, x.dtype)
        top = -infinity
        for i in range(held):
            j = (i << bits) + lane
            v[i] = x[start + j] if j < width else -infinity
            top = v[i] if v[i] > top else top
        top = merge_max(top, bits)
        total = zero
        loss = zero
        mass = zero
        for i in range(held):
            v[i] = v[i] - top
            if (i << bits) + lane == target:
                loss -= own * v[i]
        if has_even:
            for i in range(held):
                j = (i << bits) + lane
                if j < width:
                    c = coefficient(q, weight, start + j, j, kept, even)
                    mass += c
                    loss -= c * v[i]
        for i in range(held):
            v[i] = exp(v[i])
            total += v[i] if (i << bits) + lane < width else zero
        total = merge_sum(total, bits)
        loss = merge_sum(loss, bits)
        if has_even:
            mass = merge_sum(mass, bits)
        mass += own
        if lane == 0 and width > 0:
            losses[row] = loss + mass * log(total) if counts else zero
        if dx.size > 0:
            scale = factor if factors.size == 0 else picked(factors, row, 1)
            share = divided(mass, total)
            for i in range(held):
                j = (i << bits) + lane
                if j < width:
                    slope = v[i] * share
                    if has_even:
                        slope -= coefficient(q, weight, start + j, j, kept, even)
                    if j == target:
                        slope -= own
                    # By a select, because the factor of a mean is nan when every row is ignored.
                    dx[start + j] = slope * scale if counts else zero

    return rows_kernel


CROSS_ENTROPY = {
    key: _cross_entropy(key)
    for key in [("warp", held) for held in WARP_HOLDS] + [("block", held) for held in BLOCK_HOLDS]
}


@kernel(
    SIGNATURE,
    threads=BLOCK_THREADS,
    blocks=3,
    fma=True,
    shuffle=True,
    bytes=lambda size: 3 * size,
    flops=lambda size: 14,
)
def cross_entropy_long(x, rows, columns, few, index, ignored, q, weight, kept, even, factor, factors, losses, dx):
    """See above; for rows of any length, a block each. They are read twice, for a loss of indices alone once."""
    row = cuda.blockIdx.x
    start = row * columns
    zero = x.dtype.type(0.0)
    one = x.dtype.type(1.0)
    has_even = q.size > 0 or even > zero
    target, counts = target_of(index, row, columns, ignored)
    own = own_of(index, target, weight, kept)
    top = x.dtype.type(-math.inf)
    total = zero
    mass = zero
    for j in range(cuda.threadIdx.x, columns, BLOCK_THREADS):
        top, total = merged(top, total, x[start + j], one)
        if has_even:
            mass += coefficient(q, weight, start + j, j, kept, even)
    top, total = block_merge(top, total, BLOCK_WARPS)
    # A row with +inf has no softmax.
    if not top < x.dtype.type(math.inf):
        total = x.dtype.type(math.nan)
    if has_even:
        mass = block_sum(mass, BLOCK_WARPS)
    mass += own
    scale = factor if factors.size == 0 else picked(factors, row, 1)
    share = divided(mass, total)
    loss = zero
    if dx.size == 0 and not has_even:
        if target >= 0 and cuda.threadIdx.x == 0:
            loss = -own * (x[start + target] - top)
    else:
        for j in range(cuda.threadIdx.x, columns, BLOCK_THREADS):
            shifted = x[start + j] - top
            slope = exp(shifted) * share
            if j == target:
                loss -= own * shifted
                slope -= own
            if has_even:
                c = coefficient(q, weight, start + j, j, kept, even)
                loss -= c * shifted
                slope -= c
            if dx.size > 0:
                dx[start + j] = slope * scale if counts else zero
    loss = block_sum(loss, BLOCK_WARPS)
    if cuda.threadIdx.x == 0:
        losses[row] = loss + mass * log(total) if counts else zero


def _probabilities(group: str) -> Kernel:
    """The kernel for rows of a group of lanes; each element is met once, so none is held."""
    merge_sum = MERGES[group][1]
    threads = BLOCK_THREADS if group == "block" else WARPS_THREADS

    @kernel(
        f"{COMMON}, T, T, T, T[::1], T[::1], T[::1]",
        name=f"probabilities_{group}",
        threads=threads,
        blocks=4 if group == "block" else 8,
        fma=True,
        shuffle=True,
        bytes=lambda size: 2 * size,
        flops=lambda size: 4,
    )
    def rows_kernel(
        p, rows, columns, bits, index, ignored, q, weight, kept, even, low, high, factor, factors, losses, dp
    ):
        """As the others, from probabilities p clipped to low ... high; the gradient is 0 where p was clipped."""
        thread = cuda.blockIdx.x * threads + cuda.threadIdx.x
        row = min(thread >> bits, rows - 1)
        width = columns if thread >> bits < rows else 0
        lane = thread & ((1 << bits) - 1)
        start = row * columns
        zero = p.dtype.type(0.0)
        has_even = q.size > 0 or even > zero
        target, counts = target_of(index, row, columns, ignored)
        own = own_of(index, target, weight, kept)
        scale = factor if factors.size == 0 else picked(factors, row, 1)
        loss = own - own
        for j in range(lane, width, 1 << bits):
            v = p[start + j]
            c = coefficient(q, weight, start + j, j, kept, even) if has_even else zero
            if j == target:
                c += own
            is_clipped = v < low or v > high
            if has_even or j == target:
                loss -= c * log(low if v < low else high if v > high else v)
            if dp.size > 0:
                dp[start + j] = zero if is_clipped else divided(c * -scale, v)
        loss = merge_sum(loss, bits)
        if lane == 0 and width > 0:
            losses[row] = loss if counts else zero

    return rows_kernel


PROBABILITIES = {group: _probabilities(group) for group in ("warp", "block")}


@kernel(
    "int64[::1], int64, int64, T[::1], float64[::1]",
    threads=THREADS,
    blocks=6,
    shuffle=True,
    doubles=True,
    unit="row",
    bytes=lambda size: 8 + size,
    flops=lambda size: 1,
)
def index_masses(index, columns, ignored, weight, sums):
    """sums[chunk] = the sum of the weights of 4096 rows' classes, ignored rows left out; weight may be empty."""
    total = np.float64(0.0)
    first = cuda.blockIdx.x * CHUNK + cuda.threadIdx.x
    for i in range(first, min(first + CHUNK, index.size), THREADS):
        target, counts = target_of(index, i, columns, ignored)
        if counts:
            if weight.size > 0 and target >= 0:
                total += np.float64(weight[target])
            else:
                total += np.float64(1.0)
    total = block_sum(total, WARPS)
    if cuda.threadIdx.x == 0:
        sums[cuda.blockIdx.x] = total


@kernel(
    "T[::1], int64, int64, boolean, int64[::1], int64[::1]",
    threads=THREADS,
    blocks=6,
    dtypes=(np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64),
    unit="row",
    bytes=lambda size: 8 + size,
    flops=lambda size: 0,
)
def checked_indices(targets, columns, ignored, ignores, index, place):
    """index = targets in int64; place[0] becomes the first place of a class out of range, if there is one.

    The minimum is atomic: of integers, so its order does not matter.
    """
    i = cuda.blockIdx.x * THREADS + cuda.threadIdx.x
    if i < targets.size:
        target = targets[i]
        is_inside = target >= 0 and target < columns
        index[i] = np.int64(target)
        if not is_inside and not (ignores and target == ignored):
            cuda.atomic.min(place, 0, i)
