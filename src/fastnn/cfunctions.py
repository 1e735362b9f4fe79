"""The C functions of libfastnn for compiled Python: Numba, SciPy, Cython, ctypes.

Their signatures are read from the headers that came with the library.
"""

from __future__ import annotations

import ctypes
import functools
import re
from dataclasses import dataclass
from typing import Any, Protocol, cast

from fastnn import embedding

_DTYPES = {"f32": "f32", "float32": "f32", "f64": "f64", "float64": "f64"}
_TYPES: dict[str, type | None] = {
    "void": None,
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
}
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_FUNCTION = re.compile(r"\bFASTNN_API\s+([^;(]*?)\b(fastnn_\w+)\s*\(([^;]*?)\)\s*FASTNN_NOEXCEPT\s*;")
_PARAMETER = re.compile(r"\s*(.*[\s*])(\w+)\s*", re.DOTALL)
_INTEGER = re.compile(r"\btypedef\s+(?:int32_t|enum\s+\w+\s*\{[^}]*\})\s*(fastnn_\w+)\s*;")


@dataclass(frozen=True)
class Declaration:
    """A function of the C headers. `parameters` are pairs of a C type and a name; an enumeration is an `int32_t`."""

    name: str
    result: str
    parameters: tuple[tuple[str, str], ...]


class CFunction(Protocol):
    """A ctypes function that knows its types and its address."""

    address: int
    __name__: str
    argtypes: tuple[type, ...]
    restype: type | None

    def __call__(self, *arguments: object) -> object:
        """Calls it, without the GIL."""


def declarations(headers: str) -> list[Declaration]:
    """What the text of some headers of fastnn declares, in its order."""
    text = _COMMENT.sub("", headers)
    integers = set(_INTEGER.findall(text))

    def spaced(kind: str) -> str:
        words = kind.replace("*", " * ").split()
        return " ".join("int32_t" if word in integers else word for word in words).replace(" *", "*")

    def parameter(part: str) -> tuple[str, str]:
        match = _PARAMETER.fullmatch(part)
        if match is None:
            raise ValueError(f"cannot read the parameter {part.strip()!r}")
        return spaced(match[1]), match[2]

    return [
        Declaration(name, spaced(result), tuple(map(parameter, parameters.split(","))) if parameters != "void" else ())
        for result, name, parameters in _FUNCTION.findall(text)
    ]


def cfunc(name: str, dtype: str | None = None) -> CFunction:
    """The C function `fastnn_NAME_DTYPE`, as a ctypes function with its argument and result types.

    Numba takes it as it is inside `@njit`: pass `array.ctypes` for a pointer and 0 for NULL. Called from Python, it
    wants `array.ctypes.data` and None, and lets go of the GIL. `.address` is the function's address. What the functions
    do and want is described in `fastnn/operations.h` and `fastnn/network.h` (see `python -m fastnn --includes`); the
    result of most is a status, 0 if all is well. Arrays are neither converted nor checked: one of another dtype or size
    than the call says is memory read or overwritten.

    name: as in C, without `fastnn_` and the dtype: "softmax", "dense", "dense_scratch".
    dtype: "f32" or "f64", also "float32" or "float64"; None for functions that have none in their name.

    Raises ValueError for an unknown name or dtype; RuntimeError if fastnn was built without its shared library.
    """
    if dtype is not None and dtype not in _DTYPES:
        raise ValueError(f"dtype must be 'f32', 'f64' or None, got {dtype!r}")
    symbol = f"fastnn_{name}" if dtype is None else f"fastnn_{name}_{_DTYPES[dtype]}"
    functions = _functions()
    if symbol not in functions:
        known = ", ".join(
            sorted(key.removeprefix("fastnn_").removesuffix("_f32") for key in functions if key[-4:] != "_f64")
        )
        raise ValueError(f"there is no C function {symbol}; name must be one of {known}")
    return _loaded(functions[symbol])


@functools.cache
def _functions() -> dict[str, Declaration]:
    headers = sorted((embedding.include_directory() / "fastnn").glob("*.h"))
    found = declarations("\n".join(header.read_text(encoding="utf-8") for header in headers))
    return {declaration.name: declaration for declaration in found}


@functools.cache
def _loaded(declaration: Declaration) -> CFunction:
    library = ctypes.CDLL(str(embedding.library()))
    types: list[Any] = [_ctype(kind) for kind in (declaration.result, *(kind for kind, _ in declaration.parameters))]
    function = ctypes.CFUNCTYPE(*types)((declaration.name, library))
    vars(function).update(address=ctypes.cast(function, ctypes.c_void_p).value, __name__=declaration.name)
    return cast(CFunction, function)


def _ctype(kind: str) -> type | None:
    if kind == "const char*":
        return ctypes.c_char_p
    # Of no type: Numba has no NULL for others.
    return ctypes.c_void_p if kind.endswith("*") else _TYPES[kind]
