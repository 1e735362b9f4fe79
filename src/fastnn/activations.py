"""The kinds of activation: their names, and an object for each kind that carries a parameter."""

from __future__ import annotations

import math
from typing import Any, ClassVar, NoReturn

from fastnn import arguments

# In the order of the enum Kind of the C++ core.
NAMES = (
    "identity",
    "step",
    "sign",
    "sigmoid",
    "tanh",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "softplus",
    "softsign",
    "swish",
    "gelu",
    "gelu_tanh",
    "mish",
    "hard_sigmoid",
    "hard_swish",
    "exponential",
)
ALIASES = {"silu": "swish"}

# Not monotonic, so that two z can share one y: the derivative has to be had from z.
_NEED_Z = frozenset({"swish", "gelu", "gelu_tanh", "mish", "hard_swish"})
_NEED_Z_BELOW_ZERO = frozenset({"leaky_relu", "elu", "celu"})


class Kind:
    """An activation with its parameter: frozen, hashable, and its repr makes it again."""

    __slots__ = ("parameter",)

    name: ClassVar[str]
    parameter_name: ClassVar[str]
    parameter: float

    def __init__(self, parameter: float) -> None:
        object.__setattr__(self, "parameter", self._checked(arguments.real(parameter, self.parameter_name)))

    @classmethod
    def _checked(cls, parameter: float) -> float:
        if not math.isfinite(parameter):
            raise ValueError(f"{cls.parameter_name} must be finite, got {parameter!r}")
        return parameter

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen; make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __reduce__(self) -> tuple[type[Kind], tuple[float]]:
        return type(self), (self.parameter,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Kind):
            return NotImplemented
        return self.name == other.name and self.parameter == other.parameter

    def __hash__(self) -> int:
        return hash((self.name, self.parameter))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.parameter!r})"


class LeakyReLU(Kind):
    """z where z > 0, else negative_slope * z."""

    __slots__ = ()
    name = "leaky_relu"
    parameter_name = "negative_slope"

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__(negative_slope)


class ELU(Kind):
    """z where z > 0, else alpha * (exp(z) - 1)."""

    __slots__ = ()
    name = "elu"
    parameter_name = "alpha"

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha)


class CELU(Kind):
    """z where z > 0, else alpha * (exp(z / alpha) - 1); alpha may not be 0."""

    __slots__ = ()
    name = "celu"
    parameter_name = "alpha"

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha)

    @classmethod
    def _checked(cls, parameter: float) -> float:
        if parameter == 0.0:
            raise ValueError("alpha must not be 0 for celu, which divides by it")
        return super()._checked(parameter)


class Softplus(Kind):
    """log(1 + exp(beta * z)) / beta; beta must be positive."""

    __slots__ = ()
    name = "softplus"
    parameter_name = "beta"

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__(beta)

    @classmethod
    def _checked(cls, parameter: float) -> float:
        if parameter <= 0.0:
            raise ValueError(f"beta must be > 0 for softplus, got {parameter!r}")
        return super()._checked(parameter)


class Swish(Kind):
    """z * sigmoid(beta * z); also called SiLU when beta is 1."""

    __slots__ = ()
    name = "swish"
    parameter_name = "beta"

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__(beta)


SiLU = Swish


def resolve(activation: object, name: str = "activation") -> str | Kind:
    """A kind as the backends take it: a name among NAMES, or a Kind. Raises ValueError for an unknown name."""
    if isinstance(activation, Kind):
        return activation
    if not isinstance(activation, str):
        shown = "None" if activation is None else f"a {type(activation).__name__}"
        raise TypeError(f'{name} must be a name such as "relu" or an object such as LeakyReLU(0.1), got {shown}')
    kind = ALIASES.get(activation, str(activation))
    if kind not in NAMES:
        raise arguments.unknown("activation", activation, (*NAMES, *ALIASES))
    return kind


def needs_z(kind: str | Kind) -> bool:
    """Whether the derivative needs z, because it cannot be had from y = f(z)."""
    if isinstance(kind, str):
        return kind in _NEED_Z
    return kind.name in _NEED_Z or (kind.name in _NEED_Z_BELOW_ZERO and kind.parameter < 0.0)
