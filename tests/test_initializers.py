"""Initializers and regularizers: shapes, moments, limits, names, and what they are made from again."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from fastnn.network import initializers, named, regularizers

SIZE = (400, 300)
DOUBLE = np.dtype(np.float64)
# name -> (variance, largest magnitude) for a kernel of shape SIZE.
WANTED = {
    "glorot_uniform": (2 / 700, math.sqrt(6 / 700)),
    "glorot_normal": (2 / 700, 2 * math.sqrt(2 / 700) / initializers.TRUNCATED_DEVIATION),
    "he_uniform": (2 / 400, math.sqrt(6 / 400)),
    "he_normal": (2 / 400, 2 * math.sqrt(2 / 400) / initializers.TRUNCATED_DEVIATION),
    "lecun_uniform": (1 / 400, math.sqrt(3 / 400)),
    "lecun_normal": (1 / 400, 2 * math.sqrt(1 / 400) / initializers.TRUNCATED_DEVIATION),
    "variance_scaling": (1 / 400, 2 * math.sqrt(1 / 400) / initializers.TRUNCATED_DEVIATION),
    "random_normal": (0.05**2, math.inf),
    "random_uniform": (0.05**2 / 3, 0.05),
    "truncated_normal": ((0.05 * initializers.TRUNCATED_DEVIATION) ** 2, 0.1),
}
CLASSES = sorted({cls.__name__ for cls in initializers.NAMES.values()})


def draw(identifier: Any, shape: tuple[int, ...] = SIZE, dtype: Any = DOUBLE, seed: int = 1) -> np.ndarray:
    return np.asarray(initializers.get(identifier)(shape, np.dtype(dtype), np.random.default_rng(seed)))


@pytest.mark.parametrize("name", WANTED)
def test_moments_and_limits(name):
    values = draw(name)
    variance, limit = WANTED[name]
    # Five standard errors: of the mean, and of the variance (at most that of a normal distribution).
    count = math.prod(SIZE)
    assert abs(values.mean()) < 5 * math.sqrt(variance / count)
    assert values.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / count))
    assert abs(values).max() <= limit
    if limit < math.inf:
        assert abs(values).max() > 0.98 * limit


def test_the_deviation_of_a_truncated_normal():
    """Var = 1 - 2 a pdf(a) / (2 cdf(a) - 1), cut off at a = 2."""
    inside = math.erf(2 / math.sqrt(2))
    variance = 1 - 4 * math.exp(-2.0) / math.sqrt(2 * math.pi) / inside
    assert pytest.approx(math.sqrt(variance), rel=1e-12) == initializers.TRUNCATED_DEVIATION


@pytest.mark.parametrize("mode", initializers.MODES)
@pytest.mark.parametrize("distribution", [*initializers.DISTRIBUTIONS, "normal"])
def test_variance_scaling(mode, distribution):
    n = {"fan_in": 400, "fan_out": 300, "fan_avg": 350}[mode]
    values = draw(initializers.VarianceScaling(3.0, mode, distribution))
    assert values.var() == pytest.approx(3.0 / n, rel=5 * math.sqrt(2 / math.prod(SIZE)))


def test_constants(dtype):
    for identifier, value in (("zeros", 0), ("ones", 1), (initializers.Constant(0.25), 0.25), ("constant", 0)):
        values = draw(identifier, (3, 2), dtype)
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, np.full((3, 2), value, dtype))


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5), (1, 3), (2, 3, 4)])
def test_orthogonal(shape):
    matrix = draw(initializers.Orthogonal(2.0), shape).reshape(-1, shape[-1]) / 2.0
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(matrix.shape[1]), atol=1e-14)


def test_orthogonal_needs_a_matrix():
    with pytest.raises(ValueError, match="two or more axes"):
        draw("orthogonal", (4,))


@pytest.mark.parametrize(
    ("shape", "wanted"), [((), (1, 1)), ((5,), (5, 5)), ((3, 4), (3, 4)), ((2, 3, 4), (6, 8)), ((2, 2, 3, 4), (12, 16))]
)
def test_fans(shape, wanted):
    assert initializers.fans(shape) == wanted


@pytest.mark.parametrize("name", CLASSES)
def test_every_initializer_is_made_again_from_its_config(name):
    made = initializers.get(name)
    saved = json.loads(json.dumps(named.save(made)))
    again = initializers.get(saved)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()
    assert eval(repr(made), vars(initializers)).get_config() == made.get_config()
    np.testing.assert_array_equal(draw(again, (6, 5)), draw(made, (6, 5)))
    assert type(initializers.get(type(made))) is type(made)
    assert initializers.get(made) is made
    assert type(initializers.get(named.snake_case(name))) is type(made)


@pytest.mark.parametrize("name", WANTED)
def test_dtypes_differ_by_rounding_alone(name):
    wide, narrow = draw(name, (9, 8)), draw(name, (9, 8), np.float32)
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))


@pytest.mark.parametrize("name", WANTED)
def test_seeds(name):
    rng = np.random.default_rng(1)
    one = initializers.get(name)((4, 3), DOUBLE, rng)
    assert (one != initializers.get(name)((4, 3), DOUBLE, rng)).all()
    fixed = type(initializers.get(name))(seed=5)
    before = rng.bit_generator.state
    np.testing.assert_array_equal(fixed((4, 3), DOUBLE, rng), fixed((4, 3), DOUBLE, rng))
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("name", ["he_normal", "glorot_uniform", "zeros", "truncated_normal"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 3), (1, 1)])
def test_small_shapes(name, shape, dtype):
    values = draw(name, shape, dtype)
    assert values.shape == shape
    assert values.dtype == dtype


def test_one_of_ones_own():
    class Ramp(initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any, rng: Any) -> np.ndarray:
            return np.arange(math.prod(shape), dtype=dtype).reshape(shape)

    np.testing.assert_array_equal(draw(Ramp(), (2, 2)), [[0, 1], [2, 3]])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: initializers.get("glorot_unifrom"), ValueError, "did you mean 'glorot_uniform'"),
        (lambda: initializers.get("nothing"), ValueError, "known: zeros, ones"),
        (lambda: initializers.get(None), TypeError, "initializer must be a name"),
        (lambda: initializers.get(3), TypeError, "got a int"),
        (lambda: initializers.get({"class_name": "No"}), ValueError, "unknown initializer 'No'"),
        (lambda: initializers.get({"config": {}}), TypeError, "got a dict"),
        (lambda: initializers.RandomNormal(stddev=-1), ValueError, "stddev must be >= 0"),
        (lambda: initializers.RandomUniform(1.0, 0.0), ValueError, "maxval must be >= 1"),
        (lambda: initializers.VarianceScaling(0.0), ValueError, "scale must be > 0"),
        (lambda: initializers.VarianceScaling(1.0, "fan"), ValueError, "unknown mode 'fan'"),
        (lambda: initializers.VarianceScaling(1.0, "fan_in", "cauchy"), ValueError, "unknown distribution 'cauchy'"),
        (lambda: initializers.GlorotUniform(seed=1.5), TypeError, "seed must be an integer"),
        (lambda: initializers.Constant("1"), TypeError, "value must be a real number"),
        (lambda: regularizers.get("l3"), ValueError, "known: l1, l2, l1_l2"),
        (lambda: regularizers.get(0.01), TypeError, "regularizer must be a name"),
        (lambda: regularizers.L2(-0.1), ValueError, "l2 must be >= 0"),
        (lambda: regularizers.L1L2("a"), TypeError, "l1 must be a real number"),
    ],
)
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("identifier", "factors"),
    [
        ("l1", (0.01, 0)),
        ("l2", (0, 0.01)),
        ("l1_l2", (0.01, 0.01)),
        ("L2", (0, 0.01)),
        (regularizers.L1, (0.01, 0)),
        (regularizers.L1L2(l2=0.5), (0, 0.5)),
        (regularizers.l1_l2(0.1), (0.1, 0.01)),
        ({"class_name": "L1L2", "config": {"l1": 0.25, "l2": 0.5}}, (0.25, 0.5)),
    ],
)
def test_regularizers(identifier, factors):
    made = regularizers.get(identifier)
    assert made is not None
    assert (made.l1, made.l2) == factors
    again = regularizers.get(json.loads(json.dumps(named.save(made))))
    assert again is not None
    assert (again.l1, again.l2) == factors
    w = np.array([[1.0, -2.0], [0.0, 3.0]], np.float32)
    assert made(w) == pytest.approx(factors[0] * 6.0 + factors[1] * 14.0)
    assert regularizers.get(made) is made


def test_no_regularizer():
    assert regularizers.get(None) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("L1L2", "l1_l2"), ("MeanSquaredError", "mean_squared_error"), ("ReLU", "re_lu"), ("Dense", "dense")],
)
def test_snake_case(name, wanted):
    assert named.snake_case(name) == wanted
