"""Device memory that is kept: many arrays side by side in one, and room for batches that is used again and again.

Numba waits for the device when it gives memory back, now and then, so a training step makes few arrays of its own: the
losses of its rows, and what dense_backward needs in between.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .arrays import empty, filled, viewed

# Elements to whose multiples the arrays are aligned: 256 bytes of float32, as CUDA aligns memory of its own.
ALIGNMENT = 64


def part(array: Any, begin: int, end: int) -> Any:
    """The elements from begin to end of a flat device array, in the same memory."""
    return array if begin == 0 and end == array.size else array[begin:end]


class Arena:
    """Arrays of one dtype, side by side in one flat array, so that one kernel computes with all of them.

    Args:
        shapes: of the arrays.
        dtype: of all of them.
        value: what they hold at first. Between them there is 0.

    Attributes:
        flat: all of it, of shape (n,).
        views: the arrays.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], dtype: Any, value: float = 0.0) -> None:
        offsets, size = [], 0
        for shape in shapes:
            offsets.append(size)
            size += -(-math.prod(shape) // ALIGNMENT) * ALIGNMENT
        self.flat = filled(size, dtype, value)
        self.views = [
            viewed(part(self.flat, offset, offset + math.prod(shape)), shape)
            for offset, shape in zip(offsets, shapes, strict=True)
        ]


class Room:
    """Room for a batch: arrays (rows, *shape) for any number of rows, all in the same memory.

    Args:
        shape: of a sample.
        dtype: of the array.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.dtype = tuple(shape), dtype
        self._memory: Any = None
        self._views: dict[int, Any] = {}

    def rows(self, count: int) -> Any:
        """The array for so many rows. It grows for more than before, and forgets what it held."""
        view = self._views.get(count)
        if view is None:
            size = count * math.prod(self.shape)
            if self._memory is None or self._memory.size < size:
                self._memory, self._views = empty(size, self.dtype), {}
            view = self._views[count] = viewed(part(self._memory, 0, size), (count, *self.shape))
        return view
