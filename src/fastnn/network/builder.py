"""From a list of layers to a plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastnn.network.plan import Plan, Stage, Variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from fastnn.network.initializers import Initializer
    from fastnn.network.layer import Layer
    from fastnn.network.plan import Shape


# The engines count bytes in 64 bits, and NumPy takes 64 axes at most, that of the batch among them.
_MOST_NUMBERS = 1 << 56
_MOST_AXES = 60


@dataclass(frozen=True)
class Part:
    """One layer's share of a plan.

    Attributes:
        layer: the layer.
        variables: the slice of the plan's variables that are its own.
        input_shape, output_shape: of one sample.
    """

    layer: Layer
    variables: slice
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class Blueprint:
    """A plan, where its variables come from (one initializer each), and how it falls into layers."""

    plan: Plan
    initializers: tuple[Initializer, ...]
    parts: tuple[Part, ...]


def draw(layers: Sequence[Layer], input_shape: Shape, dtype: np.dtype[Any]) -> Blueprint:
    """The blueprint of the layers, one after the other, for samples of that shape.

    Raises:
        ValueError: a layer cannot take what the layer before gives (the sentence names it), or an array would be larger
            than any computer's memory.
    """
    if len(input_shape) > _MOST_AXES:
        raise ValueError(f"samples must have at most {_MOST_AXES} axes, got {len(input_shape)}")
    _require_size("a sample", input_shape)
    stages: list[Stage] = []
    variables: list[Variable] = []
    initializers: list[Initializer] = []
    parts: list[Part] = []
    shape = input_shape
    for layer in layers:
        entering, first_stage, first_variable, name = shape, len(stages), len(variables), str(layer.name)
        for operation, shape in layer.plan(entering):
            _require_size(f"the result of layer {name!r}", shape)
            stages.append(Stage(operation, shape, name))
        for made in layer.variables(entering):
            _require_size(f"the {made.suffix} of layer {name!r}", made.shape)
            stage = first_stage + made.operation
            variables.append(Variable(f"{name}/{made.suffix}", made.shape, stage, made.l1, made.l2))
            initializers.append(made.initializer)
        parts.append(Part(layer, slice(first_variable, len(variables)), entering, shape))
    plan = Plan(input_shape, tuple(stages), tuple(variables), dtype)
    return Blueprint(plan, tuple(initializers), tuple(parts))


def _require_size(what: str, shape: Shape) -> None:
    if math.prod(shape) > _MOST_NUMBERS:
        raise ValueError(f"{what} would have shape {shape}, more numbers than fit in memory")


def unique(name: str, taken: set[str]) -> str:
    """name, or name_1, name_2 ... if that is taken."""
    if name not in taken:
        return name
    number = 1
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
