"""softmax, log_softmax, their gradients and logsumexp, against their definitions in extended precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tolerance import assert_within

import fastnn

# Around the numbers of lanes, the 16 virtual ones, and the limit between blocks of rows and rows.
COLUMNS = (1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 33, 63, 64, 65, 97, 1000)
ROWS = 11
FORWARD = ("softmax", "log_softmax", "logsumexp")


def exact(name: str, x: Any, y: Any = None) -> np.ndarray:
    """The definition over the last axis, in extended precision; for a gradient x is dy."""
    x = np.asarray(x, np.longdouble)
    with np.errstate(all="ignore"):
        if name == "softmax_backward":
            y = np.asarray(y, np.longdouble)
            return np.asarray(y * (x - (x * y).sum(-1, keepdims=True)))
        if name == "log_softmax_backward":
            return np.asarray(x - np.exp(np.asarray(y, np.longdouble)) * x.sum(-1, keepdims=True))
        largest = x.max(-1, keepdims=True)
        if name == "logsumexp":
            shift = np.where(np.isfinite(largest), largest, 0)
            return np.asarray((shift + np.log(np.exp(x - shift).sum(-1, keepdims=True)))[..., 0])
        e = np.exp(x - largest)
        s = e.sum(-1, keepdims=True)
        return np.asarray(e / s if name == "softmax" else x - largest - np.log(s))


def bound(name: str, x: Any, y: Any = None) -> np.ndarray:
    """What the roundings of exp, of a sum in 16 lanes and of x - max can add up to."""
    limits, x = np.finfo(x.dtype), np.asarray(x, np.longdouble)
    terms = 6 + x.shape[-1] / 16
    with np.errstate(all="ignore"):
        if name == "softmax_backward":
            y = np.abs(np.asarray(y, np.longdouble))
            size = y * (np.abs(x) + (np.abs(x) * y).sum(-1, keepdims=True))
            return np.asarray(terms * limits.eps * size + limits.smallest_subnormal)
        if name == "log_softmax_backward":
            p = np.exp(np.asarray(y, np.longdouble))
            return np.asarray(terms * limits.eps * (np.abs(x) + p * np.abs(x).sum(-1, keepdims=True)))
        wanted = np.abs(exact(name, x))
        if name == "softmax":
            distance = np.where(wanted > 0, np.abs(x - x.max(-1, keepdims=True)), 0)
            return np.asarray((terms + distance) * limits.eps * wanted + limits.smallest_subnormal)
        return np.asarray(terms * limits.eps * (1 + wanted))


def assert_right(name: str, x: Any, y: Any = None) -> None:
    actual = getattr(fastnn, name)(x) if y is None else getattr(fastnn, name)(x, y)
    assert actual.dtype == x.dtype
    assert_within(actual, exact(name, x, y), bound(name, x, y))


def rows(columns: int, dtype: Any, scale: float = 3.0, count: int = ROWS) -> np.ndarray:
    return (scale * np.random.default_rng(columns).standard_normal((count, columns))).astype(dtype)


def assert_same_bits(actual: Any, expected: Any) -> None:
    np.testing.assert_array_equal(actual, expected)
    finite = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual)[finite], np.signbit(expected)[finite])


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("scale", [0.1, 3.0, 40.0, 1e4])
@pytest.mark.parametrize("name", FORWARD)
def test_values(name, columns, scale, dtype, backend):
    assert_right(name, rows(columns, dtype, scale))


@pytest.mark.parametrize("columns", COLUMNS)
def test_gradients(columns, dtype, backend):
    x, dy = rows(columns, dtype), rows(columns + 1, dtype)[:, :columns].copy()
    assert_right("softmax_backward", dy, fastnn.softmax(x))
    assert_right("log_softmax_backward", dy, fastnn.log_softmax(x))


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e4, -1e4], ids=str)
@pytest.mark.parametrize("name", FORWARD)
def test_special_values_in_every_lane_and_tail(name, value, columns, dtype, backend):
    x = rows(columns, dtype, count=columns)
    np.fill_diagonal(x, value)
    assert_right(name, x)
    if name == "softmax" and value < 0 and columns > 1:
        assert not fastnn.softmax(x).diagonal().any()


@pytest.mark.parametrize("columns", COLUMNS)
def test_rows_without_a_softmax(columns, dtype, backend):
    for value in (-np.inf, np.nan, np.inf):
        x = np.full((3, columns), value, dtype)
        x[1] = 0
        for name in FORWARD:
            assert_right(name, x)
        assert np.isnan(fastnn.softmax(x)[[0, 2]]).all()
        assert_same_bits(fastnn.logsumexp(x)[::2], np.full(2, value, dtype))


@pytest.mark.parametrize("columns", COLUMNS)
def test_rows_sum_to_one_and_logarithms_are_not_positive(columns, dtype, backend):
    for scale in (0.0, 1.0, 30.0, 1e4):
        x = rows(columns, dtype, scale)
        y = fastnn.softmax(x)
        tolerance = columns * np.finfo(dtype).eps
        assert_within(y.sum(-1, dtype=np.longdouble), np.ones(ROWS), tolerance)
        assert (fastnn.log_softmax(x) <= 0).all()


def test_one_column(dtype, backend):
    x = np.array([[0.1], [-70.0], [1e30], [0.0]], dtype)
    assert_same_bits(fastnn.softmax(x), np.ones_like(x))
    assert_same_bits(np.abs(fastnn.log_softmax(x)), np.zeros_like(x))
    assert_same_bits(fastnn.logsumexp(x), x[:, 0])


def test_denormal_results_survive(backend):
    x = np.array([[0.0, -100.0, 0.0], [50.0, -50.0, 50.0]], np.float32)
    assert_right("softmax", x)
    assert (fastnn.softmax(x)[:, 1] > 0).all()
    assert_right("softmax", np.array([[0.0, -740.0], [400.0, -340.0]]))


def test_confident_rows_keep_the_logarithm_of_the_rest(dtype, backend):
    # log(sum) is near 50 and the wanted value near 0, or 1e-9: the error must not be that of 50.
    x = np.array([[50.0, 0.0, 1.0], [50.0, 30.0, 29.0], [-50.0, -49.0, -60.0]], dtype)
    assert_within(fastnn.log_softmax(x)[:, 0], exact("log_softmax", x)[:, 0], 8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0,), (2, 0, 3), (3, 2, 0)])
def test_nothing(shape, dtype, backend):
    x = np.zeros(shape, dtype)
    for name in ("softmax", "log_softmax"):
        assert getattr(fastnn, name)(x).shape == shape
        assert getattr(fastnn, name + "_backward")(x, x).shape == shape
    s = fastnn.logsumexp(x)
    assert s.shape == shape[:-1]
    assert (s == -np.inf).all()


@pytest.mark.parametrize("axis", [-3, -2, -1, 0, 1, 2])
def test_axis(axis, dtype, backend):
    x = rows(30, dtype, count=14).reshape(7, 10, 6)
    dy = rows(31, dtype, count=14)[:, :30].reshape(7, 10, 6)
    last = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    for name in ("softmax", "log_softmax"):
        y = getattr(fastnn, name)(last)
        assert_same_bits(getattr(fastnn, name)(x, axis), np.moveaxis(y, -1, axis))
        dx = getattr(fastnn, name + "_backward")(np.moveaxis(dy, axis, -1), y)
        backward = getattr(fastnn, name + "_backward")(dy, np.moveaxis(y, -1, axis), axis=axis)
        assert_same_bits(backward, np.moveaxis(dx, -1, axis))
    assert_same_bits(fastnn.logsumexp(x, axis), fastnn.logsumexp(last))
    assert fastnn.logsumexp(x, axis, True).shape == tuple(1 if i == axis % 3 else n for i, n in enumerate(x.shape))


@pytest.mark.parametrize("columns", [1, 10, 64, 65, 257])
def test_out_and_in_place(columns, dtype, backend):
    x, dy = rows(columns, dtype, 30.0), rows(columns, dtype)
    for name in ("softmax", "log_softmax"):
        operation, backward = getattr(fastnn, name), getattr(fastnn, name + "_backward")
        y, dx = operation(x), backward(dy, operation(x))
        out = np.full_like(x, 7)
        assert operation(x, out=out) is out
        assert_same_bits(out, y)
        assert_same_bits(backward(dy, y, out=out), dx)
        here = x.copy()
        assert operation(here, out=here) is here
        assert_same_bits(here, y)
        here = dy.copy()
        assert backward(here, y, out=here) is here
        assert_same_bits(here, dx)


def mixed_rows(columns: int, dtype: Any) -> np.ndarray:
    """150 rows, some of them moderate, some that need their maximum, some without a softmax."""
    x = rows(columns, dtype, count=150)
    x[::4] *= 100
    x[1::9, ::2] = -np.inf
    x[5::31, columns // 2] = np.nan
    return x


@pytest.mark.parametrize("columns", [1, 2, 10, 16, 17, 64, 65, 1000])
def test_a_row_has_the_same_bits_wherever_it_stands(columns, dtype, threads):
    x = mixed_rows(columns, dtype)
    dy = rows(columns + 1, dtype, count=150)[:, :columns].copy()
    order = np.random.default_rng(0).permutation(len(x))

    def results(x: Any, dy: Any) -> list[Any]:
        y, z = fastnn.softmax(x), fastnn.log_softmax(x)
        backward = [fastnn.softmax_backward(dy, y), fastnn.log_softmax_backward(dy, z)]
        return [y, z, fastnn.logsumexp(x)[:, None], *backward]

    with fastnn.use_backend("native"):
        together = np.concatenate(results(x, dy), axis=1)
        assert_same_bits(np.concatenate(results(x[order], dy[order]), axis=1), together[order])
        for begin, end in ((0, 1), (1, 8), (8, 73), (73, 150)):
            assert_same_bits(np.concatenate(results(x[begin:end], dy[begin:end]), axis=1), together[begin:end])


@pytest.mark.parametrize("columns", [3, 10, 16, 100, 1000])
@pytest.mark.parametrize("offset", range(1, 9))
def test_alignment_does_not_change_bits(offset, columns, dtype):
    x = mixed_rows(columns, dtype)
    memory = np.empty(x.size + 16, dtype)
    shifted = memory[offset : offset + x.size].reshape(x.shape)
    shifted[...] = x
    with fastnn.use_backend("native"):
        for name in FORWARD:
            assert_same_bits(getattr(fastnn, name)(shifted), getattr(fastnn, name)(x))


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "count"), [(4096, 3000), (1000, 12007), (999, 12007), (16, 800003)])
@pytest.mark.parametrize("offset", [0, 5])
def test_results_larger_than_the_caches(columns, count, offset, dtype):
    # Such results are stored around the caches, by other instructions, from a boundary in memory on.
    rng = np.random.default_rng(columns)
    x = rng.standard_normal((count, columns)).astype(dtype)
    x[::3] *= 1000  # with a maximum to take off
    memory = np.full((2, x.size + 32), 7, dtype)
    y, dx = (part[offset : offset + x.size].reshape(x.shape) for part in memory)
    with fastnn.use_backend("native"):
        fastnn.softmax(x, out=y)
        fastnn.softmax_backward(x, x, out=dx)
        assert (memory[:, :offset] == 7).all()
        assert (memory[:, offset + x.size :] == 7).all()
        for first in (0, count // 2 - 1, count - 7):
            few = x[first : first + 7]
            assert_same_bits(y[first : first + 7], fastnn.softmax(few))
            assert_same_bits(dx[first : first + 7], fastnn.softmax_backward(few, few))


@pytest.mark.parametrize("columns", [1, 3, 10, 97])
def test_pytorch_agrees(columns, dtype, backend):
    torch = pytest.importorskip("torch")
    for scale in (3.0, 100.0):
        x = rows(columns, dtype, scale)
        x[2, 0] = -np.inf
        x[4, columns - 1] = np.nan
        x[6, columns - 1] = np.inf
        x[8] = -np.inf
        dy = rows(columns, dtype)
        tolerance = {"rtol": 60 * np.finfo(dtype).eps, "atol": 60 * np.finfo(dtype).eps}
        for name in ("softmax", "log_softmax"):
            leaf = torch.tensor(x, requires_grad=True)
            wanted = getattr(torch, name)(leaf, -1)
            wanted.backward(torch.tensor(dy))
            y = getattr(fastnn, name)(x)
            np.testing.assert_allclose(y, wanted.detach().numpy(), **tolerance)
            dx = getattr(fastnn, name + "_backward")(dy, y)
            np.testing.assert_allclose(dx, leaf.grad.numpy(), **tolerance)
        np.testing.assert_allclose(fastnn.logsumexp(x), torch.logsumexp(torch.tensor(x), -1).numpy(), **tolerance)
