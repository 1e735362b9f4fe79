"""Device arrays of other packages (CuPy, PyTorch, JAX ...) as Numba's, in their own memory and on their own stream."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np

from .arrays import blocks_for, empty, flat, is_device
from .compiling import SIMULATED, Kernel, cuda, kernel

if SIMULATED:
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

THREADS = 256
NUMBERS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.float32, np.float64)
# DLPack's codes of kinds of numbers; 4 is bfloat16, which NumPy has no name for.
DLPACK_KINDS = {0: "i", 1: "u", 2: "f", 6: "b"}
DLPACK_CUDA = (2, 13)


class _Tensor(ctypes.Structure):
    """DLTensor of dlpack.h."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Managed(ctypes.Structure):
    """DLManagedTensor of dlpack.h."""

    _fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class _Memory:
    """What an array is a view of: described by `description`, alive as long as this is."""

    def __init__(self, description: dict[str, Any], owner: object) -> None:
        self.owner = owner
        if SIMULATED:
            self.__array_interface__ = description
        else:
            self.__cuda_array_interface__ = description


def adopted(value: Any, name: str) -> Any:
    """An array on the device as one of Numba's, without a copy.

    Raises:
        TypeError: it cannot be read, or its numbers are float16, bfloat16, complex ...
        ValueError: it lies on another device than the current one.
    """
    _require_current_device(value, name)
    if is_device(value):
        array = value
    else:
        try:
            array = _read(value)
        except (TypeError, ValueError, RuntimeError, BufferError, AttributeError) as error:
            raise TypeError(f"{name} could not be read as an array on the device: {error}") from error
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    if array.dtype not in NUMBERS:
        raise TypeError(
            f"{name} must be float32, float64 or integers on the device, got dtype {array.dtype}; convert it there"
        )
    return array


def is_read_only(value: Any) -> bool:
    """Whether the package that made the array says that it must not be written."""
    description = None if is_device(value) else getattr(value, "__cuda_array_interface__", None)
    return description is not None and bool(description["data"][1])


def _read(value: Any) -> Any:
    description = getattr(value, "__cuda_array_interface__", None)
    if description is None:
        return _from_dlpack(value)
    if description.get("mask") is not None:
        raise TypeError("it is masked")
    if SIMULATED:
        return FakeCUDAArray(np.asarray(_Memory({**description, "version": 3}, value)))
    # Nothing waits: the work is queued on the stream that the description names.
    return cuda.from_cuda_array_interface(description, owner=value, sync=False)


def _from_dlpack(value: Any) -> Any:
    # 1 is the default stream, where the maker's work must be visible.
    capsule = value.__dlpack__() if SIMULATED else value.__dlpack__(stream=1)
    api = ctypes.pythonapi
    api.PyCapsule_GetPointer.restype, api.PyCapsule_GetPointer.argtypes = (
        ctypes.c_void_p,
        (ctypes.py_object, ctypes.c_char_p),
    )
    api.PyCapsule_SetName.argtypes = (ctypes.py_object, ctypes.c_char_p)
    address = api.PyCapsule_GetPointer(capsule, b"dltensor")
    managed = _Managed.from_address(address)
    tensor = managed.tensor
    if tensor.lanes != 1 or tensor.code not in DLPACK_KINDS:
        kind = "bfloat16" if tensor.code == 4 else f"DLPack's kind {tensor.code}"
        raise TypeError(f"its numbers are {kind}, which is not taken on the device; convert it there")
    dtype = np.dtype(f"{DLPACK_KINDS[tensor.code]}{tensor.bits // 8}")
    shape = tuple(tensor.shape[: tensor.ndim])
    strides = tuple(n * dtype.itemsize for n in tensor.strides[: tensor.ndim]) if tensor.strides else None
    place = (tensor.data or 0) + tensor.byte_offset
    description = {"shape": shape, "typestr": dtype.str, "data": (place, False), "strides": strides, "version": 3}
    # From here on the memory is this array's to give back, as DLPack's protocol has it.
    api.PyCapsule_SetName(capsule, _USED)
    memory = _Memory(description, value)
    if managed.deleter:
        weakref.finalize(memory, ctypes.CFUNCTYPE(None, ctypes.c_void_p)(managed.deleter), address)
    if SIMULATED:
        return FakeCUDAArray(np.asarray(memory))
    return cuda.from_cuda_array_interface(description, owner=memory, sync=False)


# A capsule does not copy its name.
_USED = ctypes.c_char_p(b"used_dltensor")


def _require_current_device(value: Any, name: str) -> None:
    if is_device(value):
        context = None if SIMULATED else getattr(value.gpu_data, "context", None)
        number = None if context is None else context.device.id
    else:
        number = value.__dlpack_device__()[1] if hasattr(value, "__dlpack_device__") else None
    current = 0 if SIMULATED else cuda.get_current_device().id
    if number is not None and number != current:
        raise ValueError(f"{name} must be on the current CUDA device, {current}, got an array on device {number}")


def _convert(target: str) -> Kernel:
    @kernel(
        f"T[::1], {target}[::1]",
        name=f"convert_{target}",
        threads=THREADS,
        blocks=8,
        dtypes=NUMBERS,
        bytes=lambda size: size + np.dtype(target).itemsize,
        flops=lambda size: 0,
    )
    def convert(x, y):
        """y = x in another dtype."""
        i = cuda.blockIdx.x * THREADS + cuda.threadIdx.x
        if i < x.size:
            y[i] = y.dtype.type(x[i])

    return convert


CONVERT = {np.dtype(target): _convert(target) for target in ("float32", "float64")}


def converted(array: Any, dtype: np.dtype[Any]) -> Any:
    """A C-contiguous device array in that dtype, float32 or float64; itself if it is so already."""
    if array.dtype == dtype:
        return array
    y = empty(tuple(array.shape), dtype, array.stream)
    CONVERT[dtype].launch(blocks_for(array.size, THREADS), array.stream, flat(array), flat(y))
    return y


def overlap(a: Any, b: Any) -> bool:
    """Whether two contiguous device arrays share memory."""
    if SIMULATED:
        return bool(np.shares_memory(a._ary, b._ary))
    if a.size == 0 or b.size == 0:
        return False
    first, second = _address(a), _address(b)
    return first < second + int(b.nbytes) and second < first + int(a.nbytes)


def is_same_memory(a: Any, b: Any) -> bool:
    """Whether two contiguous device arrays are one: same place, shape and dtype."""
    if tuple(a.shape) != tuple(b.shape) or a.dtype != b.dtype:
        return False
    return a is b or _address(a) == _address(b)


def _address(array: Any) -> int:
    if SIMULATED:
        return int(array._ary.__array_interface__["data"][0])
    return int(array.__cuda_array_interface__["data"][0])
