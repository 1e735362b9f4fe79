"""The generic engine alone: blocks of predict, interrupts, and the time that one call may take."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

import network_cases as cases
import numpy as np
import pytest

from fastnn import backends
from fastnn.network import generic
from fastnn.network.engine import LossPlan, OptimizerPlan, Steps
from fastnn.network.interrupts import HeldInterrupts
from fastnn.network.plan import Dense

CASE = cases.Case((Dense(6, "tanh", True), Dense(3, "identity", True)), LossPlan("mse"), OptimizerPlan("adam"))


def all_steps() -> Steps:
    count = -(-cases.ROWS // cases.BATCH)
    return Steps(CASE.data(), None, cases.BATCH, 0, np.full(count, 0.01), 0, np.full(count, np.nan), None)


def test_predict_goes_through_many_rows_in_blocks(backend, monkeypatch):
    model, x = CASE.engine(f"generic-{backend}"), CASE.data().x
    whole = model.predict(x, None)
    for block in (1, 13, 6 * len(x)):
        monkeypatch.setattr(sys.modules[type(model).__module__], "BLOCK", block)
        np.testing.assert_allclose(model.predict(x, None), whole, rtol=0, atol=1e-14)


def test_the_backend_has_a_name():
    assert CASE.engine("generic-reference").backend == "reference"
    assert generic.GenericEngine(CASE.plan(), "numpy").backend == "reference"
    with pytest.raises(ValueError, match="unknown backend 'nativ'"):
        generic.GenericEngine(CASE.plan(), "nativ")


def test_an_interrupt_waits_for_the_end_of_a_step(backend, monkeypatch):
    if backend == "cuda":  # its engine updates all parameters in one launch, by an optimizer of its own
        from fastnn.network.cuda_optimizer import Optimizer as owner

        name = "step"
    else:
        owner, name = backends.load(backend), "adam_step"
    step = getattr(owner, name)

    def interrupted(*args: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        step(*args, **options)

    model, other = (CASE.engine(f"generic-{backend}") for _ in range(2))
    other.train(all_steps(), 1)
    steps = all_steps()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.train(steps, 1000)
    assert np.isfinite(steps.losses).tolist() == [True, False, False, False, False]
    for one, wanted in zip(
        model.get_weights() + model.get_state(), other.get_weights() + other.get_state(), strict=True
    ):
        np.testing.assert_array_equal(one, wanted)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert model.train(steps, 1000) > 0


def fail_when_interrupted() -> None:
    with HeldInterrupts():
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError


def test_an_error_is_not_hidden_by_an_interrupt():
    with pytest.raises(ZeroDivisionError):
        fail_when_interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_train_as_well():
    model, steps, done = CASE.engine("generic-reference"), all_steps(), []
    thread = threading.Thread(target=lambda: done.append(model.train(steps, 1)))
    thread.start()
    thread.join()
    assert done == [1]


def test_interrupts_that_python_does_not_handle_are_left_alone():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with HeldInterrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert not interrupts.pending
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_call_ends_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(generic, "SECONDS_OF_A_CALL", 0.0)
    steps = all_steps()
    assert CASE.engine("generic-reference").train(steps, 1000) == 1
    assert np.isnan(steps.losses[1:]).all()
