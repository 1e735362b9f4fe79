"""JAX: jit, compiled before timing, waited for at every call. It has as many threads as the process has cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np

from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import jax_network

VERSION = str(jax.__version__)
jax.config.update("jax_enable_x64", True)


def set_threads(n: int) -> None:
    """Nothing to do: the benchmark's process may run on n cores alone, and JAX goes by that."""


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell as one jitted function."""
    if case.is_network:
        return jax_network.entries(case, arrays)
    functions: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
        "dense": (lambda x, w, b: jnp.maximum(x @ w + b, 0), ("x", "w", "b")),
        "dense_backward": (_dense_backward, ("dy", "x", "w", "y")),
        "softmax": (lambda x: jax.nn.softmax(x, axis=-1), ("x",)),
        "log_softmax": (lambda x: jax.nn.log_softmax(x, axis=-1), ("x",)),
        "softmax_backward": (lambda dy, y: y * (dy - (dy * y).sum(-1, keepdims=True)), ("dy", "y")),
        "cross_entropy_with_grad": (jax.value_and_grad(_cross_entropy), ("x", "targets")),
    }
    if case.op not in functions:
        return []
    function, names = functions[case.op]
    compiled = jax.jit(function)
    inputs = [jnp.asarray(arrays[name]) for name in names]
    return [Entry(lambda: jax.block_until_ready(compiled(*inputs)), _numpy)]


def _dense_backward(dy: Any, x: Any, w: Any, y: Any) -> Any:
    dz = jnp.where(y > 0, dy, 0)
    return dz @ w.T, x.T @ dz, dz.sum(0)


def _cross_entropy(x: Any, targets: Any) -> Any:
    log_p = jax.nn.log_softmax(x, axis=-1)
    return -jnp.take_along_axis(log_p, targets[:, None], axis=1).mean()


def _numpy(result: Any) -> tuple[Array, ...]:
    results = result if isinstance(result, tuple) else (result,)
    return tuple(np.asarray(value) for value in results)
