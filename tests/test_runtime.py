"""Threads, the choice of a backend, show_config, threadpoolctl, and what importing fastnn costs."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import os
import pickle
import subprocess
import sys
import threading
from typing import Any

import isa as isas
import numpy as np
import pytest

import fastnn
from fastnn import _fastnn, activations, backends
from fastnn.backends import gpu


def in_new_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_set_num_threads(threads: int) -> None:
    assert fastnn.get_num_threads() == threads
    fastnn.set_num_threads(np.int64(2))
    assert fastnn.get_num_threads() == 2


@pytest.mark.parametrize("n", [0, -1, -(2**40), 2**40])
def test_set_num_threads_out_of_range(n: int) -> None:
    before = fastnn.get_num_threads()
    with pytest.raises(ValueError, match=r"^n must be >= 1"):
        fastnn.set_num_threads(n)
    assert fastnn.get_num_threads() == before


@pytest.mark.parametrize("n", [None, 2.0, "2", True, [2]])
def test_set_num_threads_wants_an_integer(n: object) -> None:
    with pytest.raises(TypeError, match=r"^n must be an integer, got "):
        fastnn.set_num_threads(n)  # type: ignore[arg-type]


def current() -> str:
    return str(fastnn.show_config()["backend"])


def test_use_backend_nests_and_restores() -> None:
    assert current() == "native"
    with fastnn.use_backend("reference") as outer:
        assert outer.name == current() == "reference"
        with fastnn.use_backend("native"):
            assert current() == "native"
            with pytest.raises(ValueError, match="axis"), fastnn.use_backend("numpy"):
                fastnn.softmax(np.ones(3), axis=1)
            assert current() == "native"
        with outer:
            assert current() == "reference"
        assert current() == "reference"
    assert current() == "native"


@pytest.mark.parametrize(
    ("name", "error"), [("nmupy", ValueError), ("", ValueError), (None, TypeError), (3, TypeError)]
)
def test_use_backend_checks_the_name_at_once(name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="backend"):
        fastnn.use_backend(name)


def test_use_backend_holds_for_one_thread() -> None:
    seen = []
    with fastnn.use_backend("reference"):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == ["native"]


def test_use_backend_holds_for_one_task() -> None:
    async def task(name: str, turns: asyncio.Barrier) -> str:
        with fastnn.use_backend(name):
            await turns.wait()
            found = current()
            await turns.wait()
        return found

    async def both() -> list[str]:
        turns = asyncio.Barrier(2)
        return await asyncio.gather(task("reference", turns), task("native", turns))

    assert asyncio.run(both()) == ["reference", "native"]


def test_the_binding_obeys_use_backend() -> None:
    x = np.ones((2, 3), np.float32)
    assert isinstance(_fastnn.softmax(x, -1, None), np.ndarray)
    with fastnn.use_backend("native"):
        assert isinstance(_fastnn.softmax(x, -1, None), np.ndarray)
    with fastnn.use_backend("reference"):
        assert _fastnn.softmax(x, -1, None) is NotImplemented
        assert isinstance(_fastnn.native_softmax(x, -1, None), np.ndarray)


def test_a_named_backend_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    names = fastnn.available_backends()
    for name in names:
        module, x = backends.load(name), np.ones((2, 3))

        def spy(*arguments: object, _name: str = name, _original: object = module.softmax, **options: object) -> object:
            called.append(_name)
            return _original(*arguments, **options)  # type: ignore[operator]

        monkeypatch.setattr(module, "softmax", spy)
        for other in names:
            with fastnn.use_backend(other):
                fastnn.softmax(x, backend=name)
    assert called == [name for name in names for _ in names]
    fastnn.softmax(x, backend="numpy")
    assert called[-1] == "reference"


def test_show_config() -> None:
    config = fastnn.show_config()
    keys = ["version", "python", "numpy", "compiler", "isa", "isas", "threads", "backend", "backends", "cuda"]
    assert list(config) == keys
    assert config["version"] == fastnn.__version__
    assert config["isa"] in config["isas"]
    assert "generic" in config["isas"]
    optional = {name: importlib.util.find_spec(package) is not None for name, package in backends.NEEDS.items()}
    optional["cuda"] = gpu.missing() is None
    assert config["backends"] == {"native": True, "reference": True, **optional}
    assert fastnn.available_backends() == ["native", "reference", *(name for name in optional if optional[name])]
    lines = repr(config).splitlines()
    assert len(lines) == len(config)
    assert lines[0] == f"version   {fastnn.__version__}"
    shown = [name if there else f"{name} (missing)" for name, there in config["backends"].items()]
    assert lines[-2] == f"backends  {', '.join(shown)}"
    assert lines[-1] == f"cuda      {config['cuda']}"


@pytest.mark.parametrize(
    ("is_installed", "libraries", "sentence"),
    [
        (False, {}, gpu.NO_PACKAGE),
        (True, {}, gpu.NO_DRIVER.format(gpu.DRIVER)),
        (True, {gpu.DRIVER: 0, gpu.MANAGEMENT: 0}, gpu.NO_DEVICE),
        (True, {gpu.DRIVER: 0, gpu.MANAGEMENT: 1}, None),
        (True, {gpu.DRIVER: 0}, None),
    ],
    ids=["package", "driver", "device", "all there", "cannot be told"],
)
def test_what_the_cuda_backend_lacks(
    monkeypatch: pytest.MonkeyPatch, is_installed: bool, libraries: dict[str, int], sentence: str | None
) -> None:
    """Packages and libraries by their names; a library's value is the number of GPUs that it finds."""

    class Library:
        def __init__(self, gpus: int) -> None:
            self.gpus = gpus

        def nvmlInit_v2(self) -> int:
            return 0

        nvmlShutdown = nvmlInit_v2

        def nvmlDeviceGetCount_v2(self, pointer: Any) -> int:
            pointer._obj.value = self.gpus
            return 0

    def library(name: str) -> Any:
        return Library(libraries[name]) if name in libraries else None

    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: is_installed or None)
    monkeypatch.setattr(gpu, "_library", library)
    gpu._missing_hardware.cache_clear()
    try:
        assert gpu.missing() == sentence
        assert backends.is_available("cuda") == (sentence is None)
        assert fastnn.show_config()["cuda"].startswith(sentence or "on the GPU")
    finally:
        gpu._missing_hardware.cache_clear()


def test_fastnn_isa_chooses(isa: str) -> None:
    assert isas.run_isa(isa, "import fastnn; print(fastnn.show_config()['isa'])").strip() == isa


@pytest.mark.parametrize("value", ["avx3", "AVX2 "])
def test_unknown_fastnn_isa_is_an_import_error(value: str) -> None:
    done = in_new_process("import fastnn", FASTNN_ISA=value)
    assert done.returncode == 1
    assert "ImportError" in done.stderr
    assert "FASTNN_ISA" in done.stderr.splitlines()[-1]


def test_threadpoolctl_controls_the_threads(threads: int) -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    fastnn.register_threadpoolctl()
    fastnn.register_threadpoolctl()
    found = [entry for entry in threadpoolctl.threadpool_info() if entry["user_api"] == "fastnn"]
    assert len(found) == 1
    assert found[0]["num_threads"] == threads
    assert found[0]["version"] == fastnn.__version__
    with threadpoolctl.threadpool_limits(1, user_api="fastnn"):
        assert fastnn.get_num_threads() == 1
    assert fastnn.get_num_threads() == threads


def test_missing_threadpoolctl_names_the_pip_line() -> None:
    code = "import sys; sys.modules['threadpoolctl'] = None; import fastnn; fastnn.register_threadpoolctl()"
    done = in_new_process(code)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ImportError: threadpoolctl is not installed: pip install threadpoolctl"


def test_import_brings_in_nothing_heavy() -> None:
    code = """
import sys, numpy
before = set(sys.modules)
import fastnn
new = set(sys.modules) - before
print(*sorted(name for name in new if not name.startswith("fastnn")))
print(*sorted(name for name in new if name.startswith("fastnn.backends.")))
"""
    done = in_new_process(code)
    assert done.returncode == 0, done.stderr
    others, loaded = done.stdout.split("\n")[:2]
    assert len(others.split()) < 5, others
    assert loaded == ""


def test_a_missing_extension_is_explained(tmp_path: pytest.TempPathFactory) -> None:
    code = "import sys; sys.modules['fastnn._fastnn'] = None; import fastnn"
    done = in_new_process(code)
    assert done.returncode == 1
    assert "the extension fastnn._fastnn is missing; install fastnn with `pip install .`" in done.stderr


@pytest.mark.parametrize(
    "kind",
    [fastnn.LeakyReLU(0.1), fastnn.ELU(), fastnn.CELU(2), fastnn.Softplus(0.5), fastnn.Swish(2.0), fastnn.SiLU()],
)
def test_kind_objects(kind: fastnn.Kind) -> None:
    assert eval(repr(kind), vars(fastnn)) == kind
    assert pickle.loads(pickle.dumps(kind)) == copy.deepcopy(kind) == kind
    assert hash(kind) == hash(type(kind)(kind.parameter))
    assert kind != type(kind)(kind.parameter + 1)
    assert kind != kind.name
    with pytest.raises(AttributeError, match="frozen"):
        kind.parameter = 2.0
    with pytest.raises(AttributeError, match="frozen"):
        del kind.parameter


def test_names_of_kinds_resolve() -> None:
    for name in activations.NAMES:
        assert activations.resolve(name) == name
    assert activations.resolve("silu") == "swish"
    assert fastnn.SiLU is fastnn.Swish


def test_packed_dense_keeps_its_backend() -> None:
    x, w = np.ones((2, 3), np.float32), np.ones((3, 2), np.float32)
    with fastnn.use_backend("reference"):
        packed = fastnn.PackedDense(w, [1, 2], "relu")
    native = fastnn.PackedDense(w, [1, 2], "relu", backend="native")
    np.testing.assert_array_equal(packed(x), native(x))
    with fastnn.use_backend("reference"):
        np.testing.assert_array_equal(native(x), packed(x))
    for layer in (packed, native):
        assert (layer.in_features, layer.out_features, layer.dtype, layer.activation) == (3, 2, np.float32, "relu")
        assert repr(layer) == "PackedDense(in_features=3, out_features=2, dtype=float32)"
        with pytest.raises(TypeError, match="pack them again"):
            pickle.dumps(layer)
    w[...] = 0
    np.testing.assert_array_equal(native(x), [[4, 5], [4, 5]])


def test_a_refusal_of_prepared_arguments_is_our_fault() -> None:
    with pytest.raises(RuntimeError, match="report this as a bug"):
        backends.load("native").softmax([1.0])
