"""Keras's optimizers, written out once more: in plain arithmetic that NumPy arrays and torch tensors both understand.

Sources: keras.src.optimizers (sgd, adam, adamw, rmsprop, adagrad, base_optimizer), read as formulas.
"""

from __future__ import annotations

from typing import Any

from fastnn.network.engine import OptimizerPlan


class KerasOptimizer:
    """weights: float64 arrays; the states are kept in slots, as Keras has them (without epsilon added)."""

    def __init__(self, plan: OptimizerPlan, weights: list[Any]) -> None:
        self.plan = plan
        first = plan.initial if plan.kind == "adagrad" else 0.0
        self.slots = {slot: [0.0 * w + (first if slot == "s" else 0.0) for w in weights] for slot in plan.slots}

    def step(self, weights: list[Any], gradients: list[Any], rate: float, t: int) -> list[Any]:
        """The weights after step t, counted from 1."""
        gradients = self._clipped(gradients)
        weights = [w - w * self.plan.weight_decay * rate for w in weights]
        return [self._moved(i, w, g, rate, t) for i, (w, g) in enumerate(zip(weights, gradients, strict=True))]

    def states(self) -> list[Any]:
        """As an engine's get_state: with epsilon added to the accumulated squares."""
        added = self.plan.epsilon if self.plan.kind in ("rmsprop", "adagrad") else 0.0
        return [a + added if slot in "vs" else a for slot, arrays in self.slots.items() for a in arrays]

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        plan = self.plan
        norms = [float((g * g).sum()) ** 0.5 for g in gradients]
        total = sum(n * n for n in norms) ** 0.5
        if plan.clip_value is not None:
            return [g.clip(-plan.clip_value, plan.clip_value) for g in gradients]
        if plan.clip_norm is not None:
            return [g * plan.clip_norm / max(n, plan.clip_norm) for g, n in zip(gradients, norms, strict=True)]
        if plan.clip_global_norm is not None:
            return [g * plan.clip_global_norm / max(total, plan.clip_global_norm) for g in gradients]
        return gradients

    def _moved(self, i: int, w: Any, g: Any, rate: float, t: int) -> Any:
        plan, slots = self.plan, self.slots
        if plan.kind == "adam":
            m = slots["m"][i] = slots["m"][i] + (g - slots["m"][i]) * (1 - plan.beta1)
            v = slots["v"][i] = slots["v"][i] + (g * g - slots["v"][i]) * (1 - plan.beta2)
            alpha = rate * (1 - plan.beta2**t) ** 0.5 / (1 - plan.beta1**t)
            return w - m * alpha / (v**0.5 + plan.epsilon)
        increment = rate * g
        if plan.kind == "rmsprop":
            v = slots["v"][i] = plan.rho * slots["v"][i] + (1 - plan.rho) * g * g
            increment = increment / (v + plan.epsilon) ** 0.5
        if plan.kind == "adagrad":
            s = slots["s"][i] = slots["s"][i] + g * g
            increment = increment / (s + plan.epsilon) ** 0.5
        if not plan.momentum:
            return w - increment
        k = slots["k"][i] = plan.momentum * slots["k"][i] + increment
        return w - (plan.momentum * k + increment if plan.nesterov else k)
