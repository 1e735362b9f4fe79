"""Dropout and the randomised ReLU, drawn from Philox4x32-10."""

from __future__ import annotations

import numpy as np

from .precision import Array, down, quiet, up

_LOW = 0xFFFFFFFF


def philox4x32(counter: Array, key: tuple[int, int]) -> Array:
    """Ten rounds of Philox4x32 of counters (n, 4), as (n, 4) words of 32 bits held in uint64.

    Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """
    c0, c1, c2, c3 = counter.astype(np.uint64).T
    k0, k1 = key
    for _ in range(10):
        product0, product1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c2 = (product1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0), (product0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1)
        c1, c3 = product1 & np.uint64(_LOW), product0 & np.uint64(_LOW)
        k0, k1 = (k0 + 0x9E3779B9) & _LOW, (k1 + 0xBB67AE85) & _LOW
    return np.stack([c0, c1, c2, c3], axis=-1)


def words(shape: tuple[int, ...], seed: int, counter: int) -> Array:
    """One word of 32 bits for each element: word i % 4 of block i // 4, keyed by the seed."""
    size = int(np.prod(shape))
    blocks = np.arange((size + 3) // 4, dtype=np.uint64)
    counters = np.empty((blocks.size, 4), np.uint64)
    counters[:, 0], counters[:, 1] = blocks & np.uint64(_LOW), blocks >> np.uint64(32)
    counters[:, 2], counters[:, 3] = counter & _LOW, counter >> 32
    return philox4x32(counters, (seed & _LOW, seed >> 32)).reshape(-1)[:size].reshape(shape)


@quiet
def dropout(x: Array, p: float, *, seed: int, counter: int, out: Array | None = None) -> Array:
    """y = x / (1 - p) where kept, else 0; an element is kept with probability 1 - p."""
    kept = words(x.shape, seed, counter) >= np.uint64(int(p * 2.0**32))
    return down(np.where(kept, up(x) / np.float64(1.0 - p), 0.0), x.dtype, out)


def dropout_backward(dy: Array, p: float, *, seed: int, counter: int, out: Array | None = None) -> Array:
    """dx = dy / (1 - p) where kept, else 0: the same mask, from the same seed and counter."""
    return dropout(dy, p, seed=seed, counter=counter, out=out)


def _slopes(x: Array, lower: float, upper: float, training: bool, seed: int, counter: int) -> Array:
    # In the dtype of x, not in float64, because the slopes are drawn numbers and so part of the definition.
    real = x.dtype.type
    if not training:
        return np.full(x.shape, real((lower + upper) / 2.0))
    uniform = (words(x.shape, seed, counter) >> np.uint64(8)).astype(x.dtype) * real(2.0**-24)
    return np.asarray(real(lower) + (real(upper) - real(lower)) * uniform)


@quiet
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
    """y = slope * x where x < 0, else x; the slope uniform in [lower, upper) in training, else their mean."""
    slopes = up(_slopes(x, lower, upper, training, seed, counter))
    return down(np.where(x < 0, slopes * up(x), up(x)), x.dtype, out)


@quiet
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
    """dx = slope * dy where x < 0, else dy: the same slopes, from the same seed and counter."""
    slopes = up(_slopes(x, lower, upper, training, seed, counter))
    return down(np.where(x < 0, slopes * up(dy), up(dy)), dy.dtype, out)
