"""What two GPUs could make of a kernel: a simple model on their makers' figures, not a measurement."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assemble import WARP, Assembled, Capability


@dataclass(frozen=True)
class Gpu:
    """A GPU's public figures.

    Sources: "NVIDIA A100 Tensor Core GPU" datasheet (SXM, 80 GB) and "NVIDIA H100 Tensor Core GPU" datasheet (SXM);
    the lanes and multiprocessors from the white papers of the Ampere and Hopper architectures. No tensor cores.
    """

    name: str
    capability: Capability
    multiprocessors: int
    clock: float  # hertz, the boost that the peaks are given for
    bandwidth: float  # bytes/s
    flops: dict[int, float]  # itemsize -> peak
    lanes: dict[int, int]  # itemsize -> fused multiply-adds a multiprocessor begins in a cycle


A100 = Gpu("A100", (8, 0), 108, 1.41e9, 2039e9, {4: 19.5e12, 8: 9.7e12}, {4: 64, 8: 32})
H100 = Gpu("H100", (9, 0), 132, 1.98e9, 3350e9, {4: 67e12, 8: 34e12}, {4: 128, 8: 64})
GPUS = (A100, H100)
# From a request to the data in a register, an assumption of the order that is published for both GPUs.
LATENCY_CYCLES = 500
# A multiprocessor has four schedulers, each of which issues one instruction of a warp in a cycle.
SCHEDULERS = 4


@dataclass(frozen=True)
class Body:
    """The part of a kernel's PTX that decides its speed.

    Attributes:
        bytes_in_flight: what a thread can wait for at once, at least and at most. At least: the most it reads of global
            memory between any two branches. At most: between two barriers, exchanges of a warp, or ends of a loop, as
            ptxas turns a branch forward that guards a single load into a predicate where it can.
        fused: multiply-adds of the largest piece between two branches.
        issued: all instructions of that piece but moves, which ptxas mostly removes.
    """

    bytes_in_flight: tuple[int, int]
    fused: int
    issued: int


def body_of(ptx: str) -> Body:
    """Reads PTX. What ptxas unrolls or merges later is not seen."""
    code = ptx[ptx.index("{", ptx.index(".entry")) :] if ".entry" in ptx else ptx
    least, fused, issued = 0, 0, 0
    for piece in re.split(r"^\s*(?:\$\w+:|(?:@!?%\w+\s+)?bra\b.*)$", code, flags=re.MULTILINE):
        names = re.findall(r"^\s*(?:@!?%\w+\s+)?([a-z][\w.:]*\.[a-z]\w*)\s", piece, re.MULTILINE)
        least = max(least, sum(_bytes_of(name) for name in names if name.startswith("ld.global")))
        multiplies = sum(name.startswith("fma.rn") for name in names)
        if multiplies > fused:
            fused, issued = multiplies, sum(not name.startswith("mov.") for name in names)
    return Body((least, max(least, _in_flight(code))), fused, issued)


def _in_flight(code: str) -> int:
    """What a thread can wait for at most, from the lines of a kernel."""
    most, waiting = 0, 0
    seen: set[str] = set()
    for line in code.splitlines():
        label = re.match(r"\s*(\$\w+):", line)
        jump = re.search(r"\bbra(?:\.uni)?\s+(\$\w+)", line)
        if label:
            seen.add(label[1])
        is_end = (jump and jump[1] in seen) or re.search(r"\b(?:bar|barrier|shfl)\.", line)
        load = re.match(r"\s*(?:@!?%\w+\s+)?(ld\.global\S*)\s", line)
        waiting = 0 if is_end else waiting + (_bytes_of(load[1]) if load else 0)
        most = max(most, waiting)
    return most


def _bytes_of(load: str) -> int:
    width = re.search(r"\.v([24])\.", load)
    size = re.search(r"\.[bfsu](8|16|32|64|128)$", load)
    return (int(width[1]) if width else 1) * (int(size[1]) // 8 if size else 0)


def predicted_share(
    gpu: Gpu, item: int, bytes_moved: float, flops: float, threads: int, assembled: Assembled, body: Body
) -> tuple[str, float, float]:
    """Which roof a kernel is under, "memory" or "compute", and the share of it that the model allows, from and to.

    Under memory (bytes / bandwidth > FLOPs / peak): Little's law; the share is what the resident threads have in flight
    over bandwidth times latency. Under compute: the share of the issue slots, or of the FMA pipe where that is longer,
    that multiply-adds take in the largest straight piece of code. Neither knows of caches or of the last
    wave of blocks.
    """
    if bytes_moved * gpu.flops[item] >= flops * gpu.bandwidth:
        resident = assembled.blocks(threads, gpu.capability) * threads
        if not any(body.bytes_in_flight):  # what only writes waits for nothing
            return "memory", 1.0, 1.0
        wanted = gpu.bandwidth / gpu.multiprocessors * LATENCY_CYCLES / gpu.clock
        least, most = (min(1.0, resident * size / wanted) for size in body.bytes_in_flight)
        return "memory", least, most
    pipe = body.fused * WARP * SCHEDULERS / gpu.lanes[item]
    longest = max(pipe, body.issued)
    share = pipe / longest if longest else 0.0
    return "compute", share, share
