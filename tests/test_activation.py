"""The activations and their gradients: against the reference, and the promise that an element stands for itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tolerance import assert_within

import fastnn

KINDS = [
    *("identity", "step", "sign", "sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "selu", "celu"),
    *("softplus", "softsign", "swish", "gelu", "gelu_tanh", "mish", "hard_sigmoid", "hard_swish", "exponential"),
    *(fastnn.LeakyReLU(0.3), fastnn.LeakyReLU(-0.5), fastnn.ELU(0.7), fastnn.ELU(-1.3), fastnn.CELU(2.5)),
    *(fastnn.CELU(-0.8), fastnn.Softplus(3.0), fastnn.Softplus(0.2), fastnn.Swish(1.7), fastnn.Swish(-0.6)),
]
# Around the widths of vectors, primes, and more than one thread's share.
SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 101, 10007)
# Kinks, both zeros, denormals, and where the elementary functions change their formula.
SPECIAL = (
    *(0.0, -0.0, 3.0, -3.0, 6.0, 1.0, -1.0, 1e-45, -1e-45, 1e-39, -1e-39, 1e-310, -1e-310),
    *(0.55, -0.625, 25.0, -25.0, 30.5, -30.5, 60.0, -60.0, 87.5, -87.5, 89.0, -95.0, -104.0, 700.0, -700.0, 720.0),
    *(-720.0, -746.0, 1e10, -1e10, 1e30, -1e30, 3e38, np.inf, -np.inf, np.nan),
)


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def inputs(n: int, dtype: Any, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(n) * rng.choice([0.01, 1.0, 5.0], n)).astype(dtype)


def specials(dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.array(SPECIAL).astype(dtype)


def exact_forward(z: np.ndarray, kind: Any) -> np.ndarray:
    """In float64, of the very z."""
    with fastnn.use_backend("reference"):
        return np.asarray(fastnn.activation(z.astype(np.float64), kind))


def exact_backward(dy: np.ndarray, y: np.ndarray, kind: Any, z: np.ndarray) -> np.ndarray:
    with fastnn.use_backend("reference"):
        wide = [a.astype(np.float64) for a in (dy, y, z)]
        return np.asarray(fastnn.activation_backward(wide[0], wide[1], kind, z=wide[2]))


def bound(exact: np.ndarray, dtype: Any) -> np.ndarray:
    """A few units in the last place, and as many of 1 where a result is small because terms cancel."""
    limits = np.finfo(dtype)
    with np.errstate(all="ignore"):
        return 12 * float(limits.eps) * (np.abs(exact) + 1.0)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return np.where(np.isnan(a), np.nan, a).tobytes() == np.where(np.isnan(b), np.nan, b).tobytes()


def test_forward(backend, dtype, kind):
    for n in SIZES:
        z = inputs(n, dtype, n)
        y = fastnn.activation(z, kind)
        assert y.dtype == dtype
        exact = exact_forward(z, kind)
        assert_within(y, exact, bound(exact, dtype))


def test_backward(backend, dtype, kind):
    for n in SIZES:
        z, dy = inputs(n, dtype, n), inputs(n, dtype, n + 1)
        y = fastnn.activation(z, kind)
        dz = fastnn.activation_backward(dy, y, kind, z=z)
        assert dz.dtype == dtype
        exact = exact_backward(dy, y, kind, z)
        # The reference's own 1 - s cancels, in float64; exp(z / alpha) grows the quotient's rounding.
        assert_within(dz, exact, 4 * (bound(dy.astype(np.float64), dtype) + bound(exact, dtype)))


def test_special_values(backend, dtype, kind):
    z = specials(dtype)
    y = fastnn.activation(z, kind)
    with np.errstate(all="ignore"):
        rounded = exact_forward(z, kind).astype(dtype)
    assert_within(y, rounded, bound(rounded, dtype))


def test_special_values_backward(backend, dtype, kind):
    z = specials(dtype)
    y = fastnn.activation(z, kind)
    with np.errstate(all="ignore"):
        slope = exact_backward(np.ones_like(z), y, kind, z)
        limits = np.finfo(dtype)
        # Below the dtype's precision or above its range f' is 0 or inf there and a number in float64: what 0 or inf
        # times it gives is free.
        out_of_range = (np.abs(slope) > limits.max) | ((slope != 0) & (np.abs(slope) < 4 * limits.eps))
    for value in (1.0, -2.5, 0.0, np.inf, np.nan):
        dy = np.full_like(z, value)
        dz = fastnn.activation_backward(dy, y, kind, z=z)
        with np.errstate(all="ignore"):
            rounded = exact_backward(dy, y, kind, z).astype(dtype)
        if value in (0.0, np.inf):
            rounded = np.where(out_of_range, dz, rounded)
        assert_within(dz, rounded, bound(rounded, dtype))


def test_an_element_stands_for_itself(backend, dtype, kind):
    """The same bits alone, in every lane, in tails, and beside neighbours that take the slow path."""
    values = np.concatenate([inputs(60, dtype), specials(dtype)])
    np.random.default_rng(3).shuffle(values)
    slope = inputs(values.size, dtype, 1)
    y = fastnn.activation(values, kind)
    dz = fastnn.activation_backward(slope, y, kind, z=values)
    for at in range(values.size):
        one = slice(at, at + 1)
        alone = fastnn.activation(values[one], kind)
        assert same_bits(alone, y[one])
        assert same_bits(fastnn.activation_backward(slope[one], alone, kind, z=values[one]), dz[one])
    for start in range(1, 17):
        for length in range(34):
            window = slice(start, start + length)
            assert same_bits(fastnn.activation(values[window].copy(), kind), y[window])


def test_in_place(backend, dtype, kind):
    for n in (0, 1, 17, 1000):
        z, dy = inputs(n, dtype), inputs(n, dtype, 1)
        y = fastnn.activation(z, kind)
        dz = fastnn.activation_backward(dy, y, kind, z=z)
        buffer = z.copy()
        assert fastnn.activation(buffer, kind, out=buffer) is buffer
        assert same_bits(buffer, y)
        buffer = dy.copy()
        assert fastnn.activation_backward(buffer, y, kind, z=z, out=buffer) is buffer
        assert same_bits(buffer, dz)


def test_nothing_is_written_beyond_the_end(native, dtype, kind):
    for n in range(1, 40):
        memory = np.full(n + 64, 7.0, dtype)
        fastnn.activation(inputs(n, dtype), kind, out=memory[32 : 32 + n])
        assert (memory[:32] == 7).all()
        assert (memory[32 + n :] == 7).all()


def test_any_number_of_threads(threads, dtype, kind):
    z, dy = inputs(300_001, dtype), inputs(300_001, dtype, 1)
    y = fastnn.activation(z, kind, backend="native")
    dz = fastnn.activation_backward(dy, y, kind, z=z, backend="native")
    step = 997
    for start in range(0, z.size, step * 31):
        part = slice(start, start + step)
        assert same_bits(fastnn.activation(z[part].copy(), kind, backend="native"), y[part])
        alone = fastnn.activation_backward(dy[part].copy(), y[part].copy(), kind, z=z[part].copy(), backend="native")
        assert same_bits(alone, dz[part])


@pytest.mark.parametrize("kind", ["swish", "gelu", "gelu_tanh", "mish", "hard_swish", fastnn.ELU(-1.0)], ids=str)
def test_kinds_that_need_z_say_so(backend, kind):
    y = fastnn.activation(np.ones(3), kind)
    with pytest.raises(ValueError, match="z"):
        fastnn.activation_backward(np.ones(3), y, kind)


def test_shapes(backend, dtype):
    for shape in ((), (0,), (3, 0, 2), (2, 3, 4), (1, 1)):
        z = np.full(shape, 0.5, dtype)
        y = fastnn.activation(z, "tanh")
        assert np.shape(y) == shape
        assert np.shape(fastnn.activation_backward(z, y, "tanh")) == shape


def test_denormal_results_survive(backend):
    z = np.array([-100.0, -103.0], np.float32)
    for kind in ("sigmoid", "exponential"):
        np.testing.assert_array_equal(fastnn.activation(z, kind), np.exp(z.astype(np.float64)).astype(np.float32))


def test_flat_pieces_stop_an_infinite_gradient(backend, dtype):
    dy = np.full(3, np.inf, dtype)
    for kind, dead in (("relu", -1.0), ("relu6", 7.0), ("hard_sigmoid", 4.0), ("hard_swish", -4.0), ("step", 1.0)):
        z = np.full(3, dead, dtype)
        dz = fastnn.activation_backward(dy, fastnn.activation(z, kind), kind, z=z)
        np.testing.assert_array_equal(dz, np.zeros(3))


# (rows, columns): lanes and tails, several chunks of 1024 rows, several blocks of 512 columns.
PRELU_SHAPES = ((0, 3), (3, 0), (1, 1), (5, 1), (3, 7), (4, 8), (9, 17), (1030, 5), (2500, 19), (7, 1100), (5000, 1))


def prelu_inputs(rows: int, columns: int, dtype: Any, shared: bool) -> tuple[np.ndarray, ...]:
    x, dy = (
        inputs(rows * columns, dtype).reshape(rows, columns),
        inputs(rows * columns, dtype, 1).reshape(rows, columns),
    )
    return dy, x, inputs(1 if shared else columns, dtype, 2)


@pytest.mark.parametrize("shape", PRELU_SHAPES, ids=str)
@pytest.mark.parametrize("shared", [False, True])
def test_prelu(backend, dtype, shape, shared):
    dy, x, slope = prelu_inputs(*shape, dtype, shared)
    y = fastnn.prelu(x, slope)
    np.testing.assert_array_equal(y, np.where(x > 0, x, slope * x))
    buffer = x.copy()
    assert fastnn.prelu(buffer, slope, out=buffer) is buffer
    assert same_bits(buffer, y)
    dx, dslope = fastnn.prelu_backward(dy, x, slope)
    np.testing.assert_array_equal(dx, np.where(x > 0, dy, slope * dy))
    terms = np.where(x > 0, 0.0, dy.astype(np.float64) * x)
    axis = None if slope.size == 1 else 0
    limit = np.finfo(dtype).eps * 60 * (np.abs(terms).sum(axis) + 1e-30)
    assert dslope.shape == slope.shape
    assert_within(dslope, terms.sum(axis).reshape(slope.shape), limit.reshape(slope.shape))


@pytest.mark.parametrize("shape", [(2500, 19), (7, 1100), (90_000, 3)], ids=str)
@pytest.mark.parametrize("shared", [False, True])
def test_prelu_has_the_same_bits_with_any_number_of_threads(threads, dtype, shape, shared):
    arguments = prelu_inputs(*shape, dtype, shared)
    wanted = fastnn.prelu_backward(*arguments, backend="native")
    fastnn.set_num_threads(1)
    for one, other in zip(wanted, fastnn.prelu_backward(*arguments, backend="native"), strict=True):
        assert same_bits(one, other)
