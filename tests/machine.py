"""A made-up machine, for what the benchmark works out from a machine's rates."""

import math

from fastnn.bench import limits

MACHINE = limits.Machine(
    threads=1,
    fma={"f32": 100e9, "f64": 50e9},
    exp={"f32": 5e9, "f64": 1e9},
    levels=[
        limits.Level("L1", 32e3, 200e9, 200e9),
        limits.Level("L2", 1e6, 100e9, 100e9),
        limits.Level("L3", 32e6, 80e9, 60e9),
        limits.Level("DRAM", math.inf, 20e9, 30e9),
    ],
    empty_call=2e-7,
)
