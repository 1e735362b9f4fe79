"""Timing: every entry of a cell in turn, round after round, so that all of them meet the same disturbances."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastnn.bench.cases import OPS, Array, Case


@dataclass
class Entry:
    """One way to compute a cell.

    Attributes:
        call: computes.
        outputs: gives what is to be checked as NumPy arrays, from what call returned.
        context: surrounds the calls.
        units: how many times a call does the cell: the steps of a run of steps.
    """

    call: Callable[[], Any]
    outputs: Callable[[Any], tuple[Array, ...]]
    context: Callable[[], AbstractContextManager[Any]] = field(default=nullcontext)
    units: int = 1


def check(case: Case, entry: Entry, answer: tuple[Array, ...]) -> str | None:
    """Runs the entry once. None if the answer is right, else a sentence that says what is wrong with it."""
    with entry.context():
        got = entry.outputs(entry.call())
    if len(got) != len(answer):
        return f"{len(got)} results instead of {len(answer)}"
    got = tuple(np.asarray(value, np.float64) for value in got)
    for index, (value, want) in enumerate(zip(got, answer, strict=True)):
        if value.shape != np.shape(want):
            return f"result {index} has shape {value.shape} instead of {np.shape(want)}"
    judge = OPS[case.op].judge
    if judge is not None:
        return judge(got, answer)
    for index, (value, want) in enumerate(zip(got, answer, strict=True)):
        error = float(np.max(np.abs(value - want), initial=0.0))
        allowed = case.tolerance() * max(float(np.max(np.abs(want), initial=0.0)), 1e-30)
        if not error <= allowed:
            return f"result {index} is off by {error:.3g}, allowed are {allowed:.3g}"
    return None


def sample(entry: Entry, repeats: int) -> float:
    """Seconds of the cell, the mean of `repeats` calls in a row."""
    call = entry.call
    turns = itertools.repeat(None, repeats)
    with entry.context():
        start = time.perf_counter()
        for _ in turns:
            call()
        return (time.perf_counter() - start) / (repeats * entry.units)


def calibrate(entry: Entry, seconds: float) -> int:
    """How many calls make a sample of at least `seconds`. Warms the entry up as well."""
    repeats = 1
    while True:
        took = sample(entry, repeats) * repeats * entry.units
        if took >= seconds:
            return repeats
        repeats = max(repeats * 2, int(repeats * min(seconds / max(took, 1e-9), 100.0)))


def fastest(entries: list[Entry], seconds: float) -> Entry:
    """The best of a rival's usual forms, from a short trial."""
    if len(entries) == 1:
        return entries[0]
    repeats = [calibrate(entry, seconds) for entry in entries]
    best = [min(sample(entry, n) for _ in range(3)) for entry, n in zip(entries, repeats, strict=True)]
    return entries[best.index(min(best))]


# The threads of a library go on spinning after its call: OpenBLAS's for 25 ms, ONNX Runtime's for 50 (Zen 4, 2 cores).
# Whoever is timed next would share a core with them.
REST_SECONDS = 0.005
REST_MOST_SECONDS = 0.3


def rest() -> None:
    """Sleeps until no thread of the process computes any more, for 0.3 s at the most."""
    end = time.perf_counter() + REST_MOST_SECONDS
    while True:
        before = time.process_time()
        time.sleep(REST_SECONDS)
        if time.process_time() - before < REST_SECONDS / 5 or time.perf_counter() > end:
            return


def measure(
    entries: dict[str, Entry], rounds: int, seconds: float, between: Callable[[], None] = rest
) -> dict[str, list[float]]:
    """Samples of every entry, `rounds` of them each, interleaved: A B C, A B C ...

    Before a sample the entry runs untimed for a quarter of one.

    Args:
        entries: name -> entry, answers already checked.
        rounds: samples per entry.
        seconds: the least length of a sample.
        between: called before every entry's turn.
    """
    repeats = {name: calibrate(entry, seconds) for name, entry in entries.items()}
    samples: dict[str, list[float]] = {name: [] for name in entries}
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, entry in entries.items():
                between()
                sample(entry, (repeats[name] + 3) // 4)
                samples[name].append(sample(entry, repeats[name]))
    finally:
        if collects:
            gc.enable()
    return samples
