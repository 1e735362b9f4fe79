"""The libraries that fastnn is timed against, each in its best usual form: a module per library, loaded on use.

A module has VERSION, `set_threads(n)` and `entries(case, arrays, threads)`: the ways in which the library is usually
used for the cell, of which the fastest is timed; none if it does not offer the operation.
"""

from __future__ import annotations

import importlib
from typing import Protocol

from fastnn import arguments
from fastnn.bench.cases import Arrays, Case
from fastnn.bench.measure import Entry

DEFAULT = ("numpy", "torch", "onnxruntime", "openvino", "jax", "sklearn", "keras")
NAMES = (*DEFAULT, "torch_compile", "numba", "numba_backend", "cuda_backend")


class Rival(Protocol):
    """What each module of this package offers."""

    VERSION: str

    def set_threads(self, n: int) -> None:
        """Limits the library to n threads."""

    def entries(self, case: Case, arrays: Arrays, threads: int) -> list[Entry]:
        """The usual forms of the cell in this library."""


def check_names(names: list[str]) -> None:
    """Raises ValueError, with the known names, if one is unknown."""
    for name in names:
        if name not in NAMES:
            raise arguments.unknown("rival", name, NAMES)


def load(name: str) -> Rival:
    """The module of a rival.

    Raises:
        ImportError: the library is not installed.
    """
    module: Rival = importlib.import_module(f"fastnn.bench.rivals.{name}_rival")
    return module
