"""What both engines promise beside the oracles: gradients, Keras's formulas, weights, sizes, steps in pieces."""

from __future__ import annotations

from typing import Any

import network_cases as cases
import numpy as np
import pytest
from keras_formulas import KerasOptimizer
from network_cases import Case, make_engine, plan_of, weights_of

from fastnn.network.engine import Data, Engine, LossPlan, OptimizerPlan, Steps, Training
from fastnn.network.plan import Activation, Dense, Dropout, Rescaling, Reshape, Softmax

SKIPPED = LossPlan("cross_entropy", by_index=True, skips_last=True)
# Saturated by inputs up to 255, which no finite difference can follow.
DIFFERENCED = {name: case for name, case in cases.CASES.items() if "optimizer" not in name and name != "bytes"}


@pytest.fixture(params=cases.ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine."""
    return str(request.param)


def steps_of(data: Data, batch: int, rate: float = 0.1, outputs: Any = None, **changes: Any) -> Steps:
    """One epoch of the rows in their order."""
    count = -(-len(data.x) // batch)
    fields: dict[str, Any] = {"order": None, "first": 0, "iteration": 0, **changes}
    rates, losses = np.full(count, rate), np.full(count, np.nan)
    return Steps(data, batch_size=batch, rates=rates, losses=losses, outputs=outputs, **fields)


def train_all(model: Engine, steps: Steps, most: int = 1000) -> int:
    """Does the rest of an epoch, and returns in how many calls."""
    calls = 0
    while steps.first < len(steps.rates):
        done = model.train(steps, most)
        assert 0 < done <= most
        steps.first += done
        steps.iteration += done
        calls += 1
    return calls


def assert_same(some: list[np.ndarray], others: list[np.ndarray]) -> None:
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


def full_loss(model: Engine, data: Data) -> float:
    """The loss of all rows as one batch; a rate of 0 leaves the weights."""
    steps = steps_of(data, len(data.x), 0.0, iteration=5)
    assert model.train(steps, 1) == 1
    return float(steps.losses[0])


@pytest.mark.parametrize("name", DIFFERENCED)
def test_gradients_of_whole_networks_are_finite_differences(engine, name):
    case = DIFFERENCED[name]
    model, data = case.engine(engine), case.data()
    model.compile(Training(case.loss, OptimizerPlan("sgd"), cases.SEED))
    weights = model.get_weights()
    model.train(steps_of(data, len(data.x), 1.0, iteration=5), 1)
    gradients = [before - after for before, after in zip(weights, model.get_weights(), strict=True)]
    places = [(i, j) for i, w in enumerate(weights) for j in range(w.size)]
    largest = max(abs(g).max() for g in gradients)
    h = 1e-5
    for k in np.random.default_rng(1).permutation(len(places))[:20]:
        i, j = places[k]
        losses = []
        for moved in (h, -h):
            shifted = [w.copy() for w in weights]
            shifted[i].flat[j] += moved
            model.set_weights(shifted)
            losses.append(full_loss(model, data))
        assert (losses[0] - losses[1]) / (2 * h) == pytest.approx(gradients[i].flat[j], abs=1e-7 * (1 + largest))


@pytest.mark.parametrize("name", cases.OPTIMIZERS)
def test_optimizers_follow_the_formulas_of_keras(engine, name):
    """Of a linear model with two outputs, whose gradient needs no library."""
    case = cases.OPTIMIZERS[name]
    plan = plan_of((4,), (Dense(2, "identity", True),), l1=case.l1, l2=case.l2)
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((16, 4)), rng.standard_normal((16, 2))
    model = make_engine(engine, plan)
    weights = weights_of(plan)
    model.set_weights(weights)
    model.compile(Training(LossPlan("sum_squared_error"), case.optimizer))
    keras = KerasOptimizer(case.optimizer, weights)
    for iteration in range(100):
        rate = case.rate / (1 + iteration)
        w, b = weights
        dz = 2 * (x @ w + b - y) / len(x)
        loss = ((x @ w + b - y) ** 2).sum() / len(x) + case.l1 * abs(w).sum() + case.l2 * (w**2).sum()
        weights = keras.step(
            weights, [x.T @ dz + case.l1 * np.sign(w) + 2 * case.l2 * w, dz.sum(axis=0)], rate, iteration + 1
        )
        steps = steps_of(Data(x, y), 16, rate, iteration=iteration)
        assert model.train(steps, 1) == 1
        assert steps.losses[0] == pytest.approx(loss, rel=1e-11)
    for actual, wanted in zip(model.get_weights() + model.get_state(), weights + keras.states(), strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", cases.LOSSES)
def test_sample_weights_equal_repetition(engine, name, optimizer):
    case = cases.LOSSES[name]
    plan, data = case.plan(), case.data()
    counts = np.random.default_rng(5).integers(0, 4, cases.ROWS)
    total = counts.sum()
    # A mean divides by the number of rows, not by the sum of the weights.
    scale = cases.ROWS / total if case.loss.mean else 1.0
    weighted = Data(data.x, data.y, counts * scale)
    repeated = Data(np.repeat(data.x, counts, axis=0), np.repeat(data.y, counts, axis=0))
    results = []
    for samples in (weighted, repeated):
        model = make_engine(engine, plan)
        model.set_weights(weights_of(plan))
        model.compile(Training(case.loss, OptimizerPlan(optimizer)))
        losses = cases.fit(model, samples, 0.01, batch=len(samples.x), epochs=20)
        results.append([losses, *model.get_weights()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)


def test_a_batch_may_be_larger_than_the_data_and_hold_one_sample(engine, dtype):
    """One unit, one feature, one sample, no hidden layer: (w x + b - y)^2, by hand."""
    plan = plan_of((1,), (Dense(1, "identity", True),), dtype)
    model = make_engine(engine, plan)
    model.set_weights([np.array([[0.5]], dtype), np.array([0.25], dtype)])
    model.compile(Training(LossPlan("mse"), OptimizerPlan("sgd")))
    data = Data(np.array([[2.0]], dtype), np.array([[3.0]], dtype))
    steps = steps_of(data, 32, 0.125)
    assert train_all(model, steps) == 1
    assert steps.losses.tolist() == [1.75**2]
    w, b = model.get_weights()
    assert (w.item(), b.item()) == (0.5 + 0.125 * 2 * 1.75 * 2.0, 0.25 + 0.125 * 2 * 1.75)
    assert model.predict(data.x, None).tolist() == [[w.item() * 2.0 + b.item()]]


def test_single_samples_are_a_batch_of_one_each(engine, dtype):
    case = Case((Dense(4, "relu", True), Dense(2, "identity", True)))
    plan, data = case.plan(dtype), case.data(dtype)
    model = case.engine(engine, dtype)
    steps = steps_of(data, 1, 0.05)
    train_all(model, steps)
    other = case.engine(engine, dtype)
    losses = []
    for row in range(cases.ROWS):
        alone = steps_of(Data(data.x[row : row + 1], data.y[row : row + 1]), 1, 0.05, iteration=row)
        other.train(alone, 1)
        losses.append(alone.losses[0])
    np.testing.assert_array_equal(steps.losses, losses)
    assert_same(model.get_weights(), other.get_weights())
    assert len(model.get_weights()) == len(plan.variables)


def test_a_network_without_variables(engine):
    plan = plan_of((3,), (Rescaling(0.5, 0.0), Activation("tanh"), Softmax()))
    model = make_engine(engine, plan)
    model.compile(Training(SKIPPED, OptimizerPlan("adam", clip_global_norm=1.0)))
    data = cases.data_of(plan, SKIPPED)
    steps = steps_of(data, 8)
    train_all(model, steps)
    assert np.isfinite(steps.losses).all()
    assert model.get_weights() == model.get_state() == []
    np.testing.assert_allclose(model.predict(data.x, None).sum(axis=1), 1.0)


CONTINUED = Case(
    (Dense(6, "gelu", True), Dropout(0.3), Dense(4, "identity", True), Softmax()), SKIPPED, OptimizerPlan("adam"), 0.01
)


@pytest.mark.parametrize("most", [1, 2, 1000])
def test_steps_may_be_handed_over_in_pieces(engine, dtype, most):
    data = CONTINUED.data(dtype)
    order = np.random.default_rng(6).permutation(cases.ROWS)
    whole, pieces = CONTINUED.engine(engine, dtype), CONTINUED.engine(engine, dtype)
    at_once, in_pieces = steps_of(data, 8, order=order), steps_of(data, 8, order=order)
    train_all(whole, at_once)
    calls = train_all(pieces, in_pieces, most)
    assert calls >= -(-5 // most)
    np.testing.assert_array_equal(at_once.losses, in_pieces.losses)
    assert_same(whole.get_weights(), pieces.get_weights())
    assert_same(whole.get_state(), pieces.get_state())


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop, momentum", "nesterov", "adagrad"])
def test_weights_and_states_are_all_that_an_engine_remembers(engine, dtype, optimizer):
    case = Case(CONTINUED.operations, CONTINUED.loss, cases.OPTIMIZERS[optimizer].optimizer, 0.01)
    data = case.data(dtype)
    one = case.engine(engine, dtype)
    steps = steps_of(data, 8, 0.01)
    one.train(steps, 2)
    other = make_engine(engine, case.plan(dtype))
    other.compile(case.training())
    other.set_weights(one.get_weights())
    other.set_state(one.get_state())
    for model in (one, other):
        train_all(model, steps_of(data, 8, 0.01, first=2, iteration=2))
    assert_same(one.get_weights(), other.get_weights())
    assert_same(one.get_state(), other.get_state())
    shapes = [v.shape for v in case.plan().variables] * len(case.optimizer.slots)
    assert [s.shape for s in one.get_state()] == shapes
    assert {s.dtype for s in one.get_state()} == {dtype}
    one.compile(case.training())
    first = [
        np.full(v.shape, case.optimizer.first_value(s), dtype) for s in case.optimizer.slots for v in one.plan.variables
    ]
    assert_same(one.get_state(), first)


def test_weights_are_copied_in_and_out(engine, dtype):
    model = CONTINUED.engine(engine, dtype)
    given = [np.ones_like(w) for w in model.get_weights()]
    model.set_weights(given)
    given[0][...] = 7.0
    got = model.get_weights()
    assert got[0].max() == 1.0
    got[1][...] = 7.0
    assert model.get_weights()[1].max() == 1.0


def test_outputs_are_those_before_each_update(engine, dtype):
    case = Case((Dense(6, "tanh", True), Dense(4, "identity", True), Softmax()), SKIPPED, OptimizerPlan("sgd"))
    data, order = case.data(dtype), np.random.default_rng(7).permutation(cases.ROWS)
    model = case.engine(engine, dtype)
    # Room for two whole batches and a bit.
    room = np.full((20, 4), 99.0, dtype)
    steps = steps_of(data, 8, 0.5, room, order=order)
    while steps.first < 5:
        weights = model.get_weights()
        done = model.train(steps, 1000)
        assert 1 <= done <= 2
        replay = make_engine(engine, case.plan(dtype))
        replay.set_weights(weights)
        replay.compile(case.training())
        filled = 0
        for step in range(steps.first, steps.first + done):
            rows = order[step * 8 : (step + 1) * 8]
            expected = replay.predict(data.x[rows], None, logits=True)
            np.testing.assert_allclose(
                room[filled : filled + len(rows)], expected, rtol=0, atol=cases.bound(dtype, expected).max()
            )
            filled += len(rows)
            replay.train(steps_of(data, 8, 0.5, order=order, first=step, iteration=step), 1)
        assert (room[filled:] == 99.0).all()
        room[...] = 99.0
        assert_same(model.get_weights(), replay.get_weights())
        steps.first += done
        steps.iteration += done


def test_no_order_is_ascending_order(engine, dtype):
    data = CONTINUED.data(dtype)
    models = [CONTINUED.engine(engine, dtype) for _ in range(2)]
    train_all(models[0], steps_of(data, 8))
    train_all(models[1], steps_of(data, 8, order=np.arange(cases.ROWS)))
    assert_same(models[0].get_weights(), models[1].get_weights())


def test_an_order_may_leave_rows_out_and_repeat_them(engine, dtype):
    data = CONTINUED.data(dtype)
    order = np.array([3, 3, 0, 36, 5, 3, 1, 2, 9, 8], np.int64)
    picked = Data(data.x[order], data.y[order])
    models = [CONTINUED.engine(engine, dtype) for _ in range(2)]
    rates, losses = np.full(3, 0.1), np.full((2, 3), np.nan)
    train_all(models[0], Steps(data, order, 4, 0, rates, 0, losses[0], None))
    train_all(models[1], Steps(picked, None, 4, 0, rates, 0, losses[1], None))
    np.testing.assert_array_equal(losses[0], losses[1])
    assert_same(models[0].get_weights(), models[1].get_weights())


@pytest.mark.parametrize("given", [np.uint8, np.float32, np.float64])
def test_samples_are_converted_to_the_dtype_of_the_network(engine, dtype, given):
    operations = (Reshape(), Rescaling(1 / 255, -0.5), Dense(5, "relu", True), Dense(3, "identity", True))
    plan = plan_of((4, 3), operations, dtype)
    # Fractions that float32 cannot hold, where the type has any.
    x = np.random.default_rng(8).uniform(0, 255, (20, 4, 3)).astype(given)
    y = np.ones((20, 3), dtype)
    results = []
    for samples in (x, x.astype(dtype)):
        model = make_engine(engine, plan)
        model.set_weights(weights_of(plan))
        model.compile(Training(LossPlan("mse"), OptimizerPlan("sgd")))
        predicted = model.predict(samples, None)
        assert predicted.dtype == dtype
        train_all(model, steps_of(Data(samples, y), 6))
        results.append([predicted, *model.get_weights()])
    assert_same(*results)


def test_predict_leaves_out_dropout_and_fills_out(engine, dtype):
    model = CONTINUED.engine(engine, dtype)
    x = CONTINUED.data(dtype).x
    without = make_engine(
        engine, plan_of((5,), tuple(o for o in CONTINUED.operations if not isinstance(o, Dropout)), dtype)
    )
    without.set_weights(model.get_weights())
    y = model.predict(x, None)
    np.testing.assert_array_equal(y, without.predict(x, None))
    out = np.empty_like(y)
    assert model.predict(x, out) is out
    np.testing.assert_array_equal(out, y)
    logits = model.predict(x, None, logits=True)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(y, p / p.sum(axis=1, keepdims=True), rtol=1e-5)
    assert model.predict(x[:0], None).shape == (0, 4)


@pytest.mark.parametrize("name", ["dense, sigmoid", "loss: binary, dense skipped", "loss: binary, activation skipped"])
def test_logits_are_what_enters_the_loss(engine, name):
    case = cases.CASES[name]
    model, data = case.engine(engine), case.data()
    outputs, logits = model.predict(data.x, None), model.predict(data.x, None, logits=True)
    if case.loss.skips_last:
        logits = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(outputs, logits, rtol=1e-12)


def test_results_do_not_depend_on_the_batch(engine, dtype):
    model = CONTINUED.engine(engine, dtype)
    x = CONTINUED.data(dtype).x
    whole = model.predict(x, None)
    for row in range(0, len(x), 5):
        y = model.predict(x[row : row + 5], None)
        # The reference multiplies with NumPy, and cuda has a kernel of its own for few rows: neither promises bits.
        rtol = 1e-6 if engine in ("generic-reference", "generic-cuda") else 0
        np.testing.assert_allclose(y, whole[row : row + 5], rtol=rtol)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "clip norm", "clip global norm", "clip value"])
def test_nan_and_inf_go_through_in_silence(engine, dtype, optimizer, value):
    case = cases.OPTIMIZERS[optimizer]
    case = Case((Dense(4, "gelu", True), Dense(2, "identity", True)), case.loss, case.optimizer, l1=0.1, l2=0.1)
    data = case.data(dtype)
    data.x[20, 1] = value
    model = case.engine(engine, dtype)
    steps = steps_of(data, 8)
    train_all(model, steps)
    assert np.isfinite(steps.losses[:2]).all()
    assert not np.isfinite(steps.losses[2:]).any()
    assert np.isnan(model.predict(data.x, None)).any()
