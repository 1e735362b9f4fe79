"""Quick samples of the elementary functions' errors, through the public functions made of them.

The errors over all 2^32 float32 inputs are measured by tools/accuracy; see docs/accuracy.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import isa as isas
import numpy as np
import pytest
from tolerance import max_ulp

import fastnn

# kind -> (exact function of float64, bound in ULP of float32)
FUNCTIONS: dict[str, tuple[Callable[..., np.ndarray], float]] = {
    "exponential": (np.exp, 1.0),
    "tanh": (np.tanh, 2.0),
    "sigmoid": (lambda x: np.where(x < 0, np.exp(x), 1.0) / (1.0 + np.exp(-np.abs(x))), 2.0),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), 2.0),
    "softplus": (lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))), 3.0),
}
# The rounding of z^2 and the fit of the tail cost a few.
GELU_BOUND = 8.0


def every(stride: int) -> np.ndarray:
    """Every stride-th float32 there is, nan and inf among them."""
    return np.arange(0, 2**32, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32(native, name):
    exact, limit = FUNCTIONS[name]
    x = every(4099)
    with np.errstate(all="ignore"):
        assert max_ulp(fastnn.activation(x, name), exact(x.astype(np.float64))) <= limit


def test_log_float32(native):
    """-log(p) of a probability is what categorical_cross_entropy computes."""
    p = np.linspace(1e-6, 1 - 1e-6, 200_003).astype(np.float32)
    rows = np.stack([p, 1 - p], axis=1)
    loss = fastnn.categorical_cross_entropy(rows, np.zeros(p.size, np.int64), reduction="none")
    assert max_ulp(loss, -np.log(p.astype(np.float64))) <= 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_keeps_its_tail(native, dtype):
    """0.5 z (1 + erf(z / sqrt(2))) cancels for negative z; the native gelu does not."""
    z = np.linspace(-12, 12, 50_001).astype(dtype)
    exact = np.array([0.5 * x * math.erfc(-x / math.sqrt(2)) for x in z.astype(np.float64)])
    y = fastnn.gelu(z)
    if dtype == np.float32:
        assert max_ulp(y, exact) <= GELU_BOUND
    else:  # erfc's own argument is rounded
        np.testing.assert_allclose(y, exact, rtol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64(native, name):
    mpmath = pytest.importorskip("mpmath")
    exact = {
        "exponential": mpmath.exp,
        "tanh": mpmath.tanh,
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "elu": lambda x: x if x > 0 else mpmath.expm1(x),
        "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    }[name]
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-20, 20, 1000), rng.uniform(-1, 1, 1000), rng.uniform(-1e-6, 1e-6, 200)])
    y = fastnn.activation(x, name)
    with mpmath.workprec(120):
        for at, got in zip(x.tolist(), y.tolist(), strict=True):
            true = exact(mpmath.mpf(at))
            assert abs(got - true) <= 3 * mpmath.mpf(2) ** (int(mpmath.frexp(true)[1]) - 53), at


def test_same_bits_on_every_fused_instruction_set():
    code = (
        "import hashlib, numpy as np, fastnn\n"
        "x = np.arange(0, 2**32, 40009, dtype=np.uint64).astype(np.uint32).view(np.float32)\n"
        "for kind in ('exponential', 'tanh', 'sigmoid', 'elu', 'softplus', 'gelu', 'mish', 'gelu_tanh'):\n"
        "    for z in (x, x.astype(np.float64) * 1.0000001):\n"
        "        y = fastnn.activation(z, kind, backend='native')\n"
        "        print(kind, hashlib.sha256(np.where(np.isnan(y), np.nan, y).astype(y.dtype).tobytes()).hexdigest())\n"
    )
    outputs = {
        isas.run_isa(isa, "import warnings; warnings.simplefilter('ignore')\n" + code)
        for isa in isas.AVAILABLE
        if isa != "generic"
    }
    assert len(outputs) <= 1
