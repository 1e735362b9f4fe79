"""Models and how to load them, under Keras's module name."""

from fastnn.network.saving import load_model
from fastnn.network.sequential import Sequential

__all__ = ["Sequential", "load_model"]
