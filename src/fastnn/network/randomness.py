"""The seed of the process, and the generators that models draw from.

A model has one NumPy generator of its own. It draws the initial weights in the order of the layers, then the seed of
the dropout masks, then a shuffle for each epoch.
"""

from __future__ import annotations

import threading

import numpy as np

from fastnn import arguments

_lock = threading.Lock()
_sequence: np.random.SeedSequence | None = None


def set_random_seed(seed: int) -> None:
    """Makes the models that are made from now on, one after the other, draw the same numbers in every run.

    Models that exist already, and those with a seed of their own, go on as they were. Python's and NumPy's own global
    generators are not touched: fastnn does not use them.

    Args:
        seed: an integer >= 0.

    Raises:
        TypeError: seed is not an integer.
        ValueError: seed is negative.
    """
    global _sequence
    checked = arguments.integer(seed, "seed", 0)
    with _lock:
        _sequence = np.random.SeedSequence(checked)


def generator(seed: int | None = None) -> np.random.Generator:
    """A generator for one model: from its own seed, else the next one of the process."""
    global _sequence
    if seed is not None:
        return np.random.default_rng(arguments.integer(seed, "seed", 0))
    with _lock:
        if _sequence is None:
            _sequence = np.random.SeedSequence()
        return np.random.default_rng(_sequence.spawn(1)[0])
