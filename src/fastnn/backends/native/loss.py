"""The elementwise losses, native."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn import _fastnn

from .answer import answered

if TYPE_CHECKING:
    from fastnn.arrays import Array


def mse(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_mse(y, targets, sample_weight, reduction))


def mse_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_mse_with_grad(y, targets, sample_weight, reduction, dloss, out)
    return answered(result)


def mae(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_mae(y, targets, sample_weight, reduction))


def mae_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_mae_with_grad(y, targets, sample_weight, reduction, dloss, out)
    return answered(result)


def huber(
    y: Array, targets: Array, *, delta: float = 1.0, sample_weight: Array | None = None, reduction: str = "mean"
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_huber(y, targets, delta, sample_weight, reduction))


def huber_with_grad(
    y: Array,
    targets: Array,
    *,
    delta: float = 1.0,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_huber_with_grad(y, targets, delta, sample_weight, reduction, dloss, out)
    return answered(result)


def sum_squared_error(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_sum_squared_error(y, targets, sample_weight, reduction))


def sum_squared_error_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_sum_squared_error_with_grad(
        y, targets, sample_weight, reduction, dloss, out
    )
    return answered(result)


def poisson(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_poisson(y, targets, sample_weight, reduction))


def poisson_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_poisson_with_grad(y, targets, sample_weight, reduction, dloss, out)
    return answered(result)


def hinge(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_hinge(y, targets, sample_weight, reduction))


def hinge_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_hinge_with_grad(y, targets, sample_weight, reduction, dloss, out)
    return answered(result)


def binary_cross_entropy(
    y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean"
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_binary_cross_entropy(y, targets, sample_weight, reduction))


def binary_cross_entropy_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_binary_cross_entropy_with_grad(
        y, targets, sample_weight, reduction, dloss, out
    )
    return answered(result)


def binary_cross_entropy_with_logits(
    y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean"
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return answered(_fastnn.native_binary_cross_entropy_with_logits(y, targets, sample_weight, reduction))


def binary_cross_entropy_with_logits_with_grad(
    y: Array,
    targets: Array,
    *,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: float | Array = 1.0,
    out: Array | None = None,
) -> tuple[Any, Array]:
    """As the public function of that name, for prepared arguments."""
    result: tuple[Any, Array] = _fastnn.native_binary_cross_entropy_with_logits_with_grad(
        y, targets, sample_weight, reduction, dloss, out
    )
    return answered(result)
