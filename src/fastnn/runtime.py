"""The settings of a process: threads, the backend in use, and what this build is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _fastnn, arguments, backends

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType


def set_num_threads(n: int) -> None:
    """Sets how many threads fastnn may use, 1 or more, for the whole process. Results do not depend on it.

    The default is FASTNN_NUM_THREADS, else OMP_NUM_THREADS, else the processors this process may run on.

    Raises:
        TypeError: n is not an integer.
        ValueError: n is less than 1.
    """
    _fastnn.set_num_threads(arguments.integer(n, "n", 1, 2**31 - 1))


def get_num_threads() -> int:
    """How many threads fastnn may use."""
    return _fastnn.get_num_threads()


def available_backends() -> list[str]:
    """The backends that can be used here, the default first."""
    return [name for name in backends.NAMES if backends.is_available(name)]


class use_backend:
    """A context in which every operation without a backend of its own runs on this one.

    It holds for the current thread or asynchronous task alone, and contexts nest:

        with fastnn.use_backend("reference"):
            y = fastnn.softmax(x)

    Raises:
        TypeError: name is not a str.
        ValueError: the backend is unknown.
    """

    def __init__(self, name: str) -> None:
        self.name = backends.canonical(name)
        self._tokens: list[Token[str | None]] = []

    def __enter__(self) -> use_backend:
        self._tokens.append(backends.active.set(self.name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        backends.active.reset(self._tokens.pop())


class Config(dict[str, Any]):
    """What show_config returns: a dict that prints as a table."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{key:{width}}  {_shown(value)}" for key, value in self.items())


def show_config() -> Config:
    """Versions, compiler, instruction sets, threads and backends of this build and process.

    Returns:
        A dict with the keys version, python, numpy, compiler, isa (the one chosen), isas (all that this processor can
        run, the best first), threads, backend (the current one), backends (name -> whether it can be used) and cuda (in
        a sentence, what the cuda backend lacks here, or what it is).
    """
    return Config(
        version=_fastnn.version,
        python=sys.version.split()[0],
        numpy=np.__version__,
        compiler=_fastnn.compiler(),
        isa=_fastnn.isa(),
        isas=_fastnn.available_isas(),
        threads=_fastnn.get_num_threads(),
        backend=backends.active.get() or backends.DEFAULT,
        backends={name: backends.is_available(name) for name in backends.NAMES},
        cuda=_cuda(),
    )


def register_threadpoolctl() -> None:
    """Lets threadpoolctl see and limit the threads of fastnn, under user_api="fastnn". Calling it again does nothing.

    Raises:
        ImportError: threadpoolctl is not installed.
    """
    from fastnn import threadpool

    threadpool.register()


def _cuda() -> str:
    from fastnn.backends import gpu

    return gpu.missing() or f"{gpu.PLACE[gpu.is_simulated()]}; compiled and simulated, not yet timed on a GPU"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(name if available else f"{name} (missing)" for name, available in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
