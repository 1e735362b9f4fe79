"""Penalties on weights, under Keras's module name."""

from fastnn.network.regularizers import (
    L1,
    L1L2,
    L2,
    Regularizer,
    get,
    l1_l2,
)

# Keras has them under both names.
l1, l2 = L1, L2

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "Regularizer",
    "get",
    "l1",
    "l1_l2",
    "l2",
]
