"""Callbacks with Keras 3's names, arguments and defaults; those that follow one quantity are in monitors."""

from __future__ import annotations

import csv
import inspect
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastnn import arguments
from fastnn.network.callback import Callback, Logs


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch.

    It adds "learning_rate" to the logs.

    Args:
        schedule: a function of the epoch (from 0) and the learning rate, or of the epoch alone, that returns the
            learning rate.
        verbose: 1 prints the rate before every epoch.

    Raises:
        TypeError: schedule is not such a function; while training: it returns no number, or the optimizer's learning
            rate follows a schedule or a function.
        ValueError: while training: it returns a number that is not finite and >= 0.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes(schedule, 2)
        if not self._takes_rate and not _takes(schedule, 1):
            raise TypeError("schedule must be a function of the epoch and the learning rate, or of the epoch alone")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Sets the learning rate."""
        optimizer = self.model.optimizer
        known = (epoch, float(optimizer.learning_rate)) if self._takes_rate else (epoch,)
        given = self.schedule(*known)
        rate = arguments.real_in(given, "schedule's learning rate", 0.0, math.inf, below=True)
        optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate set to {rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds the learning rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class TerminateOnNaN(Callback):
    """Stops the training after the first batch whose loss is nan or inf."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Looks at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Batch {batch}: the loss is {loss}, training is stopped")
            self.model.stop_training = True


class CSVLogger(Callback):
    """Writes the logs of every epoch as a row of a CSV file: epoch (from 0), then the names in alphabetical order.

    The columns are those of the first epoch and of params["metrics"]. A missing value is written as NA. The file is
    open only while a row is written.

    Args:
        filename: the file.
        separator: one character between the values.
        append: whether to go on with a file that is there, with its columns, instead of overwriting it.

    Raises:
        ValueError: separator is not one character; when training begins: the file to append to is not such a file.
        OSError: the file cannot be written.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator must be one character, got {separator!r}")
        self.filename = arguments.path(filename, "filename")
        self.separator = separator
        self.append = append
        self._columns: list[str] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Makes the file, or reads the columns of the one that is there."""
        self._columns = []
        if not self.append:
            Path(self.filename).write_text("", encoding="utf-8")
        elif Path(self.filename).exists():
            with open(self.filename, newline="", encoding="utf-8") as file:
                self._columns = next(csv.reader(file, delimiter=self.separator), [])
            if self._columns and self._columns[0] != "epoch":
                raise ValueError(
                    f"{self.filename} cannot be appended to: its first column must be epoch, got {self._columns[0]!r}"
                )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes a row."""
        logs = logs or {}
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if not self._columns:
                self._columns = ["epoch", *sorted({*logs, *self.params.get("metrics", ())})]
                writer.writerow(self._columns)
            writer.writerow([epoch, *(logs.get(name, "NA") for name in self._columns[1:])])


class LambdaCallback(Callback):
    """Hooks given as functions, by name: LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs)).

    Args:
        on_epoch_begin, on_epoch_end, on_train_batch_begin, on_train_batch_end: functions of the number and logs.
        on_train_begin, on_train_end: functions of logs.
        others: any other hook of Callback.

    Raises:
        TypeError: what is given is not a function.
        ValueError: no hook has that name.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **others: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **others,
        }
        known = [name for name in vars(Callback) if name.startswith("on_")]
        for name, function in hooks.items():
            if name not in known:
                raise arguments.unknown("hook", name, known)
            if function is not None:
                if not callable(function):
                    raise TypeError(f"{name} must be a function, got a {type(function).__name__}")
                setattr(self, name, function)


def _takes(function: object, count: int) -> bool:
    """Whether it can be called with that many arguments."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        # Some functions written in C do not tell their arguments.
        return True
    return True
