"""What callbacks are made of: the base class with Keras's hooks, the list that calls them, and History."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

Logs: TypeAlias = dict[str, Any]

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


class Callback:
    """Base of the callbacks; every hook does nothing here.

    logs is a dict of numbers: "loss", the metrics by name, and the same with "val_" in front for the validation data.
    The hooks of one event share it, so that a callback can add to it what those after it will see, History among them.

    Attributes:
        model: the model that is trained.
        params: {"verbose": ..., "epochs": ..., "steps": ..., "metrics": names that logs may have}, where known.
    """

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Called first, with the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called first, with the parameters of the training."""
        self.params = params

    @property
    def wants_batches(self) -> bool:
        """Whether the hooks of batches are to be called. When no callback wants them, the steps run without Python."""
        return any(
            getattr(getattr(self, name), "__func__", None) is not getattr(Callback, name) for name in _BATCH_HOOKS
        )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called once before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called once after the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch, counted from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch, with the epoch's loss and metrics so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of on_train_batch_end."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called before an evaluation or validation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called after an evaluation or validation, with its loss and metrics."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of an evaluation or validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of an evaluation or validation."""


class History(Callback):
    """Keeps the logs of every epoch. fit makes one and returns it.

    Attributes:
        epoch: the numbers of the epochs of the last training, from 0.
        history: name -> values, one for every epoch in which the name was there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Starts the list of epochs anew."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Appends the logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class CallbackList:
    """Calls callbacks in their order, and a History last, which sees what the others add to the logs.

    Attributes:
        callbacks: all of them.
        history: the first History among them; one is made if there is none.
    """

    def __init__(
        self,
        callbacks: CallbackList | Callback | Iterable[Callback] | None = None,
        model: Any = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        """Takes the callbacks over.

        Args:
            callbacks: one, several or none.
            model: given to each of them by set_model, if not None.
            params: given to each of them by set_params, if not None.

        Raises:
            TypeError: something is not a Callback.
        """
        if isinstance(callbacks, CallbackList):
            callbacks = callbacks.callbacks
        elif isinstance(callbacks, Callback):
            callbacks = [callbacks]
        elif callbacks is None:
            callbacks = []
        elif not isinstance(callbacks, Iterable):
            raise TypeError(f"callbacks must be a Callback or a list of them, got a {type(callbacks).__name__}")
        self.callbacks: list[Callback] = list(callbacks)
        for i, one in enumerate(self.callbacks):
            _check(one, f"callbacks[{i}]")
        found = [one for one in self.callbacks if isinstance(one, History)]
        self.history = found[0] if found else History()
        if not found:
            self.callbacks.append(self.history)
        if model is not None:
            self.set_model(model)
        if params is not None:
            self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Adds a callback, before the History where that is the last.

        Raises:
            TypeError: callback is not a Callback.
        """
        _check(callback, "callback")
        self.callbacks.insert(len(self.callbacks) - (self.callbacks[-1] is self.history), callback)

    @property
    def wants_batches(self) -> bool:
        """Whether a callback has hooks for batches, so that the loop must return to Python after each."""
        return any(one.wants_batches for one in self.callbacks)

    def set_model(self, model: Any) -> None:
        """Tells all of them the model."""
        for one in self.callbacks:
            one.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tells all of them the parameters of the training."""
        for one in self.callbacks:
            one.set_params(params)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""
        self._call("on_train_begin", logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""
        self._call("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch."""
        self._call("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch."""
        self._call("on_epoch_end", logs, epoch)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch."""
        self._call("on_train_batch_begin", logs, batch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch."""
        self._call("on_train_batch_end", logs, batch)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation or validation."""
        self._call("on_test_begin", logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation or validation."""
        self._call("on_test_end", logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation or validation."""
        self._call("on_test_batch_begin", logs, batch)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation or validation."""
        self._call("on_test_batch_end", logs, batch)

    def _call(self, hook: str, logs: Logs | None, *number: int) -> None:
        shared = {} if logs is None else logs
        for one in self.callbacks:
            getattr(one, hook)(*number, shared)


def _check(callback: object, name: str) -> None:
    if isinstance(callback, type) and issubclass(callback, Callback):
        raise TypeError(f"{name} must be an object, got the class; write {callback.__name__}()")
    if not isinstance(callback, Callback):
        raise TypeError(f"{name} must be a Callback, got a {type(callback).__name__}")
