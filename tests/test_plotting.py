"""The pictures: what is in them, that they can be saved, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn import plotting
from fastnn.network.callback import History
from fastnn.network.layers import Activation, Dense, Dropout, Flatten
from fastnn.network.sequential import Sequential

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


def classifier(classes: int = 3) -> Sequential:
    return Sequential([Dense(5, "tanh", input_shape=(2,)), Dropout(0.5), Dense(classes, "softmax")], seed=1)


def images() -> Sequential:
    return Sequential([Flatten(input_shape=(4, 6)), Dense(7, "relu", name="hidden"), Dense(2)], seed=2)


def points(count: int = 30) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, 2))


def history(**curves: list[float]) -> History:
    made = History()
    made.history = dict(curves)
    made.epoch = list(range(len(next(iter(curves.values())))))
    return made


def lines(panel: Any) -> dict[str, list[list[float]]]:
    return {line.get_label(): [list(line.get_xdata()), list(line.get_ydata())] for line in panel.get_lines()}


# --- learning curves


def test_learning_curves_have_a_panel_for_each_quantity() -> None:
    made = history(loss=[3.0, 2.0, 1.0], accuracy=[0.1, 0.2, 0.3], val_loss=[4.0, 3.0, 2.0], learning_rate=[1, 1, 1])
    figure = plotting.learning_curves(made)
    assert [panel.get_title() for panel in figure.axes] == ["loss", "accuracy", "learning_rate"]
    assert lines(figure.axes[0]) == {
        "training": [[1, 2, 3], [3.0, 2.0, 1.0]],
        "validation": [[1, 2, 3], [4.0, 3.0, 2.0]],
    }
    assert lines(figure.axes[1]) == {"training": [[1, 2, 3], [0.1, 0.2, 0.3]]}


def test_learning_curves_of_a_dict_and_of_a_later_training() -> None:
    assert lines(plotting.learning_curves({"loss": [2.0, 1.0]}).axes[0]) == {"training": [[1, 2], [2.0, 1.0]]}
    later = history(loss=[2.0, 1.0])
    later.epoch = [5, 6]
    assert lines(plotting.learning_curves(later).axes[0])["training"][0] == [6, 7]


def test_a_validation_every_second_epoch() -> None:
    made = history(loss=[5.0, 4.0, 3.0, 2.0, 1.0], val_loss=[4.0, 2.0])
    assert lines(plotting.learning_curves(made).axes[0])["validation"] == [[2, 4], [4.0, 2.0]]


# --- weights and activations


def test_first_layer_weights_are_the_columns_of_the_kernel() -> None:
    model = images()
    figure = plotting.first_layer_weights(model)
    drawn = [panel.images[0].get_array() for panel in figure.axes if panel.images]
    assert len(drawn) == 7
    kernel = model.get_weights()[0]
    for unit, image in enumerate(drawn):
        np.testing.assert_array_equal(image, kernel[:, unit].reshape(4, 6))


@pytest.mark.parametrize(
    ("inputs", "shape", "drawn"), [((9,), None, (3, 3)), ((6,), None, (1, 6)), ((6,), (2, 3), (2, 3))]
)
def test_the_shape_of_the_images(
    inputs: tuple[int, ...], shape: tuple[int, int] | None, drawn: tuple[int, int]
) -> None:
    figure = plotting.first_layer_weights(Sequential([Dense(4, input_shape=inputs)]), shape=shape, count=3)
    assert [panel.images[0].get_array().shape for panel in figure.axes if panel.images] == [drawn] * 3


def test_weights_that_are_all_zero_or_nan() -> None:
    model = Sequential([Dense(1, kernel_initializer="zeros", input_shape=(4,))])
    assert plotting.first_layer_weights(model).axes[0].images[0].get_clim() == (-1.0, 1.0)
    model.set_weights([np.full((4, 1), np.nan), np.zeros(1)])
    assert plotting.first_layer_weights(model).axes[0].images[0].get_clim() == (-1.0, 1.0)


@pytest.mark.parametrize("layer", [1, "hidden", -2])
def test_activations_of_a_layer(layer: int | str) -> None:
    model, x = images(), np.random.default_rng(4).normal(size=(5, 4, 6)).astype(np.float32)
    before = model.get_weights()
    image = plotting.layer_activations(model, x, layer).axes[0].images[0].get_array()
    kernel, bias = before[:2]
    np.testing.assert_allclose(image, np.maximum(x.reshape(5, 24) @ kernel + bias, 0), rtol=1e-5, atol=1e-6)
    # The model is as it was.
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert model.predict(x).shape == (5, 2)


def test_activations_of_a_layer_without_weights() -> None:
    x = np.arange(48.0).reshape(2, 4, 6)
    image = plotting.layer_activations(images(), x).axes[0].images[0].get_array()
    np.testing.assert_array_equal(image, x.reshape(2, 24))


# --- decision boundary


@pytest.mark.parametrize("shape", ["indices", "column", "one-hot"])
def test_decision_boundary_of_several_classes(shape: str) -> None:
    y = np.arange(30) % 3
    given = {"indices": y, "column": y[:, None], "one-hot": np.eye(3)[y]}[shape]
    panel = plotting.decision_boundary(classifier(), points(), given, resolution=20).axes[0]
    regions, samples = panel.collections
    assert set(np.unique(regions.get_array())) <= {0, 1, 2}
    np.testing.assert_array_equal(samples.get_array(), y)
    np.testing.assert_array_equal(samples.get_offsets(), points())


def test_decision_boundary_shows_the_answers_of_the_model() -> None:
    model = classifier()
    regions = plotting.decision_boundary(model, points(), np.zeros(30, int), resolution=12).axes[0].collections[0]
    low, high = points().min(axis=0), points().max(axis=0)
    margin = 0.1 * (high - low)
    first, second = (np.linspace(low[i] - margin[i], high[i] + margin[i], 12) for i in range(2))
    shown = np.asarray(regions.get_array()).reshape(12, 12)
    for row, column in ((0, 0), (0, 11), (7, 3)):
        answer = model.predict(np.array([[first[column], second[row]]]))
        assert shown[row, column] == answer.argmax()


def test_decision_boundary_of_one_output() -> None:
    model = Sequential([Dense(1, use_bias=False, input_shape=(2,)), Activation("sigmoid")])
    model.set_weights([np.array([[1.0], [0.0]])])
    figure = plotting.decision_boundary(model, points(), points()[:, 0] > 0, resolution=50)
    line = figure.axes[0].collections[1].get_paths()[0].vertices
    # The boundary is where the first coordinate is 0.
    np.testing.assert_allclose(line[:, 0], 0.0, atol=0.02)
    # No boundary in sight: no line, and no warning.
    far = plotting.decision_boundary(model, points(), points()[:, 0] > 0, resolution=5, threshold=2.0)
    assert len(far.axes[0].collections) == 2


def test_decision_boundary_of_a_single_sample() -> None:
    assert plotting.decision_boundary(classifier(), [[1.0, 2.0]], [0], resolution=3).axes


# --- confusion matrix


def texts(figure: Any) -> list[list[int]]:
    panel = figure.axes[0]
    side = len(panel.get_xticks())
    return np.array([int(text.get_text()) for text in panel.texts]).reshape(side, side).tolist()


def test_confusion_matrix_counts() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    truth, guess = rng.integers(0, 4, 100), rng.integers(0, 4, 100)
    expected = metrics.confusion_matrix(truth, guess).tolist()
    assert texts(plotting.confusion_matrix(truth, guess)) == expected
    assert texts(plotting.confusion_matrix(truth[:, None], np.eye(4)[guess] * 0.7)) == expected


def test_confusion_matrix_with_names_and_a_class_that_does_not_occur() -> None:
    pytest.importorskip("sklearn.metrics")
    figure = plotting.confusion_matrix([0, 1, 1], [0.0, 1.0, 0.0], names=["cat", "dog", "whale"])
    assert texts(figure) == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["cat", "dog", "whale"]


# --- all of them

PICTURES: dict[str, Callable[..., Any]] = {
    "learning_curves": lambda file: plotting.learning_curves({"loss": [1.0]}, file),
    "first_layer_weights": lambda file: plotting.first_layer_weights(images(), file=file),
    "layer_activations": lambda file: plotting.layer_activations(images(), np.zeros((2, 4, 6)), file=file),
    "decision_boundary": lambda file: plotting.decision_boundary(
        classifier(), points(4), [0, 1, 2, 0], file, resolution=9
    ),
    "confusion_matrix": lambda file: plotting.confusion_matrix([0, 1], [0, 1], file=file),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_saved(name: str, tmp_path: Path) -> None:
    if name == "confusion_matrix":
        pytest.importorskip("sklearn.metrics")
    figure = PICTURES[name](tmp_path / "picture.png")
    assert type(figure).__name__ == "Figure"
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    # Figures of pyplot would pile up.
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize("name", PICTURES)
def test_without_matplotlib(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(ImportError, match=r"is not installed: pip install 'fastnn-kernels\[plot\]'"):
        PICTURES[name](None)


def test_new_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = plotting.new_figure(4, 3)
    assert figure.get_size_inches().tolist() == [4, 3]
    assert not figure.axes
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"^matplotlib is not installed: pip install 'fastnn-kernels\[plot\]'$"):
        plotting.new_figure(4, 3)


BAD: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: plotting.learning_curves([1.0]), TypeError, "history must be a History or a dict of lists, got a list"),
    (lambda: plotting.learning_curves({}), ValueError, "history must have at least one epoch"),
    (
        lambda: plotting.first_layer_weights(Sequential([Flatten(input_shape=(2, 2))])),
        ValueError,
        "model must have a dense layer",
    ),
    (lambda: plotting.first_layer_weights(images(), (5, 5)), ValueError, "as the layer has inputs, 24, got 25"),
    (lambda: plotting.first_layer_weights(images(), 24), ValueError, r"shape must be \(rows, columns\), got 24"),
    (lambda: plotting.first_layer_weights(images(), count=0), ValueError, "count must be >= 1"),
    (lambda: plotting.layer_activations(images(), np.zeros((2, 4, 6)), "hidde"), ValueError, "did you mean 'hidden'"),
    (
        lambda: plotting.decision_boundary(images(), np.zeros((3, 3)), [0, 1, 2]),
        ValueError,
        r"x must have shape \(N, 2\)",
    ),
    (lambda: plotting.decision_boundary(classifier(), points(3), [0, 1]), ValueError, "as many rows as x, 3, got 2"),
    (
        lambda: plotting.decision_boundary(classifier(), points(1), [0.5]),
        ValueError,
        "y must be class indices.*got 0.5",
    ),
    (lambda: plotting.decision_boundary(classifier(), points(1), [np.nan]), ValueError, "class indices.*got nan"),
    (lambda: plotting.confusion_matrix([0, 1], [0]), ValueError, "the same number of rows >= 1, got 2 and 1"),
    (lambda: plotting.confusion_matrix([], []), ValueError, "the same number of rows >= 1, got 0 and 0"),
    (lambda: plotting.confusion_matrix([0, -1], [0, 1]), ValueError, "y_true must be class indices.*got -1"),
    (
        lambda: plotting.confusion_matrix([0, 2], [0, 1], names=["a", "b"]),
        ValueError,
        "the classes 0 to 2, got 2 names",
    ),
    (lambda: plotting.confusion_matrix(np.zeros((1, 1, 1)), [0]), ValueError, r"y_true must have shape \(N,\)"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments(case: int) -> None:
    call, error, sentence = BAD[case]
    with pytest.raises(error, match=sentence):
        call()
