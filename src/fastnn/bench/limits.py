"""What this machine can do at best, and so how fast a cell can be at all."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import fastnn
from fastnn import _fastnn
from fastnn.bench.cases import DTYPES, Case
from fastnn.bench.measure import Entry, calibrate, rest, sample

# Allowed on top of the work itself: a Python call with its checks.
CALL_SECONDS = 0.3e-6


@dataclass
class Level:
    """A level of the memory: how much it holds for all threads together, and its rates in bytes a second."""

    name: str
    holds: float
    read: float
    copy: float


@dataclass
class Machine:
    """Rates measured at one thread count: per dtype FLOPs and exponentials a second, per level bytes a second."""

    threads: int
    fma: dict[str, float]
    exp: dict[str, float]
    levels: list[Level]
    empty_call: float

    def to_json(self) -> dict[str, Any]:
        """As plain dicts and lists."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Machine:
        """The inverse of to_json."""
        levels = [Level(**level) for level in data["levels"]]
        return cls(data["threads"], data["fma"], data["exp"], levels, data["empty_call"])


def cache_sizes() -> dict[str, int]:
    """Bytes of one core's L1 data and L2 cache and of the L3, as Linux tells them; common sizes elsewhere."""
    sizes = {"L1": 32 << 10, "L2": 1 << 20, "L3": 16 << 20}
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            kind, level = (index / "type").read_text().strip(), (index / "level").read_text().strip()
            size = (index / "size").read_text().strip()
        except OSError:
            continue
        if kind != "Instruction" and f"L{level}" in sizes and size[-1:] in units and size[:-1].isdecimal():
            sizes[f"L{level}"] = int(size[:-1]) * units[size[-1]]
    return sizes


def probe(dtypes: list[str]) -> Machine:
    """Measures the machine with as many threads as fastnn is set to use. Takes about half a second."""
    threads = fastnn.get_num_threads()
    rest()
    caches = cache_sizes()
    held = {"L1": caches["L1"] * threads, "L2": caches["L2"] * threads, "L3": caches["L3"]}
    levels = []
    below = 0
    for name, holds in held.items():
        # In the middle between this level's size and the one's before it: nothing of it would fit there.
        size = max((holds + min(below, holds)) // 2, 1024)
        levels.append(Level(name, holds, _fastnn.probe_read(size), _fastnn.probe_copy(size, False)))
        below = holds
    size = max(4 * caches["L3"], 128 << 20)
    copy = max(_fastnn.probe_copy(size, True), _fastnn.probe_copy(size, False))
    levels.append(Level("DRAM", float("inf"), _fastnn.probe_read(size), copy))
    # Twice: a neighbour who takes a core for the moment would halve what two threads can do.
    return Machine(
        threads,
        {name: max(_fastnn.probe_fma(DTYPES[name]) for _ in range(2)) for name in dtypes},
        {name: max(_fastnn.probe_exp(DTYPES[name]) for _ in range(2)) for name in dtypes},
        levels,
        empty_call(),
    )


def empty_call() -> float:
    """Seconds of the smallest call: the softmax of nothing, with out=."""
    x = np.empty((0, 1), np.float32)
    out = np.empty_like(x)
    entry = Entry(lambda: fastnn.softmax(x, out=out), lambda _: ())
    repeats = calibrate(entry, 1e-3)
    return min(sample(entry, repeats) for _ in range(7))


def limit(case: Case, machine: Machine) -> tuple[float, str]:
    """The least seconds that the machine allows for a cell, and what sets them ("fma", "exp", "L2", "DRAM" ...).

    The largest of FLOPs / fma peak, exponentials / exp rate and bytes / bandwidth of the level that all of the cell's
    arrays come from, plus 0.3 us for each call. Where at least a quarter of the bytes is written, the bandwidth is that
    of a copy, else that of reading.
    """
    cost = case.cost
    traffic = cost.reads + cost.writes
    level = next(level for level in machine.levels if cost.kept <= level.holds)
    rate = level.copy if cost.writes * 4 >= traffic else level.read
    bounds = {
        "fma": cost.flops / machine.fma[case.dtype],
        "exp": cost.exps / machine.exp[case.dtype],
        level.name: traffic / rate,
    }
    name = max(bounds, key=lambda bound: bounds[bound])
    call = CALL_SECONDS * cost.calls
    return bounds[name] + call, "call" if bounds[name] < call else name


def processor() -> str:
    """The processor's name, as Linux or the platform module tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    import platform

    return platform.processor() or platform.machine()


def allowed_cores() -> list[int]:
    """The processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
