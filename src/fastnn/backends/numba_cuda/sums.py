"""Sums of whole arrays, in two steps: a block sums each 4096 elements in float64, then one block adds those up.

The order depends on the number of elements alone, never on which block runs first: nothing is added atomically.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arrays import empty, flat, viewed
from .compiling import cuda, device, kernel
from .elementary import divided
from .warp import WARP, block_sum

THREADS = 256
WARPS = THREADS // WARP
# Elements of a block, 16 a thread: 1 float64 addition for each is less than a tenth of the time of its read, except on
# GPUs with few float64 units (1/64 of float32's: there about a third).
CHUNK = 4096

SUM, SQUARES, ABSOLUTE = range(3)


@device
def picked(values, i, stride):
    """The number that belongs to element i: one for all, or one for each `stride` elements in turn."""
    if values.size == 1:
        return values[0]
    return values[i] if stride == 1 else values[i // stride]


@kernel(
    "int64, T[::1], T[::1], int64, float64[::1]",
    threads=THREADS,
    blocks=6,
    shuffle=True,
    doubles=True,
    bytes=lambda size: size,
    flops=lambda size: 1,
)
def chunk_sums(what, x, weight, stride, sums):
    """sums[chunk] = the sum of x, its squares or its absolute values, by `what`, times weight where there is one.

    weight has a number for each `stride` elements, or is empty.
    """
    total = np.float64(0.0)
    first = cuda.blockIdx.x * CHUNK + cuda.threadIdx.x
    for i in range(first, min(first + CHUNK, x.size), THREADS):
        value = np.float64(x[i])
        if what == SQUARES:
            value = value * value
        elif what == ABSOLUTE:
            value = abs(value)
        if weight.size > 0:
            value = value * np.float64(picked(weight, i, stride))
        total += value
    total = block_sum(total, WARPS)
    if cuda.threadIdx.x == 0:
        sums[cuda.blockIdx.x] = total


@device
def total_of(sums):
    """The sum of the chunks' sums, by one block, in every thread."""
    total = np.float64(0.0)
    for i in range(cuda.threadIdx.x, sums.size, THREADS):
        total += sums[i]
    return block_sum(total, WARPS)


@device
def divisor_of(masses, mass, multiple):
    """What a mean is over: the total mass, each counted so many times, or without masses `multiple`; nan for 0."""
    divisor = multiple * mass if masses.size > 0 else multiple
    return divisor if divisor != 0.0 else np.float64(math.nan)


@kernel(
    "float64[::1], float64[::1], float64, T[::1]",
    threads=THREADS,
    blocks=4,
    shuffle=True,
    doubles=True,
    unit="call",
    bytes=lambda size: size,
    flops=lambda size: 1,
)
def finish_loss(sums, masses, multiple, loss):
    """loss[0] = the sum of the chunks' sums over the divisor; see divisor_of. One block."""
    total = total_of(sums)
    mass = total_of(masses)
    divisor = divisor_of(masses, mass, multiple)
    if cuda.threadIdx.x == 0:
        loss[0] = loss.dtype.type(total / divisor)


@kernel(
    "float64[::1], float64, float64, T[::1]",
    threads=THREADS,
    blocks=4,
    shuffle=True,
    doubles=True,
    unit="call",
    bytes=lambda size: size,
    flops=lambda size: 1,
)
def finish_factor(masses, multiple, dloss, factor):
    """factor[0] = dloss over the divisor of the mean: what each gradient is multiplied by. One block."""
    mass = total_of(masses)
    divisor = divisor_of(masses, mass, multiple)
    if cuda.threadIdx.x == 0:
        factor[0] = factor.dtype.type(divided(dloss, divisor))


def chunks_of(count: int) -> int:
    """How many sums an array of `count` elements has."""
    return -(-count // CHUNK)


def sums_of(what: int, x: Any, stream: Any, weight: Any = None, sums: Any = None) -> Any:
    """The chunks' sums of a contiguous device array, in a new float64 array or in `sums`.

    weight: its shape is a leading part of x's.
    """
    sums = empty(chunks_of(x.size), np.float64, stream) if sums is None else sums
    given = nothing(x.dtype, stream) if weight is None else flat(weight)
    stride = x.size // max(given.size, 1)
    chunk_sums.launch(chunks_of(x.size), stream, what, flat(x), given, stride, sums)
    return sums


def nothing(dtype: Any, stream: Any = 0) -> Any:
    """An array without elements, which stands for an optional argument that was not given."""
    return empty(0, dtype, stream)


class Mean:
    """What the losses of a call are divided by, known here or only on the device.

    Args:
        reduction: "mean", "sum" or "none".
        count: of the losses.
        masses: for weighted losses the chunks' sums of their weights, on the device.
        multiple: how many losses each weight multiplies.
    """

    def __init__(self, reduction: str, count: int, masses: Any = None, multiple: int = 1) -> None:
        is_weighted = reduction == "mean" and masses is not None and masses.size > 0
        self.masses = masses if is_weighted else None
        self.multiple = float(multiple if is_weighted else count if reduction == "mean" else 1)

    def factors(self, dloss: Any, dtype: Any, stream: Any) -> tuple[float, Any]:
        """What the gradients are multiplied by: a number for all, and (not empty) numbers on the device instead."""
        if not isinstance(dloss, (int, float)):
            return 1.0, flat(dloss)
        if self.masses is None:
            return (float(dloss) / self.multiple if self.multiple else math.nan), nothing(dtype, stream)
        factor = empty(1, dtype, stream)
        finish_factor.launch(1, stream, self.masses, self.multiple, float(dloss), factor)
        return 1.0, factor

    def loss(self, sums: Any, dtype: Any, stream: Any) -> Any:
        """The loss, a 0-d device array, from the chunks' sums of the losses."""
        loss = empty(1, dtype, stream)
        masses = nothing(np.float64, stream) if self.masses is None else self.masses
        finish_loss.launch(1, stream, sums, masses, self.multiple, loss)
        return viewed(loss, ())
