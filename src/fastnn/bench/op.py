"""What an operation of the scoreboard consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
Arrays: TypeAlias = dict[str, Array]
Sizes: TypeAlias = tuple[int, ...]

DTYPES = {"f32": "float32", "f64": "float64"}


@dataclass(frozen=True)
class Cost:
    """What a cell cannot do without.

    Attributes:
        flops: floating-point operations of the matrix products.
        exps: exponentials.
        reads, writes: bytes of inputs, each read once, and of results, each written once.
        kept: bytes of all these arrays together, which decides the level of the memory that they live in; less than
            reads + writes where results take the place of inputs.
        calls: Python calls; less than one where a call does the cell several times.
    """

    flops: float
    exps: float
    reads: float
    writes: float
    kept: float
    calls: float = 1.0


@dataclass(frozen=True)
class Op:
    """One operation of the scoreboard.

    Attributes:
        shapes: of the cells on the board.
        letters: what the numbers of a shape are.
        make: the arrays, from a generator, the sizes and the name of the dtype.
        answer: the results in float64.
        cost: from the sizes and the bytes of an element.
        judge: what is wrong with results beside the answer, or None; without it they are compared element by element.
        rows: of the samples, where the sizes are (rows, *shape); 0 where they are the shape alone.
        dtypes: of the cells on the board.
        is_network: whether the shape is B and the sizes of all layers, four numbers or more.
    """

    shapes: tuple[Sizes, ...]
    letters: str
    make: Callable[[np.random.Generator, Sizes, str], Arrays]
    answer: Callable[[Arrays], tuple[Array, ...]]
    cost: Callable[[Sizes, int], Cost]
    judge: Callable[[tuple[Array, ...], tuple[Array, ...]], str | None] | None = None
    rows: int = 0
    dtypes: tuple[str, ...] = tuple(DTYPES)
    is_network: bool = False

    def takes(self, shape: Sizes) -> bool:
        """Whether a shape has the right number of numbers."""
        return len(shape) >= 4 if self.is_network else len(shape) == len(self.letters.split("x"))


def normal(rng: np.random.Generator, dtype: str, *shape: int) -> Array:
    """Normal numbers, the same for both dtypes up to rounding."""
    return rng.standard_normal(shape, dtype=np.float32).astype(dtype)


def log_softmax(x: Array) -> Array:
    """In float64, over the last axis."""
    shifted = x.astype(np.float64) - x.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
