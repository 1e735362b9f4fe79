"""Penalties on weights that are added to the loss. The names and defaults are Keras's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments
from fastnn.arrays import to_ndarray
from fastnn.network import named

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class L1L2:
    """l1 * sum(abs(w)) + l2 * sum(w**2), with factors >= 0. Gradient: l1 * sign(w) + 2 * l2 * w."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = arguments.real_in(l1, "l1", 0.0)
        self.l2 = arguments.real_in(l2, "l2", 0.0)

    def __call__(self, w: ArrayLike) -> float:
        """The penalty of an array of any shape."""
        values = to_ndarray(w, "w").astype(np.float64)
        return self.l1 * float(np.abs(values).sum()) + self.l2 * float(np.square(values).sum())

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"l1": self.l1, "l2": self.l2}

    def __repr__(self) -> str:
        return named.shown(self)


class L1(L1L2):
    """l1 * sum(abs(w))."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """l2 * sum(w**2): weight decay through the gradient."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(0.0, l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """L1L2 with other defaults, as in Keras."""
    return L1L2(l1, l2)


Regularizer = L1L2
NAMES = named.table([L1, L2, L1L2], {"l1_l2": l1_l2})


def get(identifier: object, name: str = "regularizer") -> L1L2 | None:
    """The regularizer that is meant: None, "l1", "l2", "l1_l2" (each with factors of 0.01), an object or a saved one.

    Args:
        identifier: what is meant.
        name: of the argument, for errors.

    Raises:
        TypeError: identifier is of another type.
        ValueError: the name is unknown.
    """
    return None if identifier is None else named.find(identifier, name, L1L2, NAMES)
