"""The losses over classes and their gradients, against their definitions in extended precision and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tolerance import assert_within

import fastnn

CLASSES = (1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 33, 64, 65, 97, 1000)
ROWS = 13
LOSSES = ("cross_entropy", "categorical_cross_entropy")
REDUCTIONS = ("none", "sum", "mean")
# (targets, weighted, label_smoothing)
OPTIONS = [(kind, weighted, s) for kind in ("index", "dense") for weighted in (False, True) for s in (0.0, 0.1, 1.0)]


class Problem:
    """Inputs of one loss with all its options; `x` are logits, or probabilities with columns that are clipped."""

    def __init__(self, name: str, classes: int, dtype: Any, option: tuple[str, bool, float], rows: int = ROWS) -> None:
        rng = np.random.default_rng(classes)
        kind, weighted, self.smoothing = option
        self.name, self.classes = name, classes
        if name == "cross_entropy":
            self.x = (3 * rng.standard_normal((rows, classes))).astype(dtype)
            self.x[1::3] *= 30
        else:
            self.x = rng.uniform(0.01, 0.99, (rows, classes)).astype(dtype)
            self.x[1::3, 0], self.x[2::5, -1] = 0.0, 1.0
        self.targets = rng.integers(0, classes, rows) if kind == "index" else rng.random((rows, classes)).astype(dtype)
        self.weight = rng.uniform(0.2, 2.0, classes).astype(dtype) if weighted else None
        if kind == "index" and name == "cross_entropy":
            self.targets[3::4] = -100

    def options(self, reduction: str) -> dict[str, Any]:
        return {"weight": self.weight, "label_smoothing": self.smoothing, "reduction": reduction}

    def loss(self, reduction: str) -> Any:
        return getattr(fastnn, self.name)(self.x, self.targets, **self.options(reduction))

    def with_grad(self, reduction: str, **more: Any) -> tuple[Any, Any]:
        pair: tuple[Any, Any] = getattr(fastnn, self.name + "_with_grad")(
            self.x, self.targets, **self.options(reduction), **more
        )
        return pair

    def coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """c of loss = sum(c * nll) for every row and class, and each row's share in the divisor of a mean."""
        weight = np.ones(self.classes) if self.weight is None else self.weight.astype(np.longdouble)
        if self.targets.ndim == 2:
            q = self.targets.astype(np.longdouble) * (1 - self.smoothing) + self.smoothing / self.classes
            return np.asarray(q * weight), np.ones(len(self.x))
        kept = self.targets != -100
        picked = np.where(kept, weight[np.where(kept, self.targets, 0)], 0)
        chosen = (self.targets[:, None] == np.arange(self.classes)) * picked[:, None] * (1 - self.smoothing)
        return chosen + kept[:, None] * weight * self.smoothing / self.classes, picked

    def exact(self, reduction: str, dloss: Any = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(loss, bound of its error, gradient, bound of its error)."""
        eps = np.finfo(self.x.dtype).eps
        x, (c, share) = self.x.astype(np.longdouble), self.coefficients()
        if self.name == "cross_entropy":
            shifted = x - x.max(-1, keepdims=True)
            nll = np.log(np.exp(shifted).sum(-1, keepdims=True)) - shifted
            p = np.exp(-nll)
            slopes = p * c.sum(-1, keepdims=True) - c
            distance = np.minimum(np.abs(shifted), 110.0)
            slope_size = p * c.sum(-1, keepdims=True) * (1 + distance / 4) + c
        else:
            low, high = (float(self.x.dtype.type(v)) for v in (1e-7, 1 - 1e-7))
            nll = -np.log(np.clip(x, low, high))
            slopes = np.where((x < low) | (x > high), 0, -c / np.where(x == 0, 1, x))
            slope_size = np.abs(slopes)
        losses, sizes = (c * nll).sum(-1), (c * (np.abs(nll) + 1)).sum(-1)
        divisor = share.sum() if reduction == "mean" else 1
        scale = (np.asarray(dloss, np.longdouble) / divisor).reshape(-1, 1)
        terms = (8 + self.classes / 16) * eps
        gradient = slopes * scale, terms * slope_size * np.abs(scale) + 4 * np.finfo(self.x.dtype).smallest_subnormal
        if reduction == "none":
            return losses, terms * sizes, *gradient
        return losses.sum() / divisor, terms * sizes.sum() / divisor, *gradient


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: f"{o[0]}-{'weighted' if o[1] else 'plain'}-{o[2]}")
@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradient(name, option, classes, dtype, backend):
    problem = Problem(name, classes, dtype, option)
    for reduction in REDUCTIONS:
        exact = problem.exact(reduction, dloss=-1.5)
        loss, gradient = problem.with_grad(reduction, dloss=-1.5)
        assert_within(loss, *exact[:2])
        assert_within(gradient, *exact[2:])
        assert gradient.dtype == dtype
        assert type(loss) is (np.ndarray if reduction == "none" else dtype.type)
        np.testing.assert_array_equal(problem.loss(reduction), loss)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("kind", ["index", "dense"])
def test_dloss_for_every_row(name, kind, dtype, backend):
    for classes in (3, 70):
        problem = Problem(name, classes, dtype, (kind, True, 0.2))
        dloss = np.random.default_rng(1).standard_normal(ROWS).astype(dtype)
        _, gradient = problem.with_grad("none", dloss=dloss)
        assert_within(gradient, *problem.exact("none", dloss)[2:])


@pytest.mark.parametrize("integer", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integer_dtypes(integer, dtype, backend):
    problem = Problem("cross_entropy", 10, dtype, ("index", False, 0.0))
    wanted = fastnn.cross_entropy(problem.x, np.abs(problem.targets) % 10)
    problem.targets = (np.abs(problem.targets) % 10).astype(integer)
    assert problem.loss("mean") == wanted


def test_an_unsigned_index_is_not_taken_for_the_ignored_one(backend):
    x, targets = np.zeros((1, 3), np.float32), np.array([2**64 - 100], np.uint64)
    with pytest.raises(IndexError):
        fastnn.cross_entropy(x, targets)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("bad", [-1, 10, -100, 2**40])
def test_index_out_of_range(name, bad, dtype, backend):
    problem = Problem(name, 10, dtype, ("index", False, 0.0))
    problem.targets[:] = 0
    problem.targets[-1] = bad
    options = {"ignore_index": -7} if name == "cross_entropy" else {}
    out = np.full_like(problem.x, 7)
    with pytest.raises(IndexError, match="targets"):
        problem.with_grad("mean", out=out, **options)
    assert (out == 7).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("classes", [1, 10, 100])
def test_every_row_ignored(classes, smoothing, dtype, backend):
    x, targets = np.ones((4, classes), dtype), np.full(4, -100)
    for reduction, wanted in (("mean", np.nan), ("sum", 0.0), ("none", np.zeros(4))):
        loss, gradient = fastnn.cross_entropy_with_grad(x, targets, reduction=reduction, label_smoothing=smoothing)
        np.testing.assert_array_equal(loss, wanted)
        np.testing.assert_array_equal(gradient, np.zeros_like(x))


@pytest.mark.parametrize("name", LOSSES)
def test_no_rows(name, dtype, backend):
    for targets in (np.zeros(0, np.int64), np.zeros((0, 3), dtype)):
        loss, gradient = getattr(fastnn, name + "_with_grad")(np.zeros((0, 3), dtype), targets)
        assert np.isnan(loss)
        assert gradient.shape == (0, 3)
        assert getattr(fastnn, name)(np.zeros((0, 3), dtype), targets, reduction="sum") == 0
        assert getattr(fastnn, name)(np.zeros((0, 3), dtype), targets, reduction="none").shape == (0,)


def test_weights_that_are_all_zero(dtype, backend):
    x = np.ones((3, 4), dtype)
    assert np.isnan(fastnn.cross_entropy(x, [0, 1, 2], weight=np.zeros(4, dtype)))
    assert fastnn.cross_entropy(x, [0, 1, 2], weight=np.zeros(4, dtype), reduction="sum") == 0


@pytest.mark.parametrize("classes", [2, 10, 16, 17, 64, 65])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
def test_special_values_in_every_lane_and_tail(value, classes, dtype, backend):
    x = np.random.default_rng(0).standard_normal((classes, classes)).astype(dtype)
    clean = fastnn.cross_entropy(x, np.zeros(classes, np.int64), reduction="none")
    assert np.isfinite(clean).all()
    np.fill_diagonal(x, value)
    loss, gradient = fastnn.cross_entropy_with_grad(x, np.arange(classes), reduction="none")
    if value == -np.inf:
        # The target has probability 0; the gradient is what the others give.
        np.testing.assert_array_equal(loss, np.inf)
        np.testing.assert_array_equal(gradient.diagonal(), -1)
    else:
        assert np.isnan(loss).all()
        assert np.isnan(gradient).all()


def test_large_logits(dtype, backend):
    x = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4]], dtype)
    loss, gradient = fastnn.cross_entropy_with_grad(x, [1, 0, 2], reduction="none")
    np.testing.assert_allclose(loss, [2e4, np.log(3), np.log(3)], rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(gradient[0], [1, -1, 0], atol=0)


def test_a_loss_is_never_negative(dtype, backend):
    rng = np.random.default_rng(0)
    x = (20 * rng.standard_normal((500, 10))).astype(dtype)
    assert (fastnn.cross_entropy(x, x.argmax(-1), reduction="none") >= 0).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("option", OPTIONS[:4])
def test_in_place_gradient(name, option, dtype, backend):
    for classes in (1, 10, 65):
        problem = Problem(name, classes, dtype, option)
        loss, wanted = problem.with_grad("mean")
        out = np.full_like(wanted, 7)
        again, gradient = problem.with_grad("mean", out=out)
        assert gradient is out
        np.testing.assert_array_equal(gradient, wanted)
        problem.x = problem.x.copy()
        here, gradient = problem.with_grad("mean", out=problem.x)
        assert gradient is problem.x
        np.testing.assert_array_equal(gradient, wanted)
        assert loss == again == here


@pytest.mark.parametrize("kind", ["index", "dense"])
@pytest.mark.parametrize("name", LOSSES)
def test_axis(name, kind, dtype, backend):
    rng = np.random.default_rng(2)
    x = rng.uniform(0.1, 0.9, (4, 3, 5)).astype(dtype)
    targets = rng.integers(0, 3, (4, 5)) if kind == "index" else rng.random(x.shape).astype(dtype)
    rows = np.moveaxis(x, 1, -1).copy()
    row_targets = targets if kind == "index" else np.moveaxis(targets, 1, -1).copy()
    operation = getattr(fastnn, name + "_with_grad")
    for reduction in REDUCTIONS:
        loss, gradient = operation(x, targets, axis=1, reduction=reduction)
        wanted_loss, wanted = operation(rows, row_targets, reduction=reduction)
        np.testing.assert_array_equal(loss, wanted_loss)
        np.testing.assert_array_equal(gradient, np.moveaxis(wanted, -1, 1))


@pytest.mark.parametrize("classes", [1, 10, 64, 65, 1000])
@pytest.mark.parametrize("option", OPTIONS[:4])
@pytest.mark.parametrize("name", LOSSES)
def test_same_bits_for_every_batch_and_thread_count(name, option, classes, dtype):
    count = 150
    before = fastnn.get_num_threads()
    with fastnn.use_backend("native"):
        problem = Problem(name, classes, dtype, option, count)
        fastnn.set_num_threads(1)
        means = [problem.with_grad("mean")]
        losses, gradient = problem.with_grad("none")
        for n in (2, 3, 4):
            fastnn.set_num_threads(n)
            means.append(problem.with_grad("mean"))
        fastnn.set_num_threads(before)
        for loss, mean_gradient in means:
            assert loss == means[0][0]
            np.testing.assert_array_equal(mean_gradient, means[0][1])
        everything, order = (problem.x, problem.targets), np.random.default_rng(0).permutation(count)
        for part in (slice(0, 1), slice(1, 40), slice(40, 150), order):
            problem.x, problem.targets = (a[part] for a in everything)
            some_losses, some_gradient = problem.with_grad("none")
            np.testing.assert_array_equal(some_losses, losses[part])
            np.testing.assert_array_equal(some_gradient, gradient[part])


@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: f"{o[0]}-{'weighted' if o[1] else 'plain'}-{o[2]}")
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_pytorch_agrees(option, reduction, dtype, backend):
    torch = pytest.importorskip("torch")
    for classes in (1, 3, 97):
        problem = Problem("cross_entropy", classes, dtype, option)
        loss, gradient = problem.with_grad(reduction)
        logits = torch.tensor(problem.x, requires_grad=True)
        weight = None if problem.weight is None else torch.tensor(problem.weight)
        wanted = torch.nn.functional.cross_entropy(
            logits,
            torch.tensor(problem.targets),
            weight=weight,
            label_smoothing=problem.smoothing,
            reduction=reduction,
        )
        wanted.backward(torch.ones_like(wanted))
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(loss, wanted.detach().numpy(), rtol=30 * eps, atol=30 * eps)
        np.testing.assert_allclose(gradient, logits.grad.numpy(), rtol=50 * eps, atol=50 * eps)
