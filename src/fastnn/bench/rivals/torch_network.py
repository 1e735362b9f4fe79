"""Networks in PyTorch: nn.Sequential, autograd, and torch.optim.Adam(fused=True)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from fastnn.bench import network_cases
from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import learning

Compiler = Callable[[Any], Any]


def entries(case: Case, arrays: Arrays, compiler: Compiler = lambda function: function) -> list[Entry]:
    """The cell in PyTorch; predicting with the module, and with the products written out.

    Args:
        case: the cell.
        arrays: its arrays.
        compiler: given the function that predicts, or that gives the loss.
    """
    if case.op != "predict":
        return [learning.entry(case, arrays, _Learner(case, arrays, compiler))]
    x = torch.from_numpy(arrays["x"])
    module = torch.nn.Sequential(_module(arrays), torch.nn.Softmax(-1)).eval()
    layers = [tuple(map(torch.from_numpy, layer)) for layer in network_cases.layers(arrays)]

    def written_out(x: Any) -> Any:
        for w, b in layers[:-1]:
            x = torch.addmm(b, x, w).relu_()
        w, b = layers[-1]
        return torch.softmax(torch.addmm(b, x, w), -1)

    functions = [compiler(module), compiler(written_out)]
    return [Entry(partial(function, x), lambda y: (y.numpy(),), torch.inference_mode) for function in functions]


def _module(arrays: Arrays) -> Any:
    """From the samples to the logits."""
    modules: list[Any] = []
    for w, b in network_cases.layers(arrays):
        linear = torch.nn.Linear(*w.shape, dtype=torch.from_numpy(w).dtype)
        modules += [linear, torch.nn.ReLU()]
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
    return torch.nn.Sequential(*modules[:-1])


class _Learner:
    def __init__(self, case: Case, arrays: Arrays, compiler: Compiler) -> None:
        self._module = _module(arrays)
        self._start = [parameter.detach().clone() for parameter in self._module.parameters()]
        self._x, self._y = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["y"])
        self._batch = case.shape[0]
        self._batches = list(zip(self._x.split(self._batch), self._y.split(self._batch), strict=True))
        self._loss = compiler(self._loss_and_logits)

    def _loss_and_logits(self, x: Any, y: Any) -> Any:
        logits = self._module(x)
        return F.cross_entropy(logits, y), logits

    def restart(self, rate: float) -> None:
        """See learning.Learner."""
        with torch.no_grad():
            for parameter, start in zip(self._module.parameters(), self._start, strict=True):
                parameter.copy_(start)
        parameters = self._module.parameters()
        self._adam = torch.optim.Adam(parameters, lr=rate, eps=network_cases.EPSILON, fused=True)

    def set_rate(self, rate: float) -> None:
        """See learning.Learner."""
        for group in self._adam.param_groups:
            group["lr"] = rate

    def steps(self) -> None:
        """See learning.Learner."""
        for x, y in self._batches:
            self._learn(x, y)

    def epoch(self) -> None:
        """See learning.Learner."""
        total, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for rows in torch.randperm(len(self._x)).split(self._batch):
            x, y = self._x[rows], self._y[rows]
            loss, logits = self._learn(x, y)
            total += loss.detach() * len(rows)
            right += (logits.detach().argmax(-1) == y).sum()
        self.logs = {"loss": total.item() / len(self._x), "accuracy": right.item() / len(self._x)}

    def weights(self) -> list[Array]:
        """See learning.Learner."""
        return [parameter.detach().t().numpy().copy() for parameter in self._module.parameters()]

    def _learn(self, x: Any, y: Any) -> Any:
        self._adam.zero_grad(set_to_none=True)
        loss, logits = self._loss(x, y)
        loss.backward()
        self._adam.step()
        return loss, logits
