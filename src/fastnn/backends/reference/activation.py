"""The activations, each as its formula and its derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .precision import Array, down, quiet, up


class KindObject(Protocol):
    """A kind that carries its parameter, such as fastnn.LeakyReLU(0.1)."""

    @property
    def name(self) -> str: ...
    @property
    def parameter(self) -> float: ...


Kind = str | KindObject

DEFAULT_PARAMETERS = {"leaky_relu": 0.01, "elu": 1.0, "celu": 1.0, "softplus": 1.0, "swish": 1.0}

# Klambauer et al., "Self-Normalizing Neural Networks", 2017, appendix A.1.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946

# Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
GELU_TANH_INNER = math.sqrt(2.0 / math.pi)
GELU_TANH_CUBIC = 0.044715

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), written so that exp cannot overflow and tiny results keep their digits."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def _softplus(z: Array, beta: float) -> Array:
    t = beta * z
    return np.asarray((np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))) / beta)


def _normal_cdf(z: Array) -> Array:
    return np.asarray(0.5 * _erfc(-z / math.sqrt(2.0)))


def _normal_pdf(z: Array) -> Array:
    return np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def _gelu_tanh_argument(z: Array) -> Array:
    # 0.5 * (1 + tanh(u)) is sigmoid(2 * u), which does not cancel for negative u.
    return 2.0 * GELU_TANH_INNER * (z + GELU_TANH_CUBIC * z**3)


def _relu6(z: Array) -> Array:
    return np.clip(z, 0.0, 6.0)


# name -> f(z, parameter)
_FORWARD: dict[str, Callable[[Array, float], Array]] = {
    "identity": lambda z, _: z,
    "step": lambda z, _: np.where(z <= 0, 0.0, 1.0),
    "sign": lambda z, _: np.where(z > 0, 1.0, np.where(z < 0, -1.0, 0.0)),
    "sigmoid": lambda z, _: sigmoid(z),
    "tanh": lambda z, _: np.tanh(z),
    "relu": lambda z, _: np.maximum(z, 0.0),
    "relu6": lambda z, _: _relu6(z),
    "leaky_relu": lambda z, slope: np.where(z > 0, z, slope * z),
    "elu": lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(z)),
    "selu": lambda z, _: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(z)),
    "celu": lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(z / alpha)),
    "softplus": lambda z, beta: _softplus(z, beta),
    "softsign": lambda z, _: z / (1.0 + np.abs(z)),
    "swish": lambda z, beta: z * sigmoid(beta * z),
    "gelu": lambda z, _: z * _normal_cdf(z),
    "gelu_tanh": lambda z, _: z * sigmoid(_gelu_tanh_argument(z)),
    "mish": lambda z, _: z * np.tanh(_softplus(z, 1.0)),
    "hard_sigmoid": lambda z, _: _relu6(z + 3.0) / 6.0,
    "hard_swish": lambda z, _: z * _relu6(z + 3.0) / 6.0,
    "exponential": lambda z, _: np.exp(z),
}


# name -> dy * f', f' from y. Flat pieces select 0 instead of multiplying by it, so that dy = inf gives 0 and not nan.
# At nan it is what PyTorch has; where PyTorch's vector and scalar code disagree (relu6, elu, selu, celu, hard_swish) it
# is what one of the two has.
_FROM_Y: dict[str, Callable[[Array, Array, float], Array]] = {
    "identity": lambda dy, y, _: dy,
    "step": lambda dy, y, _: np.zeros_like(dy),
    "sign": lambda dy, y, _: np.zeros_like(dy),
    "sigmoid": lambda dy, y, _: dy * (y * (1.0 - y)),
    "tanh": lambda dy, y, _: dy * (1.0 - y * y),
    "relu": lambda dy, y, _: np.where(y <= 0, 0.0, dy),
    "relu6": lambda dy, y, _: np.where((y <= 0) | (y >= 6), 0.0, dy),
    "leaky_relu": lambda dy, y, slope: np.where(y > 0, dy, dy * slope),
    "elu": lambda dy, y, alpha: dy * np.where(y > 0, 1.0, y + alpha),
    "selu": lambda dy, y, _: dy * np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "celu": lambda dy, y, alpha: dy * np.where(y > 0, 1.0, 1.0 + y / alpha),
    "softplus": lambda dy, y, beta: dy * -np.expm1(-beta * y),
    "softsign": lambda dy, y, _: dy * (1.0 - np.abs(y)) ** 2,
    "hard_sigmoid": lambda dy, y, _: np.where((y > 0) & (y < 1), dy / 6.0, 0.0),
    "exponential": lambda dy, y, _: dy * y,
}


def _swish_derivative(z: Array, beta: float) -> Array:
    s = sigmoid(beta * z)
    return s * (1.0 + beta * z * (1.0 - s))


def _gelu_tanh_derivative(z: Array) -> Array:
    s = sigmoid(_gelu_tanh_argument(z))
    return s + z * s * (1.0 - s) * (2.0 * GELU_TANH_INNER * (1.0 + 3.0 * GELU_TANH_CUBIC * z * z))


def _mish_derivative(z: Array) -> Array:
    t = np.tanh(_softplus(z, 1.0))
    return t + z * sigmoid(z) * (1.0 - t * t)


# name -> dy * f', f' from z, for the kinds where y does not tell z.
_FROM_Z: dict[str, Callable[[Array, Array, float], Array]] = {
    "leaky_relu": lambda dy, z, slope: np.where(z > 0, dy, dy * slope),
    "elu": lambda dy, z, alpha: dy * np.where(z > 0, 1.0, alpha * np.exp(z)),
    "celu": lambda dy, z, alpha: dy * np.where(z > 0, 1.0, np.exp(z / alpha)),
    "swish": lambda dy, z, beta: dy * _swish_derivative(z, beta),
    "gelu": lambda dy, z, _: dy * (_normal_cdf(z) + z * _normal_pdf(z)),
    "gelu_tanh": lambda dy, z, _: dy * _gelu_tanh_derivative(z),
    "mish": lambda dy, z, _: dy * _mish_derivative(z),
    "hard_swish": lambda dy, z, _: np.where(z <= -3, 0.0, np.where(z < 3, dy * (z / 3.0 + 0.5), dy)),
}


def _resolve(kind: Kind) -> tuple[str, float]:
    if not isinstance(kind, str):
        return kind.name, kind.parameter
    name = "swish" if kind == "silu" else kind
    return name, DEFAULT_PARAMETERS.get(name, 0.0)


def forward(z: Array, kind: Kind) -> Array:
    """f(z) of a float64 z, in float64."""
    name, parameter = _resolve(kind)
    return _FORWARD[name](z, parameter)


def backward(dy: Array, y: Array, kind: Kind, z: Any) -> Array:
    """dy * f' of float64 arrays, in float64; from y wherever y tells it, even if z is given."""
    name, parameter = _resolve(kind)
    if name in _FROM_Y and not (parameter < 0 and name in _FROM_Z):
        return _FROM_Y[name](dy, y, parameter)
    return _FROM_Z[name](dy, z, parameter)


@quiet
def activation(z: Array, kind: Kind, *, out: Array | None = None) -> Array:
    """y = f(z), elementwise."""
    return down(forward(up(z), kind), z.dtype, out)


@quiet
def activation_backward(dy: Array, y: Array, kind: Kind, *, z: Array | None = None, out: Array | None = None) -> Array:
    """dz = dy * f'(z)."""
    return down(backward(up(dy), up(y), kind, None if z is None else up(z)), dy.dtype, out)


@quiet
def prelu(x: Array, slope: Array, *, out: Array | None = None) -> Array:
    """y = x where x > 0, else slope * x; one slope, or one for each column."""
    return down(np.where(x > 0, up(x), up(slope) * up(x)).reshape(x.shape), x.dtype, out)


@quiet
def prelu_backward(dy: Array, x: Array, slope: Array) -> tuple[Array, Array]:
    """dx = dy where x > 0, else slope * dy; dslope = the sum of dy * x where x <= 0."""
    dx = np.where(x > 0, up(dy), up(slope) * up(dy)).reshape(x.shape)
    terms = np.where(x > 0, 0.0, up(dy) * up(x))
    summed = None if slope.size == 1 else tuple(range(terms.ndim - 1))
    return down(dx, x.dtype), down(terms.sum(axis=summed).reshape(slope.shape), slope.dtype)
