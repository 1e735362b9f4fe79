"""The engine for the cuda backend: weights, states, samples and results stay on the device from step to step.

A step is queued and nothing waits for it. The losses, and the results that metrics look at, are read when a call of
train ends: once an epoch, or in a long one each time that Sequential wants to show how far it is.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import backends
from fastnn.backends.numba_cuda import training as kernels
from fastnn.backends.numba_cuda.arena import Arena, Room, part
from fastnn.backends.numba_cuda.arrays import blocks_for, copied, empty, flat, to_device, to_host, viewed
from fastnn.backends.numba_cuda.compiling import SIMULATED, cuda
from fastnn.backends.numba_cuda.sums import SUM, chunks_of, finish_loss, nothing, sums_of
from fastnn.network.cuda_optimizer import Optimizer
from fastnn.network.cuda_stages import Stage, stages_of
from fastnn.network.generic_stages import without_last
from fastnn.network.interrupts import HeldInterrupts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.arrays import Array
    from fastnn.network.engine import Data, Steps, Training
    from fastnn.network.plan import Plan

# No further step is begun after as long, so that the caller can show progress.
SECONDS_OF_A_CALL = 0.1
# Numbers in the widest result of a block of predict: 32 MiB in float32.
BLOCK = 2**23
# Of the device's free memory, for the samples; more of them are brought in batch by batch.
SHARE_FOR_SAMPLES = 0.5

OVER_CLASSES = ("cross_entropy", "categorical_cross_entropy")


@dataclass
class Resident:
    """Samples on the device, or (is_whole is false) still on the host because they do not fit.

    Attributes:
        data: what was given.
        x, y, weight: its arrays, flat and on the device; weight may be None.
        order: the row numbers of an epoch as given, and on the device.
    """

    data: Data
    is_whole: bool
    x: Any = None
    y: Any = None
    weight: Any = None
    order: tuple[Any, Any] = (None, None)


class CudaEngine:
    """A network's weights and the computations on them; see network.engine.Engine for the methods.

    Args:
        plan: the network. Its weights start as zeros.

    Raises:
        ImportError, RuntimeError: the backend cannot be used here.
    """

    name = "generic"
    backend = "cuda"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._ops = backends.load("cuda")
        shapes = [v.shape for v in plan.variables]
        self._weights, self._gradients = Arena(shapes, plan.dtype), Arena(shapes, plan.dtype)
        self._stages = self._made(plan)
        self._learning_stages = self._stages
        self._training: Training | None = None
        self._optimizer: Optimizer | None = None
        self._resident: Resident | None = None
        self._nothing = nothing(plan.dtype)
        self._rooms: dict[Any, Room] = {}

    def get_weights(self) -> list[Array]:
        return [to_host(w) for w in self._weights.views]

    def set_weights(self, weights: list[Array]) -> None:
        _replace(self._weights.views, weights)

    def compile(self, training: Training) -> None:
        self._training = training
        self._learning_stages = self._made(without_last(self.plan)) if training.loss.skips_last else self._stages
        self._optimizer = Optimizer(training.optimizer, self._weights, self._gradients, self.plan.variables)
        self._resident = None

    def get_state(self) -> list[Array]:
        return [to_host(state) for state in self._states()]

    def set_state(self, state: list[Array]) -> None:
        _replace(self._states(), state)

    def predict(self, x: Array, out: Array | None, *, logits: bool = False) -> Array:
        stages = self._learning_stages if logits else self._stages
        result: Array = np.empty((len(x), *self.plan.output_shape), self.plan.dtype) if out is None else out
        rows = max(BLOCK // max(self._widest(), 1), 1)
        for begin in range(0, len(x), rows):
            block = np.ascontiguousarray(x[begin : begin + rows])
            y = empty(block.shape, self.plan.dtype)
            self._gather(to_device(block), None, 0, y)
            for stage in stages:
                y = stage.predicted(y)
            to_host(y, result[begin : begin + rows])
        return result

    def train(self, steps: Steps, most: int) -> int:
        last = min(steps.first + most, len(steps.rates))
        total = len(steps.data.x) if steps.order is None else len(steps.order)
        end_of_time = time.perf_counter() + SECONDS_OF_A_CALL
        losses = self._room("losses", (), np.float64).rows(last - steps.first)
        outputs = None
        if steps.outputs is not None:
            outputs = flat(self._room("outputs", self.plan.output_shape).rows(len(steps.outputs)))
        done = filled = 0
        with HeldInterrupts() as interrupts:
            for step in range(steps.first, last):
                begin = step * steps.batch_size
                end = min(begin + steps.batch_size, total)
                if steps.outputs is not None and filled + end - begin > len(steps.outputs):
                    break
                loss = part(losses, done, done + 1)
                y = self._step(steps, begin, end, float(steps.rates[step]), steps.iteration + done, loss)
                if outputs is not None:
                    place = part(outputs, filled * self.plan.outputs, (filled + end - begin) * self.plan.outputs)
                    copied(flat(y), place)
                filled += end - begin
                done += 1
                if interrupts.pending or time.perf_counter() >= end_of_time:
                    break
            # Within the context: the losses say which steps were done.
            if outputs is not None and filled:
                to_host(part(outputs, 0, filled * self.plan.outputs), steps.outputs[:filled].reshape(-1))  # type: ignore[index]
            to_host(part(losses, 0, done), steps.losses[steps.first : steps.first + done])
        return done

    def _step(self, steps: Steps, begin: int, end: int, rate: float, iteration: int, loss: Any) -> Any:
        """Queues one step on these rows of the epoch, its loss into `loss`; the outputs before it."""
        assert self._training is not None
        assert self._optimizer is not None
        y, targets, weight = self._batch(steps, begin, end)
        for i, stage in enumerate(self._learning_stages):
            y = stage.forward(y, (self._training.seed, (iteration << 16) | i))
        outputs, dy = y, self._loss(y, targets, weight, loss)
        self._optimizer.add_penalties(loss)
        first = self.plan.first_trainable
        for i in range(len(self._learning_stages) - 1, first - 1, -1):
            dx = self._learning_stages[i].backward(dy, i > first)
            if dx is not None:
                dy = dx
        self._optimizer.step(rate, iteration)
        return outputs

    def _batch(self, steps: Steps, begin: int, end: int) -> tuple[Any, Any, Any]:
        """The samples, targets and weights of these rows of the epoch; the weights may be None."""
        data, rows = steps.data, end - begin
        kept = self._samples(data)
        x = self._room("x", self.plan.input_shape).rows(rows)
        y = self._room(("y", data.y.dtype), data.y.shape[1:], data.y.dtype).rows(rows)
        weight = None if data.weight is None else self._room("weight", ()).rows(rows)
        if kept.is_whole:
            order = self._order(kept, steps.order)
            for source, batch in ((kept.x, x), (kept.y, y), (kept.weight, weight)):
                if batch is not None:
                    self._gather(source, order, begin, batch)
            return x, y, weight
        which: Any = slice(begin, end) if steps.order is None else steps.order[begin:end]
        for array, batch in ((data.x, x), (data.y, y), (data.weight, weight)):
            if array is not None and batch is not None:
                self._gather(to_device(np.ascontiguousarray(array[which])), None, 0, batch)
        return x, y, weight

    def _samples(self, data: Data) -> Resident:
        """The samples on the device; those of the last call are there already."""
        kept = self._resident
        if kept is None or kept.data is not data:
            self._resident = None
            arrays = [data.x, data.y] if data.weight is None else [data.x, data.y, data.weight]
            kept = Resident(data, sum(a.nbytes for a in arrays) <= SHARE_FOR_SAMPLES * _free_bytes())
            if kept.is_whole:
                kept.x, kept.y = to_device(data.x), to_device(data.y)
                kept.weight = None if data.weight is None else to_device(data.weight)
            self._resident = kept
        return kept

    def _order(self, kept: Resident, order: Array | None) -> Any:
        if order is None:
            return None
        if kept.order[0] is not order:
            kept.order = order, to_device(order)
        return kept.order[1]

    def _gather(self, source: Any, order: Any, begin: int, batch: Any) -> None:
        given = self._no_order() if order is None else order
        columns = math.prod(batch.shape[1:])
        args = flat(source), given, begin, columns, flat(batch)
        kernels.GATHER[np.dtype(batch.dtype)].launch(blocks_for(batch.size), 0, *args)

    def _no_order(self) -> Any:
        if not hasattr(self, "_without_order"):
            self._without_order = nothing(np.int64)
        return self._without_order

    def _loss(self, y: Any, targets: Any, weight: Any, loss: Any) -> Any:
        """Queues the loss of a batch, without penalties, into `loss`; its gradient with respect to y."""
        assert self._training is not None
        plan, rows = self._training.loss, y.shape[0]
        shape = tuple(y.shape)
        of_rows = plan.kind == "sum_squared_error"
        if of_rows:
            # The operation sums over the last axis only.
            y, targets = viewed(y, (rows, y.size // rows)), viewed(targets, (rows, y.size // rows))
        each = shape[1:-1] if plan.kind in OVER_CLASSES else () if of_rows else shape[1:]
        options: dict[str, Any] = {"label_smoothing": plan.smoothing} if plan.kind in OVER_CLASSES else {}
        if plan.kind == "huber":
            options["delta"] = plan.delta
        elements = math.prod(each)
        divisor = float(elements * (rows if plan.mean else 1))
        dloss: Any = 1.0 / divisor
        if weight is not None:
            dloss = self._room("factors", each).rows(rows)
            args = weight, elements, divisor, flat(dloss)
            kernels.row_factors.launch(blocks_for(dloss.size), 0, *args)
        out = self._room("dy", tuple(y.shape[1:])).rows(rows)
        operation = getattr(self._ops, f"{plan.kind}_with_grad")
        losses, dy = operation(y, targets, reduction="none", dloss=dloss, out=out, **options)
        count = chunks_of(losses.size)
        sums = sums_of(SUM, losses, 0, weight=weight, sums=self._room("sums", (), np.float64).rows(count))
        finish_loss.launch(1, 0, sums, self._no_masses(), divisor, loss)
        return viewed(dy, shape)

    def _no_masses(self) -> Any:
        if not hasattr(self, "_without_masses"):
            self._without_masses = nothing(np.float64)
        return self._without_masses

    def _room(self, name: Any, shape: Sequence[int], dtype: Any = None) -> Room:
        """Room for a batch of that purpose; its shape is the same in every step."""
        key = name, tuple(shape)
        if key not in self._rooms:
            self._rooms[key] = Room(tuple(shape), self.plan.dtype if dtype is None else dtype)
        return self._rooms[key]

    def _made(self, plan: Plan) -> list[Stage]:
        return stages_of(self._ops, plan, self._weights.views, self._gradients.views)

    def _states(self) -> list[Any]:
        assert self._optimizer is not None
        return [view for state in self._optimizer.states for view in state.views]

    def _widest(self) -> int:
        return max([self.plan.features, *(math.prod(stage.shape) for stage in self.plan.stages)])


def _free_bytes() -> float:
    return math.inf if SIMULATED else float(cuda.current_context().get_memory_info().free)


def _replace(arrays: Sequence[Any], values: Sequence[Array]) -> None:
    for array, value in zip(arrays, values, strict=True):
        if array.size:
            array.copy_to_device(np.ascontiguousarray(value).reshape(array.shape))
