"""What the losses share on their slow path: the factor dloss, and the form of a reduced loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments
from fastnn.arrays import Inputs, convert, to_ndarray

if TYPE_CHECKING:
    from fastnn.arrays import Array


def prepared_dloss(dloss: object, reduction: str, shape: tuple[int, ...], inputs: Inputs) -> float | Array:
    """dloss as a float, or as an array of the loss's shape, which only reduction="none" allows."""
    array = to_ndarray(dloss, "dloss")
    if array.ndim == 0:
        return arguments.real(array[()], "dloss")
    if reduction != "none":
        raise ValueError(f'dloss must be a number unless reduction is "none", got shape {array.shape}')
    if array.shape != shape:
        raise ValueError(f"dloss must be a number or have the loss's shape {shape}, got {array.shape}")
    inputs.arrays["dloss"] = array
    return convert(array, inputs.dtype)


def delivered_loss(loss: Any, reduction: str, shape: tuple[int, ...], inputs: Inputs) -> Any:
    """A NumPy scalar for a reduced loss, an array for "none"."""
    if reduction == "none":
        return np.asarray(loss).reshape(shape)
    return inputs.dtype.type(loss)
