"""Large results without out= own memory that is used again; to the user they are arrays like any other."""

import gc
import os
import threading

import numpy as np
import pytest

import fastnn

ROWS = 9000  # 9000 x 1000 float32 is 34 MiB, above the size from which memory is kept


def large(seed=0):
    return np.random.default_rng(seed).standard_normal((ROWS, 1000), dtype=np.float32)


def test_a_freed_result_is_used_again():
    x = large()
    first = fastnn.relu(x)
    address = first.ctypes.data
    del first
    again = fastnn.relu(x)
    assert again.ctypes.data == address
    assert fastnn.relu(x[: ROWS // 2 + 4000]).ctypes.data != address  # taken: a live result is never handed out


def test_results_are_ordinary_arrays():
    x = large()
    y = fastnn.relu(x)
    assert y.flags.owndata
    assert y.flags.writeable
    assert y.base is None
    view = y[5:, :3]
    expected = np.maximum(x, 0)
    del y
    gc.collect()
    other = fastnn.relu(large(1))
    assert np.array_equal(view, expected[5:, :3])
    assert not np.shares_memory(view, other)


def test_a_result_may_be_resized():
    y = fastnn.relu(large())
    first = y[0].copy()
    y.resize((ROWS // 2, 1000), refcheck=False)
    assert np.array_equal(y[0], first)
    y.resize((2 * ROWS, 1000), refcheck=False)
    assert np.array_equal(y[0], first)
    assert not y[-1].any()


def test_numpy_keeps_its_own_handler():
    multiarray = np._core.multiarray if hasattr(np, "_core") else np.core.multiarray
    before = multiarray.get_handler_name()
    y = fastnn.relu(large())
    assert multiarray.get_handler_name() == before
    assert multiarray.get_handler_name(y) == "fastnn_results"
    assert multiarray.get_handler_name(fastnn.relu(np.ones(5))) == before


def test_threads_never_share_a_result():
    x = large()
    expected = np.maximum(x, 0)
    wrong = []

    def work():
        for _ in range(6):
            y = fastnn.relu(x)
            if not np.array_equal(y, expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads Linux's account of the process's memory")
def test_little_is_kept():
    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    for rows in range(9000, 21000, 1000):
        fastnn.relu(np.ones((rows, 1000), np.float32))
    gc.collect()
    assert resident() - before < 200 << 20
