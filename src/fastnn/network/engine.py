"""What computes a network: the interface that Sequential drives, and the requests it makes.

Two engines exist: `native` hands whole steps to C++, `generic` calls the operations of any backend one by one. Both
follow the same definition:

- The loss of a batch is sum(weight[i] * row_loss[i]) / B (for LossPlan.mean; without the division otherwise), where the
  row's loss is the mean of its elements' losses (their sum for sum_squared_error), plus the penalties of the variables.
- Each stage's gradient is that of the operation of the same name; kernel penalties add l1 * sign(w) + 2 * l2 * w.
- Dropout of stage s in the step `iteration` (from 0) draws with seed=training.seed, counter=(iteration << 16) | s,
  element index = row in the batch * features + feature.
- The rows of step s of an epoch are order[s * batch_size : (s + 1) * batch_size], the last batch may be smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastnn.arrays import Array
    from fastnn.network.plan import Plan


@dataclass(frozen=True)
class LossPlan:
    """A loss as the engines compute it.

    Attributes:
        kind: "cross_entropy" (from logits), "categorical_cross_entropy" (from probabilities), "mse", "mae", "huber",
            "sum_squared_error", "poisson", "hinge", "binary_cross_entropy" or "binary_cross_entropy_with_logits".
        by_index: the targets are class indices (cross-entropies only).
        delta: huber's.
        smoothing: label smoothing of the cross-entropies over classes.
        mean: whether the sum over the batch is divided by the number of its rows.
        skips_last: the network's last stage (a softmax), or the activation of the last stage (a sigmoid), is part of
            the loss: while training, the network's outputs are what enters it.
    """

    kind: str
    by_index: bool = False
    delta: float = 1.0
    smoothing: float = 0.0
    mean: bool = True
    skips_last: bool = False


@dataclass(frozen=True)
class OptimizerPlan:
    """An optimizer as the engines compute it; Keras's formulas. Learning rates come with every step.

    Attributes:
        kind: "sgd", "adam", "rmsprop" or "adagrad".
        momentum, nesterov: sgd and rmsprop: k = momentum * k + lr * d; w -= k, or w -= momentum * k + lr * d with
            nesterov.
        beta1, beta2: adam's decay rates.
        rho: rmsprop's decay rate.
        epsilon: Keras's: adam: w -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + epsilon);
            rmsprop and adagrad: d = g / sqrt(v + epsilon).
        initial: adagrad's first value of the accumulated squares.
        weight_decay: decoupled: w -= w * weight_decay * lr, before the step.
        clip_value, clip_norm, clip_global_norm: limits of the gradients' elements, of each gradient's norm, of the norm
            of all together; None: no limit. At most one of them is set.
    """

    kind: str
    momentum: float = 0.0
    nesterov: bool = False
    beta1: float = 0.9
    beta2: float = 0.999
    rho: float = 0.9
    epsilon: float = 1e-7
    initial: float = 0.0
    weight_decay: float = 0.0
    clip_value: float | None = None
    clip_norm: float | None = None
    clip_global_norm: float | None = None

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the states kept for each variable, each of the variable's shape.

        For rmsprop and adagrad the accumulated squares are kept with epsilon added, v + epsilon, which is what the
        steps divide by: the state starts at epsilon (adagrad: initial + epsilon).
        """
        if self.kind == "adam":
            return ("m", "v")
        squares = {"rmsprop": ("v",), "adagrad": ("s",)}.get(self.kind, ())
        return (*squares, "k") if self.momentum else squares

    def first_value(self, slot: str) -> float:
        """What a state starts with."""
        if slot == "s":
            return self.initial + self.epsilon
        return self.epsilon if slot == "v" and self.kind == "rmsprop" else 0.0


@dataclass(frozen=True)
class Training:
    """What compile() adds to a Plan; seed is that of the dropout masks."""

    loss: LossPlan
    optimizer: OptimizerPlan
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """Samples to learn from, checked and prepared. All arrays are C-contiguous and in native byte order.

    Attributes:
        x: shape (N, *input_shape); float32, float64 or uint8; converted to the plan's dtype row by row.
        y: int64 class indices of shape (N, *output_shape[:-1]), in range, or targets of the plan's dtype and shape
            (N, *output_shape).
        weight: one factor per row, shape (N,), of the plan's dtype; or None.
    """

    x: Array
    y: Array
    weight: Array | None = None


@dataclass
class Steps:
    """Steps of one epoch, for an engine to work on, and where it puts what came out.

    Attributes:
        data: the samples.
        order: int64 row numbers, one epoch's; None: the rows in their order.
        batch_size: rows of a batch.
        first: the first step to do, from 0 in this epoch.
        rates: float64 (steps of the epoch,): the learning rate of each step.
        iteration: how many steps have been done in all the model's life when step `first` begins.
        losses: float64 (steps of the epoch,); losses[s] receives the loss of step s.
        outputs: (rows, *output shape) of the plan's dtype, or None: receives the outputs of each batch, made before its
            update, one batch after the other from the top for every call of train (logits where skips_last says so).
    """

    data: Data
    order: Array | None
    batch_size: int
    first: int
    rates: Array
    iteration: int
    losses: Array
    outputs: Array | None


class Engine(Protocol):
    """A network's weights and optimizer states, and the computations on them."""

    name: str
    plan: Plan

    def get_weights(self) -> list[Array]:
        """Copies of the variables, in the plan's order."""

    def set_weights(self, weights: list[Array]) -> None:
        """Replaces the variables; the arrays have the right shapes and dtype, and are copied."""

    def compile(self, training: Training) -> None:
        """Prepares training; the optimizer's states start anew."""

    def get_state(self) -> list[Array]:
        """Copies of the optimizer's states: for each slot in turn one array per variable."""

    def set_state(self, state: list[Array]) -> None:
        """Replaces the optimizer's states; the arrays have the right shapes and dtype, and are copied."""

    def predict(self, x: Array, out: Array | None, *, logits: bool = False) -> Array:
        """The network's results for x (N, *input_shape) as in Data, shape (N, *output_shape) and the plan's dtype.

        Args:
            x: samples.
            out: C-contiguous array for the results that overlaps nothing, or None.
            logits: leave out the part that the loss takes over (LossPlan.skips_last); only after compile.
        """

    def train(self, steps: Steps, most: int) -> int:
        """Does steps from steps.first on: at most `most`, at most what outputs has room for, about 0.1 s, at least one.

        Returns how many were done. An interrupt (Ctrl-C) is only raised between steps.
        """
