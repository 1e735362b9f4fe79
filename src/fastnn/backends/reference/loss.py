"""The elementwise losses, each as its formula, with weights and reductions.

A formula takes the prediction y and the target t, of one shape, and gives the losses and their derivative by y.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .activation import sigmoid
from .precision import Array, down, quiet, up

Formula = Callable[[Array, Array], tuple[Array, Array]]
Loss = Any  # a NumPy scalar of the prediction's dtype, or an array for reduction="none"


def reduce(losses: Array, total: Any, reduction: str) -> tuple[Any, Any]:
    """Weighted losses, reduced, and the derivative of the result by each.

    A mean is over the total of the weights, and nan if that is 0.
    """
    if reduction == "none":
        return losses, np.float64(1.0)
    if reduction == "sum":
        return losses.sum(), np.float64(1.0)
    total = np.float64(total) if total != 0 else np.nan
    return losses.sum() / total, 1.0 / total


def rounded(loss: Any, dtype: np.dtype[Any], reduction: str) -> Loss:
    """The reduced loss in the dtype of the prediction: an array for "none", else a scalar."""
    return down(loss, dtype) if reduction == "none" else dtype.type(loss)


def _evaluate(
    formula: Formula, y: Array, targets: Array, sample_weight: Array | None, reduction: str, dloss: Any
) -> tuple[Loss, Array]:
    losses, derivative = formula(up(y), up(targets))
    weight = up(1.0 if sample_weight is None else sample_weight)
    weight = np.broadcast_to(weight.reshape(weight.shape + (1,) * (losses.ndim - weight.ndim)), losses.shape)
    loss, scale = reduce(weight * losses, weight.sum(), reduction)
    factor = up(weight * scale * up(dloss))
    dy = derivative * factor.reshape(factor.shape + (1,) * (derivative.ndim - factor.ndim))
    return rounded(loss, y.dtype, reduction), dy


def _loss(formula: Formula, name: str) -> Callable[..., Loss]:
    @quiet
    def loss(y: Array, targets: Array, *, sample_weight: Array | None = None, reduction: str = "mean") -> Loss:
        return _evaluate(formula, y, targets, sample_weight, reduction, 1.0)[0]

    loss.__name__ = loss.__qualname__ = name
    loss.__doc__ = formula.__doc__
    return loss


def _loss_with_grad(formula: Formula, name: str) -> Callable[..., tuple[Loss, Array]]:
    @quiet
    def loss_with_grad(
        y: Array,
        targets: Array,
        *,
        sample_weight: Array | None = None,
        reduction: str = "mean",
        dloss: Any = 1.0,
        out: Array | None = None,
    ) -> tuple[Loss, Array]:
        loss, dy = _evaluate(formula, y, targets, sample_weight, reduction, dloss)
        return loss, down(dy, y.dtype, out)

    loss_with_grad.__name__ = loss_with_grad.__qualname__ = name
    loss_with_grad.__doc__ = formula.__doc__
    return loss_with_grad


def _mse(y: Array, t: Array) -> tuple[Array, Array]:
    """(y - t)^2."""
    return (y - t) ** 2, 2.0 * (y - t)


def _mae(y: Array, t: Array) -> tuple[Array, Array]:
    """|y - t|; the derivative is 0 at 0, and at nan as PyTorch's sign."""
    return np.abs(y - t), np.where(y > t, 1.0, np.where(y < t, -1.0, 0.0))


def _sum_squared_error(y: Array, t: Array) -> tuple[Array, Array]:
    """The sum of (y - t)^2 over the last axis: one loss a sample; a one-dimensional y has one feature a sample."""
    squares = (y - t) ** 2
    return squares.sum(axis=-1) if y.ndim > 1 else squares, 2.0 * (y - t)


def _poisson(y: Array, t: Array) -> tuple[Array, Array]:
    """y - t * log(y + 1e-7): the negative log-likelihood but for a constant; the 1e-7 is Keras's."""
    return y - t * np.log(y + 1e-7), 1.0 - t / (y + 1e-7)


def _hinge(y: Array, t: Array) -> tuple[Array, Array]:
    """max(0, 1 - t * y), for t = -1 and 1."""
    margin = 1.0 - t * y
    return np.maximum(margin, 0.0), np.where(margin > 0, -t, 0.0)


def _binary_cross_entropy(y: Array, t: Array) -> tuple[Array, Array]:
    """-t * log(y) - (1 - t) * log(1 - y) with logarithms of at least -100, as PyTorch has it."""
    log_y, log_rest = np.maximum(np.log(y), -100.0), np.maximum(np.log1p(-y), -100.0)
    return -t * log_y - (1.0 - t) * log_rest, (y - t) / np.maximum(y * (1.0 - y), 1e-12)


def _binary_cross_entropy_with_logits(y: Array, t: Array) -> tuple[Array, Array]:
    """max(y, 0) - y * t + log(1 + exp(-|y|)), written as PyTorch does: the same but for infinite y."""
    return (1.0 - t) * y - np.minimum(y, 0.0) + np.log1p(np.exp(-np.abs(y))), sigmoid(y) - t


def _huber(delta: float) -> Formula:
    def formula(y: Array, t: Array) -> tuple[Array, Array]:
        d = np.abs(y - t)
        return np.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta)), np.clip(y - t, -delta, delta)

    return formula


@quiet
def huber(
    y: Array, targets: Array, *, delta: float = 1.0, sample_weight: Array | None = None, reduction: str = "mean"
) -> Loss:
    """(y - t)^2 / 2 where |y - t| < delta, else delta * (|y - t| - delta / 2). Huber, 1964."""
    return _evaluate(_huber(delta), y, targets, sample_weight, reduction, 1.0)[0]


@quiet
def huber_with_grad(
    y: Array,
    targets: Array,
    *,
    delta: float = 1.0,
    sample_weight: Array | None = None,
    reduction: str = "mean",
    dloss: Any = 1.0,
    out: Array | None = None,
) -> tuple[Loss, Array]:
    """As huber, and its derivative: y - t, held within -delta and delta."""
    loss, dy = _evaluate(_huber(delta), y, targets, sample_weight, reduction, dloss)
    return loss, down(dy, y.dtype, out)


mse = _loss(_mse, "mse")
mse_with_grad = _loss_with_grad(_mse, "mse_with_grad")
mae = _loss(_mae, "mae")
mae_with_grad = _loss_with_grad(_mae, "mae_with_grad")
sum_squared_error = _loss(_sum_squared_error, "sum_squared_error")
sum_squared_error_with_grad = _loss_with_grad(_sum_squared_error, "sum_squared_error_with_grad")
poisson = _loss(_poisson, "poisson")
poisson_with_grad = _loss_with_grad(_poisson, "poisson_with_grad")
hinge = _loss(_hinge, "hinge")
hinge_with_grad = _loss_with_grad(_hinge, "hinge_with_grad")
binary_cross_entropy = _loss(_binary_cross_entropy, "binary_cross_entropy")
binary_cross_entropy_with_grad = _loss_with_grad(_binary_cross_entropy, "binary_cross_entropy_with_grad")
binary_cross_entropy_with_logits = _loss(_binary_cross_entropy_with_logits, "binary_cross_entropy_with_logits")
binary_cross_entropy_with_logits_with_grad = _loss_with_grad(
    _binary_cross_entropy_with_logits, "binary_cross_entropy_with_logits_with_grad"
)
