"""The closed contract: every operation has the same name, parameters and defaults in every backend."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from cases import CASES, KINDS, LOSSES, PARAMETERS

import fastnn
from fastnn import _fastnn, activations, backends, functional

CLASS = "axis=-1, weight=None, ignore_index=-100, label_smoothing=0.0, reduction='mean'"
WEIGHTED = "sample_weight=None, reduction='mean'"
RRELU = "lower=0.125, upper=0.3333333333333333, *, training=False, seed=0, counter=0, out=None"
CONTRACT = {
    "dense": "x, w, b=None, activation='identity', *, out=None, z_out=None",
    "dense_backward": "dy, x, w, y, activation='identity', *, z=None, need_dx=True, dx_out=None, dw_out=None, "
    "db_out=None",
    "activation": "z, kind, *, out=None",
    "activation_backward": "dy, y, kind, *, z=None, out=None",
    "prelu": "x, slope, *, out=None",
    "prelu_backward": "dy, x, slope",
    "rrelu": f"x, {RRELU}",
    "rrelu_backward": f"dy, x, {RRELU}",
    "dropout": "x, p, *, seed, counter, out=None",
    "dropout_backward": "dy, p, *, seed, counter, out=None",
    "softmax": "x, axis=-1, *, out=None",
    "softmax_backward": "dy, y, axis=-1, *, out=None",
    "log_softmax": "x, axis=-1, *, out=None",
    "log_softmax_backward": "dy, y, axis=-1, *, out=None",
    "logsumexp": "x, axis=-1, keepdims=False",
    "cross_entropy": f"logits, targets, *, {CLASS}",
    "cross_entropy_with_grad": f"logits, targets, *, {CLASS}, dloss=1.0, out=None",
    "categorical_cross_entropy": f"p, targets, *, {CLASS.replace('ignore_index=-100, ', '')}",
    "categorical_cross_entropy_with_grad": f"p, targets, *, {CLASS.replace('ignore_index=-100, ', '')}, dloss=1.0, "
    "out=None",
    "sgd_step": "p, g, velocity=None, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0",
    "adam_step": "p, g, m, v, *, step, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.0, decoupled=False",
    "rmsprop_step": "p, g, v, momentum_buffer=None, *, lr, alpha=0.99, eps=1e-08, momentum=0.0, weight_decay=0.0",
    "adagrad_step": "p, g, s, *, lr, eps=1e-10, weight_decay=0.0",
    "global_norm": "arrays",
}
for _name in LOSSES:
    _delta = "delta=1.0, " if _name == "huber" else ""
    CONTRACT[_name] = f"y, targets, *, {_delta}{WEIGHTED}"
    CONTRACT[f"{_name}_with_grad"] = f"y, targets, *, {_delta}{WEIGHTED}, dloss=1.0, out=None"


def signature(function: Any) -> str:
    """The parameters without their annotations."""
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]
    return str(inspect.Signature(bare))[1:-1]


def with_backend(parameters: str) -> str:
    """The public function's: the contract's and backend=None."""
    return f"{parameters}, backend=None" if "*" in parameters else f"{parameters}, *, backend=None"


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("module", fastnn.available_backends())
def test_backend_has_the_contracts_signature(module: str, name: str) -> None:
    assert signature(getattr(backends.load(module), name)) == CONTRACT[name]


@pytest.mark.parametrize("name", CONTRACT)
def test_public_function_adds_backend_and_nothing_else(name: str) -> None:
    assert signature(getattr(fastnn, name)) == with_backend(CONTRACT[name])


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_a_function(name: str) -> None:
    parameter, _ = PARAMETERS.get(name, ("", ()))
    default = 0.01 if name == "leaky_relu" else 1.0
    middle = f", {parameter}={default}" if parameter else ""
    assert signature(getattr(fastnn, name)) == f"z{middle}, *, out=None, backend=None"


def test_no_operation_is_missing_or_extra() -> None:
    public = {*CONTRACT, *KINDS, "PackedDense"}
    assert set(functional.__all__) == public
    assert public <= set(fastnn.__all__)
    for name in fastnn.available_backends():
        assert set(backends.load(name).__all__) == {*CONTRACT, "PackedDense"}
    assert {*KINDS} == {*activations.NAMES, *activations.ALIASES}


def test_every_operation_has_a_good_call() -> None:
    assert {*CASES} == {*CONTRACT, *KINDS} - {"global_norm"}


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("prefix", ["", "native_"])
def test_binding_takes_the_same_names_by_position(prefix: str, name: str) -> None:
    parameters = inspect.signature(getattr(_fastnn, prefix + name)).parameters
    assert list(parameters) == list(inspect.signature(getattr(backends.load("native"), name)).parameters)
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.POSITIONAL_ONLY}


def test_packed_dense() -> None:
    for name in fastnn.available_backends():
        packed = backends.load(name).PackedDense
        assert signature(packed.__init__) == "w, b=None, activation='identity'"
        assert signature(packed.__call__) == "x, out=None"
    assert signature(fastnn.PackedDense.__init__) == "w, b=None, activation='identity', *, backend=None"
    assert signature(fastnn.PackedDense.__call__) == "x, out=None"


@pytest.mark.parametrize("name", sorted(fastnn.__all__))
def test_every_public_name_has_a_docstring(name: str) -> None:
    if name not in ("__version__", "SiLU"):
        assert (getattr(fastnn, name).__doc__ or "").strip()
