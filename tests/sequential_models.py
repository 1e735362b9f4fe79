"""Small models and samples for the tests of Sequential, on each of the engines."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.layers import Dense, Dropout, PReLU

ENGINES: dict[str, dict[str, str]] = {
    "generic-reference": {"backend": "reference", "engine": "generic"},
    "generic-native": {"backend": "native", "engine": "generic"},
    "generic-numba": {"backend": "numba", "engine": "generic"},
    "native": {"backend": "native", "engine": "native"},
    "generic-cuda": {"backend": "cuda", "engine": "generic"},
}
_NEEDS_NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="the numba backend needs numba")
ENGINE_PARAMETERS = [
    pytest.param(name, marks=_NEEDS_NUMBA) if "numba" in name else name for name in ENGINES if "cuda" not in name
]
if "cuda" in os.environ.get("FASTNN_TEST_BACKENDS", ""):
    ENGINE_PARAMETERS = ["generic-cuda"]


def classes(rows: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples (rows, 4), float32, and the class of each of them, 0 to 2."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    return x, (x @ rng.normal(size=(4, 3))).argmax(axis=1)


def regression(rows: int = 50, features: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Samples (rows, features), float64, and targets (rows, 1) that are nearly a linear function of them."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, features))
    return x, x @ rng.normal(size=(features, 1)) + 0.1 * rng.normal(size=(rows, 1))


def classifier(engine: str, seed: int = 7, **options: Any) -> fastnn.Sequential:
    """A compiled network for classes, with random numbers of every sort."""
    model = fastnn.Sequential(
        [Dense(8, "relu", input_shape=(4,)), Dropout(0.2), Dense(6), PReLU(), Dense(3, "softmax")],
        seed=seed,
        **ENGINES[engine],
        **options,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def linear(engine: str, x: np.ndarray, outputs: int = 1, **options: Any) -> fastnn.Sequential:
    """One dense layer in float64 without an activation, all weights 0."""
    dense = Dense(outputs, kernel_initializer="zeros", input_shape=x.shape[1:])
    return fastnn.Sequential([dense], dtype="float64", **ENGINES[engine], **options)


def assert_same(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    """The same bits in two lists of arrays."""
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
