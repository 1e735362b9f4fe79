"""fit's peak memory: the data are neither copied nor converted as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
import fastnn
from fastnn.layers import Dense
rows, inputs = 20000, 784
x = np.zeros((rows, inputs), np.{dtype})
x[:] = 1
y = np.arange(rows) % 10
model = fastnn.Sequential([fastnn.Input((inputs,)), Dense(256, "relu"), Dense(10, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(name))
with open("/proc/self/clear_refs", "w") as file:  # the peak counts from here
    file.write("5")
before = status("VmRSS")
model.fit(x, y, epochs=2, verbose=0)
print(status("VmHWM") - before, model.count_params() * 4)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_fit_needs_little_more_than_the_data(dtype: str) -> None:
    """At most 8 times the parameters and 16 MiB beside the data."""
    command = [sys.executable, "-c", SCRIPT.format(dtype=dtype)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    growth, parameters = map(int, done.stdout.split())
    assert growth <= 8 * parameters + (16 << 20)
