"""fastnn's networks: Sequential, as a user calls it."""

from __future__ import annotations

import numpy as np

import fastnn
from fastnn.bench import network_cases
from fastnn.bench.cases import DTYPES, Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import learning
from fastnn.network import data, fitting


def entry(case: Case, arrays: Arrays) -> Entry:
    """The cell computed by fastnn."""
    if case.op != "predict":
        return learning.entry(case, arrays, _Learner(case, arrays))
    model, x = _model(case, arrays), arrays["x"]
    out = np.empty((len(x), case.shape[-1]), x.dtype)
    return Entry(lambda: model.predict(x, out=out), lambda _: (out,))


def _model(case: Case, arrays: Arrays) -> fastnn.Sequential:
    *hidden, classes = case.shape[2:]
    model = fastnn.Sequential(
        [*(fastnn.layers.Dense(units, "relu") for units in hidden), fastnn.layers.Dense(classes, "softmax")],
        dtype=DTYPES[case.dtype],
        seed=1,
    )
    model.build((None, case.shape[1]))
    model.set_weights(network_cases.weights(arrays))
    return model


class _Learner:
    """The epoch is `fit`. A run of steps is an epoch of fit's loop without shuffling and without what fit prints."""

    def __init__(self, case: Case, arrays: Arrays) -> None:
        self._model = _model(case, arrays)
        self._start = network_cases.weights(arrays)
        self._x, self._y, self._batch = arrays["x"], arrays["y"], case.shape[0]
        self._metrics = ["accuracy"] if case.op == "epoch" else None

    def restart(self, rate: float) -> None:
        """See learning.Learner."""
        self._model.set_weights(self._start)
        adam = fastnn.optimizers.Adam(rate, epsilon=network_cases.EPSILON)
        self._model.compile(adam, "sparse_categorical_crossentropy", self._metrics)
        self._trainer = self._model._trainer_for(self._x)
        self._data = data.labelled(self._x, self._y, self._trainer.plan, self._trainer.loss)

    def set_rate(self, rate: float) -> None:
        """See learning.Learner."""
        self._trainer.optimizer.learning_rate = rate

    def steps(self) -> None:
        """See learning.Learner."""
        running = fitting.Epoch(self._trainer, self._data, self._batch)
        # A call of the engine ends early after a tenth of a second.
        while running.done < running.count:
            running.advance(running.count)

    def epoch(self) -> None:
        """See learning.Learner."""
        self._model.fit(self._x, self._y, batch_size=self._batch, verbose=0)

    def weights(self) -> list[Array]:
        """See learning.Learner."""
        return self._model.get_weights()
