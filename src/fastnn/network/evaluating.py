"""Evaluation: the loss and the metrics of labelled samples, without learning from them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.network import progress
from fastnn.network.callback import Callback, CallbackList
from fastnn.network.tracking import batch_losses, penalty

if TYPE_CHECKING:
    from fastnn.arrays import Array
    from fastnn.network.compiling import Trainer
    from fastnn.network.engine import Data, Engine
    from fastnn.network.plan import Plan
    from fastnn.network.progress import Display

OUTPUT_BYTES = 1 << 20
_SHOWN_ROWS = 1024

_HOOKS = ("on_test_batch_begin", "on_test_batch_end")


def rows_at_once(plan: Plan, batch_size: int, rows: int) -> int:
    """How many rows' results are kept for the metrics: whole batches of about 1 MiB, at least one, at most all."""
    per_row = max(1, plan.outputs) * plan.dtype.itemsize
    return min(rows, max(1, OUTPUT_BYTES // (per_row * batch_size)) * batch_size)


def evaluate(
    trainer: Trainer, data: Data, batch_size: int, callbacks: CallbackList | None = None, display: Display | None = None
) -> dict[str, float]:
    """The loss, with the penalties, and the metrics of the samples.

    Args:
        trainer: the network.
        data: the samples.
        batch_size: rows of a batch: the loss is the mean of the batches' losses, as in training.
        callbacks: their hooks of tests are called.
        display: shows how far it is.
    """
    # Callbacks may evaluate while a training goes on.
    tracker = trainer.tracker.another()
    plan, loss, count = trainer.plan, trainer.training.loss, len(data.x)
    batch_size = min(batch_size, count)
    # Told before every evaluation, not once: the attributes of callbacks may change.
    by_batch = callbacks is not None and _wants_batches(callbacks)
    chunk = min(batch_size, count) if by_batch else rows_at_once(plan, batch_size, count)
    outputs = np.empty((chunk, *plan.output_shape), plan.dtype)
    penalized = any(v.l1 or v.l2 for v in plan.variables)
    extra = penalty(plan, trainer.engine.get_weights()) if penalized else 0.0
    if callbacks is not None:
        callbacks.on_test_begin()
    for start in range(0, count, chunk):
        batch, stop = start // batch_size, min(start + chunk, count)
        if by_batch and callbacks is not None:
            callbacks.on_test_batch_begin(batch)
        results = outputs[: stop - start]
        trainer.engine.predict(data.x[start:stop], results, logits=loss.skips_last)
        y, weight = data.y[start:stop], None if data.weight is None else data.weight[start:stop]
        losses = batch_losses(trainer.backend, loss, results, y, weight, batch_size)
        tracker.add_losses(losses + extra, stop - start, batch_size)
        tracker.add_outputs(results, y, weight)
        if by_batch and callbacks is not None:
            callbacks.on_test_batch_end(batch, tracker.logs())
        if display is not None:
            display.update(math.ceil(stop / batch_size), stop, tracker.logs())
    logs = tracker.logs()
    if callbacks is not None:
        callbacks.on_test_end(logs)
    return logs


def shown(
    model: Any,
    trainer: Trainer,
    data: Data,
    batch_size: int,
    callbacks: Any,
    verbose: Any,
) -> dict[str, float]:
    """evaluate, with callbacks as given to Sequential.evaluate and a display."""
    steps = math.ceil(len(data.x) / batch_size)
    listed = CallbackList(callbacks, model, {"verbose": verbose, "epochs": 1, "steps": steps})
    with progress.make(verbose, None, steps) as display:
        display.epoch(0)
        logs = evaluate(trainer, data, batch_size, listed, display)
        display.finish(logs)
    return logs


def predict(engine: Engine, x: Array, out: Array | None, batch_size: int, verbose: Any) -> Array:
    """The results for prepared samples, in out if that is given.

    Args:
        engine: the network's.
        x: samples as in engine.Data.
        out: array for the results, checked.
        batch_size: the steps that a display counts.
        verbose: 0 for none.
    """
    steps = math.ceil(len(x) / batch_size)
    with progress.make(verbose, None, steps) as display:
        if not verbose:
            return engine.predict(x, out)
        results = np.empty((len(x), *engine.plan.output_shape), engine.plan.dtype) if out is None else out
        chunk = max(1, _SHOWN_ROWS // batch_size) * batch_size
        display.epoch(0)
        for start in range(0, len(x), chunk):
            stop = min(start + chunk, len(x))
            engine.predict(x[start:stop], results[start:stop])
            display.update(math.ceil(stop / batch_size), stop, {})
        display.finish({})
    return results


def _wants_batches(callbacks: CallbackList) -> bool:
    return any(
        getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook)
        for callback in callbacks.callbacks
        for hook in _HOOKS
    )
