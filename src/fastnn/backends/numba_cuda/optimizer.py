"""Optimizer steps in place, and the norm of all gradients.

A state is set to zero where it would become denormal, before the parameter is moved by it. A kernel takes one array of
any length: where a network's parameters lie side by side in one (arena.py), one launch moves them all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .arrays import blocks_for, empty, flat, hosted, is_device, stream_of, to_device, to_host
from .compiling import cuda, device, kernel
from .elementary import divided, fma, like, sqrt
from .sums import SQUARES, THREADS, chunks_of, nothing, sums_of, total_of

# Elements of a block, 4 a thread.
CHUNK = 4 * THREADS


@device
def kept(state, tiny):
    """The state, without what is below the normal range; a nan stays."""
    return state - state if abs(state) < tiny else state


@device
def decayed(value, gradient, weight_decay):
    """The gradient with the decay of the weight; without one an infinite weight must not make it nan."""
    return fma(value, weight_decay, gradient) if weight_decay > like(value, 0.0) else gradient


@kernel(
    "T[::1], T[::1], T[::1], T, T, boolean, T, T",
    threads=THREADS,
    blocks=6,
    fma=True,
    bytes=lambda size: 5 * size,
    flops=lambda size: 6,
)
def sgd(p, g, velocity, lr, momentum, nesterov, weight_decay, tiny):
    """A step of gradient descent; velocity may be empty, and g may be p."""
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < p.size:
            value = p[i]
            direction = decayed(value, g[i], weight_decay)
            if velocity.size > 0:
                gradient = direction
                direction = kept(fma(velocity[i], momentum, gradient), tiny)
                velocity[i] = direction
                if nesterov:
                    direction = fma(direction, momentum, gradient)
            p[i] = fma(direction, -lr, value)


@kernel(
    "T[::1], T[::1], T[::1], T[::1], T, T, T, T, T, T, T, T, T",
    threads=THREADS,
    blocks=6,
    fma=True,
    bytes=lambda size: 7 * size,
    flops=lambda size: 16,
)
def adam(p, g, m, v, rate, rest1, beta2, rest2, root, eps, weight_decay, shrink, tiny):
    """A step of Adam.

    rate is lr / (1 - beta1^step), root is 1 / sqrt(1 - beta2^step), rest1 and rest2 are 1 - beta1 and 1 - beta2, shrink
    is what p is multiplied by beforehand.
    """
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < p.size:
            value = p[i]
            gradient = decayed(value, g[i], weight_decay)
            first = m[i]
            first = kept(fma(gradient - first, rest1, first), tiny)
            second = kept(fma(v[i], beta2, gradient * gradient * rest2), tiny)
            m[i] = first
            v[i] = second
            p[i] = value * shrink - divided(first * rate, fma(sqrt(second), root, eps))


@kernel(
    "T[::1], T[::1], T[::1], T[::1], T, T, T, T, T, T, T",
    threads=THREADS,
    blocks=6,
    fma=True,
    bytes=lambda size: 7 * size,
    flops=lambda size: 14,
)
def rmsprop(p, g, v, buffer, lr, alpha, rest, eps, momentum, weight_decay, tiny):
    """A step of RMSprop; rest is 1 - alpha, buffer may be empty."""
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < p.size:
            value = p[i]
            gradient = decayed(value, g[i], weight_decay)
            second = kept(fma(v[i], alpha, gradient * gradient * rest), tiny)
            v[i] = second
            direction = divided(gradient, sqrt(second) + eps)
            if buffer.size > 0:
                direction = kept(fma(buffer[i], momentum, direction), tiny)
                buffer[i] = direction
            p[i] = fma(direction, -lr, value)


@kernel(
    "T[::1], T[::1], T[::1], T, T, T, T",
    threads=THREADS,
    blocks=6,
    fma=True,
    bytes=lambda size: 5 * size,
    flops=lambda size: 10,
)
def adagrad(p, g, s, lr, eps, weight_decay, tiny):
    """A step of Adagrad."""
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < p.size:
            value = p[i]
            gradient = decayed(value, g[i], weight_decay)
            total = kept(fma(gradient, gradient, s[i]), tiny)
            s[i] = total
            p[i] = value - divided(gradient * lr, sqrt(total) + eps)


@kernel(
    "T[::1], T[::1]",
    threads=THREADS,
    blocks=4,
    shuffle=True,
    doubles=True,
    dtypes=(np.float64,),
    unit="call",
    bytes=lambda size: size,
    flops=lambda size: 1,
)
def finish_sum(sums, total):
    """total[0] = the sum of the chunks' sums. One block."""
    result = total_of(sums)
    if cuda.threadIdx.x == 0:
        total[0] = result


def _numbers(p: Any, *values: float) -> list[Any]:
    """Numbers in the dtype of the parameters, and behind them the smallest normal one."""
    return [p.dtype.type(value) for value in (*values, float(np.finfo(p.dtype).tiny))]


def _state(state: Any, like: Any, stream: Any) -> Any:
    return nothing(like.dtype, stream) if state is None else flat(state)


@hosted(inplace=("p", "velocity"))
def sgd_step(
    p: Any,
    g: Any,
    velocity: Any = None,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> None:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(p, g, velocity)
    lr, momentum, weight_decay, tiny = _numbers(p, lr, momentum, weight_decay)
    arrays = flat(p), flat(g), _state(velocity, p, stream)
    sgd.launch(blocks_for(p.size, CHUNK), stream, *arrays, lr, momentum, bool(nesterov), weight_decay, tiny)


@hosted(inplace=("p", "m", "v"))
def adam_step(
    p: Any,
    g: Any,
    m: Any,
    v: Any,
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
    stream = stream_of(p, g, m, v)
    rate, root = lr / (1.0 - beta1**step), 1.0 / math.sqrt(1.0 - beta2**step)
    decay, shrink = (0.0, 1.0 - lr * weight_decay) if decoupled else (weight_decay, 1.0)
    numbers = _numbers(p, rate, 1.0 - beta1, beta2, 1.0 - beta2, root, eps, decay, shrink)
    adam.launch(blocks_for(p.size, CHUNK), stream, flat(p), flat(g), flat(m), flat(v), *numbers)


@hosted(inplace=("p", "v", "momentum_buffer"))
def rmsprop_step(
    p: Any,
    g: Any,
    v: Any,
    momentum_buffer: Any = None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> None:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(p, g, v, momentum_buffer)
    arrays = flat(p), flat(g), flat(v), _state(momentum_buffer, p, stream)
    numbers = _numbers(p, lr, alpha, 1.0 - alpha, eps, momentum, weight_decay)
    rmsprop.launch(blocks_for(p.size, CHUNK), stream, *arrays, *numbers)


@hosted(inplace=("p", "s"))
def adagrad_step(p: Any, g: Any, s: Any, *, lr: float, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
    """As the public function of that name, for prepared arguments."""
    numbers = _numbers(p, lr, eps, weight_decay)
    adagrad.launch(blocks_for(p.size, CHUNK), stream_of(p, g, s), flat(p), flat(g), flat(s), *numbers)


def square_sum(arrays: list[Any], stream: Any) -> Any:
    """The sum of the squares of all elements of device arrays: float64 on the device, of shape (1,)."""
    filled = [array for array in arrays if array.size]
    sums = empty(sum(chunks_of(array.size) for array in filled), np.float64, stream)
    begin = 0
    for array in filled:
        end = begin + chunks_of(array.size)
        sums_of(SQUARES, array, stream, sums=sums[begin:end])
        begin = end
    total = empty(1, np.float64, stream)
    finish_sum.launch(1, stream, sums, total)
    return total


def global_norm(arrays: Iterable[Any]) -> float:
    """As the public function of that name, for prepared arguments. The result is a float, so it waits for the device.

    Raises:
        TypeError: some of the arrays lie on the device and others do not.
    """
    given = list(arrays)
    names = {is_device(array) for array in given}
    if len(names) > 1:
        raise TypeError("arrays must lie all on the CUDA device or all in NumPy arrays, got both")
    on_device = [array if is_device(array) else to_device(array) for array in given]
    return math.sqrt(float(to_host(square_sum(on_device, stream_of(*on_device)))[0]))
