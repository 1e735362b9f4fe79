"""What the losses share on their slow path: the factor dloss, and the form of a reduced loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments
from fastnn.arrays import Inputs, convert, is_on_device, to_ndarray

if TYPE_CHECKING:
    from fastnn.arrays import Array


def prepared_dloss(dloss: object, reduction: str, shape: tuple[int, ...], inputs: Inputs) -> float | Array:
    """dloss as a float, or as an array of the loss's shape, which only reduction="none" allows."""
    array = _array(dloss, inputs)
    if array.ndim == 0 and isinstance(array, np.ndarray):
        return arguments.real(array[()], "dloss")
    if reduction != "none":
        raise ValueError(f'dloss must be a number unless reduction is "none", got shape {array.shape}')
    if tuple(array.shape) != shape:
        raise ValueError(f"dloss must be a number or have the loss's shape {shape}, got {tuple(array.shape)}")
    inputs.arrays["dloss"] = array
    return inputs.prepared("dloss") if is_on_device(array) else convert(array, inputs.dtype)


def delivered_loss(loss: Any, reduction: str, shape: tuple[int, ...], inputs: Inputs) -> Any:
    """A NumPy scalar for a reduced loss, on a CUDA device a 0-d array; an array for "none"."""
    if reduction == "none":
        return inputs.shaped(loss, shape)
    return loss if is_on_device(loss) else inputs.dtype.type(loss)


def _array(dloss: object, inputs: Inputs) -> Any:
    from fastnn import device_arrays

    if not is_on_device(dloss):
        array = to_ndarray(dloss, "dloss")
        if array.ndim and isinstance(inputs, device_arrays.DeviceInputs):
            raise device_arrays.mixed(next(iter(inputs.arrays)), "dloss")
        return array
    if not isinstance(inputs, device_arrays.DeviceInputs):
        raise device_arrays.mixed("dloss", next(iter(inputs.arrays)))
    array = device_arrays.adopted(dloss, "dloss")
    device_arrays.require_contiguous(array, "dloss")
    return array
