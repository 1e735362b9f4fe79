"""Callbacks, learning rates, interrupts and losses that are not finite, within fit."""

from __future__ import annotations

import os
import signal
import threading
import warnings

import numpy as np
import pytest
from sequential_models import ENGINE_PARAMETERS, ENGINES, assert_same, classes, classifier, linear, regression

import fastnn
from fastnn.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    TerminateOnNaN,
)
from fastnn.optimizers import SGD
from fastnn.optimizers.schedules import ExponentialDecay


@pytest.fixture(params=ENGINE_PARAMETERS)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Recorder(Callback):
    """Notes its calls."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch}")

    def on_test_begin(self, logs=None):
        self.calls.append("test")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(" ".join(logs))

    def on_train_end(self, logs=None):
        self.calls.append("end")


def test_callbacks_are_called_in_keras_order(engine):
    x, y = classes()
    recorder = Recorder()
    model = classifier(engine)
    model.fit(x, y, epochs=3, initial_epoch=1, validation_split=0.5, callbacks=recorder, verbose=0)
    epoch = ["test", "loss accuracy val_loss val_accuracy"]
    assert recorder.calls == ["begin", "epoch 1", *epoch, "epoch 2", *epoch, "end"]
    assert recorder.model is model
    assert recorder.params == {
        "verbose": 0,
        "epochs": 3,
        "steps": 2,
        "metrics": ["loss", "accuracy", "val_loss", "val_accuracy"],
    }
    recorder.calls.clear()
    model.evaluate(x, y, verbose=0, callbacks=[recorder])
    assert recorder.calls == ["test"]


def test_hooks_of_batches_change_nothing(engine):
    x, y = classes()
    model, watched = classifier(engine), classifier(engine)
    seen, tested = [], []
    hooks = LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(batch),
        on_train_batch_end=lambda batch, logs: seen.append((batch, logs["loss"])),
        on_test_batch_begin=lambda batch, logs: tested.append(batch),
        on_test_batch_end=lambda batch, logs: tested.append((batch, logs["accuracy"])),
    )
    first = model.fit(x, y, epochs=2, validation_data=(x, y), verbose=0).history
    second = watched.fit(x, y, epochs=2, validation_data=(x, y), callbacks=[hooks], verbose=0).history
    assert_same(model.get_weights(), watched.get_weights())
    for name, values in first.items():
        assert values == pytest.approx(second[name], rel=1e-12)
    assert [call if isinstance(call, int) else call[0] for call in seen] == [0, 0, 1, 1, 2, 2] * 2
    assert [call if isinstance(call, int) else call[0] for call in tested] == [0, 0, 1, 1, 2, 2] * 2
    assert seen[5][1] == second["loss"][0]
    assert tested[5][1] == second["val_accuracy"][0]


def test_a_callback_may_stop_after_a_batch(engine):
    x, y = classes()
    model = classifier(engine)

    def stop(batch, logs):
        model.stop_training = batch == 1

    history = model.fit(x, y, epochs=5, callbacks=[LambdaCallback(on_train_batch_end=stop)], verbose=0)
    assert model.optimizer.iterations == 2
    assert history.epoch == [0]
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 5


def test_learning_rates_follow_their_schedules(engine):
    x, y = regression()
    by_schedule, by_hand, by_batch = (linear(engine, x) for _ in range(3))
    by_schedule.compile(SGD(ExponentialDecay(0.1, 1, 0.9)), "mse")
    by_schedule.fit(x, y, 10, epochs=2, shuffle=False, verbose=0)
    by_hand.compile(SGD(0.0), "mse")
    for step in range(10):
        by_hand.optimizer.learning_rate = 0.1 * 0.9**step
        rows = slice(step % 5 * 10, step % 5 * 10 + 10)
        by_hand.train_on_batch(x[rows], y[rows])
    by_batch.compile(SGD(0.0), "mse")

    def set_rate(batch, logs):
        by_batch.optimizer.learning_rate = 0.1 * 0.9**by_batch.optimizer.iterations

    by_batch.fit(
        x, y, 10, epochs=2, shuffle=False, verbose=0, callbacks=[LambdaCallback(on_train_batch_begin=set_rate)]
    )
    for one, other, third in zip(*(m.get_weights() for m in (by_schedule, by_hand, by_batch)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
        np.testing.assert_allclose(one, third, rtol=1e-12)


def test_a_scheduler_sets_the_rate_of_epochs(engine):
    x, y = regression()
    model = linear(engine, x)
    model.compile(SGD(0.5), "mse")
    scheduler = LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    history = model.fit(x, y, 50, epochs=3, callbacks=[scheduler], verbose=0)
    assert history.history["learning_rate"] == [0.1, 0.05, 0.1 / 3]
    other = linear(engine, x)
    other.compile(SGD(0.1), "mse")
    other.fit(x, y, 50, shuffle=False, verbose=0)
    assert history.history["loss"][0] == pytest.approx(other.history.history["loss"][0])


def test_early_stopping_restores_the_best_weights(engine):
    x, y = classes()
    model = classifier(engine)
    kept = {}

    def keep(epoch, logs):
        kept[epoch] = logs["val_loss"], model.get_weights()

    # The wrong classes: what is learnt makes the validation worse.
    stop = EarlyStopping(patience=2, restore_best_weights=True)
    history = model.fit(
        x,
        y,
        epochs=50,
        validation_data=(x, (y + 1) % 3),
        callbacks=[LambdaCallback(on_epoch_end=keep), stop],
        verbose=0,
    )
    assert len(history.epoch) < 50
    best = min(kept.values(), key=lambda pair: pair[0])
    assert_same(model.get_weights(), best[1])


def test_checkpoints_can_be_gone_on_with(engine, tmp_path):
    x, y = classes()
    model = classifier(engine)
    checkpoint = ModelCheckpoint(tmp_path / "{epoch:02d}.safetensors")
    history = model.fit(x, y, epochs=4, callbacks=[checkpoint], verbose=0).history
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{i:02d}.safetensors" for i in range(1, 5)]
    again = fastnn.load_model(tmp_path / "02.safetensors", **ENGINES[engine])
    rest = again.fit(x, y, epochs=4, initial_epoch=2, verbose=0).history
    assert_same(again.get_weights(), model.get_weights())
    assert rest["loss"] == history["loss"][2:]


def test_a_loss_that_is_not_finite_warns_once(engine):
    x, y = regression()
    x[23] = np.nan
    model = linear(engine, x)
    model.compile(SGD(0.01), "mse")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(x, y, 10, epochs=3, shuffle=False, verbose=0)
    assert [w.category for w in caught] == [RuntimeWarning]
    assert str(caught[0].message).startswith("the loss is nan in epoch 1, batch 3 (counted from 1)")
    assert caught[0].filename == __file__
    assert len(history.epoch) == 3
    assert np.isnan(history.history["loss"]).all()


def test_nan_can_end_the_training(engine, capsys):
    x, y = regression()
    model = linear(engine, x)
    model.compile(SGD(1e200), "mse")
    with pytest.warns(RuntimeWarning, match="the loss is (nan|inf) in epoch 1"):
        history = model.fit(x, y, 5, epochs=3, callbacks=[TerminateOnNaN()], verbose=0)
    assert history.epoch == [0]
    assert model.optimizer.iterations < 10
    assert "training is stopped" in capsys.readouterr().out


def test_an_interrupt_leaves_the_model_usable(engine):
    """Ctrl-C in the middle of steps: those that were done count, and training goes on as if by itself."""
    x, y = classes(64)
    model = classifier(engine)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=10**7, shuffle=False, verbose=0)
    timer.join()
    done = model.optimizer.iterations
    assert done > 0
    same = classifier(engine)
    same.fit(x, y, epochs=done // 2, shuffle=False, verbose=0)
    if done % 2:
        same.train_on_batch(x[:32], y[:32])
    assert_same(model.get_weights(), same.get_weights())
    assert np.isfinite(model.evaluate(x, y, verbose=0)).all()


def test_an_error_in_a_callback_leaves_the_model_usable(engine):
    x, y = classes()
    model, same = classifier(engine), classifier(engine)

    def fail(batch, logs):
        if batch == 1:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        model.fit(x, y, shuffle=False, callbacks=[LambdaCallback(on_train_batch_end=fail)], verbose=0)
    for rows in (slice(0, 32), slice(32, 64)):
        same.train_on_batch(x[rows], y[rows])
    assert_same(model.get_weights(), same.get_weights())
    assert model.optimizer.iterations == 2
