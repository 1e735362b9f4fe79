"""A product is walked in several ways, chosen by its shape alone; every walk gives the same bits."""

import numpy as np
import pytest

import fastnn


def random(rng, *shape, dtype):
    return rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True], ids=["rows", "transposed"])
@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (1, 8),
        (7, 100),
        (8, 31),
        (15, 9),
        (16, 16),
        (17, 33),
        (130, 65),
        (1030, 40),
        (1100, 600),
        (2049, 257),
        (1024, 520),
    ],
)
def test_native_few_rows_are_rows_of_a_large_batch(inputs, outputs, transposed, dtype):
    # Up to four rows read w as they can; 40 rows go in strips over w as it lies, or packed if it is large. The last
    # three come from far away: swept row by row, or turned with lines fetched ahead.
    rng = np.random.default_rng(inputs)
    x = random(rng, 40, inputs, dtype=dtype)
    w = random(rng, outputs, inputs, dtype=dtype).T if transposed else random(rng, inputs, outputs, dtype=dtype)
    b = random(rng, outputs, dtype=dtype)
    for kind in ("identity", "relu", "tanh"):
        whole = fastnn.dense(x, w, b, kind)
        bound = (inputs + 4) * np.finfo(dtype).eps * (np.abs(x).astype(np.float64) @ np.abs(w) + np.abs(b))
        if kind != "tanh":
            exact = x.astype(np.float64) @ w + b
            exact = np.maximum(exact, 0) if kind == "relu" else exact
            assert np.all(np.abs(whole - exact) <= bound)
        for rows in range(1, 7):
            assert np.array_equal(fastnn.dense(x[:rows], w, b, kind), whole[:rows]), (kind, rows)
        z = np.empty((3, outputs), dtype)
        assert np.array_equal(fastnn.dense(x[:3], w, b, kind, z_out=z), whole[:3])
        assert np.array_equal(z, fastnn.dense(x, w, b)[:3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True], ids=["rows", "transposed"])
@pytest.mark.parametrize("depth", range(1, 9))
def test_native_short_inner_lengths_have_the_bits_of_packed_weights(depth, transposed, dtype):
    rng = np.random.default_rng(depth)
    for rows, outputs in [(1, 8), (5, 33), (70, 130)]:
        x = random(rng, rows, depth, dtype=dtype)
        w = random(rng, outputs, depth, dtype=dtype).T if transposed else random(rng, depth, outputs, dtype=dtype)
        b = random(rng, outputs, dtype=dtype)
        for kind in ("identity", "relu", "sigmoid"):
            y = fastnn.dense(x, w, b, kind)
            assert np.array_equal(y, fastnn.PackedDense(w, b, kind)(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0, 1, 5])
def test_native_a_large_weight_gradient_of_one_row_is_the_outer_product(dtype, offset):
    # Beyond 32 MiB the result goes round the caches, in aligned vectors: every start of the memory must come out whole.
    inputs, outputs = 2103, 2 * 4099 // (np.dtype(dtype).itemsize // 4)
    rng = np.random.default_rng(0)
    x, dy = random(rng, 1, inputs, dtype=dtype), random(rng, 1, outputs, dtype=dtype)
    memory = np.full(inputs * outputs + offset + 1, 7, dtype)
    dw = memory[offset:-1].reshape(inputs, outputs)
    fastnn.dense_backward(dy, x, np.zeros((inputs, outputs), dtype), dy, need_dx=False, dw_out=dw)
    assert np.array_equal(dw, x.T * dy)
    assert np.all(memory[:offset] == 7)
    assert memory[-1] == 7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("outputs", range(1, 8))
def test_native_narrow_gradients_against_lanes(outputs, dtype):
    # dw and db of narrow layers: 16 lanes over the batch (row mod 16), then the tree (l, l + 8), (l, l + 4) ...
    rng = np.random.default_rng(outputs)
    for batch, inputs in [(1, 9), (3, 300), (15, 17), (16, 5), (17, 64), (64, 33), (150, 270)]:
        x, dy = random(rng, batch, inputs, dtype=dtype), random(rng, batch, outputs, dtype=dtype)
        w = random(rng, inputs, outputs, dtype=dtype)
        _, dw, db = fastnn.dense_backward(dy, x, w, dy)
        exact = x.T.astype(np.float64) @ dy
        bound = (batch + 4) * np.finfo(dtype).eps * (np.abs(x.T).astype(np.float64) @ np.abs(dy))
        assert np.all(np.abs(dw - exact) <= bound)
        lanes = np.zeros((16, outputs), dtype)
        for row in range(batch):
            lanes[row % 16] += dy[row]
        for half in (8, 4, 2, 1):
            lanes = lanes[:half] + lanes[half : 2 * half]
        assert np.array_equal(db, lanes[0])
        parts = [fastnn.dense_backward(dy, x[:, i : i + 1], w[i : i + 1], dy)[1] for i in (0, inputs - 1)]
        assert np.array_equal(np.concatenate(parts), dw[[0, inputs - 1]])
