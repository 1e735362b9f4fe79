"""Networks in NumPy, written out by hand: buffers that are used again, and one Adam over all parameters at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.bench import network_cases
from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.network_cases import BETA1, BETA2, EPSILON
from fastnn.bench.rivals import learning


def entries(case: Case, arrays: Arrays) -> list[Entry]:
    """The cell in NumPy."""
    if case.op != "predict":
        return [learning.entry(case, arrays, _Learner(case, arrays))]
    layers, x = network_cases.layers(arrays), arrays["x"]
    results = [np.empty((len(x), w.shape[1]), x.dtype) for w, _ in layers]
    row = np.empty((len(x), 1), x.dtype)

    def call() -> None:
        _forward(x, layers, results)
        _softmax(results[-1], row)

    return [Entry(call, lambda _: (results[-1],))]


def _forward(x: Array, layers: list[tuple[Array, Array]], results: list[Array]) -> None:
    last = results[-1]
    for (w, b), y in zip(layers, results, strict=True):
        np.matmul(x, w, out=y)
        np.add(y, b, out=y)
        if y is not last:
            np.maximum(y, 0, out=y)
        x = y


def _softmax(y: Array, row: Array) -> None:
    np.max(y, axis=-1, keepdims=True, out=row)
    np.subtract(y, row, out=y)
    np.exp(y, out=y)
    np.sum(y, axis=-1, keepdims=True, out=row)
    np.divide(y, row, out=y)


class _Buffers:
    """What a batch of so many rows needs."""

    def __init__(self, rows: int, layers: list[tuple[Array, Array]]) -> None:
        dtype = layers[0][0].dtype
        self.x = np.empty((rows, layers[0][0].shape[0]), dtype)
        self.results = [np.empty((rows, w.shape[1]), dtype) for w, _ in layers]
        self.gradients = [np.empty_like(result) for result in self.results]
        self.positive = [np.empty(result.shape, bool) for result in self.results]
        self.row = np.empty((rows, 1), dtype)
        self.rows = np.arange(rows)


class _Learner:
    def __init__(self, case: Case, arrays: Arrays) -> None:
        self._x, self._y, self._batch = arrays["x"], arrays["y"], case.shape[0]
        self._start = np.concatenate([array.ravel() for array in network_cases.weights(arrays)])
        # All parameters lie one after the other, and so do their gradients and moments.
        self._w, self._g = self._start.copy(), np.empty_like(self._start)
        self._m, self._v, self._spare = (np.empty_like(self._start) for _ in range(3))
        self._layers, self._layer_gradients = _views(self._w, arrays), _views(self._g, arrays)
        self._buffers: dict[int, _Buffers] = {}
        self._rng = np.random.default_rng(1)

    def restart(self, rate: float) -> None:
        """See learning.Learner."""
        self._w[:] = self._start
        self._m.fill(0)
        self._v.fill(0)
        self._step, self._rate = 0, rate

    def set_rate(self, rate: float) -> None:
        """See learning.Learner."""
        self._rate = rate

    def steps(self) -> None:
        """See learning.Learner."""
        for first in range(0, len(self._x), self._batch):
            part = slice(first, first + self._batch)
            self._learn(self._x[part], self._y[part], self._buffers_for(self._batch))

    def epoch(self) -> None:
        """See learning.Learner."""
        order = self._rng.permutation(len(self._x))
        total, right = 0.0, 0
        for first in range(0, len(order), self._batch):
            rows = order[first : first + self._batch]
            buffers = self._buffers_for(len(rows))
            # With the indices checked in another way NumPy would not write into out directly.
            np.take(self._x, rows, axis=0, out=buffers.x, mode="clip")
            y = self._y[rows]
            chosen = self._learn(buffers.x, y, buffers)
            total -= float(np.log(chosen).sum())
            right += int(np.count_nonzero(buffers.results[-1].argmax(axis=-1) == y))
        self.logs = {"loss": total / len(order), "accuracy": right / len(order)}

    def weights(self) -> list[Array]:
        """See learning.Learner."""
        return [array.copy() for layer in self._layers for array in layer]

    def _buffers_for(self, rows: int) -> _Buffers:
        if rows not in self._buffers:
            self._buffers[rows] = _Buffers(rows, self._layers)
        return self._buffers[rows]

    def _learn(self, x: Array, y: Array, buffers: _Buffers) -> Array:
        """One step. Returns the probabilities that the right classes had before it."""
        results, gradients = buffers.results, buffers.gradients
        _forward(x, self._layers, results)
        _softmax(results[-1], buffers.row)
        chosen: Array = results[-1][buffers.rows, y]
        dz = gradients[-1]
        dz[:] = results[-1]
        dz[buffers.rows, y] -= 1
        np.multiply(dz, dz.dtype.type(1 / len(y)), out=dz)
        for i in range(len(results) - 1, -1, -1):
            dw, db = self._layer_gradients[i]
            np.matmul((results[i - 1] if i else x).T, gradients[i], out=dw)
            np.sum(gradients[i], axis=0, out=db)
            if i:
                np.matmul(gradients[i], self._layers[i][0].T, out=gradients[i - 1])
                np.greater(results[i - 1], 0, out=buffers.positive[i - 1])
                np.multiply(gradients[i - 1], buffers.positive[i - 1], out=gradients[i - 1])
        self._adam()
        return chosen

    def _adam(self) -> None:
        w, g, m, v, spare = self._w, self._g, self._m, self._v, self._spare
        number: Any = w.dtype.type
        self._step += 1
        rate = self._rate * math.sqrt(1 - BETA2**self._step) / (1 - BETA1**self._step)
        np.multiply(m, number(BETA1), out=m)
        np.multiply(g, number(1 - BETA1), out=spare)
        np.add(m, spare, out=m)
        np.multiply(g, g, out=spare)
        np.multiply(spare, number(1 - BETA2), out=spare)
        np.multiply(v, number(BETA2), out=v)
        np.add(v, spare, out=v)
        np.sqrt(v, out=spare)
        np.add(spare, number(EPSILON), out=spare)
        np.divide(m, spare, out=spare)
        np.multiply(spare, number(rate), out=spare)
        np.subtract(w, spare, out=w)


def _views(flat: Array, arrays: Arrays) -> list[tuple[Array, Array]]:
    """Each layer's (w, b) within a flat array."""
    layers, first = [], 0
    for w, b in network_cases.layers(arrays):
        middle, end = first + w.size, first + w.size + b.size
        layers.append((flat[first:middle].reshape(w.shape), flat[middle:end]))
        first = end
    return layers
