"""How everything in this package is compiled, in one place, and the sentence for a missing Numba."""

from __future__ import annotations

from typing import Any

try:
    import numba
except ImportError as error:
    raise ImportError(
        "the numba backend needs the package numba; install it with `pip install 'fastnn-kernels[numba]'`"
    ) from error

# No fastmath, not even contraction: every fused multiply-add is written out (simd.fma), so that the bits of an element
# do not depend on what LLVM makes of the code around it.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}

kernel: Any = numba.njit(cache=True, **_OPTIONS)
"""Decorates a function that Python or a user's compiled code calls."""

parallel: Any = numba.njit(cache=True, parallel=True, **_OPTIONS)
"""Decorates a driver that splits a kernel over Numba's threads."""

inlined: Any = numba.njit(forceinline=True, **_OPTIONS)
"""Decorates a piece that becomes part of every kernel that calls it."""
