"""The fixtures that every test file may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import availability
import isa as isas
import numpy as np
import pytest

import fastnn

# Those of a comma list, FASTNN_TEST_BACKENDS=numba, or all that need no GPU. The cuda backend runs on one, or with
# NUMBA_ENABLE_CUDASIM=1 in the simulator: see test_cuda_simulator.py.
BACKENDS = os.environ.get("FASTNN_TEST_BACKENDS", ",".join(["reference", "native", "numba"])).split(",")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a backend, which is also the one in use."""
    availability.require(request.param)
    with fastnn.use_backend(request.param):
        yield request.param


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Ctrl-C is heard: what a shell runs in its background ignores it, and the tests of it would wait for ever."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def cuda() -> None:
    """Where the cuda backend is tested, also by way of networks, the simulator is ready and a test has its time."""
    if BACKENDS == ["cuda"]:
        availability.require("cuda")


@pytest.fixture(params=isas.AVAILABLE)
def isa(request: pytest.FixtureRequest) -> str:
    """An instruction set of this processor; see isa.run_isa."""
    return str(request.param)


@pytest.fixture(params=[1, 2, 3, 4])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """The number of threads in use."""
    before = fastnn.get_num_threads()
    fastnn.set_num_threads(request.param)
    yield request.param
    fastnn.set_num_threads(before)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> np.dtype:
    """A dtype that the kernels have."""
    return np.dtype(request.param)


@pytest.fixture
def native() -> Iterator[str]:
    """The native backend, in use."""
    with fastnn.use_backend("native"):
        yield "native"
