"""The examples of networks run as a user runs them and reach what they promise."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from example_scripts import example

import fastnn

datasets = pytest.importorskip("sklearn.datasets")


@pytest.fixture
def mnist_file(tmp_path):
    """scikit-learn's digits drawn as large as MNIST's: 24 x 24 pixels inside a frame of 2."""
    digits = datasets.load_digits()
    order = np.random.default_rng(0).permutation(1797)
    images = (digits.images[order] * 15).astype(np.uint8).repeat(3, 1).repeat(3, 2)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    labels = digits.target[order].astype(np.uint8)
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=images[:1500], y_train=labels[:1500], x_test=images[1500:], y_test=labels[1500:])
    return path


def test_kerass_script_runs(mnist_file, capsys):
    figures = example("keras_mnist").main(["--data", str(mnist_file)])
    assert len(figures["accuracy"]) == 5
    assert figures["accuracy"][-1] >= 0.97
    assert figures["test_accuracy"] >= 0.93
    printed = capsys.readouterr().out
    assert "Total params: 101,770" in printed
    assert "Epoch 5/5" in printed
    assert f"test accuracy: {figures['test_accuracy']:.2%}" in printed


def test_kerass_script_is_repeatable():
    first, second = (example("keras_mnist").main(["--epochs", "2", "--seed", "3"]) for _ in range(2))
    assert first == second


def test_tabular_tells_tumours_apart(tmp_path, capsys):
    saved, picture = tmp_path / "model.safetensors", tmp_path / "curves.png"
    tabular = example("tabular")
    figures = tabular.main(["--save", str(saved), "--plot", str(picture)])
    assert figures["test_accuracy"] >= 0.94
    assert figures["epochs"] < 100
    assert f"stopped after {figures['epochs']} epochs" in capsys.readouterr().out
    assert picture.stat().st_size > 1000
    _, x_test, _, y_test = tabular.load_data(0)
    loss, accuracy = fastnn.load_model(saved).evaluate(x_test, y_test, verbose=0)
    assert (loss, accuracy) == (figures["test_loss"], figures["test_accuracy"])


NETWORKS = (Path(__file__).parent.parent / "docs" / "networks.md").read_text(encoding="utf-8")


def test_code_in_the_page_of_networks_runs(mnist_file, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASTNN_MNIST", str(mnist_file))
    blocks = re.findall(r"```python\n(.*?)```", NETWORKS, re.DOTALL)
    assert len(blocks) == 8
    names = {}
    exec(compile("\n".join(blocks), "networks.md", "exec"), names)
    assert names["accuracy"] >= 0.9
    assert names["test_accuracy"] >= 0.93
    probabilities = np.concatenate(names["answers"])
    assert np.mean(probabilities.argmax(axis=1) == names["y_test"]) >= 0.9
    assert (names["probabilities"] == probabilities[:1]).all()
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert drawn == {"mnist_curves.png", "mnist_weights.png", "mnist_confusion.png", "moons.png"}


def test_the_page_of_networks_shows_pictures_that_are_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", NETWORKS)
    assert len(pictures) == 5
    for picture in pictures:
        assert (Path(__file__).parent.parent / "docs" / picture).is_file()


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
