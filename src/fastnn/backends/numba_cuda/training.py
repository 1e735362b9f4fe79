"""The kernels of training that are no operation of their own: batches, penalties, limits of gradients, Keras's steps.

They compute in place on the flat arrays of an Arena; its gaps hold 0 and are never read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiling import SIMULATED, Kernel, cuda, kernel
from .elementary import divided, fma, larger, like, smaller, sqrt
from .optimizer import CHUNK, kept
from .sums import THREADS, total_of

if SIMULATED:

    def product(x, y):
        """x y, rounded, whatever is added to it."""
        return x * y

else:
    from llvmlite import ir
    from numba.cuda.extending import intrinsic

    @intrinsic
    def product(typingctx, x, y):
        """x y, rounded, whatever is added to it: the compiler fuses a plain product with a sum."""

        def code(context, builder, sig, args):
            kind = context.get_value_type(x)
            name = "llvm.nvvm.mul.rn.d" if x.bitwidth == 64 else "llvm.nvvm.mul.rn.f"
            function = builder.module.declare_intrinsic(name, (), ir.FunctionType(kind, (kind, kind)))
            return builder.call(function, args)

        return x(x, x), code


def _gather(target: str, sources: tuple[Any, ...]) -> Kernel:
    @kernel(
        f"T[::1], int64[::1], int64, int64, {target}[::1]",
        name=f"gather_{target}",
        threads=THREADS,
        blocks=6,
        dtypes=sources,
        bytes=lambda size: size + np.dtype(target).itemsize,
        flops=lambda size: 0,
    )
    def gather(source, order, begin, columns, batch):
        """batch[i] = source[order[begin + i]], row by row, converted; without an order source[begin + i]."""
        i = cuda.blockIdx.x * THREADS + cuda.threadIdx.x
        if i < batch.size:
            row = i // columns
            origin = begin + row
            if order.size > 0:
                origin = order[origin]
            batch[i] = batch.dtype.type(source[origin * columns + (i - row * columns)])

    return gather


# By the dtype of the batch.
GATHER = {
    np.dtype(np.float32): _gather("float32", (np.uint8, np.float32, np.float64)),
    np.dtype(np.float64): _gather("float64", (np.uint8, np.float32, np.float64)),
    np.dtype(np.int64): _gather("int64", (np.int64,)),
}


@kernel("T[::1], T, T, T[::1]", threads=THREADS, blocks=8, bytes=lambda size: 2 * size, flops=lambda size: 2)
def rescale(x, scale, offset, y):
    """y = x scale + offset, rounded twice."""
    i = cuda.blockIdx.x * THREADS + cuda.threadIdx.x
    if i < x.size:
        y[i] = product(x[i], scale) + offset


@kernel(
    "T[::1], int64, float64, T[::1]",
    threads=THREADS,
    blocks=8,
    doubles=True,
    bytes=lambda size: size,
    flops=lambda size: 1,
)
def row_factors(weight, each, divisor, factors):
    """factors[i] = weight / divisor, the weight of the row whose `each` losses i is among."""
    i = cuda.blockIdx.x * THREADS + cuda.threadIdx.x
    if i < factors.size:
        factors[i] = factors.dtype.type(np.float64(weight[i // each]) / divisor)


@kernel(
    "float64[::1], float64, T[::1]",
    threads=THREADS,
    blocks=4,
    shuffle=True,
    dtypes=(np.float64,),
    unit="call",
    bytes=lambda size: size,
    flops=lambda size: 1,
)
def add_sum(sums, multiple, total):
    """total[0] += the sum of the chunks' sums, so many times. One block."""
    result = total_of(sums)
    if cuda.threadIdx.x == 0:
        total[0] += multiple * result


@kernel(
    "T[::1], T[::1], T, T",
    threads=THREADS,
    blocks=8,
    bytes=lambda size: 3 * size,
    flops=lambda size: 4,
)
def add_penalty(g, w, l1, l2):
    """g += l1 sign(w) + 2 l2 w."""
    i = cuda.blockIdx.x * THREADS + cuda.threadIdx.x
    if i < g.size:
        value = w[i]
        zero = like(value, 0.0)
        sign = like(value, 1.0) if value > zero else like(value, -1.0) if value < zero else zero
        g[i] = g[i] + l1 * sign + (l2 + l2) * value


@kernel("T[::1], T", threads=THREADS, blocks=8, bytes=lambda size: 2 * size, flops=lambda size: 2)
def limit_values(g, limit):
    """g, held within -limit and limit; a nan stays."""
    i = cuda.blockIdx.x * THREADS + cuda.threadIdx.x
    if i < g.size:
        g[i] = smaller(larger(g[i], -limit), limit)


@kernel(
    "T[::1], float64[::1], float64",
    threads=THREADS,
    blocks=6,
    shuffle=True,
    doubles=True,
    bytes=lambda size: 2 * size,
    flops=lambda size: 1,
)
def limit_norm(g, sums, limit):
    """Scales g so that a norm is at most the limit: the root of the sum of `sums`, which each block adds up itself.

    A norm that is nan spreads to all of g.
    """
    norm = sqrt(total_of(sums))
    if not norm <= limit:
        factor = g.dtype.type(divided(limit, norm))
        for j in range(cuda.threadIdx.x, CHUNK, THREADS):
            i = cuda.blockIdx.x * CHUNK + j
            if i < g.size:
                g[i] = g[i] * factor


@kernel(
    "T[::1], T[::1], T[::1], T, T, boolean, T, T",
    threads=THREADS,
    blocks=6,
    fma=True,
    bytes=lambda size: 5 * size,
    flops=lambda size: 6,
)
def keras_sgd(p, g, k, rate, momentum, nesterov, decay, tiny):
    """k = momentum k + rate g; p -= k, or rate g + momentum k with nesterov; before that p -= decay p. k may be empty.

    The learning rate is part of k, so that it counts as it was when the step was taken.
    """
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < p.size:
            value = fma(p[i], -decay, p[i]) if decay > like(rate, 0.0) else p[i]
            step = g[i] * rate
            if k.size > 0:
                velocity = kept(fma(k[i], momentum, step), tiny)
                k[i] = velocity
                step = fma(velocity, momentum, step) if nesterov else velocity
            p[i] = value - step


@kernel(
    "T[::1], T[::1], T[::1], T[::1], T, T, T, T, T, boolean, T, T",
    threads=THREADS,
    blocks=6,
    fma=True,
    bytes=lambda size: 7 * size,
    flops=lambda size: 14,
)
def keras_rmsprop(p, g, v, k, rate, rho, rest, epsilon, momentum, nesterov, decay, tiny):
    """v = rho v + rest (g^2 + epsilon), rest = 1 - rho; then keras_sgd along g / sqrt(v). v decays to epsilon."""
    for j in range(cuda.threadIdx.x, CHUNK, THREADS):
        i = cuda.blockIdx.x * CHUNK + j
        if i < p.size:
            value = fma(p[i], -decay, p[i]) if decay > like(rate, 0.0) else p[i]
            gradient = g[i]
            square = fma(v[i], rho, rest * fma(gradient, gradient, epsilon))
            v[i] = square
            step = divided(gradient, sqrt(square)) * rate
            if k.size > 0:
                velocity = kept(fma(k[i], momentum, step), tiny)
                k[i] = velocity
                step = fma(velocity, momentum, step) if nesterov else velocity
            p[i] = value - step
