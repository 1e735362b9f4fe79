"""scikit-learn's MLPClassifier: partial_fit over the batches, which goes through the data once, and predict_proba.

It computes no accuracy while it learns, so its epoch has less to do than the others'.
"""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from fastnn.bench import network_cases
from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.rivals import learning, numpy_rival

VERSION = str(sklearn.__version__)
# It computes with NumPy's and SciPy's BLAS.
set_threads = numpy_rival.set_threads


def entries(case: Case, arrays: Arrays, threads: int) -> list[Entry]:
    """The cell of a network; no others."""
    # With two classes it has one output alone, and a softmax of two is something else.
    if not case.is_network or case.shape[-1] < 3:
        return []
    learner = _Learner(case, arrays)
    if case.op != "predict":
        return [learning.entry(case, arrays, learner)]
    learner.restart(network_cases.RATE)
    model, x = learner.model, arrays["x"]
    return [Entry(lambda: model.predict_proba(x), lambda y: (y,))]


class _Learner:
    def __init__(self, case: Case, arrays: Arrays) -> None:
        self._x, self._y = arrays["x"], arrays.get("y")
        self._shape, self._start = case.shape, network_cases.layers(arrays)
        self._classes, self._shuffles = np.arange(case.shape[-1]), case.op == "epoch"

    def restart(self, rate: float) -> None:
        """See learning.Learner."""
        self.model = MLPClassifier(
            hidden_layer_sizes=self._shape[2:-1],
            alpha=0,
            batch_size=self._shape[0],
            learning_rate_init=rate,
            shuffle=self._shuffles,
            random_state=1,
            epsilon=network_cases.EPSILON,
        )
        # The weights are made by the first call, of one batch; the optimizer then starts anew with ours.
        rows = self._x[: self._shape[0]]
        self.model.partial_fit(rows, np.zeros(len(rows), np.int64), classes=self._classes)
        self.model.coefs_ = [w.copy() for w, _ in self._start]
        self.model.intercepts_ = [b.copy() for _, b in self._start]
        del self.model._optimizer

    def set_rate(self, rate: float) -> None:
        """See learning.Learner."""
        self.model._optimizer.learning_rate_init = rate

    def steps(self) -> None:
        """See learning.Learner."""
        self.model.partial_fit(self._x, self._y)

    def epoch(self) -> None:
        """See learning.Learner."""
        self.model.partial_fit(self._x, self._y)

    def weights(self) -> list[Array]:
        """See learning.Learner."""
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [array.copy() for layer in pairs for array in layer]
