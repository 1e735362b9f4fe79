"""The engine for any backend: a network computed with the backend's operations, one call after the other."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import backends
from fastnn.network.generic_optimizer import Optimizer
from fastnn.network.generic_stages import computations, without_last
from fastnn.network.interrupts import HeldInterrupts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.arrays import Array
    from fastnn.network.engine import LossPlan, Steps, Training
    from fastnn.network.plan import Plan

# No further step is begun after as long, so that the caller can show progress.
SECONDS_OF_A_CALL = 0.1
# Numbers in the widest result of a block of predict: 2 MiB in float64.
BLOCK = 2**18

OVER_CLASSES = ("cross_entropy", "categorical_cross_entropy")


class GenericEngine:
    """A network's weights and the computations on them; see network.engine.Engine for the methods.

    Args:
        plan: the network. Its weights start as zeros.
        backend: a name of fastnn.available_backends().

    Raises:
        ValueError: the backend is unknown.
    """

    name = "generic"

    def __init__(self, plan: Plan, backend: str) -> None:
        self.plan = plan
        self.backend = backends.canonical(backend)
        self._ops = backends.load(self.backend)
        self._stages = computations(self._ops, plan)
        self._learning_stages = self._stages
        self._weights: list[Array] = [np.zeros(v.shape, plan.dtype) for v in plan.variables]
        # For each stage the indices of its variables.
        self._owned: list[list[int]] = [[] for _ in plan.stages]
        for i, variable in enumerate(plan.variables):
            self._owned[variable.stage].append(i)
        self._training: Training | None = None
        self._optimizer: Optimizer | None = None

    def get_weights(self) -> list[Array]:
        return [w.copy() for w in self._weights]

    def set_weights(self, weights: list[Array]) -> None:
        _replace(self._weights, weights)

    def compile(self, training: Training) -> None:
        self._training = training
        skips = training.loss.skips_last
        self._learning_stages = computations(self._ops, without_last(self.plan)) if skips else self._stages
        self._optimizer = Optimizer(self._ops, training.optimizer, self._weights, self.plan.variables)

    def get_state(self) -> list[Array]:
        return [state.copy() for state in self._states()]

    def set_state(self, state: list[Array]) -> None:
        _replace(self._states(), state)

    def predict(self, x: Array, out: Array | None, *, logits: bool = False) -> Array:
        stages = self._learning_stages if logits else self._stages
        result: Array = np.empty((len(x), *self.plan.output_shape), self.plan.dtype) if out is None else out
        rows = max(BLOCK // max(self._widest(), 1), 1)
        with np.errstate(all="ignore"):
            for begin in range(0, len(x), rows):
                y = self._converted(x[begin : begin + rows])
                for i, stage in enumerate(stages):
                    y = stage.forward(y, self._variables(i), None)[0]
                result[begin : begin + rows] = y
        return result

    def train(self, steps: Steps, most: int) -> int:
        last = min(steps.first + most, len(steps.rates))
        total = len(steps.data.x) if steps.order is None else len(steps.order)
        end_of_time = time.perf_counter() + SECONDS_OF_A_CALL
        done = filled = 0
        with HeldInterrupts() as interrupts, np.errstate(all="ignore"):
            for step in range(steps.first, last):
                begin = step * steps.batch_size
                end = min(begin + steps.batch_size, total)
                if steps.outputs is not None and filled + end - begin > len(steps.outputs):
                    break
                rows: Any = slice(begin, end) if steps.order is None else steps.order[begin:end]
                loss, outputs = self._step(steps, rows, float(steps.rates[step]), steps.iteration + done)
                steps.losses[step] = loss
                if steps.outputs is not None:
                    steps.outputs[filled : filled + end - begin] = outputs
                filled += end - begin
                done += 1
                if interrupts.pending or time.perf_counter() >= end_of_time:
                    break
        return done

    def _step(self, steps: Steps, rows: Any, rate: float, iteration: int) -> tuple[float, Array]:
        """One step on these rows: its loss, and the outputs before it."""
        assert self._training is not None
        assert self._optimizer is not None
        data = steps.data
        tapes: list[Any] = []
        y = self._converted(data.x[rows])
        for i, stage in enumerate(self._learning_stages):
            y, tape = stage.forward(y, self._variables(i), (self._training.seed, (iteration << 16) | i))
            tapes.append(tape)
        weight = None if data.weight is None else data.weight[rows]
        loss, dy = loss_with_grad(self._ops, self._training.loss, y, data.y[rows], weight)
        loss += self._optimizer.penalty()
        self._optimizer.step(self._gradients(dy, tapes), rate, iteration)
        return loss, y

    def _gradients(self, dy: Array, tapes: Sequence[Any]) -> list[Array]:
        """The gradient of each variable, from that with respect to the outputs."""
        stages = self._learning_stages
        gradients: dict[int, Array] = {}
        first = self.plan.first_trainable
        for i in range(len(stages) - 1, first - 1, -1):
            dx, own = stages[i].backward(dy, tapes[i], self._variables(i), i > first)
            gradients.update(zip(self._owned[i], own, strict=True))
            if dx is not None:
                dy = dx
        return [gradients[i] for i in range(len(self._weights))]

    def _variables(self, stage: int) -> list[Array]:
        return [self._weights[i] for i in self._owned[stage]]

    def _states(self) -> list[Array]:
        assert self._optimizer is not None
        return [state for slot in self._optimizer.states for state in slot]

    def _converted(self, x: Array) -> Array:
        return x.astype(self.plan.dtype, order="C", copy=False)

    def _widest(self) -> int:
        return max([self.plan.features, *(math.prod(stage.shape) for stage in self.plan.stages)])


def loss_with_grad(ops: Any, plan: LossPlan, y: Array, targets: Array, weight: Array | None) -> tuple[float, Array]:
    """The loss of a batch as network.engine defines it, without penalties, and its gradient with respect to y.

    Args:
        ops: module of a backend.
        plan: which loss.
        y: the network's outputs, shape (B, ...).
        targets: as in Data.y, of these rows.
        weight: shape (B,), or None.
    """
    rows = len(y)
    if plan.kind == "sum_squared_error":
        # The operation sums over the last axis only.
        loss, dy = _summed(ops, plan, y.reshape(rows, -1), targets.reshape(rows, -1), weight)
        return loss, dy.reshape(y.shape)
    return _summed(ops, plan, y, targets, weight)


def _summed(ops: Any, plan: LossPlan, y: Array, targets: Array, weight: Array | None) -> tuple[float, Array]:
    rows = len(y)
    of_classes = plan.kind in OVER_CLASSES
    shape = y.shape[:-1] if of_classes or plan.kind == "sum_squared_error" else y.shape
    options: dict[str, Any] = {"label_smoothing": plan.smoothing} if of_classes else {}
    if plan.kind == "huber":
        options["delta"] = plan.delta
    weights = np.ones(rows) if weight is None else weight.astype(np.float64)
    elements = math.prod(shape[1:])
    factors = weights / elements / (rows if plan.mean else 1)
    dloss = np.empty(shape, y.dtype)
    dloss[...] = factors.reshape(rows, *(1 for _ in shape[1:]))
    losses, dy = getattr(ops, f"{plan.kind}_with_grad")(y, targets, reduction="none", dloss=dloss, **options)
    return float((losses.reshape(rows, -1).sum(axis=1, dtype=np.float64) * factors).sum()), dy


def _replace(arrays: Sequence[Array], values: Sequence[Array]) -> None:
    for array, value in zip(arrays, values, strict=True):
        array[...] = value
