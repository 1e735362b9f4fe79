"""Optimizer steps in place, and the norm of all gradients.

A state is set to zero where it would become denormal, before the parameter is moved by it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from .arrays import flat
from .compiling import call_at, inlined, kernel, parallel
from .simd import LANES, absolute, fma, load_some, pick, select, spread, square_root, store_some
from .threads import run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastnn.arrays import Array

CHUNK = 4096


@inlined
def _kept(state):
    """The state, without what is below the normal range; a nan stays."""
    return select(absolute(state) < pick(state, 2.0**-126, 2.0**-1022), spread(state, 0.0), state)


@kernel
def sgd(p, g, velocity, lr, momentum, nesterov, weight_decay, begin, end):
    """A step of gradient descent for the blocks of 16 elements from begin to end; velocity may be empty."""
    for i in range(begin * LANES, min(end * LANES, p.size), LANES):
        rest = p.size - i
        value = load_some(p, i, rest, 0.0)
        direction = (
            fma(value, weight_decay, load_some(g, i, rest, 0.0)) if weight_decay != 0.0 else load_some(g, i, rest, 0.0)
        )
        if velocity.size > 0:
            gradient = direction
            direction = _kept(fma(load_some(velocity, i, rest, 0.0), momentum, gradient))
            store_some(velocity, i, rest, direction)
            if nesterov:
                direction = fma(direction, momentum, gradient)
        store_some(p, i, rest, fma(direction, -lr, value))


@parallel
def sgd_driver(address, p, g, velocity, lr, momentum, nesterov, weight_decay, units, parts):
    """sgd on Numba's threads."""
    for part in numba.prange(parts):
        begin, end = units * part // parts, units * (part + 1) // parts
        call_at(address, p, g, velocity, lr, momentum, nesterov, weight_decay, begin, end)


@kernel
def adam(p, g, m, v, rate, beta1, beta2, root, eps, weight_decay, shrink, begin, end):
    """A step of Adam for the blocks of 16 elements from begin to end.

    rate is lr / (1 - beta1^step), root is 1 / sqrt(1 - beta2^step), shrink what p is multiplied by beforehand.
    """
    for i in range(begin * LANES, min(end * LANES, p.size), LANES):
        rest = p.size - i
        value = load_some(p, i, rest, 0.0)
        gradient = load_some(g, i, rest, 0.0)
        if weight_decay != 0.0:
            gradient = fma(value, weight_decay, gradient)
        first = load_some(m, i, rest, 0.0)
        first = _kept(fma(gradient - first, 1.0 - beta1, first))
        second = _kept(fma(load_some(v, i, rest, 0.0), beta2, gradient * gradient * (1.0 - beta2)))
        store_some(m, i, rest, first)
        store_some(v, i, rest, second)
        store_some(p, i, rest, value * shrink - first * rate / fma(square_root(second), root, spread(second, eps)))


@parallel
def adam_driver(address, p, g, m, v, rate, beta1, beta2, root, eps, weight_decay, shrink, units, parts):
    """adam on Numba's threads."""
    for part in numba.prange(parts):
        begin, end = units * part // parts, units * (part + 1) // parts
        call_at(address, p, g, m, v, rate, beta1, beta2, root, eps, weight_decay, shrink, begin, end)


@kernel
def rmsprop(p, g, v, buffer, lr, alpha, eps, momentum, weight_decay, begin, end):
    """A step of RMSprop for the blocks of 16 elements from begin to end; buffer may be empty."""
    for i in range(begin * LANES, min(end * LANES, p.size), LANES):
        rest = p.size - i
        value = load_some(p, i, rest, 0.0)
        gradient = load_some(g, i, rest, 0.0)
        if weight_decay != 0.0:
            gradient = fma(value, weight_decay, gradient)
        second = _kept(fma(load_some(v, i, rest, 0.0), alpha, gradient * gradient * (1.0 - alpha)))
        store_some(v, i, rest, second)
        direction = gradient / (square_root(second) + eps)
        if buffer.size > 0:
            direction = _kept(fma(load_some(buffer, i, rest, 0.0), momentum, direction))
            store_some(buffer, i, rest, direction)
        store_some(p, i, rest, fma(direction, -lr, value))


@parallel
def rmsprop_driver(address, p, g, v, buffer, lr, alpha, eps, momentum, weight_decay, units, parts):
    """rmsprop on Numba's threads."""
    for part in numba.prange(parts):
        begin, end = units * part // parts, units * (part + 1) // parts
        call_at(address, p, g, v, buffer, lr, alpha, eps, momentum, weight_decay, begin, end)


@kernel
def adagrad(p, g, s, lr, eps, weight_decay, begin, end):
    """A step of Adagrad for the blocks of 16 elements from begin to end."""
    for i in range(begin * LANES, min(end * LANES, p.size), LANES):
        rest = p.size - i
        value = load_some(p, i, rest, 0.0)
        gradient = load_some(g, i, rest, 0.0)
        if weight_decay != 0.0:
            gradient = fma(value, weight_decay, gradient)
        total = _kept(fma(gradient, gradient, load_some(s, i, rest, 0.0)))
        store_some(s, i, rest, total)
        store_some(p, i, rest, value - gradient * lr / (square_root(total) + eps))


@parallel
def adagrad_driver(address, p, g, s, lr, eps, weight_decay, units, parts):
    """adagrad on Numba's threads."""
    for part in numba.prange(parts):
        begin, end = units * part // parts, units * (part + 1) // parts
        call_at(address, p, g, s, lr, eps, weight_decay, begin, end)


@kernel
def square_sums(x, sums, begin, end):
    """sums[chunk] = the sum of the squares of 4096 elements in float64, for the chunks from begin to end."""
    for chunk in range(begin, end):
        total = 0.0
        for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, x.size)):
            wide = np.float64(x[i])
            total += wide * wide
        sums[chunk] = total


@parallel
def square_sums_driver(address, x, sums, units, parts):
    """square_sums on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, x, sums, units * part // parts, units * (part + 1) // parts)


def _step(kernel_: Any, driver: Any, p: Array, *args: Any) -> None:
    run(kernel_, driver, -(-p.size // LANES), 2 * p.size, flat(p), *args)


def _state(state: Array | None, like: Array) -> Array:
    return np.empty(0, like.dtype) if state is None else flat(state)


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
    numbers = float(lr), float(momentum), bool(nesterov), float(weight_decay)
    _step(sgd, sgd_driver, p, flat(g), _state(velocity, p), *numbers)


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
    correction1, correction2 = 1.0 - beta1**step, 1.0 - beta2**step
    rate, root = float(lr) / correction1, 1.0 / math.sqrt(correction2)
    decay, shrink = (0.0, 1.0 - lr * weight_decay) if decoupled else (weight_decay, 1.0)
    numbers = rate, float(beta1), float(beta2), root, float(eps), float(decay), float(shrink)
    _step(adam, adam_driver, p, flat(g), flat(m), flat(v), *numbers)


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
    numbers = float(lr), float(alpha), float(eps), float(momentum), float(weight_decay)
    _step(rmsprop, rmsprop_driver, p, flat(g), flat(v), _state(momentum_buffer, p), *numbers)


def adagrad_step(p: Array, g: Array, s: Array, *, lr: float, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
    """As the public function of that name, for prepared arguments."""
    _step(adagrad, adagrad_driver, p, flat(g), flat(s), float(lr), float(eps), float(weight_decay))


def global_norm(arrays: Iterable[Array]) -> float:
    """As the public function of that name, for prepared arguments."""
    total = 0.0
    for array in arrays:
        sums = np.empty(-(-array.size // CHUNK), np.float64)
        run(square_sums, square_sums_driver, sums.size, array.size, flat(array), sums)
        total += float(sums.sum())
    return math.sqrt(total)
