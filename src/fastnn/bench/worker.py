"""The process that measures: one per thread count, since some libraries fix their threads when they are loaded.

It reads a JSON request from standard input and writes a JSON object a line to standard output:
{"hello": ...} once, {"probes": ...} once, {"cell": label} before and {"result": ...} after every cell.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from fastnn.bench import limits


def main() -> None:
    """Serves one request."""
    # Whatever a library prints goes to standard error: the lines on standard output are ours alone.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.read())
    threads = int(request["threads"])
    cores = limits.allowed_cores()[:threads]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    serve(request, threads, lines)


def serve(request: dict[str, Any], threads: int, lines: TextIO) -> None:
    """Measures the cells of a request, in their order."""
    import fastnn
    from fastnn.bench import measure, rivals
    from fastnn.bench.cases import DTYPES, Case
    from fastnn.bench.results import OURS, Result
    from fastnn.bench.rivals import ours

    def say(**message: Any) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    fastnn.set_num_threads(threads)
    blas_in_use = blas()  # before others load theirs
    loaded: dict[str, rivals.Rival] = {}
    absent: dict[str, str] = {}
    for name in request["rivals"]:
        try:
            loaded[name] = rivals.load(name)
            loaded[name].set_threads(threads)
        except ImportError as error:
            absent[name] = str(error)
    versions = {OURS: fastnn.__version__, **{name: rival.VERSION for name, rival in loaded.items()}}
    say(hello={"versions": versions, "absent": absent, "blas": blas_in_use, "config": dict(fastnn.show_config())})
    machine = limits.probe(list(DTYPES))
    say(probes=machine.to_json())
    seconds, rounds = float(request["seconds"]), int(request["rounds"])
    for data in request["cases"]:
        case = Case.from_json(data)
        say(cell=case.label)
        arrays = case.arrays()
        answer = case.answer(arrays)
        entries, wrong = {}, {}
        for name in (OURS, *loaded):
            forms = [ours.entry(case, arrays)] if name == OURS else loaded[name].entries(case, arrays, threads)
            right = []
            for form in forms:
                problem = measure.check(case, form, answer)
                if problem is None:
                    right.append(form)
                else:
                    wrong[name] = problem
            if right:
                entries[name] = measure.fastest(right, seconds / 2)
        del answer
        samples = measure.measure(entries, rounds, seconds)
        bound, why = limits.limit(case, machine)
        say(result=Result(case, threads, samples, wrong, bound, why).to_json())


def blas() -> str:
    """The BLAS that NumPy uses and the kernels it chose, as threadpoolctl sees them."""
    try:
        import threadpoolctl
    except ImportError:
        return "unknown (threadpoolctl is not installed)"
    found = [info for info in threadpoolctl.threadpool_info() if info.get("user_api") == "blas"]
    return ", ".join(f"{i['internal_api']} {i.get('version')} {i.get('architecture', '')}".strip() for i in found)


if __name__ == "__main__":
    main()
