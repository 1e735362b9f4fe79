"""Rows of classes spread over lanes: which thread has which elements, and the merges over a row.

A row of up to 32 columns has 1, 2, 4 ... 32 lanes of a warp, an element each; up to 1024 columns it has a warp with up
to 32 elements a lane; up to 8192 a block with up to 32 elements a thread. So far it is in registers, and is read once.
A longer row has a block that reads it twice. All depends on the number of columns alone.
"""

from __future__ import annotations

from typing import NamedTuple

from .compiling import device
from .elementary import larger
from .warp import WARP, block_max, block_sum, exchanged

# Threads of a block whose warps have a row each (or several), and of one that has a row.
WARPS_THREADS = 128
BLOCK_THREADS = 256
BLOCK_BITS = 8
BLOCK_WARPS = BLOCK_THREADS // WARP

# Elements that a lane holds: as warps' kernels are compiled, and as blocks' are.
WARP_HOLDS = (1, 2, 4, 8, 16, 32)
BLOCK_HOLDS = (8, 16, 32)


class Spread(NamedTuple):
    """How the rows of a call are spread.

    Attributes:
        key: ("warp", elements a lane), ("block", elements a thread), or ("long", 0).
        bits: binary logarithm of the lanes of a row.
        blocks: of the launch.
    """

    key: tuple[str, int]
    bits: int
    blocks: int


def spread_of(rows: int, columns: int) -> Spread:
    """How rows of that many columns, at least one, are spread where they are held in registers."""
    if columns <= WARP:
        bits = (columns - 1).bit_length()
        return Spread(("warp", 1), bits, -(-(rows << bits) // WARPS_THREADS))
    for held in WARP_HOLDS:
        if columns <= WARP * held:
            return Spread(("warp", held), 5, -(-rows * WARP // WARPS_THREADS))
    for held in BLOCK_HOLDS:
        if columns <= BLOCK_THREADS * held:
            return Spread(("block", held), BLOCK_BITS, rows)
    return Spread(("long", 0), BLOCK_BITS, rows)


def spread_of_stream(rows: int, columns: int) -> Spread:
    """How rows are spread of which each element is met once, so that none need be held."""
    if columns > 32 * WARP:
        return Spread(("block", 0), BLOCK_BITS, rows)
    bits = min((max(columns, 1) - 1).bit_length(), 5)
    return Spread(("warp", 0), bits, -(-(rows << bits) // WARPS_THREADS))


@device
def lanes_max(value, bits):
    """The maximum over 2^bits neighbouring lanes of a warp, in each of them; nan if one is nan."""
    distance = (1 << bits) >> 1
    while distance > 0:
        value = larger(value, exchanged(value, distance))
        distance >>= 1
    return value


@device
def lanes_sum(value, bits):
    """The sum over 2^bits neighbouring lanes of a warp, in each of them."""
    distance = (1 << bits) >> 1
    while distance > 0:
        value += exchanged(value, distance)
        distance >>= 1
    return value


@device
def threads_max(value, bits):
    """As lanes_max, over a block that has a row."""
    return block_max(value, BLOCK_WARPS)


@device
def threads_sum(value, bits):
    """As lanes_sum, over a block that has a row."""
    return block_sum(value, BLOCK_WARPS)


MERGES = {"warp": (lanes_max, lanes_sum), "block": (threads_max, threads_sum)}
