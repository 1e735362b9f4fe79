"""exp, log and their kin of one number of either dtype: libdevice's on a GPU, NumPy's in the simulator.

libdevice's float32 functions err by 1 or 2 units in the last place (exp 1, log 1, tanh 2, expm1 1, log1p 1, erfc 4, of
CUDA's programming guide, "Mathematical functions"): nothing here is compiled with fast-math.
"""

from __future__ import annotations

import math

from .compiling import SIMULATED, cuda, device

if SIMULATED:
    import numpy as np

    exp, log, log1p, expm1, tanh, sqrt = np.exp, np.log, np.log1p, np.expm1, np.tanh, np.sqrt

    def like(x, value):
        """A number, rounded to the dtype of x."""
        return type(x)(value)

    def erfc(x):
        """1 - erf(x), without cancellation."""
        return type(x)(math.erfc(x))

    def divided(x, y):
        """x / y; by zero it is inf or nan, of Python numbers too."""
        return np.divide(x, y)

else:
    from numba.cuda.extending import intrinsic

    @intrinsic
    def like(typingctx, x, value):
        """A number, rounded to the dtype of x."""

        def code(context, builder, sig, args):
            return context.cast(builder, args[1], sig.args[1], sig.args[0])

        return x(x, value), code

    @device
    def exp(x):
        """exp(x)."""
        return math.exp(x)

    @device
    def log(x):
        """log(x): -inf at zero, nan below."""
        return math.log(x)

    @device
    def log1p(x):
        """log(1 + x)."""
        return math.log1p(x)

    @device
    def expm1(x):
        """exp(x) - 1."""
        return math.expm1(x)

    @device
    def tanh(x):
        """The hyperbolic tangent."""
        return math.tanh(x)

    @device
    def sqrt(x):
        """The square root, correctly rounded."""
        return math.sqrt(x)

    @device
    def erfc(x):
        """1 - erf(x), without cancellation."""
        return math.erfc(x)

    @device
    def divided(x, y):
        """x / y, correctly rounded; by zero it is inf or nan."""
        return x / y


@device
def fma(x, y, z):
    """x * y + z, rounded once; in the simulator twice."""
    return cuda.fma(x, y, z)


@device
def larger(x, y):
    """The larger of two; nan if one is nan."""
    return x if x != x or x > y else y


@device
def smaller(x, y):
    """The smaller of two; nan if one is nan."""
    return x if x != x or x < y else y


@device
def sigmoid(x):
    """1 / (1 + exp(-x)), by exp of what is not positive: so it neither overflows nor cancels."""
    one = like(x, 1.0)
    e = exp(-abs(x))
    return divided(e if x < like(x, 0.0) else one, one + e)
