"""The errors of the float64 functions on random samples, against mpmath with 120 bits.

python tools/accuracy/float64.py PROGRAM [ISA] [SAMPLES], where PROGRAM is the built fastnn_accuracy.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

BITS, LOWEST_UNIT = 53, -1074

rng = np.random.default_rng(1)


def evenly(low: float, high: float, samples: int) -> np.ndarray:
    return rng.uniform(low, high, samples)


def by_exponent(low: float, high: float, samples: int, signed: bool = False) -> np.ndarray:
    x = np.exp(rng.uniform(np.log(low), np.log(high), samples))
    return x * rng.choice([-1.0, 1.0], samples) if signed else x


# function -> (exact, ranges of samples)
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[[int], list[np.ndarray]]]] = {
    "exp": (mpmath.exp, lambda n: [evenly(-745, 709.7, n), evenly(-1, 1, n), by_exponent(1e-20, 1, n, True)]),
    "expm1": (mpmath.expm1, lambda n: [evenly(-40, 709.7, n), evenly(-2, 2, n), by_exponent(1e-20, 1, n, True)]),
    "log": (
        mpmath.log,
        lambda n: [
            by_exponent(1e-300, 1e300, n),
            evenly(0.5, 2, n),
            1 + by_exponent(1e-15, 0.5, n, True),
            by_exponent(5e-324, 1e-307, n),
        ],
    ),
    "log1p": (
        mpmath.log1p,
        lambda n: [by_exponent(1e-20, 1e300, n), evenly(-0.9999999, 2, n), by_exponent(1e-20, 0.9, n, True)],
    ),
    "tanh": (mpmath.tanh, lambda n: [evenly(-25, 25, n), evenly(-1, 1, n), by_exponent(1e-20, 1, n, True)]),
    "sigmoid": (
        lambda x: 1 / (1 + mpmath.exp(-x)),
        lambda n: [evenly(-745, 40, n), evenly(-5, 5, n), by_exponent(1e-20, 1, n, True)],
    ),
    "erf": (mpmath.erf, lambda n: [evenly(-6.5, 6.5, n), evenly(-1, 1, n), by_exponent(1e-20, 1, n, True)]),
}


def ulps(got: float, exact: Any) -> float:
    """|got - exact| in units in the last place of the exact value."""
    unit = max(int(mpmath.frexp(exact)[1]) - BITS, LOWEST_UNIT)
    return float(mpmath.ldexp(abs(mpmath.mpf(got) - exact), -unit))


def evaluate(program: str, function: str, isa: str, x: np.ndarray) -> np.ndarray:
    done = subprocess.run([program, "--evaluate", function, isa], input=x.tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, np.float64)


def main(program: str, isa: str = "avx2", samples: str = "20000") -> None:
    mpmath.mp.prec = 120
    print("| function | instruction set | max ULP | at | samples |\n|---|---|---|---|---|")
    for function, (exact, ranges) in FUNCTIONS.items():
        x = np.concatenate(ranges(int(samples)))
        y = evaluate(program, function, isa, x)
        errors = [ulps(float(got), exact(mpmath.mpf(float(at)))) for at, got in zip(x, y, strict=True)]
        worst = int(np.argmax(errors))
        print(f"| {function} | {isa} | {errors[worst]:.3f} | {float(x[worst]).hex()} | {x.size} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
