"""The cells of whole networks: predicting, a step of learning, and an epoch.

All networks are dense layers with relu between them and a softmax at the end; they learn classes with cross-entropy and
Adam. A shape is B and the sizes of the layers: 32x784x128x10 is 784-128-10 on batches of 32.

- predict: one call on B rows.
- train_step: the time of a step out of a run of steps over resident batches, `batches(B)` of them in a call, from the
  first to the last without shuffling. What is checked are the weights after one such run from the initial weights, at
  Adam's usual rate. Timed are further runs at a rate that leaves the weights as they are: the numbers stay those of a
  network that learns (no unit dies, so no moment decays to a denormal), however long the measurement takes.
- epoch: all rows once from the initial weights, in a new random order, with loss and accuracy: what `fit` does. The
  data are made up to be like MNIST: 60000 rows, a fifth of the pixels lit, ten classes, one label in twenty at random.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from fastnn.bench.op import Array, Arrays, Cost, Op, Sizes, log_softmax, normal

RATE = 1e-3
# Added to a weight of float32 it changes nothing, and its product with a moment is no denormal.
IDLE_RATE = 1e-12
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-10
EPOCH_ROWS, QUICK_ROWS = 60000, 6000

# What libraries mean by epsilon differs (Keras's is PyTorch's times sqrt(1 - beta2**step)), which shows where gradients
# are small, and first of all where a unit is nearly dead: hence an epsilon below the usual, and this tolerance. It is
# for the distance of the weights from the right ones, as a share of the way they have gone; another order of the
# batches gives far more.
WAY_TOLERANCE = 0.02
LIT, LIT_IN_SHAPE, LIT_ELSEWHERE, RANDOM_LABELS = 0.18, 0.85, 0.05, 0.05
CHECKED_ROWS = 6000


def batches(batch: int) -> int:
    """How many batches a call of train_step works through: 64, but at most 8192 rows where 8 batches have fewer."""
    return max(8, min(64, 8192 // batch))


def layers(arrays: Arrays) -> list[tuple[Array, Array]]:
    """The initial weights: (w, b) of every layer."""
    count = sum(name.startswith("w") for name in arrays)
    return [(arrays[f"w{i}"], arrays[f"b{i}"]) for i in range(count)]


def weights(arrays: Arrays) -> list[Array]:
    """Copies of the initial weights, as Keras orders them: w, b, w, b ..."""
    return [array.copy() for layer in layers(arrays) for array in layer]


def way(arrays: Arrays, now: list[Array]) -> tuple[Array, ...]:
    """By how much each of the weights, in Keras's order, has changed, in float64."""
    return tuple(np.asarray(w, np.float64) - start for w, start in zip(now, weights(arrays), strict=True))


def loss(arrays: Arrays, now: list[Array]) -> Array:
    """The mean cross-entropy of the first rows with these weights, in float64."""
    x, y = arrays["x"][:CHECKED_ROWS], arrays["y"][:CHECKED_ROWS]
    log_p = log_softmax(_activations(x, now)[-1])
    return np.asarray(-log_p[np.arange(len(y)), y].mean())


def _activations(x: Array, now: list[Array]) -> list[Array]:
    """x, the results of the hidden layers, and the logits, in float64."""
    results = [x.astype(np.float64)]
    for i in range(0, len(now), 2):
        z = results[-1] @ now[i].astype(np.float64) + now[i + 1]
        results.append(np.maximum(z, 0) if i + 2 < len(now) else z)
    return results


def _initial(rng: np.random.Generator, sizes: Sizes, dtype: str) -> Arrays:
    arrays = {}
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        arrays[f"w{i}"] = normal(rng, dtype, inputs, outputs) * np.asarray(math.sqrt(2 / (inputs + outputs)), dtype)
        arrays[f"b{i}"] = normal(rng, dtype, outputs) * np.asarray(0.01, dtype)
    return arrays


def _predict_arrays(rng: np.random.Generator, shape: Sizes, dtype: str) -> Arrays:
    batch, *sizes = shape
    return {"x": normal(rng, dtype, batch, sizes[0]), **_initial(rng, tuple(sizes), dtype)}


def _predict_answer(arrays: Arrays) -> tuple[Array, ...]:
    return (np.exp(log_softmax(_activations(arrays["x"], weights(arrays))[-1])),)


def _train_arrays(rng: np.random.Generator, shape: Sizes, dtype: str) -> Arrays:
    batch, *sizes = shape
    rows = batch * batches(batch)
    data = {"x": normal(rng, dtype, rows, sizes[0]), "y": rng.integers(0, sizes[-1], rows)}
    return {**data, "batch": np.asarray(batch), **_initial(rng, tuple(sizes), dtype)}


def _train_answer(arrays: Arrays) -> tuple[Array, ...]:
    """The way of the weights in float64, by Keras's formula of Adam."""
    now = [array.astype(np.float64) for array in weights(arrays)]
    m, v = [np.zeros_like(w) for w in now], [np.zeros_like(w) for w in now]
    batch, x, y = int(arrays["batch"]), arrays["x"], arrays["y"]
    for step, first in enumerate(range(0, len(x), batch), 1):
        rate = RATE * math.sqrt(1 - BETA2**step) / (1 - BETA1**step)
        gradients = _gradients(x[first : first + batch], y[first : first + batch], now)
        for i, g in enumerate(gradients):
            m[i] += (1 - BETA1) * (g - m[i])
            v[i] += (1 - BETA2) * (g * g - v[i])
            now[i] -= rate * m[i] / (np.sqrt(v[i]) + EPSILON)
    return way(arrays, now)


def _gradients(x: Array, y: Array, now: list[Array]) -> list[Array]:
    results = _activations(x, now)
    dz = np.exp(log_softmax(results[-1]))
    dz[np.arange(len(y)), y] -= 1
    dz /= len(y)
    gradients: list[Array] = []
    for i in range(len(now) - 2, -1, -2):
        entering = results[i // 2]
        gradients[:0] = [entering.T @ dz, dz.sum(axis=0)]
        if i:
            dz = (dz @ now[i].T) * (entering > 0)
    return gradients


def _judge_way(got: tuple[Array, ...], answer: tuple[Array, ...]) -> str | None:
    for index, (value, want) in enumerate(zip(got, answer, strict=True)):
        off = float(np.linalg.norm(value - want) / np.linalg.norm(want))
        if not off <= WAY_TOLERANCE:
            return f"weights {index} are off by {off:.3g} of their way, allowed are {WAY_TOLERANCE}"
    return None


def _epoch_arrays(rng: np.random.Generator, shape: Sizes, dtype: str) -> Arrays:
    rows, batch, *sizes = shape
    inputs, classes = sizes[0], sizes[-1]
    in_shape = rng.random((classes, inputs)) < (LIT - LIT_ELSEWHERE) / (LIT_IN_SHAPE - LIT_ELSEWHERE)
    chance = np.where(in_shape, LIT_IN_SHAPE, LIT_ELSEWHERE).astype(np.float32)
    y = rng.integers(0, classes, rows)
    x = np.empty((rows, inputs), dtype)
    for first in range(0, rows, QUICK_ROWS):
        part = slice(first, min(first + QUICK_ROWS, rows))
        draw = rng.random((part.stop - first, inputs), np.float32)
        # Grey values of 8 bits, from 0 to 1 in float.
        x[part] = np.where(draw < chance[y[part]], np.ceil(255 * (1 - draw)), 0) / np.float32(255)
    at_random = rng.random(rows) < RANDOM_LABELS
    y[at_random] = rng.integers(0, classes, int(at_random.sum()))
    return {"x": x, "y": y, "batch": np.asarray(batch), **_initial(rng, tuple(sizes), dtype)}


def _epoch_answer(arrays: Arrays) -> tuple[Array, ...]:
    return (loss(arrays, weights(arrays)),)


def _judge_loss(got: tuple[Array, ...], answer: tuple[Array, ...]) -> str | None:
    before, after = float(answer[0]), float(got[0])
    if after <= before / 2:
        return None
    return f"the loss after the epoch is {after:.3g}, which is not half of the {before:.3g} before it"


def _parameters(sizes: Sizes) -> int:
    return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(sizes))


def _products(sizes: Sizes) -> int:
    return sum(inputs * outputs for inputs, outputs in itertools.pairwise(sizes))


def _predict_cost(shape: Sizes, itemsize: int) -> Cost:
    batch, *rest = shape
    sizes = tuple(rest)
    reads, writes = itemsize * (batch * sizes[0] + _parameters(sizes)), itemsize * batch * sizes[-1]
    return Cost(2.0 * batch * _products(sizes), batch * sizes[-1], reads, writes, reads + writes)


def _step_cost(shape: Sizes, itemsize: int) -> Cost:
    """Weights and both moments are read and written, x is read; three products a layer, the first layer has no dx.

    Adam's square roots and divisions are not counted.
    """
    batch, *rest = shape
    sizes = tuple(rest)
    flops = 2.0 * batch * (3 * _products(sizes) - sizes[0] * sizes[1])
    states, data = itemsize * 3 * _parameters(sizes), batch * (itemsize * sizes[0] + 8)
    return Cost(flops, batch * sizes[-1], states + data, states, states + data, 1 / batches(batch))


def _epoch_cost(sizes: Sizes, itemsize: int) -> Cost:
    """As many steps as it takes, each from the level in which one step's arrays live."""
    rows, *shape = sizes
    step = _step_cost(tuple(shape), itemsize)
    steps = rows / shape[0]
    return Cost(step.flops * steps, step.exps * steps, step.reads * steps, step.writes * steps, step.kept)


LETTERS = "BxIxHx...xC"
_BATCHES = {"predict": (1, 32, 1024), "train_step": (1, 32, 128, 1024)}
_NETWORKS = ((784, 128, 10), (64, 64, 64, 64))


def _shapes(op: str) -> tuple[Sizes, ...]:
    return tuple((batch, *sizes) for sizes in _NETWORKS for batch in _BATCHES[op])


OPS = {
    "predict": Op(_shapes("predict"), LETTERS, _predict_arrays, _predict_answer, _predict_cost, is_network=True),
    "train_step": Op(
        _shapes("train_step"), LETTERS, _train_arrays, _train_answer, _step_cost, _judge_way, is_network=True
    ),
    "epoch": Op(
        ((32, *_NETWORKS[0]),),
        LETTERS,
        _epoch_arrays,
        _epoch_answer,
        _epoch_cost,
        _judge_loss,
        EPOCH_ROWS,
        ("f32",),
        is_network=True,
    ),
}
