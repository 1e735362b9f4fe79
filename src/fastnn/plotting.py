"""Pictures of a training and of what a network has learnt, drawn by matplotlib.

Every function returns a matplotlib Figure, which a notebook shows, and writes it to `file` if that is given; the ending
decides the kind (png, svg, pdf). matplotlib and scikit-learn are imported when they are needed:
`pip install 'fastnn-kernels[plot]'`.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments
from fastnn.arrays import to_ndarray
from fastnn.network.callback import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from fastnn.arrays import Array
    from fastnn.network.sequential import Sequential

    File = str | os.PathLike[str] | None


def new_figure(width: float, height: float) -> Figure:
    """An empty figure for a picture of one's own, of that size in inches, which lays out its panels by itself.

    Raises:
        ImportError: matplotlib is not installed.
    """
    # Without pyplot, which would keep the figure and choose a window for it.
    figure: Figure = _needed("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")
    return figure


def learning_curves(history: History | Mapping[str, Sequence[float]], file: File = None) -> Figure:
    """The loss and each metric over the epochs, a panel each, with its validation beside it.

    Args:
        history: what fit returns, or its dict history.
        file: where to save the picture, or None.

    Returns:
        A Figure with one panel for each name that does not begin with val_.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: history is neither.
        ValueError: history is empty.
    """
    curves = history.history if isinstance(history, History) else history
    if not isinstance(curves, Mapping):
        raise TypeError(f"history must be a History or a dict of lists, got a {type(history).__name__}")
    names = list(dict.fromkeys(name.removeprefix("val_") for name in curves))
    count = max((len(values) for values in curves.values()), default=0)
    if count == 0:
        raise ValueError("history must have at least one epoch, got none")
    epochs = [epoch + 1 for epoch in history.epoch] if isinstance(history, History) else []
    if len(epochs) != count:
        epochs = list(range(1, count + 1))
    figure = new_figure(4.5 * len(names), 3.2)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if curves.get(key):
                values = curves[key]
                panel.plot(_places(epochs, len(values)), values, ".-", linewidth=1, label=label)
        panel.set(title=name, xlabel="epoch")
        panel.locator_params(axis="x", integer=True)
        panel.grid(alpha=0.3)
        panel.legend()
    return _saved(figure, file)


def first_layer_weights(
    model: Sequential, shape: tuple[int, int] | None = None, count: int = 25, file: File = None
) -> Figure:
    """The weights of the first dense layer's units as images, red where positive and blue where negative.

    Args:
        model: a built model.
        shape: (rows, columns) of an image, rows * columns = the layer's inputs; by default that of the samples where
            they have two axes, else a square where that fits, else one row.
        count: how many units to show at most, >= 1.
        file: where to save the picture, or None.

    Returns:
        A Figure with one image for each unit.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the model has no dense layer, or shape or count is wrong.
    """
    most = arguments.integer(count, "count", 1)
    kernel = next((array for array in model.get_weights() if array.ndim == 2), None)
    if kernel is None:
        raise ValueError("model must have a dense layer, got one without")
    inputs, units = kernel.shape
    rows, columns = _image_shape(shape, inputs, model.input_shape[1:])
    shown = min(most, units)
    across = math.ceil(math.sqrt(shown))
    down = math.ceil(shown / across)
    figure = new_figure(1.3 * across + 1, 1.3 * down)
    panels = figure.subplots(down, across, squeeze=False)
    limit = float(np.abs(kernel[:, :shown]).max())
    limit = limit if math.isfinite(limit) and limit > 0 else 1.0
    image: Any = None
    for unit, panel in enumerate(panels.flat):
        panel.set_axis_off()
        if unit < shown:
            weights = kernel[:, unit].reshape(rows, columns)
            image = panel.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(image, ax=panels)
    return _saved(figure, file)


def layer_activations(model: Sequential, x: ArrayLike, layer: int | str = 0, file: File = None) -> Figure:
    """The results of one layer for some samples: a row for each sample, a column for each unit.

    Args:
        model: a built model.
        x: samples, shape (N, *input shape).
        layer: the layer's index or name.
        file: where to save the picture, or None.

    Returns:
        A Figure with one image of N rows.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: x does not fit the model, or there is no such layer.
    """
    found = model.get_layer(name=layer) if isinstance(layer, str) else model.get_layer(index=layer)
    values = _until(model, model.layers.index(found)).predict(x)
    values = values.reshape(len(values), -1)
    figure = new_figure(6.5, min(2 + 0.15 * len(values), 12))
    panel = figure.subplots()
    image = panel.imshow(values, aspect="auto", interpolation="nearest")
    panel.set(title=found.name, xlabel="unit", ylabel="sample")
    figure.colorbar(image, ax=panel)
    return _saved(figure, file)


def decision_boundary(
    model: Sequential,
    x: ArrayLike,
    y: ArrayLike,
    file: File = None,
    *,
    threshold: float = 0.5,
    resolution: int = 200,
) -> Figure:
    """What the model answers everywhere in a plane, and the samples upon it in the colours of their classes.

    Args:
        model: a model of two inputs. With one output the boundary is where that is threshold; with more, the class is
            that of the largest.
        x: samples, shape (N, 2).
        y: class indices of shape (N,) or (N, 1), or one-hot rows of shape (N, C).
        file: where to save the picture, or None.
        threshold: see model.
        resolution: points along each axis, >= 2.

    Returns:
        A Figure with one panel.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: x or y is no array of real numbers.
        ValueError: a shape is wrong, or x is empty.
    """
    points, limit = to_ndarray(x, "x"), arguments.real(threshold, "threshold")
    steps = arguments.integer(resolution, "resolution", 2)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"x must have shape (N, 2) with N >= 1, got {points.shape}")
    classes = _classes(y, "y")
    if len(classes) != len(points):
        raise ValueError(f"y must have as many rows as x, {len(points)}, got {len(classes)}")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.1 * (high - low), 1.0)
    first, second = (np.linspace(low[i] - margin[i], high[i] + margin[i], steps) for i in range(2))
    plane = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    answers = model.predict(plane).reshape(len(plane), -1)
    figure = new_figure(5.5, 4.5)
    panel = figure.subplots()
    if answers.shape[1] == 1:
        values = answers.reshape(steps, steps)
        image = panel.pcolormesh(first, second, values, cmap="coolwarm", alpha=0.6, shading="nearest")
        if values.min() < limit < values.max():
            panel.contour(first, second, values, levels=[limit], colors="black", linewidths=1)
        figure.colorbar(image, ax=panel)
        most = 1
    else:
        regions = answers.argmax(axis=1).reshape(steps, steps)
        most = answers.shape[1] - 1
        panel.pcolormesh(first, second, regions, cmap="viridis", vmin=0, vmax=most, alpha=0.4, shading="nearest")
    colours = "coolwarm" if answers.shape[1] == 1 else "viridis"
    panel.scatter(
        points[:, 0], points[:, 1], c=classes, cmap=colours, vmin=0, vmax=most, s=14, edgecolors="black", linewidths=0.4
    )
    return _saved(figure, file)


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, names: Sequence[str] | None = None, file: File = None
) -> Figure:
    """How often each class (row) was taken for each class (column), counted by scikit-learn.

    Args:
        y_true: class indices of shape (N,) or (N, 1), or one-hot rows of shape (N, C).
        y_pred: the same, or probabilities of shape (N, C) or logits: what predict returns. A single column of
            probabilities has to be compared with a threshold first: y_pred > 0.5.
        names: of the classes, or None for their numbers.
        file: where to save the picture, or None.

    Returns:
        A Figure with one panel.

    Raises:
        ImportError: matplotlib or scikit-learn is not installed.
        TypeError: y_true or y_pred is no array of real numbers.
        ValueError: a shape is wrong, there are no rows, or names are not as many as the classes.
    """
    truth, guess = _classes(y_true, "y_true"), _classes(y_pred, "y_pred")
    if len(truth) != len(guess) or not len(truth):
        raise ValueError(f"y_true and y_pred must have the same number of rows >= 1, got {len(truth)} and {len(guess)}")
    classes = np.arange(max(truth.max(), guess.max()) + 1) if names is None else np.arange(len(names))
    if len(classes) <= max(truth.max(), guess.max()):
        raise ValueError(f"names must name the classes 0 to {max(truth.max(), guess.max())}, got {len(classes)} names")
    table = _needed("sklearn.metrics").confusion_matrix(truth, guess, labels=classes)
    labels = [str(one) for one in (classes if names is None else names)]
    size = 1.5 + 0.5 * len(labels)
    figure = new_figure(size + 0.8, size)
    panel = figure.subplots()
    image = panel.imshow(table, cmap="Blues")
    for row, column in np.ndindex(table.shape):
        count = int(table[row, column])
        colour = "white" if count > table.max() / 2 else "black"
        panel.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=8)
    panel.set_xticks(range(len(labels)), labels, rotation=45 if max(map(len, labels)) > 3 else 0)
    panel.set_yticks(range(len(labels)), labels)
    panel.set(xlabel="predicted", ylabel="true")
    figure.colorbar(image, ax=panel)
    return _saved(figure, file)


def _needed(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = "scikit-learn" if module.startswith("sklearn") else "matplotlib"
        raise ImportError(f"{package} is not installed: pip install 'fastnn-kernels[plot]'") from error


def _saved(figure: Figure, file: File) -> Figure:
    if file is not None:
        figure.savefig(file, dpi=110)
    return figure


def _places(epochs: list[int], count: int) -> list[int]:
    """The epochs of count values: all of them, or with a validation_freq every so many."""
    every = max(len(epochs) // count, 1)
    return epochs[every - 1 :: every][:count]


def _image_shape(shape: object, inputs: int, samples: tuple[int | None, ...]) -> tuple[int, int]:
    if shape is not None:
        if not isinstance(shape, (tuple, list)) or len(shape) != 2:
            raise ValueError(f"shape must be (rows, columns), got {shape!r}")
        rows, columns = (arguments.integer(size, f"shape[{i}]", 1) for i, size in enumerate(shape))
        if rows * columns != inputs:
            raise ValueError(f"shape must have as many pixels as the layer has inputs, {inputs}, got {rows * columns}")
        return rows, columns
    sizes = [size or 0 for size in samples]
    if len(sizes) == 2 and math.prod(sizes) == inputs:
        return sizes[0], sizes[1]
    side = math.isqrt(inputs)
    return (side, side) if side * side == inputs else (1, inputs)


def _until(model: Sequential, last: int) -> Sequential:
    """A copy of the model that ends with that layer."""
    from fastnn.network import layers
    from fastnn.network.sequential import Sequential

    kept = model.layers[: last + 1]
    copies = [layers.from_config(type(layer).__name__, layer.get_config()) for layer in kept]
    part = Sequential(copies, dtype=model.dtype, seed=0)
    part.build(model.input_shape)
    part.set_weights([array for layer in kept for array in layer.get_weights()])
    return part


def _classes(y: object, name: str) -> Array:
    """Class indices, int64 of shape (N,), from indices or from a score for each class."""
    values = to_ndarray(y, name)
    if values.ndim == 2 and values.shape[1] > 1:
        best: Array = values.argmax(axis=1)
        return best
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"{name} must have shape (N,), (N, 1) or (N, C), got {values.shape}")
    bad = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))
    if bad.any():
        raise ValueError(f"{name} must be class indices, whole numbers >= 0, got {values[bad.argmax()]}")
    return values.astype(np.int64)
