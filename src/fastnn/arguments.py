"""The arguments that are not arrays: names, numbers, flags and axes, each checked with a sentence that teaches.

Used on the slow path only: the binding has already taken every usual call.
"""

from __future__ import annotations

import math
import operator
import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

REDUCTIONS = ("mean", "sum", "none")


def unknown(what: str, value: str, known: Iterable[str]) -> ValueError:
    """The error for a name that is not among the known ones."""
    import difflib

    names = list(known)
    close = difflib.get_close_matches(value, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return ValueError(f"unknown {what} {value!r}{hint} (known: {', '.join(names)})")


def choice(value: object, what: str, known: Iterable[str]) -> str:
    """One of the known words."""
    words = tuple(known)
    if not isinstance(value, str):
        raise TypeError(f"{what} must be one of {', '.join(map(repr, words))}, got {_show(value)}")
    if value not in words:
        raise unknown(what, value, words)
    return str(value)


def reduction_name(value: object) -> str:
    """One of "mean", "sum" and "none"."""
    return choice(value, "reduction", REDUCTIONS)


def name(value: object) -> str:
    """The name of an object: text, not empty."""
    if not isinstance(value, str):
        raise TypeError(f"name must be a str, got {_show(value)}")
    if not value:
        raise ValueError("name must not be empty")
    return str(value)


def path(value: object, what: str) -> str:
    """The path of a file as a str."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{what} must be a path, got {_show(value)}")
    return os.fsdecode(value)


def real(value: object, name: str) -> float:
    """A real number as a float: Python's, NumPy's, or a 0-d array."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a real number, got {_show(value)}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must fit in float64, got an integer beyond it") from None


def real_in(
    value: object, name: str, low: float, high: float = math.inf, *, above: bool = False, below: bool = False
) -> float:
    """A real number between low and high; above and below leave out that end (of inf: finite). nan is never inside."""
    number = real(value, name)
    fits = (number > low if above else number >= low) and (number < high if below else number <= high)
    if not fits:
        start = f"{'>' if above else '>='} {low:g}"
        end = f" and {'<' if below else '<='} {high:g}"
        if math.isinf(high):
            end = " and finite" if below else ""
        raise ValueError(f"{name} must be {start}{end}, got {number!r}")
    return number


def integer(value: object, name: str, low: int, high: int | None = None) -> int:
    """An integer from low up to high, both included."""
    if isinstance(value, (bool, np.bool_, np.ndarray)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {_show(value)}")
    number = operator.index(value)
    if number < low or (high is not None and number > high):
        raise ValueError(f"{name} must be >= {low}{'' if high is None else f' and <= {high}'}, got {number}")
    return number


def word64(value: object, name: str) -> int:
    """An integer of 64 bits without a sign: the seed or the counter of a random operation."""
    return integer(value, name, 0, 2**64 - 1)


def flag(value: object, name: str) -> bool:
    """True or False, and nothing that merely looks like it."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {_show(value)}")
    return bool(value)


def axis_of(value: object, shape: tuple[int, ...], name: str) -> int:
    """The axis as an index >= 0 into an array of that shape; a 0-d array counts as one axis of length 1."""
    if isinstance(value, (bool, np.bool_, np.ndarray)) or not hasattr(value, "__index__"):
        raise TypeError(f"axis must be an integer, got {_show(value)}")
    axis, rank = operator.index(value), max(len(shape), 1)
    if not -rank <= axis < rank:
        raise ValueError(f"axis must be between {-rank} and {rank - 1} for {name} of shape {shape}, got {axis}")
    return axis % rank


def _show(value: object) -> str:
    if value is None or isinstance(value, (str, bool)):
        return repr(value)
    return f"a {type(value).__name__}"
