"""The losses of classification, native."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn import _fastnn

from .answer import answered

if TYPE_CHECKING:
    from fastnn.arrays import Array


def cross_entropy(
    logits: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(
        _fastnn.native_cross_entropy(logits, targets, axis, weight, ignore_index, label_smoothing, reduction)
    )


def cross_entropy_with_grad(
    logits: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_cross_entropy_with_grad(
        logits, targets, axis, weight, ignore_index, label_smoothing, reduction, dloss, out
    )
    return answered(result)


def categorical_cross_entropy(
    p: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_categorical_cross_entropy(p, targets, axis, weight, label_smoothing, reduction))


def categorical_cross_entropy_with_grad(
    p: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_categorical_cross_entropy_with_grad(
        p, targets, axis, weight, label_smoothing, reduction, dloss, out
    )
    return answered(result)
