"""Whether a backend can be used in this process: the tests that need it are skipped with the reason if not."""

from __future__ import annotations

import functools
import importlib.util
import os

import pytest

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"


@functools.cache
def why_not_cuda() -> str | None:
    """Why the cuda backend cannot be used here, or None. In the simulator its threads become greenlets."""
    from fastnn.backends import gpu

    reason = gpu.missing()
    if reason is not None or not SIMULATED:
        return reason
    if importlib.util.find_spec("greenlet") is None:
        return "tests in the CUDA simulator need greenlet"
    import cuda_simulator

    cuda_simulator.install()
    return None


def require(backend: str) -> None:
    """Skips the running test if its backend cannot be used. In the CUDA simulator the test's time starts now."""
    if backend == "numba":
        pytest.importorskip("numba", reason="the numba backend needs numba")
    if backend == "cuda":
        reason = why_not_cuda()
        if reason is not None:
            pytest.skip(reason)
        if SIMULATED:
            import cuda_simulator

            cuda_simulator.SIMULATION.start_test()
