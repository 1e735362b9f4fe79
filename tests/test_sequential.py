"""Sequential: its layers, shapes, weights, random numbers and results; the modules under Keras's names."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading

import numpy as np
import pytest
from sequential_models import ENGINE_PARAMETERS, ENGINES, assert_same, classes, classifier

import fastnn
from fastnn import Sequential
from fastnn.layers import Activation, Dense, Dropout, Flatten, Input, InputLayer, PReLU, Rescaling, Softmax


@pytest.fixture(params=ENGINE_PARAMETERS)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_layers_get_names():
    model = Sequential([Input((4,)), Dense(3), Dense(3, name="middle"), PReLU(), Dense(2), Dense(1, name="dense_1")])
    assert [layer.name for layer in model.layers] == ["dense", "middle", "p_re_lu", "dense_2", "dense_1"]
    assert model.get_layer("middle") is model.layers[1] is model.get_layer(index=1)
    with pytest.raises(ValueError, match=r"unknown layer 'middl'; did you mean 'middle'"):
        model.get_layer("middl")
    with pytest.raises(ValueError, match="exactly one of name and index"):
        model.get_layer()


def test_models_get_names():
    assert Sequential(name="mine").name == "mine"
    first, second = Sequential().name, Sequential().name
    assert first != second
    assert first.startswith("sequential")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sequential([Dense(3, input_shape=(4,)), Dense(2)]),
        lambda: Sequential([Input((4,)), Dense(3), Dense(2)]),
        lambda: Sequential([InputLayer(shape=(4,)), Dense(3), Dense(2)]),
        lambda: Sequential([Dense(3, input_dim=4), Dense(2)]),
    ],
)
def test_a_known_input_shape_builds(make):
    model = make()
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2
    assert [w.shape for w in model.get_weights()] == [(4, 3), (3,), (3, 2), (2,)]


def test_the_first_samples_tell_the_shape():
    model = Sequential([Flatten(), Dense(3)])
    assert not model.built
    with pytest.raises(ValueError, match="model is not built"):
        model.get_weights()
    assert model.predict(np.zeros((2, 3, 5), np.float32)).shape == (2, 3)
    assert model.input_shape == (None, 3, 5)
    assert model.layers[1].kernel.shape == (15, 3)


def test_build_takes_the_batch_axis_first():
    model = Sequential([Dense(3)])
    with pytest.raises(ValueError, match=r"batch axis first, such as \(None, 784\), got \(784,\)"):
        model.build((784,))
    model.build((None, 5))
    assert model.layers[0].kernel.shape == (5, 3)
    model.build((None, 5))
    with pytest.raises(ValueError, match=r"input_shape must be \(None, 5\), got \(None, 6\)"):
        model.build((None, 6))


def test_add_keeps_the_weights_of_the_others(engine):
    model = Sequential([Dense(3, input_shape=(4,))], seed=1, **ENGINES[engine])
    before = model.get_weights()
    model.add(Dense(2))
    assert_same(model.get_weights()[:2], before)
    model.set_weights([w + 1 for w in model.get_weights()])
    raised = model.get_weights()
    model.add(Activation("tanh"))
    assert_same(model.get_weights(), raised)
    model.pop()
    popped = model.pop()
    assert_same(model.get_weights(), raised[:2])
    assert not popped.built
    assert popped.get_weights() == []
    other = Sequential([Input((7,)), popped])
    assert other.layers[0].kernel.shape == (7, 2)


def test_a_new_layer_does_not_inherit_from_one_of_the_same_name():
    model = Sequential([Dense(3, input_shape=(4,)), Dense(3)], seed=1)
    old = model.get_weights()
    model.pop()
    model.add(Dense(3))
    assert model.layers[1].name == "dense_1"
    assert not np.array_equal(model.get_weights()[2], old[2])


def test_a_changed_model_has_to_be_compiled_again():
    model = classifier("native")
    model.add(Activation("relu"))
    with pytest.raises(ValueError, match="not compiled"):
        model.fit(*classes())


def test_compile_may_come_before_the_layers():
    model = Sequential(seed=0)
    model.compile("sgd", "mse")
    model.add(Dense(2, input_shape=(4,)))
    model.add(Dense(1))
    x, y = classes()
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 3


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [Dense(4, input_shape=(3,)), Dense(2, input_shape=(5,), name="odd")],
            r"layer 'odd' \(Dense\).*\(5,\).*\(4,\)",
        ),
        ([Dense(4, input_shape=(3,)), Softmax(axis=1), Softmax(axis=2, name="odd")], r"layer 'odd' \(Softmax\)"),
        ([Dense(4), Input((3,))], r"layer \(InputLayer\) must be the first layer"),
        ([Dense(4, name="a"), Dense(4, name="a")], "two layers have the name 'a'"),
        ([Dense(2)] * 2, "is there twice"),
    ],
)
def test_layers_that_do_not_chain_are_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        Sequential(layers)
    assert not any(layer.built for layer in layers)
    model = Sequential(layers[:1])
    unnamed = [layer for layer in layers if layer.name is None]
    for layer in layers[1:-1]:
        model.add(layer)
    with pytest.raises(ValueError, match=message):
        model.add(layers[-1])
    assert len(model.layers) < len(layers)
    assert all(layer.name is None or layer in model.layers for layer in unnamed)


def test_a_layer_belongs_to_one_model():
    dense = Dense(3, input_shape=(2,), name="mine")
    Sequential([dense])
    with pytest.raises(ValueError, match=r"layer 'mine' \(Dense\) belongs to another model"):
        Sequential([dense])


def test_summary_is_a_table(capsys):
    lines = []
    model = classifier("native", name="small")
    model.summary(print_fn=lines.append)
    assert lines[0] == 'Model: "small"'
    assert [line.split() for line in lines[3:6]] == [
        ["dense", "(Dense)", "(None,", "8)", "40"],
        ["dropout", "(Dropout)", "(None,", "8)", "0"],
        ["dense_1", "(Dense)", "(None,", "6)", "54"],
    ]
    assert lines[-1] == "Total params: 121 (484.00 B)"
    model.summary()
    assert capsys.readouterr().out.splitlines() == lines
    Sequential([Dense(3)]).summary()
    assert "? (not built)" in capsys.readouterr().out


def test_layers_read_and_write_their_weights(engine):
    model = classifier(engine)
    assert_same([w for layer in model.layers for w in layer.get_weights()], model.get_weights())
    assert model.layers[0].kernel.shape == (4, 8)
    assert model.layers[3].alpha.shape == (6,)
    new = [np.full((4, 8), 2.0), np.arange(8)]
    model.layers[0].set_weights(new)
    assert_same(model.get_weights()[:2], [w.astype(np.float32) for w in new])
    assert model.layers[4].input_shape == (None, 6)
    assert model.layers[4].output_shape == (None, 3)


def test_weights_are_copied_in_and_out(engine, dtype):
    model = Sequential([Dense(3, input_shape=(4,))], dtype=dtype, **ENGINES[engine])
    given = [np.arange(12.0).reshape(4, 3), np.ones(3)]
    model.set_weights(given)
    given[0][:] = 7
    found = model.get_weights()
    np.testing.assert_array_equal(found[0], np.arange(12.0).reshape(4, 3))
    assert found[0].dtype == dtype
    found[0][:] = 7
    assert model.get_weights()[0][0, 1] == 1


def test_results_are_those_of_the_operations(engine, dtype):
    model = Sequential(
        [Flatten(input_shape=(2, 3)), Rescaling(0.5, -1.0), Dense(5, "tanh"), Dropout(0.5), Dense(4, "softmax")],
        dtype=dtype,
        seed=3,
        **ENGINES[engine],
    )
    x = np.random.default_rng(0).normal(size=(37, 2, 3)).astype(dtype)
    k1, b1, k2, b2 = (w.astype(np.float64) for w in model.get_weights())
    z = np.tanh((x.reshape(37, 6).astype(np.float64) * 0.5 - 1) @ k1 + b1) @ k2 + b2
    exact = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = model.predict(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, exact, rtol=100 * np.finfo(dtype).eps)
    for same in (model(x), model.predict_on_batch(x), model.predict(x, batch_size=5), model.predict(list(x))):
        np.testing.assert_array_equal(same, y)
    one_by_one = np.concatenate([model.predict(x[i : i + 1]) for i in range(37)])
    if engine in ("generic-reference", "generic-cuda"):
        # NumPy's products depend on the number of rows, and so does the choice among the kernels on a GPU.
        np.testing.assert_allclose(one_by_one, y, rtol=100 * np.finfo(dtype).eps)
    else:
        np.testing.assert_array_equal(one_by_one, y)


def test_samples_of_any_layout(engine):
    model = Sequential([Rescaling(1 / 255), Dense(3)], seed=0, **ENGINES[engine])
    x = np.random.default_rng(0).integers(0, 256, (20, 6), np.uint8)
    y = model.predict(x.astype(np.float32))
    for other in (x, x.astype(np.float64), x.astype(np.int16), np.asfortranarray(x), x.tolist(), x.astype(">f4")):
        np.testing.assert_array_equal(model.predict(other), y)
    wide = np.zeros((20, 12), np.float32)
    wide[:, ::2] = x
    np.testing.assert_array_equal(model.predict(wide[:, ::2]), y)
    wide.flags.writeable = False
    np.testing.assert_array_equal(model.predict(wide[:, ::2]), y)


def test_a_last_axis_of_one_may_be_left_out_or_added(engine):
    one = Sequential([Dense(2, input_shape=(1,))], **ENGINES[engine])
    x = np.arange(5, dtype=np.float32)
    np.testing.assert_array_equal(one.predict(x), one.predict(x[:, None]))
    four = Sequential([Dense(2, input_shape=(4,))], **ENGINES[engine])
    x = np.ones((5, 4), np.float32)
    np.testing.assert_array_equal(four.predict(x[..., None]), four.predict(x))
    assert Sequential([Dense(2)]).predict([1.0, 2.0]).shape == (2, 2)


def test_out_receives_the_results(engine):
    model = classifier(engine)
    x, _ = classes()
    out = np.empty((90, 3), np.float32)
    assert model.predict(x, out=out) is out
    np.testing.assert_array_equal(out, model.predict(x))
    assert model.predict(x.astype(np.float64), out=out) is out
    with pytest.raises(TypeError, match="out must have dtype float32, got float64"):
        model.predict(x, out=np.empty((90, 3)))
    with pytest.raises(ValueError, match=r"out must have shape \(90, 3\), got \(90, 4\)"):
        model.predict(x, out=np.empty((90, 4), np.float32))
    square = Sequential([Dense(4, input_shape=(4,))], **ENGINES[engine])
    before = x.copy()
    with pytest.raises(ValueError, match="out must not overlap x"):
        square.predict(x, out=x)
    np.testing.assert_array_equal(x, before)


def test_no_samples_give_no_results(engine):
    assert classifier(engine).predict(np.empty((0, 4), np.float32)).shape == (0, 3)


def test_predict_shows_its_progress(engine, capsys):
    model = classifier(engine)
    x, _ = classes()
    y = model.predict(x, verbose=2)
    assert capsys.readouterr().out.startswith("3/3 - ")
    np.testing.assert_array_equal(model.predict(x), y)
    assert capsys.readouterr().out == ""


def test_threads_may_predict_at_the_same_time(engine):
    model = classifier(engine)
    x, _ = classes(500)
    wanted, found = model.predict(x), {}

    def work(number):
        found[number] = [model.predict(x[number:]) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for number, results in found.items():
        for result in results:
            np.testing.assert_allclose(result, wanted[number:], rtol=1e-5)
            np.testing.assert_array_equal(result, results[0])


def test_seeds_decide_the_weights():
    first, second, other = (classifier("generic-native", seed) for seed in (1, 1, 2))
    assert_same(first.get_weights(), second.get_weights())
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_the_engines_start_with_the_same_weights(engine, dtype):
    model, same = (classifier(name, dtype=dtype) for name in (engine, "generic-reference"))
    assert_same(model.get_weights(), same.get_weights())


def test_set_random_seed_repeats_a_whole_process():
    def run():
        fastnn.set_random_seed(42)
        models = [Sequential([Dense(3, input_shape=(4,))]) for _ in range(2)]
        return [model.get_weights()[0] for model in models]

    first, second = run(), run()
    assert_same(first, second)
    assert not np.array_equal(*first)
    with pytest.raises(ValueError, match="seed must be >= 0, got -1"):
        fastnn.set_random_seed(-1)
    with pytest.raises(TypeError, match="seed must be an integer"):
        fastnn.set_random_seed(0.5)


def test_a_config_makes_the_model_again():
    model = classifier("generic-native", name="mine", dtype="float64")
    again = Sequential.from_config(model.get_config(), seed=7, **ENGINES["generic-native"])
    assert again.get_config() == model.get_config()
    assert_same(again.get_weights(), model.get_weights())
    deferred = Sequential([Dense(3), Dropout(0.5)])
    assert not Sequential.from_config(deferred.get_config()).built
    deferred.build((None, 4))
    assert Sequential.from_config(deferred.get_config()).input_shape == (None, 4)


def test_the_engine_is_chosen():
    layers = lambda: [Dense(3, input_shape=(4,))]  # noqa: E731
    x = np.ones((1, 4), np.float32)
    with fastnn.use_backend("reference"):
        model = Sequential(layers())
        model.predict(x)
    assert model._engine.name == "generic"
    assert model._operations == "reference"
    native = Sequential(layers(), engine="native")
    native.predict(x)
    assert native._engine.name == "native"
    with pytest.raises(ValueError, match="native engine cannot compute this network: it needs the native backend"):
        Sequential(layers(), backend="numpy", engine="native").predict(x)
    axes = Sequential([Dense(3, input_shape=(2, 4), name="two")], engine="native")
    with pytest.raises(ValueError, match="native engine cannot compute this network: two "):
        axes.get_weights()
    assert Sequential([Dense(3, input_shape=(2, 4))]).predict(np.ones((1, 2, 4))).shape == (1, 2, 3)


def test_a_network_without_layers_or_variables(engine):
    x = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    model = Sequential([Activation("relu", input_shape=(3,))], **ENGINES[engine])
    np.testing.assert_array_equal(model.predict(x - 2), np.maximum(x - 2, 0))
    assert model.get_weights() == []
    empty = Sequential([Input((3,))], **ENGINES[engine])
    np.testing.assert_array_equal(empty.predict(x), x)
    with pytest.raises(ValueError, match="no layer to pop"):
        empty.pop()


@pytest.mark.parametrize(
    "name",
    [
        "callbacks",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "models",
        "optimizers",
        "optimizers.schedules",
        "regularizers",
    ],
)
def test_the_modules_have_keras_names(name):
    module = importlib.import_module(f"fastnn.{name}")
    for public in module.__all__:
        assert getattr(module, public).__module__.startswith("fastnn") if public[0].isupper() else True
    assert len(module.__all__) == len(set(module.__all__)) >= 2


def test_the_package_has_the_names_of_the_networks():
    assert fastnn.Sequential is fastnn.models.Sequential
    assert fastnn.Dense is fastnn.layers.Dense
    assert set(fastnn.__all__) <= set(dir(fastnn))
    for name in fastnn.__all__:
        assert getattr(fastnn, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Sequentail'"):
        _ = fastnn.Sequentail


def test_import_does_not_load_the_networks():
    code = (
        "import sys, fastnn; assert not [m for m in sys.modules if m.startswith('fastnn.network')]; fastnn.Sequential"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
