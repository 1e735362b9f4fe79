"""Saved models: the same again, training that goes on to the same bits, whole files or none, and errors that name them.

model_v1.safetensors was made, at the model of make_v1, by

    cd tests && python -c "import test_saving; test_saving.make_v1().save('data/model_v1.safetensors')"
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from sequential_models import ENGINE_PARAMETERS, ENGINES, assert_same, classes, classifier

import fastnn
from fastnn import Sequential, load_model
from fastnn.layers import (
    ELU,
    Activation,
    Dense,
    Dropout,
    Flatten,
    Input,
    LeakyReLU,
    PReLU,
    ReLU,
    Rescaling,
    Softmax,
)
from fastnn.losses import BinaryCrossentropy, CategoricalCrossentropy, Huber
from fastnn.metrics import SparseCategoricalAccuracy, TopKCategoricalAccuracy
from fastnn.network import modelfile
from fastnn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from fastnn.optimizers.schedules import CosineDecay

V1 = Path(__file__).parent / "data" / "model_v1.safetensors"


@pytest.fixture(params=ENGINE_PARAMETERS)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def small(**options):
    """A quick model, trained a little."""
    model = Sequential([Dense(3, "softmax", input_shape=(4,))], seed=1, **options)
    model.compile(SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(*classes(), verbose=0)
    return model


OPTIMIZERS = {
    "sgd": lambda: SGD(0.05),
    "momentum": lambda: SGD(0.05, momentum=0.9, nesterov=True, clipnorm=1.0),
    "adam": lambda: Adam(CosineDecay(0.01, 20)),
    "adamw": lambda: AdamW(0.01, weight_decay=0.1, global_clipnorm=0.5),
    "rmsprop": lambda: RMSprop(0.01, momentum=0.5, clipvalue=0.1),
    "adagrad": lambda: Adagrad(0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on_to_the_same_bits(engine, dtype, optimizer, file):
    x, y = classes()
    model = classifier(engine, dtype=dtype)
    model.compile(OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=2, verbose=0)
    model.save(file)
    again = load_model(file, **ENGINES[engine])
    assert again.optimizer.iterations == 6
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert_same(again.get_weights(), model.get_weights())
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    first, second = (m.fit(x, y, epochs=5, initial_epoch=2, verbose=0).history for m in (model, again))
    assert_same(again.get_weights(), model.get_weights())
    assert first == second
    assert again.get_config() == model.get_config()


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}


@pytest.mark.parametrize("way", COPIES)
def test_copies_go_on_to_the_same_bits_and_share_nothing(engine, way):
    x, y = classes()
    model = classifier(engine)
    model.fit(x, y, epochs=2, verbose=0)
    again = COPIES[way](model)
    assert type(again._engine) is type(model._engine)
    weights = model.get_weights()
    again.fit(x, y, verbose=0)
    assert_same(model.get_weights(), weights)
    assert again.history.history == model.fit(x, y, verbose=0).history
    assert_same(again.get_weights(), model.get_weights())


@pytest.mark.parametrize("way", COPIES)
def test_copies_of_what_is_not_built(way):
    model = COPIES[way](Sequential([Dense(3)], seed=1, name="open"))
    assert (model.name, model.built) == ("open", False)
    layer = COPIES[way](small().layers[0])
    assert not layer.built
    assert Sequential([layer]).predict(np.ones((2, 4))).shape == (2, 3)


def test_a_model_that_has_not_begun_goes_on_to_the_same_bits(engine, file):
    x, y = classes()
    for begin in (lambda model: model.build((None, 4)), lambda model: model.predict(x)):
        model = Sequential([Dense(8, "relu"), Dropout(0.5), Dense(3, "softmax")], seed=3, **ENGINES[engine])
        model.compile("adam", "sparse_categorical_crossentropy", [SparseCategoricalAccuracy, "accuracy"])
        begin(model)
        model.save(file)
        again = load_model(file, **ENGINES[engine])
        assert again.metrics_names == ["loss", "sparse_categorical_accuracy", "accuracy"]
        first, second = (m.fit(x, y, epochs=2, verbose=0).history for m in (model, again))
        assert first == second
        assert_same(again.get_weights(), model.get_weights())


def test_every_layer_is_saved(engine, dtype, file):
    model = Sequential(
        [
            Input((2, 3), name="pixels"),
            Flatten(),
            Rescaling(1 / 255, -0.5),
            Dense(7, fastnn.LeakyReLU(0.3), kernel_initializer="he_normal", kernel_regularizer="l2", name="wide"),
            ReLU(6.0),
            LeakyReLU(),
            ELU(0.5),
            PReLU(shared_axes=[1]),
            Dropout(0.1),
            Dense(5, "gelu", use_bias=False, bias_regularizer=fastnn.regularizers.L1(0.5)),
            Activation("tanh"),
            Dense(4),
            Softmax(),
        ],
        name="all",
        dtype=dtype,
        **ENGINES[engine],
    )
    model.compile("sgd", CategoricalCrossentropy(label_smoothing=0.1), [TopKCategoricalAccuracy(2)], ["accuracy"])
    model.save(file)
    again = load_model(file, **ENGINES[engine])
    assert again.get_config() == model.get_config()
    x = np.random.default_rng(0).integers(0, 255, (30, 2, 3), np.uint8)
    y = np.eye(4)[np.arange(30) % 4]
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.evaluate(x, y, verbose=0, return_dict=True) == model.evaluate(x, y, verbose=0, return_dict=True)
    assert again.loss.get_config() == model.loss.get_config()
    assert again.layers[2].name == "wide"


@pytest.mark.parametrize("loss", [None, "mse", Huber(0.3), BinaryCrossentropy(from_logits=True, label_smoothing=0.1)])
def test_every_loss_is_saved(loss, file):
    model = Sequential([Dense(2, input_shape=(4,))])
    model.compile("adam", loss)
    model.save(file)
    again = load_model(file)
    assert (again.loss is None) == (loss is None)
    if loss is not None:
        assert again.loss.get_config() == model.loss.get_config()
        assert type(again.loss) is type(model.loss)


def test_what_compile_was_given_may_stay_away(file):
    small().save(file)
    again = load_model(file, compile=False)
    assert again.optimizer is None
    bare = Sequential([Dense(2, input_shape=(4,))])
    bare.save(file)
    assert load_model(file).optimizer is None
    with pytest.raises(ValueError, match="not compiled"):
        load_model(file).fit(*classes())


def test_other_backends_read_the_same_file(engine, file):
    model = small(backend="native")
    model.save(file)
    x, y = classes()
    again = load_model(file, **ENGINES[engine])
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-5)
    np.testing.assert_allclose(again.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-5)


def test_a_diverged_model_is_saved_too(file):
    model = small()
    model.set_weights([np.full((4, 3), np.nan), np.full(3, np.inf)])
    model.save(file)
    assert_same(load_model(file).get_weights(), model.get_weights())


def test_two_saves_have_the_same_bytes(file, tmp_path):
    model = small()
    model.save(file)
    model.save(tmp_path / "other")
    assert file.read_bytes() == (tmp_path / "other").read_bytes()


def test_weights_alone(engine, file):
    model, other = classifier(engine), classifier(engine, seed=8)
    model.save_weights(file)
    other.load_weights(file)
    assert_same(model.get_weights(), other.get_weights())
    with pytest.raises(ValueError, match=r"model\.safetensors: holds weights alone"):
        load_model(file)
    renamed = Sequential([Dense(3, input_shape=(4,), name="mine")])
    whole = Sequential([Dense(3, input_shape=(4,))])
    whole.save(file)
    renamed.load_weights(file)
    assert_same(renamed.get_weights(), whole.get_weights())


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Dense(3, input_shape=(5,))], r"variables/dense/kernel must have shape \(5, 3\), got \(4, 3\)"),
        ([Dense(3, input_shape=(4,)), Dense(3)], "holds 2 arrays of weights, the model has 4"),
    ],
)
def test_weights_of_other_shapes_are_refused(layers, message, file):
    small().save_weights(file)
    model = Sequential(layers)
    before = model.get_weights()
    with pytest.raises(ValueError, match=rf"model\.safetensors: {message}"):
        model.load_weights(file)
    assert_same(model.get_weights(), before)


def test_saving_is_all_or_nothing(file, monkeypatch):
    model = small()
    model.save(file)
    before = file.read_bytes()

    def fail(*arguments):
        raise OSError("disk full")

    model.fit(*classes(), verbose=0)
    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="disk full"):
                model.save(file)
        assert file.read_bytes() == before
        assert list(file.parent.iterdir()) == [file]
    with pytest.raises(FileExistsError, match=r"model\.safetensors exists already; pass overwrite=True"):
        model.save(file, overwrite=False)
    assert file.read_bytes() == before
    model.save(file)
    assert file.read_bytes() != before


def test_a_link_stays_a_link(file, tmp_path):
    link = tmp_path / "link"
    file.write_bytes(b"old")
    link.symlink_to(file)
    small().save(link)
    assert link.is_symlink()
    load_model(file)


def test_places_that_cannot_be_written_or_read(file, tmp_path):
    model = small()
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "none" / "model")
    with pytest.raises(IsADirectoryError, match="is a directory"):
        model.save(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_model(file)
    with pytest.raises(FileNotFoundError):
        model.load_weights(file)
    assert list(tmp_path.iterdir()) == []


def test_what_no_file_can_hold_is_refused_before_writing(file):
    model = small()
    model.compile(SGD(lambda step: 0.1), "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="learning_rate is the function <lambda>, which a file cannot hold"):
        model.save(file)
    with pytest.raises(ValueError, match="model is not built"):
        Sequential([Dense(3)]).save(file)
    assert not file.exists()
    model.save_weights(file)


def test_cut_files_are_refused(file):
    small().save(file)
    whole = file.read_bytes()
    for length in (*range(40), *range(40, len(whole), 97), len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"model\.safetensors: "):
            load_model(file)
    file.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match=r"model\.safetensors: "):
        load_model(file)


def test_mutated_files_are_refused_or_the_same(file):
    model = small()
    model.save(file)
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    refused = same = 0
    places = [*range(8), *rng.integers(0, len(whole), 400).tolist()]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(changed)
        try:
            again = load_model(file)
        except ValueError as error:
            refused += str(error).startswith(str(file))
        else:
            same += all(map(np.array_equal, again.get_weights(), model.get_weights()))
    assert refused + same == len(places)
    assert refused > 0.9 * len(places)


@pytest.mark.parametrize("contents", [b"", b"PK\3\4", b"\x89HDF\r\n\x1a\n" * 100, b"\xff" * 100, b"\0" * 64])
def test_foreign_files_are_refused(contents, file):
    file.write_bytes(contents)
    model = small()
    before = model.get_weights()
    for load in (load_model, model.load_weights):
        with pytest.raises(ValueError, match=r"model\.safetensors: "):
            load(file)
    assert_same(model.get_weights(), before)


def test_other_safetensors_files_are_refused(file):
    save_file({"x": np.zeros(3)}, file)
    with pytest.raises(ValueError, match=r"model\.safetensors: a safetensors file, but not of a fastnn model"):
        load_model(file)


def rewritten(file, change):
    """The file again with a changed document and a checksum that fits."""
    document, arrays = modelfile.read(file)
    change(document, arrays)
    modelfile.write(file, document, arrays, overwrite=True)


CHANGES = {
    "huge layer": lambda d, a: d["model"]["layers"][0]["config"].update(units=10**12),
    "huge samples": lambda d, a: d["model"].update(input_shape=[10**12]),
    "unknown layer": lambda d, a: d["model"]["layers"][0].update(class_name="os.system"),
    "unknown optimizer": lambda d, a: d["compile"]["optimizer"].update(class_name="Bad"),
    "unknown loss": lambda d, a: d["compile"]["loss"].update(class_name="Bad"),
    "no layers": lambda d, a: d["model"].update(layers=[]),
    "wrong argument": lambda d, a: d["model"]["layers"][0]["config"].update(colour=1),
    "no model": lambda d, a: d.pop("model"),
    "no array": lambda d, a: a.pop("variables/dense/bias"),
    "no state": lambda d, a: a.pop("optimizer/k/dense/bias"),
    "other shape": lambda d, a: a.update({"variables/dense/bias": np.zeros(4, np.float32)}),
    "other dtype": lambda d, a: a.update({"variables/dense/bias": np.zeros(3, np.int32)}),
    "other result": lambda d, a: a.update({"example/y": a["example/y"] + np.float32(0.01)}),
    "other weights": lambda d, a: a.update({"variables/dense/kernel": -a["variables/dense/kernel"]}),
    "bad generator": lambda d, a: d["random"].update(bit_generator="MT19937"),
    "bad state": lambda d, a: d["random"]["state"].update(state=-1),
    "bad count": lambda d, a: d["compile"].update(iterations=-1),
    "huge count": lambda d, a: d["compile"].update(iterations=10**25),
    "bad seed": lambda d, a: d["compile"].update(dropout_seed="x"),
    "bad version": lambda d, a: d.update(format_version=0),
    "bad dtype": lambda d, a: d["model"].update(dtype="int8"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_files_that_do_not_fit_themselves_are_refused(name, file):
    small().save(file)
    rewritten(file, CHANGES[name])
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"model\.safetensors: "):
        load_model(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6


def test_newer_files_are_refused(file):
    small().save(file)
    rewritten(file, lambda document, arrays: document.update(format_version=2))
    with pytest.raises(ValueError, match="format version 2 needs a newer fastnn; this one reads up to 1"):
        load_model(file)


def test_the_file_is_plain_safetensors(file):
    model = small()
    model.save(file)
    with safe_open(file, framework="np") as opened:
        assert sorted(opened.keys()) == [
            "example/x",
            "example/y",
            "optimizer/k/dense/bias",
            "optimizer/k/dense/kernel",
            "variables/dense/bias",
            "variables/dense/kernel",
        ]
        np.testing.assert_array_equal(opened.get_tensor("variables/dense/kernel"), model.get_weights()[0])
        document = json.loads(opened.metadata()["fastnn"])
    assert (document["format_version"], document["fastnn"]) == (1, fastnn.__version__)
    assert document["model"]["layers"][0]["class_name"] == "Dense"


def make_v1() -> Sequential:
    """The model in data/model_v1.safetensors: exact weights, three steps of Adam."""
    layers = [
        Rescaling(0.5, input_shape=(4,)),
        Dense(6, "tanh", kernel_regularizer="l2"),
        Dropout(0.25),
        Dense(5),
        PReLU(),
        Dense(3, "softmax"),
    ]
    model = Sequential(layers, name="first", seed=5)
    model.set_weights([np.linspace(-1, 1, w.size).reshape(w.shape) for w in model.get_weights()])
    model.compile(Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(*classes(), epochs=1, verbose=0)
    return model


def test_version_1_stays_readable(engine):
    model = load_model(V1, **ENGINES[engine])
    assert model.name == "first"
    assert model.optimizer.iterations == 3
    x, y = classes()
    np.testing.assert_allclose(model.predict(x[:1])[0], [0.01459542, 0.14476368, 0.8406410], rtol=1e-5)
    same = make_v1()
    np.testing.assert_allclose(model.predict(x), same.predict(x), rtol=1e-4)
    first, second = (m.fit(x, y, epochs=2, verbose=0).history for m in (model, same))
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-4)
