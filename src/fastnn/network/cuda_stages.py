"""The stages of a plan on the device, in memory that is kept from step to step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from fastnn import activations
from fastnn.backends.numba_cuda import training
from fastnn.backends.numba_cuda.arena import Room
from fastnn.backends.numba_cuda.arrays import blocks_for, copied, empty, flat, viewed
from fastnn.network import plan as plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.network.plan import Shape

Draw = tuple[int, int]


class Stage(ABC):
    """One stage at work.

    Predicting makes new arrays, so that threads may share a stage; training uses the stage's own.

    Args:
        ops: module of the backend.
        before, after: shapes of a sample where it enters and where it leaves.
        variables, gradients: the stage's own, on the device.
        dtype: of all of it.
    """

    def __init__(
        self, ops: Any, before: Shape, after: Shape, variables: Sequence[Any], gradients: Sequence[Any], dtype: Any
    ) -> None:
        self.ops, self.before, self.after = ops, before, after
        self.variables, self.gradients = variables, gradients
        self.y, self.dx = Room(after, dtype), Room(before, dtype)

    @abstractmethod
    def predicted(self, x: Any) -> Any:
        """The results for x (B, ...) outside training."""

    @abstractmethod
    def forward(self, x: Any, draw: Draw) -> Any:
        """The results for x (B, ...); what backward needs is kept. `draw`: seed and counter of the random numbers."""

    @abstractmethod
    def backward(self, dy: Any, need_dx: bool) -> Any:
        """Fills the gradients of the variables; returns that of what entered, or None if it is not needed."""


class DenseLayer(Stage):
    """dense, fused with its activation."""

    def __init__(self, operation: plans.Dense, *args: Any) -> None:
        super().__init__(*args)
        self.kind, self.needs_z = operation.kind, activations.needs_z(operation.kind)
        dtype = args[-1]
        self.z = Room(self.after, dtype)
        self.unused = None if operation.use_bias else empty(operation.units, dtype)

    def _weights(self) -> tuple[Any, Any]:
        return self.variables[0], self.variables[1] if self.unused is None else None

    def predicted(self, x: Any) -> Any:
        return self.ops.dense(x, *self._weights(), self.kind)

    def forward(self, x: Any, draw: Draw) -> Any:
        rows = x.shape[0]
        self.x, self.kept_z = x, self.z.rows(rows) if self.needs_z else None
        self.result = self.ops.dense(x, *self._weights(), self.kind, out=self.y.rows(rows), z_out=self.kept_z)
        return self.result

    def backward(self, dy: Any, need_dx: bool) -> Any:
        w, _ = self._weights()
        room = self.dx.rows(dy.shape[0]) if need_dx else None
        db = self.gradients[1] if self.unused is None else self.unused
        given = {"z": self.kept_z, "need_dx": need_dx, "dx_out": room, "dw_out": self.gradients[0], "db_out": db}
        return self.ops.dense_backward(dy, self.x, w, self.result, self.kind, **given)[0]


class Elementwise(Stage):
    """An activation without parameters to learn."""

    def __init__(self, operation: plans.Activation, *args: Any) -> None:
        super().__init__(*args)
        self.kind, self.needs_z = operation.kind, activations.needs_z(operation.kind)

    def predicted(self, x: Any) -> Any:
        return self.ops.activation(x, self.kind)

    def forward(self, x: Any, draw: Draw) -> Any:
        self.x, self.result = x, self.ops.activation(x, self.kind, out=self.y.rows(x.shape[0]))
        return self.result

    def backward(self, dy: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        z = self.x if self.needs_z else None
        return self.ops.activation_backward(dy, self.result, self.kind, z=z, out=self.dx.rows(dy.shape[0]))


class LearntSlope(Stage):
    """prelu."""

    def _slope(self) -> Any:
        # The operation takes a vector; the variable may have axes of length 1 before it.
        return viewed(self.variables[0], -1)

    def predicted(self, x: Any) -> Any:
        return self.ops.prelu(x, self._slope())

    def forward(self, x: Any, draw: Draw) -> Any:
        self.x = x
        return self.ops.prelu(x, self._slope(), out=self.y.rows(x.shape[0]))

    def backward(self, dy: Any, need_dx: bool) -> Any:
        dx, dslope = self.ops.prelu_backward(dy, self.x, self._slope())
        copied(dslope, viewed(self.gradients[0], -1))
        return dx


class RandomZeros(Stage):
    """dropout; the mask is drawn again in backward."""

    def __init__(self, operation: plans.Dropout, *args: Any) -> None:
        super().__init__(*args)
        self.rate = operation.rate

    def predicted(self, x: Any) -> Any:
        return x

    def forward(self, x: Any, draw: Draw) -> Any:
        self.key = {"seed": draw[0], "counter": draw[1]}
        return self.ops.dropout(x, self.rate, **self.key, out=self.y.rows(x.shape[0]))

    def backward(self, dy: Any, need_dx: bool) -> Any:
        if not need_dx:
            return None
        return self.ops.dropout_backward(dy, self.rate, **self.key, out=self.dx.rows(dy.shape[0]))


class Probabilities(Stage):
    """softmax over the last axis."""

    def predicted(self, x: Any) -> Any:
        return self.ops.softmax(x)

    def forward(self, x: Any, draw: Draw) -> Any:
        self.result = self.ops.softmax(x, out=self.y.rows(x.shape[0]))
        return self.result

    def backward(self, dy: Any, need_dx: bool) -> Any:
        return self.ops.softmax_backward(dy, self.result, out=self.dx.rows(dy.shape[0])) if need_dx else None


class Rescaled(Stage):
    """x * scale + offset."""

    def __init__(self, operation: plans.Rescaling, *args: Any) -> None:
        super().__init__(*args)
        self.scale, self.offset = operation.scale, operation.offset

    def _run(self, x: Any, offset: float, y: Any) -> Any:
        numbers = x.dtype.type(self.scale), x.dtype.type(offset)
        training.rescale.launch(blocks_for(x.size), 0, flat(x), *numbers, flat(y))
        return y

    def predicted(self, x: Any) -> Any:
        return self._run(x, self.offset, empty(tuple(x.shape), x.dtype))

    def forward(self, x: Any, draw: Draw) -> Any:
        return self._run(x, self.offset, self.y.rows(x.shape[0]))

    def backward(self, dy: Any, need_dx: bool) -> Any:
        return self._run(dy, 0.0, self.dx.rows(dy.shape[0])) if need_dx else None


class Reshaped(Stage):
    """The same numbers in another shape."""

    def predicted(self, x: Any) -> Any:
        return viewed(x, (x.shape[0], *self.after))

    def forward(self, x: Any, draw: Draw) -> Any:
        return self.predicted(x)

    def backward(self, dy: Any, need_dx: bool) -> Any:
        return viewed(dy, (dy.shape[0], *self.before)) if need_dx else None


def stages_of(ops: Any, plan: plans.Plan, weights: Sequence[Any], gradients: Sequence[Any]) -> list[Stage]:
    """The plan's stages at work on these variables."""
    made: list[Stage] = []
    for i, stage in enumerate(plan.stages):
        owned = [k for k, variable in enumerate(plan.variables) if variable.stage == i]
        args = ops, plan.before(i), stage.shape, [weights[k] for k in owned], [gradients[k] for k in owned], plan.dtype
        made.append(_stage(stage.operation, args))
    return made


def _stage(operation: plans.Operation, args: tuple[Any, ...]) -> Stage:
    match operation:
        case plans.Dense():
            return DenseLayer(operation, *args)
        case plans.Activation():
            return Elementwise(operation, *args)
        case plans.PReLU():
            return LearntSlope(*args)
        case plans.Dropout():
            return RandomZeros(operation, *args)
        case plans.Softmax():
            return Probabilities(*args)
        case plans.Rescaling():
            return Rescaled(operation, *args)
        case plans.Reshape():
            return Reshaped(*args)
