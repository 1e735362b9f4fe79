"""The scoreboard's entry of the cuda backend: its answers are right. Runs on a GPU, or in the simulator."""

from __future__ import annotations

import availability
import pytest

from fastnn.bench import cases, measure, rivals
from fastnn.bench.cases import Case


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("op", [op for op in cases.OPS if not Case(op, cases.OPS[op].shapes[0], "f32").is_network])
def test_answers(op: str, dtype: str) -> None:
    availability.require("cuda")
    case = Case(op, (5, 7, 9)[: len(cases.OPS[op].shapes[0])], dtype)
    arrays = case.arrays()
    (entry,) = rivals.load("cuda_backend").entries(case, arrays, 1)
    assert measure.check(case, entry, case.answer(arrays)) is None
