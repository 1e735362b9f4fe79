"""The arrays of an npz file, read without pickle and without trusting a size that a header only claims.

np.load allocates what an array's header promises before it looks for the data, so the headers are checked here.
"""

import math
import os
import zipfile
from collections.abc import Iterable
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from fastnn.datasets.files import MAX_DEFLATE_RATIO, PathLike, naming, read_exactly

_READ_HEADER = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(path: PathLike, names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
    """Reads the named arrays of an npz file, or all of them.

    Raises OSError if the file cannot be read and ValueError, naming the file, if it is no whole npz file, if it lacks
    a name, or if an array holds Python objects (they would need pickle, which can run foreign code).
    """
    with open(path, "rb") as file, naming(path), zipfile.ZipFile(file) as archive:
        capacity = MAX_DEFLATE_RATIO * os.fstat(file.fileno()).st_size
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        wanted = list(members) if names is None else list(names)
        missing = [name for name in wanted if name not in members]
        if missing:
            raise ValueError(f"no array named {', '.join(missing)}; there are {', '.join(sorted(members)) or 'none'}")
        arrays = {}
        for name in wanted:
            with naming(name), archive.open(members[name]) as member:
                arrays[name] = _read_array(member, members[name].file_size, capacity)
        return arrays


def _read_array(member: IO[bytes], member_size: int, capacity: int) -> NDArray[Any]:
    version = npy.read_magic(member)
    if version not in _READ_HEADER:
        raise ValueError(f"npy format {version} is not known")
    shape, fortran_order, dtype = _READ_HEADER[version](member)
    if dtype.hasobject or dtype.names is not None:
        raise ValueError(f"arrays of numbers are read, not dtype {dtype}")
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or member.tell() + size != member_size or size > capacity:
        raise ValueError(f"shape {shape} of {dtype} takes {size} bytes, the file has {member_size} with the header")
    values = np.frombuffer(read_exactly(member, size), dtype)
    return values.reshape(shape, order="F" if fortran_order else "C")
