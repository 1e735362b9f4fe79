"""Arrays on the device: whose they are, their memory as kernels take it, and the way in and out for NumPy's.

The host functions of this package compute with device arrays alone; `hosted` is what lets them take NumPy's as well.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .compiling import SIMULATED, cuda, kernel

if SIMULATED:
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray as DeviceArray
else:
    from numba.cuda.cudadrv.devicearray import DeviceNDArray as DeviceArray

Function = TypeVar("Function", bound=Callable[..., Any])

THREADS = 256


def is_device(value: object) -> bool:
    """Whether this is an array of Numba's on the device, which is what the functions of this package compute with."""
    return isinstance(value, DeviceArray)


def stream_of(*arrays: Any) -> Any:
    """The stream that work on these arrays is queued on: that of the first that has one, the default one else.

    It waits for what the other arrays' streams have queued so far.
    """
    streams = [array.stream for array in arrays if is_device(array) and array.stream]
    if not streams:
        return 0
    if not SIMULATED:
        for other in streams[1:]:
            if _handle(other) != _handle(streams[0]):
                event = cuda.event(timing=False)
                event.record(other)
                event.wait(streams[0])
    return streams[0]


def _handle(stream: Any) -> int:
    return int(getattr(stream, "handle", stream))


def empty(shape: int | tuple[int, ...], dtype: Any, stream: Any = 0) -> Any:
    """A device array without contents."""
    return cuda.device_array(shape, dtype, stream=stream)


def new(out: Any, shape: tuple[int, ...], dtype: Any, stream: Any = 0) -> Any:
    """`out`, or a device array without contents."""
    return empty(shape, dtype, stream) if out is None else out


def viewed(array: Any, shape: int | tuple[int, ...]) -> Any:
    """The memory of a contiguous device array as a C-contiguous array of that shape; -1 for one axis."""
    wanted = (array.size,) if shape == -1 else (shape,) if isinstance(shape, int) else tuple(shape)
    if SIMULATED:
        memory = array._ary if array.is_c_contiguous() else array._ary.T
        return DeviceArray(memory.reshape(wanted), stream=array.stream)
    if array.shape == wanted and array.is_c_contiguous():
        return array
    itemsize = array.dtype.itemsize
    strides = tuple(math.prod(wanted[i + 1 :]) * itemsize for i in range(len(wanted)))
    return DeviceArray(wanted, strides, array.dtype, stream=array.stream, gpu_data=array.gpu_data)


def flat(array: Any) -> Any:
    """The memory of a contiguous device array as one axis."""
    return viewed(array, -1)


def transposed(array: Any) -> Any:
    """A C-contiguous device matrix as its transpose, in the same memory."""
    if SIMULATED:
        return DeviceArray(array._ary.T, stream=array.stream)
    rows, columns = array.shape
    strides = array.strides[::-1]
    return DeviceArray((columns, rows), strides, array.dtype, stream=array.stream, gpu_data=array.gpu_data)


@kernel("T[::1], T, int64", threads=THREADS, blocks=8, bytes=lambda size: size, flops=lambda size: 0)
def fill(x, value, count):
    """x[:] = value."""
    i = cuda.grid(1)
    if i < count:
        x[i] = value


@kernel("T[::1], T[::1], int64", threads=THREADS, blocks=8, bytes=lambda size: 2 * size, flops=lambda size: 0)
def copy(x, y, count):
    """y = x."""
    i = cuda.grid(1)
    if i < count:
        y[i] = x[i]


@kernel(
    "T[::1], T[::1], int64, int64, int64",
    threads=THREADS,
    blocks=8,
    bytes=lambda size: 2 * size,
    flops=lambda size: 0,
)
def swap_axes(x, y, middle, inner, count):
    """y (outer, inner, middle) = x (outer, middle, inner) with its last two axes exchanged."""
    i = cuda.grid(1)
    if i < count:
        m = i % middle
        rest = i // middle
        y[i] = x[(rest // inner * middle + m) * inner + rest % inner]


def filled(shape: int | tuple[int, ...], dtype: Any, value: float, stream: Any = 0) -> Any:
    """A device array of equal numbers."""
    array = empty(shape, dtype, stream)
    fill.launch(blocks_for(array.size), stream, flat(array), value, array.size)
    return array


def blocks_for(count: int, threads: int = THREADS) -> int:
    """The blocks of a kernel with a thread for each of `count` elements."""
    return -(-count // threads)


def copied(array: Any, out: Any = None, stream: Any = 0) -> Any:
    """A contiguous device array's numbers in another device array of its shape, a new one without `out`."""
    y = new(out, array.shape, array.dtype, stream)
    copy.launch(blocks_for(array.size), stream, flat(array), flat(y), array.size)
    return y


def last(array: Any, axis: int, stream: Any = 0) -> Any:
    """The device array with that axis moved to the end, C-contiguous; the array itself where it is so already."""
    axis %= array.ndim
    if axis == array.ndim - 1:
        return array
    shape = tuple(array.shape)
    moved = empty((*shape[:axis], *shape[axis + 1 :], shape[axis]), array.dtype, stream)
    # Columns of x become rows.
    inner = math.prod(shape[axis + 1 :])
    swap_axes.launch(blocks_for(array.size), stream, flat(array), flat(moved), shape[axis], inner, array.size)
    return moved


def back(result: Any, axis: int, out: Any, stream: Any = 0) -> Any:
    """Undoes last(): the result with its last axis at its place again, in `out` where there is one."""
    axis %= result.ndim
    shape = tuple(result.shape)
    if axis == result.ndim - 1:
        return result if out is None or out is result else copied(result, out, stream)
    moved = new(out, (*shape[:axis], shape[-1], *shape[axis:-1]), result.dtype, stream)
    inner = math.prod(shape[axis:-1])
    # (outer, inner, middle) -> (outer, middle, inner): the same kernel with the two lengths exchanged.
    swap_axes.launch(blocks_for(result.size), stream, flat(result), flat(moved), inner, shape[-1], result.size)
    return moved


def to_device(array: Any, stream: Any = 0) -> Any:
    """A NumPy array copied to the device, in the same order: C, or Fortran for a transposed matrix."""
    if array.ndim == 2 and array.flags.f_contiguous and not array.flags.c_contiguous:
        return transposed(cuda.to_device(array.T, stream=stream))
    return cuda.to_device(np.ascontiguousarray(array).reshape(array.shape), stream=stream)


def to_host(array: Any, out: Any = None) -> Any:
    """A C-contiguous device array as a NumPy one, a new one without `out`; waits for the work queued on it."""
    host = np.empty(tuple(array.shape), array.dtype) if out is None else out
    if host.size:
        array.copy_to_host(host, stream=array.stream)
        if array.stream and not SIMULATED:
            array.stream.synchronize()
    return host


def hosted(*, outputs: tuple[str, ...] = (), inplace: tuple[str, ...] = ()) -> Callable[[Function], Function]:
    """Lets a function of device arrays take NumPy arrays as well: copied in, the results copied out.

    All arrays of a call lie on the device, or all are NumPy's; mixed ones are a TypeError that names two arguments.

    Args:
        outputs: the arguments that are only written: their contents are not copied in.
        inplace: the arguments that are changed: copied in and out.
    """

    def decorated(function: Function) -> Function:
        names = list(inspect.signature(function).parameters)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = dict(zip(names, args, strict=False)) | kwargs
            require_one_place(given)
            if not any(isinstance(value, np.ndarray) for value in given.values()):
                return function(*args, **kwargs)
            moved: dict[int, Any] = {}
            # Written arrays last: an alias of an input is copied in, as that input.
            for name in sorted(given, key=lambda name: name in outputs):
                value = given[name]
                if isinstance(value, np.ndarray) and id(value) not in moved:
                    moved[id(value)] = empty(value.shape, value.dtype) if name in outputs else to_device(value)
            on_device = {name: moved.get(id(value), value) for name, value in given.items()}
            result = function(**on_device)
            hosts: dict[int, Any] = {}
            for name in (*outputs, *inplace):
                value = given.get(name)
                if isinstance(value, np.ndarray):
                    hosts[id(on_device[name])] = to_host(on_device[name], value)
            if isinstance(result, tuple):
                return tuple(_brought_back(item, hosts) for item in result)
            return _brought_back(result, hosts)

        return call  # type: ignore[return-value]

    return decorated


def _brought_back(value: Any, hosts: dict[int, Any]) -> Any:
    if not is_device(value):
        return value
    return hosts[id(value)] if id(value) in hosts else to_host(value)


def require_one_place(given: dict[str, Any]) -> None:
    """Raises TypeError if some arguments are device arrays and others NumPy arrays."""
    on_device = next((name for name, value in given.items() if is_device(value)), None)
    on_host = next((name for name, value in given.items() if isinstance(value, np.ndarray)), None)
    if on_device is not None and on_host is not None:
        raise TypeError(
            f"{on_device} is on the CUDA device and {on_host} is not; pass both as device arrays or both as NumPy "
            "arrays"
        )
