"""The benchmark suite: fastnn against the libraries people use, cell by cell, and against what the machine can do.

`fastnn bench` (or `python -m fastnn bench`) runs it; bench/ offers the same cases to pytest-benchmark. `fastnn growth`
times fastnn alone, while one size after the other is doubled.
"""

from fastnn.bench.cases import OPS, Case, all_cases
from fastnn.bench.results import Board, Result

__all__ = ["OPS", "Board", "Case", "Result", "all_cases"]
