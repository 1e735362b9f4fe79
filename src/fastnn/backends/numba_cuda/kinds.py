"""The activations and their derivatives of one number, chosen by the number of the kind.

The formulas are those of backends/reference/activation.py, in an order that keeps large finite arguments finite.
"""

from __future__ import annotations

from fastnn.backends.kind_numbers import (
    CELU,
    ELU,
    EXPONENTIAL,
    GELU,
    GELU_TANH,
    GELU_TANH_CUBIC,
    GELU_TANH_INNER,
    HARD_SIGMOID,
    HARD_SWISH,
    LEAKY_RELU,
    MISH,
    NORMAL_PEAK,
    RELU,
    RELU6,
    SELU,
    SELU_ALPHA,
    SELU_SCALE,
    SIGMOID,
    SIGN,
    SOFTPLUS,
    SOFTSIGN,
    STEP,
    SWISH,
    TANH,
)

from .compiling import device
from .elementary import divided, erfc, exp, expm1, larger, like, log1p, sigmoid, tanh

ROOT_OF_HALF = 0.70710678118654752440


@device
def softplus_of(z, beta):
    """log(1 + exp(beta z)) / beta."""
    return larger(z, like(z, 0.0)) + divided(log1p(exp(-abs(z * beta))), beta)


@device
def normal_cdf(z):
    """The distribution function of the normal distribution, without cancellation where it is small."""
    return like(z, 0.5) * erfc(-z * like(z, ROOT_OF_HALF))


@device
def gelu_tanh_sigmoid(z):
    """0.5 (1 + tanh(u)), which is sigmoid(2 u) and so does not cancel for negative u."""
    return sigmoid((z + z * z * z * like(z, GELU_TANH_CUBIC)) * like(z, 2.0 * GELU_TANH_INNER))


@device
def clipped(z, low, high):
    """z, held within low and high; a nan stays."""
    return low if z < low else high if z > high else z


@device
def applied(kind, parameter, z):
    """f(z); a nan stays one, but for step and sign."""
    zero = like(z, 0.0)
    one = like(z, 1.0)
    if kind == RELU:
        y = zero if z <= zero else z
    elif kind == SIGMOID:
        y = sigmoid(z)
    elif kind == TANH:
        y = tanh(z)
    elif kind == STEP:
        y = zero if z <= zero else one
    elif kind == SIGN:
        y = one if z > zero else -one if z < zero else zero
    elif kind == RELU6:
        y = clipped(z, zero, like(z, 6.0))
    elif kind == LEAKY_RELU:
        y = z if z > zero else z * parameter
    elif kind == ELU:
        y = z if z > zero else expm1(z) * parameter
    elif kind == SELU:
        y = (z if z > zero else expm1(z) * like(z, SELU_ALPHA)) * like(z, SELU_SCALE)
    elif kind == CELU:
        y = z if z > zero else expm1(divided(z, parameter)) * parameter
    elif kind == SOFTPLUS:
        y = softplus_of(z, parameter)
    elif kind == SOFTSIGN:
        y = divided(z, abs(z) + one)
    elif kind == SWISH:
        y = z * sigmoid(z * parameter)
    elif kind == GELU:
        y = z * normal_cdf(z)
    elif kind == GELU_TANH:
        y = z * gelu_tanh_sigmoid(z)
    elif kind == MISH:
        y = z * tanh(softplus_of(z, one))
    elif kind == HARD_SIGMOID:
        y = divided(clipped(z + like(z, 3.0), zero, like(z, 6.0)), like(z, 6.0))
    elif kind == HARD_SWISH:
        y = z * divided(clipped(z + like(z, 3.0), zero, like(z, 6.0)), like(z, 6.0))
    elif kind == EXPONENTIAL:
        y = exp(z)
    else:
        y = z
    return y


@device
def gelu_derivative(z):
    """f' of gelu."""
    # Beyond 40 the density is 0 in either dtype, and the square must not overflow to inf times 0.
    near = clipped(z, like(z, -40.0), like(z, 40.0))
    density = exp(near * near * like(z, -0.5)) * like(z, NORMAL_PEAK)
    return normal_cdf(z) + z * density


@device
def gelu_tanh_derivative(z):
    """f' of gelu_tanh."""
    s = gelu_tanh_sigmoid(z)
    # Where the square would overflow, s (1 - s) is 0 already.
    near = clipped(z, like(z, -30.0), like(z, 30.0))
    inner = near * near * like(z, 3.0 * GELU_TANH_CUBIC) + like(z, 1.0)
    return s + z * (s * (like(z, 1.0) - s)) * (inner * like(z, 2.0 * GELU_TANH_INNER))


@device
def mish_derivative(z):
    """f' of mish."""
    one = like(z, 1.0)
    t = tanh(softplus_of(z, one))
    return t + z * (sigmoid(z) * (one - t * t))


@device
def swish_derivative(z, beta):
    """f' of swish."""
    s = sigmoid(z * beta)
    return s + z * ((s * (like(z, 1.0) - s)) * beta)


@device
def differentiated(kind, parameter, dy, saved):
    """dy f'; `saved` is y, or z where activations.needs_z says so. Flat pieces select 0, so that dy = inf gives 0."""
    zero = like(dy, 0.0)
    one = like(dy, 1.0)
    if kind == RELU:
        dz = zero if saved <= zero else dy
    elif kind == SIGMOID:
        dz = dy * (saved * (one - saved))
    elif kind == TANH:
        dz = dy * (one - saved * saved)
    elif kind == STEP or kind == SIGN:  # noqa: SIM109 (a tuple would be made in the kernel)
        dz = zero
    elif kind == RELU6:
        dz = zero if saved <= zero or saved >= like(dy, 6.0) else dy
    elif kind == LEAKY_RELU:
        dz = dy if saved > zero else dy * parameter
    elif kind == ELU:
        below = exp(saved) * parameter if parameter < zero else saved + parameter
        dz = dy * (one if saved > zero else below)
    elif kind == SELU:
        dz = dy * (like(dy, SELU_SCALE) if saved > zero else saved + like(dy, SELU_SCALE * SELU_ALPHA))
    elif kind == CELU:
        below = exp(divided(saved, parameter)) if parameter < zero else divided(saved, parameter) + one
        dz = dy * (one if saved > zero else below)
    elif kind == SOFTPLUS:
        dz = dy * -expm1(saved * -parameter)
    elif kind == SOFTSIGN:
        rest = one - abs(saved)
        dz = dy * (rest * rest)
    elif kind == SWISH:
        dz = dy * swish_derivative(saved, parameter)
    elif kind == GELU:
        dz = dy * gelu_derivative(saved)
    elif kind == GELU_TANH:
        dz = dy * gelu_tanh_derivative(saved)
    elif kind == MISH:
        dz = dy * mish_derivative(saved)
    elif kind == HARD_SIGMOID:
        dz = divided(dy, like(dy, 6.0)) if zero < saved < one else zero
    elif kind == HARD_SWISH:
        if saved <= like(dy, -3.0):
            dz = zero
        else:
            dz = dy * (divided(saved, like(dy, 3.0)) + like(dy, 0.5)) if saved < like(dy, 3.0) else dy
    elif kind == EXPONENTIAL:
        dz = dy * saved
    else:
        dz = dy
    return dz
