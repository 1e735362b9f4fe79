"""What networks refuse: one clear error each, and the model as it was."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
from sequential_models import ENGINE_PARAMETERS, ENGINES, assert_same, classes, classifier

from fastnn import Sequential
from fastnn.callbacks import LambdaCallback
from fastnn.initializers import Initializer
from fastnn.layers import Dense, Flatten, ReLU
from fastnn.metrics import SparseCategoricalAccuracy

X, Y = classes()
ONE_HOT = np.eye(3)[Y]
METRIC = SparseCategoricalAccuracy()
NAN = X.copy()
NAN[17, 2] = np.nan


@pytest.fixture(params=ENGINE_PARAMETERS)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# name -> (call on a model for classes, error, what its sentence says)
CALLS = {
    "x of another shape": (lambda m: m.fit(X[:, :3], Y), ValueError, r"x must have shape \(N, 4\), got \(90, 3\)"),
    "one sample": (lambda m: m.predict(X[0]), ValueError, r"x must have shape \(N, 4\), got \(4,\); one .* x\[None\]"),
    "a bare number": (lambda m: m.predict(3.0), ValueError, r"x must have shape \(N, 4\), got \(\)"),
    "x of strings": (lambda m: m.predict(["a"]), TypeError, "x must be an array of real numbers"),
    "x complex": (lambda m: m.predict(X * 1j), TypeError, "x must be an array of real numbers.*complex"),
    "x None": (lambda m: m.predict(None), TypeError, "x must be an array of real numbers.*None"),
    "x ragged": (lambda m: m.predict([[1.0, 2.0], [1.0]]), ValueError, "x could not be read as an array"),
    "x a generator": (lambda m: m.fit((row for row in X), Y), TypeError, "x must be an array of real numbers"),
    "no y": (lambda m: m.fit(X), TypeError, "y must be given beside x, got None"),
    "y shorter": (lambda m: m.fit(X, Y[:-1]), ValueError, r"y must have as many rows as x, 90, got shape \(89,\)"),
    "y longer": (lambda m: m.train_on_batch(X[:5], Y), ValueError, r"y must have as many rows as x, 5, got .*\(90,\)"),
    "y one-hot": (lambda m: m.fit(X, ONE_HOT), ValueError, "y must be class indices.*use the loss categorical_cross"),
    "label too large": (lambda m: m.fit(X, Y + 1), IndexError, r"from 0 to 2.* got 3 in y\["),
    "label negative": (lambda m: m.evaluate(X, Y - 1), IndexError, r"from 0 to 2.* got -1 in y\["),
    "label broken": (lambda m: m.fit(X, Y + 0.5), ValueError, "class indices must be whole numbers"),
    "label nan": (lambda m: m.fit(X, np.where(Y == 1, np.nan, Y)), ValueError, "class indices must be whole numbers"),
    "nothing": (lambda m: m.fit(X[:0], Y[:0]), ValueError, r"x must hold at least one sample, got shape \(0, 4\)"),
    "nothing to evaluate": (lambda m: m.evaluate(X[:0], Y[:0]), ValueError, "x must hold at least one sample"),
    "batch_size 0": (lambda m: m.fit(X, Y, batch_size=0), ValueError, "batch_size must be >= 1, got 0"),
    "labels of the validation": (
        lambda m: m.fit(X, Y, validation_data=(X, Y + 1)),
        IndexError,
        "validation y: class indices must be from 0 to 2.* got 3",
    ),
    "validation_steps": (lambda m: m.fit(X, Y, validation_steps=3), ValueError, "validation_steps must be None"),
    "verbose array": (lambda m: m.fit(X, Y, verbose=np.ones(2)), ValueError, "verbose must be"),
    "verbose predict": (lambda m: m.predict(X, verbose=None), ValueError, "verbose must be.* got None"),
    "learning rate": (
        lambda m: m.optimizer.__setattr__("learning_rate", np.inf),
        ValueError,
        "must be >= 0 and finite",
    ),
    "metric twice": (
        lambda m: m.compile("adam", "sparse_categorical_crossentropy", [METRIC], [METRIC]),
        ValueError,
        "metrics must be different objects, got SparseCategoricalAccuracy.* twice",
    ),
    "set_weights, None": (lambda m: m.set_weights(None), TypeError, "weights must be a list of 7 arrays, got a None"),
    "batch_size half": (lambda m: m.fit(X, Y, batch_size=0.5), TypeError, "batch_size must be an integer"),
    "batch_size 0 to predict": (lambda m: m.predict(X, batch_size=0), ValueError, "batch_size must be >= 1, got 0"),
    "epochs": (lambda m: m.fit(X, Y, epochs=-1), ValueError, "epochs must be >= 0, got -1"),
    "epochs float": (lambda m: m.fit(X, Y, epochs=1.5), TypeError, "epochs must be an integer"),
    "initial_epoch": (lambda m: m.fit(X, Y, initial_epoch=-1), ValueError, "initial_epoch must be >= 0"),
    "verbose": (lambda m: m.fit(X, Y, verbose=3), ValueError, 'verbose must be "auto", 0, 1 or 2, got 3'),
    "verbose evaluate": (lambda m: m.evaluate(X, Y, verbose="no"), ValueError, "verbose must be"),
    "shuffle": (lambda m: m.fit(X, Y, shuffle="batch"), TypeError, "shuffle must be True or False"),
    "steps_per_epoch": (lambda m: m.fit(X, Y, steps_per_epoch=3), ValueError, "steps_per_epoch must be None"),
    "callbacks": (lambda m: m.fit(X, Y, callbacks=[print]), TypeError, r"callbacks\[0\] must be a Callback"),
    "sample_weight": (
        lambda m: m.fit(X, Y, sample_weight=np.ones(3)),
        ValueError,
        r"sample_weight must have shape \(N,\) = \(90,\), got \(3,\)",
    ),
    "class_weight": (lambda m: m.fit(X, Y, class_weight=[1, 2]), TypeError, "class_weight must be a dict"),
    "class_weight's class": (lambda m: m.fit(X, Y, class_weight={"a": 1}), TypeError, "a class in class_weight"),
    "class_weight's factor": (
        lambda m: m.fit(X, Y, class_weight={0: "a"}),
        TypeError,
        r"class_weight\[0\] must be a r",
    ),
    "two weights": (
        lambda m: m.fit(X, Y, class_weight={0: 2.0}, sample_weight=np.ones(90)),
        ValueError,
        "class_weight and sample_weight must not both be given",
    ),
    "validation_split": (
        lambda m: m.fit(X, Y, validation_split=1.0),
        ValueError,
        "validation_split must be >= 0 and < 1",
    ),
    "validation_split of few": (
        lambda m: m.fit(X[:2], Y[:2], validation_split=0.9),
        ValueError,
        "validation_split=0.9 of 2 samples leaves none on one side",
    ),
    "split of other lengths": (lambda m: m.fit(X, Y[1:], validation_split=0.5), ValueError, "y must have as many rows"),
    "split without y": (lambda m: m.fit(X, validation_split=0.5), TypeError, "y must be given beside x"),
    "validation_data": (lambda m: m.fit(X, Y, validation_data=X), TypeError, r"validation_data must be \(x, y\)"),
    "validation x": (lambda m: m.fit(X, Y, validation_data=(X[:, 1:], Y)), ValueError, "validation x must have shape"),
    "validation labels": (lambda m: m.fit(X, Y, validation_data=(X, Y + 3)), IndexError, "from 0 to 2"),
    "validation y": (lambda m: m.fit(X, Y, validation_data=(X, None)), TypeError, "validation y must be given"),
    "validation_freq": (lambda m: m.fit(X, Y, validation_freq=0), ValueError, "validation_freq must be >= 1"),
    "validation_batch_size": (lambda m: m.fit(X, Y, validation_batch_size=0), ValueError, "validation_batch_size"),
    "nan": (lambda m: m.fit(NAN, Y, check_finite=True), ValueError, "x must be finite, row 17 holds nan or inf"),
    "validation nan": (
        lambda m: m.fit(X, Y, validation_data=(NAN, Y), check_finite=True),
        ValueError,
        "validation x must be finite, row 17",
    ),
    "optimizer": (lambda m: m.compile("adm", "mse"), ValueError, "unknown optimizer 'adm'; did you mean 'adam'"),
    "optimizer's type": (lambda m: m.compile(3, "mse"), TypeError, "optimizer must be a name"),
    "loss": (lambda m: m.compile("adam", "cross"), ValueError, r"unknown loss 'cross'.*known: .*mean_squared_error"),
    "loss's type": (lambda m: m.compile("adam", 3), TypeError, "loss must be a name"),
    "metric": (
        lambda m: m.compile("adam", "mse", ["accuracyy"]),
        ValueError,
        "unknown metric 'accuracyy'; did you mean",
    ),
    "metric's type": (lambda m: m.compile("adam", "mse", [3]), TypeError, "metric must be a name"),
    "metrics": (lambda m: m.compile("adam", "mse", {"a": "mse"}), TypeError, "metrics must be a list"),
    "metric without a loss": (lambda m: m.compile("adam", metrics=["mse"]), ValueError, "loss must be given where"),
    "metric of numbers": (
        lambda m: m.compile("adam", "sparse_categorical_crossentropy", ["mae"]),
        ValueError,
        "metric 'mae' compares numbers, but the loss's targets are class indices",
    ),
    "set_weights, count": (lambda m: m.set_weights([]), ValueError, "weights must be 7 arrays, got 0"),
    "set_weights, shape": (
        lambda m: m.set_weights([w.T for w in m.get_weights()]),
        ValueError,
        r"weights\[0\] must have shape \(4, 8\), got \(8, 4\)",
    ),
    "set_weights, last": (
        lambda m: m.set_weights([w + 1 for w in m.get_weights()[:-1]] + [np.ones(4)]),
        ValueError,
        r"weights\[6\] must have shape \(3,\)",
    ),
    "layer.set_weights": (
        lambda m: m.layers[0].set_weights([1]),
        ValueError,
        "layer 'dense': weights must be 2 arrays",
    ),
    "add a class": (lambda m: m.add(Dense), TypeError, r"layer must be a layer, got the class; write Dense\(\.\.\.\)"),
    "add a number": (lambda m: m.add(3), TypeError, r"layer must be a layer such as Dense\(10\), got a int"),
    "out": (lambda m: m.predict(X, out=[1.0]), TypeError, "out must be a numpy.ndarray, got list"),
    "out read-only": (
        lambda m: m.predict(X, out=np.broadcast_to(np.float32(0), (90, 3))),
        ValueError,
        "out must be",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_bad_input_leaves_the_model_unharmed(engine, name):
    call, error, message = CALLS[name]
    model = classifier(engine)
    model.fit(X, Y, verbose=0)
    weights, state, random = model.get_weights(), model._engine.get_state(), model._rng.bit_generator.state
    with pytest.raises(error, match=message):
        call(model)
    assert_same(model.get_weights(), weights)
    assert_same(model._engine.get_state(), state)
    assert model.optimizer.iterations == 3
    assert len(model.layers) == 5
    if not name.startswith("metric of numbers"):
        assert model._rng.bit_generator.state == random
    same = classifier(engine)
    same.fit(X, Y, verbose=0)
    same.fit(X, Y, epochs=1, verbose=0)
    model.fit(X, Y, verbose=0)
    assert_same(model.get_weights(), same.get_weights())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Sequential(3), TypeError, "layers must be a list of layers, got a int"),
        (lambda: Sequential([3]), TypeError, r"layers\[0\] must be a layer such as Dense\(10\), got a int"),
        (lambda: Sequential([Dense]), TypeError, r"layers\[0\] must be a layer, got the class"),
        (lambda: Sequential(name=3), TypeError, "name must be a str"),
        (lambda: Sequential(dtype="float16"), TypeError, 'dtype must be "float32" or "float64", got \'float16\''),
        (lambda: Sequential(dtype="x"), TypeError, "dtype must be"),
        (lambda: Sequential(dtype=None), TypeError, "dtype must be"),
        (lambda: Sequential(backend="cuba"), ValueError, "unknown backend 'cuba'"),
        (lambda: Sequential(engine="fast"), ValueError, r"unknown engine 'fast' \(known: auto, native, generic\)"),
        (lambda: Sequential(engine=None), TypeError, "engine must be one of"),
        (lambda: Sequential(seed=-1), ValueError, "seed must be >= 0"),
        (lambda: Sequential(seed=1.5), TypeError, "seed must be an integer"),
    ],
)
def test_models_that_cannot_be(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_model_has_to_be_compiled_to_learn(engine):
    model = Sequential([Dense(3, input_shape=(4,))], **ENGINES[engine])
    for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=r"the model is not compiled; call compile"):
            call(X, Y)
    model.compile("adam")
    with pytest.raises(ValueError, match="the model was compiled without a loss"):
        model.fit(X, Y)


def test_samples_that_do_not_fit_the_first_layer_leave_the_model_open(engine):
    model = Sequential([Dense(3, name="first"), Dense(2, input_shape=(5,), name="second")], **ENGINES[engine])
    with pytest.raises(ValueError, match=r"layer 'second' \(Dense\)"):
        model.predict(X)
    assert not model.built
    with pytest.raises(ValueError, match=r"x must have shape \(N, \.\.\.\), got a bare number"):
        model.predict(3.0)
    assert not model.layers[0].built


def test_a_metric_that_does_not_fit_shows_when_the_shapes_are_known(engine):
    model = Sequential([Dense(3)], **ENGINES[engine])
    model.compile("adam", "sparse_categorical_crossentropy", ["mae"])
    for _ in range(2):
        with pytest.raises(ValueError, match="metric 'mae' compares numbers"):
            model.fit(X, Y)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(X, Y, verbose=0)


def test_logits_of_probabilities_warn(engine):
    from fastnn.losses import SparseCategoricalCrossentropy

    model = Sequential([Dense(3, "softmax", input_shape=(4,))], **ENGINES[engine])
    with pytest.warns(UserWarning, match="has from_logits=True, but the network ends in a softmax"):
        model.compile("adam", SparseCategoricalCrossentropy(from_logits=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0)


def test_nan_in_x_is_computed_with(engine):
    model = classifier(engine)
    y = model.predict(NAN)
    assert np.isnan(y[17]).all()
    assert np.isfinite(np.delete(y, 17, axis=0)).all()


@pytest.mark.parametrize("size", [2**62, 2**70])
def test_a_batch_may_be_larger_than_the_samples(engine, size):
    whole, huge = (classifier(engine) for _ in range(2))
    options = {"verbose": 0, "validation_data": (X, Y)}
    assert huge.fit(X, Y, size, **options).history == whole.fit(X, Y, len(X), **options).history
    assert huge.evaluate(X, Y, size, verbose=0) == whole.evaluate(X, Y, len(X), verbose=0)
    np.testing.assert_array_equal(huge.predict(X, size), whole.predict(X))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Dense(2**62, input_shape=(4,))], r"the result of layer 'dense' would have shape \(4611686018427387904,\)"),
        ([Dense(2**40, input_shape=(2**20,))], "the kernel of layer 'dense' would have shape"),
        ([Flatten(input_shape=(2**32, 2**32))], "a sample would have shape"),
        ([ReLU(input_shape=(1,) * 61)], "samples must have at most 60 axes, got 61"),
    ],
)
def test_networks_larger_than_any_memory_are_refused(engine, layers, message):
    copies = [type(layer)(**layer.get_config()) for layer in layers]
    with pytest.raises(ValueError, match=message):
        Sequential(copies, **ENGINES[engine])


def test_an_initializer_of_ones_own_has_to_fit(engine):
    class Wrong(Initializer):
        def __call__(self, shape, dtype, rng):
            return np.zeros(3)

    model = Sequential([Dense(3, kernel_initializer=Wrong(), input_shape=(4,))], **ENGINES[engine])
    with pytest.raises(
        ValueError, match=r"Wrong\(\) of dense/kernel: values\[0\] must have shape \(4, 3\), got \(3,\)"
    ):
        model.get_weights()


TRAINING = {
    "fit": lambda m: m.fit(X, Y),
    "train_on_batch": lambda m: m.train_on_batch(X, Y),
    "compile": lambda m: m.compile("sgd", "sparse_categorical_crossentropy"),
    "add": lambda m: m.add(Dense(2)),
    "pop": lambda m: m.pop(),
}


@pytest.mark.parametrize("name", TRAINING)
@pytest.mark.parametrize("in_thread", [False, True])
def test_one_call_trains_at_a_time(engine, name, in_thread):
    model, plain = classifier(engine), classifier(engine)
    errors = []

    def call(*_):
        with pytest.raises(RuntimeError, match="the model is being trained by another call"):
            TRAINING[name](model)
        errors.append(name)

    def hook(*_):
        if in_thread:
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
        else:
            call()

    callback = LambdaCallback(on_train_batch_end=hook)
    history = model.fit(X, Y, epochs=2, callbacks=[callback], verbose=0).history
    assert errors == [name] * 6
    assert history == plain.fit(X, Y, epochs=2, verbose=0).history
    assert_same(model.get_weights(), plain.get_weights())
    TRAINING[name](model)


def test_evaluations_do_not_disturb_each_other_or_a_training(engine):
    model, plain = classifier(engine), classifier(engine)
    callback = LambdaCallback(on_train_batch_end=lambda batch, logs: model.evaluate(X[:7], Y[:7], verbose=0))
    history = model.fit(X, Y, callbacks=[callback], verbose=0).history
    assert history == plain.fit(X, Y, verbose=0).history
    wanted = model.evaluate(X, Y, 1, verbose=0)
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(model.evaluate(X, Y, 1, verbose=0) for _ in range(5)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 15
