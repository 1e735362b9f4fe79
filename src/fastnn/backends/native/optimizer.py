"""Optimizer steps, native."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn

from .answer import answered

if TYPE_CHECKING:
    from fastnn.arrays import Array


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
    """As the public function of that name, for prepared arguments."""
    answered(_fastnn.native_sgd_step(p, g, velocity, lr, momentum, nesterov, weight_decay))


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
    """As the public function of that name, for prepared arguments."""
    answered(_fastnn.native_adam_step(p, g, m, v, step, lr, beta1, beta2, eps, weight_decay, decoupled))


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
    """As the public function of that name, for prepared arguments."""
    answered(_fastnn.native_rmsprop_step(p, g, v, momentum_buffer, lr, alpha, eps, momentum, weight_decay))


def adagrad_step(p: Array, g: Array, s: Array, *, lr: float, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
    """As the public function of that name, for prepared arguments."""
    answered(_fastnn.native_adagrad_step(p, g, s, lr, eps, weight_decay))


def global_norm(arrays: list[Array]) -> float:
    """As the public function of that name, for prepared arguments."""
    result: float = _fastnn.native_global_norm(arrays)
    return answered(result)
