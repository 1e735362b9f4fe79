"""Inputs and hashes of the golden cases, the same as in cpp/golden_inputs.h: nothing but integers and exact scaling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

GAMMA, FIRST, SECOND = (np.uint64(word) for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def mix(n: Any) -> Any:
    """Number n of the generator splitmix64 (Steele et al. 2014, "Fast splittable pseudorandom number generators")."""
    z = (n + np.uint64(1)) * GAMMA
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))


def words(seed: int, n: int) -> Any:
    """n 64-bit words of stream `seed`."""
    return mix(np.arange(n, dtype=np.uint64) + (np.uint64(seed) << np.uint64(32)))


def positive(seed: int, shape: tuple[int, ...], scale: float, dtype: Any) -> Any:
    """Numbers in [0, scale)."""
    units = (words(seed, math.prod(shape)) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return (units * scale).astype(dtype).reshape(shape)


def centred(seed: int, shape: tuple[int, ...], scale: float, dtype: Any) -> Any:
    """Numbers in [-scale / 2, scale / 2)."""
    units = ((words(seed, math.prod(shape)) >> np.uint64(11)).astype(np.float64) - 2.0**52) * 2.0**-53
    return (units * scale).astype(dtype).reshape(shape)


def indices(seed: int, n: int, count: int) -> Any:
    """n numbers in 0 .. count - 1."""
    return (words(seed, n) % np.uint64(count)).astype(np.int64)


def logits(seed: int, shape: tuple[int, int], style: str, dtype: Any) -> Any:
    """Rows for the softmax family; "mixed" ones are by turns ordinary, beyond exp's range, and with -inf entries."""
    x = centred(seed, shape, 16.0, dtype)
    if style == "mixed":
        x[1::3] *= dtype.type(100.0)
        if shape[1] > 1:
            x[2::3, 1::7] = -np.inf
    return x


def digest(arrays: Sequence[Any]) -> str:
    """64 bits over the bytes of all arrays, one after the other, as little-endian 32-bit words."""
    flat = [np.ascontiguousarray(array).reshape(-1).view("<u4") for array in arrays]
    data = np.concatenate(flat).astype(np.uint64) if flat else np.empty(0, np.uint64)
    numbered = mix(data | (np.arange(data.size, dtype=np.uint64) << np.uint64(32)))
    return f"{int(numbered.sum(dtype=np.uint64)):016x}"
