"""Keras's optimizers on the device: one launch moves all variables, and nothing is read back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends.numba_cuda import training
from fastnn.backends.numba_cuda.arena import Arena, part
from fastnn.backends.numba_cuda.arrays import blocks_for, empty, flat
from fastnn.backends.numba_cuda.optimizer import CHUNK, adagrad_step, adam_step
from fastnn.backends.numba_cuda.sums import ABSOLUTE, SQUARES, chunks_of, nothing, sums_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.network.engine import OptimizerPlan
    from fastnn.network.plan import Variable


class Optimizer:
    """The states of an optimizer, and its steps.

    Args:
        plan: what to do.
        weights: the variables, written in place by every step.
        gradients: room for theirs, in the same order.
        variables: their descriptions.

    Attributes:
        states: for each slot of the plan the states of all variables.
    """

    def __init__(self, plan: OptimizerPlan, weights: Arena, gradients: Arena, variables: Sequence[Variable]) -> None:
        self.plan, self.weights, self.gradients, self.variables = plan, weights, gradients, variables
        shapes, dtype = [v.shape for v in variables], weights.flat.dtype
        self.states = [Arena(shapes, dtype, plan.first_value(slot)) for slot in plan.slots]
        self._real = dtype.type
        self._nothing = nothing(dtype)
        self._tiny = dtype.type(np.finfo(dtype).tiny)
        counts = [chunks_of(math.prod(shape)) for shape in shapes]
        memory = empty(sum(counts), np.float64)
        self._sums = memory
        ends = np.cumsum(counts).tolist()
        self._sums_of_each = [part(memory, end - n, end) for n, end in zip(counts, ends, strict=True)]

    def add_penalties(self, loss: Any) -> None:
        """Adds what the penalties of the variables add to a loss, float64 on the device of shape (1,)."""
        for variable, w, sums in zip(self.variables, self.weights.views, self._sums_of_each, strict=True):
            for factor, what in ((variable.l1, ABSOLUTE), (variable.l2, SQUARES)):
                if factor and w.size:
                    training.add_sum.launch(1, 0, sums_of(what, w, 0, sums=sums), factor, loss)

    def step(self, rate: float, iteration: int) -> None:
        """Moves the weights; the gradients, those of the loss without penalties, are overwritten.

        Args:
            rate: learning rate.
            iteration: the number of steps done before.
        """
        self._add_penalties()
        self._clip()
        plan, real, states = self.plan, self._real, [state.flat for state in self.states]
        w, g = self.weights.flat, self.gradients.flat
        if plan.kind == "adam":
            self._adam(rate, iteration + 1)
            return
        blocks, decay = blocks_for(w.size, CHUNK), rate * plan.weight_decay
        velocity = states[-1] if plan.momentum else self._nothing
        if plan.kind == "sgd":
            numbers = real(rate), real(plan.momentum), plan.nesterov, real(decay), self._tiny
            training.keras_sgd.launch(blocks, 0, w, g, velocity, *numbers)
        elif plan.kind == "rmsprop":
            numbers = real(rate), real(plan.rho), real(1.0 - plan.rho), real(plan.epsilon), real(plan.momentum)
            more = plan.nesterov, real(decay), self._tiny
            training.keras_rmsprop.launch(blocks, 0, w, g, states[0], velocity, *numbers, *more)
        else:
            if decay:
                still = real(1.0), real(0.0), False, real(decay), self._tiny
                training.keras_sgd.launch(blocks, 0, w, self._zeros(), self._nothing, *still)
            # The state holds epsilon already.
            adagrad_step(w, g, states[0], lr=rate, eps=0.0)

    def _zeros(self) -> Any:
        """A gradient of nothing, for a step that only decays."""
        if not hasattr(self, "_still"):
            self._still = Arena([v.shape for v in self.variables], self.weights.flat.dtype).flat
        return self._still

    def _add_penalties(self) -> None:
        for variable, w, g in zip(self.variables, self.weights.views, self.gradients.views, strict=True):
            if (variable.l1 or variable.l2) and w.size:
                numbers = self._real(variable.l1), self._real(variable.l2)
                training.add_penalty.launch(blocks_for(w.size), 0, flat(g), flat(w), *numbers)

    def _clip(self) -> None:
        plan, g = self.plan, self.gradients.flat
        if plan.clip_value is not None:
            training.limit_values.launch(blocks_for(g.size), 0, g, self._real(plan.clip_value))
        limit = plan.clip_norm if plan.clip_norm is not None else plan.clip_global_norm
        if limit is None:
            return
        pairs = list(zip(self.gradients.views, self._sums_of_each, strict=True))
        for one, sums in pairs:
            sums_of(SQUARES, one, 0, sums=sums)
        for one, sums in pairs:
            of_which = sums if plan.clip_norm is not None else self._sums
            training.limit_norm.launch(blocks_for(one.size, CHUNK), 0, flat(one), of_which, float(limit))

    def _adam(self, rate: float, step: int) -> None:
        plan = self.plan
        adam_step(
            self.weights.flat,
            self.gradients.flat,
            *(state.flat for state in self.states),
            step=step,
            lr=rate,
            beta1=plan.beta1,
            beta2=plan.beta2,
            # Keras adds its epsilon to sqrt(v), before that is corrected; the operation adds it afterwards.
            eps=plan.epsilon / math.sqrt(1.0 - plan.beta2**step),
            weight_decay=plan.weight_decay,
            decoupled=True,
        )
