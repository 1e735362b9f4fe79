"""Every layer, loss and optimizer over 100 steps: against PyTorch, and against figures that it gave."""

from __future__ import annotations

import json
from pathlib import Path

import network_cases as cases
import numpy as np
import pytest
from tolerance import assert_within

FIGURES = json.loads(Path(__file__).with_name("network_figures.json").read_text())


@pytest.fixture(params=cases.ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine."""
    return str(request.param)


@pytest.mark.parametrize("name", cases.CASES)
def test_a_training_ends_at_the_stored_figures(engine, dtype, name):
    case = cases.CASES[name]
    model = case.engine(engine, dtype)
    losses = cases.fit(model, case.data(dtype), case.rate)
    assert np.isfinite(losses).all()
    first, tenth, last, *sums = FIGURES[name]
    loss_bound = cases.bound(dtype, losses[[0, 9, -1]])
    assert_within(losses[[0, 9, -1]], np.array([first, tenth, last]), loss_bound)
    for w, total in zip(model.get_weights(), sums, strict=True):
        assert w.dtype == dtype
        assert_within(w.sum(dtype=np.float64), total, cases.bound(dtype, w).sum())


@pytest.mark.parametrize("name", cases.CASES)
def test_a_training_is_that_of_torch(engine, dtype, name):
    pytest.importorskip("torch")
    import network_oracle

    case = cases.CASES[name]
    model = case.engine(engine, dtype)
    losses = cases.fit(model, case.data(dtype), case.rate)
    wanted, weights = network_oracle.train(name)
    assert_within(losses, wanted, cases.bound(dtype, wanted))
    for w, exact in zip(model.get_weights(), weights, strict=True):
        assert_within(w, exact, cases.bound(dtype, exact))


@pytest.mark.parametrize("name", cases.CASES)
def test_the_stored_figures_are_those_of_torch(name):
    pytest.importorskip("torch")
    import network_oracle

    wanted = network_oracle.figures(*network_oracle.train(name))
    np.testing.assert_allclose(FIGURES[name], wanted, rtol=1e-9, atol=1e-9)


def test_every_case_has_figures():
    assert list(FIGURES) == list(cases.CASES)
