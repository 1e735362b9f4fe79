"""The cases of network_cases.py in PyTorch, in float64.

Run as a script it writes network_figures.json, which stands in for PyTorch where that is not installed.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import network_cases as cases
import numpy as np
import torch
import torch.nn.functional as F
from keras_formulas import KerasOptimizer

import fastnn
from fastnn.activations import Kind
from fastnn.network.engine import LossPlan
from fastnn.network.plan import Activation, Dense, Dropout, Plan, PReLU, Rescaling, Softmax

FIGURES = Path(__file__).with_name("network_figures.json")


def hard_sigmoid(z: torch.Tensor) -> torch.Tensor:
    return torch.clamp((z + 3) / 6, 0, 1)


# By hand where PyTorch keeps a constant in float32.
ACTIVATIONS: dict[str, Any] = {
    "identity": lambda z: z,
    "step": lambda z: (z > 0).to(z.dtype),
    "sign": lambda z: torch.sign(z.detach()),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "relu6": lambda z: torch.clamp(z, 0, 6),
    "leaky_relu": lambda z, slope=0.01: torch.where(z > 0, z, slope * z),
    "elu": lambda z, alpha=1.0: torch.where(z > 0, z, alpha * torch.expm1(z)),
    "selu": F.selu,
    "celu": lambda z, alpha=1.0: torch.where(z > 0, z, alpha * torch.expm1(z / alpha)),
    "softplus": lambda z, beta=1.0: F.softplus(z, beta, threshold=1e6),
    "softsign": F.softsign,
    "swish": lambda z, beta=1.0: z * torch.sigmoid(beta * z),
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "mish": F.mish,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": lambda z: z * hard_sigmoid(z),
    "exponential": torch.exp,
}


def activate(z: torch.Tensor, kind: str | Kind) -> torch.Tensor:
    if isinstance(kind, Kind):
        return ACTIVATIONS[kind.name](z, kind.parameter)
    return ACTIVATIONS[kind](z)


def forward(plan: Plan, weights: list[torch.Tensor], x: torch.Tensor, iteration: int, skips: bool) -> torch.Tensor:
    """The outputs in training; skips leaves out what the loss takes over."""
    left = list(weights)
    for i, stage in enumerate(plan.stages):
        operation = stage.operation
        skipped = skips and i == len(plan.stages) - 1
        match operation:
            case Dense():
                x = x @ left.pop(0)
                if operation.use_bias:
                    x = x + left.pop(0)
                x = x if skipped else activate(x, operation.kind)
            case Activation():
                x = x if skipped else activate(x, operation.kind)
            case PReLU():
                x = torch.where(x > 0, x, left.pop(0) * x)
            case Softmax():
                x = x if skipped else torch.softmax(x, -1)
            case Dropout():
                draw = {"seed": cases.SEED, "counter": (iteration << 16) | i, "backend": "reference"}
                x = x * torch.from_numpy(fastnn.dropout(np.ones(tuple(x.shape)), operation.rate, **draw))
            case Rescaling():
                x = x * operation.scale + operation.offset
            case _:
                x = x.reshape(len(x), *stage.shape)
    return x


def row_losses(loss: LossPlan, y: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """One loss a row."""
    if loss.kind in ("cross_entropy", "categorical_cross_entropy"):
        if loss.by_index:
            t = F.one_hot(t, y.shape[-1]).to(y.dtype)
        t = t * (1 - loss.smoothing) + loss.smoothing / y.shape[-1]
        logs = torch.log_softmax(y, -1) if loss.kind == "cross_entropy" else torch.log(torch.clamp(y, 1e-7, 1 - 1e-7))
        losses = -(t * logs).sum(-1)
    else:
        losses = ELEMENTWISE[loss.kind](y, t, loss)
    losses = losses.reshape(len(y), -1)
    return losses.sum(1) if loss.kind == "sum_squared_error" else losses.mean(1)


ELEMENTWISE: dict[str, Any] = {
    "mse": lambda y, t, _: F.mse_loss(y, t, reduction="none"),
    "mae": lambda y, t, _: F.l1_loss(y, t, reduction="none"),
    "huber": lambda y, t, loss: F.huber_loss(y, t, reduction="none", delta=loss.delta),
    "sum_squared_error": lambda y, t, _: (y - t) ** 2,
    "poisson": lambda y, t, _: F.poisson_nll_loss(y, t, log_input=False, eps=1e-7, reduction="none"),
    "hinge": lambda y, t, _: torch.relu(1 - t * y),
    "binary_cross_entropy": lambda y, t, _: F.binary_cross_entropy(y, t, reduction="none"),
    "binary_cross_entropy_with_logits": lambda y, t, _: F.binary_cross_entropy_with_logits(y, t, reduction="none"),
}


class TorchAdam:
    """PyTorch's own AdamW; its epsilon is moved to where Keras has it."""

    def __init__(self, case: cases.Case, weights: list[torch.Tensor]) -> None:
        plan = case.optimizer
        self.plan, self.clipper = plan, KerasOptimizer(plan, weights)
        self.weights = [w.clone().requires_grad_() for w in weights]
        self.optimizer = torch.optim.AdamW(self.weights, betas=(plan.beta1, plan.beta2), weight_decay=plan.weight_decay)

    def step(self, _: Any, gradients: list[torch.Tensor], rate: float, t: int) -> list[torch.Tensor]:
        for w, g in zip(self.weights, self.clipper._clipped(gradients), strict=True):
            w.grad = g
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.param_groups[0]["eps"] = self.plan.epsilon / (1 - self.plan.beta2**t) ** 0.5
        self.optimizer.step()
        return [w.detach().clone() for w in self.weights]


@functools.cache
def train(name: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """(losses, final weights) of a case: as network_cases.fit."""
    case = cases.CASES[name]
    plan, data = case.plan(), case.data()
    x, y = torch.from_numpy(data.x.astype(np.float64)), torch.from_numpy(data.y)
    factors = torch.ones(len(x), dtype=torch.float64) if data.weight is None else torch.from_numpy(data.weight)
    weights = [torch.from_numpy(w) for w in cases.weights_of(plan)]
    optimizer = TorchAdam(case, weights) if case.optimizer.kind == "adam" else KerasOptimizer(case.optimizer, weights)
    losses = []
    batches = [torch.from_numpy(o[b : b + cases.BATCH]) for o in cases.orders() for b in range(0, len(o), cases.BATCH)]
    for iteration, (rows, rate) in enumerate(zip(batches, cases.rates_of(case.rate), strict=True)):
        weights = [w.detach().requires_grad_() for w in weights]
        output = forward(plan, weights, x[rows], iteration, case.loss.skips_last)
        loss = (factors[rows] * row_losses(case.loss, output, y[rows])).sum() / (len(rows) if case.loss.mean else 1)
        for w, variable in zip(weights, plan.variables, strict=True):
            loss = loss + variable.l1 * w.abs().sum() + variable.l2 * (w * w).sum()
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        given = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, gradients, strict=True)]
        losses.append(loss.item())
        weights = optimizer.step([w.detach() for w in weights], given, float(rate), iteration + 1)
    return np.array(losses), [w.numpy() for w in weights]


def figures(losses: np.ndarray, weights: list[np.ndarray]) -> list[float]:
    """What is stored of a training: the losses of the first, the tenth and the last step; the sum of each variable."""
    return [float(losses[0]), float(losses[9]), float(losses[-1]), *(float(w.sum(dtype=np.float64)) for w in weights)]


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(figures(*train(name)))}" for name in cases.CASES]
    FIGURES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
