"""The exchange between the lanes of a warp, in one place, and the merges over a warp and a block that are made of it.

All lanes of a warp must call these together; in numba-cuda's own simulator, which has no shuffles, the whole block.
A merge is a butterfly, so all lanes get the same bits, and its order depends on nothing but the lanes.
"""

from __future__ import annotations

from typing import Any

from .compiling import SIMULATED, cuda, device
from .elementary import exp, larger

WARP = 32
MOST_WARPS = 32

if SIMULATED:

    def wait_for_warp():
        """Waits for the warp's other lanes; numba-cuda's simulator can only wait for the whole block."""
        cuda.syncthreads()

    def exchanged(value, distance):
        """The value of the lane whose number differs in the bit `distance` (1, 2, 4, 8 or 16)."""
        memory = cuda.shared.array(1024, object)
        thread = linear_thread()
        memory[thread] = value
        wait_for_warp()
        result = memory[thread ^ distance]
        wait_for_warp()
        return result

else:

    @device
    def exchanged(value, distance):
        """The value of the lane whose number differs in the bit `distance` (1, 2, 4, 8 or 16)."""
        return cuda.shfl_xor_sync(0xFFFFFFFF, value, distance)


def by_dtype(make: Any) -> Any:
    """A device function for every dtype: make(dtype) gives that for the dtype of its first argument.

    Shared memory has its dtype fixed when it is compiled, and Numba lets no device function return it.
    """
    if SIMULATED:
        return make(object)
    from numba.cuda.extending import overload

    function = make(None)
    overload(function, target="cuda", strict=False)(lambda *args: make(args[0]))
    return function


@device
def linear_thread():
    """The number of this thread in its block."""
    return cuda.threadIdx.x + cuda.blockDim.x * (cuda.threadIdx.y + cuda.blockDim.y * cuda.threadIdx.z)


@device
def warp_sum(value):
    """The sum over the lanes of a warp, in every lane."""
    value += exchanged(value, 16)
    value += exchanged(value, 8)
    value += exchanged(value, 4)
    value += exchanged(value, 2)
    value += exchanged(value, 1)
    return value


@device
def warp_max(value):
    """The maximum over the lanes of a warp, in every lane; nan if one is nan."""
    value = larger(value, exchanged(value, 16))
    value = larger(value, exchanged(value, 8))
    value = larger(value, exchanged(value, 4))
    value = larger(value, exchanged(value, 2))
    return larger(value, exchanged(value, 1))


@device
def merged(largest, total, other_largest, other_total):
    """(max, sum of exp(x - max)) of two sets of numbers from those of each; (-inf, 0) is that of none."""
    top = larger(largest, other_largest)
    # Where they are equal nothing is scaled: inf - inf would be nan, and so would -inf - -inf.
    left = total if largest == top else total * exp(largest - top)
    right = other_total if other_largest == top else other_total * exp(other_largest - top)
    return top, left + right


@device
def warp_merge(largest, total):
    """merged() over the lanes of a warp, in every lane."""
    largest, total = merged(largest, total, exchanged(largest, 16), exchanged(total, 16))
    largest, total = merged(largest, total, exchanged(largest, 8), exchanged(total, 8))
    largest, total = merged(largest, total, exchanged(largest, 4), exchanged(total, 4))
    largest, total = merged(largest, total, exchanged(largest, 2), exchanged(total, 2))
    largest, total = merged(largest, total, exchanged(largest, 1), exchanged(total, 1))
    return largest, total


@by_dtype
def block_sum(dtype):
    def block_sum(value, warps):
        """The sum over a block of `warps` whole warps, in every thread; warps are added in ascending order."""
        parts = cuda.shared.array(MOST_WARPS, dtype)
        value = warp_sum(value)
        thread = linear_thread()
        if thread % WARP == 0:
            parts[thread // WARP] = value
        cuda.syncthreads()
        total = parts[0]
        for i in range(1, warps):
            total += parts[i]
        # So that the memory may be used again at once.
        cuda.syncthreads()
        return total

    return block_sum


@by_dtype
def block_max(dtype):
    def block_max(value, warps):
        """The maximum over a block of `warps` whole warps, in every thread; nan if one is nan."""
        parts = cuda.shared.array(MOST_WARPS, dtype)
        value = warp_max(value)
        thread = linear_thread()
        if thread % WARP == 0:
            parts[thread // WARP] = value
        cuda.syncthreads()
        top = parts[0]
        for i in range(1, warps):
            top = larger(top, parts[i])
        cuda.syncthreads()
        return top

    return block_max


@by_dtype
def block_merge(dtype):
    def block_merge(largest, total, warps):
        """merged() over a block of `warps` whole warps, in every thread."""
        tops = cuda.shared.array(MOST_WARPS, dtype)
        sums = cuda.shared.array(MOST_WARPS, dtype)
        largest, total = warp_merge(largest, total)
        thread = linear_thread()
        if thread % WARP == 0:
            tops[thread // WARP] = largest
            sums[thread // WARP] = total
        cuda.syncthreads()
        largest = tops[0]
        total = sums[0]
        for i in range(1, warps):
            largest, total = merged(largest, total, tops[i], sums[i])
        cuda.syncthreads()
        return largest, total

    return block_merge
