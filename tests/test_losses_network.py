"""The losses of networks: values against Keras's formulas, what the engines are told, targets and errors."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.network import losses, named, plan
from fastnn.network.engine import LossPlan

RNG = np.random.default_rng(3)
ROWS, OUTPUTS = 7, 4
REAL = RNG.standard_normal((ROWS, OUTPUTS))
RESULT = RNG.standard_normal((ROWS, OUTPUTS))
COUNTS = RNG.poisson(2.0, (ROWS, OUTPUTS))
YES = RNG.integers(0, 2, (ROWS, OUTPUTS))
INDEX = RNG.integers(0, OUTPUTS, ROWS)
ONE_HOT = np.eye(OUTPUTS)[INDEX]
P = np.exp(RESULT) / np.exp(RESULT).sum(axis=1, keepdims=True)
CHANCE = 1 / (1 + np.exp(-RESULT))
WEIGHT = RNG.uniform(0, 2, ROWS)


def huber(delta: float) -> np.ndarray:
    d = np.abs(RESULT - REAL)
    return np.where(d <= delta, d**2 / 2, delta * d - delta**2 / 2).mean(axis=1)


def binary(t: np.ndarray) -> np.ndarray:
    return -(t * np.log(CHANCE) + (1 - t) * np.log(1 - CHANCE)).mean(axis=1)


# loss, y_true, y_pred, the losses of the rows
VALUES: dict[str, tuple[losses.Loss, np.ndarray, np.ndarray, np.ndarray]] = {
    "mse": (losses.MeanSquaredError(), REAL, RESULT, ((RESULT - REAL) ** 2).mean(axis=1)),
    "mae": (losses.MeanAbsoluteError(), REAL, RESULT, np.abs(RESULT - REAL).mean(axis=1)),
    "sum": (losses.SumSquaredError(), REAL, RESULT, ((RESULT - REAL) ** 2).sum(axis=1)),
    "huber": (losses.Huber(), REAL, RESULT, huber(1.0)),
    "huber, delta": (losses.Huber(delta=0.3), REAL, RESULT, huber(0.3)),
    "poisson": (losses.Poisson(), COUNTS, CHANCE, (CHANCE - COUNTS * np.log(CHANCE + 1e-7)).mean(axis=1)),
    "hinge": (losses.Hinge(), 2 * YES - 1, RESULT, np.maximum(1 - (2 * YES - 1) * RESULT, 0).mean(axis=1)),
    "hinge, 0/1": (losses.Hinge(), YES, RESULT, np.maximum(1 - (2 * YES - 1) * RESULT, 0).mean(axis=1)),
    "binary": (losses.BinaryCrossentropy(), YES, CHANCE, binary(YES)),
    "binary, bool": (losses.BinaryCrossentropy(), YES == 1, CHANCE, binary(YES)),
    "binary, logits": (losses.BinaryCrossentropy(from_logits=True), YES, RESULT, binary(YES)),
    "binary, smooth": (losses.BinaryCrossentropy(label_smoothing=0.2), YES, CHANCE, binary(YES * 0.8 + 0.1)),
    "classes": (losses.CategoricalCrossentropy(), ONE_HOT, P, -(ONE_HOT * np.log(P)).sum(axis=1)),
    "classes, logits": (
        losses.CategoricalCrossentropy(from_logits=True),
        ONE_HOT,
        RESULT,
        -(ONE_HOT * np.log(P)).sum(axis=1),
    ),
    "classes, smooth": (
        losses.CategoricalCrossentropy(label_smoothing=0.2),
        ONE_HOT,
        P,
        -((ONE_HOT * 0.8 + 0.2 / OUTPUTS) * np.log(P)).sum(axis=1),
    ),
    "indices": (losses.SparseCategoricalCrossentropy(), INDEX, P, -np.log(P[np.arange(ROWS), INDEX])),
    "indices, logits": (
        losses.SparseCategoricalCrossentropy(from_logits=True),
        INDEX,
        RESULT,
        -np.log(P[np.arange(ROWS), INDEX]),
    ),
}


@pytest.mark.parametrize("case", VALUES)
def test_values(backend, dtype, case):
    loss, y_true, y_pred, rows = VALUES[case]
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    y_pred = y_pred.astype(dtype)
    answer = loss(y_true, y_pred)
    assert type(answer) is float
    assert answer == pytest.approx(rows.mean(), rel=tolerance)
    assert loss(y_true, y_pred, WEIGHT) == pytest.approx((rows * WEIGHT).sum() / ROWS, rel=tolerance)
    summed = losses.get(named.save(loss))
    summed.reduction = "sum"
    assert summed(y_true, y_pred) == pytest.approx(rows.sum(), rel=tolerance)
    assert summed(y_true, y_pred, WEIGHT) == pytest.approx((rows * WEIGHT).sum(), rel=tolerance)


def test_every_class_is_tested():
    assert {type(loss) for loss, *_ in VALUES.values()} == set(losses.NAMES.values())


@pytest.mark.parametrize("case", VALUES)
def test_every_loss_is_made_again_from_its_config(case):
    loss = VALUES[case][0]
    again = losses.get(json.loads(json.dumps(named.save(loss))))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert again.plan() == loss.plan()
    assert eval(repr(loss), vars(losses)).get_config() == loss.get_config()
    assert type(losses.get(type(loss))) is type(loss)
    assert losses.get(loss) is loss


@pytest.mark.parametrize("case", VALUES)
def test_values_as_torch_has_them(case):
    torch = pytest.importorskip("torch")
    loss, y_true, y_pred, _ = VALUES[case]
    f = torch.nn.functional
    result = torch.tensor(y_pred)
    target = torch.tensor(np.asarray(y_true, np.int64 if case.startswith("indices") else np.float64))
    wanted = {
        "mse": lambda: f.mse_loss(result, target),
        "mae": lambda: f.l1_loss(result, target),
        "sum": lambda: f.mse_loss(result, target, reduction="sum") / ROWS,
        "huber": lambda: f.huber_loss(result, target),
        "huber, delta": lambda: f.huber_loss(result, target, delta=0.3),
        "poisson": lambda: f.poisson_nll_loss(result, target, log_input=False, eps=1e-7),
        "hinge": lambda: f.relu(1 - target * result).mean(),
        "hinge, 0/1": lambda: f.relu(1 - (2 * target - 1) * result).mean(),
        "binary": lambda: f.binary_cross_entropy(result, target),
        "binary, bool": lambda: f.binary_cross_entropy(result, target),
        "binary, logits": lambda: f.binary_cross_entropy_with_logits(result, target),
        "binary, smooth": lambda: f.binary_cross_entropy(result, target * 0.8 + 0.1),
        "classes": lambda: f.cross_entropy(result.log(), target),
        "classes, logits": lambda: f.cross_entropy(result, target),
        "classes, smooth": lambda: f.cross_entropy(result.log(), target, label_smoothing=0.2),
        "indices": lambda: f.nll_loss(result.log(), target),
        "indices, logits": lambda: f.cross_entropy(result, target),
    }[case]()
    assert loss(y_true, y_pred) == pytest.approx(float(wanted), rel=1e-12)


def test_values_of_results_with_more_axes_and_with_fewer():
    t, y = RNG.standard_normal((2, 3, 2, 4))
    assert losses.MeanSquaredError()(t, y) == pytest.approx(((t - y) ** 2).mean())
    assert losses.SumSquaredError()(t, y) == pytest.approx(((t - y) ** 2).sum() / 3)
    assert losses.MeanSquaredError()([1.0, 2.0], [2.0, 4.0]) == 2.5
    index = RNG.integers(0, 4, (3, 2))
    p = fastnn.softmax(y)
    wanted = -np.log(np.take_along_axis(p, index[..., None], axis=-1)).mean()
    assert losses.SparseCategoricalCrossentropy()(index, p) == pytest.approx(wanted)
    assert losses.SparseCategoricalCrossentropy()(index[..., None], p) == pytest.approx(wanted)
    assert math.isnan(losses.MeanSquaredError()(np.zeros((0, 2)), np.zeros((0, 2))))
    for infinite in ([np.inf, -np.inf], [np.nan, 1.0]):
        assert not math.isfinite(losses.MeanSquaredError()([0.0, 0.0], infinite))
        assert not math.isfinite(losses.MeanSquaredError()([0.0, 0.0], infinite, [0.0, 1.0]))
    assert losses.MeanSquaredError()([1.0], np.ones(1, np.float16)) == 0.0


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mse", losses.MeanSquaredError),
        ("mean_squared_error", losses.MeanSquaredError),
        ("MeanSquaredError", losses.MeanSquaredError),
        ("mae", losses.MeanAbsoluteError),
        ("sum_squared_error", losses.SumSquaredError),
        ("huber", losses.Huber),
        ("poisson", losses.Poisson),
        ("hinge", losses.Hinge),
        ("binary_crossentropy", losses.BinaryCrossentropy),
        ("binary_cross_entropy", losses.BinaryCrossentropy),
        ("categorical_crossentropy", losses.CategoricalCrossentropy),
        ("categorical_cross_entropy", losses.CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
        ("sparse_categorical_cross_entropy", losses.SparseCategoricalCrossentropy),
    ],
)
def test_names(name, cls):
    loss = losses.get(name)
    assert type(loss) is cls
    assert loss.name == named.snake_case(cls.__name__)


SOFTMAX, SIGMOID = plan.Softmax(), plan.Dense(1, "sigmoid", True)


@pytest.mark.parametrize(
    ("loss", "last", "wanted"),
    [
        (losses.MeanSquaredError(), SOFTMAX, LossPlan("mse")),
        (losses.MeanSquaredError(reduction="sum"), None, LossPlan("mse", mean=False)),
        (losses.MeanAbsoluteError(), None, LossPlan("mae")),
        (losses.SumSquaredError(), None, LossPlan("sum_squared_error")),
        (losses.Huber(0.5, reduction="sum"), None, LossPlan("huber", delta=0.5, mean=False)),
        (losses.Poisson(), None, LossPlan("poisson")),
        (losses.Hinge(), SIGMOID, LossPlan("hinge")),
        (losses.BinaryCrossentropy(), None, LossPlan("binary_cross_entropy")),
        (losses.BinaryCrossentropy(), plan.Activation("tanh"), LossPlan("binary_cross_entropy")),
        (losses.BinaryCrossentropy(), SOFTMAX, LossPlan("binary_cross_entropy")),
        (losses.BinaryCrossentropy(), SIGMOID, LossPlan("binary_cross_entropy_with_logits", skips_last=True)),
        (
            losses.BinaryCrossentropy(label_smoothing=0.1, reduction="sum"),
            plan.Activation("sigmoid"),
            LossPlan("binary_cross_entropy_with_logits", skips_last=True, mean=False),
        ),
        (losses.BinaryCrossentropy(from_logits=True), None, LossPlan("binary_cross_entropy_with_logits")),
        (losses.CategoricalCrossentropy(), None, LossPlan("categorical_cross_entropy")),
        (losses.CategoricalCrossentropy(), SIGMOID, LossPlan("categorical_cross_entropy")),
        (
            losses.CategoricalCrossentropy(label_smoothing=0.1),
            SOFTMAX,
            LossPlan("cross_entropy", smoothing=0.1, skips_last=True),
        ),
        (losses.CategoricalCrossentropy(from_logits=True), None, LossPlan("cross_entropy")),
        (losses.SparseCategoricalCrossentropy(), None, LossPlan("categorical_cross_entropy", by_index=True)),
        (losses.SparseCategoricalCrossentropy(), SOFTMAX, LossPlan("cross_entropy", by_index=True, skips_last=True)),
        (
            losses.SparseCategoricalCrossentropy(True, "sum"),
            plan.Dense(3, "identity", True),
            LossPlan("cross_entropy", by_index=True, mean=False),
        ),
    ],
)
def test_plans(loss, last, wanted):
    assert loss.plan(last) == wanted


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        (losses.BinaryCrossentropy(from_logits=True), SIGMOID),
        (losses.CategoricalCrossentropy(from_logits=True), SOFTMAX),
        (losses.SparseCategoricalCrossentropy(from_logits=True), SOFTMAX),
    ],
)
def test_logits_that_are_none(loss, last):
    with pytest.warns(UserWarning, match="from_logits=True, but the network ends in a s"):
        assert not loss.plan(last).skips_last


def test_targets_that_are_numbers(dtype):
    mse = losses.MeanSquaredError()
    y = np.ones((5, 3), dtype)
    assert mse.targets(y, (3,), dtype) is y
    for given in (np.ones((5, 3), np.int8), np.ones((5, 3), bool), np.ones((3, 5), dtype).T, [[1] * 3] * 5):
        prepared = mse.targets(given, (3,), dtype)
        assert prepared.dtype == dtype
        assert prepared.flags.c_contiguous
        np.testing.assert_array_equal(prepared, y)
    column = mse.targets(np.arange(5), (1,), dtype)
    np.testing.assert_array_equal(column, np.arange(5.0)[:, None])
    swapped = np.arange(5.0).astype(dtype.newbyteorder())
    assert mse.targets(swapped, (1,), dtype).dtype.isnative
    assert mse.targets(np.ones((5, 2)), (2, 1), dtype).shape == (5, 2, 1)
    assert mse.targets(np.ones(5), (), dtype).shape == (5,)
    assert mse.targets(np.ones((0, 3)), (3,), dtype).shape == (0, 3)


def test_targets_of_hinge(dtype):
    hinge = losses.Hinge()
    for given, wanted in (([0, 1, 0], [-1, 1, -1]), ([-1, 1, 1], [-1, 1, 1]), ([1, 1], [1, 1]), ([0, 0], [-1, -1])):
        y = np.array(given, dtype)
        before = y.copy()
        prepared = hinge.targets(y, (1,), dtype)
        assert prepared.dtype == dtype
        np.testing.assert_array_equal(prepared[:, 0], wanted)
        np.testing.assert_array_equal(y, before)
    assert hinge.targets(np.zeros((0, 1)), (1,), dtype).shape == (0, 1)


def test_targets_of_binary_crossentropy(dtype):
    y = np.array([0, 1, 1], dtype)
    smooth = losses.BinaryCrossentropy(label_smoothing=0.1).targets(y, (1,), dtype)
    assert smooth.dtype == dtype
    np.testing.assert_allclose(smooth[:, 0], [0.05, 0.95, 0.95], rtol=1e-6)
    np.testing.assert_array_equal(y, [0, 1, 1])
    np.testing.assert_array_equal(losses.BinaryCrossentropy().targets([True, False], (1,), dtype), [[1], [0]])
    assert np.isnan(losses.BinaryCrossentropy().targets([np.nan], (1,), dtype)).all()


@pytest.mark.parametrize("kind", ["u1", "i4", "i8", ">i8", "u8", "f4", "f8", "f2"])
def test_targets_that_are_classes(dtype, kind):
    sparse = losses.SparseCategoricalCrossentropy()
    for shape in ((5,), (5, 1)):
        prepared = sparse.targets(np.arange(5).reshape(shape).astype(kind), (5,), dtype)
        assert prepared.dtype == np.int64
        assert prepared.dtype.isnative
        np.testing.assert_array_equal(prepared, np.arange(5))
    assert sparse.targets(np.zeros((3, 2), kind), (2, 4), dtype).shape == (3, 2)
    assert sparse.targets(np.zeros((3, 2, 1), kind), (2, 4), dtype).shape == (3, 2)
    assert sparse.targets(np.zeros(0, kind), (4,), dtype).shape == (0,)
    assert sparse.targets(np.zeros(3, kind), (1,), dtype).shape == (3,)


def test_class_indices_that_need_no_copy():
    y = np.arange(3)
    assert losses.SparseCategoricalCrossentropy().targets(y, (3,), np.dtype(np.float32)) is y
    booleans = losses.SparseCategoricalCrossentropy().targets([True, False], (2,), np.dtype(np.float32))
    np.testing.assert_array_equal(booleans, [1, 0])


@pytest.mark.parametrize(
    ("loss", "y", "shape", "error", "words"),
    [
        ("mse", np.ones((5, 2)), (3,), ValueError, r"y must have shape \(N, 3\) .* got \(5, 2\)"),
        ("mse", np.ones(5), (3,), ValueError, r"\(N, 3\)"),
        ("mse", np.ones((5, 1)), (), ValueError, r"\(N,\)"),
        ("mse", 3.0, (1,), ValueError, r"got \(\)"),
        ("mse", ["a", "b"], (1,), TypeError, "y must be an array of real numbers"),
        ("mse", None, (1,), TypeError, "y must be an array of real numbers"),
        ("mse", [[1.0], [1.0, 2.0]], (1,), ValueError, "could not be read"),
        ("binary_crossentropy", [0, 2, 1], (1,), ValueError, r"from 0 to 1; got 2.0 in y\[1, 0\]"),
        ("binary_crossentropy", [0, -1], (1,), ValueError, r"got -1.0 in y\[1, 0\]"),
        ("categorical_crossentropy", [0, 2, 1], (3,), ValueError, "use the loss sparse_categorical_crossentropy"),
        ("categorical_crossentropy", [[0], [2]], (3,), ValueError, "use the loss sparse_categorical_crossentropy"),
        ("categorical_crossentropy", np.ones((2, 4)), (3,), ValueError, r"\(N, 3\)"),
        ("sparse_categorical_crossentropy", np.eye(3), (3,), ValueError, "use the loss categorical_crossentropy"),
        ("sparse_categorical_crossentropy", np.ones((2, 4)), (3,), ValueError, r"shape \(N,\), got shape \(2, 4\)$"),
        ("sparse_categorical_crossentropy", [0, 3], (3,), IndexError, r"from 0 to 2, .* got 3 in y\[1\]"),
        ("sparse_categorical_crossentropy", [0, -1], (3,), IndexError, r"got -1 in y\[1\]"),
        ("sparse_categorical_crossentropy", [[0, 1], [0, 5]], (2, 3), IndexError, r"got 5 in y\[1, 1\]"),
        ("sparse_categorical_crossentropy", [0, 1], (1,), IndexError, "use the loss binary_crossentropy"),
        ("sparse_categorical_crossentropy", [False, True], (1,), IndexError, r"got True in y\[1\]"),
        ("sparse_categorical_crossentropy", [0.0, 1.5], (3,), ValueError, r"whole numbers; got 1.5 in y\[1\]"),
        ("sparse_categorical_crossentropy", [0.0, np.nan], (3,), ValueError, "whole numbers; got nan"),
        ("sparse_categorical_crossentropy", [0.0, np.inf], (3,), IndexError, "got inf"),
        ("sparse_categorical_crossentropy", np.array([2**64 - 1], "u8"), (3,), IndexError, "18446744073709551615"),
        ("sparse_categorical_crossentropy", [0], (), ValueError, "class axis"),
    ],
)
def test_bad_targets(dtype, loss, y, shape, error, words):
    with pytest.raises(error, match=words):
        losses.get(loss).targets(y, shape, dtype)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: losses.get("mse_loss"), ValueError, "unknown loss 'mse_loss'"),
        (lambda: losses.get("categorical_crossentrpy"), ValueError, "did you mean 'categorical_crossentropy'"),
        (lambda: losses.get(None), TypeError, "loss must be a name"),
        (lambda: losses.get(fastnn.mse), TypeError, "loss must be a name"),
        (lambda: losses.MeanSquaredError(reduction="none"), ValueError, "known: sum_over_batch_size, sum"),
        (lambda: losses.MeanSquaredError(reduction=None), TypeError, "reduction must be one of"),
        (lambda: losses.Huber(0.0), ValueError, "delta must be > 0"),
        (lambda: losses.BinaryCrossentropy(from_logits=1), TypeError, "from_logits must be True or False"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=1.1), ValueError, "label_smoothing must be >= 0 and <= 1"),
        (lambda: losses.MeanSquaredError()(np.ones(3), np.ones((2, 1))), ValueError, "of one length, got 3 and 2"),
        (
            lambda: losses.MeanSquaredError()(np.ones(2), np.ones(2), np.ones(3)),
            ValueError,
            r"sample_weight must have shape \(N,\) = \(2,\), got \(3,\)",
        ),
    ],
)
def test_bad_arguments(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
