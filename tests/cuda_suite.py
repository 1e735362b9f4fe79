"""Runs tests of this folder over the cuda backend in a process of its own, and counts what became of them.

In a process of its own, because Numba decides at its import whether CUDA is simulated.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
# Every file whose tests take the fixture `backend`, or the engines of network_cases and sequential_models, with a
# number of tests that must pass there: what the simulator cannot do in time is skipped, and must not become everything.
# But network_oracle, whose hundred steps take a minute: test_cuda_simulator.py has a few of them.
OPERATIONS = {
    "activation": 410,
    "bad_input": 199,
    "cross_entropy": 900,
    "dense": 90,
    "layouts": 230,
    "loss": 450,
    "optimizer": 115,
    "random": 51,
    "softmax": 1100,
    "cuda_operations": 90,
    "cuda_products": 74,
    "cuda_bench": 14,
}
NETWORKS = {
    "fit": 30,
    "fit_callbacks": 9,
    "losses_network": 34,
    "network_bad_input": 12,
    "network_engines": 55,
    "network_generic": 2,
    "saving": 5,
    "sequential": 14,
}


# One thread of Python at a time: the simulator skips a test that takes too long in the thread that began it only.
WITHOUT = "not threads_may_predict and not disturb_each_other"


@dataclass
class Outcome:
    """What became of the tests: how many passed, the reasons of those skipped, and what pytest printed."""

    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    output: str = ""

    def require_success(self, at_least: int) -> None:
        """Fails unless so many tests passed and none failed."""
        assert self.failed == 0, self.output
        assert self.passed >= at_least, f"{self.passed} passed, {dict(self.skipped)} skipped\n{self.output}"


def run(
    nouns: tuple[str, ...], folder: Path, *, only: str = "cuda", environment: dict[str, str], timeout: float = 7200
) -> Outcome:
    """Runs the tests over the cuda backend in test_<noun>.py whose names fit `only`; folder takes the report."""
    report = folder / "report.xml"
    files = [os.fspath(FOLDER / f"test_{noun}.py") for noun in nouns]
    command = [
        sys.executable,
        "-m",
        "pytest",
        *files,
        "-q",
        "-k",
        only,
        "-m",
        "not slow and not gpu",
        f"--junitxml={report}",
    ]
    done = subprocess.run(
        [*command, f"--junitxml={report}", "-p", "no:cacheprovider", "--tb=short", "-r", "fE"],
        env={**os.environ, "FASTNN_TEST_BACKENDS": "cuda", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        | environment,
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    outcome = Outcome(output=(done.stdout + done.stderr)[-20_000:])
    assert report.exists(), outcome.output
    for case in ElementTree.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        elif skipped is not None:
            outcome.skipped[re.sub(r"\s+", " ", skipped.get("message", ""))] += 1
        else:
            outcome.passed += 1
    return outcome
