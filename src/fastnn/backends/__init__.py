"""The backends: modules with the same functions, loaded on first use, and the choice between them."""

from __future__ import annotations

import importlib
import importlib.util
from contextvars import ContextVar
from typing import Any

from fastnn import _fastnn, arguments

DEFAULT = "native"
# name -> its module in this package, and the package beside NumPy that it needs
MODULES = {"native": "native", "reference": "reference", "numba": "numba_cpu", "cuda": "numba_cuda"}
NEEDS = {"numba": "numba", "cuda": "numba_cuda"}
NAMES = tuple(MODULES)
ALIASES = {"numpy": "reference"}

# What use_backend sets: a name among NAMES, or None. The binding reads it too.
active: ContextVar[str | None] = ContextVar("fastnn_backend", default=None)
_fastnn._set_backend_variable(active)

# The backend of the call that is being prepared: arrays on a device are refused where it cannot compute with them.
chosen: ContextVar[str] = ContextVar("fastnn_chosen_backend", default=DEFAULT)

_loaded: dict[str, Any] = {}


def canonical(name: object) -> str:
    """The name of a backend, its aliases resolved. Raises ValueError for an unknown one."""
    if not isinstance(name, str):
        shown = "None" if name is None else f"a {type(name).__name__}"
        raise TypeError(f"backend must be one of {', '.join(map(repr, NAMES))}, got {shown}")
    known = ALIASES.get(name, str(name))
    if known not in NAMES:
        raise arguments.unknown("backend", name, (*NAMES, *ALIASES))
    return known


def load(name: str) -> Any:
    """The module of a backend, by its canonical name.

    Raises:
        ImportError: its package is not installed.
        RuntimeError: it computes on a GPU, and there is none or no driver for it.
    """
    module = _loaded.get(name)
    if module is None:
        module = importlib.import_module(f"fastnn.backends.{MODULES[name]}")
        if name == "cuda":
            module.require_device()
        _loaded[name] = module
    return module


def is_available(name: str) -> bool:
    """Whether a backend's package is installed, and its GPU. Nothing is imported: Numba would take a second."""
    if name == "cuda":
        from fastnn.backends import gpu

        return gpu.missing() is None
    return name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None


def choose(backend: object) -> Any:
    """The module a call goes to: the backend it names, else that of use_backend, else the native one."""
    name = canonical(backend) if backend is not None else active.get() or DEFAULT
    chosen.set(name)
    return load(name)
