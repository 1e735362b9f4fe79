"""Callbacks with a model that only plays training: its weight is the number of epochs it has seen."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from fastnn.network import schedules
from fastnn.network.callback import CallbackList
from fastnn.optimizers import SGD


class Model:
    def __init__(self, optimizer: SGD | None = None) -> None:
        self.optimizer = optimizer or SGD(1.0)
        self.stop_training = False
        self.weights = [np.zeros(1)]
        self.saved: list[tuple[str, float]] = []

    def get_weights(self) -> list[np.ndarray]:
        return [weight.copy() for weight in self.weights]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self.weights = weights

    def save(self, path: str) -> None:
        self.saved.append((f"model {path}", self.weights[0].item()))
        Path(path).write_text("model")

    def save_weights(self, path: str) -> None:
        self.saved.append((f"weights {path}", self.weights[0].item()))
        Path(path).write_text("weights")

    def fit(
        self,
        callbacks: Callback | Iterable[Callback],
        epochs: Iterable[dict[str, float]],
        *,
        batches: int = 2,
        first: int = 0,
        metrics: tuple[str, ...] = (),
    ) -> History:
        """Goes through the loop of fit; each epoch has the given logs."""
        hooks = CallbackList(callbacks, self, {"epochs": 0, "steps": batches, "verbose": 0, "metrics": metrics})
        self.stop_training = False
        logs: dict[str, float] = {}
        hooks.on_train_begin()
        for epoch, given in enumerate(epochs, first):
            logs = dict(given)
            hooks.on_epoch_begin(epoch)
            for batch in range(batches):
                if hooks.wants_batches:
                    hooks.on_train_batch_begin(batch)
                    hooks.on_train_batch_end(batch, dict(logs))
                if self.stop_training:
                    break
            self.weights[0] += 1
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        hooks.on_train_end(logs)
        return hooks.history


def losses(*values: float, name: str = "val_loss") -> list[dict[str, float]]:
    return [{name: value} for value in values]


# --- the list


def test_hooks_are_called_in_order_with_the_same_logs() -> None:
    calls: list[str] = []

    class Noting(Callback):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    for hook in [name for name in vars(Callback) if name.startswith("on_") and "_batch_" not in name[:9]]:

        def note(self: Noting, *arguments: Any, hook: str = hook) -> None:
            calls.append(f"{hook} {self.name}")
            assert isinstance(arguments[-1], dict)
            arguments[-1][self.name] = len(arguments)

        setattr(Noting, hook, note)

    hooks = CallbackList([Noting("a"), Noting("b")], model := Model(), {"epochs": 3})
    assert [one.model for one in hooks.callbacks] == [model] * 3
    assert hooks.callbacks[0].params == {"epochs": 3}
    logs: dict[str, Any] = {"loss": 0.5}
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)
    hooks.on_train_batch_begin(0)
    hooks.on_train_batch_end(0)
    hooks.on_test_begin()
    hooks.on_test_batch_begin(0)
    hooks.on_test_batch_end(0)
    hooks.on_test_end()
    hooks.on_epoch_end(0, logs)
    hooks.on_train_end(logs)
    names = ["train_begin", "epoch_begin", "train_batch_begin", "train_batch_end", "test_begin"]
    names += ["test_batch_begin", "test_batch_end", "test_end", "epoch_end", "train_end"]
    assert calls == [f"on_{name} {who}" for name in names for who in "ab"]
    # History is called last, and sees what the others have added.
    assert hooks.history.history == {"loss": [0.5], "a": [2], "b": [2]}
    assert hooks.history.epoch == [0]


def test_history_is_made_once_and_can_be_your_own() -> None:
    mine = History()
    hooks = CallbackList([mine, TerminateOnNaN()])
    assert hooks.history is mine
    assert len(hooks.callbacks) == 2
    assert CallbackList(hooks).history is mine
    assert isinstance(CallbackList().history, History)
    assert len(CallbackList(mine).callbacks) == 1


def test_history_keeps_what_is_there() -> None:
    history = Model().fit([], [{"loss": 3.0}, {"loss": 2.0, "val_loss": 4.0}, {"loss": 1.0}], first=5)
    assert history.history == {"loss": [3.0, 2.0, 1.0], "val_loss": [4.0]}
    assert history.epoch == [5, 6, 7]


def test_append_keeps_history_last() -> None:
    hooks = CallbackList()
    added = TerminateOnNaN()
    hooks.append(added)
    assert hooks.callbacks == [added, hooks.history]


def test_who_wants_batches() -> None:
    class Old(Callback):
        def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            pass

    class Tests(Callback):
        def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            pass

    late = Callback()
    late.on_train_batch_end = lambda batch, logs=None: None
    for one in (Old(), late, TerminateOnNaN(), LambdaCallback(on_train_batch_begin=print)):
        assert one.wants_batches
        assert CallbackList([History(), one]).wants_batches
    for one in (Callback(), Tests(), EarlyStopping(), CSVLogger("x"), LambdaCallback(on_epoch_end=print)):
        assert not one.wants_batches
    assert not ModelCheckpoint("x").wants_batches
    assert ModelCheckpoint("x", save_freq=3).wants_batches
    assert not CallbackList().wants_batches


def test_older_names_of_the_batch_hooks() -> None:
    seen: list[Any] = []

    class Old(Callback):
        def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            seen.append(batch)

        def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            seen.append(logs)

    Model().fit(Old(), losses(1.0, name="loss"))
    assert seen == [0, {"loss": 1.0}, 1, {"loss": 1.0}]


def test_what_is_no_callback_is_refused() -> None:
    with pytest.raises(TypeError, match=r"callbacks\[1\] must be a Callback, got a function"):
        CallbackList([History(), lambda: None])
    with pytest.raises(TypeError, match=r"callbacks\[0\] must be an object, got the class; write TerminateOnNaN\(\)"):
        CallbackList([TerminateOnNaN])
    with pytest.raises(TypeError, match="callbacks must be a Callback or a list of them, got a int"):
        CallbackList(3)


# --- EarlyStopping


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({}, (3, 2, 2, 1), 3),
        ({"patience": 2}, (3, 2, 2, 2, 1), 4),
        ({"patience": 2}, (3, 2, 2, 1, 1, 1, 0), 6),
        ({"min_delta": 0.5, "patience": 1}, (3, 2.8, 2.6, 2), 2),
        ({"min_delta": -0.5, "patience": 1}, (3, 2.4, 2.0, 1), 3),
        ({"mode": "max", "patience": 1}, (1, 2, 3, 2, 4), 4),
        ({"patience": 1, "start_from_epoch": 3}, (1, 2, 3, 4, 5, 6), 5),
        # The baseline is never beaten, but as long as there is improvement it goes on.
        ({"patience": 2, "baseline": 0.5}, (3, 2, 2), 3),
        ({"patience": 2, "baseline": 2.5}, (3, 2, 2, 2), 4),
        ({"patience": 1}, (3, math.nan, 1), 2),
        ({"patience": 9}, (3, 3, 3), 3),
        # As in Keras it never stops after the first epoch of all.
        ({}, (math.nan, math.nan, 1), 2),
    ],
)
def test_early_stopping(options: dict[str, Any], values: tuple[float, ...], epochs: int) -> None:
    model, stopping = Model(), EarlyStopping(**options)
    history = model.fit(stopping, losses(*values))
    assert len(history.epoch) == epochs
    assert stopping.stopped_epoch == (epochs - 1 if model.stop_training else 0)


def test_early_stopping_restores_the_best_weights(capsys: pytest.CaptureFixture[str]) -> None:
    model = Model()
    stopping = EarlyStopping(monitor="val_accuracy", patience=2, restore_best_weights=True, verbose=1)
    model.fit(stopping, losses(0.5, 0.9, 0.8, 0.7, 0.6, name="val_accuracy"))
    assert model.weights[0] == 2.0
    assert stopping.best == 0.9
    assert stopping.best_epoch == 1
    assert "Epoch 4: stopped" in capsys.readouterr().out
    # Also at the end of a training that it did not stop.
    other = Model()
    other.fit(stopping, losses(0.5, 0.9, 0.8, name="val_accuracy"))
    assert other.weights[0] == 2.0
    assert other.stop_training is False


def test_early_stopping_starts_anew_in_a_second_training() -> None:
    model, stopping = Model(), EarlyStopping(patience=1, restore_best_weights=True)
    model.fit(stopping, losses(1, 2, 3))
    assert model.stop_training
    history = model.fit(stopping, losses(9, 8, 7, 6))
    assert len(history.epoch) == 4
    assert stopping.best == 6


def test_a_monitor_that_is_not_there_warns() -> None:
    with pytest.warns(UserWarning, match=r"EarlyStopping monitors 'val_loss', which is not among the logs: loss"):
        history = Model().fit(EarlyStopping(), losses(1, name="loss"))
    assert len(history.epoch) == 1


@pytest.mark.parametrize(
    ("name", "upward"),
    [
        ("val_loss", False),
        ("accuracy", True),
        ("val_sparse_categorical_accuracy", True),
        ("mean_absolute_error", False),
        ("binary_crossentropy", False),
        ("sparse_top_k_categorical_accuracy", True),
        ("auc", True),
    ],
)
def test_the_direction_is_told_from_the_name(name: str, upward: bool) -> None:
    stopping = EarlyStopping(monitor=name)
    assert stopping.improved(2.0, 1.0) is upward
    assert stopping.improved(1.0, 2.0) is not upward
    assert not stopping.improved(math.nan, stopping.worst)


# --- ModelCheckpoint


def test_checkpoints_of_every_epoch(tmp_path: Path) -> None:
    model = Model()
    model.fit(ModelCheckpoint(tmp_path / "new" / "{epoch:02d}-{val_loss:.2f}.safetensors"), losses(0.5, 0.25))
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["01-0.50.safetensors", "02-0.25.safetensors"]
    assert [weight for _, weight in model.saved] == [1.0, 2.0]


def test_checkpoints_of_the_best_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "best.safetensors")
    model, checkpoint = Model(), ModelCheckpoint(path, save_best_only=True, save_weights_only=True, verbose=1)
    model.fit(checkpoint, losses(3, 4, math.nan, 2))
    assert model.saved == [(f"weights {path}", 1.0), (f"weights {path}", 4.0)]
    assert f"Epoch 4: weights saved to {path}" in capsys.readouterr().out
    # A second training does not overwrite it with a worse model.
    model.fit(checkpoint, losses(2.5))
    assert len(model.saved) == 2


def test_the_best_must_be_better_than_the_threshold(tmp_path: Path) -> None:
    model = Model()
    options = {"save_best_only": True, "mode": "max", "initial_value_threshold": 0.5}
    model.fit(ModelCheckpoint(tmp_path / "a", "score", **options), losses(0.4, 0.5, 0.6, name="score"))
    assert [weight for _, weight in model.saved] == [3.0]


def test_without_the_monitored_value_the_best_is_not_overwritten(tmp_path: Path) -> None:
    model = Model()
    with pytest.warns(UserWarning, match="ModelCheckpoint monitors 'val_loss'"):
        model.fit(ModelCheckpoint(tmp_path / "a", save_best_only=True), losses(1, name="loss"))
    assert model.saved == []


def test_checkpoints_after_batches(tmp_path: Path) -> None:
    model = Model()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=3, monitor="anything")
    model.fit(checkpoint, losses(1, 1, 1, name="loss"), batches=4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-3", "2-2", "3-1", "3-4"]


@pytest.mark.parametrize("path", ["{val_acc}", "{}", "{epoch:zz}"])
def test_a_path_that_cannot_be_filled_in(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match=r"filepath '.*' cannot be filled in with epoch, val_loss"):
        Model().fit(ModelCheckpoint(str(tmp_path / path)), losses(1))


# --- learning rates


@pytest.mark.parametrize(
    ("options", "values", "rates"),
    [
        ({"patience": 1}, (3, 3, 2, 2), [1, 1, 0.1, 0.1, 0.01]),
        ({"patience": 2, "factor": 0.5}, (3, 3, 3, 3, 3), [1, 1, 1, 0.5, 0.5, 0.25]),
        ({"patience": 1, "cooldown": 1, "factor": 0.5}, (3, 3, 3, 3), [1, 1, 0.5, 0.25, 0.125]),
        ({"patience": 1, "cooldown": 2, "factor": 0.5}, (3, 3, 3, 3, 3), [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ({"patience": 1, "min_lr": 0.05}, (3, 3, 3, 3), [1, 1, 0.1, 0.05, 0.05]),
        ({"patience": 1, "min_delta": 0.5}, (3, 2.7, 2.4), [1, 1, 0.1, 0.1]),
        ({"patience": 1, "mode": "max"}, (3, 4, 3), [1, 1, 1, 0.1]),
        ({"patience": 1}, (3, math.nan), [1, 1, 0.1]),
    ],
)
def test_reduce_on_plateau(options: dict[str, Any], values: tuple[float, ...], rates: list[float]) -> None:
    model = Model()
    history = model.fit(ReduceLROnPlateau(**options), losses(*values))
    np.testing.assert_allclose([*history.history["learning_rate"], model.optimizer.learning_rate], rates, rtol=1e-12)


def test_reduce_on_plateau_refuses_a_schedule() -> None:
    model = Model(SGD(schedules.ConstantSchedule(1.0)))
    with pytest.raises(TypeError, match="learning_rate follows a ConstantSchedule"):
        model.fit(ReduceLROnPlateau(patience=1), losses(1, 1))


def test_scheduler(capsys: pytest.CaptureFixture[str]) -> None:
    for schedule in (lambda epoch, rate: rate / 2, lambda epoch: 0.5 ** (epoch + 1)):
        model = Model()
        history = model.fit(LearningRateScheduler(schedule, verbose=1), losses(1, 1, 1))
        assert history.history["learning_rate"] == [0.5, 0.25, 0.125]
        assert model.optimizer.learning_rate == 0.125
    assert "Epoch 3: learning rate set to 0.125" in capsys.readouterr().out
    by_object = Model().fit(LearningRateScheduler(schedules.StepDecay(1.0, 2, 0.5)), losses(1, 1, 1))
    assert by_object.history["learning_rate"] == [1.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (lambda epoch: "x", TypeError, "schedule's learning rate must be a real number, got 'x'"),
        (lambda epoch: -1.0, ValueError, "schedule's learning rate must be >= 0"),
        (lambda epoch: math.nan, ValueError, "schedule's learning rate must be >= 0"),
    ],
)
def test_scheduler_that_gives_no_rate(given: Callable[[int], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        Model().fit(LearningRateScheduler(given), losses(1))


# --- the rest


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_terminate_on_nan(loss: float, capsys: pytest.CaptureFixture[str]) -> None:
    model = Model()
    history = model.fit(TerminateOnNaN(), losses(1, loss, 1, name="loss"))
    assert len(history.epoch) == 2
    assert f"Batch 0: the loss is {loss}" in capsys.readouterr().out


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("old")
    logger = CSVLogger(path)
    model = Model()
    model.fit(logger, [{"loss": 0.5}, {"loss": 0.25, "val_loss": 0.125, "more": 1.0}], metrics=("loss", "val_loss"))
    assert list(csv.reader(path.read_text().splitlines())) == [
        ["epoch", "loss", "val_loss"],
        ["0", "0.5", "NA"],
        ["1", "0.25", "0.125"],
    ]
    # Appending goes on with the columns of the file, whatever the logs.
    model.fit(CSVLogger(path, append=True), [{"a": 1.0, "loss": 0.125}], first=2)
    assert path.read_text().splitlines()[-1] == "2,0.125,NA"
    # The same logger, not appending, begins anew, with the columns of the new training.
    model.fit(logger, [{"a": 1.0}])
    assert path.read_text().splitlines() == ["epoch,a", "0,1.0"]


def test_csv_with_another_separator_and_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for first in range(2):
        Model().fit(CSVLogger(path, separator=";", append=True), [{"loss": 0.5}], first=first)
    assert path.read_text().splitlines() == ["epoch;loss", "0;0.5", "1;0.5"]


def test_csv_does_not_append_to_another_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("name,age\nann,3\n")
    with pytest.raises(ValueError, match=r"notes\.csv cannot be appended to: its first column must be epoch"):
        Model().fit(CSVLogger(path, append=True), losses(1))
    assert path.read_text() == "name,age\nann,3\n"


def test_lambda() -> None:
    seen: list[Any] = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])),
        on_test_end=lambda logs: seen.append("never"),
    )
    Model().fit(callback, losses(2.0, 1.0, name="loss"))
    assert seen == ["begin", (0, 2.0), (1, 1.0)]


BAD: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: EarlyStopping(monitor="score"), ValueError, r"whether 'score' is better high or low .* give mode="),
    (lambda: EarlyStopping(monitor=3), TypeError, "monitor must be a name in the logs, got a int"),
    (lambda: EarlyStopping(mode="mix"), ValueError, r"unknown mode 'mix'.*known: auto, min, max"),
    (lambda: EarlyStopping(patience=-1), ValueError, "patience must be >= 0, got -1"),
    (lambda: EarlyStopping(patience=1.5), TypeError, "patience must be an integer"),
    (lambda: EarlyStopping(min_delta="x"), TypeError, "min_delta must be a real number"),
    (lambda: ModelCheckpoint("x", save_freq=0), ValueError, "save_freq must be >= 1"),
    (lambda: ModelCheckpoint("x", save_freq="batch"), TypeError, "save_freq must be an integer"),
    (lambda: ModelCheckpoint("x", monitor="score", save_best_only=True), ValueError, "whether 'score' is better"),
    (lambda: ModelCheckpoint(3), TypeError, "filepath must be a path, got a int"),
    (lambda: ReduceLROnPlateau(factor=1.0), ValueError, "factor must be > 0 and < 1"),
    (lambda: ReduceLROnPlateau(min_lr=-1), ValueError, "min_lr must be >= 0"),
    (lambda: LearningRateScheduler(0.1), TypeError, "schedule must be a function of the epoch and the learning rate"),
    (lambda: LearningRateScheduler(lambda: 0.1), TypeError, "schedule must be a function of the epoch"),
    (lambda: CSVLogger("x", separator=", "), ValueError, "separator must be one character, got ', '"),
    (lambda: LambdaCallback(on_epoch=print), ValueError, "unknown hook 'on_epoch'; did you mean"),
    (lambda: LambdaCallback(on_epoch_end=3), TypeError, "on_epoch_end must be a function, got a int"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments(case: int) -> None:
    call, error, sentence = BAD[case]
    with pytest.raises(error, match=sentence):
        call()
