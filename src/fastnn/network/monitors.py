"""Callbacks that follow one quantity of the logs: EarlyStopping, ModelCheckpoint and ReduceLROnPlateau.

All of them can be used for several trainings. ModelCheckpoint remembers its best value from one to the next, so that a
file is not overwritten by a worse model; the other two start anew.
"""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any

from fastnn import arguments
from fastnn.network.callback import Callback, Logs

_MODES = ("auto", "min", "max")
# Parts of names that tell in which direction a quantity is better.
_UPWARD = ("acc", "auc", "precision", "recall", "f1", "r2")
_DOWNWARD = ("loss", "error", "entropy", "mse", "mae", "rmse", "hinge", "huber", "poisson", "divergence")


class _Monitor(Callback):
    """A callback that follows one quantity of the logs and knows when it has improved."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        super().__init__()
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(arguments.real(min_delta, "min_delta"))
        self._upward = _is_upward(monitor, mode)
        self.best = self.worst

    @property
    def worst(self) -> float:
        """What every number is better than."""
        return -math.inf if self._upward else math.inf

    def improved(self, current: float, reference: float) -> bool:
        """Whether current is better than reference by more than min_delta; nan never is."""
        if self._upward:
            return bool(current - self.min_delta > reference)
        return bool(current + self.min_delta < reference)

    def current(self, logs: Logs | None) -> float | None:
        """The monitored value, or None after a warning."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__} monitors {self.monitor!r}, which is not among the logs: {', '.join(logs)}",
                stacklevel=2,
            )
            return None
        return float(logs[self.monitor])


class EarlyStopping(_Monitor):
    """Stops the training when a quantity no longer improves.

    Args:
        monitor: a name in the logs.
        min_delta: what is not better by more than this is no improvement.
        patience: how many epochs without improvement it waits for, >= 0.
        verbose: 1 prints a line when it acts.
        mode: "min" or "max": which way is better; "auto" tells from the name.
        baseline: improvements count only once they are also better than this.
        restore_best_weights: whether the weights of the best epoch are put back at the end.
        start_from_epoch: epochs before this one are not looked at.

    Attributes:
        stopped_epoch: the epoch in which it stopped the training, or 0.
        best, best_epoch, best_weights: of the best epoch; the weights only for restore_best_weights.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or out of range, or mode is "auto" and the name of the
            quantity does not tell.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = arguments.integer(patience, "patience", 0)
        self.verbose = verbose
        self.baseline = None if baseline is None else arguments.real(baseline, "baseline")
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = arguments.integer(start_from_epoch, "start_from_epoch", 0)
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = self.worst
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Starts anew."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks whether the quantity has improved."""
        current = self.current(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        better = self.improved(current, self.best)
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        if better:
            self.best = current
            self.best_epoch = epoch
            if self.baseline is None or self.improved(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Puts the best weights back."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: stopped, for {self.monitor} no longer improves")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Weights of epoch {self.best_epoch + 1} restored")
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(_Monitor):
    """Saves the model, or its weights, after every epoch or after a number of batches.

    Args:
        filepath: where to; {epoch} (from 1), {batch} (from 1, with a save_freq in batches) and the names in the logs
            are filled in: "{epoch:02d}-{val_loss:.2f}.safetensors". Missing directories are made.
        monitor: a name in the logs, for save_best_only.
        verbose: 1 prints a line when it saves.
        save_best_only: whether to save only when the monitored quantity has improved.
        save_weights_only: whether to call model.save_weights instead of model.save.
        mode: "min" or "max": which way is better; "auto" tells from the name.
        save_freq: "epoch", or a number of batches >= 1.
        initial_value_threshold: with save_best_only, save only what is better than this.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or out of range, or with save_best_only mode is "auto" and
            the name of the quantity does not tell; when saving, filepath has a name that is not in the logs.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        # Without save_best_only it does not matter which way is better.
        super().__init__(monitor, "min" if mode == "auto" and not save_best_only else mode, 0.0)
        self.filepath = arguments.path(filepath, "filepath")
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq if save_freq == "epoch" else arguments.integer(save_freq, "save_freq", 1)
        if initial_value_threshold is not None:
            self.best = arguments.real(initial_value_threshold, "initial_value_threshold")
        self._epoch = 0
        self._batches = 0

    @property
    def wants_batches(self) -> bool:
        """Only if it saves after a number of batches."""
        return self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Saves after every save_freq batches, counted over the epochs."""
        if isinstance(self.save_freq, int):
            self._batches += 1
            if self._batches % self.save_freq == 0:
                self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves after the epoch."""
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: Logs) -> None:
        if self.save_best_only:
            current = self.current(logs)
            if current is None or not self.improved(current, self.best):
                return
            self.best = current
        path = self._path(epoch, logs)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: {'weights' if self.save_weights_only else 'model'} saved to {path}")

    def _path(self, epoch: int, logs: Logs) -> str:
        values = {**logs, "epoch": epoch + 1}
        try:
            return self.filepath.format(**values)
        except (IndexError, KeyError, ValueError) as error:
            raise ValueError(
                f"filepath {self.filepath!r} cannot be filled in with {', '.join(sorted(values))}:"
                f" {type(error).__name__}: {error}"
            ) from error


class ReduceLROnPlateau(_Monitor):
    """Multiplies the learning rate by a factor when a quantity no longer improves.

    It adds "learning_rate" to the logs.

    Args:
        monitor: a name in the logs.
        factor: > 0 and < 1.
        patience: after how many epochs without improvement, >= 0.
        verbose: 1 prints a line when it acts.
        mode: "min" or "max": which way is better; "auto" tells from the name.
        min_delta: what is not better by more than this is no improvement.
        cooldown: epochs to wait after it has acted before epochs without improvement are counted again, >= 0.
        min_lr: lower limit of the learning rate, >= 0.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or out of range, or mode is "auto" and the name of the
            quantity does not tell; while training: the optimizer's learning rate follows a schedule or a function.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = arguments.real_in(factor, "factor", 0.0, 1.0, above=True, below=True)
        self.patience = arguments.integer(patience, "patience", 0)
        self.verbose = verbose
        self.cooldown = arguments.integer(cooldown, "cooldown", 0)
        self.min_lr = arguments.real_in(min_lr, "min_lr", 0.0)
        self._reset()

    def _reset(self) -> None:
        self.best = self.worst
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Starts anew."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks whether the quantity has improved."""
        logs = {} if logs is None else logs
        rate = float(self.model.optimizer.learning_rate)
        logs["learning_rate"] = rate
        current = self.current(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improved(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                lower = max(rate * self.factor, self.min_lr)
                self.model.optimizer.learning_rate = lower
                self.cooldown_counter = self.cooldown
                self.wait = 0
                if self.verbose:
                    print(f"Epoch {epoch + 1}: learning rate reduced to {lower:g}")


def _is_upward(monitor: object, mode: object) -> bool:
    if not isinstance(monitor, str):
        raise TypeError(f"monitor must be a name in the logs, got a {type(monitor).__name__}")
    if arguments.choice(mode, "mode", _MODES) != "auto":
        return mode == "max"
    # "loss" and its like first: an "accuracy_loss" is a loss.
    if any(part in monitor for part in _DOWNWARD):
        return False
    if any(part in monitor for part in _UPWARD):
        return True
    raise ValueError(
        f"whether {monitor!r} is better high or low cannot be told from its name: give mode='max' or 'min'"
    )
