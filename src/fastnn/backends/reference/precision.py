"""How the reference computes: arguments are cast up to float64, results down to the dtype of the arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def quiet(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Without NumPy's warnings: what a formula gives outside its domain (nan, inf) is part of its meaning."""

    @functools.wraps(function)
    def silenced(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        # A new errstate for each call: before NumPy 2 one shared as a decorator is neither reentrant nor thread-safe.
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return silenced


def up(x: Any) -> Array:
    """x in float64, in C order: the last place of NumPy's products depends on the order in memory."""
    return np.asarray(x, dtype=np.float64, order="C")


def down(result: Any, dtype: np.dtype[Any], out: Array | None = None) -> Array:
    """A float64 result in the dtype of the arguments: a new array, or `out`, filled."""
    rounded = np.array(result, dtype=dtype, order="C")
    if out is None:
        return rounded
    out[...] = rounded
    return out
