"""dropout and rrelu: the masks word by word against Philox in plain integers, and what they do to values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn

SIZES = (0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 101, 1021)
KEYS = ((0, 0), (5, 7), (2**32, 2**32 - 1), (2**64 - 1, 2**63 + 1))
LOW = 2**32 - 1


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10, one block."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (second >> 32) ^ c1 ^ k0, second & LOW, (first >> 32) ^ c3 ^ k1, first & LOW
        k0, k1 = (k0 + 0x9E3779B9) & LOW, (k1 + 0xBB67AE85) & LOW
    return [c0, c1, c2, c3]


def words(size: int, seed: int, counter: int) -> np.ndarray:
    """The random word of every element of an array of that size."""
    drawn: list[int] = []
    for block in range((size + 3) // 4):
        drawn += philox([block & LOW, block >> 32, counter & LOW, counter >> 32], [seed & LOW, seed >> 32])
    return np.array(drawn[:size], np.uint64)


def make(shape: Any, dtype: np.dtype, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([LOW] * 4, [LOW] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_the_oracle_gives_the_published_words(counter, key, expected):
    assert philox(counter, key) == expected  # Random123, kat_vectors


@pytest.mark.parametrize(("seed", "counter"), KEYS)
def test_dropout_keeps_by_the_word_of_the_index(backend, dtype, seed, counter):
    for size in SIZES:
        x = make(size, dtype)
        drawn = words(size, seed, counter)
        for p in (0.0, 0.1, 0.5, 0.75, 1 - 2.0**-32):
            kept = drawn >= np.uint64(int(p * 2.0**32))
            y = fastnn.dropout(x, p, seed=seed, counter=counter)
            assert y.dtype == dtype
            wanted = np.where(kept, x.astype(np.float64) / (1 - p), 0)
            np.testing.assert_allclose(y, wanted, rtol=4 * np.finfo(dtype).eps, atol=0)
            np.testing.assert_array_equal(fastnn.dropout_backward(x, p, seed=seed, counter=counter), y)


def test_dropout_of_nothing_and_of_everything(backend, dtype):
    x = make(37, dtype)
    x[[3, 20]] = np.nan, np.inf
    np.testing.assert_array_equal(fastnn.dropout(x, 0.0, seed=1, counter=2), x)
    y = fastnn.dropout(x, 1.0, seed=1, counter=2)
    np.testing.assert_array_equal(y, np.zeros(37, dtype))
    assert not np.signbit(y).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_dropped_value_is_zero_whatever_it_was(backend, dtype, value):
    for size in (1, 7, 16, 33):
        kept = words(size, 3, 4) >= np.uint64(2**31)
        y = fastnn.dropout(np.full(size, value, dtype), 0.5, seed=3, counter=4)
        np.testing.assert_array_equal(y, np.where(kept, value, 0).astype(dtype))


def test_the_rate_is_p_and_keys_differ(backend, dtype):
    size = 200_000
    ones = np.ones(size, dtype)
    masks = []
    for p, seed, counter in ((0.3, 1, 0), (0.3, 2, 0), (0.3, 1, 1), (0.3, 1, 2**32)):
        mask = fastnn.dropout(ones, p, seed=seed, counter=counter) == 0
        assert abs(mask.mean() - p) < 5 * np.sqrt(p * (1 - p) / size)
        masks.append(mask)
    for i, mask in enumerate(masks):
        for other in masks[:i]:
            assert abs((mask & other).mean() - 0.09) < 5 * np.sqrt(0.09 / size)


def test_the_mask_does_not_depend_on_shape_dtype_or_backend(backend):
    flat = fastnn.dropout(np.ones(3 * 5 * 7, np.float32), 0.5, seed=9, counter=1)
    for dtype in (np.float32, np.float64):
        folded = fastnn.dropout(np.ones((3, 5, 7), dtype), 0.5, seed=9, counter=1)
        np.testing.assert_array_equal(folded.ravel(), flat)
        assert fastnn.dropout(np.ones((), dtype), 0.5, seed=9, counter=1) == flat[0]
        np.testing.assert_array_equal(fastnn.dropout(np.ones(50, dtype), 0.5, seed=9, counter=1), flat[:50])


def test_dropout_in_place(backend, dtype):
    x = make((9, 11), dtype)
    wanted = fastnn.dropout(x, 0.4, seed=1, counter=2)
    out = np.full_like(x, 7)
    assert fastnn.dropout(x, 0.4, seed=1, counter=2, out=out) is out
    np.testing.assert_array_equal(out, wanted)
    assert fastnn.dropout_backward(x, 0.4, seed=1, counter=2, out=x) is x
    np.testing.assert_array_equal(x, wanted)


def slopes_of(size: int, lower: float, upper: float, seed: int, counter: int, dtype: np.dtype) -> np.ndarray:
    uniform = (words(size, seed, counter) >> np.uint64(8)).astype(dtype) * dtype.type(2.0**-24)
    return dtype.type(lower) + (dtype.type(upper) - dtype.type(lower)) * uniform


@pytest.mark.parametrize(("seed", "counter"), KEYS)
@pytest.mark.parametrize(("lower", "upper"), [(1 / 8, 1 / 3), (-0.5, 2.0), (0.25, 0.25)])
def test_rrelu_draws_a_slope_for_every_element(backend, dtype, seed, counter, lower, upper):
    options: dict[str, Any] = {"training": True, "seed": seed, "counter": counter}
    for size in SIZES:
        x, dy = make(size, dtype, 1), make(size, dtype, 2)
        slopes = np.where(x < 0, slopes_of(size, lower, upper, seed, counter, dtype), 1).astype(dtype)
        np.testing.assert_array_equal(fastnn.rrelu(x, lower, upper, **options), x * slopes)
        np.testing.assert_array_equal(fastnn.rrelu_backward(dy, x, lower, upper, **options), dy * slopes)


def test_rrelu_evaluates_with_the_mean_slope(backend, dtype):
    for size in SIZES:
        x, dy = make(size, dtype, 1), make(size, dtype, 2)
        slopes = np.where(x < 0, dtype.type((1 / 8 + 1 / 3) / 2), dtype.type(1))
        np.testing.assert_array_equal(fastnn.rrelu(x), x * slopes)
        np.testing.assert_array_equal(fastnn.rrelu_backward(dy, x), dy * slopes)


@pytest.mark.parametrize("training", [True, False])
def test_rrelu_of_special_values(backend, dtype, training):
    for size in (1, 5, 16, 33):
        for value in (np.nan, np.inf, 0.0, -0.0):
            x = np.full(size, value, dtype)
            y = fastnn.rrelu(x, training=training)
            np.testing.assert_array_equal(y, x)
            np.testing.assert_array_equal(np.signbit(y), np.signbit(x))
            np.testing.assert_array_equal(fastnn.rrelu_backward(np.ones(size, dtype), x, training=training), 1)
        lowest = np.full(size, -np.inf, dtype)
        np.testing.assert_array_equal(fastnn.rrelu(lowest, training=training), lowest)


def test_rrelu_in_place(backend, dtype):
    x, dy = make((9, 11), dtype, 1), make((9, 11), dtype, 2)
    options: dict[str, Any] = {"training": True, "seed": 1, "counter": 2}
    y, dx = fastnn.rrelu(x, **options), fastnn.rrelu_backward(dy, x, **options)
    assert fastnn.rrelu_backward(dy, x, **options, out=dy) is dy
    np.testing.assert_array_equal(dy, dx)
    assert fastnn.rrelu(x, **options, out=x) is x
    np.testing.assert_array_equal(x, y)


def test_the_number_of_threads_changes_nothing(dtype, threads):
    x = make(1_000_003, dtype)
    with fastnn.use_backend("native"):
        dropped = fastnn.dropout(x, 0.3, seed=1, counter=2)
        bent = fastnn.rrelu(x, training=True, seed=1, counter=2)
    drawn = fastnn.dropout(x, 0.3, seed=1, counter=2, backend="reference") != 0
    np.testing.assert_array_equal(dropped != 0, drawn)
    np.testing.assert_array_equal(bent, fastnn.rrelu(x, training=True, seed=1, counter=2, backend="reference"))
    fastnn.set_num_threads(1)
    np.testing.assert_array_equal(dropped, fastnn.dropout(x, 0.3, seed=1, counter=2))
