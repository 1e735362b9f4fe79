"""One good call of every public operation, described so that tests can spoil or vary its arguments one by one.

A shape is a word of letters: B batch, I inputs, O outputs, C classes, and 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import fastnn

SIZES = {"B": 4, "I": 6, "O": 3, "C": 5, "1": 1}


@dataclass(frozen=True)
class Case:
    """inputs, states (written in place) and outputs: name -> shape; alias: output -> the input it may be."""

    inputs: dict[str, str]
    optional: frozenset[str] = frozenset()
    outputs: dict[str, str] = field(default_factory=dict)
    alias: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, tuple[float, ...]] = field(default_factory=dict)  # name -> values out of range
    integers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    has_axis: bool = False
    has_kind: str = ""
    has_reduction: bool = False
    has_classes: bool = False

    def arguments(
        self, rng: np.random.Generator, dtype: Any = np.float32, sizes: dict[str, int] = SIZES
    ) -> dict[str, Any]:
        """The inputs, states and options of a good call; all numbers are between 0 and 1, so that they suit any."""
        arrays: dict[str, Any] = {}
        for name, letters in {**self.states, **self.inputs}.items():
            shape = shape_of(letters, sizes)
            if self.has_classes and name == "targets":
                arrays[name] = rng.integers(0, sizes["C"], shape)
            else:
                arrays[name] = rng.uniform(0.05, 0.95, shape).astype(dtype)
        return {**arrays, **self.options}

    def output(self, name: str, dtype: Any = np.float32, sizes: dict[str, int] = SIZES) -> Any:
        """An array that fits an output."""
        return np.full(shape_of(self.outputs[name], sizes), 7.0, dtype)


def shape_of(letters: str, sizes: dict[str, int] = SIZES) -> tuple[int, ...]:
    return tuple(sizes[letter] for letter in letters)


def call(name: str, arguments: dict[str, Any]) -> Any:
    """Calls a public operation; all its parameters but these can be given by name."""
    return getattr(fastnn, name)(**arguments)


NAN, BELOW = float("nan"), (-0.5, float("nan"))
OUTSIDE = (-0.5, 1.5, NAN)
WORDS = (-1, 2**64)
KINDS = [
    *("identity", "step", "sign", "sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "selu", "celu"),
    *("softplus", "softsign", "swish", "silu", "gelu", "gelu_tanh", "mish", "hard_sigmoid", "hard_swish"),
    "exponential",
]
# name -> (parameter, values out of its range)
PARAMETERS = {
    "leaky_relu": ("negative_slope", (NAN,)),
    "elu": ("alpha", (NAN,)),
    "celu": ("alpha", (NAN, 0.0)),
    "softplus": ("beta", (NAN, 0.0, -1.0)),
    "swish": ("beta", (NAN,)),
}
LOSSES = [
    *("mse", "mae", "huber", "sum_squared_error", "poisson", "hinge", "binary_cross_entropy"),
    "binary_cross_entropy_with_logits",
]

CASES: dict[str, Case] = {
    "dense": Case(
        {"x": "BI", "w": "IO", "b": "O"},
        optional=frozenset("b"),
        outputs={"out": "BO", "z_out": "BO"},
        options={"activation": "relu"},
        has_kind="activation",
    ),
    "dense_backward": Case(
        {"dy": "BO", "x": "BI", "w": "IO", "y": "BO", "z": "BO"},
        optional=frozenset("z"),
        outputs={"dx_out": "BI", "dw_out": "IO", "db_out": "O"},
        options={"activation": "gelu"},
        has_kind="activation",
        flags=("need_dx",),
    ),
    "activation": Case(
        {"z": "BI"}, outputs={"out": "BI"}, alias={"out": "z"}, options={"kind": "tanh"}, has_kind="kind"
    ),
    "activation_backward": Case(
        {"dy": "BI", "y": "BI", "z": "BI"},
        optional=frozenset("z"),
        outputs={"out": "BI"},
        alias={"out": "dy"},
        options={"kind": "mish"},
        has_kind="kind",
    ),
    "prelu": Case({"x": "BI", "slope": "I"}, outputs={"out": "BI"}, alias={"out": "x"}),
    "prelu_backward": Case({"dy": "BI", "x": "BI", "slope": "I"}),
    "rrelu": Case(
        {"x": "BI"},
        outputs={"out": "BI"},
        alias={"out": "x"},
        options={"training": True, "seed": 1, "counter": 2},
        numbers={"lower": (0.9, NAN), "upper": (0.01, NAN)},
        integers={"seed": WORDS, "counter": WORDS},
        flags=("training",),
    ),
    "rrelu_backward": Case(
        {"dy": "BI", "x": "BI"},
        outputs={"out": "BI"},
        alias={"out": "dy"},
        options={"training": True, "seed": 1, "counter": 2},
        numbers={"lower": (0.9, NAN), "upper": (0.01, NAN)},
        integers={"seed": WORDS, "counter": WORDS},
        flags=("training",),
    ),
    "softmax": Case({"x": "BC"}, outputs={"out": "BC"}, alias={"out": "x"}, has_axis=True),
    "softmax_backward": Case({"dy": "BC", "y": "BC"}, outputs={"out": "BC"}, alias={"out": "dy"}, has_axis=True),
    "log_softmax": Case({"x": "BC"}, outputs={"out": "BC"}, alias={"out": "x"}, has_axis=True),
    "log_softmax_backward": Case({"dy": "BC", "y": "BC"}, outputs={"out": "BC"}, alias={"out": "dy"}, has_axis=True),
    "logsumexp": Case({"x": "BC"}, has_axis=True, flags=("keepdims",)),
    "sgd_step": Case(
        {"g": "BI"},
        states={"p": "BI", "velocity": "BI"},
        optional=frozenset({"velocity"}),
        options={"lr": 0.1, "momentum": 0.9, "nesterov": True},
        numbers={"lr": BELOW, "momentum": BELOW, "weight_decay": BELOW},
        flags=("nesterov",),
    ),
    "adam_step": Case(
        {"g": "BI"},
        states={"p": "BI", "m": "BI", "v": "BI"},
        options={"step": 3},
        numbers={"lr": BELOW, "beta1": (*OUTSIDE, 1.0), "beta2": (*OUTSIDE, 1.0), "eps": BELOW, "weight_decay": BELOW},
        integers={"step": (0, -1)},
        flags=("decoupled",),
    ),
    "rmsprop_step": Case(
        {"g": "BI"},
        states={"p": "BI", "v": "BI", "momentum_buffer": "BI"},
        optional=frozenset({"momentum_buffer"}),
        options={"lr": 0.1, "momentum": 0.9},
        numbers={"lr": BELOW, "alpha": OUTSIDE, "eps": BELOW, "momentum": BELOW, "weight_decay": BELOW},
    ),
    "adagrad_step": Case(
        {"g": "BI"},
        states={"p": "BI", "s": "BI"},
        options={"lr": 0.1},
        numbers={"lr": BELOW, "eps": BELOW, "weight_decay": BELOW},
    ),
}
for _name, _first in (("dropout", "x"), ("dropout_backward", "dy")):
    CASES[_name] = Case(
        {_first: "BI"},
        outputs={"out": "BI"},
        alias={"out": _first},
        options={"p": 0.3, "seed": 5, "counter": 2**40},
        numbers={"p": OUTSIDE},
        integers={"seed": WORDS, "counter": WORDS},
    )
for _name in KINDS:
    _parameter, _values = PARAMETERS.get(_name, ("", ()))
    CASES[_name] = Case(
        {"z": "BI"}, outputs={"out": "BI"}, alias={"out": "z"}, numbers={_parameter: _values} if _parameter else {}
    )
for _name, _first in (("cross_entropy", "logits"), ("categorical_cross_entropy", "p")):
    for _suffix, _outputs in (("", {}), ("_with_grad", {"out": "BC"})):
        CASES[_name + _suffix] = Case(
            {_first: "BC", "targets": "B", "weight": "C"},
            optional=frozenset({"weight"}),
            outputs=_outputs,
            alias={"out": _first} if _outputs else {},
            numbers={"label_smoothing": OUTSIDE},
            has_axis=True,
            has_reduction=True,
            has_classes=True,
        )
for _name in LOSSES:
    for _suffix, _outputs in (("", {}), ("_with_grad", {"out": "BO"})):
        CASES[_name + _suffix] = Case(
            {"y": "BO", "targets": "BO", "sample_weight": "B"},
            optional=frozenset({"sample_weight"}),
            outputs=_outputs,
            alias={"out": "y"} if _outputs else {},
            numbers={"delta": (-1.0, 0.0, NAN)} if _name == "huber" else {},
            has_reduction=True,
        )
