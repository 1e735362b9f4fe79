"""What the cuda backend lacks on this machine, found without importing numba and without starting CUDA."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys

NO_PACKAGE = "the cuda backend needs the package numba-cuda; install it with `pip install 'fastnn-kernels[cuda]'`"
NO_DRIVER = "the cuda backend needs NVIDIA's driver, which is not installed here ({} cannot be loaded)"
NO_DEVICE = "the cuda backend needs an NVIDIA GPU, and the driver finds none here"
# By is_simulated().
PLACE = {False: "on the GPU", True: "in numba-cuda's simulator"}

_WINDOWS = sys.platform == "win32"
DRIVER = "nvcuda.dll" if _WINDOWS else "libcuda.so.1"
MANAGEMENT = "nvml.dll" if _WINDOWS else "libnvidia-ml.so.1"


def missing() -> str | None:
    """The sentence that says what is missing, or None: then the backend can be used, at least in the simulator."""
    if importlib.util.find_spec("numba_cuda") is None:
        return NO_PACKAGE
    return None if is_simulated() else _missing_hardware()


def is_simulated() -> bool:
    """Whether NUMBA_ENABLE_CUDASIM asks for the simulator."""
    # Numba's own rule for its switches: an integer that is not 0.
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0").strip() not in ("", "0")


@functools.cache
def _missing_hardware() -> str | None:
    if _library(DRIVER) is None:
        return NO_DRIVER.format(DRIVER)
    return NO_DEVICE if _count() == 0 else None


def _library(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _count() -> int | None:
    """How many GPUs there are; None where that cannot be told."""
    # From the management library: asking CUDA itself would start it, and a process that has done so cannot fork.
    nvml = _library(MANAGEMENT)
    if nvml is None or nvml.nvmlInit_v2() != 0:
        return None
    count = ctypes.c_uint(0)
    status = nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    nvml.nvmlShutdown()
    return count.value if status == 0 else None
