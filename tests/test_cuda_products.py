"""The cuda backend's matrix products, each kernel by itself: dense chooses the large tiles for large results alone."""

from __future__ import annotations

from typing import Any

import availability
import numpy as np
import pytest
from tolerance import assert_within, product_bound

import fastnn


@pytest.fixture(autouse=True)
def _cuda() -> None:
    availability.require("cuda")


def operands(m: int, n: int, k: int, dtype: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(m + n + k)
    shapes = (m, k), (k, n), (n,)
    return tuple(rng.standard_normal(shape).astype(dtype) for shape in shapes)  # type: ignore[return-value]


def stored(matrix: np.ndarray, letter: str) -> Any:
    """A matrix on the device, flat, as the layout's letter says."""
    from fastnn.backends.numba_cuda.arrays import to_device

    return to_device(np.ascontiguousarray(matrix.T if letter == "t" else matrix).reshape(-1))


def product(which: str, layout: str, a: Any, b: Any, bias: Any, kind: Any = "identity", z: Any = None) -> np.ndarray:
    """f(a b + bias) by one kernel; z, a NumPy array, is filled with a b + bias."""
    from fastnn.backends.numba_cuda import gemm, tile
    from fastnn.backends.numba_cuda.arrays import empty, to_device, to_host
    from fastnn.backends.numba_cuda.kinds import number_of

    (m, k), n = a.shape, b.shape[1]
    on_device = stored(a, layout[0]), stored(b, layout[1]), to_device(np.zeros(0, a.dtype) if bias is None else bias)
    y, before = empty(m * n, a.dtype), empty(0 if z is None else m * n, a.dtype)
    number, parameter = number_of(kind)
    if which == "large":
        tile.multiply_large(*on_device, layout, (m, n, k), (number, parameter), before, y, 0)
    else:
        args = *on_device, m, n, k, number, a.dtype.type(parameter), before, y
        if which == "small":
            side = gemm.SMALL.columns, gemm.SMALL.rows
            gemm.SMALL_PRODUCTS[layout].launch((-(-n // side[0]), -(-m // side[1])), 0, *args)
        elif layout == "nn":
            gemm.product_batch.launch(-(-n // gemm.BATCH_COLUMNS), 0, *args)
        else:
            gemm.product_batch_transposed.launch(-(-n // gemm.BATCH_PARTS), 0, *args)
    if z is not None:
        z[...] = to_host(before).reshape(m, n)
    return to_host(y).reshape(m, n)


# Rows that begin at multiples of 16 bytes and rows that do not, more than a tile, less than a step of the inner length.
SHAPES = [(68, 36, 12), (35, 66, 19), (130, 132, 4), (3, 129, 9), (1, 1, 1), (5, 7, 0)]


@pytest.mark.parametrize("layout", ["nn", "nt", "tn"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tiles_agree(dtype: Any, shape: tuple[int, int, int], layout: str) -> None:
    """With the exact product, and with each other to the last bit: which one is used must not show."""
    a, b, bias = operands(*shape, dtype)
    large = product("large", layout, a, b, bias)
    exact = a.astype(np.float64) @ b.astype(np.float64) + bias
    assert_within(large, exact, product_bound(a, b, bias, dtype))
    np.testing.assert_array_equal(large, product("small", layout, a, b, bias))


@pytest.mark.parametrize("which", ["large", "small"])
@pytest.mark.parametrize("n", [8, 7], ids=["whole", "not whole"])
def test_epilogue(dtype: Any, which: str, n: int) -> None:
    """The activation is applied to y alone, relu in registers and the others in a second look at y."""
    a, b, bias = operands(9, n, 5, dtype)
    before = np.zeros((9, n), dtype)
    plain = product(which, "nn", a, b, bias)
    for kind in ("relu", "tanh", fastnn.LeakyReLU(0.3)):
        y = product(which, "nn", a, b, bias, kind, before)
        np.testing.assert_array_equal(before, plain)
        np.testing.assert_array_equal(y, fastnn.activation(plain, kind, backend="cuda"))


@pytest.mark.parametrize("which", ["large", "small"])
@pytest.mark.parametrize("layout", ["nn", "nt", "tn"])
def test_padding_meets_no_infinity(dtype: Any, which: str, layout: str) -> None:
    """What lies beyond the operands is never multiplied by what is in them: 0 times inf would be nan."""
    a, b, _ = operands(5, 6, 3, dtype)
    a[2, 1], b[1, 4] = np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        exact = a.astype(np.float64) @ b.astype(np.float64)
    y = product(which, layout, a, b, None)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(exact))
    np.testing.assert_array_equal(np.isinf(y), np.isinf(exact))


@pytest.mark.parametrize("layout", ["nn", "nt"])
@pytest.mark.parametrize("rows", [1, 2, 8])
def test_small_batches(dtype: Any, layout: str, rows: int) -> None:
    """Every number of rows, more columns than a block's, an inner length that fills no warp."""
    a, b, bias = operands(rows, 37, 43, dtype)
    before = np.zeros((rows, 37), dtype)
    y = product("batch", layout, a, b, bias, "relu", before)
    exact = a.astype(np.float64) @ b.astype(np.float64) + bias
    assert_within(before, exact, product_bound(a, b, bias, dtype))
    np.testing.assert_array_equal(y, np.maximum(before, 0))


@pytest.mark.parametrize("rows", [3, 20])
def test_packed_weights_give_the_bits_of_dense(dtype: Any, rows: int) -> None:
    """Of weights as they are and transposed, from NumPy's arrays and from the device's."""
    from numba import cuda

    x, w, b = operands(rows, 9, 40, dtype)
    for weights in (w, np.ascontiguousarray(w.T).T):
        wanted = fastnn.dense(x, weights, b, "relu", backend="cuda")
        np.testing.assert_array_equal(fastnn.PackedDense(weights, b, "relu", backend="cuda")(x), wanted)
    packed = fastnn.PackedDense(cuda.to_device(w), cuda.to_device(b), "relu", backend="cuda")
    wanted = fastnn.dense(x, w, b, "relu", backend="cuda")
    np.testing.assert_array_equal(packed(cuda.to_device(x)).copy_to_host(), wanted)


def test_large_tiles_are_chosen_for_large_results(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastnn.backends.numba_cuda import gemm, tile

    called = []
    monkeypatch.setattr(gemm, "multiply_large", lambda *args: called.append("large"))
    for layout, small in gemm.SMALL_PRODUCTS.items():
        monkeypatch.setattr(small, "launch", lambda *args, _layout=layout: called.append(f"small {_layout}"))
    side, empty = tile.width(dtype), np.zeros(0, dtype)
    for rows in (8 * side, 7 * side):
        sizes = rows, 8 * side, 5
        gemm.multiply(empty, empty, empty, "tn", sizes, (0, 0.0), empty, empty, 0)
    assert called == ["large", "small tn"]
