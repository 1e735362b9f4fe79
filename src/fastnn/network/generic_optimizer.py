"""Keras's optimizers, made of the operations of any backend, whose formulas are PyTorch's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.arrays import Array
    from fastnn.network.engine import OptimizerPlan
    from fastnn.network.plan import Variable


class Optimizer:
    """The states of an optimizer, and its steps.

    Args:
        ops: module of a backend.
        plan: what to do.
        weights: the variables, written in place by every step.
        variables: their descriptions.

    Attributes:
        states: for each slot of the plan one array per variable.
    """

    def __init__(self, ops: Any, plan: OptimizerPlan, weights: list[Array], variables: Sequence[Variable]) -> None:
        self.ops, self.plan, self.weights, self.variables = ops, plan, weights, variables
        self.states = [[np.full_like(w, plan.first_value(slot)) for w in weights] for slot in plan.slots]

    def penalty(self) -> float:
        """What the penalties of the variables add to the loss."""
        total = 0.0
        for variable, w in zip(self.variables, self.weights, strict=True):
            if variable.l1:
                total += variable.l1 * float(np.abs(w).sum(dtype=np.float64))
            if variable.l2:
                total += variable.l2 * self.ops.global_norm([w]) ** 2
        return total

    def step(self, gradients: list[Array], rate: float, iteration: int) -> None:
        """Moves the weights.

        Args:
            gradients: of the loss without penalties, one per variable; they are overwritten.
            rate: learning rate.
            iteration: the number of steps done before.
        """
        for variable, w, g in zip(self.variables, self.weights, gradients, strict=True):
            if variable.l1:
                g += variable.l1 * self.ops.activation(w, "sign")
            if variable.l2:
                g += 2.0 * variable.l2 * w
        self._clip(gradients)
        for i, (w, g) in enumerate(zip(self.weights, gradients, strict=True)):
            states = [slot[i] for slot in self.states]
            if self.plan.kind == "adam":
                self._adam(w, g, states, rate, iteration + 1)
                continue
            if self.plan.weight_decay:
                self.ops.sgd_step(w, w.copy(), lr=rate * self.plan.weight_decay)
            if self.plan.kind == "adagrad":
                # The state holds epsilon already.
                self.ops.adagrad_step(w, g, states[0], lr=rate, eps=0.0)
            else:
                self._move(w, self._direction(g, states), states, rate)

    def _clip(self, gradients: list[Array]) -> None:
        plan = self.plan
        if plan.clip_value is not None:
            for g in gradients:
                np.clip(g, -plan.clip_value, plan.clip_value, out=g)
        if plan.clip_norm is not None:
            for g in gradients:
                self._limit_norm([g], plan.clip_norm)
        if plan.clip_global_norm is not None:
            self._limit_norm(gradients, plan.clip_global_norm)

    def _limit_norm(self, gradients: list[Array], limit: float) -> None:
        norm = self.ops.global_norm(gradients)
        # So that a nan is not taken for a short gradient: it spreads to all, as in Keras.
        if not norm <= limit:
            for g in gradients:
                g *= limit / norm

    def _adam(self, w: Array, g: Array, states: list[Array], rate: float, step: int) -> None:
        plan = self.plan
        self.ops.adam_step(
            w,
            g,
            *states,
            step=step,
            lr=rate,
            beta1=plan.beta1,
            beta2=plan.beta2,
            # Keras adds its epsilon to sqrt(v), before that is corrected; the operation adds it afterwards.
            eps=plan.epsilon / math.sqrt(1.0 - plan.beta2**step),
            weight_decay=plan.weight_decay,
            decoupled=True,
        )

    def _direction(self, g: Array, states: list[Array]) -> Array:
        """What is multiplied by the learning rate: g, for rmsprop divided by the root of its mean square."""
        if self.plan.kind == "sgd":
            return g
        v, rho = states[0], self.plan.rho
        # Not rmsprop_step, which has no epsilon under the root. v + epsilon decays to epsilon, not to 0.
        v *= rho
        v += (1.0 - rho) * (g * g + self.plan.epsilon)
        return g / np.sqrt(v)

    def _move(self, w: Array, direction: Array, states: list[Array], rate: float) -> None:
        plan = self.plan
        if not plan.momentum:
            self.ops.sgd_step(w, direction, lr=rate)
            return
        # The learning rate goes into the velocity, so that it counts as it was when the step was taken.
        increment = direction * rate
        self.ops.sgd_step(w, increment, states[-1], lr=1.0, momentum=plan.momentum, nesterov=plan.nesterov)
