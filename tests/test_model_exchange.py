"""Models cross between Python and C++: the same file, the same bits, and training that goes on on the other side.

The program is tests/cpp/model_tool.cpp, which is built with the C++ tests; FASTNN_MODEL_TOOL names it.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import Sequential, load_model
from fastnn.activations import NAMES
from fastnn.layers import ELU, Activation, Dense, Dropout, Flatten, Input, LeakyReLU, PReLU, ReLU, Rescaling, Softmax
from fastnn.losses import BinaryCrossentropy, CategoricalCrossentropy, Huber
from fastnn.network import modelfile
from fastnn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from fastnn.optimizers.schedules import CosineDecay

TOOL = os.environ.get("FASTNN_MODEL_TOOL", "")
V1 = Path(__file__).parent / "data" / "model_v1.safetensors"
ROWS = 70
# fastnn/base.h
OK, BAD_FILE, BAD_MODEL, WRONG_RESULT = 0, 11, 12, 13

pytestmark = pytest.mark.skipif(
    not TOOL, reason="FASTNN_MODEL_TOOL does not name the program that is built with the C++ tests"
)


def tool(*arguments):
    """Runs the program; returns what it prints."""
    run = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def hash_of(values):
    """FNV-1a of 64 bits, as in the program."""
    total = 0xCBF29CE484222325
    for byte in values.tobytes():
        total = (total ^ byte) * 0x100000001B3 % 2**64
    return f"{total:016x}"


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


def sequential(layers, dtype, **options):
    return Sequential(layers, dtype=dtype, seed=11, backend="native", engine="native", **options)


NETWORKS = {
    "dense": lambda: [Dense(5, input_shape=(6,))],
    "no bias": lambda: [Dense(33, "relu", use_bias=False, input_shape=(6,)), Dense(2)],
    "input": lambda: [Input((2, 3), name="pixels"), Flatten(), Dense(4, "softmax")],
    "flatten": lambda: [Flatten(input_shape=(3, 2)), Rescaling(1 / 255, -0.5), Dense(4), Softmax()],
    "rescaling": lambda: [Rescaling(0.1, 1e-3, input_shape=(6,)), Dense(130, "gelu"), Rescaling(3.0), Dense(1)],
    "activations": lambda: [
        Dense(40, fastnn.LeakyReLU(0.3), input_shape=(6,)),
        ReLU(),
        Dense(9, fastnn.Softplus(0.7)),
        ReLU(6.0),
        Dense(9, fastnn.CELU(0.4)),
        ReLU(negative_slope=0.2),
        Dense(9, fastnn.Swish(1.3)),
        LeakyReLU(),
        Dense(9, fastnn.ELU(0.9)),
        ELU(0.5),
        Activation("softmax"),
    ],
    "prelu": lambda: [PReLU(input_shape=(6,), alpha_initializer="ones"), Dense(7), PReLU(shared_axes=[1]), Dense(2)],
    "dropout": lambda: [Dropout(0.5, input_shape=(6,)), Dense(12, "tanh"), Dropout(0.25), Dense(3, "softmax")],
    "every name": lambda: [Dense(3, name, input_shape=(6,)) if i == 0 else Activation(name) for i, name in NAMED],
    "unicode": lambda: [Dense(2, name='schön ☃ \U0001f600\\"\n\x7f', input_shape=(6,))],
}
# exp of exp of exp is inf.
NAMED = list(enumerate(["tanh", *(name for name in NAMES if name != "exponential"), "leaky_relu", "silu", "linear"]))


def samples(model, rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, *model.input_shape[1:])).astype(model.dtype)


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_have_the_same_bits(name, dtype, folder):
    model = sequential(NETWORKS[name](), dtype)
    model.set_weights([w + np.float64(0.01) for w in model.get_weights()])
    model.save(folder / "model")
    x = samples(model)
    x.tofile(folder / "x")
    wanted = model.predict(x)
    printed = tool("predict", folder / "model", folder / "x", folder / "y")
    np.testing.assert_array_equal(np.fromfile(folder / "y", dtype), wanted.reshape(-1))
    assert printed == hash_of(wanted)
    pixels = np.random.default_rng(1).integers(0, 256, x.shape, np.uint8)
    pixels.tofile(folder / "pixels")
    wanted = model.predict(pixels)
    assert tool("bytes", folder / "model", folder / "pixels", folder / "y") == hash_of(wanted)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_copy_has_the_same_bytes(name, dtype, folder):
    model = sequential(NETWORKS[name](), dtype, name="né")
    model.compile(Adam(0.1, epsilon=1e-300, clipnorm=1e22), "mse", ["mae"], ["mse"])
    model.save(folder / "model")
    tool("copy", folder / "model", folder / "copy")
    assert (folder / "copy").read_bytes() == (folder / "model").read_bytes()


TRAININGS = {
    "sgd": (SGD(0.01), "sparse_categorical_crossentropy"),
    "momentum": (SGD(0.01, 0.9, nesterov=True, clipvalue=0.1), "categorical_crossentropy"),
    "adam": (Adam(0.01, 0.8, 0.99), "sparse_categorical_crossentropy"),
    "adamw": (AdamW(0.01, 0.1, clipnorm=0.5), CategoricalCrossentropy(label_smoothing=0.1)),
    "rmsprop": (RMSprop(0.01, 0.8, 0.5, weight_decay=0.01), Huber(0.4, "sum")),
    "adagrad": (Adagrad(0.01, 0.2, global_clipnorm=0.3), "mae"),
    "mse": (Adam(0.01), "mse"),
    "poisson": (SGD(0.01), "poisson"),
    "hinge": (RMSprop(0.01), "hinge"),
    "sum": (SGD(0.001), fastnn.losses.SumSquaredError()),
    "binary": (Adam(0.01), BinaryCrossentropy(label_smoothing=0.2)),
    "binary from logits": (SGD(0.01), BinaryCrossentropy(from_logits=True)),
    "schedule": (SGD(CosineDecay(0.01, 100, alpha=1.0)), "mse"),
}
LAST = {"binary": "sigmoid", "binary from logits": "linear", "mse": "linear", "poisson": "exponential"}


@pytest.mark.parametrize("name", TRAININGS)
def test_training_goes_on_to_the_same_bits(name, dtype, folder):
    optimizer, loss = TRAININGS[name]
    optimizer = fastnn.optimizers.deserialize(fastnn.optimizers.serialize(optimizer))
    layers = [
        Rescaling(0.5, input_shape=(6,)),
        Dense(20, "tanh", kernel_regularizer="l2", bias_regularizer=fastnn.regularizers.L1(0.001)),
        Dropout(0.25),
        PReLU(alpha_regularizer=fastnn.regularizers.L1L2(0.001, 0.002)),
        Dense(3, LAST.get(name, "softmax")),
    ]
    model = sequential(layers, dtype)
    model.compile(optimizer, loss, ["mae"] if "mse" in name else None)
    x, rng = samples(model), np.random.default_rng(5)
    classes = rng.integers(0, 3, ROWS)
    by_class = loss == "sparse_categorical_crossentropy"
    y = classes if by_class else np.eye(3, dtype=dtype)[classes]
    if name == "hinge":
        y = 2 * y - 1
    model.fit(x, y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    model.save(folder / "model")
    x.tofile(folder / "x")
    targets = folder / ("y.classes" if by_class else "y")
    y.astype(np.int64 if by_class else dtype).tofile(targets)
    rate = model.optimizer.learning_rate
    tool("train", folder / "model", folder / "x", targets, 16, 10, rate, folder / "losses", folder / "new")

    losses = []
    for _ in range(2):
        for begin in range(0, ROWS, 16):
            logs = model.train_on_batch(x[begin : begin + 16], y[begin : begin + 16], return_dict=True)
            losses.append(logs["loss"])
    # Python's are multiplied and divided by the number of rows on their way.
    np.testing.assert_allclose(np.fromfile(folder / "losses"), losses, rtol=1e-15)
    again = load_model(folder / "new", backend="native", engine="native")
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again.optimizer.iterations == model.optimizer.iterations == 20
    # The states too: the file is the one that Python would have written.
    model.save(folder / "wanted")
    assert (folder / "new").read_bytes() == (folder / "wanted").read_bytes()


@pytest.mark.parametrize("loss", range(9))
def test_networks_made_in_cpp_load_in_python(loss, dtype, folder):
    tool("make", dtype, loss, folder / "model")
    model = load_model(folder / "model", backend="native", engine="native")
    assert [layer.name for layer in model.layers] == [
        *("rescaling", "dense", "dropout", "p_re_lu", "dense_1", "activation" if loss == 6 else "softmax")
    ]
    kernel = model.get_weights()[0]
    limit = np.sqrt(6 / (5 + 17))
    assert np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.2)
    x = samples(model)
    x.tofile(folder / "x")
    wanted = model.predict(x)
    assert tool("predict", folder / "model", folder / "x", folder / "y") == hash_of(wanted)
    # Python goes on with it, and writes what C++ reads.
    by_class = loss == 8
    classes = np.arange(ROWS) % 3
    y = classes if by_class else np.eye(3)[classes]
    if loss != 6:
        model.fit(x, y, verbose=0)
    model.fit(x, y, verbose=0)
    model.save(folder / "model")
    assert tool("status", folder / "model") == str(OK)
    assert tool("predict", folder / "model", folder / "x", folder / "y") == hash_of(model.predict(x))


def test_version_1_stays_readable(folder):
    x = np.linspace(-1, 1, 40, dtype=np.float32).reshape(10, 4)
    x.tofile(folder / "x")
    model = load_model(V1, backend="native", engine="native")
    assert tool("predict", V1, folder / "x", folder / "y") == hash_of(model.predict(x))


def small(folder):
    model = sequential([Dense(3, "softmax", input_shape=(4,))], "float32")
    model.compile(SGD(0.1, 0.9), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(np.eye(4, dtype=np.float32), np.arange(4) % 3, verbose=0)
    model.save(folder / "model")
    return folder / "model"


def test_damaged_files_are_refused(folder):
    file = small(folder)
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    changed = [whole[:length] for length in (0, 7, 8, 9, 500, len(whole) - 1)]
    for place in rng.integers(0, len(whole), 60).tolist():
        other = bytearray(whole)
        other[place] ^= 1 << int(rng.integers(8))
        changed.append(bytes(other))
    found = []
    for contents in changed:
        file.write_bytes(contents)
        found.append(int(tool("status", file)))
        try:
            load_model(file)
        except ValueError:
            assert found[-1] in (BAD_FILE, BAD_MODEL)
        else:
            # A bit that stands for nothing, such as that of a space.
            assert found[-1] in (OK, BAD_FILE)
    assert found.count(OK) < 3


CHANGES = {
    "weights alone": (lambda d, a: d.update(kind="weights"), BAD_MODEL),
    "newer": (lambda d, a: d.update(format_version=2), BAD_FILE),
    "no version": (lambda d, a: d.update(format_version="1"), BAD_FILE),
    "huge layer": (lambda d, a: d["model"]["layers"][0]["config"].update(units=10**12), BAD_MODEL),
    "huge samples": (lambda d, a: d["model"].update(input_shape=[10**12]), BAD_MODEL),
    "several axes": (lambda d, a: d["model"].update(input_shape=[2, 2]), BAD_MODEL),
    "unknown layer": (lambda d, a: d["model"]["layers"][0].update(class_name="Conv2D"), BAD_MODEL),
    "unknown argument": (lambda d, a: d["model"]["layers"][0]["config"].update(colour=1), BAD_MODEL),
    "unknown activation": (lambda d, a: d["model"]["layers"][0]["config"].update(activation="sin"), BAD_MODEL),
    "unknown optimizer": (lambda d, a: d["compile"]["optimizer"].update(class_name="Lion"), BAD_MODEL),
    "bad rate": (lambda d, a: d["compile"]["optimizer"]["config"].update(learning_rate=-1.0), BAD_MODEL),
    "bad momentum": (lambda d, a: d["compile"]["optimizer"]["config"].update(momentum=1.5), BAD_MODEL),
    "unknown loss": (lambda d, a: d["compile"]["loss"].update(class_name="Bad"), BAD_MODEL),
    "no layers": (lambda d, a: d["model"].update(layers=[]), BAD_MODEL),
    "no array": (lambda d, a: a.pop("variables/dense/bias"), BAD_MODEL),
    "no state": (lambda d, a: a.pop("optimizer/k/dense/bias"), BAD_MODEL),
    "other shape": (lambda d, a: a.update({"variables/dense/bias": np.zeros(4, np.float32)}), BAD_MODEL),
    "other dtype": (lambda d, a: a.update({"variables/dense/bias": np.zeros(3, np.int32)}), BAD_MODEL),
    "other result": (lambda d, a: a.update({"example/y": a["example/y"] + np.float32(0.01)}), WRONG_RESULT),
    "other weights": (
        lambda d, a: a.update({"variables/dense/kernel": -a["variables/dense/kernel"]}),
        WRONG_RESULT,
    ),
    "bad count": (lambda d, a: d["compile"].update(iterations=-1), BAD_MODEL),
    "huge count": (lambda d, a: d["compile"].update(iterations=10**25), BAD_MODEL),
    "bad seed": (lambda d, a: d["compile"].update(dropout_seed="x"), BAD_MODEL),
    "wider": (lambda d, a: a.update({"variables/dense/bias": a["variables/dense/bias"].astype(np.float64)}), OK),
    "more arrays": (lambda d, a: a.update({k: np.zeros((2, 0), k) for k in ("int8", "bool", "uint16")}), OK),
    "odd numbers": (
        lambda d, a: d["compile"]["optimizer"]["config"].update(clipvalue=float("inf"), momentum=5e-324),
        OK,
    ),
    "odd notes": (lambda d, a: d["model"].update(name="\t\x00\ud83d\ude00é"), OK),
    "big integers": (lambda d, a: d["random"].update(uinteger=10**1000), OK),
}


@pytest.mark.parametrize("name", CHANGES)
def test_files_with_a_checksum_that_fits_are_judged_alike(name, folder):
    file = small(folder)
    change, status = CHANGES[name]
    document, arrays = modelfile.read(file)
    change(document, arrays)
    modelfile.write(file, document, arrays, overwrite=True)
    assert int(tool("status", file)) == status


def test_a_file_that_is_not_there(folder):
    assert tool("status", folder / "none") == "10"
    assert tool("status", folder) == "10"
    run = subprocess.run([TOOL, "copy", V1, folder / "none" / "model"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "save: the file cannot be opened, read or written\n")


def test_a_link_stays_a_link(folder):
    (folder / "file").write_bytes(b"old")
    (folder / "link").symlink_to(folder / "file")
    tool("copy", V1, folder / "link")
    assert (folder / "link").is_symlink()
    assert (folder / "file").read_bytes() == V1.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["file", "link"]
