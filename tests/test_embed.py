"""fastnn in other projects: each of tests/embed is configured, built and run, and gets the bits that Python gets.

They take minutes, and tools beside those of the other tests: `pytest -m embed`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import embedding

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = ROOT / "tests" / "embed"
# What a project that embeds fastnn may be compiled with: nothing of it may reach a result.
RECKLESS = "-Ofast -march=native -flto"

pytestmark = [pytest.mark.embed, pytest.mark.slow]


def numbers(count: int, state: int) -> tuple[np.ndarray, int]:
    """The inputs of all these projects: numbers in [-0.5, 0.5)."""
    values = np.empty(count, np.float32)
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values[i] = np.float32(state >> 8) / np.float32(16777216) - np.float32(0.5)
    return values, state


@pytest.fixture(scope="module")
def expected() -> str:
    """The hash of Python's result."""
    x, state = numbers(32 * 48, 1)
    w, state = numbers(48 * 24, state)
    b, state = numbers(24, state)
    p = fastnn.softmax(fastnn.dense(x.reshape(32, 48), w.reshape(48, 24), b, "gelu"))
    value = 14695981039346656037
    for byte in p.tobytes():
        value = (value ^ byte) * 1099511628211 % 2**64
    return f"{value:016x}"


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def needed(*programs: str) -> None:
    """Skips the test without them."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def project(name: str, to: Path) -> Path:
    """A copy of one of the projects, with the program that several of them share."""
    folder = to / name
    shutil.copytree(PROJECTS / name, folder)
    program = "main.c" if name.startswith("c_") else "main.cpp"
    shutil.copy(PROJECTS / program, folder)
    return folder


def built(folder: Path, *options: str) -> str:
    """What the project prints that CMake builds."""
    needed("cmake")
    run("cmake", "-S", ".", "-B", "build", *options, cwd=folder)
    run("cmake", "--build", "build", "--parallel", "2", cwd=folder)
    return run(folder / "build" / "consumer", cwd=folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    """Installs the library, shared or static, once, and moves it: no path in it may be absolute."""
    prefixes: dict[bool, Path] = {}

    def install(shared: bool) -> Path:
        if shared not in prefixes:
            needed("cmake")
            folder = tmp_path_factory.mktemp("library")
            run("cmake", "-S", ROOT, "-B", "build", f"-DBUILD_SHARED_LIBS={shared}", cwd=folder)
            run("cmake", "--build", "build", "--parallel", "2", cwd=folder)
            run("cmake", "--install", "build", "--prefix", folder / "first", cwd=folder)
            shutil.rmtree(folder / "build")
            prefixes[shared] = (folder / "first").rename(folder / "moved")
        return prefixes[shared]

    return install


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "static"])
def test_c_with_find_package(shared: bool, installed: Callable[[bool], Path], expected: str, tmp_path: Path) -> None:
    folder = project("c_find_package", tmp_path)
    assert built(folder, f"-DCMAKE_PREFIX_PATH={installed(shared)}") == expected


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "static"])
def test_c_with_pkg_config(shared: bool, installed: Callable[[bool], Path], expected: str, tmp_path: Path) -> None:
    needed("make", "pkg-config", "cc")
    (found,) = installed(shared).rglob("fastnn.pc")
    folder = project("c_pkg_config", tmp_path)
    run("make", cwd=folder, PKG_CONFIG_PATH=str(found.parent))
    assert run(folder / "consumer", cwd=folder) == expected


@pytest.mark.parametrize("flags", ["", RECKLESS], ids=["plain", "reckless"])
def test_cpp_with_add_subdirectory(flags: str, expected: str, tmp_path: Path) -> None:
    folder = project("cpp_add_subdirectory", tmp_path)
    (folder / "third_party").mkdir()
    (folder / "third_party" / "fastnn").symlink_to(ROOT)
    assert built(folder, f"-DCMAKE_CXX_FLAGS={flags}") == expected
    assert "CMAKE_BUILD_TYPE:STRING=\n" in (folder / "build" / "CMakeCache.txt").read_text(encoding="utf-8")


def test_cpp_with_fetch_content_of_an_archive(expected: str, tmp_path: Path) -> None:
    folder = project("cpp_fetch_content", tmp_path)
    with tarfile.open(folder / "fastnn.tar.gz", "w:gz") as archive:
        for name in ("CMakeLists.txt", "cmake", "src/cpp"):
            archive.add(ROOT / name, f"fastnn/{name}")
    assert built(folder) == expected


def test_cpp_with_the_wheel(expected: str, tmp_path: Path) -> None:
    folder = project("cpp_wheel", tmp_path)
    assert built(folder, f"-DPython_EXECUTABLE={sys.executable}") == expected


@pytest.mark.parametrize("name", ["numba_loop", "scipy_callback"])
def test_compiled_python(name: str, expected: str) -> None:
    pytest.importorskip("numba", exc_type=ImportError)
    if name == "scipy_callback":
        pytest.importorskip("scipy", exc_type=ImportError)
    assert run(sys.executable, PROJECTS / f"{name}.py", cwd=ROOT) == expected


def test_cython(expected: str, tmp_path: Path) -> None:
    pytest.importorskip("Cython", exc_type=ImportError)
    pytest.importorskip("setuptools", exc_type=ImportError)
    assert embedding.library().is_file()
    shutil.copytree(PROJECTS / "cython", tmp_path, dirs_exist_ok=True)
    run(sys.executable, "setup.py", "build_ext", "--inplace", cwd=tmp_path)
    assert run(sys.executable, "-c", "import layer", cwd=tmp_path) == expected
