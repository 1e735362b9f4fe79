"""Calls fastnn for count.py, which runs this file under callgrind: every small cell in a process of its own.

The processes are forked after the imports, so that a cell finds the same memory and the same interpreter whatever was
counted before it. It prints a line of JSON with the versions, and one for each cell.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys

import numpy as np

import fastnn
from fastnn.bench.cases import Case
from fastnn.bench.measure import sample
from fastnn.bench.rivals import ours

CELLS = (
    ("dense", (1, 64, 64)),
    ("dense", (8, 64, 64)),
    ("packed_dense", (1, 64, 64)),
    ("dense_backward", (1, 64, 64)),
    ("softmax", (1, 10)),
    ("softmax", (32, 10)),
    ("softmax_backward", (1, 10)),
    ("log_softmax", (1, 10)),
    ("cross_entropy_with_grad", (1, 10)),
    ("cross_entropy_with_grad", (32, 10)),
)
# Above 256 for both N and 2 N: Python keeps the smaller integers and would make only the larger one anew.
CALLS = 500
WARM_UP = 20


def versions() -> dict[str, str]:
    """What the counts depend on besides fastnn. Two builds of one Python differ too: one may be optimised more."""
    builder = "the system's" if sys.base_prefix == "/usr" else "not the system's"
    return {
        "compiler": fastnn.show_config()["compiler"],
        "python": f"{platform.python_version()}, {builder}",
        "numpy": np.__version__,
        "libc": " ".join(platform.libc_ver()),
    }


def call(case: Case) -> None:
    """N calls and 2 N calls, with a getppid before, between and after them for callgrind to write its counts at."""
    entry = ours.entry(case, case.arrays())
    for _ in range(WARM_UP):  # the interpreter specialises a function after a few calls and a few loops
        sample(entry, WARM_UP)
    os.getppid()
    sample(entry, CALLS)
    os.getppid()
    sample(entry, 2 * CALLS)
    os.getppid()


def main() -> None:
    """Prints {"versions": ..., "calls": N}, then {"cell": label, "process": id} for each cell."""
    gc.disable()
    print(json.dumps({"versions": versions(), "calls": CALLS}), flush=True)
    for op, shape in CELLS:
        case = Case(op, shape, "f32")
        process = os.fork()
        if process == 0:
            call(case)
            os._exit(0)
        if os.waitpid(process, 0)[1] != 0:
            raise SystemExit(f"{case.label} failed")
        print(json.dumps({"cell": case.label, "process": process}), flush=True)


if __name__ == "__main__":
    main()
