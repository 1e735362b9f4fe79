"""The numbers of the activations, and the constants of their formulas, for the backends that Numba compiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import activations

if TYPE_CHECKING:
    from fastnn.activations import Kind

(
    IDENTITY,
    STEP,
    SIGN,
    SIGMOID,
    TANH,
    RELU,
    RELU6,
    LEAKY_RELU,
    ELU,
    SELU,
    CELU,
    SOFTPLUS,
    SOFTSIGN,
    SWISH,
    GELU,
    GELU_TANH,
    MISH,
    HARD_SIGMOID,
    HARD_SWISH,
    EXPONENTIAL,
) = range(len(activations.NAMES))

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
GELU_TANH_INNER = 0.79788456080286535588  # sqrt(2 / pi)
GELU_TANH_CUBIC = 0.044715
NORMAL_PEAK = 0.39894228040143267794  # 1 / sqrt(2 pi)

_DEFAULTS = {"leaky_relu": 0.01, "elu": 1.0, "celu": 1.0, "softplus": 1.0, "swish": 1.0}


def number_of(kind: str | Kind) -> tuple[int, float]:
    """The number of a kind, and its parameter (0 for a kind that has none)."""
    if isinstance(kind, str):
        name = activations.ALIASES.get(kind, kind)
        return activations.NAMES.index(name), _DEFAULTS.get(name, 0.0)
    return activations.NAMES.index(kind.name), float(kind.parameter)
