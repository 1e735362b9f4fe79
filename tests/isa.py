"""Running native code under another instruction set: the choice is made once a process, so that takes a new one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fastnn

AVAILABLE: list[str] = fastnn.show_config()["isas"]


def run_isa(isa: str, code: str, **environment: str) -> str:
    """What the Python code prints in a new process under FASTNN_ISA=isa; modules beside this file can be imported."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "FASTNN_ISA": isa, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"FASTNN_ISA={isa} gave {done.returncode}\n{done.stderr}"
    return done.stdout
