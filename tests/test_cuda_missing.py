"""What the cuda backend says where its package, the driver or the GPU is missing; nothing here needs any of them."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import textwrap

import pytest

from fastnn.backends import gpu


def said_by(setup: str, **environment: str) -> list[str]:
    """What a process prints for backend="cuda": the error's type and sentence, and show_config's."""
    code = textwrap.dedent(setup) + textwrap.dedent(
        """
        import sys
        import fastnn
        assert "cuda" not in fastnn.available_backends()
        assert not fastnn.show_config()["backends"]["cuda"]
        try:
            fastnn.relu([1.0], backend="cuda")
        except (ImportError, RuntimeError) as error:
            print(type(error).__name__)
            print(error)
        print(fastnn.show_config()["cuda"])
        """
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": path, "NUMBA_ENABLE_CUDASIM": "0"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


HIDE_PACKAGE = """
    import importlib.util
    find = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *rest: None if name == "numba_cuda" else find(name, *rest)
    import sys
    sys.modules["numba.cuda"] = None
"""


def test_a_missing_package_is_named_with_the_pip_line() -> None:
    kind, sentence, shown = said_by(HIDE_PACKAGE)
    assert kind == "ImportError"
    assert sentence == shown
    assert "pip install 'fastnn-kernels[cuda]'" in sentence


def test_importing_fastnn_and_asking_what_is_there_imports_no_numba() -> None:
    code = (
        "import sys, fastnn; fastnn.available_backends(); repr(fastnn.show_config())\n"
        "assert not {'numba', 'numba_cuda', 'cuda'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Management:
    """NVIDIA's management library where it finds so many GPUs, or fails."""

    def __init__(self, count: int | None) -> None:
        self.count = count

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetCount_v2(self, pointer: object) -> int:
        if self.count is None:
            return 999
        ctypes.cast(pointer, ctypes.POINTER(ctypes.c_uint))[0] = self.count
        return 0

    def nvmlShutdown(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("driver", "count", "sentence"),
    [
        (False, None, gpu.NO_DRIVER.format(gpu.DRIVER)),
        (True, 0, gpu.NO_DEVICE),
        (True, 1, None),
        (True, None, None),  # it cannot be told, so CUDA itself is asked at the first call
    ],
)
def test_one_sentence_for_the_driver_and_one_for_the_gpu(
    monkeypatch: pytest.MonkeyPatch, driver: bool, count: int | None, sentence: str | None
) -> None:
    libraries = {gpu.DRIVER: object(), gpu.MANAGEMENT: Management(count)} if driver else {}
    monkeypatch.setattr(gpu, "_library", libraries.get)
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: object())
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    gpu._missing_hardware.cache_clear()
    try:
        assert gpu.missing() == sentence
    finally:
        gpu._missing_hardware.cache_clear()


def test_in_the_simulator_only_the_package_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(gpu, "_library", lambda name: None)
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    assert gpu.missing() is None
