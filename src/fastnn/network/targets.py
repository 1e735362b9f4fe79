"""What a network learns from, checked and brought into the form that the engines take (engine.Data.y).

y is the caller's argument in all of these functions: N targets as an array of real numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.arrays import convert

if TYPE_CHECKING:
    from fastnn.arrays import Array
    from fastnn.network.plan import Shape


def values(y: Array, output_shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Numbers of the output's shape: (N, *output_shape), where a last axis of length 1 may be missing in y.

    Raises:
        ValueError: y has another shape.
    """
    if output_shape[-1:] == (1,) and y.shape[1:] == output_shape[:-1] and y.ndim:
        y = y.reshape(*y.shape, 1)
    if y.ndim == 0 or y.shape[1:] != output_shape:
        raise ValueError(f"y must have shape {_with_rows(output_shape)} as the network's results, got {y.shape}")
    return convert(y, dtype)


def distributions(y: Array, output_shape: Shape, dtype: np.dtype[Any]) -> Array:
    """One-hot rows or probabilities: (N, *output_shape), the classes along the last axis.

    Raises:
        ValueError: y has another shape; if it is that of class indices, the loss for these is named.
    """
    if y.ndim and y.shape[1:] != output_shape and y.shape[1:] in (output_shape[:-1], (*output_shape[:-1], 1)):
        raise ValueError(
            f"y must be one-hot or probabilities of shape {_with_rows(output_shape)}, got shape {y.shape}; "
            "for class indices use the loss sparse_categorical_crossentropy"
        )
    return values(y, output_shape, dtype)


def indices(y: Array, output_shape: Shape) -> Array:
    """Class indices as int64 of shape (N, *output_shape[:-1]); y may have one more axis, of length 1.

    Raises:
        ValueError: y has another shape (for one-hot rows the loss for these is named), or holds no whole numbers.
        IndexError: an index is not one of the output's classes.
    """
    if not output_shape:
        raise ValueError("class indices need a network whose results have a class axis, got results of shape (N,)")
    rows, classes = output_shape[:-1], output_shape[-1]
    if y.ndim and y.shape[1:] == (*rows, 1):
        y = y.reshape(y.shape[:-1])
    if y.ndim == 0 or y.shape[1:] != rows:
        hint = ""
        if y.ndim and y.shape[1:] == output_shape:
            hint = "; for one-hot or probabilities use the loss categorical_crossentropy"
        raise ValueError(f"y must be class indices of shape {_with_rows(rows)}, got shape {y.shape}{hint}")
    if y.dtype.kind not in "biu":
        _refuse(y, y != np.floor(y), ValueError, "class indices must be whole numbers")
    if y.dtype.kind != "b":
        hint = "; for a single output use the loss binary_crossentropy" if classes == 1 else ""
        wanted = f"class indices must be from 0 to {classes - 1}, for the network has {classes} outputs{hint}"
        _refuse(y, (y < 0) | (y >= classes), IndexError, wanted)
    elif classes == 1:
        _refuse(y, y, IndexError, "class indices must be 0, for the network has 1 output")
    return convert(y, np.dtype(np.int64))


def signs(y: Array) -> Array:
    """Targets of -1 and 1 from targets of 0 and 1; others stay as they are."""
    if y.size and np.all((y == 0) | (y == 1)):
        y = np.where(y == 0, y.dtype.type(-1), y.dtype.type(1))
    return y


def require_probabilities(y: Array) -> None:
    """Raises ValueError if a target is below 0 or above 1; nan passes."""
    _refuse(y, (y < 0) | (y > 1), ValueError, "targets of binary_crossentropy must be from 0 to 1")


def _refuse(y: Array, wrong: Array, error: type[Exception], wanted: str) -> None:
    """Raises the error with the first wrong value and its place."""
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise error(f"{wanted}; got {y[where]} in y[{', '.join(map(str, where))}]")


def _with_rows(shape: Shape) -> str:
    return f"({', '.join(['N', *map(str, shape)])}{',' if not shape else ''})"
