"""Compiling everything ahead of the first use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastnn import backends

from .threads import mode


def warmup(dtypes: Iterable[Any] = ("float32", "float64")) -> dict[str, float]:
    """Compiles every operation, or loads it from Numba's cache, and says how long each took.

    Args:
        dtypes: of float32 and float64, what to compile for.

    Returns:
        Operation -> seconds over all dtypes. Operations that share a kernel share its time: the first has it all.

    Raises:
        TypeError: a dtype is neither float32 nor float64.
    """
    wanted = [np.dtype(dtype) for dtype in dtypes]
    for dtype in wanted:
        if dtype not in (np.float32, np.float64):
            raise TypeError(f"dtypes must be of float32 and float64, got {dtype}")
    seconds: dict[str, float] = {}
    mode.is_warming = True
    try:
        for dtype in wanted:
            for name, call in _calls(dtype).items():
                start = time.perf_counter()
                call()
                seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start
    finally:
        mode.is_warming = False
    return seconds


def _calls(dtype: np.dtype[Any]) -> dict[str, Callable[[], object]]:
    """A small call of each operation."""
    ops = backends.load("numba")
    x = np.full((40, 20), 0.5, dtype)
    w = np.full((20, 17), 0.5, dtype)
    b, y, index = w[0].copy(), np.full((40, 17), 0.5, dtype), np.zeros(40, np.int64)
    p, g, m, v = (np.full(40, 0.5, dtype) for _ in range(4))
    draw = {"seed": 1, "counter": 2}
    return {
        "dense": lambda: ops.dense(x, w, b, "relu"),
        "dense_backward": lambda: ops.dense_backward(y, x, w, y, "relu"),
        "PackedDense": lambda: ops.PackedDense(w, b, "relu")(x),
        "activation": lambda: ops.activation(x, "tanh"),
        "activation_backward": lambda: ops.activation_backward(x, x, "tanh"),
        "prelu": lambda: ops.prelu(x, x[0].copy()),
        "prelu_backward": lambda: ops.prelu_backward(x, x, x[0].copy()),
        "rrelu": lambda: ops.rrelu(x, training=True, **draw),
        "rrelu_backward": lambda: ops.rrelu_backward(x, x, training=True, **draw),
        "dropout": lambda: ops.dropout(x, 0.5, **draw),
        "dropout_backward": lambda: ops.dropout_backward(x, 0.5, **draw),
        "softmax": lambda: ops.softmax(x),
        "softmax_backward": lambda: ops.softmax_backward(x, x),
        "log_softmax": lambda: ops.log_softmax(x),
        "log_softmax_backward": lambda: ops.log_softmax_backward(x, x),
        "logsumexp": lambda: ops.logsumexp(x),
        "cross_entropy": lambda: ops.cross_entropy_with_grad(x, index),
        "categorical_cross_entropy": lambda: ops.categorical_cross_entropy_with_grad(x, index),
        "mse and the other elementwise losses": lambda: ops.mse_with_grad(x, x),
        "sum_squared_error": lambda: ops.sum_squared_error_with_grad(x, x),
        "sgd_step": lambda: ops.sgd_step(p, g, m, lr=0.1),
        "adam_step": lambda: ops.adam_step(p, g, m, v, step=1),
        "rmsprop_step": lambda: ops.rmsprop_step(p, g, m, v, lr=0.1),
        "adagrad_step": lambda: ops.adagrad_step(p, g, m, lr=0.1),
        "global_norm": lambda: ops.global_norm([x]),
    }
