"""Runs a board: a worker process per thread count, its messages gathered as they come."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import fastnn
from fastnn.bench import limits
from fastnn.bench.cases import Case
from fastnn.bench.results import Board, Result

# Settings that would hold a library back, or fix its threads behind the benchmark's back.
UNSET = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "FASTNN_NUM_THREADS",
)


@dataclass
class Plan:
    """What to run.

    Attributes:
        cases: the cells.
        threads: thread counts; each gets a process of its own, on that many cores.
        rivals: names of rivals.
        rounds: samples of every entry.
        seconds: the least length of a sample.
    """

    cases: list[Case]
    threads: list[int]
    rivals: list[str]
    rounds: int = 11
    seconds: float = 2e-3

    @property
    def cells(self) -> int:
        """How many results a whole run has."""
        return len(self.cases) * len(self.threads)


def run(plan: Plan, board: Board, on_cell: Callable[[str, int], None]) -> None:
    """Fills the board, cell by cell: what has been measured stands there even if the run is interrupted.

    Args:
        plan: what to run.
        board: where the results go.
        on_cell: told the label of each cell that starts, and how many are done.

    Raises:
        RuntimeError: a worker ended before its time, with the last lines it printed.
    """
    board.machine = describe()
    for threads in plan.threads:
        request = {**asdict(plan), "threads": threads}
        with tempfile.TemporaryFile("w+") as log:
            worker = start(request, log)
            try:
                assert worker.stdout is not None
                for line in worker.stdout:
                    take(json.loads(line), board, threads, on_cell)
                if worker.wait() != 0:
                    log.seek(0)
                    tail = "".join(log.readlines()[-8:]).strip()
                    raise RuntimeError(
                        f"the worker for {threads} threads ended with status {worker.returncode}: {tail}"
                    )
            finally:
                worker.kill()
                worker.wait()
                if worker.stdout is not None:
                    worker.stdout.close()
    board.complete = True


def start(request: dict[str, Any], log: Any) -> subprocess.Popen[str]:
    """A worker that has read its request."""
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    # The package that runs now, wherever it lies.
    path = [str(Path(fastnn.__file__).parents[1]), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    worker = subprocess.Popen(
        [sys.executable, "-m", "fastnn.bench.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=environment,
    )
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(request))
    worker.stdin.close()
    return worker


def take(message: dict[str, Any], board: Board, threads: int, on_cell: Callable[[str, int], None]) -> None:
    """Adds a worker's message to the board."""
    if "hello" in message:
        hello = message["hello"]
        board.versions.update(hello["versions"])
        board.absent.update(hello["absent"])
        board.machine.update(blas=hello["blas"], isa=hello["config"]["isa"], compiler=hello["config"]["compiler"])
    elif "probes" in message:
        board.probes.append(message["probes"])
    elif "cell" in message:
        on_cell(f"{message['cell']}, {threads} thread{'' if threads == 1 else 's'}", len(board.results))
    else:
        board.results.append(Result.from_json(message["result"]))


def describe() -> dict[str, Any]:
    """The machine, the software and the moment."""
    return {
        "cpu": limits.processor(),
        "cores": len(limits.allowed_cores()),
        "caches": limits.cache_sizes(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def commit() -> str | None:
    """The git commit that the package lies in, None outside a repository."""
    command = ["git", "-C", str(Path(fastnn.__file__).resolve().parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
