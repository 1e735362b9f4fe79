"""The loss and the metrics of one pass over some data."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import backends
from fastnn.arrays import DOUBLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.arrays import Array
    from fastnn.network.engine import LossPlan
    from fastnn.network.metrics import Metric
    from fastnn.network.plan import Plan

LOSS = "loss"


class Tracker:
    """Gathers the losses of steps and what the metrics see.

    The loss of a pass is Keras's: the mean of the batches' losses, each counted as often as the batch has rows. Metrics
    ignore the samples' weights, weighted metrics use them.

    Args:
        loss: what the steps compute.
        metrics: without weights.
        weighted: with the weights of the samples.
        backend: its operations finish results that lack the part taken over by the loss.
    """

    def __init__(self, loss: LossPlan, metrics: Sequence[Metric], weighted: Sequence[Metric], backend: str) -> None:
        self.loss, self.metrics, self.weighted = loss, tuple(metrics), tuple(weighted)
        self._backend = backend
        every = (*self.metrics, *self.weighted)
        self._finishes = loss.skips_last and not all(metric.rank_only for metric in every)
        self.names = [LOSS, *(metric.name for metric in every)]
        self.wants_outputs = bool(every)
        self.reset()

    def another(self) -> Tracker:
        """One for another pass at the same time."""
        plain, weighted = copy.deepcopy((self.metrics, self.weighted))
        return Tracker(self.loss, plain, weighted, self._backend)

    def reset(self) -> None:
        """Forgets the pass before."""
        self._total, self._rows = 0.0, 0
        for metric in (*self.metrics, *self.weighted):
            metric.reset_state()

    def add_losses(self, losses: Array, rows: int, batch_size: int) -> None:
        """Adds consecutive steps over so many rows: all of batch_size rows but the last, which has the rest."""
        count = len(losses)
        last = rows - batch_size * (count - 1)
        with np.errstate(all="ignore"):
            self._total += float(losses[:-1].sum()) * batch_size + float(losses[-1]) * last
        self._rows += rows

    def add_outputs(self, outputs: Array, y: Array, weight: Array | None) -> None:
        """Adds the network's results for some rows, as made by an engine; they may be overwritten."""
        if self._finishes:
            finish(self._backend, self.loss, outputs)
        for metric in self.metrics:
            metric.update_state(y, outputs)
        for metric in self.weighted:
            metric.update_state(y, outputs, weight)

    def logs(self) -> dict[str, float]:
        """The loss and the metrics of the pass so far."""
        values = [metric.result() for metric in (*self.metrics, *self.weighted)]
        return dict(zip(self.names, [self._total / max(self._rows, 1), *values], strict=True))


def finish(backend: str, loss: LossPlan, outputs: Array) -> None:
    """Makes the network's results, in place, of what enters a loss that has taken over the last part."""
    operations = backends.load(backend)
    if loss.kind == "cross_entropy":
        operations.softmax(outputs, out=outputs)
    else:
        operations.activation(outputs, "sigmoid", out=outputs)


def batch_losses(backend: str, loss: LossPlan, outputs: Array, y: Array, weight: Array | None, size: int) -> Array:
    """The losses of consecutive batches, without penalties, as a step of an engine has them; float64.

    Args:
        backend: computes the rows' losses.
        loss: which, from results as it wants them.
        outputs, y, weight: of all the batches' rows.
        size: rows of a batch; the last may have fewer.
    """
    options: dict[str, Any] = {}
    if loss.kind in ("cross_entropy", "categorical_cross_entropy"):
        options["label_smoothing"] = loss.smoothing
    elif loss.kind == "huber":
        options["delta"] = loss.delta
    elements = getattr(backends.load(backend), loss.kind)(outputs, y, reduction="none", **options)
    rows = elements.reshape(len(y), -1)
    with np.errstate(all="ignore"):
        losses = rows.sum(axis=1, dtype=DOUBLE) if loss.kind == "sum_squared_error" else rows.mean(axis=1, dtype=DOUBLE)
        if weight is not None:
            losses = losses * weight
        starts = np.arange(0, len(y), size)
        sums: Array = np.add.reduceat(losses, starts)
        return sums / np.diff(starts, append=len(y)) if loss.mean else sums


def penalty(plan: Plan, weights: list[Array]) -> float:
    """What the regularizers add to the loss."""
    total = 0.0
    with np.errstate(all="ignore"):
        for variable, array in zip(plan.variables, weights, strict=True):
            if variable.l1:
                total += variable.l1 * float(np.abs(array).sum(dtype=DOUBLE))
            if variable.l2:
                total += variable.l2 * float(np.square(array, dtype=DOUBLE).sum())
    return total
