"""Run by an emulated processor: fastnn must import there, choose the instruction set it has, and be right.

qemu-x86_64 -cpu Haswell python tests/emulated/check_import.py avx2        the bits of golden.txt
qemu-x86_64 -cpu Nehalem python tests/emulated/check_import.py generic     right within a tolerance
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))


def refuses(isa: str) -> bool:
    """Whether FASTNN_ISA=isa makes the import an ImportError that says so, for a processor without it.

    In a fork, as the choice is made once a process; a new process would not be emulated.
    """
    child = os.fork()
    if child == 0:
        os.environ["FASTNN_ISA"] = isa
        try:
            import fastnn  # noqa: F401
        except ImportError as error:
            print(error, flush=True)
            os._exit(0 if "FASTNN_ISA" in str(error) and repr(isa) in str(error) else 1)
        os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


if sys.argv[1:] == ["generic"] and not refuses("avx2"):
    sys.exit("FASTNN_ISA=avx2 should have been an ImportError")

import golden  # noqa: E402

import fastnn  # noqa: E402

# Emulation is slow, so the large cases are left out here; the C++ tests have them all.
MOST_ELEMENTS = 20_000
FLOAT32_TOLERANCE, FLOAT64_TOLERANCE = 2e-5, 1e-12


def is_small(name: str) -> bool:
    product = 1
    for word in name.split("/")[2:]:
        product *= max(int(word), 1) if word.isdigit() else 1
    return product <= MOST_ELEMENTS


def same_bits(name: str) -> bool:
    return golden.digest_of(name) == golden.recorded()[name]


def close_to_reference(name: str) -> bool:
    """Whether the native results are those of the reference, as near as the size of the results allows."""
    with fastnn.use_backend("native"):
        native = golden.results(name)
    with fastnn.use_backend("reference"):
        reference = golden.results(name)
    tolerance = FLOAT32_TOLERANCE if "/float32" in name else FLOAT64_TOLERANCE
    return all(is_close(a, b, tolerance) for a, b in zip(native, reference, strict=True))


def is_close(result: Any, expected: Any, tolerance: float) -> bool:
    finite = np.abs(expected, where=np.isfinite(expected), out=np.zeros(np.shape(expected)))
    return bool(np.allclose(result, expected, rtol=tolerance, atol=tolerance * np.max(finite, initial=0.0)))


def main(expected_isa: str) -> int:
    """1 if something is wrong."""
    config = fastnn.show_config()
    print(f"numpy {np.__version__}, isa {config['isa']} of {config['isas']}", flush=True)
    if config["isa"] != expected_isa:
        print(f"expected {expected_isa}")
        return 1
    check = close_to_reference if expected_isa == "generic" else same_bits
    names = [name for name in golden.names() if is_small(name)]
    wrong = [name for name in names if not check(name)]
    print(*wrong, f"{len(wrong)} of {len(names)} cases are wrong", sep="\n")
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
