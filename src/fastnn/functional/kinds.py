"""The kinds of activation as functions: NAME(z) is activation(z, NAME), its arguments and its errors the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn, activations
from fastnn.functional.activation import activation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastnn.arrays import Array


def identity(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z itself."""
    if backend is None:
        y: Array = _fastnn.activation(z, "identity", out)
        if y is not NotImplemented:
            return y
    return activation(z, "identity", out=out, backend=backend)


def step(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """0 where z <= 0, else 1. Its derivative is 0 everywhere."""
    if backend is None:
        y: Array = _fastnn.activation(z, "step", out)
        if y is not NotImplemented:
            return y
    return activation(z, "step", out=out, backend=backend)


def sign(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """-1, 0 or 1, the sign of z. Its derivative is 0 everywhere."""
    if backend is None:
        y: Array = _fastnn.activation(z, "sign", out)
        if y is not NotImplemented:
            return y
    return activation(z, "sign", out=out, backend=backend)


def sigmoid(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """1 / (1 + exp(-z))."""
    if backend is None:
        y: Array = _fastnn.activation(z, "sigmoid", out)
        if y is not NotImplemented:
            return y
    return activation(z, "sigmoid", out=out, backend=backend)


def tanh(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """The hyperbolic tangent."""
    if backend is None:
        y: Array = _fastnn.activation(z, "tanh", out)
        if y is not NotImplemented:
            return y
    return activation(z, "tanh", out=out, backend=backend)


def relu(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """max(z, 0)."""
    if backend is None:
        y: Array = _fastnn.activation(z, "relu", out)
        if y is not NotImplemented:
            return y
    return activation(z, "relu", out=out, backend=backend)


def relu6(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """min(max(z, 0), 6)."""
    if backend is None:
        y: Array = _fastnn.activation(z, "relu6", out)
        if y is not NotImplemented:
            return y
    return activation(z, "relu6", out=out, backend=backend)


def leaky_relu(
    z: ArrayLike, negative_slope: float = 0.01, *, out: Array | None = None, backend: str | None = None
) -> Array:
    """z where z > 0, else negative_slope * z."""
    return activation(z, activations.LeakyReLU(negative_slope), out=out, backend=backend)


def elu(z: ArrayLike, alpha: float = 1.0, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z where z > 0, else alpha * (exp(z) - 1); Clevert et al. 2015, arXiv:1511.07289."""
    return activation(z, activations.ELU(alpha), out=out, backend=backend)


def selu(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """elu with alpha = 1.6733 (rounded), times 1.0507 (rounded); Klambauer et al. 2017, arXiv:1706.02515."""
    if backend is None:
        y: Array = _fastnn.activation(z, "selu", out)
        if y is not NotImplemented:
            return y
    return activation(z, "selu", out=out, backend=backend)


def celu(z: ArrayLike, alpha: float = 1.0, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z where z > 0, else alpha * (exp(z / alpha) - 1); Barron 2017, arXiv:1704.07483. alpha may not be 0."""
    return activation(z, activations.CELU(alpha), out=out, backend=backend)


def softplus(z: ArrayLike, beta: float = 1.0, *, out: Array | None = None, backend: str | None = None) -> Array:
    """log(1 + exp(beta * z)) / beta, without overflow. beta must be positive."""
    return activation(z, activations.Softplus(beta), out=out, backend=backend)


def softsign(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z / (1 + abs(z))."""
    if backend is None:
        y: Array = _fastnn.activation(z, "softsign", out)
        if y is not NotImplemented:
            return y
    return activation(z, "softsign", out=out, backend=backend)


def swish(z: ArrayLike, beta: float = 1.0, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z * sigmoid(beta * z); Ramachandran et al. 2017, arXiv:1710.05941."""
    return activation(z, activations.Swish(beta), out=out, backend=backend)


def silu(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z * sigmoid(z): swish with beta = 1."""
    if backend is None:
        y: Array = _fastnn.activation(z, "swish", out)
        if y is not NotImplemented:
            return y
    return activation(z, "swish", out=out, backend=backend)


def gelu(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z * Phi(z), with Phi the normal distribution's by erf; Hendrycks and Gimpel 2016, arXiv:1606.08415."""
    if backend is None:
        y: Array = _fastnn.activation(z, "gelu", out)
        if y is not NotImplemented:
            return y
    return activation(z, "gelu", out=out, backend=backend)


def gelu_tanh(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """gelu's approximation 0.5 * z * (1 + tanh(sqrt(2 / pi) * (z + 0.044715 * z**3))), arXiv:1606.08415."""
    if backend is None:
        y: Array = _fastnn.activation(z, "gelu_tanh", out)
        if y is not NotImplemented:
            return y
    return activation(z, "gelu_tanh", out=out, backend=backend)


def mish(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z * tanh(softplus(z)); Misra 2019, arXiv:1908.08681."""
    if backend is None:
        y: Array = _fastnn.activation(z, "mish", out)
        if y is not NotImplemented:
            return y
    return activation(z, "mish", out=out, backend=backend)


def hard_sigmoid(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """relu6(z + 3) / 6."""
    if backend is None:
        y: Array = _fastnn.activation(z, "hard_sigmoid", out)
        if y is not NotImplemented:
            return y
    return activation(z, "hard_sigmoid", out=out, backend=backend)


def hard_swish(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """z * relu6(z + 3) / 6; Howard et al. 2019, arXiv:1905.02244."""
    if backend is None:
        y: Array = _fastnn.activation(z, "hard_swish", out)
        if y is not NotImplemented:
            return y
    return activation(z, "hard_swish", out=out, backend=backend)


def exponential(z: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """exp(z)."""
    if backend is None:
        y: Array = _fastnn.activation(z, "exponential", out)
        if y is not NotImplemented:
            return y
    return activation(z, "exponential", out=out, backend=backend)
