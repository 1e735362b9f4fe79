"""The operation suite over the cuda backend in Numba's CUDA simulator, in a process of its own.

Everything is slow but a selection: one test of each operation, in the order of the threads' numbers.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cuda_suite
import pytest

MISSING = [name for name in ("numba_cuda", "greenlet") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the CUDA simulator needs {' and '.join(MISSING)}")

# A test that needs more seconds of the processor than this is skipped: products of hundreds of rows and columns.
SECONDS = "10"


def simulated(
    *nouns: str, folder: Path, only: str = "cuda", order: str = "", seconds: str = SECONDS
) -> cuda_suite.Outcome:
    """Runs tests in the simulator, the threads of a block in the order of their numbers or "reversed"."""
    environment = {
        "NUMBA_ENABLE_CUDASIM": "1",
        "FASTNN_TEST_CUDA_SECONDS": seconds,
        "FASTNN_TEST_CUDA_ORDER": order,
    }
    return cuda_suite.run(nouns, folder, only=f"{only} and {cuda_suite.WITHOUT}", environment=environment)


def test_a_call_of_every_operation(tmp_path: Path) -> None:
    outcome = simulated("bad_input", folder=tmp_path, only="cuda and test_good_call")
    outcome.require_success(at_least=60)
    assert not outcome.skipped


@pytest.mark.slow
@pytest.mark.parametrize(("noun", "at_least"), {**cuda_suite.OPERATIONS, **cuda_suite.NETWORKS}.items())
def test_everything(noun: str, at_least: int, tmp_path: Path) -> None:
    simulated(noun, folder=tmp_path).require_success(at_least)


@pytest.mark.slow
def test_trainings_of_a_hundred_steps(tmp_path: Path) -> None:
    only = "cuda and float32 and stored and penalties"
    simulated("network_oracle", folder=tmp_path, only=only, seconds="600").require_success(at_least=4)


@pytest.mark.slow
def test_the_order_of_the_threads_changes_nothing(tmp_path: Path) -> None:
    """Where a barrier is missing, a thread reads what another has not written yet in one of the two orders."""
    only = "good_call or rows_of_every_length or cross_entropy_of_every_length or sums_of_many"
    nouns = ("bad_input", "cuda_operations")
    simulated(*nouns, folder=tmp_path, only=f"cuda and ({only})", order="reversed").require_success(at_least=80)
