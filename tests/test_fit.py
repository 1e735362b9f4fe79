"""fit and evaluate: the loop, its figures, weights of samples, validation, metrics and the smallest networks."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from sequential_models import ENGINE_PARAMETERS, ENGINES, assert_same, classes, classifier, linear, regression

import fastnn
from fastnn import Sequential
from fastnn.layers import Activation, Dense, Flatten
from fastnn.losses import Huber, MeanSquaredError
from fastnn.metrics import SparseTopKCategoricalAccuracy
from fastnn.network.compiling import SEEDS
from fastnn.optimizers import SGD


@pytest.fixture(params=ENGINE_PARAMETERS)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def descend(x, y, batches, rate, weight=None):
    """Gradient descent by hand on the mean squared error: kernel, bias, and each epoch's loss as Keras has it."""
    k, b, losses = np.zeros((x.shape[1], 1)), np.zeros(1), []
    weight = np.ones(len(x)) if weight is None else weight
    for epoch in batches:
        total = 0.0
        for rows in epoch:
            error = x[rows] @ k + b - y[rows]
            total += (weight[rows] * (error**2)[:, 0]).sum()
            dz = 2 * error * weight[rows, None] / len(rows)
            k, b = k - rate * x[rows].T @ dz, b - rate * dz.sum(axis=0)
        losses.append(total / len(x))
    return k, b, losses


def in_batches(order, size):
    return [order[i : i + size] for i in range(0, len(order), size)]


@pytest.mark.parametrize("size", [1, 7, 50, 64])
def test_fit_is_gradient_descent(engine, size):
    x, y = regression()
    model = linear(engine, x)
    model.compile(SGD(0.05), "mse")
    history = model.fit(x, y, batch_size=size, epochs=3, shuffle=False, verbose=0)
    k, b, losses = descend(x, y, [in_batches(np.arange(50), size)] * 3, 0.05)
    np.testing.assert_allclose(model.layers[0].kernel, k, rtol=1e-10)
    np.testing.assert_allclose(model.layers[0].bias, b, rtol=1e-10)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-10)
    assert history.epoch == [0, 1, 2]
    assert model.history is history
    assert model.optimizer.iterations == 3 * -(-50 // size)


def test_the_shuffles_come_from_the_models_generator(engine):
    x, y = regression()
    model = linear(engine, x, seed=11)
    model.compile(SGD(0.05), "mse")
    history = model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    rng = np.random.default_rng(11)
    rng.integers(SEEDS)
    k, _, losses = descend(x, y, [in_batches(rng.permutation(50), 8) for _ in range(2)], 0.05)
    np.testing.assert_allclose(model.layers[0].kernel, k, rtol=1e-10)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-10)


def test_the_loss_is_a_mean_over_rows_not_over_weights(engine):
    x, y = regression()
    weight = np.random.default_rng(0).uniform(0, 3, 50)
    model = linear(engine, x)
    model.compile(SGD(0.05), "mse")
    history = model.fit(x, y, 8, epochs=2, shuffle=False, sample_weight=weight, verbose=0)
    k, _, losses = descend(x, y, [in_batches(np.arange(50), 8)] * 2, 0.05, weight)
    np.testing.assert_allclose(model.layers[0].kernel, k, rtol=1e-10)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-10)


def test_sample_weight_equals_repetition(engine):
    x, y = regression(20)
    counts = np.random.default_rng(1).integers(1, 4, 20)
    weighted, repeated = linear(engine, x), linear(engine, x)
    for model in (weighted, repeated):
        model.compile(SGD(0.05), "mse")
    weighted.fit(x, y, 20, epochs=5, sample_weight=counts * 20 / counts.sum(), verbose=0, shuffle=False)
    repeated.fit(x.repeat(counts, 0), y.repeat(counts, 0), 60, epochs=5, verbose=0, shuffle=False)
    for one, other in zip(weighted.get_weights(), repeated.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize("form", ["indices", "one-hot", "column"])
def test_class_weight_equals_sample_weight(engine, form):
    x, y = classes()
    factors = {0: 0.5, 2: 4.0}
    weight = np.array([0.5, 1.0, 4.0])[y]
    targets = {"indices": y, "one-hot": np.eye(3)[y], "column": y[:, None]}[form]
    models = []
    for options in ({"class_weight": factors}, {"sample_weight": weight}, {}):
        model = classifier(engine)
        if form == "one-hot":
            model.compile("adam", "categorical_crossentropy")
        history = model.fit(x, targets, epochs=2, verbose=0, **options)
        models.append((model, history.history["loss"]))
    assert_same(models[0][0].get_weights(), models[1][0].get_weights())
    assert models[0][1] == models[1][1] != models[2][1]


def test_the_engines_agree(engine):
    x, y = classes()
    model, other = classifier(engine, dtype="float64"), classifier("generic-reference", dtype="float64")
    curves = [m.fit(x, y, epochs=10, batch_size=16, validation_split=0.2, verbose=0).history for m in (model, other)]
    assert list(curves[0]) == ["loss", "accuracy", "val_loss", "val_accuracy"] == list(curves[1])
    for name in curves[0]:
        np.testing.assert_allclose(curves[0][name], curves[1][name], rtol=1e-7)


# name -> (loss, activation of the last layer, metrics, targets of the samples (N, 4) and their classes)
CONFIGURATIONS = {
    "softmax": ("sparse_categorical_crossentropy", "softmax", ["accuracy"], lambda x, y: y),
    "one-hot": ("categorical_crossentropy", "softmax", ["acc", "mse"], lambda x, y: np.eye(3)[y]),
    "top 2": (
        "sparse_categorical_crossentropy",
        "softmax",
        [SparseTopKCategoricalAccuracy(2)],
        lambda x, y: y,
    ),
    "sigmoid": ("binary_crossentropy", "sigmoid", ["binary_accuracy", "mae"], lambda x, y: np.eye(3)[y]),
    "probabilities": ("binary_crossentropy", "hard_sigmoid", ["binary_accuracy"], lambda x, y: np.eye(3)[y]),
    "huber": (Huber(0.3), None, ["root_mean_squared_error", "mae"], lambda x, y: x[:, :3]),
    "sum": (MeanSquaredError(reduction="sum"), "tanh", ["mse"], lambda x, y: x[:, :3]),
    "squares": ("sum_squared_error", "relu", [], lambda x, y: x[:, :3]),
    "hinge": ("hinge", "tanh", [], lambda x, y: np.eye(3)[y]),
    "poisson": ("poisson", "exponential", ["mse"], lambda x, y: np.eye(3)[y]),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_without_steps_fit_and_evaluate_have_the_same_figures(engine, name, weighted):
    """A learning rate of 0: what fit reports while training is what evaluate finds, penalties included."""
    loss, activation, metrics, targets = CONFIGURATIONS[name]
    x, y = classes(75)
    model = Sequential(
        [Dense(5, "tanh", kernel_regularizer="l1_l2", input_shape=(4,)), Dense(3, activation)],
        dtype="float64",
        seed=2,
        **ENGINES[engine],
    )
    model.compile(SGD(0.0), loss, metrics, ["mse"] if name == "one-hot" else None)
    weight = np.linspace(0, 2, 75) if weighted else None
    history = model.fit(x, targets(x, y), 16, sample_weight=weight, shuffle=False, verbose=0)
    found = model.evaluate(x, targets(x, y), 16, sample_weight=weight, verbose=0, return_dict=True)
    assert list(found) == model.metrics_names == list(history.history)
    for key, value in found.items():
        assert value == pytest.approx(history.history[key][0], rel=1e-9)
        assert np.isfinite(value)
    if name == "one-hot":
        assert list(found) == ["loss", "acc", "mse", "mse_1"]
        assert (found["mse"] == found["mse_1"]) != weighted
    if name == "softmax":
        assert found["accuracy"] == np.mean(model.predict(x).argmax(axis=1) == y)
    if name in ("sigmoid", "huber"):
        assert found["mae"] == pytest.approx(np.abs(model.predict(x) - targets(x, y)).mean())


def test_penalties_belong_to_the_loss(engine):
    x, y = regression()
    model = Sequential(
        [Dense(1, kernel_regularizer=fastnn.regularizers.L1L2(0.1, 0.2), bias_regularizer="l2", input_shape=(3,))],
        dtype="float64",
        **ENGINES[engine],
    )
    model.set_weights([[[1.0], [-2.0], [0.5]], [3.0]])
    model.compile("sgd", "mse")
    wanted = np.mean((model.predict(x) - y) ** 2) + 0.1 * 3.5 + 0.2 * 5.25 + 0.01 * 9
    assert model.evaluate(x, y, verbose=0) == pytest.approx(wanted, rel=1e-12)
    assert model.train_on_batch(x, y) == pytest.approx(wanted, rel=1e-12)


def test_the_answer_of_evaluate_is_kerass(engine, capsys):
    model = classifier(engine)
    x, y = classes()
    answer = model.evaluate(x, y)
    assert capsys.readouterr().out.startswith("3/3 - ")
    assert answer == list(model.evaluate(x, y, verbose=0, return_dict=True).values())
    assert answer == pytest.approx(model.test_on_batch(x, y), rel=1e-6)
    model.compile("adam", "sparse_categorical_crossentropy")
    assert isinstance(model.evaluate(x, y, verbose=0), float)
    assert isinstance(model.train_on_batch(x, y), float)
    assert model.train_on_batch(x, y, return_dict=True).keys() == {"loss"}


def test_train_on_batch_is_a_step_of_fit(engine):
    x, y = classes(32)
    one, other = classifier(engine), classifier(engine)
    losses = [one.train_on_batch(x, y) for _ in range(3)]
    history = other.fit(x, y, epochs=3, shuffle=False, verbose=0).history
    assert_same(one.get_weights(), other.get_weights())
    assert losses == [list(pair) for pair in zip(history["loss"], history["accuracy"], strict=True)]
    assert one.optimizer.iterations == 3


def test_the_last_rows_validate(engine):
    x, y = classes()
    one, other = classifier(engine), classifier(engine)
    first = one.fit(x, y, epochs=2, validation_split=0.2, verbose=0)
    second = other.fit(x[:72], y[:72], epochs=2, validation_data=(x[72:], y[72:]), verbose=0)
    assert first.history == second.history
    found = one.evaluate(x[72:], y[72:], verbose=0, return_dict=True)
    assert {name: values[-1] for name, values in first.history.items() if name in ("val_loss", "val_accuracy")} == {
        f"val_{name}": value for name, value in found.items()
    }
    assert_same(one.get_weights(), other.get_weights())


def test_validation_has_weights_and_a_frequency_of_its_own(engine):
    x, y = classes()
    weight = np.linspace(0, 1, 90)
    model = classifier(engine)
    held_out = (x[:50], y[:50], weight[:50])
    history = model.fit(x, y, epochs=4, validation_data=held_out, validation_freq=2, verbose=0).history
    assert (len(history["loss"]), len(history["val_loss"])) == (4, 2)
    assert history["val_loss"][-1] == model.evaluate(x[:50], y[:50], sample_weight=weight[:50], verbose=0)[0]
    history = model.fit(x, y, epochs=4, validation_data=held_out, validation_freq=[1, 2, 4], verbose=0).history
    assert len(history["val_loss"]) == 3


@pytest.mark.parametrize("given", [np.float32, np.float64, np.uint8])
def test_samples_are_not_copied(given):
    x = np.random.default_rng(0).integers(0, 255, (20_000, 200)).astype(given)
    y = np.arange(20_000) % 10
    model = Sequential([Dense(16, "relu", input_shape=(200,)), Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x[:64], y[:64], verbose=0)
    tracemalloc.start()
    model.fit(x, y, epochs=2, validation_split=0.25, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6


def test_fit_tells_how_it_goes(engine, capsys):
    x, y = classes()
    model = classifier(engine)
    model.fit(x, y, epochs=2, validation_split=0.5)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
    assert f"val_loss: {model.history.history['val_loss'][1]:.4f}" in lines[1]
    model.fit(x, y, verbose=0)
    assert capsys.readouterr().out == ""


def test_fit_goes_on_where_it_was(engine):
    x, y = classes()
    one, other = classifier(engine), classifier(engine)
    one.fit(x, y, epochs=4, verbose=0)
    for _ in range(2):
        other.fit(x, y, epochs=2, verbose=0)
    assert_same(one.get_weights(), other.get_weights())
    one.compile("adam", "sparse_categorical_crossentropy")
    assert one.optimizer.iterations == 0
    assert one.fit(x, y, epochs=2, initial_epoch=2, verbose=0).history == {}


@pytest.mark.parametrize("size", [1, 3])
def test_the_smallest_networks_learn(engine, size):
    """One unit, one sample, one feature, no hidden layer."""
    x, y = np.full(size, 2.0), np.full(size, 3.0)
    model = Sequential([Dense(1)], dtype="float64", seed=0, **ENGINES[engine])
    model.compile(SGD(0.05), "mse")
    model.fit(x, y, epochs=200, verbose=0)
    np.testing.assert_allclose(model.predict(x), y[:, None], rtol=1e-6)


def test_a_deep_network_learns(engine):
    x, y = classes()
    layers = [Dense(8, "tanh", kernel_initializer="orthogonal") for _ in range(20)]
    model = Sequential([Flatten(), *layers, Dense(3), Activation("softmax")], seed=0, **ENGINES[engine])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x.reshape(90, 2, 2), y, epochs=20, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]


def test_results_of_several_axes(engine):
    """A dense layer works on the last axis; so do the losses of class indices."""
    if engine == "native":
        pytest.skip("one axis only")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5, 4)), rng.integers(0, 3, (40, 5))
    model = Sequential([Dense(3, "softmax")], dtype="float64", **ENGINES[engine])
    model.compile(SGD(0.0), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, 16, verbose=0, shuffle=False).history
    p = model.predict(x)
    assert p.shape == (40, 5, 3)
    exact = -np.log(np.take_along_axis(p, y[..., None], -1)).mean()
    assert history["loss"][0] == pytest.approx(exact, rel=1e-12)
    assert model.evaluate(x, y, verbose=0) == pytest.approx([exact, np.mean(p.argmax(-1) == y)], rel=1e-12)
