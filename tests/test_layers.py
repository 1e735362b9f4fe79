"""Layers: the operations and variables they stand for, their configs, their weights once bound, and their errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.network import activation_names, initializers, layers, plan, regularizers

# layer, shape of a sample, operations, shape of a sample's result
PLANS: list[tuple[layers.Layer, tuple[int, ...], list[plan.Operation], tuple[int, ...]]] = [
    (layers.InputLayer((4,)), (4,), [], (4,)),
    (layers.Input(shape=(28, 28)), (28, 28), [], (28, 28)),
    (layers.Dense(3), (4,), [plan.Dense(3, "identity", True)], (3,)),
    (layers.Dense(3, "relu", use_bias=False), (4,), [plan.Dense(3, "relu", False)], (3,)),
    (layers.Dense(3, "softmax"), (4,), [plan.Dense(3, "identity", True), plan.Softmax()], (3,)),
    (layers.Dense(1, "sigmoid"), (5, 4), [plan.Dense(1, "sigmoid", True)], (5, 1)),
    (layers.Dense(2, layers.LeakyReLU(0.5)), (4,), [plan.Dense(2, fastnn.LeakyReLU(0.5), True)], (2,)),
    (layers.Activation("tanh"), (2, 3), [plan.Activation("tanh")], (2, 3)),
    (layers.Activation("softmax"), (3,), [plan.Softmax()], (3,)),
    (layers.Activation("relu"), (), [plan.Activation("relu")], ()),
    (layers.ReLU(), (3,), [plan.Activation("relu")], (3,)),
    (layers.ReLU(6), (3,), [plan.Activation("relu6")], (3,)),
    (layers.ReLU(negative_slope=0.1), (3,), [plan.Activation(fastnn.LeakyReLU(0.1))], (3,)),
    (layers.LeakyReLU(), (3,), [plan.Activation(fastnn.LeakyReLU(0.3))], (3,)),
    (layers.ELU(), (3,), [plan.Activation(fastnn.ELU(1.0))], (3,)),
    (layers.ELU(0.5), (3,), [plan.Activation(fastnn.ELU(0.5))], (3,)),
    (layers.PReLU(), (3,), [plan.PReLU(False)], (3,)),
    (layers.PReLU(), (1,), [plan.PReLU(False)], (1,)),
    (layers.PReLU(shared_axes=1), (3,), [plan.PReLU(True)], (3,)),
    (layers.PReLU(shared_axes=[1]), (5, 3), [plan.PReLU(False)], (5, 3)),
    (layers.PReLU(shared_axes=(2, 1)), (5, 3), [plan.PReLU(True)], (5, 3)),
    (layers.Softmax(), (3,), [plan.Softmax()], (3,)),
    (layers.Softmax(axis=2), (5, 3), [plan.Softmax()], (5, 3)),
    (layers.Dropout(0.2), (3,), [plan.Dropout(0.2)], (3,)),
    (layers.Dropout(1), (3,), [plan.Dropout(1.0)], (3,)),
    (layers.Flatten(), (28, 28), [plan.Reshape()], (784,)),
    (layers.Flatten(), (), [plan.Reshape()], (1,)),
    (layers.Flatten(), (7,), [plan.Reshape()], (7,)),
    (layers.Rescaling(1 / 255), (3,), [plan.Rescaling(1 / 255, 0.0)], (3,)),
    (layers.Rescaling(2, offset=-1), (3,), [plan.Rescaling(2.0, -1.0)], (3,)),
]


@pytest.mark.parametrize(("layer", "shape", "operations", "result"), PLANS)
def test_plans(layer, shape, operations, result):
    made = layer.plan(shape)
    assert [operation for operation, _ in made] == operations
    assert (made[-1][1] if made else shape) == result


@pytest.mark.parametrize(("layer", "shape", "operations", "result"), PLANS)
def test_every_layer_is_made_again_from_its_config(layer, shape, operations, result):
    layer.name = "mine"
    config = json.loads(json.dumps(layer.get_config()))
    again = layers.from_config(type(layer).__name__, config)
    layer.name = None
    assert again.name == "mine"
    assert again.declared_shape == layer.declared_shape
    assert [operation for operation, _ in again.plan(shape)] == operations
    assert again.get_config() == {**layer.get_config(), "name": "mine"}
    again.name = None
    assert [v[:2] for v in again.variables(shape)] == [v[:2] for v in layer.variables(shape)]


def test_every_class_is_tested():
    assert {type(layer) for layer, *_ in PLANS} == set(layers.CLASSES.values())


def test_variables_of_dense():
    layer = layers.Dense(3, "softmax", kernel_initializer="he_normal", kernel_regularizer="l2")
    kernel, bias = layer.variables((5, 4))
    assert kernel[:2] == ("kernel", (4, 3))
    assert kernel[3:] == (0.0, 0.01, 0)
    assert isinstance(kernel.initializer, initializers.HeNormal)
    assert bias[:2] == ("bias", (3,))
    assert bias[3:] == (0.0, 0.0, 0)
    assert isinstance(bias.initializer, initializers.Zeros)
    assert isinstance(layers.Dense(1).variables((1,))[0].initializer, initializers.GlorotUniform)
    layer = layers.Dense(3, use_bias=False, kernel_regularizer=regularizers.L1L2(0.1, 0.2))
    (kernel,) = layer.variables((4,))
    assert kernel[3:] == (0.1, 0.2, 0)
    again = layers.from_config("Dense", json.loads(json.dumps(layer.get_config())))
    assert again.variables((4,))[0][3:] == (0.1, 0.2, 0)
    (_, bias) = layers.Dense(3, bias_regularizer="l1", bias_initializer="ones").variables((4,))
    assert bias[3:] == (0.01, 0.0, 0)
    assert isinstance(bias.initializer, initializers.Ones)


def test_variables_of_prelu():
    (alpha,) = layers.PReLU(alpha_regularizer="l1").variables((4,))
    assert (*alpha[:2], *alpha[3:]) == ("alpha", (4,), 0.01, 0.0, 0)
    assert layers.PReLU(shared_axes=[1]).variables((4,))[0].shape == (1,)
    assert layers.PReLU(shared_axes=[1]).variables((5, 4))[0].shape == (4,)
    assert layers.PReLU(shared_axes=[1, 2]).variables((5, 4))[0].shape == (1,)
    assert layers.Dropout(0.5).variables((4,)) == []


@pytest.mark.parametrize(
    ("activation", "kind"),
    [
        (None, "identity"),
        ("linear", "identity"),
        ("identity", "identity"),
        ("silu", "swish"),
        ("swish", "swish"),
        ("hard_silu", "hard_swish"),
        ("leaky_relu", fastnn.LeakyReLU(0.2)),
        (fastnn.LeakyReLU(0.1), fastnn.LeakyReLU(0.1)),
        (fastnn.Swish(2.0), fastnn.Swish(2.0)),
        (fastnn.relu, "relu"),
        (fastnn.silu, "swish"),
        (fastnn.leaky_relu, fastnn.LeakyReLU(0.01)),
        (fastnn.softmax, "softmax"),
        ("softmax", "softmax"),
    ],
)
def test_activation_names(activation, kind):
    assert activation_names.resolve(activation) == kind
    saved = json.loads(json.dumps(activation_names.save(kind)))
    assert activation_names.resolve(saved) == kind


@pytest.mark.parametrize("name", activation_names.NAMES)
def test_every_activation_can_be_named_and_saved(name):
    kind = activation_names.resolve(name)
    assert activation_names.resolve(activation_names.save(kind)) == kind
    if name not in ("softmax", "leaky_relu"):
        assert activation_names.resolve(getattr(fastnn, name, name)) == kind
        z = np.linspace(-2, 2, 5)
        assert fastnn.activation(z, kind).shape == (5,)


@pytest.mark.parametrize(
    "make",
    [
        lambda **more: layers.Dense(3, **more),
        lambda **more: layers.Activation("relu", **more),
        lambda **more: layers.PReLU(**more),
        lambda **more: layers.Flatten(**more),
        lambda **more: layers.Dropout(0.1, **more),
        lambda **more: layers.Softmax(**more),
        lambda **more: layers.Rescaling(2.0, **more),
        lambda **more: layers.ReLU(**more),
        lambda **more: layers.LeakyReLU(**more),
        lambda **more: layers.ELU(**more),
        lambda **more: layers.InputLayer(**more),
    ],
)
def test_every_layer_takes_a_name_and_a_shape(make):
    layer = make(name="first", input_shape=[4])
    assert layer.name == "first"
    assert layer.declared_shape == (4,)
    assert layer.input_shape == (None, 4)
    assert layer.output_shape is None
    layer.plan((4,))
    with pytest.raises(
        ValueError, match=r"layer 'first' \(\w+\) was declared to take the shape \(4,\), but gets \(5,\)"
    ):
        layer.plan((5,))


def test_input_dim():
    assert layers.Dense(3, input_dim=4).declared_shape == (4,)
    with pytest.raises(ValueError, match="must not both be given"):
        layers.Dense(3, input_dim=4, input_shape=(4,))


class Store:
    """Stands for a model: holds the arrays of one layer."""

    def __init__(self, layer: layers.Layer, shape: tuple[int, ...]) -> None:
        self.arrays = [np.zeros(v.shape, np.float32) for v in layer.variables(shape)]
        made = layer.plan(shape)
        layer.bind(self.read, self.write, shape, made[-1][1] if made else shape)

    def read(self) -> list[np.ndarray]:
        return [array.copy() for array in self.arrays]

    def write(self, arrays: list[np.ndarray]) -> None:
        assert [(a.shape, a.dtype) for a in arrays] == [(a.shape, a.dtype) for a in self.arrays]
        self.arrays = [array.copy() for array in arrays]


def test_weights_of_a_bound_layer():
    layer = layers.Dense(3, "softmax", name="out")
    assert layer.get_weights() == []
    assert not layer.built
    assert not hasattr(layer, "kernel")
    store = Store(layer, (4,))
    assert layer.built
    assert (layer.input_shape, layer.output_shape, layer.count_params()) == ((None, 4), (None, 3), 15)
    kernel = np.arange(12.0).reshape(4, 3)
    layer.set_weights([kernel, [1, 2, 3]])
    np.testing.assert_array_equal(layer.kernel, kernel)
    np.testing.assert_array_equal(layer.bias, [1, 2, 3])
    layer.kernel[...] = 7
    np.testing.assert_array_equal(store.arrays[0], kernel)
    for weights, words in (
        ([kernel], " must be 2 arrays, got 1"),
        ([kernel.T, [1, 2, 3]], r"\[0\] must have shape \(4, 3\), got \(3, 4\)"),
    ):
        with pytest.raises(ValueError, match="layer 'out': weights" + words):
            layer.set_weights(weights)
    with pytest.raises(TypeError, match=r"weights\[1\]"):
        layer.set_weights([kernel, ["a", "b", "c"]])
    np.testing.assert_array_equal(layer.kernel, kernel)


def test_weights_without_a_bias_and_of_prelu():
    layer = layers.Dense(3, use_bias=False)
    Store(layer, (4,))
    assert layer.bias is None
    assert layer.count_params() == 12
    prelu = layers.PReLU()
    Store(prelu, (4,))
    prelu.set_weights([np.full(4, 0.5)])
    np.testing.assert_array_equal(prelu.alpha, np.full(4, 0.5, np.float32))
    flatten = layers.Flatten()
    Store(flatten, (4, 2))
    flatten.set_weights([])
    assert flatten.get_weights() == []
    assert (flatten.output_shape, flatten.count_params()) == ((None, 8), 0)


def test_parameters_before_the_model_is_built():
    assert layers.Dense(3, input_shape=(4,)).count_params() == 15
    with pytest.raises(ValueError, match="no number of parameters"):
        layers.Dense(3).count_params()
    with pytest.raises(ValueError, match="no weights before its model is built"):
        layers.Dense(3).set_weights([])


def test_repr():
    assert repr(layers.Dense(3, name="a")) == "<Dense name=a, built=False>"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: layers.Dense(0), ValueError, "units must be >= 1"),
        (lambda: layers.Dense(2.5), TypeError, "units must be an integer"),
        (lambda: layers.Dense(3, "rleu"), ValueError, "did you mean 'relu'"),
        (lambda: layers.Dense(3, 5), TypeError, "activation must be a name"),
        (lambda: layers.Dense(3, np.tanh), TypeError, "activation must be a name"),
        (lambda: layers.Dense(3, [1]), TypeError, "got a list"),
        (lambda: layers.Dense(3, {"class_name": "No"}), TypeError, "got a dict"),
        (lambda: layers.Dense(3, use_bias=1), TypeError, "use_bias must be True or False"),
        (lambda: layers.Dense(3, kernel_initializer="he"), ValueError, "unknown kernel_initializer 'he'"),
        (lambda: layers.Dense(3, kernel_regularizer="l4"), ValueError, "unknown kernel_regularizer 'l4'"),
        (lambda: layers.Dense(3, input_shape=4), TypeError, r"input_shape must be a tuple .* got 4; write \(4,\)"),
        (lambda: layers.Dense(3, input_shape=(0,)), ValueError, r"input_shape\[0\] must be >= 1"),
        (lambda: layers.Dense(3, input_shape=(None, 4)), TypeError, r"input_shape\[0\] must be an integer"),
        (lambda: layers.Dense(3, name=5), TypeError, "name must be a str"),
        (lambda: layers.Dense(3, name=""), ValueError, "name must not be empty"),
        (lambda: layers.Dense(3).plan(()), ValueError, r"layer \(Dense\) needs samples of at least one axis"),
        (lambda: layers.InputLayer(), ValueError, "shape must be given"),
        (lambda: layers.Input(784), TypeError, r"shape must be a tuple .* write \(784,\)"),
        (lambda: layers.ReLU(5), ValueError, "max_value must be None or 6"),
        (lambda: layers.ReLU(6, 0.1), ValueError, "negative_slope must be 0 with max_value=6"),
        (lambda: layers.ReLU(negative_slope=-0.1), ValueError, "negative_slope must be >= 0"),
        (lambda: layers.LeakyReLU(-0.1), ValueError, "negative_slope must be >= 0"),
        (lambda: layers.ELU("a"), TypeError, "alpha must be a real number"),
        (lambda: layers.PReLU(shared_axes=0), ValueError, "shared_axes must be >= 1"),
        (lambda: layers.PReLU().plan((5, 3)), ValueError, r"needs shared_axes=\[1\] .* or shared_axes=\[1, 2\]"),
        (lambda: layers.PReLU(shared_axes=2).plan((5, 3)), ValueError, r"got \[2\]"),
        (lambda: layers.PReLU().plan(()), ValueError, "at least one axis"),
        (lambda: layers.Softmax(axis=1).plan((5, 3)), ValueError, "works over the last axis"),
        (lambda: layers.Softmax().plan(()), ValueError, "at least one axis"),
        (lambda: layers.Dropout(1.5), ValueError, "rate must be >= 0 and <= 1"),
        (lambda: layers.Dropout(True), TypeError, "rate must be a real number"),
        (lambda: layers.Rescaling("1"), TypeError, "scale must be a real number"),
        (lambda: layers.from_config("Conv2D", {}), ValueError, "known: InputLayer, Dense"),
        (lambda: layers.from_config("Dense", {"units": 3, "filters": 2}), TypeError, "filters"),
    ],
)
def test_bad_arguments(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
