"""IDX files, the format of the original MNIST: a magic number, the lengths of the axes, then the values, big-endian."""

import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.files import PathLike, naming, open_plain_or_gzip, read_exactly

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

# NumPy 1 has no arrays of more axes.
_MAX_AXES = 32


def read_idx(path: PathLike) -> NDArray[Any]:
    """Reads one IDX file, plain or gzipped, of any of the format's six types.

    Returns an array of the shape in the header, in the machine's byte order.
    Raises OSError if the file cannot be read and ValueError, naming the file, if it is not a whole IDX file.
    """
    with open_plain_or_gzip(path) as (file, capacity), naming(path):
        magic = file.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
            raise ValueError(f"not an IDX file: it begins with {magic.hex(' ') or 'nothing'}")
        dtype, axes = np.dtype(_DTYPES[magic[2]]), magic[3]
        if not 1 <= axes <= _MAX_AXES:
            raise ValueError(f"an IDX file has 1 to {_MAX_AXES} axes, the header says {axes}")
        lengths = file.read(4 * axes)
        if len(lengths) < 4 * axes:
            raise ValueError("cut short inside the header")
        shape = struct.unpack(f">{axes}I", lengths)
        size = math.prod(shape) * dtype.itemsize
        if size > capacity:
            raise ValueError(f"cut short: shape {shape} takes {size} bytes, the file holds {capacity} at most")
        values = np.frombuffer(read_exactly(file, size), dtype)
        return values.reshape(shape).astype(dtype.newbyteorder("="), copy=False)
