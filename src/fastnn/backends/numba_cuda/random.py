"""Dropout and the randomised ReLU, drawn from Philox4x32-10 (Salmon et al., SC 2011).

Element i gets word i % 4 of block i // 4, keyed by the seed, whatever the launch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.backends import philox

from .arrays import blocks_for, flat, hosted, new, stream_of
from .compiling import cuda, device, kernel

THREADS = 256
# Elements of a block of threads: each thread draws four words.
CHUNK = 4 * THREADS
philox4x32 = device(philox.philox4x32)


@device
def draw(words, seed, counter):
    """Fills `words`, in shared memory, with those of the block's elements, in the elements' order.

    A thread draws the words of four neighbours; through shared memory it gets those of the elements that it moves, a
    block's width apart, so that neighbouring threads always move neighbouring elements.
    """
    thread = cuda.threadIdx.x
    w0, w1, w2, w3 = philox4x32(np.uint64(cuda.blockIdx.x * THREADS + thread), seed, counter)
    words[4 * thread] = np.uint32(w0)
    words[4 * thread + 1] = np.uint32(w1)
    words[4 * thread + 2] = np.uint32(w2)
    words[4 * thread + 3] = np.uint32(w3)
    cuda.syncthreads()


@kernel(
    "T[::1], uint64, T, uint64, uint64, T[::1]",
    threads=THREADS,
    blocks=6,
    bytes=lambda size: 2 * size,
    flops=lambda size: 1,
)
def dropout_elements(x, limit, kept_part, seed, counter, y):
    """y = x / kept_part where the word is at least `limit`, else 0; y may be x."""
    words = cuda.shared.array(CHUNK, np.uint32)
    draw(words, seed, counter)
    zero = x.dtype.type(0.0)
    thread = cuda.threadIdx.x
    for j in range(thread, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < x.size:
            y[i] = x[i] / kept_part if np.uint64(words[j]) >= limit else zero


@kernel(
    "T[::1], T[::1], T, T, T, boolean, uint64, uint64, T[::1]",
    threads=THREADS,
    blocks=6,
    bytes=lambda size: 2 * size,
    flops=lambda size: 4,
)
def rrelu_elements(d, x, lower, spread, mean, training, seed, counter, y):
    """y = d slope where x < 0, else d; d is x going forward, dy going back.

    The slope is lower + spread u, u drawn from 0 to 1 in steps of 2^-24, in training, else the mean; y may be d.
    """
    words = cuda.shared.array(CHUNK, np.uint32)
    if training:
        draw(words, seed, counter)
    scale = x.dtype.type(2.0**-24)
    zero = x.dtype.type(0.0)
    thread = cuda.threadIdx.x
    for j in range(thread, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < x.size:
            slope = mean
            if training:
                # In this order: the product is rounded, its scaling is exact, so fusing the addition changes nothing.
                slope = lower + (spread * x.dtype.type(np.uint64(words[j]) >> np.uint64(8))) * scale
            y[i] = slope * d[i] if x[i] < zero else d[i]


@hosted(outputs=("out",))
def dropout(x: Any, p: float, *, seed: int, counter: int, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(x, out)
    y = new(out, tuple(x.shape), x.dtype, stream)
    kept = x.dtype.type(1.0 - p)
    key = np.uint64(int(p * 2.0**32)), kept, np.uint64(seed), np.uint64(counter)
    dropout_elements.launch(blocks_for(x.size, CHUNK), stream, flat(x), *key, flat(y))
    return y


@hosted(outputs=("out",))
def dropout_backward(dy: Any, p: float, *, seed: int, counter: int, out: Any = None) -> Any:
    """As the public function of that name, for prepared arguments."""
    return dropout(dy, p, seed=seed, counter=counter, out=out)


@hosted(outputs=("out",))
def rrelu(
    x: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    seed: int = 0,
    counter: int = 0,
    out: Any = None,
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _rrelu(x, x, lower, upper, training, seed, counter, out)


@hosted(outputs=("out",))
def rrelu_backward(
    dy: Any,
    x: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    seed: int = 0,
    counter: int = 0,
    out: Any = None,
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _rrelu(dy, x, lower, upper, training, seed, counter, out)


def _rrelu(d: Any, x: Any, lower: float, upper: float, training: bool, seed: int, counter: int, out: Any) -> Any:
    stream = stream_of(d, x, out)
    y = new(out, tuple(d.shape), d.dtype, stream)
    real = x.dtype.type
    slopes = real(lower), real(upper) - real(lower), real((lower + upper) / 2.0)
    args = flat(d), flat(x), *slopes, bool(training), np.uint64(seed), np.uint64(counter), flat(y)
    rrelu_elements.launch(blocks_for(x.size, CHUNK), stream, *args)
    return y
