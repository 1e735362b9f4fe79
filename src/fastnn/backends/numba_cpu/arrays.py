"""Arrays as the kernels take them: C-contiguous and writeable, so that one compilation serves each dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastnn.arrays import Array

Shape = int | tuple[int, ...]


class _Memory:
    """The memory of a read-only array, offered as if it were writeable. Kernels write only what is meant to be."""

    def __init__(self, array: Array) -> None:
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self.owner = array


def viewed(array: Array, shape: Shape) -> Array:
    """A C-contiguous array in another shape, without a copy; a read-only one too."""
    if not array.flags.writeable:
        array = np.asarray(_Memory(array))
    return array.reshape(shape)


def flat(array: Array) -> Array:
    """A C-contiguous array as one axis."""
    return viewed(array, -1)


def new(out: Array | None, shape: tuple[int, ...], dtype: Any) -> Array:
    """`out`, or an array without contents."""
    return np.empty(shape, dtype) if out is None else out


def last(array: Array, axis: int) -> Array:
    """The array with that axis moved to the end, C-contiguous; the array itself where it is so already."""
    if axis in (-1, array.ndim - 1):
        return array
    return np.ascontiguousarray(np.moveaxis(array, axis, -1))


def back(result: Array, axis: int, out: Array | None) -> Array:
    """Undoes last(): the result with its last axis at its place again, in `out` where there is one."""
    moved = result if axis in (-1, result.ndim - 1) else np.ascontiguousarray(np.moveaxis(result, -1, axis))
    if out is None or out is result:
        return moved
    out[...] = moved
    return out
