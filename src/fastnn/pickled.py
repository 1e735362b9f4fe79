"""The instructions of a pickle, followed as far as they build NumPy arrays of numbers, and no further.

pickle.Unpickler is not used: whatever few names it is allowed to find, a file can call them, set their attributes and
take memory as it likes. What is on the stack here is None, bool, int, float, str, bytes, one of three containers or one
of the classes below, so that no instruction reaches an object of the process.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastnn.arrays import Array

# The names under which NumPy 1, NumPy 2 and Python 2 wrote what makes an array.
_GLOBALS = {
    "numpy.core.multiarray._reconstruct": "reconstruct",
    "numpy._core.multiarray._reconstruct": "reconstruct",
    "numpy.core.numeric._frombuffer": "frombuffer",
    "numpy._core.numeric._frombuffer": "frombuffer",
    "numpy.ndarray": "ndarray",
    "numpy.dtype": "dtype",
    "_codecs.encode": "encode",
    "builtins.bytes": "bytes",
    "__builtin__.bytes": "bytes",
}
_DTYPES = frozenset(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"])

_ADMITTED = "a pickle may hold NumPy arrays of numbers in dicts, lists and tuples, and nothing else"

# An array takes about 30 instructions.
_MAX_INSTRUCTIONS = 1_000_000
_MAX_DEPTH = 32
# NumPy 1 has no arrays of more axes.
_MAX_AXES = 32


class JoblibError(ValueError):
    """The pickle is one of joblib's, which has raw bytes between its instructions."""


def arrays(contents: bytes) -> Any:
    """What a pickle holds: an array, or arrays in dicts, lists and tuples.

    Raises:
        JoblibError: joblib wrote it.
        ValueError: it is damaged or no pickle, or holds or asks for anything else.
    """
    return _Program(contents).run()


class _Function:
    """A name of _GLOBALS on the stack: nothing that could be called."""

    def __init__(self, name: str) -> None:
        self.name = name


class _DType:
    """A dtype on the stack, whose byte order is told after it was made."""

    def __init__(self, value: np.dtype[Any]) -> None:
        self.value = value


class _Array:
    """An array on the stack, without a value until it is told its state."""

    def __init__(self, value: Array | None = None) -> None:
        self.value = value


class _Program:
    """A pickle while it is followed: its stack, the stacks below open marks, and its numbered objects."""

    def __init__(self, contents: bytes) -> None:
        self.contents = contents
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        # The bytes of arrays are in the file, at most as text first and then as bytes.
        self.budget = 2 * len(contents)

    def run(self) -> Any:
        for count, (name, argument) in enumerate(_instructions(self.contents)):
            if count >= _MAX_INSTRUCTIONS:
                raise ValueError(f"it has more than {_MAX_INSTRUCTIONS} instructions, too many for arrays")
            try:
                self._follow(name, argument)
            except (IndexError, KeyError) as error:
                raise ValueError(f"damaged: the instruction {name} lacks what it works on") from error
        return _finished(self.stack.pop(), 0, {})

    def _follow(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                if self.outer or len(stack) != 1:
                    raise ValueError("damaged: it ends in the middle")
            case "MARK":
                self.outer.append(stack)
                self.stack = []
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(name == "NEWTRUE")
            case "INT" | "BININT" | "BININT1" | "BININT2" | "LONG" | "LONG1" | "LONG4" | "FLOAT" | "BINFLOAT":
                stack.append(argument)
            case "UNICODE" | "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8":
                stack.append(argument)
            case "STRING" | "BINSTRING" | "SHORT_BINSTRING" | "BINBYTES" | "SHORT_BINBYTES" | "BINBYTES8":
                stack.append(argument)
            case "BYTEARRAY8":
                stack.append(bytes(argument))
            case "EMPTY_TUPLE":
                stack.append(())
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                length = int(name[-1])
                if len(stack) < length:
                    raise IndexError
                self.stack[-length:] = [tuple(stack[-length:])]
            case "TUPLE":
                self._marked(tuple)
            case "LIST":
                self._marked(list)
            case "DICT":
                self._marked(_pairs)
            case "APPEND":
                item = stack.pop()
                self._top(list).append(item)
            case "APPENDS":
                items = self._since_mark()
                self._top(list).extend(items)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                self._top(dict).update(_pairs([key, value]))
            case "SETITEMS":
                items = self._since_mark()
                self._top(dict).update(_pairs(items))
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "GLOBAL":
                self._function(argument.replace(" ", ".", 1))
            case "STACK_GLOBAL":
                attribute, module = stack.pop(), stack.pop()
                if not isinstance(attribute, str) or not isinstance(module, str):
                    raise ValueError("damaged: it asks for a name that is no text")
                self._function(f"{module}.{attribute}")
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(self._called(function, arguments))
            case "BUILD":
                state = stack.pop()
                self._build(stack[-1], state)
            case _:
                raise ValueError(f"it uses the instruction {name}; {_ADMITTED}")

    def _since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.outer.pop()
        return items

    def _marked(self, make: Callable[[list[Any]], Any]) -> None:
        items = self._since_mark()
        self.stack.append(make(items))

    def _top(self, kind: type[Any]) -> Any:
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"damaged: a {kind.__name__} is filled that is none")
        return self.stack[-1]

    def _function(self, name: str) -> None:
        if name.startswith("joblib."):
            raise JoblibError
        if name not in _GLOBALS:
            raise ValueError(f"it asks for {ascii(name[:80])[1:-1]}; {_ADMITTED}")
        self.stack.append(_Function(_GLOBALS[name]))

    def _called(self, function: Any, arguments: Any) -> Any:
        if isinstance(function, _Function):
            match function.name, arguments:
                case "encode", (str(text), "latin1" | "latin-1"):
                    self._spend(len(text))
                    return text.encode("latin-1")
                case "bytes", ():
                    return b""
                case "dtype", (str(code), bool() | 0, bool() | 1):
                    if code.lstrip("<>|=") not in _DTYPES:
                        raise ValueError(f"it holds an array of dtype {code[:80]!a}; {_ADMITTED}")
                    return _DType(np.dtype(code))
                case "reconstruct", (_Function(name="ndarray"), (0,), _):
                    return _Array()
                case "frombuffer", (raw, _DType() as dtype, tuple(shape), "C" | "F" as order):
                    return _Array(self._array(raw, dtype, shape, order))
                case "frombuffer", (raw, _DType() as dtype, tuple(shape), "K", tuple(axes)) if _reorders(axes, shape):
                    return _Array(self._array(raw, dtype, shape, "C").transpose(axes))
        raise ValueError(f"it calls what makes no array; {_ADMITTED}")

    def _build(self, target: Any, state: Any) -> None:
        match target, state:
            case _DType(), (int(), "<" | ">" | "|" | "=" as order, None, None, None, *_):
                target.value = target.value.newbyteorder(order)
            case _Array(value=None), (1, tuple(shape), _DType() as dtype, bool() | 0 | 1 as columns_first, raw):
                target.value = self._array(raw, dtype, shape, "F" if columns_first else "C")
            case _:
                raise ValueError(f"it sets the state of what is no array; {_ADMITTED}")

    def _array(self, raw: Any, dtype: _DType, shape: tuple[Any, ...], order: Any) -> Array:
        if isinstance(raw, str):  # The bytes of Python 2.
            raw = raw.encode("latin-1")
        if not isinstance(raw, bytes):
            raise ValueError(f"it holds an array that is not made of bytes; {_ADMITTED}")
        if len(shape) > _MAX_AXES or not all(type(length) is int and 0 <= length < 2**63 for length in shape):
            raise ValueError(f"damaged: an array has a shape that is none, with {len(shape)} axes")
        size = math.prod(shape) * dtype.value.itemsize
        if size != len(raw):
            raise ValueError(f"damaged: an array of shape {shape} takes {size} bytes, the file has {len(raw)} for it")
        self._spend(size)
        found = np.frombuffer(raw, dtype.value).reshape(shape, order=order)
        return found.astype(dtype.value.newbyteorder("="))  # A copy, which can be written.

    def _spend(self, size: int) -> None:
        self.budget -= size
        if self.budget < 0:
            raise ValueError("damaged: its arrays promise more bytes than the file holds")


def _instructions(contents: bytes) -> Iterator[tuple[str, Any]]:
    """The name of each instruction and its argument, up to the one that ends the pickle."""
    try:
        for instruction, argument, _ in pickletools.genops(contents):
            yield instruction.name, argument
    except Exception as error:  # pickletools raises what its decoders raise.
        raise ValueError(f"no whole pickle: {str(error)[:200]}") from error


def _reorders(axes: tuple[Any, ...], shape: tuple[Any, ...]) -> bool:
    return all(type(axis) is int for axis in axes) and sorted(axes) == list(range(len(shape)))


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise ValueError("damaged: a key of a dict is without a value")
    for key in items[::2]:
        if type(key) not in (str, int):
            raise ValueError(f"the key of a dict is a {type(key).__name__}, neither str nor int")
    return dict(zip(items[::2], items[1::2], strict=True))


def _finished(value: Any, depth: int, done: dict[int, Any]) -> Any:
    """The value with arrays in place of _Array, once each part of it is known to be admitted."""
    if isinstance(value, _Array) and value.value is not None:
        return value.value
    if type(value) not in (dict, list, tuple):
        raise ValueError(f"it holds a {type(value).__name__.lstrip('_')}; {_ADMITTED}")
    if depth >= _MAX_DEPTH:
        raise ValueError(f"its dicts, lists and tuples lie more than {_MAX_DEPTH} deep in each other")
    if id(value) not in done:
        inner = value.values() if type(value) is dict else value
        parts = [_finished(part, depth + 1, done) for part in inner]
        done[id(value)] = dict(zip(value, parts, strict=True)) if type(value) is dict else type(value)(parts)
    return done[id(value)]
