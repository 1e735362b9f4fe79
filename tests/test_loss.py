"""The elementwise losses against formulas in float64 and against PyTorch: values, gradients, weights, reductions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tolerance import assert_within

import fastnn

DELTA = 0.7
# Around the widths of vectors, the 16 lanes and the chunks of a sum.
SIZES = (0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 101, 4095, 4096, 4097, 10_007)
SHAPES = ((5, 3, 4), (40, 333), (3, 5000), (7, 1), (1, 1), (17,))
REDUCTIONS = ("mean", "sum", "none")
Formula = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def huber(y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    d = y - t
    near = abs(d) < DELTA
    return np.where(near, d * d / 2, DELTA * abs(d) - DELTA**2 / 2), np.where(near, d, DELTA * np.sign(d))


def hinge(y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    active = t * y < 1
    return np.where(active, 1 - t * y, 0), np.where(active, -t, 0)


# name -> value and derivative of one element's loss
FORMULAS: dict[str, Formula] = {
    "mse": lambda y, t: ((y - t) ** 2, 2 * (y - t)),
    "mae": lambda y, t: (abs(y - t), np.sign(y - t)),
    "huber": huber,
    "sum_squared_error": lambda y, t: ((y - t) ** 2, 2 * (y - t)),
    "poisson": lambda y, t: (y - t * np.log(y + 1e-7), 1 - t / (y + 1e-7)),
    "hinge": hinge,
    "binary_cross_entropy": lambda y, t: (-t * np.log(y) - (1 - t) * np.log(1 - y), (y - t) / (y * (1 - y))),
    "binary_cross_entropy_with_logits": lambda y, t: (np.logaddexp(0, y) - t * y, 1 / (1 + np.exp(-y)) - t),
}


def make(name: str, shape: Any, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """y and targets where the loss is well-conditioned."""
    rng = np.random.default_rng(1)
    y, t = rng.uniform(-4, 4, shape), rng.uniform(0, 1, shape)
    if name in ("poisson", "binary_cross_entropy"):
        y = rng.uniform(0.05, 0.95, shape)
    elif name == "hinge":
        t = np.where(t < 0.5, -1.0, 1.0)
    return np.asarray(y, dtype), np.asarray(t, dtype)


def options(name: str) -> dict[str, float]:
    return {"delta": DELTA} if name == "huber" else {}


def loss_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:-1] if name == "sum_squared_error" and len(shape) > 1 else shape


def spread(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Values of a leading part of a shape, over the whole of it."""
    values = np.asarray(values, np.float64)
    return np.broadcast_to(values.reshape(values.shape + (1,) * (len(shape) - values.ndim)), shape)


def check(
    name: str, y: np.ndarray, t: np.ndarray, weight: np.ndarray | None, reduction: str, dloss: Any, out: Any = None
) -> None:
    """The loss and its gradient against the formula, the bound from the magnitude of what is added."""
    given: dict[str, Any] = {**options(name), "sample_weight": weight, "reduction": reduction}
    values, slopes = FORMULAS[name](y.astype(np.float64), t.astype(np.float64))
    shape = loss_shape(name, y.shape)
    weights = spread(1.0 if weight is None else weight, shape)
    losses = weights * (values.sum(-1) if shape != y.shape else values)
    sizes = weights * (5 + (abs(values).sum(-1) if shape != y.shape else abs(values)))
    if reduction == "none":
        factor = spread(dloss, shape)
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            divisor = weights.sum() if reduction == "mean" else np.float64(1)
            losses, sizes, factor = losses.sum() / divisor, sizes.sum() / divisor, spread(dloss / divisor, shape)
    exact_dy = slopes * spread(weights * factor, y.shape)
    eps = np.finfo(y.dtype).eps

    loss = getattr(fastnn, name)(y, t, **given)
    same, dy = getattr(fastnn, name + "_with_grad")(y, t, **given, dloss=dloss, out=out)
    np.testing.assert_array_equal(same, loss)
    assert isinstance(loss, np.ndarray if reduction == "none" else np.floating)
    assert loss.dtype == dy.dtype == y.dtype
    # 4096 / 16 additions in a lane, and the rounding of each term.
    assert_within(loss, losses, 300 * eps * sizes if y.size else np.inf)
    assert_within(dy, exact_dy, 16 * eps * abs(spread(weights * factor, y.shape)) * (2 + abs(slopes)))


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("size", SIZES)
def test_sizes(backend, dtype, name, size):
    y, t = make(name, size, dtype)
    for reduction in REDUCTIONS:
        check(name, y, t, None, reduction, 1.0)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_weights_of_any_leading_part(backend, dtype, name, shape):
    y, t = make(name, shape, dtype)
    losses = loss_shape(name, shape)
    rng = np.random.default_rng(2)
    for axes, reduction in itertools.product(range(len(losses) + 1), REDUCTIONS):
        weight = np.asarray(rng.uniform(0, 2, losses[:axes]), dtype)
        check(name, y, t, weight, reduction, 0.3)
        if reduction == "none":
            dloss = np.asarray(rng.uniform(-1, 1, losses), dtype)
            check(name, y, t, weight, reduction, dloss)
            check(name, y, t, None, reduction, dloss)


def test_one_feature_a_sample(backend, dtype):
    y, t = make("mse", 19, dtype)
    samples = fastnn.sum_squared_error(y, t, reduction="none")
    np.testing.assert_array_equal(samples, fastnn.mse(y, t, reduction="none"))
    column = fastnn.sum_squared_error(y[:, None], t[:, None], reduction="none")
    np.testing.assert_array_equal(column, samples)
    assert fastnn.sum_squared_error(y, t) == pytest.approx(fastnn.mse(y, t))
    features = fastnn.sum_squared_error(np.ones((3, 2, 5), dtype), np.zeros((3, 2, 5), dtype), reduction="none")
    np.testing.assert_array_equal(features, np.full((3, 2), 5, dtype))
    np.testing.assert_array_equal(fastnn.sum_squared_error(np.ones((4, 0)), np.ones((4, 0)), reduction="none"), 0)


@pytest.mark.parametrize("name", FORMULAS)
def test_mean_of_nothing_and_of_no_weight(backend, dtype, name):
    given = options(name)
    nothing = np.empty((0, 3), dtype)
    loss, dy = getattr(fastnn, name + "_with_grad")(nothing, nothing, **given)
    assert np.isnan(loss)
    assert dy.shape == (0, 3)
    assert getattr(fastnn, name)(nothing, nothing, **given, reduction="sum") == 0
    y, t = make(name, (4, 3), dtype)
    assert np.isnan(getattr(fastnn, name)(y, t, **given, sample_weight=np.zeros(4, dtype)))
    assert getattr(fastnn, name)(y, t, **given, sample_weight=np.zeros(4, dtype), reduction="sum") == 0


@pytest.mark.parametrize("name", FORMULAS)
def test_a_nan_stays_in_its_place(backend, dtype, name):
    size = 37
    y, t = make(name, (size, 1), dtype)
    given: dict[str, Any] = {**options(name), "reduction": "none"}
    clean, clean_dy = getattr(fastnn, name + "_with_grad")(y, t, **given)
    for i in range(size):
        spoiled = y.copy()
        spoiled[i] = np.nan
        losses, dy = getattr(fastnn, name + "_with_grad")(spoiled, t, **given)
        assert np.isnan(losses[i])
        np.testing.assert_array_equal(np.delete(losses, i, 0), np.delete(clean, i, 0))
        np.testing.assert_array_equal(np.delete(dy, i, 0), np.delete(clean_dy, i, 0))
        assert np.isnan(getattr(fastnn, name)(spoiled, t, **options(name)))


@pytest.mark.parametrize("name", ["mse", "mae", "huber", "sum_squared_error"])
@pytest.mark.parametrize("size", [1, 16, 21])
def test_an_infinite_distance(backend, dtype, name, size):
    for i, value in itertools.product(range(size), (np.inf, -np.inf)):
        y = np.zeros(size, dtype)
        y[i] = value
        loss, dy = getattr(fastnn, name + "_with_grad")(y, np.zeros(size, dtype), reduction="sum")
        assert loss == np.inf
        assert dy[i] == {"mae": np.sign(value), "huber": np.sign(value)}.get(name, value)
        assert np.count_nonzero(dy) == 1


def test_kinks(backend, dtype):
    zero, one = np.zeros(21, dtype), np.ones(21, dtype)
    np.testing.assert_array_equal(fastnn.mae_with_grad(one, one, reduction="sum")[1], zero)
    np.testing.assert_array_equal(fastnn.hinge_with_grad(one, one, reduction="none"), [zero, zero])
    losses, dy = fastnn.huber_with_grad(one, zero, delta=1.0, reduction="none")
    np.testing.assert_array_equal(losses, one / 2)
    np.testing.assert_array_equal(dy, one)


def test_cross_entropy_of_certainty(backend, dtype):
    """Logarithms are held at -100, so a certain and wrong prediction costs 100 and has a gradient."""
    y, t = np.array([0, 0, 1, 1] * 5, dtype), np.array([0, 1, 0, 1] * 5, dtype)
    losses, dy = fastnn.binary_cross_entropy_with_grad(y, t, reduction="none")
    np.testing.assert_array_equal(losses, [0, 100, 100, 0] * 5)
    np.testing.assert_allclose(dy, [0, -1e12, 1e12, 0] * 5, rtol=1e-6)


def test_large_logits(backend, dtype):
    y = np.array([1e4, -1e4, 1e4, -1e4, 0.0] * 4, dtype)
    t = np.array([1, 0, 0, 1, 0.5] * 4, dtype)
    losses, dy = fastnn.binary_cross_entropy_with_logits_with_grad(y, t, reduction="none")
    np.testing.assert_allclose(losses, [0, 0, 1e4, 1e4, np.log(2)] * 4, rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(dy, [0, 0, 1, -1, 0] * 4)


@pytest.mark.parametrize("name", FORMULAS)
def test_out(backend, dtype, name):
    y, t = make(name, (9, 11), dtype)
    given = options(name)
    loss, dy = getattr(fastnn, name + "_with_grad")(y, t, **given)
    out = np.full_like(y, 7)
    for target in (out, y):
        again, written = getattr(fastnn, name + "_with_grad")(y, t, **given, out=target)
        assert written is target
        assert again == loss
        np.testing.assert_array_equal(target, dy)


@pytest.mark.parametrize("name", FORMULAS)
def test_bits_do_not_depend_on_threads(dtype, threads, name):
    y, t = make(name, (1200, 301), dtype)
    weight = np.random.default_rng(3).uniform(0, 1, 1200).astype(dtype)
    call = getattr(fastnn, name + "_with_grad")
    for reduction in REDUCTIONS:
        given: dict[str, Any] = {**options(name), "sample_weight": weight, "reduction": reduction}
        fastnn.set_num_threads(threads)
        loss, dy = call(y, t, **given, backend="native")
        fastnn.set_num_threads(1)
        alone, alone_dy = call(y, t, **given, backend="native")
        np.testing.assert_array_equal(loss, alone)
        np.testing.assert_array_equal(dy, alone_dy)


@pytest.mark.parametrize("name", FORMULAS)
def test_bits_do_not_depend_on_the_place(dtype, name):
    y, t = make(name, 300, dtype)
    call = getattr(fastnn, name + "_with_grad")
    given: dict[str, Any] = {**options(name), "reduction": "none", "backend": "native"}
    losses, dy = call(y, t, **given)
    for begin, end in ((1, 2), (1, 18), (3, 300), (7, 40), (16, 299)):
        part, part_dy = call(y[begin:end], t[begin:end], **given)
        np.testing.assert_array_equal(part, losses[begin:end])
        np.testing.assert_array_equal(part_dy, dy[begin:end])


TORCH = {
    "mse": lambda F, y, t, r: F.mse_loss(y, t, reduction=r),
    "mae": lambda F, y, t, r: F.l1_loss(y, t, reduction=r),
    "huber": lambda F, y, t, r: F.huber_loss(y, t, reduction=r, delta=DELTA),
    "poisson": lambda F, y, t, r: F.poisson_nll_loss(y, t, log_input=False, eps=1e-7, reduction=r),
    "binary_cross_entropy": lambda F, y, t, r: F.binary_cross_entropy(y, t, reduction=r),
    "binary_cross_entropy_with_logits": lambda F, y, t, r: F.binary_cross_entropy_with_logits(y, t, reduction=r),
}
SPECIAL = {
    "binary_cross_entropy": (0.0, 1.0, 0.5, 1e-30, 0.25),
    "poisson": (0.0, 1.0, 0.5, 1e-30, np.inf, np.nan),
}


@pytest.mark.parametrize("name", TORCH)
def test_as_torch_has_it(backend, dtype, name):
    """Ordinary numbers in every reduction, then special ones in every pair of y and t."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    for reduction in REDUCTIONS:
        y, t = make(name, (21, 30), dtype)
        compare(torch, lambda y, t, r=reduction: TORCH[name](functional, y, t, r), name, y, t, reduction)
    values = SPECIAL.get(name, (0.0, 1.0, -1.0, 0.5, 1e4, -1e4, np.inf, -np.inf, np.nan))
    pairs = np.array(list(itertools.product(values, (0.0, 1.0, 0.5))), dtype)
    y, t = np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
    compare(torch, lambda y, t: TORCH[name](functional, y, t, "none"), name, y, t, "none", rtol=1e-5)


def compare(
    torch: Any, theirs: Any, name: str, y: np.ndarray, t: np.ndarray, reduction: str, rtol: float | None = None
) -> None:
    leaf = torch.tensor(y, requires_grad=True)
    loss = theirs(leaf, torch.tensor(t))
    loss.sum().backward()
    actual, dy = getattr(fastnn, name + "_with_grad")(y, t, **options(name), reduction=reduction)
    tolerance = {"rtol": rtol or 200 * np.finfo(y.dtype).eps, "atol": 20 * np.finfo(y.dtype).eps}
    np.testing.assert_allclose(actual, loss.detach().numpy(), **tolerance)
    np.testing.assert_allclose(dy, leaf.grad.numpy(), **tolerance)
