"""PyTorch, eager, under inference_mode; gradients by the products written out, or by autograd for cross-entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import torch_network

VERSION = str(torch.__version__)


def set_threads(n: int) -> None:
    """Limits PyTorch's intra-op threads."""
    torch.set_num_threads(n)


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell in PyTorch: with fresh results, and with out= where it has that."""
    if case.is_network:
        return torch_network.entries(case, arrays)
    if case.op == "cross_entropy_with_grad":
        return [Entry(_cross_entropy(arrays), _numpy)]
    return [Entry(form, _numpy, torch.inference_mode) for form in forms(case, arrays)]


def forms(case: Case, arrays: Arrays) -> list[Callable[[], Any]]:
    """The ways to write the cell, each a function of nothing that returns its results."""
    t = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if case.op == "dense":
        x, w, b = t["x"], t["w"], t["b"]
        transposed = w.t().contiguous()
        y = torch.empty(x.shape[0], w.shape[1], dtype=x.dtype)
        return [
            lambda: F.linear(x, transposed, b).relu_(),
            lambda: torch.addmm(b, x, w).relu_(),
            lambda: torch.addmm(b, x, w, out=y).relu_(),
        ]
    if case.op == "dense_backward":
        return _dense_backward(t)
    if case.op == "softmax":
        x = t["x"]
        y = torch.empty_like(x)
        return [lambda: torch.softmax(x, -1), lambda: torch.softmax(x, -1, out=y)]
    if case.op == "log_softmax":
        x = t["x"]
        return [lambda: torch.log_softmax(x, -1)]
    if case.op == "softmax_backward":
        dy, y = t["dy"], t["y"]
        return [lambda: torch._softmax_backward_data(dy, y, -1, y.dtype)]
    return []


def _dense_backward(t: dict[str, Any]) -> list[Callable[[], Any]]:
    dy, x, w, y = t["dy"], t["x"], t["w"], t["y"]
    dx, dw = torch.empty_like(x), torch.empty_like(w)

    def fresh() -> Any:
        dz = torch.ops.aten.threshold_backward(dy, y, 0)
        return dz @ w.t(), x.t() @ dz, dz.sum(0)

    def reused() -> Any:
        dz = torch.ops.aten.threshold_backward(dy, y, 0)
        return torch.mm(dz, w.t(), out=dx), torch.mm(x.t(), dz, out=dw), dz.sum(0)

    return [fresh, reused]


def _cross_entropy(arrays: Arrays) -> Callable[[], Any]:
    x = torch.from_numpy(arrays["x"]).requires_grad_()
    targets = torch.from_numpy(arrays["targets"])

    def call() -> Any:
        loss = F.cross_entropy(x, targets)
        return loss, *torch.autograd.grad(loss, x)

    return call


def _numpy(result: Any) -> tuple[Array, ...]:
    results = result if isinstance(result, tuple) else (result,)
    return tuple(value.detach().numpy() for value in results)
