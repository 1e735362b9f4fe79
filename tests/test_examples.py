"""The examples run as a user runs them and reach what they promise."""

import gzip
import importlib.util
import re
import struct
from pathlib import Path

import numpy as np
import pytest

import fastnn

datasets = pytest.importorskip("sklearn.datasets")

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def write_npz(directory, arrays):
    np.savez(directory / "mnist.npz", **arrays)
    return directory / "mnist.npz"


def write_idx(directory, arrays):
    for array, name in zip(
        arrays.values(), ("train-images", "train-labels", "t10k-images", "t10k-labels"), strict=True
    ):
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (directory / f"{name}-idx{array.ndim}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return directory


def write_csv(directory, arrays):
    images = np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(-1, 784)
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    names = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    table = np.column_stack([labels, images])
    np.savetxt(directory / "train.csv", table, fmt="%d", delimiter=",", header=names, comments="")
    return directory / "train.csv"


@pytest.mark.parametrize("write", [write_npz, write_idx, write_csv])
def test_the_examples_learn_from_mnist_files(digits, by_hand, tmp_path, write):
    """On the small digits drawn as large as MNIST's, 24 x 24 pixels inside a frame of 2."""
    table = datasets.load_digits()
    order = np.random.default_rng(0).permutation(700)
    images = np.pad((table.images[order] * 15).astype(np.uint8).repeat(3, 1).repeat(3, 2), ((0, 0), (2, 2), (2, 2)))
    labels = table.target[order].astype(np.uint8)
    arrays = {"x_train": images[:600], "y_train": labels[:600], "x_test": images[600:], "y_test": labels[600:]}
    arguments = ["--data", str(write(tmp_path, arrays)), "--epochs", "3"]
    assert digits.main(arguments)["val_accuracy"][-1] >= 0.85
    for epochs in accuracies(by_hand.main(arguments)).values():
        assert epochs[-1] >= 0.85


README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_code_in_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 3
    names = {}
    exec(compile("".join(blocks), "README.md", "exec"), names)
    assert np.mean(names["digits"] == datasets.load_digits().target[1500:]) >= 0.9
    assert names["y"].shape == (32, 128)
    assert names["p"].shape == (32, 10)
