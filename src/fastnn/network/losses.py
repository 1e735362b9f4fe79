"""The losses, with Keras 3's names, arguments and defaults.

A loss describes: `plan` says what the engines compute, `targets` prepares what they learn from. Called, a loss gives
its value for arrays.

A row's loss is the mean over its elements (SumSquaredError: their sum); the rows' losses, times their weights, are
summed, and with the reduction "sum_over_batch_size" divided by the number of rows, not by the sum of the weights.

The formulas are those of the operations of the same names, which differ from Keras's in two places. Binary
cross-entropy from probabilities holds each logarithm above -100, as PyTorch does; Keras clips the probabilities to
1e-7 ... 1 - 1e-7. Categorical cross-entropy from probabilities does not first divide them by their sum. After a softmax
or a sigmoid as the network's last step, losses are computed from the logits, exactly.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastnn import arguments, functional
from fastnn.arrays import DOUBLE, computing_dtype, to_ndarray
from fastnn.network import named, plan, targets
from fastnn.network.engine import LossPlan

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastnn.arrays import Array
    from fastnn.network.plan import Operation, Shape

REDUCTIONS = ("sum_over_batch_size", "sum")


class Loss:
    """The base of all losses.

    Args:
        reduction: "sum_over_batch_size" or "sum".
        name: Keras's name of the class by default.

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: an argument has a wrong value.
    """

    kind: ClassVar[str]

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None:
        self.reduction = arguments.choice(reduction, "reduction", REDUCTIONS)
        self.name = named.snake_case(type(self).__name__) if name is None else arguments.name(name)

    def plan(self, last: Operation | None = None) -> LossPlan:
        """What the engines compute.

        Args:
            last: the network's last operation: a softmax or a sigmoid is taken into the loss where it fits.
        """
        return LossPlan(self.kind, mean=self.reduction == "sum_over_batch_size")

    def targets(self, y: ArrayLike, output_shape: Shape, dtype: np.dtype[Any]) -> Array:
        """y as the engines learn from it (engine.Data.y), without a copy where it is so already.

        Args:
            y: N targets; integers and bools are converted. Shape (N, *output_shape); the last axis may be left out
                where it has length 1. Class indices: shape (N, *output_shape[:-1]), or with one more axis of length 1.
            output_shape: of one sample's result.
            dtype: of the network.

        Raises:
            TypeError: y holds no real numbers.
            ValueError: y has a wrong shape, or a value that is no target of this loss.
            IndexError: a class index is out of range.
        """
        return targets.values(to_ndarray(y, "y"), output_shape, dtype)

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The loss of a batch, computed by the operations of the backend in use.

        Args:
            y_true: targets, as for targets.
            y_pred: results of shape (N, *output_shape).
            sample_weight: a factor for each row, shape (N,).

        Raises:
            TypeError: an argument holds no real numbers.
            ValueError: shapes do not fit.
            IndexError: a class index is out of range.
        """
        output = to_ndarray(y_pred, "y_pred")
        if output.ndim < 2:
            # One number for each row is the result of a network with one output.
            output = output.reshape(-1, 1)
        output = output.astype(computing_dtype(output.dtype) or DOUBLE, copy=False)
        prepared = self.targets(y_true, output.shape[1:], output.dtype)
        if len(prepared) != len(output):
            raise ValueError(f"y_true and y_pred must be of one length, got {len(prepared)} and {len(output)}")
        weight = 1.0 if sample_weight is None else to_ndarray(sample_weight, "sample_weight")
        if sample_weight is not None and np.shape(weight) != (len(output),):
            raise ValueError(f"sample_weight must have shape (N,) = ({len(output)},), got {np.shape(weight)}")
        losses = self._losses(output, prepared)
        with np.errstate(all="ignore"):
            rows = losses.reshape(len(losses), math.prod(losses.shape[1:])).astype(np.float64)
            per_row = rows.sum(axis=1) if self.kind == "sum_squared_error" else rows.mean(axis=1)
            total = float((per_row * weight).sum())
        if self.reduction == "sum":
            return total
        return total / len(rows) if len(rows) else math.nan

    def _losses(self, output: Array, prepared: Array) -> Array:
        losses: Array = getattr(functional, self.kind)(output, prepared, reduction="none")
        return losses

    def get_config(self) -> dict[str, Any]:
        """The arguments, all of them such that JSON can hold them."""
        return {"reduction": self.reduction, "name": self.name}

    def __repr__(self) -> str:
        return named.shown(self)


class MeanSquaredError(Loss):
    """The mean of (y - t)**2."""

    kind = "mse"


class MeanAbsoluteError(Loss):
    """The mean of abs(y - t)."""

    kind = "mae"


class SumSquaredError(Loss):
    """The sum of (y - t)**2 over a sample's outputs."""

    kind = "sum_squared_error"


class Poisson(Loss):
    """The mean of y - t * log(y + 1e-7), for counts t and their expectation y."""

    kind = "poisson"


class Huber(Loss):
    """The mean of 0.5 * d**2 where d = abs(y - t) is below delta, else delta * (d - 0.5 * delta); delta > 0."""

    kind = "huber"

    def __init__(self, delta: float = 1.0, reduction: str = "sum_over_batch_size", name: str | None = None) -> None:
        super().__init__(reduction, name)
        self.delta = arguments.real_in(delta, "delta", 0.0, math.inf, above=True, below=True)

    def plan(self, last: Operation | None = None) -> LossPlan:
        return LossPlan(self.kind, delta=self.delta, mean=self.reduction == "sum_over_batch_size")

    def _losses(self, output: Array, prepared: Array) -> Array:
        losses: Array = functional.huber(output, prepared, delta=self.delta, reduction="none")
        return losses

    def get_config(self) -> dict[str, Any]:
        return {"delta": self.delta, **super().get_config()}


class Hinge(Loss):
    """The mean of max(0, 1 - t * y), for t = -1 or 1; targets that are all 0 or 1 become -1 and 1."""

    kind = "hinge"

    def targets(self, y: ArrayLike, output_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return targets.signs(super().targets(y, output_shape, dtype))


class _Smoothed(Loss):
    """The base of the losses whose targets can be smoothed."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = arguments.flag(from_logits, "from_logits")
        self.label_smoothing = arguments.real_in(label_smoothing, "label_smoothing", 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, **super().get_config()}


class BinaryCrossentropy(_Smoothed):
    """The mean of -(t * log(p) + (1 - t) * log(1 - p)), for targets t from 0 to 1.

    Args:
        from_logits: whether the network's results are logits z, with p = sigmoid(z), rather than p.
        label_smoothing: s from 0 to 1: t becomes t * (1 - s) + s / 2.
        reduction, name: as for Loss.
    """

    kind = "binary_cross_entropy"

    def plan(self, last: Operation | None = None) -> LossPlan:
        squashed = isinstance(last, (plan.Dense, plan.Activation)) and last.kind == "sigmoid"
        if self.from_logits and squashed:
            _warn_of_logits(self.name, "sigmoid")
        exact = self.from_logits or squashed
        return LossPlan(
            "binary_cross_entropy_with_logits" if exact else self.kind,
            mean=self.reduction == "sum_over_batch_size",
            skips_last=squashed and not self.from_logits,
        )

    def targets(self, y: ArrayLike, output_shape: Shape, dtype: np.dtype[Any]) -> Array:
        prepared = super().targets(y, output_shape, dtype)
        targets.require_probabilities(prepared)
        s = self.label_smoothing
        return prepared * dtype.type(1.0 - s) + dtype.type(0.5 * s) if s else prepared

    def _losses(self, output: Array, prepared: Array) -> Array:
        operation = functional.binary_cross_entropy
        if self.from_logits:
            operation = functional.binary_cross_entropy_with_logits
        losses: Array = operation(output, prepared, reduction="none")
        return losses


class _ClassLoss(Loss):
    """The base of the losses over classes, which lie along the last axis."""

    by_index: ClassVar[bool]
    kind = "categorical_cross_entropy"
    from_logits: bool
    label_smoothing = 0.0

    def plan(self, last: Operation | None = None) -> LossPlan:
        is_softmax = isinstance(last, plan.Softmax)
        if self.from_logits and is_softmax:
            _warn_of_logits(self.name, "softmax")
        return LossPlan(
            "cross_entropy" if self.from_logits or is_softmax else self.kind,
            by_index=self.by_index,
            smoothing=self.label_smoothing,
            mean=self.reduction == "sum_over_batch_size",
            skips_last=is_softmax and not self.from_logits,
        )

    def _losses(self, output: Array, prepared: Array) -> Array:
        operation = functional.cross_entropy if self.from_logits else functional.categorical_cross_entropy
        losses: Array = operation(output, prepared, label_smoothing=self.label_smoothing, reduction="none")
        return losses


class CategoricalCrossentropy(_Smoothed, _ClassLoss):
    """-sum(t * log(p)) over the classes, for targets that are one-hot or probabilities, shape (N, ..., C).

    Args:
        from_logits: whether the network's results are logits z, with p = softmax(z), rather than p.
        label_smoothing: s from 0 to 1: t becomes t * (1 - s) + s / C.
        reduction, name: as for Loss.
    """

    by_index = False

    def targets(self, y: ArrayLike, output_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return targets.distributions(to_ndarray(y, "y"), output_shape, dtype)


class SparseCategoricalCrossentropy(_ClassLoss):
    """-log(p) of the target's class, for targets that are class indices, shape (N, ...).

    Args:
        from_logits: whether the network's results are logits z, with p = softmax(z), rather than p.
        reduction, name: as for Loss.
    """

    by_index = True

    def __init__(
        self, from_logits: bool = False, reduction: str = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = arguments.flag(from_logits, "from_logits")

    def targets(self, y: ArrayLike, output_shape: Shape, dtype: np.dtype[Any]) -> Array:
        return targets.indices(to_ndarray(y, "y"), output_shape)

    def get_config(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, **super().get_config()}


NAMES = named.table(
    [
        MeanSquaredError,
        MeanAbsoluteError,
        SumSquaredError,
        Huber,
        Poisson,
        Hinge,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        SparseCategoricalCrossentropy,
    ],
    {
        "mse": MeanSquaredError,
        "MSE": MeanSquaredError,
        "mae": MeanAbsoluteError,
        "MAE": MeanAbsoluteError,
        "binary_cross_entropy": BinaryCrossentropy,
        "categorical_cross_entropy": CategoricalCrossentropy,
        "sparse_categorical_cross_entropy": SparseCategoricalCrossentropy,
    },
)


def get(identifier: object) -> Loss:
    """The loss that is meant: a name such as "mse", a Loss, its class, or a saved one.

    Raises:
        TypeError: identifier is of another type.
        ValueError: the name is unknown.
    """
    return named.find(identifier, "loss", Loss, NAMES)


def _warn_of_logits(loss: str, last: str) -> None:
    warnings.warn(
        f"{loss} has from_logits=True, but the network ends in a {last}, whose results are probabilities: "
        f"leave out from_logits or the {last}",
        stacklevel=4,
    )
