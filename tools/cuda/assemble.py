"""Compiles kernels of the cuda backend to PTX and assembles them with ptxas, without a GPU or a driver.

Needed are numba-cuda with NVVM and NVRTC, and ptxas: from the packages nvidia-nvvm, nvidia-cuda-nvrtc and
nvidia-cuda-nvcc, or from an installed CUDA toolkit.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Capability = tuple[int, int]
CAPABILITIES: tuple[Capability, ...] = ((7, 5), (8, 0), (9, 0))
PTXAS_PACKAGES = ("nvidia-cuda-nvcc", "nvidia-cuda-nvcc-cu12")
WARP = 32


@dataclass(frozen=True)
class Multiprocessor:
    """What a multiprocessor of one compute capability holds.

    Source: CUDA C++ Programming Guide 13, "Compute Capabilities", table of technical specifications; registers are
    given out by the warp in units of 256, shared memory in units of `shared_unit` bytes, of which a block takes
    `shared_system` for the system (CUDA Occupancy Calculator).
    """

    threads: int
    blocks: int
    shared: int
    shared_unit: int
    shared_system: int
    registers: int = 65536
    registers_unit: int = 256


MULTIPROCESSORS: dict[Capability, Multiprocessor] = {
    (7, 5): Multiprocessor(1024, 16, 64 * 1024, 256, 0),
    (8, 0): Multiprocessor(2048, 32, 164 * 1024, 128, 1024),
    (9, 0): Multiprocessor(2048, 32, 228 * 1024, 128, 1024),
}
# Without asking for more at the launch, a block has at most this much shared memory.
MOST_SHARED = 48 * 1024


@dataclass(frozen=True)
class Assembled:
    """What ptxas says of a kernel: registers of a thread, and bytes of a block's shared and a thread's local memory."""

    registers: int
    shared: int
    stack: int
    spills: int

    def blocks(self, threads: int, capability: Capability) -> int:
        """How many blocks of so many threads a multiprocessor holds at once."""
        m = MULTIPROCESSORS[capability]
        warps = -(-threads // WARP)
        registers_of_warp = round_up(self.registers * WARP, m.registers_unit)
        # A multiprocessor has four parts, each with a fourth of the registers and of the warps.
        warps_at_once = m.registers // 4 // registers_of_warp * 4
        shared = round_up(self.shared + m.shared_system, m.shared_unit)
        by_shared = m.shared // shared if shared else m.blocks
        return min(m.blocks, m.threads // (warps * WARP), warps_at_once // warps, by_shared)

    def occupancy(self, threads: int, capability: Capability) -> float:
        """The share of a multiprocessor's threads that the kernel can keep in flight."""
        return self.blocks(threads, capability) * threads / MULTIPROCESSORS[capability].threads


def round_up(value: int, unit: int) -> int:
    """The least multiple of the unit that is not below the value."""
    return -(-value // unit) * unit


def find_ptxas() -> str | None:
    """Where ptxas is: in its package, else on the path; None if nowhere."""
    for package in PTXAS_PACKAGES:
        try:
            files = importlib.metadata.files(package) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for file in files:
            if file.stem == "ptxas":
                return os.fspath(file.locate())
    return shutil.which("ptxas")


def missing() -> str | None:
    """What is not here to compile and assemble with, or None."""
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda is not installed"
    if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        return "the CUDA simulator has no compiler; unset NUMBA_ENABLE_CUDASIM"
    if find_ptxas() is None:
        return "ptxas is not installed (package nvidia-cuda-nvcc)"
    for package, library in (("nvidia-nvvm", "nvvm"), ("nvidia-cuda-nvrtc", "nvrtc")):
        try:
            from cuda.pathfinder import load_nvidia_dynamic_lib

            load_nvidia_dynamic_lib(library)
        except Exception:  # what it raises depends on the version
            return f"the library {library} is not installed (package {package})"
    return None


def versions() -> dict[str, str]:
    """The versions that the figures depend on."""
    ptxas = find_ptxas()
    assert ptxas is not None
    said = subprocess.run([ptxas, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"release [\d.]+, V([\d.]+)", said)
    return {
        "numba": importlib.metadata.version("numba"),
        "numba-cuda": importlib.metadata.version("numba-cuda"),
        "ptxas": found[1] if found else said.strip(),
    }


def assemble(ptx: str, capability: Capability) -> Assembled:
    """Assembles the PTX of one kernel for a real architecture.

    Raises RuntimeError with what ptxas says if it refuses the code.
    """
    ptxas = find_ptxas()
    assert ptxas is not None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(ptx)
        command = [
            ptxas,
            "-v",
            f"-arch=sm_{capability[0]}{capability[1]}",
            str(source),
            "-o",
            str(source.parent / "out"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ptxas: {done.stderr.strip() or done.stdout.strip()}")
    return read_report(done.stderr + done.stdout)


def read_report(text: str) -> Assembled:
    """What `ptxas -v` printed of a file with one kernel; functions that it calls count as well."""
    registers = [int(n) for n in re.findall(r"Used (\d+) registers", text)]
    if not registers:
        raise ValueError(f"no kernel in the report of ptxas: {text!r}")
    functions = re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", text)
    shared = re.findall(r"(\d+) bytes smem", text)
    return Assembled(
        registers=max(registers),
        shared=max(map(int, shared), default=0),
        stack=sum(int(frame) for frame, _, _ in functions),
        spills=sum(int(stores) + int(loads) for _, stores, loads in functions),
    )


def instructions(ptx: str) -> set[str]:
    """The names of the instructions in PTX, with their suffixes, such as "fma.rn.f32"."""
    return set(re.findall(r"^\s*(?:@!?%\w+\s+)?([a-z][a-z0-9_]*(?:[.:][a-z0-9_]+)+)", ptx, re.MULTILINE))


def compile_kernel(kernel: Any, dtype: Any, capability: Capability) -> tuple[str, Assembled]:
    """The PTX of a registered kernel for a dtype and capability, and what ptxas makes of it."""
    ptx = kernel.ptx(dtype, capability)
    return ptx, assemble(ptx, capability)
