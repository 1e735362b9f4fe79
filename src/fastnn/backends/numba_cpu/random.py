"""Dropout and the randomised ReLU, drawn from Philox4x32-10 (Salmon et al., SC 2011).

Element i gets word i % 4 of block i // 4, keyed by the seed, whatever the number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from fastnn.backends import philox

from .arrays import flat, new
from .compiling import call_at, inlined, kernel, parallel
from .threads import run

if TYPE_CHECKING:
    from fastnn.arrays import Array

# Elements of a unit of work; a multiple of 4, so that a block of four words is never cut.
CHUNK = 4096
philox4x32 = inlined(philox.philox4x32)


@kernel
def dropout_chunks(x, limit, kept_part, seed, counter, y, begin, end):
    """y = x / kept_part where the word is at least `limit`, else 0, for the chunks of 4096 elements; y may be x."""
    zero = x.dtype.type(0.0)
    for first in range(begin * CHUNK, min(end * CHUNK, x.size), 4):
        words = philox4x32(np.uint64(first // 4), seed, counter)
        for j in range(min(4, x.size - first)):
            y[first + j] = x[first + j] / kept_part if words[j] >= limit else zero


@parallel
def dropout_driver(address, x, limit, kept_part, seed, counter, y, units, parts):
    """dropout_chunks on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, x, limit, kept_part, seed, counter, y, units * part // parts, units * (part + 1) // parts)


@kernel
def rrelu_chunks(d, x, lower, spread, mean, training, seed, counter, y, begin, end):
    """y = d slope where x < 0, else d, for the chunks of 4096 elements; d is x going forward, dy going back.

    The slope is lower + spread u, u drawn from 0 to 1 in steps of 2^-24, in training, else the mean; y may be d.
    """
    scale = x.dtype.type(2.0**-24)
    for first in range(begin * CHUNK, min(end * CHUNK, x.size), 4):
        words = philox4x32(np.uint64(first // 4), seed, counter)
        for j in range(min(4, x.size - first)):
            drawn = x.dtype.type(words[j] >> np.uint64(8)) * scale
            slope = lower + spread * drawn if training else mean
            y[first + j] = slope * d[first + j] if x[first + j] < 0 else d[first + j]


@parallel
def rrelu_driver(address, d, x, lower, spread, mean, training, seed, counter, y, units, parts):
    """rrelu_chunks on Numba's threads."""
    for part in numba.prange(parts):
        begin, end = units * part // parts, units * (part + 1) // parts
        call_at(address, d, x, lower, spread, mean, training, seed, counter, y, begin, end)


def dropout(x: Array, p: float, *, seed: int, counter: int, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    y = new(out, x.shape, x.dtype)
    real = x.dtype.type
    args = flat(x), np.uint64(int(p * 2.0**32)), real(1.0 - p), np.uint64(seed), np.uint64(counter), flat(y)
    run(dropout_chunks, dropout_driver, -(-x.size // CHUNK), 8 * x.size, *args)
    return y


def dropout_backward(dy: Array, p: float, *, seed: int, counter: int, out: Array | None = None) -> Array:
    """As the public function of that name, for prepared arguments."""
    return dropout(dy, p, seed=seed, counter=counter, out=out)


def rrelu(
    x: Array,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    seed: int = 0,
    counter: int = 0,
    out: Array | None = None,
) -> Array:
    """As the public function of that name, for prepared arguments."""
    y = new(out, x.shape, x.dtype)
    _rrelu(x, x, lower, upper, training, seed, counter, y)
    return y


def rrelu_backward(
    dy: Array,
    x: Array,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    seed: int = 0,
    counter: int = 0,
    out: Array | None = None,
) -> Array:
    """As the public function of that name, for prepared arguments."""
    dx = new(out, dy.shape, dy.dtype)
    _rrelu(dy, x, lower, upper, training, seed, counter, dx)
    return dx


def _rrelu(d: Array, x: Array, lower: float, upper: float, training: bool, seed: int, counter: int, y: Array) -> None:
    real = x.dtype.type
    spread, mean = real(upper) - real(lower), real((lower + upper) / 2.0)
    args = flat(d), flat(x), real(lower), spread, mean, bool(training), np.uint64(seed), np.uint64(counter), flat(y)
    run(rrelu_chunks, rrelu_driver, -(-x.size // CHUNK), 8 * x.size, *args)
