"""softmax, its logarithm, their gradients and logsumexp, over the last axis.

A sum over a row has 16 lanes and a fixed tree, so it depends on the row alone. Rows of up to 16 columns are in
narrow_softmax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from .arrays import back, flat, last, new
from .compiling import allocating, call_at, inlined, kernel, parallel
from .elementary import INFINITY, exp, exp_in_range, exp_of_negative, larger, log, smaller
from .narrow_softmax import (
    MODERATE,
    SCRATCH,
    log_of_sum,
    narrow_log_softmax_rows,
    narrow_logsumexp_rows,
    narrow_softmax_rows,
)
from .simd import (
    LANES,
    absolute,
    first_lanes,
    fma,
    load,
    load_some,
    pick,
    same_memory,
    select,
    spread,
    store,
    store_some,
    tree_max,
    tree_sum,
)
from .streaming import before_boundary, fetch, settle, store_around
from .threads import run

if TYPE_CHECKING:
    from fastnn.arrays import Array


# From this size on results are stored around the caches: reading them in first would cost half as much again.
AROUND_BYTES = 24 << 20
# Elements by which such a row is fetched from memory before it is read; for float32 and float64.
AHEAD = (2048, 1024)


@inlined
def whole_loads(a, out, columns, begin, end):
    """Up to which narrow row a whole vector may be moved although the row is shorter.

    What it reads too much is masked, what it writes too much is the next rows' place and written again; so it must stay
    within the rows of this call, and nothing if the input lies in the same memory.
    """
    if columns == LANES:
        return end
    if same_memory(a, out):
        return begin
    return max(begin, (end * columns - LANES) // columns + 1)


@inlined
def extremes(x, start, columns):
    """The largest and the smallest element of a wide row, nan left out."""
    top = spread(x, -INFINITY)
    bottom = spread(x, INFINITY)
    for j in range(0, columns - LANES, LANES):
        v = load(x, start + j)
        top = select(v > top, v, top)
        bottom = select(v < bottom, v, bottom)
    v = load(x, start + columns - LANES)  # some of it for the second time
    top = select(v > top, v, top)
    bottom = select(v < bottom, v, bottom)
    return tree_max(top), -tree_max(-bottom)


@inlined
def is_near(x, top, bottom):
    """Whether exp(element - top) is in the normal range for a whole row."""
    return top - bottom < pick(x, 87.0, 708.0)


@inlined
def exp_sum(x, start, columns, shift, near):
    """The sum of exp(x - shift) over a wide row."""
    total = spread(x, 0.0)
    whole = columns - columns % LANES
    if near:
        for j in range(0, whole, LANES):
            total = total + exp_in_range(load(x, start + j) - shift)
    else:
        for j in range(0, whole, LANES):
            total = total + exp_of_negative(load(x, start + j) - shift)
    if whole < columns:
        v = load_some(x, start + whole, columns - whole, -INFINITY)
        total = total + select(first_lanes(x, columns - whole), exp_of_negative(v - shift), 0.0)
    return tree_sum(total)


@inlined
def exp_to(x, start, columns, shift, near, y, place):
    """exp_sum, which also writes exp(x - shift) to y from `place` on."""
    total = spread(x, 0.0)
    whole = columns - columns % LANES
    if near:
        for j in range(0, whole, LANES):
            e = exp_in_range(load(x, start + j) - shift)
            store(y, place + j, e)
            total = total + e
    else:
        for j in range(0, whole, LANES):
            e = exp_of_negative(load(x, start + j) - shift)
            store(y, place + j, e)
            total = total + e
    if whole < columns:
        v = load_some(x, start + whole, columns - whole, -INFINITY)
        e = exp_of_negative(v - shift)
        store_some(y, place + whole, columns - whole, e)
        total = total + select(first_lanes(x, columns - whole), e, 0.0)
    return tree_sum(total)


@inlined
def log_of(number):
    """log of a number."""
    return tree_max(log(spread(number, number)))


@inlined
def is_moderate(x, start, columns):
    """Whether no element of a wide row is beyond MODERATE; a nan is not."""
    most = spread(x, 0.0)
    for j in range(0, columns - LANES, LANES):
        most = larger(most, absolute(load(x, start + j)))
    most = larger(most, absolute(load(x, start + columns - LANES)))
    return tree_max(most) < pick(x, MODERATE[0], MODERATE[1])


@inlined
def moderate_exp(x, start, columns, writes, y, place):
    """The sum of exp(x) over a wide row, and whether the row was moderate: if not, the sum is useless.

    writes: exp(x) goes to y from `place` on; known while compiling, as this is inlined.
    """
    total = spread(x, 0.0)
    most = spread(x, 0.0)
    whole = columns - columns % LANES
    for j in range(0, whole, LANES):
        v = load(x, start + j)
        most = larger(most, absolute(v))
        e = exp_in_range(v)
        if writes:
            store(y, place + j, e)
        total = total + e
    if whole < columns:
        v = load_some(x, start + whole, columns - whole, 0.0)
        most = larger(most, absolute(v))
        e = exp_in_range(v)
        if writes:
            store_some(y, place + whole, columns - whole, e)
        total = total + select(first_lanes(x, columns - whole), e, 0.0)
    return tree_sum(total), tree_max(most) < pick(x, MODERATE[0], MODERATE[1])


@kernel
def wide_exp_sum(x, start, columns):
    """The sum of exp(x - reference) over a wide row, and the reference: 0 if the row is moderate, else its maximum."""
    total, is_done = moderate_exp(x, start, columns, False, x, start)
    if is_done:
        return total, x.dtype.type(0.0)
    top, bottom = extremes(x, start, columns)
    return exp_sum(x, start, columns, top, is_near(x, top, bottom)), top


@kernel
def scale_row(y, start, columns, total):
    """Divides a wide row by its sum."""
    factor = 1.0 / spread(y, total)
    whole = columns - columns % LANES
    for j in range(start, start + whole, LANES):
        store(y, j, load(y, j) * factor)
    if whole < columns:
        rest = columns - whole
        store_some(y, start + whole, rest, load_some(y, start + whole, rest, 0.0) * factor)


@kernel
def scale_row_around(e, columns, total, y, start):
    """y = e / total for a wide row, stored around the caches."""
    factor = 1.0 / spread(y, total)
    first = before_boundary(y, start)
    store_some(y, start, first, load_some(e, 0, first, 0.0) * factor)
    while first + LANES <= columns:
        store_around(y, start + first, load(e, first) * factor)
        first += LANES
    if first < columns:
        rest = columns - first
        store_some(y, start + first, rest, load_some(e, first, rest, 0.0) * factor)


@kernel
def wide_exp_row(x, start, columns, is_kept, e, place):
    """Writes exp(x), or exp(x - max), of a wide row to e from `place` on, and returns its sum.

    A row of moderate numbers needs no maximum: nothing overflows. Whether it is one depends on the row alone. is_kept:
    e is not x; in place the attempt would destroy a row that needs its maximum.
    """
    if is_kept or is_moderate(x, start, columns):
        total, is_done = moderate_exp(x, start, columns, True, e, place)
        if is_done:
            return total
    top, bottom = extremes(x, start, columns)
    return exp_to(x, start, columns, top, is_near(x, top, bottom), e, place)


@kernel
def next_exp_row(x, start, columns, kept, total, y, done):
    """wide_exp_row into kept, while the row before, whose exponentials kept holds, goes to y from `done` on.

    So memory is read and written all the time. The stores begin at a boundary, a step ahead of what replaces them.
    """
    factor = 1.0 / spread(y, total)
    shift = before_boundary(y, done)
    store_some(y, done, shift, load_some(kept, 0, shift, 0.0) * factor)
    sums = spread(x, 0.0)
    most = spread(x, 0.0)
    for j in range(0, columns, LANES):
        place = j + shift
        if place + LANES <= columns:
            store_around(y, done + place, load(kept, place) * factor)
        else:
            store_some(y, done + place, columns - place, load_some(kept, place, columns - place, 0.0) * factor)
        rest = columns - j
        fetch(x, start + j + pick(x, AHEAD[0], AHEAD[1]))
        v = load_some(x, start + j, rest, 0.0)
        most = larger(most, absolute(v))
        e = exp_in_range(v)
        store_some(kept, j, rest, e)
        sums = sums + (e if rest >= LANES else select(first_lanes(x, rest), e, 0.0))
    if tree_max(most) < pick(x, MODERATE[0], MODERATE[1]):
        return tree_sum(sums)
    top, bottom = extremes(x, start, columns)
    return exp_to(x, start, columns, top, is_near(x, top, bottom), kept, 0)


@allocating
def softmax_rows(x, columns, y, begin, end):
    """y = exp(x) / sum(exp(x)) for the rows from begin to end of arrays of any shape; y may be x."""
    if columns <= LANES:
        narrow_softmax_rows(x, columns, y, begin, end, np.empty(SCRATCH, y.dtype))
    elif y.size * y.itemsize >= AROUND_BYTES and begin < end:
        kept = np.empty(columns, y.dtype)
        total = wide_exp_row(x, begin * columns, columns, True, kept, 0)
        for row in range(begin + 1, end):
            total = next_exp_row(x, row * columns, columns, kept, total, y, (row - 1) * columns)
        scale_row_around(kept, columns, total, y, (end - 1) * columns)
        settle()
    else:
        is_kept = not same_memory(x, y)
        for row in range(begin, end):
            total = wide_exp_row(x, row * columns, columns, is_kept, y, row * columns)
            scale_row(y, row * columns, columns, total)


@parallel
def softmax_driver(address, x, columns, y, units, parts):
    """softmax_rows on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, x, columns, y, units * part // parts, units * (part + 1) // parts)


@kernel
def wide_log_softmax_rows(x, columns, y, begin, end):
    """log_softmax_rows for more than 16 columns."""
    for row in range(begin, end):
        start = row * columns
        total, reference = wide_exp_sum(x, start, columns)
        high, low = log_of_sum(spread(x, total))
        whole = columns - columns % LANES
        for j in range(start, start + whole, LANES):
            store(y, j, smaller(((load(x, j) - reference) - high) - low, 0.0))
        if whole < columns:
            rest = columns - whole
            v = load_some(x, start + whole, rest, 0.0)
            store_some(y, start + whole, rest, smaller(((v - reference) - high) - low, 0.0))


@allocating
def log_softmax_rows(x, columns, y, begin, end):
    """y = x - log(sum(exp(x))) for the rows from begin to end of arrays of any shape; y may be x."""
    if columns <= LANES:
        narrow_log_softmax_rows(x, columns, y, begin, end, np.empty(SCRATCH, y.dtype))
    else:
        wide_log_softmax_rows(x, columns, y, begin, end)


@parallel
def log_softmax_driver(address, x, columns, y, units, parts):
    """log_softmax_rows on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, x, columns, y, units * part // parts, units * (part + 1) // parts)


@kernel
def wide_logsumexp_rows(x, columns, s, begin, end):
    """logsumexp_rows for more than 16 columns."""
    for row in range(begin, end):
        total, reference = wide_exp_sum(x, row * columns, columns)
        if not -INFINITY < reference < INFINITY:
            # Without a finite maximum the exponentials say it all: nan, inf, or 0 for a row of -inf alone.
            sums = spread(x, 0.0)
            for j in range(0, columns, LANES):
                e = exp(load_some(x, row * columns + j, columns - j, -INFINITY))
                sums = sums + select(first_lanes(x, columns - j), e, 0.0)
            total, reference = tree_sum(sums), x.dtype.type(0.0)
        s[row] = reference + log_of(total)


@allocating
def logsumexp_rows(x, columns, s, begin, end):
    """s = log(sum(exp(x))) for the rows from begin to end of x, of any shape, into s of one element a row."""
    if columns <= LANES:
        narrow_logsumexp_rows(x, columns, s, begin, end, np.empty(SCRATCH, s.dtype))
    else:
        wide_logsumexp_rows(x, columns, s, begin, end)


@parallel
def logsumexp_driver(address, x, columns, s, units, parts):
    """logsumexp_rows on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, x, columns, s, units * part // parts, units * (part + 1) // parts)


@kernel
def softmax_gradient(dy, y, columns, dx, begin, end):
    """dx = y (dy - sum(dy y)) for the rows from begin to end of arrays of any shape; dx may be dy."""
    if columns <= LANES:
        mask = first_lanes(dy, columns)
        whole = whole_loads(dy, dx, columns, begin, end)
        for row in range(begin, end):
            moved = LANES if row < whole else columns
            d = select(mask, load_some(dy, row * columns, moved, 0.0), 0.0)
            v = select(mask, load_some(y, row * columns, moved, 0.0), 0.0)
            store_some(dx, row * columns, moved, v * (d - tree_sum(d * v)))
        return
    for row in range(begin, end):
        start = row * columns
        total = spread(dy, 0.0)
        for j in range(0, columns, LANES):
            rest = columns - j
            total = fma(load_some(dy, start + j, rest, 0.0), load_some(y, start + j, rest, 0.0), total)
        dot = tree_sum(total)
        for j in range(0, columns, LANES):
            rest = columns - j
            d = load_some(dy, start + j, rest, 0.0)
            store_some(dx, start + j, rest, load_some(y, start + j, rest, 0.0) * (d - dot))


@parallel
def softmax_gradient_driver(address, dy, y, columns, dx, units, parts):
    """softmax_gradient on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, dy, y, columns, dx, units * part // parts, units * (part + 1) // parts)


@kernel
def log_softmax_gradient(dy, y, columns, dx, begin, end):
    """dx = dy - exp(y) sum(dy) for the rows from begin to end of arrays of any shape; dx may be dy."""
    for row in range(begin, end):
        start = row * columns
        total = spread(dy, 0.0)
        for j in range(0, columns, LANES):
            total = total + load_some(dy, start + j, columns - j, 0.0)
        s = tree_sum(total)
        for j in range(0, columns, LANES):
            rest = columns - j
            d = load_some(dy, start + j, rest, 0.0)
            store_some(dx, start + j, rest, fma(exp(load_some(y, start + j, rest, 0.0)), -s, d))


@parallel
def log_softmax_gradient_driver(address, dy, y, columns, dx, units, parts):
    """log_softmax_gradient on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, dy, y, columns, dx, units * part // parts, units * (part + 1) // parts)


def softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments with the classes on the last axis."""
    return _forward(softmax_rows, softmax_driver, x, axis, out)


def log_softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments with the classes on the last axis."""
    return _forward(log_softmax_rows, log_softmax_driver, x, axis, out)


def softmax_backward(dy: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments with the classes on the last axis."""
    return _backward(softmax_gradient, softmax_gradient_driver, dy, y, axis, out)


def log_softmax_backward(dy: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments with the classes on the last axis."""
    return _backward(log_softmax_gradient, log_softmax_gradient_driver, dy, y, axis, out)


def logsumexp(x: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """As the public function of that name, for prepared arguments with the classes on the last axis."""
    rows = last(x, axis)
    s = np.full(rows.shape[:-1], -np.inf, x.dtype)
    if x.size:
        columns = rows.shape[-1]
        run(logsumexp_rows, logsumexp_driver, x.size // columns, 4 * x.size, flat(rows), columns, flat(s))
    return np.expand_dims(s, axis) if keepdims else s


def _forward(rows: Any, driver: Any, x: Array, axis: int, out: Array | None) -> Array:
    v = last(x, axis)
    y = new(out if v is x else None, v.shape, x.dtype)
    if x.size:
        columns = v.shape[-1]
        run(rows, driver, x.size // columns, 4 * x.size, flat(v), columns, flat(y))
    return back(y, axis, out)


def _backward(rows: Any, driver: Any, dy: Array, y: Array, axis: int, out: Array | None) -> Array:
    d, v = last(dy, axis), last(y, axis)
    dx = new(out if d is dy else None, d.shape, dy.dtype)
    if dy.size:
        columns = d.shape[-1]
        run(rows, driver, dy.size // columns, 2 * dy.size, flat(d), flat(v), columns, flat(dx))
    return back(dx, axis, out)
