"""Keras 3 on the backend that the user has chosen, JAX if none: predict_on_batch or a call; fit or train_on_batch."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
if os.environ["KERAS_BACKEND"] == "jax":
    # Imported first: float64 is switched on there.
    from fastnn.bench.rivals import jax_rival  # noqa: F401

import keras
import numpy as np

from fastnn.bench import network_cases
from fastnn.bench.cases import DTYPES, Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import learning

VERSION = f"{keras.__version__} on {keras.backend.backend()}"


def set_threads(n: int) -> None:
    """Limits the threads of the backend; JAX goes by the cores that the process may run on."""
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        torch.set_num_threads(n)
    elif backend == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(n)


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell of a network; no others. Keras's own `predict` is slower than both forms of predicting here."""
    if not case.is_network:
        return []
    if case.op == "epoch":
        return [learning.entry(case, arrays, _Learner(case, arrays, True))]
    if case.op == "train_step":
        return [learning.entry(case, arrays, _Learner(case, arrays, fits)) for fits in (True, False)]
    model, x = _model(case, arrays), arrays["x"]
    convert = keras.ops.convert_to_numpy
    tensor = keras.ops.convert_to_tensor(x)
    return [
        Entry(lambda: model.predict_on_batch(x), lambda y: (y,)),
        Entry(lambda: convert(model(tensor)), lambda y: (y,)),
    ]


def _model(case: Case, arrays: Arrays) -> Any:
    *hidden, classes = case.shape[2:]
    dtype = DTYPES[case.dtype]
    model = keras.Sequential(
        [
            keras.Input((case.shape[1],), dtype=dtype),
            *(keras.layers.Dense(units, "relu", dtype=dtype) for units in hidden),
            keras.layers.Dense(classes, "softmax", dtype=dtype),
        ]
    )
    model.set_weights(network_cases.weights(arrays))
    return model


def _copy(variable: Any) -> Array:
    return np.array(keras.ops.convert_to_numpy(variable.value))


class _Learner:
    def __init__(self, case: Case, arrays: Arrays, fits: bool) -> None:
        self._model, self._start = _model(case, arrays), network_cases.weights(arrays)
        self._x, self._y, self._batch, self._fits = arrays["x"], arrays["y"], case.shape[0], fits
        self._metrics = ["accuracy"] if case.op == "epoch" else None
        self._states: list[Array] | None = None

    def restart(self, rate: float) -> None:
        """See learning.Learner. A new optimizer would be compiled anew, so the old one gets back its first states."""
        self._model.set_weights(self._start)
        if self._states is None:
            adam = keras.optimizers.Adam(rate, epsilon=network_cases.EPSILON)
            self._model.compile(adam, "sparse_categorical_crossentropy", metrics=self._metrics)
            adam.build(self._model.trainable_variables)
            self._states = [_copy(variable) for variable in adam.variables]
        for variable, state in zip(self._model.optimizer.variables, self._states, strict=True):
            variable.assign(state)
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        """See learning.Learner."""
        self._model.optimizer.learning_rate = rate

    def steps(self) -> None:
        """See learning.Learner."""
        if self._fits:
            self._model.fit(self._x, self._y, self._batch, shuffle=False, verbose=0)
            return
        for first in range(0, len(self._x), self._batch):
            part = slice(first, first + self._batch)
            self._model.train_on_batch(self._x[part], self._y[part])

    def epoch(self) -> None:
        """See learning.Learner."""
        self._model.fit(self._x, self._y, self._batch, verbose=0)

    def weights(self) -> list[Array]:
        """See learning.Learner."""
        return [_copy(variable) for variable in self._model.trainable_variables]
