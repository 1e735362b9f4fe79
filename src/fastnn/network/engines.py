"""Which engine computes a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import backends

if TYPE_CHECKING:
    from fastnn.network.engine import Engine
    from fastnn.network.plan import Plan

NAMES = ("auto", "native", "generic")


def make(plan: Plan, backend: str | None, engine: str) -> tuple[Engine, str]:
    """An engine for the plan, its weights still to be set, and the name of the backend whose operations go with it.

    Args:
        plan: the network.
        backend: the name of a backend; None for the one in use.
        engine: "auto" for the native engine where it can, "native" for that one or an error, or "generic".

    Raises:
        ValueError: the native engine is asked for and cannot compute the network.
    """
    operations = backends.canonical(backend if backend is not None else backends.active.get() or backends.DEFAULT)
    # What has no variables the native engine computes, but does not train.
    if engine == "native" or (engine == "auto" and operations == "native" and plan.variables):
        reason = "it needs the native backend" if operations != "native" else _native_refusal(plan)
        if reason is None:
            from fastnn.network.native import NativeEngine

            return NativeEngine(plan), operations
        if engine == "native":
            raise ValueError(f"the native engine cannot compute this network: {reason}")
    if operations == "cuda":
        from fastnn.network.cuda import CudaEngine

        return CudaEngine(plan), operations
    from fastnn.network.generic import GenericEngine

    return GenericEngine(plan, operations), operations


def _native_refusal(plan: Plan) -> str | None:
    """Why the native engine cannot compute the network, or None."""
    from fastnn.network import native

    return native.supports(plan)
