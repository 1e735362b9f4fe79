"""Metrics: against their definitions over rows and batches, with weights, by name, and their errors."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.network import metrics, named
from fastnn.network.engine import LossPlan

MSE = LossPlan("mse")
SPARSE = LossPlan("cross_entropy", by_index=True)
ONE_HOT = LossPlan("cross_entropy")
CLASSES = sorted({cls.__name__ for cls in metrics.NAMES.values()})


def data(rows: int = 37, classes: int = 5, dtype: Any = np.float32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class indices, the same one-hot, and results."""
    rng = np.random.default_rng(1)
    index = rng.integers(0, classes, rows)
    return index, np.eye(classes, dtype=dtype)[index], rng.standard_normal((rows, classes)).astype(dtype)


def value(metric: Any, *arrays: Any) -> float:
    metric.reset_state()
    metric.update_state(*arrays)
    return float(metric.result())


def test_accuracy_over_classes(dtype):
    index, one_hot, results = data(dtype=dtype)
    right = [row.tolist().index(max(row.tolist())) == i for row, i in zip(results, index, strict=True)]
    wanted = sum(right) / len(right)
    assert 0 < wanted < 1
    assert value(metrics.SparseCategoricalAccuracy(), index, results) == wanted
    assert value(metrics.CategoricalAccuracy(), one_hot, results) == wanted
    weight = np.linspace(0, 3, len(index))
    weighted = float(weight[right].sum() / weight.sum())
    assert value(metrics.CategoricalAccuracy(), one_hot, results, weight) == pytest.approx(weighted)
    assert value(metrics.SparseCategoricalAccuracy(), index, fastnn.softmax(results)) == wanted


def test_accuracy_of_results_with_more_axes():
    index, one_hot, results = data(24)
    wanted = value(metrics.SparseCategoricalAccuracy(), index, results)
    shaped = results.reshape(6, 4, 5)
    assert value(metrics.SparseCategoricalAccuracy(), index.reshape(6, 4), shaped) == wanted
    assert value(metrics.CategoricalAccuracy(), one_hot.reshape(6, 4, 5), shaped) == wanted
    weight = np.arange(6.0)
    same = value(metrics.SparseCategoricalAccuracy(), index, results, np.repeat(weight, 4))
    assert value(metrics.SparseCategoricalAccuracy(), index.reshape(6, 4), shaped, weight) == pytest.approx(same)


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_top_k(k):
    index, one_hot, results = data()
    right = [i in np.argsort(-row)[:k] for row, i in zip(results, index, strict=True)]
    assert value(metrics.SparseTopKCategoricalAccuracy(k), index, results) == sum(right) / len(right)
    assert value(metrics.TopKCategoricalAccuracy(k=k), one_hot, results) == sum(right) / len(right)
    assert metrics.TopKCategoricalAccuracy().k == 5


def test_top_k_counts_ties_and_refuses_nan():
    ties = np.array([[1.0, 1.0, 1.0, 0.0]])
    for index in (0, 1, 2):
        assert value(metrics.SparseTopKCategoricalAccuracy(1), np.array([index]), ties) == 1
    assert value(metrics.SparseTopKCategoricalAccuracy(3), np.array([3]), ties) == 0
    assert value(metrics.SparseTopKCategoricalAccuracy(3), np.array([1]), np.full((1, 4), np.nan)) == 0


def test_binary_accuracy():
    target = np.array([[1.0], [0.0], [1.0], [0.0]])
    result = np.array([[0.9], [0.4], [0.2], [0.5]])
    assert value(metrics.BinaryAccuracy(), target, result) == 0.75
    assert value(metrics.BinaryAccuracy(threshold=0.1), target, result) == 0.5
    assert value(metrics.BinaryAccuracy(), target, result, np.array([0, 0, 1.0, 3.0])) == 0.75
    assert value(metrics.BinaryAccuracy(), target * 0.8 + 0.1, result) == 0.75
    assert value(metrics.BinaryAccuracy(), target * 2 - 1, result) == 0.75
    assert value(metrics.BinaryAccuracy(), np.array([[1.0, 0.0]]), np.array([[0.7, 0.8]])) == 0.5


def test_errors_of_regression(dtype):
    rng = np.random.default_rng(2)
    target, result = rng.standard_normal((2, 11, 3)).astype(dtype)
    weight = rng.uniform(0, 2, 11)
    distance = np.abs(result.astype(np.float64) - target)
    rows = weight[:, None] * np.ones((1, 3))
    tolerance = 8 * float(np.finfo(dtype).eps)
    for metric, values, finish in (
        (metrics.MeanAbsoluteError(), distance, float),
        (metrics.MeanSquaredError(), distance**2, float),
        (metrics.RootMeanSquaredError(), distance**2, math.sqrt),
    ):
        assert value(metric, target, result) == pytest.approx(finish(values.mean()), rel=tolerance)
        wanted = finish((values * rows).sum() / rows.sum())
        assert value(metric, target, result, weight) == pytest.approx(wanted, rel=tolerance)


@pytest.mark.parametrize("name", CLASSES)
def test_batches_add_up(name):
    metric = metrics.NAMES[name]()
    index, one_hot, results = data()
    target = index if "Sparse" in name else one_hot
    weight = np.linspace(0.5, 1.5, len(index))
    whole = value(metric, target, results, weight)
    metric.reset_state()
    assert metric.result() == 0
    for begin in (0, 7, 20):
        part = slice(begin, {0: 7, 7: 20, 20: None}[begin])
        metric.update_state(target[part], results[part], weight[part])
    metric.update_state(target[:0], results[:0])
    assert metric.result() == pytest.approx(whole, rel=1e-6)


def test_weights_are_repetitions():
    index, _, results = data()
    times = np.arange(len(index)) % 4
    repeated = value(metrics.SparseCategoricalAccuracy(), np.repeat(index, times), np.repeat(results, times, axis=0))
    assert value(metrics.SparseCategoricalAccuracy(), index, results, times) == pytest.approx(repeated)


@pytest.mark.parametrize(("name", "target"), [("SparseCategoricalAccuracy", 0), ("MeanSquaredError", 1)])
def test_nan_and_inf_come_without_warnings(name, target):
    metric = metrics.NAMES[name]()
    index, one_hot, results = data()
    results[3], results[4, 1], results[5, 2] = np.nan, np.inf, -np.inf
    for weight in (None, np.zeros(len(index))):
        answer = value(metric, (index, one_hot)[target], results, weight)
        assert math.isnan(answer) or 0 <= answer <= 1


@pytest.mark.parametrize("name", CLASSES)
def test_rank_only_metrics_do_not_tell_logits_from_probabilities(name):
    metric = metrics.NAMES[name]()
    index, one_hot, results = data(dtype=np.float64)
    target = index if "Sparse" in name else one_hot
    same = value(metric, target, results) == value(metric, target, fastnn.softmax(results))
    assert same == metric.rank_only


def test_mean():
    mean = metrics.Mean()
    assert mean.result() == 0
    mean.update_state(3.0)
    mean.update_state(np.array([[1.0, 2.0]]))
    assert mean.result() == 2
    mean.reset_state()
    mean.update_state(np.array([[1.0, 2.0], [5.0, 6.0]]), np.array([3.0, 1.0]))
    assert mean.result() == (9 + 11) / 8
    with pytest.raises(ValueError, match="leading part"):
        mean.update_state(np.ones((2, 3)), np.ones(3))


@pytest.mark.parametrize(
    ("identifier", "loss", "shape", "cls", "name"),
    [
        ("accuracy", SPARSE, (10,), metrics.SparseCategoricalAccuracy, "accuracy"),
        ("acc", ONE_HOT, (10,), metrics.CategoricalAccuracy, "acc"),
        ("accuracy", LossPlan("binary_cross_entropy"), (1,), metrics.BinaryAccuracy, "accuracy"),
        ("accuracy", LossPlan("binary_cross_entropy"), (4,), metrics.CategoricalAccuracy, "accuracy"),
        ("accuracy", SPARSE, (1,), metrics.SparseCategoricalAccuracy, "accuracy"),
        ("binary_accuracy", MSE, (4,), metrics.BinaryAccuracy, "binary_accuracy"),
        ("mae", MSE, (1,), metrics.MeanAbsoluteError, "mae"),
        ("mse", MSE, (1,), metrics.MeanSquaredError, "mse"),
        ("mean_squared_error", MSE, (1,), metrics.MeanSquaredError, "mean_squared_error"),
        ("top_k_categorical_accuracy", ONE_HOT, (9,), metrics.TopKCategoricalAccuracy, "top_k_categorical_accuracy"),
        (metrics.RootMeanSquaredError, MSE, (1,), metrics.RootMeanSquaredError, "root_mean_squared_error"),
        (metrics.MeanSquaredError("error"), MSE, (1,), metrics.MeanSquaredError, "error"),
        ({"class_name": "TopKCategoricalAccuracy", "config": {"k": 3, "name": "top3"}}, SPARSE, (9,), None, "top3"),
    ],
)
def test_names(identifier, loss, shape, cls, name):
    metric = metrics.get(identifier, loss, shape)
    assert type(metric) is (cls or metrics.TopKCategoricalAccuracy)
    assert metric.name == name


@pytest.mark.parametrize("name", CLASSES)
def test_every_metric_is_made_again_from_its_config(name):
    metric = metrics.NAMES[name]()
    again = metrics.get(json.loads(json.dumps(named.save(metric))), ONE_HOT, (5,))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert eval(repr(metric), vars(metrics)).get_config() == metric.get_config()
    assert metric.name == named.snake_case(name)


def test_one_of_ones_own():
    class Bias(metrics.Metric):
        def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
            return np.asarray(y_pred - y_true)

    metric = metrics.get(Bias(), MSE, (1,))
    assert metric.name == "bias"
    assert value(metric, np.zeros((2, 1)), np.array([[1.0], [2.0]])) == 1.5


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: metrics.get("accuracies", MSE, (1,)), ValueError, "did you mean 'accuracy'"),
        (lambda: metrics.get(None, MSE, (1,)), TypeError, "metric must be a name"),
        (lambda: metrics.get(len, MSE, (1,)), TypeError, "metric must be a name"),
        (lambda: metrics.get("mae", SPARSE, (10,)), ValueError, "targets are class indices"),
        (lambda: metrics.TopKCategoricalAccuracy(0), ValueError, "k must be >= 1"),
        (lambda: metrics.BinaryAccuracy(threshold="a"), TypeError, "threshold must be a real number"),
        (lambda: value(metrics.MeanSquaredError(), np.zeros(3), np.zeros((3, 1))), ValueError, "results' shape"),
        (lambda: value(metrics.CategoricalAccuracy(), np.zeros((3, 2)), np.zeros((3, 4))), ValueError, "class indices"),
        (
            lambda: value(metrics.MeanSquaredError(), np.zeros((3, 1)), np.zeros((3, 1)), np.ones(2)),
            ValueError,
            "leading part",
        ),
    ],
)
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()
