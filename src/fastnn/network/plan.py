"""A finished description of a network: what an engine has to compute, and in which order.

A Sequential model is turned into a Plan once its input shape is known. Nothing in it changes afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from fastnn.activations import Kind

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Dense:
    """y = f(x @ kernel + bias) over the last axis."""

    units: int
    kind: str | Kind
    use_bias: bool


@dataclass(frozen=True)
class Activation:
    """y = f(x), elementwise, without parameters to learn."""

    kind: str | Kind


@dataclass(frozen=True)
class PReLU:
    """y = x where x > 0, else slope * x; one slope for all (shared) or one for each feature of the last axis."""

    shared: bool


@dataclass(frozen=True)
class Dropout:
    """In training 0 with probability rate, else x / (1 - rate); otherwise x."""

    rate: float


@dataclass(frozen=True)
class Softmax:
    """Softmax over the last axis."""


@dataclass(frozen=True)
class Rescaling:
    """y = x * scale + offset, each operation rounded to the network's dtype."""

    scale: float
    offset: float


@dataclass(frozen=True)
class Reshape:
    """The same numbers in another shape: Flatten."""


Operation: TypeAlias = Dense | Activation | PReLU | Dropout | Softmax | Rescaling | Reshape


@dataclass(frozen=True)
class Stage:
    """One operation in its place.

    Attributes:
        operation: what is computed.
        shape: the shape of one sample's result, without the batch axis.
        layer: the name of the layer it comes from.
    """

    operation: Operation
    shape: Shape
    layer: str


@dataclass(frozen=True)
class Variable:
    """An array to be learnt.

    Attributes:
        name: such as "dense/kernel".
        shape: of the array.
        stage: index of the stage that uses it.
        l1, l2: factors of the penalties l1 * sum(abs(w)) + l2 * sum(w**2) that are added to the loss.
    """

    name: str
    shape: Shape
    stage: int
    l1: float = 0.0
    l2: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A network.

    Attributes:
        input_shape: the shape of one sample, without the batch axis.
        stages: in the order of computation.
        variables: in Keras's order: stage by stage, a kernel before its bias.
        dtype: float32 or float64, of weights and activations.
    """

    input_shape: Shape
    stages: tuple[Stage, ...]
    variables: tuple[Variable, ...]
    dtype: np.dtype[Any]

    @property
    def output_shape(self) -> Shape:
        """The shape of one sample's result."""
        return self.stages[-1].shape if self.stages else self.input_shape

    @property
    def features(self) -> int:
        """The numbers in one sample."""
        return math.prod(self.input_shape)

    @property
    def outputs(self) -> int:
        """The numbers in one sample's result."""
        return math.prod(self.output_shape)

    def before(self, stage: int) -> Shape:
        """The shape of one sample where it enters a stage."""
        return self.stages[stage - 1].shape if stage else self.input_shape

    @property
    def first_trainable(self) -> int:
        """The first stage with variables: no gradient is needed with respect to what enters it."""
        return min((v.stage for v in self.variables), default=len(self.stages))
