"""Optimizer steps against their formulas in float64 and against PyTorch; states that decay; global_norm."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tolerance import assert_within

import fastnn

SIZES = (0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 101, 1021)
Arrays = list[np.ndarray]
Formula = Callable[[np.ndarray, np.ndarray, Arrays], tuple[np.ndarray, Arrays]]


def sgd(lr: float, momentum: float, nesterov: bool, decay: float) -> Formula:
    def step(p: np.ndarray, g: np.ndarray, states: Arrays) -> tuple[np.ndarray, Arrays]:
        g = g + decay * p
        v = momentum * states[0] + g
        return p - lr * (g + momentum * v if nesterov else v), [v]

    return step


def adam(t: int, lr: float, beta1: float, beta2: float, eps: float, decay: float, decoupled: bool) -> Formula:
    def step(p: np.ndarray, g: np.ndarray, states: Arrays) -> tuple[np.ndarray, Arrays]:
        if decoupled:
            p = p - lr * decay * p
        else:
            g = g + decay * p
        m = beta1 * states[0] + (1 - beta1) * g
        v = beta2 * states[1] + (1 - beta2) * g**2
        return p - lr / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta2**t)) + eps), [m, v]

    return step


def rmsprop(lr: float, alpha: float, eps: float, momentum: float, decay: float) -> Formula:
    def step(p: np.ndarray, g: np.ndarray, states: Arrays) -> tuple[np.ndarray, Arrays]:
        g = g + decay * p
        v = alpha * states[0] + (1 - alpha) * g**2
        buffer = momentum * states[1] + g / (np.sqrt(v) + eps)
        return p - lr * buffer, [v, buffer]

    return step


def adagrad(lr: float, eps: float, decay: float) -> Formula:
    def step(p: np.ndarray, g: np.ndarray, states: Arrays) -> tuple[np.ndarray, Arrays]:
        g = g + decay * p
        s = states[0] + g**2
        return p - lr * g / (np.sqrt(s) + eps), [s]

    return step


# name -> (operation, number of states, options, formula)
STEPS: dict[str, tuple[str, int, dict[str, Any], Formula]] = {
    "sgd": ("sgd_step", 1, {"lr": 0.1}, sgd(0.1, 0.0, False, 0.0)),
    "sgd, decay": ("sgd_step", 1, {"lr": 0.1, "weight_decay": 0.01}, sgd(0.1, 0.0, False, 0.01)),
    "momentum": (
        "sgd_step",
        1,
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
        sgd(0.1, 0.9, False, 0.01),
    ),
    "nesterov": ("sgd_step", 1, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, sgd(0.1, 0.9, True, 0.0)),
    "adam": ("adam_step", 2, {"step": 3}, adam(3, 1e-3, 0.9, 0.999, 1e-8, 0.0, False)),
    "adam, first": ("adam_step", 2, {"step": 1, "lr": 0.1}, adam(1, 0.1, 0.9, 0.999, 1e-8, 0.0, False)),
    "adam, late": ("adam_step", 2, {"step": 100_000}, adam(100_000, 1e-3, 0.9, 0.999, 1e-8, 0.0, False)),
    "adam, decay": (
        "adam_step",
        2,
        {"step": 7, "lr": 0.01, "beta1": 0.5, "beta2": 0.9, "eps": 1e-3, "weight_decay": 0.1},
        adam(7, 0.01, 0.5, 0.9, 1e-3, 0.1, False),
    ),
    "adamw": (
        "adam_step",
        2,
        {"step": 7, "lr": 0.01, "weight_decay": 0.1, "decoupled": True},
        adam(7, 0.01, 0.9, 0.999, 1e-8, 0.1, True),
    ),
    "rmsprop": (
        "rmsprop_step",
        2,
        {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.01},
        rmsprop(0.01, 0.99, 1e-8, 0.9, 0.01),
    ),
    "adagrad": ("adagrad_step", 1, {"lr": 0.1, "weight_decay": 0.01}, adagrad(0.1, 1e-10, 0.01)),
}


def make(size: Any, dtype: np.dtype, seed: int) -> np.ndarray:
    """Numbers of both signs and well apart from 0, so that a sum of two cannot cancel to nothing."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(0.5, 2.0, size) * rng.choice([-1.0, 1.0], size), dtype)


def arguments(name: str, size: Any, dtype: np.dtype) -> Arrays:
    """p, g and the states; second moments are not negative."""
    states = [np.asarray(abs(make(size, dtype, 3 + i))) for i in range(STEPS[name][1])]
    return [make(size, dtype, 1), make(size, dtype, 2), *states]


def run(name: str, arrays: Arrays) -> None:
    operation, _, options, _ = STEPS[name]
    assert getattr(fastnn, operation)(*arrays, **options) is None


@pytest.mark.parametrize("name", STEPS)
def test_a_step_follows_its_formula(backend, dtype, name):
    eps = float(np.finfo(dtype).eps)
    for size in (*SIZES, (), (3, 0, 2), (3, 5, 7)):
        arrays = arguments(name, size, dtype)
        g = arrays[1].copy()
        p, states = STEPS[name][3](
            *(a.astype(np.float64) for a in arrays[:2]), [a.astype(np.float64) for a in arrays[2:]]
        )
        run(name, arrays)
        np.testing.assert_array_equal(arrays[1], g)
        for actual, exact in zip([arrays[0], *arrays[2:]], [p, *states], strict=True):
            assert actual.dtype == dtype
            assert_within(actual, exact, 16 * eps * (2 + abs(exact)))


def test_without_momentum_no_state_is_needed(backend, dtype):
    p, g, v = (make(37, dtype, i) for i in range(3))
    wanted = p.astype(np.float64) - 0.1 * g
    fastnn.sgd_step(p, g, lr=0.1)
    assert_within(p, wanted, 4 * np.finfo(dtype).eps)
    v = abs(v)
    one, other = p.copy(), p.copy()
    fastnn.rmsprop_step(one, g, v.copy(), lr=0.1)
    fastnn.rmsprop_step(other, g, v.copy(), np.full_like(p, 7), lr=0.1)
    np.testing.assert_allclose(one, other, rtol=4 * np.finfo(dtype).eps)


def test_steps_of_adam_in_any_order(backend, dtype):
    """The powers of beta belong to the step's number, not to the calls before."""
    p, g = make(5, dtype, 1), make(5, dtype, 2)
    for step in (1, 2, 50, 3, 60_000, 60_001, 4, 1, 10**9, 2):
        for beta2 in (0.999, 0.9):
            actual, m, v = p.copy(), np.zeros_like(p), np.zeros_like(p)
            fastnn.adam_step(actual, g, m, v, step=step, lr=0.5, beta2=beta2)
            zeros = [np.zeros(5), np.zeros(5)]
            exact, _ = adam(step, 0.5, 0.9, beta2, 1e-8, 0.0, False)(p.astype(np.float64), g.astype(np.float64), zeros)
            assert_within(actual, exact, 32 * np.finfo(dtype).eps * (1 + abs(exact) + abs(p - exact)))


def is_denormal(a: np.ndarray) -> np.ndarray:
    return (a != 0) & (abs(a) < np.finfo(a.dtype).tiny)


@pytest.mark.parametrize("size", [1, 21])
def test_the_moments_of_dead_units_become_zero(backend, dtype, size):
    beta = 0.9 if dtype == np.float32 else 0.6  # either is below the smallest normal number after 2000 steps
    p, m, v = np.ones(size, dtype), np.zeros(size, dtype), np.zeros(size, dtype)
    fastnn.adam_step(p, make(size, dtype, 1), m, v, step=1, beta1=beta, beta2=beta)
    g = np.zeros(size, dtype)
    for step in range(2, 2001):
        fastnn.adam_step(p, g, m, v, step=step, beta1=beta, beta2=beta)
        assert not is_denormal(m).any()
        assert not is_denormal(v).any()
    assert not m.any()
    assert not v.any()
    assert np.isfinite(p).all()


def test_every_state_is_kept_from_denormals(backend, dtype):
    tiny = float(np.finfo(dtype).tiny)
    edge = np.array([tiny, -tiny, tiny * 0.75, -tiny * 0.75, np.nan, 0.0] * 5, dtype)
    nothing = np.zeros_like(edge)
    p, v, buffer = np.ones_like(edge), nothing.copy(), edge.copy()
    fastnn.sgd_step(p, nothing, buffer, lr=0.1, momentum=1.0)
    np.testing.assert_array_equal(buffer, np.where(abs(edge) < tiny, 0, edge))
    buffer = edge.copy()
    fastnn.rmsprop_step(p, nothing, v, buffer, lr=0.1, momentum=1.0)
    np.testing.assert_array_equal(buffer, np.where(abs(edge) < tiny, 0, edge))
    s = abs(edge)
    fastnn.adagrad_step(p, nothing, s, lr=0.1)
    np.testing.assert_array_equal(s, np.where(s < tiny, 0, abs(edge)))


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_inf_stay_where_they_are(backend, dtype, name, value):
    clean = arguments(name, 19, dtype)
    run(name, clean)
    for i in range(19):
        spoiled = arguments(name, 19, dtype)
        spoiled[1][i] = value
        with np.errstate(all="ignore"):
            run(name, spoiled)
        assert not np.isfinite(spoiled[0][i])
        for actual, wanted in zip(spoiled, clean, strict=True):
            np.testing.assert_array_equal(np.delete(actual, i), np.delete(wanted, i))


@pytest.mark.parametrize("name", STEPS)
def test_bits_do_not_depend_on_threads_or_place(dtype, threads, name):
    size = 400_003
    whole = arguments(name, size, dtype)
    pieces = [a.copy() for a in whole]
    with fastnn.use_backend("native"):
        run(name, whole)
        fastnn.set_num_threads(1)
        for begin in range(0, size, 100_001):
            run(name, [a[begin : begin + 100_001] for a in pieces])
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)


TORCH: dict[str, tuple[str, str, int, dict[str, Any], dict[str, Any]]] = {
    "sgd": ("SGD", "sgd_step", 1, {"lr": 0.1, "weight_decay": 0.01}, {}),
    "momentum": ("SGD", "sgd_step", 1, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}, {}),
    "nesterov": ("SGD", "sgd_step", 1, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, {}),
    "adam": ("Adam", "adam_step", 2, {"lr": 0.01}, {}),
    "adam, decay": ("Adam", "adam_step", 2, {"lr": 0.01, "weight_decay": 0.1}, {}),
    "adamw": ("AdamW", "adam_step", 2, {"lr": 0.01, "weight_decay": 0.1}, {"decoupled": True}),
    "rmsprop": ("RMSprop", "rmsprop_step", 1, {"lr": 0.01, "weight_decay": 0.01}, {}),
    "rmsprop, momentum": ("RMSprop", "rmsprop_step", 2, {"lr": 0.01, "momentum": 0.9}, {}),
    "adagrad": ("Adagrad", "adagrad_step", 1, {"lr": 0.1, "weight_decay": 0.01}, {}),
}


@pytest.mark.parametrize("name", TORCH)
def test_fifty_steps_as_torch_takes_them(backend, dtype, name):
    torch = pytest.importorskip("torch")
    optimizer, operation, count, options, ours = TORCH[name]
    p = make((13, 17), dtype, 1)
    theirs = torch.nn.Parameter(torch.tensor(p))
    stepper = getattr(torch.optim, optimizer)([theirs], **options)
    states = [np.zeros_like(p) for _ in range(count)]
    for step in range(1, 51):
        g = make(p.shape, dtype, 100 + step)
        theirs.grad = torch.tensor(g)
        stepper.step()
        numbered = {"step": step} if operation == "adam_step" else {}
        getattr(fastnn, operation)(p, g, *states, **numbered, **options, **ours)
    assert_within(p, theirs.detach().numpy(), 500 * np.finfo(dtype).eps * (1 + abs(p)))


@pytest.mark.parametrize("size", [*SIZES, 4095, 4096, 4097, 10_007])
def test_global_norm(backend, dtype, size):
    x = make(size, dtype, 1)
    norm = fastnn.global_norm([x])
    assert type(norm) is float
    assert norm == pytest.approx(math.sqrt(math.fsum(float(v) ** 2 for v in x)), rel=1e-13)


def test_global_norm_of_many(backend):
    arrays = [
        make((3, 4), np.dtype("f4"), 1),
        make(7, np.dtype("f8"), 2),
        make((), np.dtype("f4"), 3),
        np.zeros((0, 2)),
    ]
    exact = math.sqrt(math.fsum(float(v) ** 2 for a in arrays for v in a.ravel()))
    for given in (arrays, tuple(arrays), iter(arrays)):
        assert fastnn.global_norm(given) == pytest.approx(exact, rel=1e-14)
    assert fastnn.global_norm([]) == 0.0
    # Squares far outside float32's range are well inside float64's.
    for scale in (1e-30, 1e30):
        x = np.full(100, scale, np.float32)
        assert fastnn.global_norm([x]) == pytest.approx(10 * float(x[0]), rel=1e-14)


@pytest.mark.parametrize("size", [1, 16, 33])
def test_global_norm_of_nan_and_inf(backend, dtype, size):
    for i in range(size):
        x = np.ones(size, dtype)
        x[i] = -np.inf
        assert fastnn.global_norm([x]) == math.inf
        x[i] = np.nan
        assert math.isnan(fastnn.global_norm([x]))


def test_global_norm_does_not_depend_on_threads(dtype, threads):
    x = make(1_000_003, dtype, 1)
    with fastnn.use_backend("native"):
        norm = fastnn.global_norm([x, x[:1000]])
        fastnn.set_num_threads(1)
        assert fastnn.global_norm([x, x[:1000]]) == norm
