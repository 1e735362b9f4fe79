"""Arrays out of files of other programs: npz, safetensors and pickle, without running anything that a file says.

A pickle is a small program, and pickle.load runs it, whatever it does. Here its instructions are read one by one: those
that build NumPy arrays of numbers are followed, all others are refused. Models of fastnn are read by fastnn.load_model.
"""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Any, TypeAlias

from fastnn import pickled
from fastnn.datasets.files import PathLike, naming

if TYPE_CHECKING:
    from fastnn.arrays import Array

    Arrays: TypeAlias = Array | dict[Any, Any] | list[Any] | tuple[Any, ...]

# What joblib.dump(..., compress=...) begins with: zlib, gzip, bz2, xz, lzma, lz4. No pickle of arrays does.
_COMPRESSED = (b"x\x01", b"x^", b"x\x9c", b"x\xda", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"]\0\0", b"\x04\x22\x4d\x18")


def load_arrays(path: PathLike) -> Arrays:
    """The arrays of an npz, safetensors or pickle file. The contents decide which it is, not the name.

    Args:
        path: the file.

    Returns:
        A dict of arrays by name; of a pickle what it holds, see load_pickle.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is cut, damaged or of another kind, or holds anything but arrays of numbers; the sentence names
            it. A file of joblib is refused with the line that converts it.
    """
    with open(path, "rb") as file:
        start = file.read(9)
    if start[:2] == b"PK":
        from fastnn.datasets.npz import read_npz

        return _numbers(path, read_npz(path))
    # Eight bytes that count the header, at most 100 MB, then its JSON.
    if start[8:] == b"{" and int.from_bytes(start[:8], "little") <= 100_000_000:
        return _numbers(path, _read_safetensors(path))
    return load_pickle(path)


def load_pickle(path: PathLike) -> Arrays:
    """The arrays of a pickle file, written with any protocol from 0 to 5, by Python 3 or 2.

    Nothing of the file is run, and no more memory is taken than its size warrants.

    Args:
        path: the file.

    Returns:
        A NumPy array of bool, integers, real or complex numbers, or a dict with keys of type str or int, a list or a
        tuple of what may stand here.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is cut, damaged or no pickle, or holds or asks for anything else; the sentence names it. A file
            of joblib is refused with the line that converts it.
    """
    with open(path, "rb") as file:
        contents = file.read()
    with naming(path):
        if contents.startswith(_COMPRESSED):
            raise ValueError(f"compressed; unpack it, or if joblib wrote it and you trust it: {_conversion(path)}")
        try:
            found: Arrays = pickled.arrays(contents)
        except pickled.JoblibError as error:
            raise ValueError(f"written by joblib; if you trust it, convert it: {_conversion(path)}") from error
        return found


def _read_safetensors(path: PathLike) -> dict[str, Array]:
    from safetensors import safe_open

    with naming(path), safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict


def _numbers(path: PathLike, arrays: dict[str, Array]) -> Arrays:
    for name, array in arrays.items():
        if array.dtype.kind not in "biufc":
            raise ValueError(f"{os.fspath(path)}: {name} must hold numbers, got dtype {array.dtype}")
    return arrays


def _conversion(path: PathLike) -> str:
    name = os.fspath(path)
    code = f'pickle.dump(joblib.load({json.dumps(name)}), open({json.dumps(name + ".pkl")}, "wb"))'
    return f"python -c {shlex.quote(f'import joblib, pickle; {code}')}"
