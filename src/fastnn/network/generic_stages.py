"""The stages of a plan, forward and backward, computed with the operations of any backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import activations
from fastnn.network import plan as plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.activations import Kind
    from fastnn.arrays import Array
    from fastnn.network.plan import Shape

Draw = tuple[int, int]


class Computation(ABC):
    """One stage at work on a batch. It keeps nothing between calls, so that threads may share it."""

    def __init__(self, ops: Any) -> None:
        self.ops = ops

    @abstractmethod
    def forward(self, x: Array, variables: Sequence[Array], draw: Draw | None) -> tuple[Array, Any]:
        """The results for x (B, ...), and what backward needs to know again.

        Args:
            x: what enters the stage.
            variables: the stage's own.
            draw: seed and counter of the random numbers; None outside training.
        """

    @abstractmethod
    def backward(
        self, dy: Array, tape: Any, variables: Sequence[Array], need_dx: bool
    ) -> tuple[Array | None, list[Array]]:
        """The gradients with respect to what entered, None if it is not needed, and to each variable.

        Args:
            dy: gradient with respect to the results, of their shape.
            tape: what forward returned beside them.
            variables: as given to forward.
            need_dx: whether the first gradient is needed.
        """


class DenseLayer(Computation):
    """dense, fused with its activation."""

    def __init__(self, ops: Any, kind: str | Kind, use_bias: bool) -> None:
        super().__init__(ops)
        self.kind, self.use_bias = kind, use_bias
        self.needs_z = activations.needs_z(kind)

    def forward(self, x: Array, variables: Sequence[Array], draw: Draw | None) -> tuple[Array, Any]:
        w, b = variables[0], variables[1] if self.use_bias else None
        z = np.empty((*x.shape[:-1], w.shape[1]), x.dtype) if self.needs_z and draw is not None else None
        y = self.ops.dense(x, w, b, self.kind, z_out=z)
        return y, (x, y, z)

    def backward(
        self, dy: Array, tape: Any, variables: Sequence[Array], need_dx: bool
    ) -> tuple[Array | None, list[Array]]:
        x, y, z = tape
        dx, dw, db = self.ops.dense_backward(dy, x, variables[0], y, self.kind, z=z, need_dx=need_dx)
        return dx, [dw, db] if self.use_bias else [dw]


class Elementwise(Computation):
    """An activation without parameters to learn."""

    def __init__(self, ops: Any, kind: str | Kind) -> None:
        super().__init__(ops)
        self.kind = kind
        self.needs_z = activations.needs_z(kind)

    def forward(self, x: Array, variables: Sequence[Array], draw: Draw | None) -> tuple[Array, Any]:
        y = self.ops.activation(x, self.kind)
        return y, (y, x if self.needs_z else None)

    def backward(
        self, dy: Array, tape: Any, variables: Sequence[Array], need_dx: bool
    ) -> tuple[Array | None, list[Array]]:
        y, z = tape
        return self.ops.activation_backward(dy, y, self.kind, z=z) if need_dx else None, []


class LearntSlope(Computation):
    """prelu."""

    def forward(self, x: Array, variables: Sequence[Array], draw: Draw | None) -> tuple[Array, Any]:
        # The operation takes a vector; the variable may have axes of length 1 before it.
        return self.ops.prelu(x, variables[0].reshape(-1)), x

    def backward(
        self, dy: Array, tape: Any, variables: Sequence[Array], need_dx: bool
    ) -> tuple[Array | None, list[Array]]:
        dx, dslope = self.ops.prelu_backward(dy, tape, variables[0].reshape(-1))
        return dx, [dslope.reshape(variables[0].shape)]


class RandomZeros(Computation):
    """dropout; the mask is drawn again in backward."""

    def __init__(self, ops: Any, rate: float) -> None:
        super().__init__(ops)
        self.rate = rate

    def forward(self, x: Array, variables: Sequence[Array], draw: Draw | None) -> tuple[Array, Any]:
        if draw is None:
            return x, None
        return self.ops.dropout(x, self.rate, seed=draw[0], counter=draw[1]), draw

    def backward(
        self, dy: Array, tape: Any, variables: Sequence[Array], need_dx: bool
    ) -> tuple[Array | None, list[Array]]:
        seed, counter = tape
        return self.ops.dropout_backward(dy, self.rate, seed=seed, counter=counter) if need_dx else None, []


class Probabilities(Computation):
    """softmax over the last axis."""

    def forward(self, x: Array, variables: Sequence[Array], draw: Draw | None) -> tuple[Array, Any]:
        y = self.ops.softmax(x)
        return y, y

    def backward(
        self, dy: Array, tape: Any, variables: Sequence[Array], need_dx: bool
    ) -> tuple[Array | None, list[Array]]:
        return self.ops.softmax_backward(dy, tape) if need_dx else None, []


class Rescaled(Computation):
    """x * scale + offset."""

    def __init__(self, ops: Any, scale: float, offset: float) -> None:
        super().__init__(ops)
        self.scale, self.offset = scale, offset

    def forward(self, x: Array, variables: Sequence[Array], draw: Draw | None) -> tuple[Array, Any]:
        return x * self.scale + self.offset, None

    def backward(
        self, dy: Array, tape: Any, variables: Sequence[Array], need_dx: bool
    ) -> tuple[Array | None, list[Array]]:
        return dy * self.scale, []


class Reshaped(Computation):
    """The same numbers in another shape."""

    def __init__(self, ops: Any, before: Shape, after: Shape) -> None:
        super().__init__(ops)
        self.before, self.after = before, after

    def forward(self, x: Array, variables: Sequence[Array], draw: Draw | None) -> tuple[Array, Any]:
        return x.reshape(len(x), *self.after), None

    def backward(
        self, dy: Array, tape: Any, variables: Sequence[Array], need_dx: bool
    ) -> tuple[Array | None, list[Array]]:
        return dy.reshape(len(dy), *self.before), []


def computations(ops: Any, plan: plans.Plan) -> list[Computation]:
    """The plan's stages at work with the operations of a backend."""
    return [_computation(ops, stage.operation, plan.before(i), stage.shape) for i, stage in enumerate(plan.stages)]


def without_last(plan: plans.Plan) -> plans.Plan:
    """The plan without what a loss takes over (LossPlan.skips_last): a softmax, or the activation of the last stage."""
    *stages, last = plan.stages
    if isinstance(last.operation, plans.Dense):
        stages.append(replace(last, operation=replace(last.operation, kind="identity")))
    return replace(plan, stages=tuple(stages))


def _computation(ops: Any, operation: plans.Operation, before: Shape, after: Shape) -> Computation:
    match operation:
        case plans.Dense():
            return DenseLayer(ops, operation.kind, operation.use_bias)
        case plans.Activation():
            return Elementwise(ops, operation.kind)
        case plans.PReLU():
            return LearntSlope(ops)
        case plans.Dropout():
            return RandomZeros(ops, operation.rate)
        case plans.Softmax():
            return Probabilities(ops)
        case plans.Rescaling():
            return Rescaled(ops, operation.scale, operation.offset)
        case plans.Reshape():
            return Reshaped(ops, before, after)
