"""Numba's CUDA simulator with the threads of a block as greenlets, so that whole operations can be simulated.

The simulator gives each CUDA thread a thread of the system and polls them all at each barrier. Here a block's threads
take turns on one thread of the system: each runs until it meets a barrier or ends, then the next one does. On the way
it checks what the simulator does not:

- shared and local memory and new device arrays begin as nan, or for integers far out of every range;
- threads that meet at a barrier came to the same one;
- a result that depends on the order of the threads, for want of a barrier, shows when a test is run once in the order
  of their numbers and once reversed (FASTNN_TEST_CUDA_ORDER=reversed).

Each test may use so many seconds of the processor (FASTNN_TEST_CUDA_SECONDS); one that needs more is skipped.
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from types import CodeType, FrameType
from typing import Any

import greenlet
import numpy as np
import pytest
from numba import cuda
from numba.cuda.simulator import kernel as simulated_kernel, kernelapi

WARP = 32
# The function of warp.py in which the lanes of a warp wait for each other while they exchange values.
WARP_BARRIER = "wait_for_warp"

Place = tuple[CodeType, int]


class Thread:
    """A CUDA thread: what the simulator asks of the thread that runs."""

    __slots__ = ("block", "blockIdx", "place", "run", "threadIdx", "thread_id")

    def __init__(self, block: Block, place: Any, index: Any, number: int) -> None:
        self.block, self.blockIdx, self.threadIdx, self.thread_id = block, place, index, number
        self.place: tuple[bool, Place] = (False, (Thread.__init__.__code__, 0))
        self.run = greenlet.greenlet(block.function)

    def wait(self, frame: FrameType) -> None:
        """Lets the others run until they wait at the same barrier."""
        is_warps = frame.f_code.co_name == WARP_BARRIER and frame.f_back is not None
        if is_warps:
            frame = frame.f_back
        self.place = is_warps, (frame.f_code, frame.f_lineno)
        self.block.scheduler.switch()

    def syncthreads(self) -> None:
        self.wait(sys._getframe(2))

    def syncthreads_count(self, value: Any) -> int:
        return self._vote(value, sum)

    def syncthreads_and(self, value: Any) -> int:
        return self._vote(value, all)

    def syncthreads_or(self, value: Any) -> int:
        return self._vote(value, any)

    def _vote(self, value: Any, amount: Callable[[Any], int]) -> int:
        votes = self.block.votes
        votes[self.thread_id] = bool(value)
        self.wait(sys._getframe(3))
        answer = int(amount(votes.values()))
        self.wait(sys._getframe(3))  # so that none gives its next value before all have read this answer
        return answer


class Simulation:
    """The state of the simulator. It stands for the module threading there, of which one function is used."""

    def __init__(self) -> None:
        self.running: Any = None
        self.is_reversed = os.environ.get("FASTNN_TEST_CUDA_ORDER") == "reversed"
        self.seconds = float(os.environ.get("FASTNN_TEST_CUDA_SECONDS", "inf"))
        self.deadline = float("inf")

    def current_thread(self) -> Thread:
        return self.running

    def start_test(self) -> None:
        self.deadline = time.process_time() + self.seconds

    def check_time(self) -> None:
        if time.process_time() > self.deadline:
            pytest.skip(f"takes more than {self.seconds:g} s in the CUDA simulator")


SIMULATION = Simulation()


class Block:
    """Runs the threads of one block; it stands for the simulator's BlockManager."""

    def __init__(self, function: Any, grid: tuple[int, ...], block: tuple[int, ...], debug: bool) -> None:
        self.function, self.shape = function, block
        self.votes: dict[int, bool] = {}
        self.scheduler = greenlet.getcurrent()

    def run(self, place: tuple[int, ...], *args: Any) -> None:
        where = kernelapi.Dim3(*place)
        points = product(*(range(extent) for extent in reversed(self.shape)))
        threads = [Thread(self, where, kernelapi.Dim3(x, y, z), n) for n, (z, y, x) in enumerate(points)]
        simulated_kernel._get_kernel_context().begin_block()
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")  # a GPU has no warnings
        for thread in threads:
            thread.run.gr_context = context
        if SIMULATION.is_reversed:
            threads.reverse()
        try:
            self._take_turns(threads, args)
        finally:
            SIMULATION.running = None
            for thread in threads:
                if not thread.run.dead:
                    thread.run.throw()

    def _take_turns(self, threads: list[Thread], args: tuple[Any, ...]) -> None:
        turn = threads
        while turn:
            SIMULATION.check_time()
            for thread in turn:
                SIMULATION.running = thread
                thread.run.switch(*args)
            args = ()  # they have their arguments now
            live = [thread for thread in threads if not thread.run.dead]
            # Warps pass their own barriers while the block's holds up the others.
            turn = [thread for thread in live if thread.place[0]]
            for number in {thread.thread_id // WARP for thread in turn}:
                require_one_place([thread for thread in live if thread.thread_id // WARP == number])
            if not turn:
                require_one_place(live)
                turn = live


def require_one_place(threads: list[Thread]) -> None:
    """Fails unless all of these threads wait at one barrier."""
    places = {thread.place for thread in threads}
    if len(places) > 1:
        names = sorted(f"{code.co_filename}:{line}" for _, (code, line) in places)
        raise AssertionError(f"threads of one block wait at different barriers: {', '.join(names)}")


def dtype_of(dtype: Any) -> np.dtype[Any]:
    """The dtype that a kernel names in Numba's types or NumPy's."""
    return np.dtype(kernelapi.numpy_support.as_dtype(dtype) if isinstance(dtype, kernelapi.types.Type) else dtype)


def blank(shape: Any, dtype: Any) -> np.ndarray:
    """Memory that shows when it is read before it was written."""
    kind = dtype_of(dtype)
    if kind.kind == "O":
        return np.full(shape, None, kind)
    return np.full(shape, np.nan if kind.kind == "f" else np.iinfo(kind).max // 3, kind)


class Local:
    """cuda.local."""

    def array(self, shape: Any, dtype: Any, alignment: int | None = None) -> np.ndarray:
        return blank(shape, dtype)


class Shared:
    """cuda.shared: an array for each place in the source, shape and dtype, the same for all threads of a block."""

    def __init__(self, size: int) -> None:
        self.arrays: dict[Any, np.ndarray] = {}
        self.dynamic = np.full(size, 0xFF, np.uint8)  # nan in every floating dtype

    def array(self, shape: Any, dtype: Any, alignment: int | None = None) -> np.ndarray:
        kind = dtype_of(dtype)
        if shape == 0:
            return self.dynamic[: self.dynamic.size // kind.itemsize * kind.itemsize].view(kind)
        frame = sys._getframe(1)
        key = frame.f_code, frame.f_lasti, shape, kind
        if key not in self.arrays:
            self.arrays[key] = blank(shape, kind)
        return self.arrays[key]


class Module(kernelapi.FakeCUDAModule):
    """The module cuda, as a kernel sees it."""

    def __init__(self, grid: tuple[int, ...], block: tuple[int, ...], size: int) -> None:
        super().__init__(grid, block, 0)
        self._size, self._local = size, Local()

    def __getattr__(self, name: str) -> Any:
        """What no kernel asks for is asked for by the host code of another Python thread, beside a kernel."""
        return getattr(cuda, name)

    def begin_block(self) -> None:
        """Each block has shared memory of its own."""
        self._shared = Shared(self._size)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """Rounded once, where the simulator's rounds twice."""
        if np.float64 not in (type(a), type(b), type(c)):
            return np.float32(float(a) * float(b) + float(c))  # Python's numbers are faster than NumPy's
        return np.float64(np.longdouble(a) * np.longdouble(b) + np.longdouble(c))


@contextmanager
def swapped(function: Any, module: Module) -> Iterator[None]:
    """Puts the module in the place of cuda in the file of a kernel that was not declared by the backend."""
    space = function.__globals__
    names = [name for name, value in space.items() if value is cuda]
    space.update(dict.fromkeys(names, module))
    try:
        yield
    finally:
        space.update(dict.fromkeys(names, cuda))


def install() -> None:
    """Puts all this into the simulator of this process."""
    launch = simulated_kernel.FakeCUDAKernel.__call__
    one_at_a_time = threading.RLock()  # kernels of several Python threads

    def call(self: Any, *args: Any) -> Any:
        with one_at_a_time:
            inside = self._device or simulated_kernel._kernel_context is not None
            return self.fn(*args) if inside else launch(self, *args)

    simulated_kernel.FakeCUDAKernel.__call__ = call
    simulated_kernel.FakeCUDAModule = Module
    simulated_kernel.BlockManager = Block
    simulated_kernel.swapped_cuda_module = swapped
    # A kernel gets the memory itself; the simulator's wrapper serves records, which no kernel here has.
    simulated_kernel.FakeWithinKernelCUDAArray = lambda array: array._ary
    kernelapi.threading = SIMULATION
    make = cuda.device_array

    def device_array(*args: Any, **kwargs: Any) -> Any:
        array = make(*args, **kwargs)
        array._ary[...] = blank(array.shape, array.dtype)
        return array

    cuda.device_array = device_array
