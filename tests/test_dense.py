"""dense, dense_backward and PackedDense against float64, with the error bound of their definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tolerance import assert_within, product_bound

import fastnn

# Around the widths of vectors (4, 8, 16), tiles (6 rows; 8 to 64 columns) and the narrow order (below 8 columns).
SIZES = (0, 1, 2, 3, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67)
LARGE = ((130, 1030, 70), (97, 2100, 5), (1, 3000, 300), (1100, 64, 64), (40, 40, 1500), (17000, 3, 2), (256, 512, 512))


def make(shape: tuple[int, ...], dtype: np.dtype, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(shape) - 0.5).astype(dtype)


def layer(batch: int, inputs: int, outputs: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return make((batch, inputs), dtype, 1), make((inputs, outputs), dtype, 2), make((outputs,), dtype, 3)


def exact(*arrays: np.ndarray) -> list[np.ndarray]:
    return [a.astype(np.float64) for a in arrays]


def check_forward(batch: int, inputs: int, outputs: int, dtype: np.dtype) -> None:
    x, w, b = layer(batch, inputs, outputs, dtype)
    wide_x, wide_w, wide_b = exact(x, w, b)
    y = fastnn.dense(x, w, b)
    assert y.dtype == dtype
    assert_within(y, wide_x @ wide_w + wide_b, product_bound(x, w, b, dtype))
    assert_within(fastnn.dense(x, w), wide_x @ wide_w, product_bound(x, w, None, dtype))


def check_backward(batch: int, inputs: int, outputs: int, dtype: np.dtype) -> None:
    x, w, b = layer(batch, inputs, outputs, dtype)
    dy = make((batch, outputs), dtype, 4)
    y = fastnn.dense(x, w, b, "relu")
    dx, dw, db = fastnn.dense_backward(dy, x, w, y, "relu")
    dz = np.where(y > 0, dy, 0).astype(dtype)
    wide_x, wide_w, wide_dz = exact(x, w, dz)
    assert_within(dx, wide_dz @ wide_w.T, product_bound(dz, w.T, None, dtype))
    assert_within(dw, wide_x.T @ wide_dz, product_bound(x.T, dz, None, dtype))
    ones = np.ones((1, batch))
    assert_within(db, wide_dz.sum(0), product_bound(ones, dz, None, dtype)[0])


@pytest.mark.parametrize("outputs", SIZES)
def test_forward_sizes(backend, dtype, outputs):
    with fastnn.use_backend(backend):
        for batch, inputs in itertools.product(SIZES, (0, 1, 3, 7, 8, 16, 17, 40)):
            check_forward(batch, inputs, outputs, dtype)


@pytest.mark.parametrize("outputs", SIZES)
def test_backward_sizes(backend, dtype, outputs):
    with fastnn.use_backend(backend):
        for batch, inputs in itertools.product(SIZES, (0, 1, 3, 7, 8, 16, 17, 40)):
            check_backward(batch, inputs, outputs, dtype)


@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_large(backend, dtype, shape):
    with fastnn.use_backend(backend):
        check_forward(*shape, dtype)
        check_backward(*shape, dtype)


@pytest.mark.parametrize(
    "activation", ["identity", "relu", "tanh", "gelu", fastnn.LeakyReLU(0.2), "exponential"], ids=str
)
@pytest.mark.parametrize("shape", [(3, 5, 4), (33, 20, 70), (1, 17, 130), (64, 1030, 16)], ids=str)
def test_the_activation_is_applied_to_z(backend, dtype, activation, shape):
    x, w, b = layer(*shape, dtype)
    with fastnn.use_backend(backend):
        z = np.empty((shape[0], shape[2]), dtype)
        y = fastnn.dense(x, w, b, activation, z_out=z)
        np.testing.assert_array_equal(z, fastnn.dense(x, w, b))
        np.testing.assert_array_equal(y, fastnn.dense(x, w, b, activation))
        of_z = fastnn.activation(z, activation)
    if backend == "native":
        np.testing.assert_array_equal(y, of_z)
    else:  # the reference does not round z before f
        tolerance = 8 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(y, of_z, rtol=tolerance * shape[1], atol=tolerance * shape[1])


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 7, 3), (9, 33, 8), (30, 100, 65), (130, 1030, 70)], ids=str)
def test_a_transposed_w_gives_the_same_bits(native, dtype, shape):
    x, w, b = layer(*shape, dtype)
    transposed = np.ascontiguousarray(w.T).T
    y = fastnn.dense(x, w, b, "relu")
    np.testing.assert_array_equal(fastnn.dense(x, transposed, b, "relu"), y)
    dy = make(y.shape, dtype, 4)
    for one, other in zip(
        fastnn.dense_backward(dy, x, w, y, "relu"), fastnn.dense_backward(dy, x, transposed, y, "relu"), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (5, 7, 3), (9, 33, 8), (1, 300, 65), (2, 40, 130), (130, 1030, 70)], ids=str
)
@pytest.mark.parametrize("activation", ["identity", "relu", "sigmoid"])
def test_packed_dense_gives_the_bits_of_dense(backend, dtype, shape, activation):
    x, w, b = layer(*shape, dtype)
    with fastnn.use_backend(backend):
        for bias in (b, None):
            packed = fastnn.PackedDense(w, bias, activation)
            wanted = fastnn.dense(x, w, bias, activation)
            np.testing.assert_array_equal(packed(x), wanted)
            out = np.full_like(wanted, 7)
            assert packed(x, out) is out
            np.testing.assert_array_equal(out, wanted)
        assert (packed.in_features, packed.out_features) == shape[1:]


def test_packed_dense_keeps_its_own_copy(backend, dtype):
    x, w, b = layer(4, 10, 12, dtype)
    with fastnn.use_backend(backend):
        packed = fastnn.PackedDense(w, b)
        before = packed(x)
        w[...], b[...] = 0, 0
        np.testing.assert_array_equal(packed(x), before)


def test_leading_axes(backend, dtype):
    x, w, b = layer(24, 10, 12, dtype)
    # The same bits on native; the reference's products are NumPy's, which may depend on the memory they lie in.
    same = np.testing.assert_array_equal if backend == "native" else np.testing.assert_array_almost_equal
    with fastnn.use_backend(backend):
        y = fastnn.dense(x, w, b, "tanh")
        dy = make(y.shape, dtype, 4)
        dx, dw, db = fastnn.dense_backward(dy, x, w, y, "tanh")
        for lead in ((2, 3, 4), (24, 1), (1, 24)):
            folded = fastnn.dense(x.reshape(*lead, 10), w, b, "tanh")
            same(folded, y.reshape(*lead, 12))
            other = fastnn.dense_backward(dy.reshape(*lead, 12), x.reshape(*lead, 10), w, y.reshape(*lead, 12), "tanh")
            same(other[0], dx.reshape(*lead, 10))
            same(other[1], dw)
            same(other[2], db)
        one = fastnn.dense(x[0], w, b, "tanh")
        assert one.shape == (12,)
        same(one, y[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("outputs", [5, 8, 21])
def test_nan_and_inf_stay_in_their_row_and_column(backend, dtype, value, outputs):
    """Every place of x and of w, in tiles, tails and lanes: exactly the results that depend on it may change."""
    x, w, b = layer(7, 19, outputs, dtype)
    with fastnn.use_backend(backend):
        clean = fastnn.dense(x, w, b)
        for i, k in itertools.product(range(7), range(19)):
            spoiled = x.copy()
            spoiled[i, k] = value
            y = fastnn.dense(spoiled, w, b)
            assert not np.isfinite(y[i]).any()
            np.testing.assert_array_equal(np.delete(y, i, 0), np.delete(clean, i, 0))
        for k, j in itertools.product(range(19), range(outputs)):
            spoiled = w.copy()
            spoiled[k, j] = value
            y = fastnn.dense(x, spoiled, b)
            assert not np.isfinite(y[:, j]).any()
            np.testing.assert_array_equal(np.delete(y, j, 1), np.delete(clean, j, 1))


def test_relu_of_nan_is_nan(backend, dtype):
    x = np.full((3, 4), np.nan, dtype)
    w = np.ones((4, 9), dtype)
    with fastnn.use_backend(backend):
        assert np.isnan(fastnn.dense(x, w, None, "relu")).all()


def test_denormal_results_survive(backend, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    x, w = np.full((2, 1), tiny, dtype), np.full((1, 9), 3, dtype)
    with fastnn.use_backend(backend):
        np.testing.assert_array_equal(fastnn.dense(x, w), np.full((2, 9), 3 * tiny, dtype))


def test_backward_outputs(backend, dtype):
    x, w, b = layer(9, 10, 12, dtype)
    with fastnn.use_backend(backend):
        y = fastnn.dense(x, w, b, "relu")
        dy = make(y.shape, dtype, 4)
        wanted = fastnn.dense_backward(dy, x, w, y, "relu")
        outputs = [np.full_like(a, 7) for a in wanted]
        given = fastnn.dense_backward(dy, x, w, y, "relu", dx_out=outputs[0], dw_out=outputs[1], db_out=outputs[2])
        for returned, out, value in zip(given, outputs, wanted, strict=True):
            assert returned is out
            np.testing.assert_array_equal(out, value)
        without = fastnn.dense_backward(dy, x, w, y, "relu", need_dx=False)
        assert without[0] is None
        np.testing.assert_array_equal(without[1], wanted[1])


@pytest.mark.parametrize("shape", [(3, 5, 4), (33, 20, 70), (64, 1030, 16)], ids=str)
def test_against_torch(dtype, shape):
    torch = pytest.importorskip("torch")
    x, w, b = layer(*shape, dtype)
    dy = make((shape[0], shape[2]), dtype, 4)
    tx, tw, tb = (torch.tensor(a.astype(np.float64), requires_grad=True) for a in (x, w, b))
    ty = torch.tanh(tx @ tw + tb)
    ty.backward(torch.tensor(dy.astype(np.float64)))
    y = fastnn.dense(x, w, b, "tanh")
    tolerance = float(np.finfo(dtype).eps) * 40
    np.testing.assert_allclose(y, ty.detach().numpy(), rtol=tolerance, atol=tolerance * shape[1] ** 0.5)
    for ours, theirs in zip(fastnn.dense_backward(dy, x, w, y, "tanh"), (tx, tw, tb), strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=tolerance, atol=tolerance * max(shape) ** 0.5)
