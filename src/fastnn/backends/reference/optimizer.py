"""Optimizer steps, in place on the parameters and the states: PyTorch's formulas.

A state is rounded to its dtype, and set to zero if it is denormal, before the parameter is moved by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .precision import Array, quiet, up


def _store(state: Array, value: Array) -> Array:
    rounded = value.astype(state.dtype)
    state[...] = np.where(np.abs(rounded) < np.finfo(state.dtype).tiny, 0.0, rounded)
    return up(state)


def _decayed(p: Array, g: Array, weight_decay: float) -> Array:
    return up(g) + weight_decay * up(p) if weight_decay else up(g)


@quiet
def sgd_step(
    p: Array,
    g: Array,
    velocity: Array | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> None:
    """velocity = momentum * velocity + g; p -= lr * velocity, or with nesterov lr * (g + momentum * velocity)."""
    g = direction = _decayed(p, g, weight_decay)
    if velocity is not None:
        direction = _store(velocity, momentum * up(velocity) + g)
        if nesterov:
            direction = g + momentum * direction
    p[...] = up(p) - lr * direction


@quiet
def adam_step(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    step: int,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> None:
    """Kingma and Ba, "Adam", 2015; decoupled: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.

    m += (g - m) * (1 - beta1); v = beta2 * v + (1 - beta2) * g^2;
    p -= lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + eps).
    """
    shrunk = up(p) * (1.0 - lr * weight_decay) if decoupled else up(p)
    g = up(g) if decoupled else _decayed(p, g, weight_decay)
    first = _store(m, up(m) + (g - up(m)) * (1.0 - beta1))
    second = _store(v, beta2 * up(v) + (1.0 - beta2) * g * g)
    correction1 = 1.0 - np.float64(beta1) ** step
    correction2 = 1.0 - np.float64(beta2) ** step
    p[...] = shrunk - lr / correction1 * first / (np.sqrt(second) / np.sqrt(correction2) + eps)


@quiet
def rmsprop_step(
    p: Array,
    g: Array,
    v: Array,
    momentum_buffer: Array | None = None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> None:
    """v = alpha * v + (1 - alpha) * g^2; buffer = momentum * buffer + g / (sqrt(v) + eps); p -= lr * buffer.

    Tieleman and Hinton, lecture 6.5 of "Neural Networks for Machine Learning", 2012.
    """
    g = _decayed(p, g, weight_decay)
    direction = g / (np.sqrt(_store(v, alpha * up(v) + (1.0 - alpha) * g * g)) + eps)
    if momentum_buffer is not None:
        direction = _store(momentum_buffer, momentum * up(momentum_buffer) + direction)
    p[...] = up(p) - lr * direction


@quiet
def adagrad_step(p: Array, g: Array, s: Array, *, lr: float, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
    """s += g^2; p -= lr * g / (sqrt(s) + eps). Duchi, Hazan and Singer, JMLR 12, 2011."""
    g = _decayed(p, g, weight_decay)
    p[...] = up(p) - lr * g / (np.sqrt(_store(s, up(s) + g * g)) + eps)


@quiet
def global_norm(arrays: Iterable[Array]) -> float:
    """The square root of the sum of the squares of all elements of all arrays."""
    return math.sqrt(sum(float(np.square(up(a)).sum()) for a in arrays))
