"""The training loop: epochs of steps that an engine does in chunks, with callbacks, validation and progress between."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments
from fastnn.network import progress
from fastnn.network.callback import CallbackList
from fastnn.network.engine import Steps
from fastnn.network.evaluating import evaluate, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.arrays import Array
    from fastnn.network.callback import History
    from fastnn.network.compiling import Trainer
    from fastnn.network.engine import Data

# A nan that no computation gives: it marks the steps whose loss has not been written.
_UNWRITTEN = 0x7FF8_0FA5_7A11_0000


@dataclass(frozen=True)
class Options:
    """How fit goes about it; the names are those of its arguments.

    Attributes:
        validation_epochs: every how many epochs to validate, or in which, counted from 1.
    """

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    verbose: Any
    validation_batch_size: int
    validation_epochs: int | frozenset[int]

    def validates(self, epoch: int) -> bool:
        """Whether that epoch, counted from 0, ends with a validation."""
        if isinstance(self.validation_epochs, int):
            return (epoch + 1) % self.validation_epochs == 0
        return epoch + 1 in self.validation_epochs


class Epoch:
    """The steps of one epoch, done in as many chunks as it takes.

    Args:
        trainer: the network; its tracker and the optimizer's count of steps follow.
        data: the samples.
        batch_size: rows of a batch.
        order: row numbers, or None for the rows in their order.
        outputs: room for results if there are metrics, else None.
    """

    def __init__(
        self, trainer: Trainer, data: Data, batch_size: int, order: Array | None = None, outputs: Array | None = None
    ) -> None:
        self.count = math.ceil(len(data.x) / batch_size)
        losses = np.empty(self.count)
        self._written = losses.view(np.int64)
        self._written.fill(_UNWRITTEN)
        self._trainer, self._rated = trainer, 0
        iteration = trainer.optimizer.iterations
        self._steps = Steps(data, order, batch_size, 0, np.zeros(self.count), iteration, losses, outputs)
        trainer.tracker.reset()

    @property
    def done(self) -> int:
        """How many steps have been done."""
        return self._steps.first

    @property
    def rows_done(self) -> int:
        """How many rows these have."""
        return min(self._steps.first * self._steps.batch_size, len(self._steps.data.x))

    def advance(self, most: int) -> Array:
        """Does some steps, at least one and at most `most`; their losses.

        When it is interrupted the steps that were finished count.
        """
        steps, optimizer = self._steps, self._trainer.optimizer
        first, first_row = steps.first, self.rows_done
        stop = min(first + most, self.count)
        if self._rated < stop:
            steps.rates[first:stop] = optimizer.rates(optimizer.iterations, stop - first)
            self._rated = stop
        try:
            self._trainer.engine.train(steps, most)
        finally:
            steps.first += int(np.count_nonzero(self._written[first:] != _UNWRITTEN))
            steps.iteration = optimizer.iterations = optimizer.iterations + steps.first - first
        self._track(first, first_row)
        return steps.losses[first : steps.first]

    def _track(self, first: int, first_row: int) -> None:
        steps, tracker = self._steps, self._trainer.tracker
        last_row = self.rows_done
        tracker.add_losses(steps.losses[first : steps.first], last_row - first_row, steps.batch_size)
        if steps.outputs is not None:
            rows: Any = slice(first_row, last_row)
            if steps.order is not None:
                rows = steps.order[rows]
            weight = steps.data.weight
            results = steps.outputs[: last_row - first_row]
            tracker.add_outputs(results, steps.data.y[rows], None if weight is None else weight[rows])


def outputs_for(trainer: Trainer, batch_size: int, rows: int) -> Array | None:
    """Room for the results that the metrics look at, or None if there are no metrics."""
    if not trainer.tracker.wants_outputs:
        return None
    plan = trainer.plan
    return np.empty((rows_at_once(plan, batch_size, rows), *plan.output_shape), plan.dtype)


def fit(
    model: Any,
    trainer: Trainer,
    data: Data,
    validation: Data | None,
    callbacks: Any,
    options: Options,
    rng: np.random.Generator,
) -> History:
    """Trains the network; see Sequential.fit.

    Args:
        model: what callbacks see, and whose stop_training ends the training.
        trainer: the network.
        data: to learn from.
        validation: to evaluate after epochs, or None.
        callbacks: as given to fit.
        options: the rest of fit's arguments.
        rng: draws the shuffles.
    """
    count = len(data.x)
    size = min(options.batch_size, count)
    steps = math.ceil(count / size)
    names = trainer.tracker.names
    if validation is not None:
        names = [*names, *(f"val_{name}" for name in names)]
    params = {"verbose": options.verbose, "epochs": options.epochs, "steps": steps, "metrics": names}
    listed = CallbackList(callbacks, model, params)
    outputs = outputs_for(trainer, size, count)
    logs: dict[str, Any] = {}
    warned = False
    with progress.make(options.verbose, options.epochs, steps) as display:
        model.stop_training = False
        model.history = listed.history
        listed.on_train_begin()
        for epoch in range(options.initial_epoch, options.epochs):
            listed.on_epoch_begin(epoch)
            display.epoch(epoch)
            by_batch = listed.wants_batches
            running = Epoch(trainer, data, size, rng.permutation(count) if options.shuffle else None, outputs)
            while running.done < steps and not model.stop_training:
                first = running.done
                if by_batch:
                    listed.on_train_batch_begin(first)
                losses = running.advance(1 if by_batch else steps)
                if not (warned or np.isfinite(losses).all()):
                    warned = True
                    _warn_of_loss(losses, epoch, first)
                logs = trainer.tracker.logs()
                if by_batch:
                    listed.on_train_batch_end(first, logs)
                display.update(running.done, running.rows_done, logs)
            if validation is not None and options.validates(epoch):
                results = evaluate(trainer, validation, options.validation_batch_size, listed)
                logs.update((f"val_{name}", value) for name, value in results.items())
            listed.on_epoch_end(epoch, logs)
            display.finish(logs)
            if model.stop_training:
                break
        listed.on_train_end(logs)
    return listed.history


def options(
    batch_size: object,
    epochs: object,
    initial_epoch: object,
    shuffle: object,
    verbose: object,
    validation_batch_size: object,
    validation_freq: object,
) -> Options:
    """The arguments of fit, checked.

    Raises:
        TypeError: one is of a wrong type.
        ValueError: one has a wrong value.
    """
    size = checked_batch_size(batch_size)
    return Options(
        size,
        arguments.integer(epochs, "epochs", 0),
        arguments.integer(initial_epoch, "initial_epoch", 0),
        arguments.flag(shuffle, "shuffle"),
        verbose,
        size if validation_batch_size is None else checked_batch_size(validation_batch_size, "validation_batch_size"),
        _validation_epochs(validation_freq),
    )


def checked_batch_size(value: object, name: str = "batch_size") -> int:
    """A batch size of 1 or more; None is Keras's 32."""
    return 32 if value is None else arguments.integer(value, name, 1)


def _validation_epochs(frequency: object) -> int | frozenset[int]:
    if isinstance(frequency, (list, tuple, set, frozenset)):
        given: Sequence[object] = list(frequency)
        return frozenset(arguments.integer(one, f"validation_freq[{i}]", 1) for i, one in enumerate(given))
    return arguments.integer(frequency, "validation_freq", 1)


def _warn_of_loss(losses: Array, epoch: int, first: int) -> None:
    bad = int(np.isfinite(losses).argmin())
    value = float(losses[bad])
    warnings.warn(
        f"the loss is {value} in epoch {epoch + 1}, batch {first + bad + 1} (counted from 1); training goes on. A lower"
        " learning rate or clipnorm may help; the callback TerminateOnNaN would stop",
        RuntimeWarning,
        stacklevel=4,
    )
