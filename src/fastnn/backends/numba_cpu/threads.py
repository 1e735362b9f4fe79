"""Which calls go to Numba's threads, and how: fastnn's number of threads, one call at a time where need be, fork.

A kernel works on the units from `begin` to `end`: rows, chunks or tiles, none of which ever shares a sum with another.
So the result is the same on any number of threads, and serial is always an answer: for small work, where another
thread holds a layer that serves only one (workqueue), and where threads do not survive a fork (GNU's OpenMP).
"""

from __future__ import annotations

import os
import threading
from typing import Any

import numba

from fastnn import _fastnn

from .compiling import address_of

# Elements of elementwise work a thread has to have: waking the others costs some 10 us on two cores.
GRAIN = 32768


class _Mode(threading.local):
    """Of a thread: whether every call runs both of its forms, so that both are compiled."""

    is_warming = False


mode = _Mode()
_alone = threading.Lock()
_layer: str | None = None
_is_lost = False


def _find_layer() -> str:
    """The threading layer, known once set_num_threads has loaded it."""
    global _layer
    if _layer is None:
        _layer = str(numba.threading_layer())
    return _layer


def _after_fork() -> None:
    """In a child: GNU's OpenMP ends a process that uses it after a fork, if its parent had used it before."""
    global _alone, _is_lost
    _alone = threading.Lock()
    try:
        _is_lost = numba.threading_layer() == "omp"
    except ValueError:  # not loaded yet: the child may load it for itself
        _is_lost = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def parts_for(units: int, work: int) -> int:
    """On how many threads to run: `units` can be parted, `work` is counted in elements of GRAIN."""
    if work < 2 * GRAIN or units < 2 or _is_lost:
        return 1
    return min(_fastnn.get_num_threads(), int(numba.config.NUMBA_NUM_THREADS), units, work // GRAIN)


def run(kernel: Any, driver: Any, units: int, work: int, *args: Any) -> None:
    """kernel(*args, 0, units), or the driver, which calls it by address for as many parts of the units as threads."""
    if mode.is_warming:
        kernel(*args, 0, units)
        _run_parallel(kernel, driver, units, 1, args)
        return
    parts = parts_for(units, work)
    if parts < 2 or not _run_parallel(kernel, driver, units, parts, args):
        kernel(*args, 0, units)


def _run_parallel(kernel: Any, driver: Any, units: int, parts: int, args: tuple[Any, ...]) -> bool:
    """Whether the driver could be run."""
    address = address_of(kernel, args)
    before = numba.get_num_threads()
    numba.set_num_threads(parts)
    try:
        if _find_layer() != "workqueue":
            driver(address, *args, units, parts)
            return True
        # workqueue ends the process when two threads use it at once.
        if not _alone.acquire(blocking=False):
            return False
        try:
            driver(address, *args, units, parts)
        finally:
            _alone.release()
        return True
    finally:
        numba.set_num_threads(before)
