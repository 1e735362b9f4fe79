"""softmax, its logarithm and logsumexp of rows of up to 16 columns, in blocks of 16 rows.

A block's exponentials are computed as one run of numbers, so that no lane is idle, and its 16 sums end up in one
vector: one division or logarithm serves all of them. A row's bits are those of the row alone.
"""

from __future__ import annotations

from .compiling import inlined, kernel
from .elementary import INFINITY, exp, exp_in_range, exp_of_negative, larger, log, smaller
from .simd import (
    LANES,
    absolute,
    any_lane,
    first_lanes,
    fma,
    load,
    load_some,
    pick,
    row_sums,
    same_memory,
    select,
    spread,
    store,
    store_some,
    tree_max,
    tree_sum,
)

# Below this no exponential, and no sum of fewer than 2^34 of them, leaves the normal range; for float32 and float64.
MODERATE = (64.0, 512.0)
# The elements of a block, behind which the scratch memory holds two numbers a row.
BLOCK = LANES * LANES
SCRATCH = BLOCK + 2 * LANES


@inlined
def block_exp(x, start, count, kept):
    """Writes exp(x) of `count` elements to kept; False if one of them was not moderate, and kept is useless then."""
    most = spread(x, 0.0)
    for j in range(0, count, LANES):
        v = load_some(x, start + j, count - j, 0.0)
        most = larger(most, absolute(v))
        store(kept, j, exp_in_range(v))
    return tree_max(most) < pick(x, MODERATE[0], MODERATE[1])


@inlined
def row_exp(v, columns):
    """exp(x - reference) of a row, 0 in the other lanes, and the reference: 0 if the row is moderate.

    A row of one column is not, so that its softmax is 1 to the bit.
    """
    mask = first_lanes(v, columns)
    if columns == 1 or any_lane(select(mask, absolute(v), 0.0) >= pick(v, MODERATE[0], MODERATE[1])):
        shifted = select(mask, v, -INFINITY)
        reference = spread(v, tree_max(shifted))
        e = exp_of_negative(shifted - reference)
    else:
        reference = spread(v, 0.0)
        e = exp_in_range(v)
    return select(mask, e, 0.0), reference


@inlined
def log_of_sum(total):
    """log(total) as high + low: high alone would lose what x - log(total) cancels in a row far from 0."""
    high = log(total)
    return high, fma(total, exp(-high), -1.0)


@kernel
def narrow_softmax_rows(x, columns, y, begin, end, kept):
    """softmax_rows for up to 16 columns."""
    in_place = same_memory(x, y)
    for first in range(begin, end, LANES):
        rows = min(LANES, end - first)
        start = first * columns
        if columns > 1 and block_exp(x, start, rows * columns, kept):
            store(kept, BLOCK, 1.0 / row_sums(kept, columns))
            # A whole vector may be written although the row is shorter: what is too much is the next rows' place and
            # written again, unless it holds what has not been read yet.
            limit = start + rows * columns if in_place else end * columns
            for r in range(rows):
                place = start + r * columns
                moved = LANES if place + LANES <= limit else columns
                store_some(y, place, moved, load(kept, r * columns) * kept[BLOCK + r])
        else:
            for place in range(start, start + rows * columns, columns):
                e, _ = row_exp(load_some(x, place, columns, 0.0), columns)
                store_some(y, place, columns, e * (1.0 / spread(x, tree_sum(e))))


@kernel
def narrow_log_softmax_rows(x, columns, y, begin, end, kept):
    """log_softmax_rows for up to 16 columns."""
    limit = begin if same_memory(x, y) else end * columns  # as above, but x is read again
    for first in range(begin, end, LANES):
        rows = min(LANES, end - first)
        start = first * columns
        if columns > 1 and block_exp(x, start, rows * columns, kept):
            high, low = log_of_sum(row_sums(kept, columns))
            store(kept, BLOCK, high)
            store(kept, BLOCK + LANES, low)
            for r in range(rows):
                place = start + r * columns
                moved = LANES if place + LANES <= limit else columns
                v = (load_some(x, place, moved, 0.0) - kept[BLOCK + r]) - kept[BLOCK + LANES + r]
                store_some(y, place, moved, smaller(v, 0.0))
        else:
            for place in range(start, start + rows * columns, columns):
                v = load_some(x, place, columns, 0.0)
                e, reference = row_exp(v, columns)
                high, low = log_of_sum(spread(x, tree_sum(e)))
                store_some(y, place, columns, smaller(((v - reference) - high) - low, 0.0))


@kernel
def narrow_logsumexp_rows(x, columns, s, begin, end, kept):
    """logsumexp_rows for up to 16 columns."""
    for first in range(begin, end, LANES):
        rows = min(LANES, end - first)
        start = first * columns
        if columns > 1 and block_exp(x, start, rows * columns, kept):
            store_some(s, first, rows, log(row_sums(kept, columns)))
        else:
            for r in range(rows):
                v = load_some(x, start + r * columns, columns, 0.0)
                e, reference = row_exp(v, columns)
                if not any_lane(absolute(reference) < INFINITY):
                    # Without a finite maximum the exponentials say it all: nan, inf, or 0 for a row of -inf alone.
                    e, reference = select(first_lanes(x, columns), exp(v), 0.0), spread(x, 0.0)
                store_some(s, first + r, 1, reference + log(spread(x, tree_sum(e))))
