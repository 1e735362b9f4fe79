"""PyTorch's compiler (inductor): seconds of compiling a cell, so only when asked for by name."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from fastnn.bench.cases import Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import torch_network, torch_rival

VERSION = torch_rival.VERSION
set_threads = torch_rival.set_threads


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell compiled for its shape; none where there is nothing to fuse beyond the eager form."""
    if case.is_network:
        torch._dynamo.reset()
        return torch_network.entries(case, arrays, lambda function: torch.compile(function, dynamic=False))
    t = {name: torch.from_numpy(array) for name, array in arrays.items()}
    functions: dict[str, Any] = {
        "dense": (lambda x, w, b: F.relu(torch.addmm(b, x, w)), ("x", "w", "b")),
        "softmax": (lambda x: torch.softmax(x, -1), ("x",)),
        "log_softmax": (lambda x: torch.log_softmax(x, -1), ("x",)),
    }
    if case.op not in functions:
        return []
    function, names = functions[case.op]
    torch._dynamo.reset()
    compiled = torch.compile(function, dynamic=False)
    inputs = [t[name] for name in names]
    return [Entry(lambda: compiled(*inputs), torch_rival._numpy, torch.inference_mode)]
