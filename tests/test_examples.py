"""The examples run as a user runs them and reach what they promise."""

import pickle
import re
import sys

import numpy as np
import pytest
from example_scripts import EXAMPLES, example
from mnist_files import write_csv, write_idx, write_npz
from safetensors.numpy import save_file

import fastnn

datasets = pytest.importorskip("sklearn.datasets")


@pytest.fixture
def digits():
    return example("digits")


@pytest.fixture
def by_hand():
    return example("digits_by_hand")


def accuracies(figures):
    """Of digits_by_hand."""
    return {backend: [accuracy for accuracy, _ in epochs] for backend, epochs in figures.items()}


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_digits_reaches_97_percent(digits, backend, capsys):
    figures = digits.main(["--backend", backend])
    assert len(figures["accuracy"]) == len(figures["val_accuracy"]) == 30
    assert figures["val_accuracy"][-1] >= 0.97
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "1438 digits to learn from, 359 held out"
    assert len(printed) == 2 + 30
    assert printed[-1].split()[0] == "30"
    assert printed[-1].endswith(f"{figures['val_accuracy'][-1]:.2%}")


def test_digits_is_repeatable(digits):
    arguments = ["--epochs", "2", "--batch-size", "100", "--seed", "7"]
    first, second = (digits.main(arguments) for _ in range(2))
    assert first == second
    assert len(first["accuracy"]) == 2
    assert first != digits.main([*arguments[:-1], "8"])


def test_digits_saves_what_takes_images_as_they_are(digits, tmp_path):
    figures = digits.main(["--epochs", "2", "--save", str(tmp_path / "digits.safetensors")])
    _, (images, labels) = digits.load_data(None, 0)
    assert images.dtype == np.uint8
    answers = fastnn.load_model(tmp_path / "digits.safetensors").predict(images).argmax(axis=1)
    assert np.mean(answers == labels) == figures["val_accuracy"][-1]


def test_digits_draws_its_mistakes(digits, tmp_path):
    pytest.importorskip("matplotlib")
    digits.main(["--epochs", "1", "--plot", str(tmp_path / "digits.png")])
    assert (tmp_path / "digits.png").stat().st_size > 1000


def test_digits_by_hand_reaches_97_percent_with_both_backends(by_hand, capsys):
    figures = by_hand.main([])
    assert list(figures) == ["native", "numpy"]
    for epochs in accuracies(figures).values():
        assert len(epochs) == 30
        assert epochs[-1] >= 0.97
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "1438 digits to learn from, 359 held out"
    assert len(printed) == 2 + 30
    assert f"{figures['native'][-1][0]:.2%}" in printed[-1]


def test_digits_by_hand_is_repeatable(by_hand):
    arguments = ["--epochs", "2", "--batch-size", "100", "--seed", "7"]
    first, second = (accuracies(by_hand.main(arguments)) for _ in range(2))
    assert first == second
    assert len(first["native"]) == 2


@pytest.fixture
def large_digits():
    """700 of the small digits drawn as large as MNIST's, 24 x 24 pixels inside a frame of 2."""
    table = datasets.load_digits()
    order = np.random.default_rng(0).permutation(700)
    images = np.pad((table.images[order] * 15).astype(np.uint8).repeat(3, 1).repeat(3, 2), ((0, 0), (2, 2), (2, 2)))
    labels = table.target[order].astype(np.uint8)
    return {"x_train": images[:600], "y_train": labels[:600], "x_test": images[600:], "y_test": labels[600:]}


@pytest.mark.parametrize("write", [write_npz, write_idx, write_csv])
def test_the_examples_learn_from_mnist_files(digits, by_hand, tmp_path, large_digits, write):
    arguments = ["--data", str(write(tmp_path, large_digits)), "--epochs", "3"]
    assert digits.main(arguments)["val_accuracy"][-1] >= 0.85
    for epochs in accuracies(by_hand.main(arguments)).values():
        assert epochs[-1] >= 0.85


# The systems that tutorials begin with, and the numbers that they state.

TUTORIALS = ["perceptron", "linear_neuron", "activations", "three_layer", "nine_lines", "two_layer", "hopfield"]


def test_perceptron(backend):
    perceptron = example("perceptron")
    figures = perceptron.main([])
    assert figures["and"] == [0, 0, 0, 1]
    assert figures["or"] == [0, 1, 1, 1]
    assert figures["nand"] == [1, 1, 1, 0]
    assert figures["mistakes"] == [15, 6, 4, 2, 4, 2, 2, 0]
    assert figures["accuracy"] == 1.0
    assert len(figures["xor_one_layer_mistakes"]) == 100
    assert min(figures["xor_one_layer_mistakes"]) >= 1
    assert figures["xor_two_layers"] == [0, 1, 1, 0]
    # Novikoff's theorem: with |x| <= R and a margin g to some line, no more than (R / g)**2 mistakes. The bias is the
    # weight of an input of 1.
    x, targets = perceptron.two_classes()
    extended = np.column_stack([x, np.ones(len(x))])
    line = np.array([0.6, 0.8, -0.2])
    margins = (2 * targets - 1) * (extended @ line) / np.linalg.norm(line)
    assert sum(figures["mistakes"]) <= (np.linalg.norm(extended, axis=1).max() / margins.min()) ** 2


def test_linear_neuron(backend, capsys):
    figures = example("linear_neuron").main([])
    assert len(figures["w"]) == len(figures["b"]) == len(figures["loss"]) == 8
    assert figures["w"][-1] == pytest.approx(2, abs=0.15)
    assert figures["b"][-1] == pytest.approx(1, abs=0.15)
    assert figures["loss"][-1] == pytest.approx(0.4**2, abs=0.05)
    assert len(capsys.readouterr().out.splitlines()) == 8


def test_activations(backend):
    figures = example("activations").main([])
    assert len(figures["derivative_errors"]) == 22
    assert max(figures["derivative_errors"].values()) < 1e-8
    assert figures["tanh_error"] < 1e-15
    assert figures["row_sums"] == pytest.approx([1, 1, 1, 1], abs=1e-15)
    row = [0.09003057317038046, 0.24472847105479764, 0.6652409557748218]
    for actual in (figures["softmax_row"], figures["softmax_of_thousands"], *figures["softmax_batch"][:3]):
        assert actual == pytest.approx(row, abs=1e-15)
    assert figures["softmax_batch"][3] == pytest.approx(row[::-1], abs=1e-15)


def test_three_layer(backend, capsys):
    figures = example("three_layer").main([])
    assert capsys.readouterr().out == "[[0.31682708 0.69627909]]\n"
    np.testing.assert_allclose(figures["output"], [[0.31682708, 0.69627909]], rtol=0, atol=5e-9)


def test_nine_lines(backend, capsys):
    figures = example("nine_lines").main([])
    printed = capsys.readouterr().out
    assert printed == "weights [ 9.67299303 -0.2078435  -4.62963669], prediction for [1, 0, 0] 0.99993704\n"
    np.testing.assert_allclose(figures["weights"], [9.67299303, -0.2078435, -4.62963669], rtol=0, atol=5e-9)
    assert figures["prediction"] == pytest.approx(0.99993704, abs=5e-9)


def test_two_layer(backend, capsys):
    figures = example("two_layer").main([])
    outputs = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert outputs == ["0.01009142", "0.97159048", "0.97167813", "0.03296341"]
    expected = [0.01009142, 0.97159048, 0.97167813, 0.03296341]
    np.testing.assert_allclose(figures["outputs"], expected, rtol=0, atol=5e-9)
    assert len(figures["loss"]) == 1500
    assert figures["loss"][-1] < 0.01 < figures["loss"][0]


def test_hopfield_recalls_letters_up_to_its_capacity(backend):
    figures = example("hopfield").main([])
    assert figures["recalled"] == {"T": True, "L": True, "X": True}
    assert (np.diff(figures["energies"]) < 0).all()
    overlaps = figures["overlaps"]
    assert overlaps[0.05] == 1.0
    assert overlaps[0.1] > 0.98
    assert 0.85 < overlaps[0.138] < 0.98
    assert overlaps[0.16] < 0.9
    assert overlaps[0.2] < 0.8


def test_hopfield_networks(backend):
    module = example("hopfield")
    patterns = np.random.default_rng(1).choice([-1, 1], (3, 50))
    network = module.Hopfield(patterns)
    expected = patterns.T @ patterns / 50
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(network.weights, expected)
    for pattern in patterns:
        np.testing.assert_array_equal(network.recall(pattern), pattern)
        np.testing.assert_array_equal(network.recall(-pattern), -pattern)
        assert network.energy(pattern) == pytest.approx(-pattern @ expected @ pattern / 2)
    damaged = patterns[0].copy()
    damaged[:8] *= -1
    for order in (None, np.arange(50), np.arange(50)[::-1]):
        np.testing.assert_array_equal(network.recall(damaged, order), patterns[0])
    assert (damaged[:8] == -patterns[0][:8]).all()
    # From anywhere: each step changes one unit, against its field alone, and the end is stable.
    state = np.random.default_rng(2).choice([-1.0, 1.0], 50)
    for following in network.steps(state):
        (unit,) = np.flatnonzero(following != state)
        assert state[unit] * (expected[unit] @ state) < 0
        assert network.energy(following) < network.energy(state)
        state = following
    assert (state * (expected @ state) > -1e-12).all()


def test_hopfield_keeps_what_no_field_pulls_at():
    """Two patterns whose weights cancel: half of the units are pulled neither way by the other half."""
    module = example("hopfield")
    network = module.Hopfield([[1, 1, 1], [1, -1, -1]])
    for state in ([1, 1, 1], [-1, 1, 1], [1, -1, -1]):
        assert network.recall(state).tolist() == state
    for patterns in ([1, -1], [[1, 0]], [[2, 1]]):
        with pytest.raises(ValueError, match=r"patterns must have shape \(P, N\)"):
            module.Hopfield(patterns)
    for state in ([1, 1], [1, 0, 1]):
        with pytest.raises(ValueError, match="state must be 3 values -1 or 1"):
            network.recall(state)
    with pytest.raises(ValueError, match="order must hold each of 0 to 2 once"):
        network.recall([1, 1, -1], order=[0, 1, 1])


WEIGHT_NAMES = ("W1", "b1", "W2", "b2", "W3", "b3")


def saved_digits(tmp_path, *arguments):
    return example("saved_digits").main(["--save", str(tmp_path / "weights.npz"), *arguments])


@pytest.mark.parametrize("arguments", [[], ["--min-max"]])
def test_saved_digits_trains_its_own(tmp_path, backend, arguments):
    figures = saved_digits(tmp_path, *arguments, *(["--epochs", "12"] if backend == "reference" else []))
    assert figures["digits"] == 540
    assert figures["correct"] == figures["correct_by_hundreds"]
    assert figures["correct"] / 540 >= (0.96 if backend == "native" else 0.9)
    with np.load(tmp_path / "weights.npz") as arrays:
        shapes = [arrays[name].shape for name in WEIGHT_NAMES]
    assert shapes == [(64, 50), (50,), (50, 100), (100,), (100, 10), (10,)]


def test_saved_digits_reads_each_form_of_weights(tmp_path):
    expected = saved_digits(tmp_path, "--epochs", "5")
    with np.load(tmp_path / "weights.npz") as file:
        arrays = {name: file[name] for name in WEIGHT_NAMES}
    save_file(arrays, tmp_path / "weights.safetensors")
    (tmp_path / "weights.pkl").write_bytes(pickle.dumps(arrays))
    for form in ("npz", "safetensors", "pkl"):
        assert example("saved_digits").main(["--weights", str(tmp_path / f"weights.{form}")]) == expected


@pytest.mark.parametrize("write", [write_npz, write_idx, write_csv])
def test_saved_digits_reads_mnist_files(tmp_path, large_digits, write):
    figures = saved_digits(tmp_path, "--data", str(write(tmp_path, large_digits)), "--min-max", "--epochs", "20")
    assert figures["digits"] == 210
    assert figures["correct"] == figures["correct_by_hundreds"] >= 0.85 * 210


def changed(arrays, **others):
    return {name: array for name, array in {**arrays, **others}.items() if array is not None}


SHAPES = [(64, 5), (5,), (5, 4), (4,), (4, 10), (10,)]
WEIGHTS = {name: np.zeros(shape) for name, shape in zip(WEIGHT_NAMES, SHAPES, strict=True)}
BAD_WEIGHTS = {
    "not there": (None, "No such file"),
    "not chained": (changed(WEIGHTS, W2=np.zeros((6, 4))), "for 5 inputs W2 must have shape (5, units)"),
    "of larger images": (changed(WEIGHTS, W1=np.zeros((784, 5))), "for 64 inputs W1 must have shape (64, units)"),
    "of another bias": (changed(WEIGHTS, b3=np.zeros(9)), "b3 (units,), got (4, 10) and (9,)"),
    "without a bias": (changed(WEIGHTS, b2=None), "there must be six arrays named W1, b1, W2, b2, W3, b3"),
    "complex": (changed(WEIGHTS, b2=np.zeros(4, complex)), "must be real numbers"),
    "a list": ([WEIGHTS], "there must be six arrays"),
    "of objects": (changed(WEIGHTS, W1=np.array([None])), "an array of dtype 'O8'"),
    "with a number": (changed(WEIGHTS, W1=3.0), "it holds a float"),
    "with a function": (changed(WEIGHTS, W1=np.load), "it asks for numpy.load"),
}


@pytest.mark.parametrize(("weights", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_saved_digits_refuses_bad_weights_in_one_sentence(tmp_path, capsys, weights, message):
    path = tmp_path / "weights.pkl"
    if weights is not None:
        path.write_bytes(pickle.dumps(weights))
    with pytest.raises(SystemExit) as stopped:
        example("saved_digits").main(["--weights", str(path)])
    assert stopped.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert str(path) in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--data", "nowhere.npz"], ["--data", "text.csv"], ["--epochs", "-1"], ["--plot", "nowhere/a.png"]]
)
def test_saved_digits_refuses_bad_input_in_one_sentence(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.csv").write_text("label,hello\nyes,no\n")
    with pytest.raises(SystemExit) as stopped:
        saved_digits(tmp_path, "--epochs", "1", *arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def shortened(backend, *arguments):
    """Nothing for the native backend, on which a script is run in full."""
    return [] if backend == "native" else list(arguments)


def test_keras_mnist_judges_each_digit(backend, capsys):
    figures = example("keras_mnist").main(shortened(backend, "--epochs", "3"))
    assert figures["test_accuracy"] >= (0.96 if backend == "native" else 0.8)
    table = np.array(figures["confusion"])
    assert table.shape == (10, 10)
    assert np.trace(table) / table.sum() == pytest.approx(figures["test_accuracy"])
    np.testing.assert_allclose(figures["recall"], np.diag(table) / table.sum(axis=1))
    np.testing.assert_allclose(figures["precision"], np.diag(table) / table.sum(axis=0))
    for p, r, f1 in zip(figures["precision"], figures["recall"], figures["f1"], strict=True):
        assert f1 == pytest.approx(2 * p * r / (p + r))
    assert "macro avg" in capsys.readouterr().out


SUBJECTS = {
    "descent": ["whole batches", "single samples", "batches of 32"],
    "learning_rates": [*(f"rate {rate}" for rate in (0.001, 0.01, 0.1, 1.0, 3.0)), "rate 1.0, falling"],
    "scaling": ["raw", "from 0 to 1", "standardised"],
    "sizes": ["small", "deep", "wide", "large"],
    "regularisation": ["none", "L1", "L2", "dropout"],
    "augmentation": ["no more", "shifted", "turned", "scaled", "all three"],
    "search": ["grid", "random", "Bayesian"],
    "ensemble": [*(f"member {number}" for number in range(1, 6)), "all five"],
}


@pytest.mark.slow
def test_tuning(backend, capsys):
    pytest.importorskip("optuna")
    figures = example("tuning/__main__").main(shortened(backend, "--epochs", "1"))
    assert {subject: list(settings) for subject, settings in figures.items()} == SUBJECTS
    assert len(capsys.readouterr().out.splitlines()) == 1 + sum(map(len, SUBJECTS.values()))
    if backend != "native":
        return
    held_out = {name: {key: one["held_out"] for key, one in settings.items()} for name, settings in figures.items()}
    assert held_out["descent"]["whole batches"] < 0.5 < 0.9 < held_out["descent"]["batches of 32"]
    assert held_out["descent"]["single samples"] > 0.9
    rates = held_out["learning_rates"]
    assert rates["rate 0.001"] < rates["rate 0.01"] < rates["rate 0.1"]
    assert rates["rate 3.0"] < 0.5 < 0.95 < rates["rate 1.0, falling"]
    assert held_out["scaling"]["raw"] < 0.8 < 0.9 < held_out["scaling"]["standardised"]
    assert held_out["sizes"]["small"] < held_out["sizes"]["large"]
    for remedy in ("L1", "L2", "dropout"):
        assert held_out["regularisation"][remedy] > held_out["regularisation"]["none"] + 0.02
    moved = {setting: one["moved"] for setting, one in figures["augmentation"].items()}
    assert moved["no more"] < 0.7 < 0.9 < moved["all three"]
    assert held_out["augmentation"]["all three"] >= held_out["augmentation"]["no more"]
    assert min(held_out["search"].values()) >= 0.95
    for one in figures["search"].values():
        assert len(one["tried"]) == len(one["scores"]) == 12
    members = [held_out["ensemble"][f"member {number}"] for number in range(1, 6)]
    assert held_out["ensemble"]["all five"] > max(members)


def test_search_without_optuna(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    figures = example("tuning/search").main(["--epochs", "1"])
    assert list(figures["search"]) == ["grid", "random"]
    assert "pip install optuna" in capsys.readouterr().out


# What is made of dense layers alone, and what it must reach.
ALONE = {
    "convolution": lambda figures: figures["accuracy"][-1] >= 0.98,
    "rnn": lambda figures: figures["loss"][-1] < 0.03,  # 1/6 without having learnt anything
    "lstm": lambda figures: figures["loss"][-1] < 0.002,
    "gru": lambda figures: figures["loss"][-1] < 0.002,
    "graph_convolution": lambda figures: set(figures["wrong"]) <= {2, 8},
    "gan": lambda figures: abs(figures["radius"] - 1) < 0.05 and figures["spread"] < 0.15 and figures["emptiest"] > 0.5,
}


def quick(name):
    """The arguments with which a script of a folder is done soon."""
    folder, _, script = name.partition("/")
    if folder == "tuning" or script == "convolution":
        return ["--epochs", "1"]
    return ["--steps", "20"] if folder == "with_dense_alone" else []


@pytest.mark.parametrize("name", ALONE)
def test_with_dense_alone(backend, name):
    script = f"with_dense_alone/{name}"
    figures = example(script).main(shortened(backend, *quick(script)))
    assert figures["gradient_error"] < 1e-6
    assert backend != "native" or ALONE[name](figures)


def test_numba_kernels(capsys):
    pytest.importorskip("numba", reason="the numba backend needs numba")
    script = example("numba_kernels")
    figures = script.main([])
    assert len(figures["loss"]) == 30
    assert figures["loss"][-1] < 0.02 < figures["loss"][0]
    assert figures["accuracy"] >= 0.97
    assert capsys.readouterr().out.splitlines()[-1] == f"{figures['accuracy']:.2%} of 359 digits held out"


def test_numba_kernels_says_what_it_needs(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(SystemExit) as stopped:
        example("numba_kernels").main([])
    assert stopped.value.code == 2
    assert "numba" in capsys.readouterr().err


def test_the_karate_club_is_zacharys():
    """The figures of the paper: 34 members, 78 friendships, and how many friends the two leaders have."""
    friends = example("with_dense_alone/graph_convolution").mixing() > 0
    assert friends.shape == (34, 34)
    assert (friends == friends.T).all()
    assert friends.sum() == 34 + 2 * 78
    assert friends.sum(axis=1)[[0, 33]].tolist() == [1 + 16, 1 + 17]


IN_FOLDERS = [f"tuning/{name}" for name in SUBJECTS] + [f"with_dense_alone/{name}" for name in ALONE]
DRAWING = [*TUTORIALS, "saved_digits", "keras_mnist", "tuning/__main__", *IN_FOLDERS]


@pytest.mark.parametrize("name", DRAWING)
def test_examples_draw_when_asked(tmp_path, monkeypatch, capsys, name):
    pytest.importorskip("matplotlib")
    if name == "tuning/search":
        pytest.importorskip("optuna")
    monkeypatch.chdir(tmp_path)
    script = example(name)
    script.main([*quick(name), "--plot", str(tmp_path / "picture.png")])
    assert (tmp_path / "picture.png").stat().st_size > 1000
    with pytest.raises(SystemExit) as stopped:
        script.main([*quick(name), "--plot", str(tmp_path / "nowhere" / "picture.png")])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", [*TUTORIALS, "keras_mnist", "tuning/descent", "with_dense_alone/gan"])
def test_examples_say_what_they_need_for_pictures(monkeypatch, capsys, name):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SystemExit) as stopped:
        example(name).main([*quick(name), "--plot", "picture.png"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.endswith("matplotlib is not installed: pip install 'fastnn-kernels[plot]'\n")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("keras_mnist", ["--data", "nowhere.npz"]),
        ("keras_mnist", ["--epochs", "-1"]),
        ("keras_mnist", ["--epochs", "0"]),
        ("tuning/__main__", ["--epochs", "0"]),
        ("with_dense_alone/convolution", ["--epochs", "0"]),
        ("with_dense_alone/gan", ["--steps", "-3"]),
        ("numba_kernels", ["--epochs", "0"]),
    ],
)
def test_examples_refuse_bad_input_in_one_sentence(tmp_path, monkeypatch, capsys, name, arguments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        example(name).main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_list_of_examples_is_whole():
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name in [
        *TUTORIALS,
        "saved_digits",
        "digits",
        "digits_by_hand",
        "keras_mnist",
        "tabular",
        "numba_kernels",
        *IN_FOLDERS,
    ]:
        assert f"]({name}.py)" in text
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert {f"pictures/{file.name}" for file in (EXAMPLES / "pictures").iterdir()} <= set(pictures)
    for picture in pictures:
        assert (EXAMPLES / picture).is_file()


def test_scripts_are_short():
    for script in EXAMPLES.rglob("*.py"):
        assert script.read_text(encoding="utf-8").count("\n") <= 120
