"""The activations and their derivatives over a vector, chosen by the number of the kind.

The formulas are those of backends/reference/activation.py, in an order that keeps large finite arguments finite.
"""

from __future__ import annotations

from fastnn.backends.kind_numbers import (
    CELU as CELU,
    ELU as ELU,
    EXPONENTIAL as EXPONENTIAL,
    GELU as GELU,
    GELU_TANH as GELU_TANH,
    GELU_TANH_CUBIC as GELU_TANH_CUBIC,
    GELU_TANH_INNER as GELU_TANH_INNER,
    HARD_SIGMOID as HARD_SIGMOID,
    HARD_SWISH as HARD_SWISH,
    IDENTITY as IDENTITY,
    LEAKY_RELU as LEAKY_RELU,
    MISH as MISH,
    NORMAL_PEAK as NORMAL_PEAK,
    RELU as RELU,
    RELU6 as RELU6,
    SELU as SELU,
    SELU_ALPHA as SELU_ALPHA,
    SELU_SCALE as SELU_SCALE,
    SIGMOID as SIGMOID,
    SIGN as SIGN,
    SOFTPLUS as SOFTPLUS,
    SOFTSIGN as SOFTSIGN,
    STEP as STEP,
    SWISH as SWISH,
    TANH as TANH,
    number_of as number_of,
)

from .compiling import inlined
from .elementary import (
    TAIL_END,
    exp,
    exp_half_square,
    expm1,
    larger,
    log1p,
    normal_tail,
    sigmoid,
    smaller,
    tanh,
)
from .simd import absolute, pick, select, spread


@inlined
def _softplus(z, beta):
    t = z * beta
    return larger(z, 0.0) + log1p(exp(-absolute(t))) / beta


@inlined
def _normal_cdf(z):
    u = smaller(absolute(z), pick(z, TAIL_END[0], TAIL_END[1]))
    tail = select(absolute(z) > pick(z, TAIL_END[0], TAIL_END[1]), spread(z, 0.0), normal_tail(u, exp_half_square(u)))
    tail = select(z == z, tail, z)
    return select(z < 0.0, tail, 1.0 - tail)


@inlined
def _gelu_tanh_sigmoid(z):
    """0.5 (1 + tanh(u)), which is sigmoid(2 u) and so does not cancel for negative u."""
    return sigmoid((z + z * z * z * GELU_TANH_CUBIC) * (2.0 * GELU_TANH_INNER))


@inlined
def _clipped(z, low, high):
    return select(z < low, low, select(z > high, high, z))


@inlined
def applied(kind, parameter, z):
    """f(z); a nan stays one, but for step and sign."""
    zero = spread(z, 0.0)
    one = spread(z, 1.0)
    if kind == RELU:
        y = select(z <= zero, zero, z)
    elif kind == SIGMOID:
        y = sigmoid(z)
    elif kind == TANH:
        y = tanh(z)
    elif kind == STEP:
        y = select(z <= zero, zero, one)
    elif kind == SIGN:
        y = select(z > zero, one, select(z < zero, -one, zero))
    elif kind == RELU6:
        y = _clipped(z, zero, spread(z, 6.0))
    elif kind == LEAKY_RELU:
        y = select(z > zero, z, z * parameter)
    elif kind == ELU:
        y = select(z > zero, z, expm1(z) * parameter)
    elif kind == SELU:
        y = select(z > zero, z, expm1(z) * SELU_ALPHA) * SELU_SCALE
    elif kind == CELU:
        y = select(z > zero, z, expm1(z / parameter) * parameter)
    elif kind == SOFTPLUS:
        y = _softplus(z, parameter)
    elif kind == SOFTSIGN:
        y = z / (absolute(z) + 1.0)
    elif kind == SWISH:
        y = z * sigmoid(z * parameter)
    elif kind == GELU:
        y = z * _normal_cdf(z)
    elif kind == GELU_TANH:
        y = z * _gelu_tanh_sigmoid(z)
    elif kind == MISH:
        y = z * tanh(_softplus(z, 1.0))
    elif kind == HARD_SIGMOID:
        y = _clipped(z + 3.0, zero, spread(z, 6.0)) / 6.0
    elif kind == HARD_SWISH:
        y = z * (_clipped(z + 3.0, zero, spread(z, 6.0)) / 6.0)
    elif kind == EXPONENTIAL:
        y = exp(z)
    else:
        y = z
    return y


@inlined
def _gelu_derivative(z):
    u = smaller(absolute(z), pick(z, TAIL_END[0], TAIL_END[1]))
    density = select(absolute(z) > pick(z, TAIL_END[0], TAIL_END[1]), spread(z, 0.0), exp_half_square(u) * NORMAL_PEAK)
    return _normal_cdf(z) + z * density


@inlined
def _gelu_tanh_derivative(z):
    s = _gelu_tanh_sigmoid(z)
    # Where the square would overflow, s (1 - s) is 0 already.
    near = _clipped(z, -30.0, 30.0)
    return s + z * (s * (1.0 - s)) * ((near * near * (3.0 * GELU_TANH_CUBIC) + 1.0) * (2.0 * GELU_TANH_INNER))


@inlined
def _mish_derivative(z):
    t = tanh(_softplus(z, 1.0))
    return t + z * (sigmoid(z) * (1.0 - t * t))


@inlined
def _swish_derivative(z, beta):
    s = sigmoid(z * beta)
    return s + z * ((s * (1.0 - s)) * beta)


@inlined
def differentiated(kind, parameter, dy, saved):
    """dy f'; `saved` is y, or z where activations.needs_z says so. Flat pieces select 0, so that dy = inf gives 0."""
    zero = spread(dy, 0.0)
    one = spread(dy, 1.0)
    if kind == RELU:
        dz = select(saved <= zero, zero, dy)
    elif kind == SIGMOID:
        dz = dy * (saved * (one - saved))
    elif kind == TANH:
        dz = dy * (one - saved * saved)
    elif kind in (STEP, SIGN):
        dz = zero
    elif kind == RELU6:
        dz = select(saved <= zero, zero, select(saved >= spread(dy, 6.0), zero, dy))
    elif kind == LEAKY_RELU:
        dz = select(saved > zero, dy, dy * parameter)
    elif kind == ELU:
        below = exp(saved) * parameter if parameter < 0.0 else saved + parameter
        dz = dy * select(saved > zero, one, below)
    elif kind == SELU:
        dz = dy * select(saved > zero, spread(dy, SELU_SCALE), saved + SELU_SCALE * SELU_ALPHA)
    elif kind == CELU:
        below = exp(saved / parameter) if parameter < 0.0 else saved / parameter + 1.0
        dz = dy * select(saved > zero, one, below)
    elif kind == SOFTPLUS:
        dz = dy * -expm1(saved * -parameter)
    elif kind == SOFTSIGN:
        rest = one - absolute(saved)
        dz = dy * (rest * rest)
    elif kind == SWISH:
        dz = dy * _swish_derivative(saved, parameter)
    elif kind == GELU:
        dz = dy * _gelu_derivative(saved)
    elif kind == GELU_TANH:
        dz = dy * _gelu_tanh_derivative(saved)
    elif kind == MISH:
        dz = dy * _mish_derivative(saved)
    elif kind == HARD_SIGMOID:
        dz = select(saved > zero, select(saved < one, dy / 6.0, zero), zero)
    elif kind == HARD_SWISH:
        dz = select(saved <= -3.0, zero, select(saved < 3.0, dy * (saved / 3.0 + 0.5), dy))
    elif kind == EXPONENTIAL:
        dz = dy * saved
    else:
        dz = dy
    return dz
