"""What is reported while a network learns. The names and meaning are Keras's.

A metric gathers over batches of any size: update_state adds rows, result is the mean over all of them, weighted if
there are weights.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastnn import arguments
from fastnn.network import named

if TYPE_CHECKING:
    from fastnn.arrays import Array
    from fastnn.network.engine import LossPlan
    from fastnn.network.plan import Shape


class Mean:
    """The mean of numbers, weighted if there are weights; 0 while there are none."""

    def __init__(self, name: str = "mean") -> None:
        self.name = name
        self.reset_state()

    def reset_state(self) -> None:
        """Forgets everything."""
        self._total = 0.0
        self._count = 0.0

    def update_state(self, values: Array | float, sample_weight: Array | float | None = None) -> None:
        """Adds numbers of any shape; the weights' shape is a leading part of it."""
        numbers = np.asarray(values)
        if sample_weight is None:
            self._total += _sum(numbers)
            self._count += numbers.size
            return
        weight = np.asarray(sample_weight, np.float64)
        if weight.shape != numbers.shape[: weight.ndim]:
            raise ValueError(f"sample_weight must have a leading part of the shape {numbers.shape}, got {weight.shape}")
        weight = np.broadcast_to(weight.reshape(weight.shape + (1,) * (numbers.ndim - weight.ndim)), numbers.shape)
        with np.errstate(all="ignore"):
            self._total += _sum(numbers * weight)
        self._count += _sum(weight)

    def result(self) -> float:
        """The mean so far."""
        return self._total / self._count if self._count else 0.0


class Metric(ABC):
    """The base of the metrics that compare results with targets.

    Attributes:
        name: its key in the history.
        rank_only: whether logits in place of probabilities give the same answer.
        takes_indices: whether the targets may be class indices.

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: an argument has a wrong value.
    """

    rank_only: ClassVar[bool] = False
    takes_indices: ClassVar[bool] = False

    def __init__(self, name: str | None = None) -> None:
        self.name = named.snake_case(type(self).__name__) if name is None else arguments.name(name)
        self._mean = Mean()

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Adds rows.

        Args:
            y_true: targets as in engine.Data.y: shape (N, ...) as y_pred, or int64 class indices of shape (N, ...)
                without y_pred's last axis.
            y_pred: results, shape (N, ...).
            sample_weight: a factor for each row, shape (N,).

        Raises:
            ValueError: shapes do not fit.
        """
        rows = y_pred.shape[:-1] if self.takes_indices else y_pred.shape
        if y_true.shape not in (rows, y_pred.shape):
            raise ValueError(
                f"{self.name} needs targets of the results' shape {y_pred.shape}"
                f"{' or class indices of shape ' + str(rows) if self.takes_indices else ''}, got {y_true.shape}"
            )
        self._mean.update_state(self.values(y_true, y_pred), sample_weight)

    @abstractmethod
    def values(self, y_true: Array, y_pred: Array) -> Array:
        """The numbers whose mean is the metric; their shape begins with (N,)."""

    def result(self) -> float:
        """The metric of all rows since reset_state; 0 if there are none."""
        return self._mean.result()

    def reset_state(self) -> None:
        """Forgets all rows."""
        self._mean.reset_state()

    def get_config(self) -> dict[str, Any]:
        """The arguments, all of them such that JSON can hold them."""
        return {"name": self.name}

    def __repr__(self) -> str:
        return named.shown(self)


class CategoricalAccuracy(Metric):
    """How often the largest result is that of the target's class. Targets: one-hot or probabilities."""

    rank_only = True
    takes_indices = True

    def values(self, y_true: Array, y_pred: Array) -> Array:
        same: Array = classes_of(y_true, y_pred) == y_pred.argmax(axis=-1)
        return same


class SparseCategoricalAccuracy(CategoricalAccuracy):
    """How often the largest result is that of the target's class. Targets: class indices."""


class BinaryAccuracy(Metric):
    """How often a result is above the threshold exactly where its target is above 0.5.

    Keras compares the target itself with 0 or 1; here smoothed targets, and targets of -1 and 1, mean their class.
    """

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = arguments.real(threshold, "threshold")

    def values(self, y_true: Array, y_pred: Array) -> Array:
        same: Array = (y_true > 0.5) == (y_pred > self.threshold)
        return same

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


class TopKCategoricalAccuracy(Metric):
    """How often fewer than k results are larger than that of the target's class. Targets: one-hot or probabilities."""

    rank_only = True
    takes_indices = True

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(name)
        self.k = arguments.integer(k, "k", 1)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        picked = np.take_along_axis(y_pred, classes_of(y_true, y_pred)[..., None], axis=-1)
        # Nothing is larger than nan, which would make a network of nan perfect.
        inside: Array = (np.count_nonzero(y_pred > picked, axis=-1) < self.k) & ~np.isnan(picked[..., 0])
        return inside

    def get_config(self) -> dict[str, Any]:
        return {"k": self.k, **super().get_config()}


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """How often fewer than k results are larger than that of the target's class. Targets: class indices."""


class MeanSquaredError(Metric):
    """The mean of (y - t)**2."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        with np.errstate(all="ignore"):
            squares: Array = np.square(y_pred - y_true)
        return squares


class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean of (y - t)**2."""

    def result(self) -> float:
        return math.sqrt(super().result())


class MeanAbsoluteError(Metric):
    """The mean of abs(y - t)."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        with np.errstate(all="ignore"):
            distances: Array = np.abs(y_pred - y_true)
        return distances


def _sum(numbers: Array) -> float:
    if numbers.dtype == np.bool_:
        return float(np.count_nonzero(numbers))
    with np.errstate(all="ignore"):
        return float(numbers.sum(dtype=np.float64))


def classes_of(y_true: Array, y_pred: Array) -> Array:
    """The targets' class indices, which they are already or have as the place of their largest number."""
    return y_true.argmax(axis=-1) if y_true.ndim == y_pred.ndim else y_true


NAMES = named.table(
    [
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        TopKCategoricalAccuracy,
        SparseTopKCategoricalAccuracy,
        MeanSquaredError,
        RootMeanSquaredError,
        MeanAbsoluteError,
    ],
    {
        "mse": MeanSquaredError,
        "MSE": MeanSquaredError,
        "mae": MeanAbsoluteError,
        "MAE": MeanAbsoluteError,
    },
)
ACCURACY = ("accuracy", "acc")


def get(identifier: object, loss: LossPlan, output_shape: Shape) -> Metric:
    """The metric that is meant: a name such as "accuracy", a Metric, its class, or a saved one.

    "accuracy" and "acc" are the one that fits, by Keras's rule: sparse_categorical_accuracy if the targets are class
    indices, binary_accuracy if there is a single output, else categorical_accuracy (for several yes-or-no outputs ask
    for binary_accuracy). A metric that is given as a name bears that name in the history.

    Args:
        identifier: what is meant.
        loss: the network's loss, which says what the targets are.
        output_shape: of one sample's result.

    Raises:
        TypeError: identifier is of another type.
        ValueError: the name is unknown, or the metric cannot take class indices and the targets are such.
    """
    names: dict[str, Any] = {**NAMES, **dict.fromkeys(ACCURACY, _accuracy(loss, output_shape))}
    metric = named.find(identifier, "metric", Metric, names)  # type: ignore[type-abstract]
    if isinstance(identifier, str):
        metric.name = str(identifier)
    if loss.by_index and not metric.takes_indices:
        raise ValueError(
            f"metric {metric.name!r} compares numbers, but the loss's targets are class indices; "
            "use sparse_categorical_accuracy or sparse_top_k_categorical_accuracy"
        )
    return metric


def _accuracy(loss: LossPlan, output_shape: Shape) -> type[Metric]:
    if loss.by_index:
        return SparseCategoricalAccuracy
    return BinaryAccuracy if output_shape[-1:] == (1,) else CategoricalAccuracy
