"""The cells of the scoreboard for pytest-benchmark: one benchmark per cell and library that is installed."""

import importlib.util

import pytest

import fastnn
from fastnn.bench import rivals
from fastnn.bench.cases import all_cases
from fastnn.bench.measure import check, fastest
from fastnn.bench.rivals import ours

# With the timing switched off, as in the tests, only small cells of what is always there run: once, for the answer.
SMALL_BYTES = 1 << 20
LIBRARIES = ("fastnn", "numpy", "torch", "onnxruntime", "openvino", "jax", "sklearn", "keras")


def pytest_generate_tests(metafunc):
    """A module's OPS decide its cells."""
    if "cell" not in metafunc.fixturenames:
        return
    option = metafunc.config.getoption
    timed = option("benchmark_enable") or not option("benchmark_disable")
    libraries = LIBRARIES if timed else LIBRARIES[:2]
    metafunc.parametrize(
        "cell",
        [
            pytest.param((case, library), id=f"{case.label.replace(' ', '-')}-{library}")
            for case in all_cases(metafunc.module.OPS)
            for library in libraries
            if importlib.util.find_spec(library) and (timed or case.reads + case.writes <= SMALL_BYTES)
            if not (library == "numpy" and case.op == "packed_dense")
        ],
    )


@pytest.fixture
def run(benchmark, cell):
    """Checks the library's answer for the cell and times its fastest form, on one thread."""
    case, library = cell
    arrays = case.arrays()
    threads = fastnn.get_num_threads()
    fastnn.set_num_threads(1)
    if library == "fastnn":
        forms = [ours.entry(case, arrays)]
    else:
        rival = rivals.load(library)
        rival.set_threads(1)
        forms = rival.entries(case, arrays, 1)
    if not forms:
        pytest.skip(f"{library} does not offer {case.op} in {case.dtype}")
    answer = case.answer(arrays)
    for form in forms:
        assert check(case, form, answer) is None
    entry = fastest(forms, 1e-4)
    benchmark.group = case.label
    benchmark.extra_info["steps"] = entry.units

    def call():
        with entry.context():
            benchmark(entry.call)

    yield call
    fastnn.set_num_threads(threads)
