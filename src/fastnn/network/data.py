"""What fit, evaluate and predict are given, checked and made into what engines take.

Samples are not copied where that can be avoided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments
from fastnn.arrays import DOUBLE, SINGLE, Inputs, checked_output, convert, overlap, to_ndarray
from fastnn.network.engine import Data

if TYPE_CHECKING:
    from fastnn.arrays import Array
    from fastnn.network.losses import Loss
    from fastnn.network.plan import Plan, Shape

# Engines take these as they are and convert them row by row.
_TAKEN = (SINGLE, DOUBLE, np.dtype(np.uint8))
_CHECKED_AT_ONCE = 1 << 16


def sample_shape(x: object, name: str = "x") -> Shape:
    """The shape of one sample; samples that are bare numbers have one feature each.

    Raises:
        TypeError: x is no array of real numbers.
        ValueError: x is a bare number.
    """
    array = to_ndarray(x, name)
    if array.ndim == 0:
        raise ValueError(f"{name} must have shape (N, ...), got a bare number")
    return array.shape[1:] or (1,)


def samples(x: object, shape: Shape, dtype: np.dtype[Any], name: str = "x") -> Array:
    """Samples as engines take them.

    Args:
        x: shape (N, *shape); a last axis of length 1 may be left out or added, as in Keras.
        shape: of one sample.
        dtype: of the network: what is neither float32, float64 nor uint8 is converted to it.
        name: for errors.

    Returns:
        C-contiguous array of shape (N, *shape); x itself where it is so already.

    Raises:
        TypeError: x is no array of real numbers.
        ValueError: the shape does not fit.
    """
    array = to_ndarray(x, name)
    own = array.shape[1:] if array.ndim else None
    if own != shape:
        if own is None or not ((*own, 1) == shape or own == (*shape, 1)):
            wanted = f"(N, {', '.join(map(str, shape))})"
            hint = f"; one sample alone is {name}[None]" if array.shape == shape else ""
            raise ValueError(f"{name} must have shape {wanted}, got {array.shape}{hint}")
        array = array.reshape(len(array), *shape)
    return convert(array, array.dtype if array.dtype in _TAKEN and array.dtype.isnative else dtype)


def require_finite(x: Array, name: str) -> None:
    """Raises ValueError, with the first row's number, if a sample holds nan or inf."""
    if x.dtype.kind != "f":
        return
    step = max(1, _CHECKED_AT_ONCE // max(1, math.prod(x.shape[1:])))
    for start in range(0, len(x), step):
        fits = np.isfinite(x[start : start + step]).reshape(-1, math.prod(x.shape[1:])).all(axis=1)
        if not fits.all():
            raise ValueError(f"{name} must be finite, row {start + int(fits.argmin())} holds nan or inf")


def labelled(
    x: object,
    y: object,
    plan: Plan,
    loss: Loss,
    sample_weight: object = None,
    class_weight: object = None,
    prefix: str = "",
) -> Data:
    """Samples with their targets and weights.

    Args:
        x, y, sample_weight, class_weight: as given to fit.
        plan: the network.
        loss: says what targets it wants.
        prefix: of the arguments' names in errors, such as "validation ".

    Raises:
        TypeError: an argument is no array of real numbers.
        ValueError: there are no samples, a shape does not fit, or the lengths differ.
        IndexError: a class index is out of range.
    """
    inputs = samples(x, plan.input_shape, plan.dtype, f"{prefix}x")
    count = len(inputs)
    if count == 0:
        raise ValueError(f"{prefix}x must hold at least one sample, got shape {inputs.shape}")
    if y is None:
        raise TypeError(f"{prefix}y must be given beside {prefix}x, got None")
    given = to_ndarray(y, f"{prefix}y")
    if given.ndim == 0 or len(given) != count:
        raise ValueError(f"{prefix}y must have as many rows as {prefix}x, {count}, got shape {given.shape}")
    try:
        targets = loss.targets(given, plan.output_shape, plan.dtype)
    except (IndexError, TypeError, ValueError) as error:
        if prefix:
            raise type(error)(f"{prefix}y: {error}") from error
        raise
    if class_weight is not None:
        if sample_weight is not None:
            raise ValueError("class_weight and sample_weight must not both be given; multiply them into sample_weight")
        sample_weight = weights_of_classes(class_weight, given)
    return Data(inputs, targets, None if sample_weight is None else row_weights(sample_weight, count, plan, prefix))


def row_weights(sample_weight: object, count: int, plan: Plan, prefix: str = "") -> Array:
    """sample_weight as one factor per row, of the network's dtype; it may come as a column.

    Raises:
        TypeError: it is no array of real numbers.
        ValueError: it has another shape.
    """
    weight = to_ndarray(sample_weight, f"{prefix}sample_weight")
    if weight.shape not in ((count,), (count, 1)):
        raise ValueError(f"{prefix}sample_weight must have shape (N,) = ({count},), got {weight.shape}")
    return convert(weight.reshape(count), plan.dtype)


def weights_of_classes(class_weight: object, y: Array) -> Array:
    """One factor for each row: that of its class, 1 for a class that has none.

    Args:
        class_weight: class -> factor.
        y: class indices (N,) or (N, 1), or one-hot rows (N, C).

    Returns:
        float64 array of shape (N,).

    Raises:
        TypeError: class_weight is no dict of integers and numbers.
        ValueError: y holds no classes.
    """
    if not isinstance(class_weight, Mapping):
        raise TypeError(f"class_weight must be a dict such as {{0: 1.0, 1: 5.0}}, got a {type(class_weight).__name__}")
    factors = {
        arguments.integer(label, "a class in class_weight", 0): arguments.real(factor, f"class_weight[{label!r}]")
        for label, factor in class_weight.items()
    }
    if y.ndim > 2:
        raise ValueError(f"class_weight needs y of shape (N,) or (N, C), got {y.shape}; use sample_weight")
    classes = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y))
    weight = np.ones(len(y), DOUBLE)
    for label, factor in factors.items():
        weight[classes == label] = factor
    return weight


def split_validation(share: float, x: object, y: object, sample_weight: object) -> tuple[list[Any], list[Any]]:
    """The rows to learn from, and the last ones, held out: ([x, y, sample_weight], the same). Views of the arrays.

    Raises:
        TypeError: an argument is no array of real numbers.
        ValueError: the lengths differ, or share, which is > 0 and < 1, leaves no row on one side.
    """
    if y is None:
        raise TypeError("y must be given beside x, got None")
    names = ("x", "y", "sample_weight")
    arrays = [None if a is None else to_ndarray(a, name) for a, name in zip((x, y, sample_weight), names, strict=True)]
    count = len(arrays[0]) if arrays[0] is not None and arrays[0].ndim else 0
    for array, name in zip(arrays, names, strict=True):
        if array is not None and (array.ndim == 0 or len(array) != count):
            raise ValueError(f"{name} must have as many rows as x, {count}, got shape {array.shape}")
    start = math.floor(count * (1.0 - share))
    if not 0 < start < count:
        raise ValueError(f"validation_split={share!r} of {count} samples leaves none on one side")
    return [a if a is None else a[:start] for a in arrays], [a if a is None else a[start:] for a in arrays]


def result_array(out: object, shape: Shape, dtype: np.dtype[Any], x: Array) -> Array:
    """The caller's array for results, checked.

    Raises:
        TypeError: out is no ndarray, or of another dtype.
        ValueError: its shape or layout is wrong, it is read-only, or it overlaps x.
    """
    rule = Inputs({})
    rule.follow(dtype)
    checked = checked_output(out, "out", shape, rule)
    if overlap(checked, x):
        raise ValueError("out must not overlap x")
    return checked.view(np.ndarray)
