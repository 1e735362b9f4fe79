"""The losses of regression and of yes-or-no targets, element by element; each also with its gradient.

Shared by all of them:

y is the prediction and decides the dtype, targets has y's shape. sample_weight multiplies the losses; its shape is a
leading part of the losses' shape, such as (B,). reduction is "mean" (the weighted sum over the sum of the weights, each
counted for every loss it multiplies), "sum" or "none". dloss is the gradient with respect to the loss, a number, or
with "none" also an array of its shape; out receives the gradient and has y's shape and dtype, C-contiguous, and may be
y itself. A loss is a NumPy scalar of y's dtype, or with "none" an array; the mean of nothing is nan.

TypeError is raised for a wrong type or dtype; ValueError for a wrong shape, an unknown reduction or an out that does
not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _fastnn, arguments, backends
from fastnn.arrays import Inputs, Output, is_on_device
from fastnn.functional.reduction import delivered_loss, prepared_dloss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastnn.arrays import Array


def mse(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """(y - t)**2."""
    if backend is None:
        loss = _fastnn.mse(y, targets, sample_weight, reduction)
        if loss is not NotImplemented:
            return loss
    return _Loss(backend, "mse", y, targets, sample_weight, reduction).loss()


def mse_with_grad(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """mse and its gradient, 2 * (y - t)."""
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.mse_with_grad(y, targets, sample_weight, reduction, dloss, out)
        if answer is not NotImplemented:
            return answer
    return _Loss(backend, "mse", y, targets, sample_weight, reduction).with_grad(dloss, out)


def mae(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """abs(y - t)."""
    if backend is None:
        loss = _fastnn.mae(y, targets, sample_weight, reduction)
        if loss is not NotImplemented:
            return loss
    return _Loss(backend, "mae", y, targets, sample_weight, reduction).loss()


def mae_with_grad(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """mae and its gradient, the sign of y - t: 0 where they are equal."""
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.mae_with_grad(y, targets, sample_weight, reduction, dloss, out)
        if answer is not NotImplemented:
            return answer
    return _Loss(backend, "mae", y, targets, sample_weight, reduction).with_grad(dloss, out)


def huber(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    delta: float = 1.0,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """0.5 * (y - t)**2 where abs(y - t) < delta, else delta * (abs(y - t) - 0.5 * delta); Huber 1964. delta > 0."""
    if backend is None:
        loss = _fastnn.huber(y, targets, delta, sample_weight, reduction)
        if loss is not NotImplemented:
            return loss
    return _Loss(backend, "huber", y, targets, sample_weight, reduction, delta=delta).loss()


def huber_with_grad(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    delta: float = 1.0,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """huber and its gradient, y - t clipped to -delta ... delta."""
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.huber_with_grad(y, targets, delta, sample_weight, reduction, dloss, out)
        if answer is not NotImplemented:
            return answer
    return _Loss(backend, "huber", y, targets, sample_weight, reduction, delta=delta).with_grad(dloss, out)


def sum_squared_error(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """The sum of (y - t)**2 over the last axis: one loss a sample. A 1-d y has one feature a sample."""
    if backend is None:
        loss = _fastnn.sum_squared_error(y, targets, sample_weight, reduction)
        if loss is not NotImplemented:
            return loss
    return _Loss(backend, "sum_squared_error", y, targets, sample_weight, reduction).loss()


def sum_squared_error_with_grad(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """sum_squared_error and its gradient, 2 * (y - t)."""
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.sum_squared_error_with_grad(
            y, targets, sample_weight, reduction, dloss, out
        )
        if answer is not NotImplemented:
            return answer
    return _Loss(backend, "sum_squared_error", y, targets, sample_weight, reduction).with_grad(dloss, out)


def poisson(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """y - t * log(y + 1e-7), the negative log-likelihood of Poisson counts t with mean y, but for a constant."""
    if backend is None:
        loss = _fastnn.poisson(y, targets, sample_weight, reduction)
        if loss is not NotImplemented:
            return loss
    return _Loss(backend, "poisson", y, targets, sample_weight, reduction).loss()


def poisson_with_grad(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """poisson and its gradient, 1 - t / (y + 1e-7)."""
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.poisson_with_grad(y, targets, sample_weight, reduction, dloss, out)
        if answer is not NotImplemented:
            return answer
    return _Loss(backend, "poisson", y, targets, sample_weight, reduction).with_grad(dloss, out)


def hinge(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """max(0, 1 - t * y), for t = -1 or 1."""
    if backend is None:
        loss = _fastnn.hinge(y, targets, sample_weight, reduction)
        if loss is not NotImplemented:
            return loss
    return _Loss(backend, "hinge", y, targets, sample_weight, reduction).loss()


def hinge_with_grad(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """hinge and its gradient, -t where 1 - t * y > 0, else 0."""
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.hinge_with_grad(y, targets, sample_weight, reduction, dloss, out)
        if answer is not NotImplemented:
            return answer
    return _Loss(backend, "hinge", y, targets, sample_weight, reduction).with_grad(dloss, out)


def binary_cross_entropy(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """-(t * log(y) + (1 - t) * log(1 - y)), each log at least -100 as in PyTorch."""
    if backend is None:
        loss = _fastnn.binary_cross_entropy(y, targets, sample_weight, reduction)
        if loss is not NotImplemented:
            return loss
    return _Loss(backend, "binary_cross_entropy", y, targets, sample_weight, reduction).loss()


def binary_cross_entropy_with_grad(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """binary_cross_entropy and its gradient, (y - t) / max(y * (1 - y), 1e-12)."""
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.binary_cross_entropy_with_grad(
            y, targets, sample_weight, reduction, dloss, out
        )
        if answer is not NotImplemented:
            return answer
    return _Loss(backend, "binary_cross_entropy", y, targets, sample_weight, reduction).with_grad(dloss, out)


def binary_cross_entropy_with_logits(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """binary_cross_entropy of sigmoid(y), exactly: max(y, 0) - y * t + log(1 + exp(-abs(y)))."""
    if backend is None:
        loss = _fastnn.binary_cross_entropy_with_logits(y, targets, sample_weight, reduction)
        if loss is not NotImplemented:
            return loss
    return _Loss(backend, "binary_cross_entropy_with_logits", y, targets, sample_weight, reduction).loss()


def binary_cross_entropy_with_logits_with_grad(
    y: ArrayLike,
    targets: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """binary_cross_entropy_with_logits and its gradient, sigmoid(y) - t."""
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.binary_cross_entropy_with_logits_with_grad(
            y, targets, sample_weight, reduction, dloss, out
        )
        if answer is not NotImplemented:
            return answer
    return _Loss(backend, "binary_cross_entropy_with_logits", y, targets, sample_weight, reduction).with_grad(
        dloss, out
    )


class _Loss:
    """The checked arguments of one call."""

    def __init__(
        self,
        backend: object,
        operation: str,
        y: object,
        targets: object,
        sample_weight: object,
        reduction: object,
        **options: object,
    ) -> None:
        # Before the arrays are looked at: whether they may lie on a device depends on it.
        self.ops = backends.choose(backend)
        self.operation = operation
        given = {"y": y, "targets": targets, "sample_weight": sample_weight}
        self.inputs = Inputs(given, optional=("sample_weight",), decider="y")
        self.shape = self.inputs.shape("y")
        self.inputs.require_shape("targets", self.shape, "y's shape")
        self.losses = self.shape[:-1] if operation == "sum_squared_error" and len(self.shape) > 1 else self.shape
        self.reduction = arguments.reduction_name(reduction)
        self.options: dict[str, Any] = {
            name: arguments.real_in(value, name, 0.0, above=True) for name, value in options.items()
        }
        self.options["sample_weight"] = self._prepared_weight()
        self.options["reduction"] = self.reduction

    def loss(self) -> Any:
        """The loss alone."""
        operation = getattr(self.ops, self.operation)
        return self._delivered(operation(*self._operands(), **self.options))

    def with_grad(self, dloss: object, out: object) -> tuple[Any, Array]:
        """The loss and its gradient."""
        operation = getattr(self.ops, f"{self.operation}_with_grad")
        factor = prepared_dloss(dloss, self.reduction, self.losses, self.inputs)
        result = Output(out, "out", self.shape, self.inputs, alias="y")
        value, gradient = operation(*self._operands(), **self.options, dloss=factor, out=result.buffer)
        return self._delivered(value), result.deliver(gradient)

    def _operands(self) -> tuple[Array, Array]:
        return self.inputs.prepared("y"), self.inputs.prepared("targets")

    def _delivered(self, value: Any) -> Any:
        return delivered_loss(value, self.reduction, self.losses, self.inputs)

    def _prepared_weight(self) -> Array | None:
        if "sample_weight" not in self.inputs.arrays:
            return None
        shape = self.inputs.shape("sample_weight")
        if shape != self.losses[: len(shape)]:
            raise ValueError(
                f"sample_weight must have a leading part of the losses' shape {self.losses}, such as "
                f"{self.losses[:1]}, got {shape}"
            )
        weight = self.inputs.prepared("sample_weight")
        # On a device the kernels take one number for all.
        return weight if shape or is_on_device(weight) else np.broadcast_to(weight, self.losses[:1] or (1,)).copy()
