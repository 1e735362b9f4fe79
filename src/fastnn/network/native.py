"""The native engine: whole steps in C++, from the rows of a batch to the updated weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _fastnn
from fastnn.network import plan as ops

if TYPE_CHECKING:
    from fastnn.arrays import Array
    from fastnn.network.engine import OptimizerPlan, Steps, Training
    from fastnn.network.plan import Plan, Stage

# How long a call may go on before Python is asked for an interrupt (Ctrl-C) again.
SECONDS = 0.1


def supports(plan: Plan) -> str | None:
    """None if the native engine can compute the plan, else the reason why not."""
    for index, stage in enumerate(plan.stages):
        if isinstance(stage.operation, (ops.Dense, ops.Softmax, ops.PReLU)) and len(plan.before(index)) != 1:
            return f"{stage.layer} works on the last of several axes"
    return None


class NativeEngine:
    """An Engine (see `fastnn.network.engine`) on the native backend.

    Raises:
        ValueError: the plan is not supported.
    """

    name = "native"

    def __init__(self, plan: Plan) -> None:
        reason = supports(plan)
        if reason is not None:
            raise ValueError(f"the native engine does not support this network: {reason}")
        self.plan = plan
        self._training: Training | None = None
        stages = list(enumerate(plan.stages))
        rescaling = None
        # Flatten moves nothing, and the rescaling that comes first is done while the samples are read.
        stages = [(i, stage) for i, stage in stages if not isinstance(stage.operation, ops.Reshape)]
        if stages and isinstance(stages[0][1].operation, ops.Rescaling):
            first = stages.pop(0)[1].operation
            assert isinstance(first, ops.Rescaling)
            rescaling = (first.scale, first.offset)
        self._network = _fastnn.Network(
            plan.dtype.name, plan.input_shape, plan.output_shape, rescaling, [_described(i, s) for i, s in stages]
        )

    def get_weights(self) -> list[Array]:
        """Copies of the variables, in the plan's order."""
        return [self._network.get_variable(i).reshape(v.shape) for i, v in enumerate(self.plan.variables)]

    def set_weights(self, weights: list[Array]) -> None:
        """Replaces the variables."""
        for index, weight in enumerate(weights):
            self._network.set_variable(index, np.ascontiguousarray(weight))

    def compile(self, training: Training) -> None:
        """Prepares training; the optimizer's states start anew."""
        loss, optimizer = training.loss, training.optimizer
        self._network.compile(
            (loss.kind, loss.delta, loss.smoothing, loss.mean, loss.skips_last),
            _numbers(optimizer),
            [(v.l1, v.l2) for v in self.plan.variables],
        )
        self._training = training

    def get_state(self) -> list[Array]:
        """Copies of the optimizer's states: for each slot in turn one array per variable."""
        return [
            self._network.get_state(slot, index).reshape(variable.shape)
            for slot in range(self._slots())
            for index, variable in enumerate(self.plan.variables)
        ]

    def set_state(self, state: list[Array]) -> None:
        """Replaces the optimizer's states."""
        variables = len(self.plan.variables)
        for i, values in enumerate(state):
            self._network.set_state(i // variables, i % variables, np.ascontiguousarray(values))

    def fast_predict(self, x: object, out: object) -> Any:
        """predict for usual arguments; NotImplemented, with nothing written, for all others."""
        return _fastnn.network_predict(self._network, x, out, False)

    def predict(self, x: Array, out: Array | None, *, logits: bool = False) -> Array:
        """The network's results for x (N, *input_shape). Safe to call from several threads at once."""
        y: Array = _fastnn.network_predict(self._network, x, out, logits)
        if y is NotImplemented:
            raise RuntimeError("the native engine refused prepared arguments; please report this as a bug in fastnn")
        return y

    def train(self, steps: Steps, most: int) -> int:
        """Does some steps; see Engine.train."""
        assert self._training is not None
        data = steps.data
        rows = len(data.x) if steps.order is None else len(steps.order)
        last = min(steps.first + most, -(-rows // steps.batch_size))
        if steps.outputs is not None and rows - steps.first * steps.batch_size > len(steps.outputs):
            last = min(last, steps.first + max(len(steps.outputs) // steps.batch_size, 1))
        done: int = self._network.train(
            data.x,
            steps.order,
            data.y,
            data.weight,
            steps.batch_size,
            steps.first,
            last,
            steps.rates,
            steps.iteration,
            self._training.seed,
            steps.losses,
            steps.outputs,
            SECONDS,
        )
        return done

    def _slots(self) -> int:
        return 0 if self._training is None else len(self._training.optimizer.slots)


def _described(index: int, stage: Stage) -> tuple[Any, ...]:
    """A stage as the extension takes it."""
    operation, outputs = stage.operation, int(np.prod(stage.shape))
    match operation:
        case ops.Dense():
            return "dense", outputs, operation.kind, operation.use_bias
        case ops.Activation():
            return "activation", outputs, operation.kind
        case ops.PReLU():
            return "prelu", outputs, operation.shared
        case ops.Dropout():
            return "dropout", outputs, operation.rate, index
        case ops.Rescaling():
            return "rescaling", outputs, operation.scale, operation.offset
        case _:
            return "softmax", outputs


def _numbers(o: OptimizerPlan) -> tuple[Any, ...]:
    """An optimizer as the extension takes it."""
    clips = {"value": o.clip_value, "norm": o.clip_norm, "global_norm": o.clip_global_norm}
    clip, limit = next(((name, limit) for name, limit in clips.items() if limit is not None), ("none", 0.0))
    return (
        *(o.kind, o.momentum, o.nesterov, o.beta1, o.beta2, o.rho, o.epsilon, o.initial, o.weight_decay),
        *(clip, limit),
    )
