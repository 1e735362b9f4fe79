"""The NumPy reference: values known from elsewhere, dtypes, out=, empty arrays, nan and inf."""

import decimal
import inspect
import math

import numpy as np
import pytest
from tolerance import max_ulp

import fastnn.backends.reference as ref
from fastnn.backends.reference.random import philox4x32, words

nan, inf = np.nan, np.inf
TINY = {np.float32: np.float32(2.0**-126), np.float64: np.float64(2.0**-1022)}

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


class Kind:
    def __init__(self, name, parameter):
        self.name, self.parameter = name, parameter


def exact_ulp(actual, exact):
    """The error of a float64 in units of the last place of a decimal number."""
    return float(abs(decimal.Decimal(float(actual)) - exact) / decimal.Decimal(math.ulp(float(exact))))


# Activations


@pytest.mark.parametrize(
    ("kind", "z", "y"),
    [
        ("step", [-1, 0, -0.0, 1e-30, nan], [0, 0, 0, 1, 1]),
        ("sign", [-2, 0, 3, nan], [-1, 0, 1, 0]),
        ("relu", [-inf, -1, 0, 2, inf, nan], [0, 0, 0, 2, inf, nan]),
        ("relu6", [-1, 3, 7, inf, nan], [0, 3, 6, 6, nan]),
        ("leaky_relu", [-2, 2], [-0.02, 2]),
        (Kind("leaky_relu", 0.5), [-2, 2], [-1, 2]),
        ("hard_sigmoid", [-4, -3, 0, 3, inf], [0, 0, 0.5, 1, 1]),
        ("hard_swish", [-4, 0, 3, 5], [0, 0, 3, 5]),
        ("sigmoid", [-inf, 0, inf], [0, 0.5, 1]),
        ("tanh", [-inf, 0, inf], [-1, 0, 1]),
        ("softplus", [-inf, 0, 800, inf], [0, math.log(2), 800, inf]),
        ("exponential", [-inf, 0, inf], [0, 1, inf]),
        ("softsign", [-1, 1, inf], [-0.5, 0.5, nan]),
        ("elu", [-inf, 1], [-1, 1]),
    ],
)
@dtypes
def test_activation_values(kind, z, y, dtype):
    actual = ref.activation(np.array(z, dtype), kind)
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual, np.array(y, dtype), rtol=1e-7)


# From mpmath at 40 digits.
@pytest.mark.parametrize(
    ("kind", "z", "exact"),
    [
        ("sigmoid", -740.0, "4.18873988004804894e-322"),
        ("sigmoid", -30.0, "9.35762296883929895e-14"),
        ("gelu", -10.0, "-7.61985302416052607e-23"),
        ("gelu", 0.5, "0.345731230637006552"),
        ("softplus", -30.0, "9.35762296883973678e-14"),
    ],
)
def test_no_cancellation(kind, z, exact):
    actual = ref.activation(np.array(z), kind)
    # erfc magnifies the rounding of z / sqrt(2) by z^2.
    assert exact_ulp(actual, decimal.Decimal(exact)) < 1 + (z * z if kind == "gelu" else 1)


def test_silu_is_swish():
    z = np.linspace(-3, 3, 7)
    assert np.array_equal(ref.activation(z, "silu"), ref.activation(z, Kind("swish", 1.0)))


def test_prelu_has_one_slope_or_one_for_each_column():
    x = np.array([[-1.0, -1.0], [2.0, nan]])
    np.testing.assert_array_equal(ref.prelu(x, np.array([0.5])), [[-0.5, -0.5], [2, nan]])
    np.testing.assert_array_equal(ref.prelu(x, np.array([0.5, 0.25])), [[-0.5, -0.25], [2, nan]])
    dslope = ref.prelu_backward(np.ones((1, 2)), np.array([[-3.0, -4.0]]), np.array([0.1]))[1]
    np.testing.assert_array_equal(dslope, [-7.0])
    nothing = np.empty((2, 0))
    assert [a.shape for a in ref.prelu_backward(nothing, nothing, np.empty(0))] == [(2, 0), (0,)]


# Dense


@dtypes
def test_dense_is_rounded_once(dtype):
    x, w, b = np.array([[1, 1, -1]], dtype), np.array([[1], [2.0**-24], [1]], dtype), np.array([0], dtype)
    y = ref.dense(x, w, b)
    assert y.dtype == dtype
    assert y[0, 0] == 2.0**-24


def test_packed_dense_has_the_bits_of_dense_and_keeps_its_weights():
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 2)), rng.standard_normal(2)
    wanted = ref.dense(x, w, b, "tanh")
    packed = ref.PackedDense(w, b, "tanh")
    w[:], b[:] = 0.0, 0.0
    out = np.empty((3, 2))
    assert packed(x, out) is out
    assert np.array_equal(out, wanted)
    assert np.array_equal(packed(x), wanted)


def test_dense_fills_every_out():
    rng = np.random.default_rng(1)
    x, w, b = (rng.standard_normal(s).astype(np.float32) for s in [(2, 3, 4), (4, 5), (5,)])
    y, z = np.empty((2, 3, 5), np.float32), np.empty((2, 3, 5), np.float32)
    assert ref.dense(x, w, b, "relu", out=y, z_out=z) is y
    assert np.array_equal(z, ref.dense(x, w, b))
    assert np.array_equal(y, np.maximum(z, 0))
    dy = np.ones_like(y)
    outs = {"dx_out": np.empty_like(x), "dw_out": np.empty_like(w), "db_out": np.empty_like(b)}
    results = ref.dense_backward(dy, x, w, y, "relu", **outs)
    assert all(result is out for result, out in zip(results, outs.values(), strict=True))
    for result, again in zip(results, ref.dense_backward(dy, x, w, y, "relu"), strict=True):
        assert np.array_equal(result, again)
    assert ref.dense_backward(dy, x, w, y, "relu", need_dx=False)[0] is None


@pytest.mark.parametrize(("shape", "outputs"), [((0, 3), 2), ((2, 0), 3), ((2, 3), 0), ((0, 2, 3), 4), ((3,), 2)])
def test_dense_of_nothing(shape, outputs):
    x, w, b = np.ones(shape), np.ones((shape[-1], outputs)), np.full(outputs, 0.5)
    y = ref.dense(x, w, b)
    assert y.shape == (*shape[:-1], outputs)
    assert (y == shape[-1] + 0.5).all()
    dx, dw, db = ref.dense_backward(np.ones_like(y), x, w, y)
    assert (dx.shape, dw.shape, db.shape) == (x.shape, w.shape, b.shape)
    assert (db == np.prod(shape[:-1])).all()


# Softmax


@dtypes
def test_softmax_values(dtype):
    x = np.array([[0, 0], [1000, 1000], [-inf, 0], [-inf, -inf], [inf, 0], [nan, 0]], dtype)
    y = ref.softmax(x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, [[0.5, 0.5], [0.5, 0.5], [0, 1], [nan, nan], [nan, nan], [nan, nan]])
    np.testing.assert_array_equal(ref.logsumexp(x)[2:], [0, -inf, inf, nan])


def test_softmax_keeps_denormal_results():
    y = ref.softmax(np.array([0.0, -740.0]))
    assert 0 < y[1] < TINY[np.float64]
    assert ref.softmax(np.array([0, -100], np.float32))[1] == np.float32(math.exp(-100))


def test_softmax_of_nothing():
    for shape in [(0, 3), (3, 0), (0,)]:
        x = np.empty(shape, np.float32)
        assert ref.softmax(x).shape == ref.log_softmax(x).shape == ref.softmax_backward(x, x).shape == shape
    np.testing.assert_array_equal(ref.logsumexp(np.empty((2, 0))), [-inf, -inf])


def test_logsumexp_shapes():
    x = np.zeros((2, 3, 4), np.float32)
    assert ref.logsumexp(x).shape == (2, 3)
    assert ref.logsumexp(x, 1, keepdims=True).shape == (2, 1, 4)
    assert isinstance(ref.logsumexp(x[0, 0]), np.ndarray)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_results_are_contiguous_whatever_the_axis(axis):
    logits = np.random.default_rng(2).standard_normal((2, 3, 4))
    targets = np.zeros(np.delete(logits.shape, axis), np.int64)
    assert ref.cross_entropy_with_grad(logits, targets, axis=axis)[1].flags.c_contiguous


# Results in place


@pytest.mark.parametrize(
    "call",
    [
        lambda x, out: ref.activation(x, "tanh", out=out),
        lambda x, out: ref.activation_backward(x, np.full_like(x, 0.3), "tanh", out=out),
        lambda x, out: ref.prelu(x, np.array([0.1]), out=out),
        lambda x, out: ref.rrelu(x, training=True, out=out),
        lambda x, out: ref.rrelu_backward(x, x, training=True, out=out),
        lambda x, out: ref.dropout(x, 0.5, seed=1, counter=2, out=out),
        lambda x, out: ref.dropout_backward(x, 0.5, seed=1, counter=2, out=out),
        lambda x, out: ref.softmax(x, out=out),
        lambda x, out: ref.softmax_backward(x, np.full_like(x, 0.2), out=out),
        lambda x, out: ref.log_softmax(x, out=out),
        lambda x, out: ref.log_softmax_backward(x, np.full_like(x, -1.0), out=out),
        lambda x, out: ref.cross_entropy_with_grad(x, np.array([1, 0, 4]), out=out)[1],
        lambda x, out: ref.mse_with_grad(x, np.zeros_like(x), out=out)[1],
        lambda x, out: ref.huber_with_grad(x, np.zeros_like(x), out=out)[1],
    ],
)
def test_out_may_be_the_input(call):
    x = np.random.default_rng(3).standard_normal((3, 5))
    kept = x.copy()
    wanted = call(x, None)
    assert np.array_equal(x, kept)
    assert wanted is not x
    assert call(x, x) is x
    assert np.array_equal(x, wanted)


# Losses


@dtypes
def test_a_loss_is_a_scalar_of_the_dtype_of_its_prediction(dtype):
    y, targets = np.array([[0.5, 0.25]], dtype), np.array([[1.0, 0.0]], dtype)
    for name in ["mse", "mae", "huber", "sum_squared_error", "poisson", "hinge", "binary_cross_entropy"]:
        for reduction in ["mean", "sum"]:
            assert type(getattr(ref, name)(y, targets, reduction=reduction)) is dtype
        each, dy = getattr(ref, name + "_with_grad")(y, targets, reduction="none")
        assert each.dtype == dy.dtype == dtype
        assert each.shape == ((1,) if name == "sum_squared_error" else (1, 2))
    assert type(ref.cross_entropy(y, np.array([1]))) is dtype
    assert isinstance(ref.cross_entropy(y[0], np.array(1), reduction="none"), np.ndarray)


@pytest.mark.parametrize(
    ("name", "y", "target", "loss", "slope"),
    [
        ("mse", 3, 1, 4, 4),
        ("mae", 3, 1, 2, 1),
        ("mae", 1, 1, 0, 0),
        ("huber", 1.5, 1, 0.125, 0.5),
        ("huber", 4, 1, 2.5, 1),
        ("sum_squared_error", 3, 1, 4, 4),
        ("poisson", 1 - 1e-7, 2, 1 - 1e-7, -1),
        ("hinge", 0.5, 1, 0.5, -1),
        ("hinge", 2, 1, 0, 0),
        ("hinge", 1, 1, 0, 0),
        ("binary_cross_entropy", 0.5, 1, math.log(2), -2),
        ("binary_cross_entropy", 0, 1, 100, -1e12),
        ("binary_cross_entropy_with_logits", 0, 1, math.log(2), -0.5),
        ("binary_cross_entropy_with_logits", 1000, 0, 1000, 1),
    ],
)
def test_loss_values(name, y, target, loss, slope):
    actual = getattr(ref, name + "_with_grad")(np.array([float(y)]), np.array([float(target)]), reduction="none")
    np.testing.assert_allclose(actual, [[loss], [slope]], rtol=1e-12, atol=1e-12)


def test_weights_of_samples():
    y, targets, weight = np.array([[1.0, 2.0], [3.0, 5.0]]), np.zeros((2, 2)), np.array([1.0, 3.0])
    np.testing.assert_array_equal(ref.mse(y, targets, sample_weight=weight, reduction="none"), [[1, 4], [27, 75]])
    assert ref.mse(y, targets, sample_weight=weight, reduction="sum") == 107
    assert ref.mse(y, targets, sample_weight=weight) == 107 / 8
    assert ref.sum_squared_error(y, targets, sample_weight=weight) == 107 / 4
    each = np.arange(4.0).reshape(2, 2)
    assert ref.mae(y, targets, sample_weight=each) == (2 + 6 + 15) / 6


def test_a_mean_over_nothing_is_nan():
    empty = np.empty((0, 3))
    assert np.isnan(ref.mse(empty, empty))
    assert ref.mse(empty, empty, reduction="sum") == 0
    assert np.isnan(ref.mse(np.ones(2), np.ones(2), sample_weight=np.zeros(2)))
    assert np.isnan(ref.cross_entropy(empty, np.empty(0, np.int64)))
    assert np.isnan(ref.cross_entropy(np.ones((2, 3)), np.array([1, 1]), weight=np.array([1.0, 0, 1])))
    loss, dlogits = ref.cross_entropy_with_grad(np.ones((2, 3)), np.array([-100, -100]))
    assert np.isnan(loss)
    assert not dlogits.any()


@pytest.mark.parametrize("integer", [np.int8, np.uint8, np.int16, np.int64, np.uint64])
def test_indices_of_any_integer_dtype(integer):
    loss = ref.cross_entropy(np.zeros((2, 4)), np.array([0, 3], integer))
    assert loss == pytest.approx(math.log(4), rel=1e-15)


def test_categorical_cross_entropy_clips_in_the_dtype_of_p():
    for dtype in (np.float32, np.float64):
        loss = ref.categorical_cross_entropy(np.array([[0, 1], [0, 1]], dtype), np.array([0, 1]), reduction="none")
        np.testing.assert_array_equal(loss, (-np.log([dtype(1e-7), dtype(1 - 1e-7)], dtype=np.float64)).astype(dtype))


# Random numbers


@pytest.mark.parametrize(
    ("counter", "key", "wanted"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter, key, wanted):
    assert philox4x32(np.array([counter]), tuple(key)).tolist() == [wanted]


def test_words_are_keyed_by_seed_counter_and_index():
    low, high = 0xA4093822, 0x299F31D0
    seed, counter = high << 32 | low, 0x03707344 << 32 | 0x13198A2E
    wanted = philox4x32(np.array([[1, 0, 0x13198A2E, 0x03707344]]), (low, high))[0]
    assert np.array_equal(words((2, 3), seed, counter).ravel()[4:], wanted[:2])


@dtypes
def test_dropout(dtype):
    x = np.full((100, 101), 3, dtype)
    y = ref.dropout(x, 0.25, seed=7, counter=8)
    assert y.dtype == dtype
    assert set(np.unique(y)) == {0, 4}
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.02)
    assert np.array_equal(y == 0, words(x.shape, 7, 8) < 2**30)
    assert np.array_equal(ref.dropout(x, 0.0, seed=7, counter=8), x)
    assert not ref.dropout(np.full(9, nan, dtype), 1.0, seed=7, counter=8).any()
    assert not np.array_equal(ref.dropout(x, 0.25, seed=7, counter=9), y)


@dtypes
def test_rrelu(dtype):
    x = np.concatenate([np.full(1000, -1, dtype), np.array([0, 2, nan, inf], dtype)])
    y = ref.rrelu(x, 0.1, 0.3, training=True, seed=1)
    np.testing.assert_array_equal(y[1000:], x[1000:])
    assert y.dtype == dtype
    assert (-y[:1000]).min() >= dtype(0.1)
    assert (-y[:1000]).max() < dtype(0.3)
    assert (-y[:1000]).mean() == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(ref.rrelu(x, 0.1, 0.3)[:1000], -dtype(0.2))
    wanted = dtype(0.1) + (dtype(0.3) - dtype(0.1)) * ((words((1,), 1, 0) >> np.uint64(8)) * 2.0**-24).astype(dtype)
    assert y[0] == -wanted[0]


# Optimizers


@dtypes
def test_a_state_that_becomes_denormal_is_zero(dtype):
    tiny = TINY[dtype]
    g = np.zeros(2, dtype)

    def state(factor=1.0):
        return np.array([tiny, 4 * tiny], dtype) * dtype(factor)

    velocity, m, v, s = state(), state(), state(), np.array([tiny / 2, tiny], dtype)
    ref.sgd_step(np.ones(2, dtype), g, velocity, lr=0.1, momentum=0.5)
    ref.adam_step(np.ones(2, dtype), g, m, v, step=1, beta1=0.5, beta2=0.5)
    ref.adagrad_step(np.ones(2, dtype), g, s, lr=0.1)
    for moved in (velocity, m, v):
        np.testing.assert_array_equal(moved, [0, 2 * tiny])
    np.testing.assert_array_equal(s, [0, tiny])
    v, buffer = state(), state(-1)
    ref.rmsprop_step(np.ones(2, dtype), g, v, buffer, lr=0.1, alpha=0.5, momentum=0.5)
    np.testing.assert_array_equal(v, [0, 2 * tiny])
    np.testing.assert_array_equal(buffer, [0, -2 * tiny])


def test_the_first_adam_step_is_the_learning_rate():
    p, m, v = np.zeros(2), np.zeros(2), np.zeros(2)
    assert ref.adam_step(p, np.array([3.0, -1e-3]), m, v, step=1, lr=0.1, eps=0.0) is None
    np.testing.assert_allclose(p, [-0.1, 0.1], rtol=1e-14)


def test_no_weight_decay_leaves_an_infinite_parameter_alone():
    p = np.array([inf, 1.0])
    ref.sgd_step(p, np.array([1.0, nan]), lr=0.5)
    np.testing.assert_array_equal(p, [inf, nan])


def test_global_norm():
    assert ref.global_norm([]) == 0.0
    norm = ref.global_norm([np.array([3.0], np.float32), np.zeros((0, 2)), np.array([[4.0]], np.float32)])
    assert type(norm) is float
    assert norm == 5.0
    assert ref.global_norm([np.array([3e38, 3e38], np.float32)]) == pytest.approx(3e38 * math.sqrt(2), rel=1e-6)
    assert ref.global_norm([np.array([-inf])]) == inf


# The whole


@dtypes
def test_zero_dimensional_arrays(dtype):
    x = np.array(-0.5, dtype)
    for y in [
        ref.activation(x, "gelu"),
        ref.activation_backward(x, x, "gelu", z=x),
        ref.prelu(x, np.array([0.1], dtype)),
        ref.prelu_backward(x, x, np.array([0.1], dtype))[0],
        ref.rrelu(x),
        ref.dropout(x, 0.5, seed=0, counter=0),
    ]:
        assert isinstance(y, np.ndarray)
        assert (y.shape, y.dtype) == ((), dtype)
    assert ref.mse(x, x) == 0


def test_float32_results_are_rounded_once():
    z = np.linspace(-20, 20, 1001, dtype=np.float32)
    for kind in ["sigmoid", "tanh", "gelu", "mish", "softplus", "exponential"]:
        wide = ref.activation(z.astype(np.float64), kind)
        assert max_ulp(ref.activation(z, kind), wide) <= 0.5


def test_every_operation_is_there_and_documented():
    names = [name for name in ref.__all__ if name != "PackedDense"]
    assert len(names) == 40
    for name in names:
        operation = getattr(ref, name)
        assert operation.__doc__, name
        assert operation.__name__ == name
        assert "args" not in inspect.signature(operation).parameters
