"""How every kernel of this package is declared, compiled and launched, and the sentence for what is missing.

NUMBA_ENABLE_CUDASIM=1 (before numba-cuda is imported) runs the same kernels in numba-cuda's simulator, as Python.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from fastnn.backends import gpu

try:
    from numba import cuda as _numba_cuda
    from numba.cuda.core import config
except ImportError as error:
    raise ImportError(gpu.NO_PACKAGE) from error

SIMULATED = bool(config.ENABLE_CUDASIM)
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))

cuda: Any
if SIMULATED:
    from numba.cuda.simulator import kernel as _simulator

    class _InKernel:
        """numba.cuda inside of the kernel that is being simulated, outside the module itself.

        The simulator would replace the name `cuda` in the module of every function that it calls; so device functions
        are plain Python functions here.
        """

        def __getattr__(self, name: str) -> Any:
            return getattr(_simulator._get_kernel_context() or _numba_cuda, name)

    cuda = _InKernel()
else:
    cuda = _numba_cuda
    # Numba would warn at every launch of few blocks. A small batch has few, and the user can do nothing about it.
    config.CUDA_LOW_OCCUPANCY_WARNINGS = 0

device: Any = (lambda function: function) if SIMULATED else cuda.jit(device=True, forceinline=True)
"""Decorates a function that becomes part of every kernel that calls it."""

KERNELS: dict[str, Kernel] = {}
"""Every kernel of the package by its name, once its file has been imported."""

Work = Callable[[int], float]


class Kernel:
    """A kernel: its function, how it is launched, and what the tests and the table of docs/cuda.md hold it to.

    Attributes:
        name: of the function.
        function: what is compiled.
        signature: the types of its arguments, as text; T is the dtype, and every array is T[::1] or the like.
        dtypes: the dtypes it is compiled for.
        threads: of a block, (x, y, z).
        blocks: how many blocks a multiprocessor is meant to hold at once; ptxas limits the registers to that.
        fma, shuffle: whether its PTX has fused multiply-adds, and exchanges between the lanes of a warp.
        doubles: whether it computes in float64 for float32 arrays too, as sums do; any other must not.
        unit: what an output is: "element", "row" ...
        bytes, flops: moved and computed for one such output, from the size of an element.
    """

    def __init__(
        self,
        function: Callable[..., None],
        signature: str,
        *,
        dtypes: tuple[np.dtype[Any], ...],
        threads: tuple[int, int, int],
        blocks: int,
        fma: bool,
        shuffle: bool,
        doubles: bool,
        unit: str,
        bytes: Work,
        flops: Work,
    ) -> None:
        self.name, self.function, self.signature = function.__name__, function, signature
        self.dtypes, self.threads, self.blocks = dtypes, threads, blocks
        self.fma, self.shuffle, self.doubles = fma, shuffle, doubles
        self.unit, self.bytes, self.flops = unit, bytes, flops
        self._position = next(i for i, text in enumerate(_split(signature)) if re.match(r"T\b", text) and "[" in text)
        self._compiled: dict[tuple[Any, Any], Any] = {}
        self._simulated = cuda.jit(_simulated(function)) if SIMULATED else None

    @property
    def launch_bounds(self) -> tuple[int, int]:
        """Threads of a block and blocks of a multiprocessor, as the compiler takes them."""
        x, y, z = self.threads
        return x * y * z, self.blocks

    def types(self, dtype: Any) -> str:
        """The signature for a dtype, as numba.cuda.compile_ptx takes it."""
        arguments = re.sub(r"\bT\b", np.dtype(dtype).name, self.signature)
        return f"void({arguments})"

    def ptx(self, dtype: Any, capability: tuple[int, int]) -> str:
        """The kernel in PTX for a compute capability such as (8, 0). No GPU is needed, nor a driver."""
        with _pretended(capability):
            text, _ = cuda.compile_ptx(
                self.function, self.types(dtype), cc=capability, launch_bounds=self.launch_bounds, device=False
            )
        return str(text)

    def launch(self, blocks: int | tuple[int, ...], stream: Any, *args: Any) -> None:
        """Queues the kernel on a stream; it is compiled first where that has not been done. No blocks: no work."""
        grid = (blocks,) if isinstance(blocks, int) else blocks
        if 0 in grid:
            return
        if self._simulated is not None:
            self._simulated[grid, self.threads](*args)
            return
        dtype = args[self._position].dtype
        key = dtype, cuda.get_current_device().compute_capability
        compiled = self._compiled.get(key)
        if compiled is None:
            jit = cuda.jit(self.types(dtype), launch_bounds=self.launch_bounds)
            compiled = self._compiled[key] = jit(self.function)
        compiled[grid, self.threads, stream](*args)


def kernel(
    signature: str,
    *,
    threads: int | tuple[int, ...],
    blocks: int,
    bytes: Work,
    flops: Work,
    unit: str = "element",
    fma: bool = False,
    shuffle: bool = False,
    doubles: bool = False,
    dtypes: tuple[Any, ...] = FLOATS,
    name: str | None = None,
) -> Callable[[Callable[..., None]], Kernel]:
    """Declares a kernel; see Kernel for the arguments. A name is needed where one function is made several times."""
    size = (threads,) if isinstance(threads, int) else threads
    x, y, z = (*size, 1, 1)[:3]

    def declared(function: Callable[..., None]) -> Kernel:
        function.__name__ = name or function.__name__
        if function.__name__ in KERNELS:
            raise ValueError(f"there is a kernel {function.__name__} already")
        KERNELS[function.__name__] = made = Kernel(
            function,
            signature,
            dtypes=tuple(map(np.dtype, dtypes)),
            threads=(x, y, z),
            blocks=blocks,
            fma=fma,
            shuffle=shuffle,
            doubles=doubles,
            unit=unit,
            bytes=bytes,
            flops=flops,
        )
        return made

    return declared


def _split(signature: str) -> list[str]:
    """The arguments of a signature: commas inside brackets do not count."""
    return [text.strip() for text in re.split(r",(?![^\[]*\])", signature)]


def _simulated(function: Callable[..., None]) -> Callable[..., None]:
    """What a simulated thread runs: the function on plain NumPy arrays, without NumPy's warnings."""

    @functools.wraps(function)
    def thread(*args: Any) -> None:
        plain = [arg._item._ary if hasattr(arg, "_item") else arg for arg in args]
        # In each thread, because an errstate holds for one thread alone.
        with np.errstate(all="ignore"):
            function(*plain)

    return thread


@contextlib.contextmanager
def _pretended(capability: tuple[int, int]) -> Iterator[None]:
    """Device functions are compiled for the current device: here one that need not exist. For one thread at a time."""
    from numba.cuda import dispatcher

    real = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = real


def require_device() -> None:
    """Raises RuntimeError with one sentence unless there is a driver and a GPU, or the simulator."""
    if SIMULATED:
        return
    reason = gpu.missing()
    if reason is None and not cuda.is_available():
        reason = f"the cuda backend cannot use this machine's GPU: {cuda.cuda_error()}"
    if reason is not None:
        raise RuntimeError(reason)
