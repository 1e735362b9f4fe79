"""Opening a file that may be gzipped, and reading exactly as many bytes as a header promises."""

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TypeAlias

PathLike: TypeAlias = "str | os.PathLike[str]"

# Deflate cannot shrink data further than 1032 : 1.
MAX_DEFLATE_RATIO = 1032

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20


@contextmanager
def naming(path: PathLike) -> Iterator[None]:
    """Makes whatever reading bad bytes raises an error that names the file.

    All of Exception, because zipfile, gzip and the parser of npy headers raise a dozen kinds between them.
    """
    try:
        yield
    except MemoryError:
        raise
    except OSError as error:
        if error.errno is None:
            raise ValueError(f"{os.fspath(path)}: {error}") from error
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    except Exception as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


@contextmanager
def open_plain_or_gzip(path: PathLike) -> Iterator[tuple[io.BufferedReader, int]]:
    """Opens a file, plain or gzipped, and yields it with the most bytes it can hold.

    The first bytes decide, not the name: browsers unpack a .gz and keep its name.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        magic = file.read(len(_GZIP_MAGIC))
        file.seek(0)
        if magic != _GZIP_MAGIC:
            yield file, size
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield io.BufferedReader(unpacked), MAX_DEFLATE_RATIO * size


def read_exactly(file: IO[bytes], size: int) -> bytearray:
    """The next `size` bytes, which must be there and be the last ones: ValueError otherwise.

    Read in chunks, so that a lying header costs no more memory than the file really fills.
    """
    data = bytearray()
    while len(data) < size:
        chunk = file.read(min(_CHUNK, size - len(data)))
        if not chunk:
            raise ValueError(f"cut short: {size} bytes of data are promised, {len(data)} are there")
        data += chunk
    if file.read(1):
        raise ValueError(f"more bytes follow the {size} bytes of data that are promised")
    return data
