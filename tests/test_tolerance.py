"""The helpers of tolerance.py find what they are there to find."""

import numpy as np
import pytest
from tolerance import assert_within, max_ulp, product_bound

nan, inf = np.nan, np.inf


def test_product_bound_holds_for_a_float32_product_and_is_not_vast():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((5, 300), dtype=np.float32), rng.standard_normal((300, 7), dtype=np.float32)
    exact = x.astype(np.float64) @ w.astype(np.float64)
    bound = product_bound(x, w, None, np.float32)
    assert_within(x @ w, exact, bound)
    assert bound.shape == exact.shape
    assert bound.max() < 0.05


@pytest.mark.parametrize("wrong", [1.5, nan, inf])
def test_assert_within_names_the_worst_element(wrong):
    actual = np.array([[1.0, 2.0], [3.0, wrong]])
    with pytest.raises(AssertionError, match=r"element \(1, 1\)"):
        assert_within(actual, np.array([[1.0, 2.0], [3.01, 4.0]]), 0.1)


def test_assert_within_accepts_equal_nan_and_inf_with_no_bound_at_all():
    values = np.array([nan, inf, -inf, 0.0])
    assert_within(values, values.copy(), nan)
    assert_within(np.empty((0, 3)), np.empty((0, 3)), 0.0)


def test_assert_within_wants_the_same_shape():
    with pytest.raises(AssertionError, match="shape"):
        assert_within(np.zeros(3), np.zeros((3, 1)), 1.0)


def test_max_ulp():
    one = np.float32(1.0)
    assert max_ulp(np.array([np.nextafter(one, np.float32(2.0))]), np.array([1.0])) == 1.0
    assert max_ulp(np.array([one]), np.array([1.0 + 2.0**-24])) == 0.5
    assert max_ulp(np.array([nan, inf, 0.0], np.float32), np.array([nan, 1e300, 0.0])) == 0.0
    assert max_ulp(np.array([nan], np.float32), np.array([1.0])) == inf
    assert max_ulp(np.array([1.0], np.float32), np.array([-inf])) == inf
    assert max_ulp(np.array([0.0], np.float32), np.array([1.5e-45])) == pytest.approx(1.07, abs=0.01)
