"""The thread pool seen from Python: several callers at once, fork, multiprocessing, the end of the interpreter.

Matches the C++ suite test_threads.cpp. What could hang or crash runs in a process of its own, under a time limit.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

import fastnn

# A product of 17 MFLOP and a softmax of 260,000 elements: enough work for several threads.
SETUP = """
import os, sys, threading, warnings
import numpy as np
import fastnn

x = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32)
z = np.random.default_rng(1).standard_normal((256, 1024), dtype=np.float32)

def compute():
    return fastnn.dense(x, x, None, "relu").tobytes() + fastnn.softmax(z).tobytes()

fastnn.set_num_threads(1)
expected = compute()
fastnn.set_num_threads(3)
assert compute() == expected
# Python 3.12 and later warn about a fork in a process with threads.
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run_after_setup(code: str) -> None:
    done = run(SETUP + textwrap.dedent(code))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def at_once(calls: list[Callable[[], None]]) -> None:
    """Runs the calls in a thread each, all released together."""
    barrier = threading.Barrier(len(calls))
    errors: list[BaseException] = []

    def body(call: Callable[[], None]) -> None:
        barrier.wait()
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=body, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_several_python_threads_get_right_results(threads: int) -> None:
    rng = np.random.default_rng(2)
    inputs = [rng.standard_normal((200 + 8 * i, 256), dtype=np.float32) for i in range(4)]
    w = rng.standard_normal((256, 192), dtype=np.float32)
    fastnn.set_num_threads(1)
    products = [fastnn.dense(x, w) for x in inputs]
    rows = [fastnn.softmax(product) for product in products]
    fastnn.set_num_threads(threads)

    def caller(i: int) -> Callable[[], None]:
        def body() -> None:
            for _ in range(50):
                y = fastnn.dense(inputs[i], w)
                assert np.array_equal(y, products[i])
                assert np.array_equal(fastnn.softmax(y), rows[i])

        return body

    at_once([caller(i) for i in range(4)])


def test_the_thread_count_changes_while_others_compute() -> None:
    before = fastnn.get_num_threads()
    x = np.random.default_rng(3).standard_normal((256, 256), dtype=np.float32)
    expected = fastnn.dense(x, x)
    done = threading.Event()

    def compute() -> None:
        try:
            for _ in range(200):
                assert np.array_equal(fastnn.dense(x, x), expected)
        finally:
            done.set()

    def change() -> None:
        n = 0
        while not done.is_set():
            n = n % 5 + 1
            fastnn.set_num_threads(n)

    try:
        at_once([compute, change])
    finally:
        fastnn.set_num_threads(before)


def test_the_gil_is_released() -> None:
    x = np.random.default_rng(4).standard_normal((768, 768), dtype=np.float64)
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.0002)

    ticker = threading.Thread(target=tick)
    ticker.start()
    before = ticks
    for _ in range(10):
        fastnn.dense(x, x)
    during = ticks - before
    done.set()
    ticker.join()
    assert during >= 10


@needs_fork
def test_fork_after_and_while_computing() -> None:
    run_after_setup(
        """
        stop = threading.Event()
        def keep_busy():
            while not stop.is_set():
                compute()
        other = threading.Thread(target=keep_busy)
        other.start()
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if all(compute() == expected for _ in range(20)) else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        other.join()
        assert compute() == expected
        """
    )


@needs_fork
def test_a_child_forks_again() -> None:
    run_after_setup(
        """
        child = os.fork()
        if child == 0:
            good = compute() == expected
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if compute() == expected else 1)
            good = os.waitpid(grandchild, 0)[1] == 0 and compute() == expected and good
            os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        """
    )


MULTIPROCESSING = """
import multiprocessing
import numpy as np
import fastnn

def work(seed):
    x = np.random.default_rng(seed).standard_normal((256, 256), dtype=np.float32)
    return fastnn.softmax(fastnn.dense(x, x)).tobytes()

if __name__ == "__main__":
    import sys, warnings
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
    fastnn.set_num_threads(3)
    expected = [work(seed) for seed in range(6)]
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert pool.map(work, range(6)) == expected
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", [pytest.param("fork", marks=needs_fork), "spawn"])
def test_multiprocessing(method: str, tmp_path: os.PathLike[str]) -> None:
    script = os.path.join(tmp_path, "script.py")
    with open(script, "w") as file:
        file.write(MULTIPROCESSING)
    done = subprocess.run(
        [sys.executable, "-W", "error", script, method],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ending", ["", "sys.exit(0)", "os._exit(0)"])
def test_the_interpreter_ends_while_daemon_threads_compute(ending: str) -> None:
    run_after_setup(
        f"""
        import time
        def keep_busy():
            big = np.ones((1024, 1024), np.float32)
            while True:
                fastnn.dense(big, big)
        for _ in range(2):
            threading.Thread(target=keep_busy, daemon=True).start()
        time.sleep(0.2)
        {ending}
        """
    )


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_signals_reach_the_main_thread() -> None:
    run_after_setup(
        """
        import signal
        seen = []
        signal.signal(signal.SIGINT, lambda *_: seen.append(threading.current_thread() is threading.main_thread()))
        for _ in range(20):
            os.kill(os.getpid(), signal.SIGINT)
            assert compute() == expected
        assert seen and all(seen)
        """
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_workers_sleep_when_there_is_nothing_to_do() -> None:
    run_after_setup(
        """
        import time
        compute()
        time.sleep(0.05)
        before = time.process_time()
        time.sleep(1)
        assert time.process_time() - before < 0.1
        """
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_no_thread_is_started_before_it_is_needed() -> None:
    done = run(
        "import os, fastnn, numpy\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "fastnn.softmax(numpy.ones((2, 3)))\n"
        "fastnn.set_num_threads(3)\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
        "x = numpy.ones((512, 512))\n"
        "fastnn.dense(x, x)\n"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    assert done.stdout.split() == ["0", "2"], done.stderr


COUNT = "import fastnn; print(fastnn.get_num_threads())"


@pytest.mark.parametrize(
    ("ours", "openmp", "count"),
    [("3", "", 3), ("3", "2", 3), ("", "2", 2), (" 5 ", "", 5), ("", "4,2", 4), ("1", "", 1), ("9999999999", "", 1024)],
)
def test_the_environment_sets_the_thread_count(ours: str, openmp: str, count: int) -> None:
    done = run(COUNT, FASTNN_NUM_THREADS=ours, OMP_NUM_THREADS=openmp)
    assert done.stdout.strip() == str(count), done.stderr


@pytest.mark.parametrize("value", ["0", "-1", "two", "2.5", "1e3", "0x2", "3 4"])
def test_a_bad_thread_count_is_an_error_at_import(value: str) -> None:
    done = run(COUNT, FASTNN_NUM_THREADS=value)
    assert done.returncode != 0
    assert f"FASTNN_NUM_THREADS must be a positive integer, got '{value}'" in done.stderr


@pytest.mark.parametrize("value", ["0", "-1", "many", ""])
def test_a_bad_thread_count_for_openmp_is_ignored(value: str) -> None:
    done = run(COUNT, FASTNN_NUM_THREADS="", OMP_NUM_THREADS=value)
    assert int(done.stdout) >= 1, done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity to set")
def test_the_affinity_limits_the_default() -> None:
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); " + COUNT
    assert run(code, FASTNN_NUM_THREADS="", OMP_NUM_THREADS="").stdout.strip() == "1"


def test_more_threads_than_rows_or_cores(threads: int) -> None:
    x = np.random.default_rng(5).standard_normal((2, 4096), dtype=np.float32)
    w = np.random.default_rng(6).standard_normal((4096, 600), dtype=np.float32)
    fastnn.set_num_threads(1)
    expected = fastnn.dense(x, w)
    fastnn.set_num_threads(16 * threads)
    assert np.array_equal(fastnn.dense(x, w), expected)
