"""Files of models: a safetensors file with one document of JSON beside its arrays, and a checksum over both.

Only what a file proves by its own size is read, and only if the checksum fits: a file that is cut, mutated or foreign
raises ValueError and nothing else.
"""

from __future__ import annotations

import json
import os
import secrets
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.datasets.files import PathLike, naming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastnn.arrays import Array

# Raised when a file says something that older readers would misunderstand. All versions up to it are read.
FORMAT_VERSION = 1

# The one key of the metadata. Several would be written in an order that differs from run to run.
_KEY = "fastnn"


def encode(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """The contents of a file.

    Args:
        document: what JSON can hold.
        arrays: by name, of any shapes, in native byte order.
    """
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    body = {"format_version": FORMAT_VERSION, **document}
    text = json.dumps({**body, "checksum": _checksum(body, contiguous)}, sort_keys=True)
    return save(contiguous, {_KEY: text})


def decode(contents: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """The document and the arrays that were given to encode.

    Raises:
        ValueError: a newer version wrote it, or it is damaged.
    """
    from safetensors.numpy import load

    arrays = load(contents)
    header = json.loads(contents[8 : 8 + int.from_bytes(contents[:8], "little")])
    return _checked(_document(header["__metadata__"][_KEY]), arrays), arrays


def write(path: PathLike, document: Mapping[str, Any], arrays: Mapping[str, Array], *, overwrite: bool) -> None:
    """Writes a file whole: whatever happens there is the old one, or the new one.

    Args:
        path: where to; a symbolic link stays one.
        document, arrays: as for encode.
        overwrite: whether the file may exist.

    Raises:
        FileExistsError: it exists and overwrite is False.
        OSError: it cannot be written.
    """
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise IsADirectoryError(f"{os.fspath(path)} is a directory; name a file in it")
    if not overwrite and os.path.exists(target):
        raise FileExistsError(f"{os.fspath(path)} exists already; pass overwrite=True to replace it")
    contents = encode(document, arrays)
    scratch = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        with open(scratch, "xb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, target)
    except BaseException:
        if os.path.exists(scratch):
            os.unlink(scratch)
        raise
    _sync_directory(os.path.dirname(target))


def read(path: PathLike) -> tuple[dict[str, Any], dict[str, Array]]:
    """The document and the arrays of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no whole file of fastnn, or a newer one; the sentence names it.
    """
    from safetensors import safe_open

    with open(path, "rb"):
        # For the errors of the system, which safetensors does not pass on as they are.
        pass
    with naming(path):
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(_KEY)
            if text is None:
                raise ValueError("a safetensors file, but not of a fastnn model")
            body = _document(text)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        return _checked(body, arrays), arrays


def _document(text: str) -> dict[str, Any]:
    """The document with its checksum; raises ValueError if its format version is none that is known here."""
    body: dict[str, Any] = json.loads(text)
    version = body["format_version"]
    if type(version) is not int or version < 1:
        raise ValueError(f"format version {version!r} is none")
    if version > FORMAT_VERSION:
        raise ValueError(f"format version {version} needs a newer fastnn; this one reads up to {FORMAT_VERSION}")
    return body


def _checked(body: dict[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """The document without its checksum; raises ValueError if that does not fit."""
    checksum = body.pop("checksum")
    if checksum != _checksum(body, arrays):
        raise ValueError("damaged: the checksum does not fit the contents")
    return body


def _checksum(body: Mapping[str, Any], arrays: Mapping[str, Array]) -> int:
    """CRC-32 over the document and the arrays with their names, dtypes and shapes."""
    total = zlib.crc32(json.dumps(body, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(json.dumps([name, array.dtype.str, array.shape]).encode(), total)
        total = zlib.crc32(array.reshape(-1).view(np.uint8).data, total)
    return total


def _sync_directory(directory: str) -> None:
    """Makes the new name of a file last, where the system lets a directory be synced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
