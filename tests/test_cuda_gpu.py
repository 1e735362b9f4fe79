"""The cuda backend on a GPU: the suite that the simulator runs, and the scoreboard. Skipped without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cuda_suite
import numpy as np
import pytest

from fastnn.backends import gpu

REASON = gpu.missing()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(REASON is not None, reason=str(REASON))]


EVERYTHING = {**cuda_suite.OPERATIONS, **cuda_suite.NETWORKS, "network_oracle": 200}


@pytest.mark.parametrize(("noun", "at_least"), EVERYTHING.items())
def test_everything(noun: str, at_least: int, tmp_path: Path) -> None:
    environment = {"NUMBA_ENABLE_CUDASIM": "0"}
    cuda_suite.run((noun,), tmp_path, environment=environment).require_success(at_least)


@pytest.mark.parametrize("operation", ["dense", "dense_backward", "softmax", "cross_entropy_with_grad"])
def test_the_scoreboard_times_it(operation: str, tmp_path: Path) -> None:
    """Its answers are checked there before they are timed."""
    command = [sys.executable, "-m", "fastnn", "bench", "--quick", "--rivals", "cuda_backend", "--op", operation]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "board.json")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "cuda_backend" in (tmp_path / "board.json").read_text()


def test_work_is_queued_on_the_stream_of_the_arrays() -> None:
    from numba import cuda

    import fastnn

    stream = cuda.stream()
    x = cuda.to_device(np.ones((1 << 12, 1 << 12), np.float32), stream=stream)
    y = fastnn.softmax(x, backend="cuda")
    assert y.stream is stream or int(y.stream.handle) == int(stream.handle)
    stream.synchronize()
    np.testing.assert_allclose(y.copy_to_host(), np.full((1 << 12, 1 << 12), 1 / (1 << 12), np.float32), rtol=1e-6)
