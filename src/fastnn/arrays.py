"""Anything array-like -> ndarray, in one place: the dtype rule, the layout rule, and what out= must be.

Used on the slow path only: the binding has already taken every array it can use as it stands. A call first builds an
Inputs of its array arguments and an Output for each array it returns; both raise before anything is written.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

HALF, SINGLE, DOUBLE = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)


def is_on_device(value: Any) -> bool:
    """Whether this is an array on a CUDA device, of whichever package; none is imported."""
    if value is None or isinstance(value, (np.ndarray, np.generic, list, tuple, float, int)):
        return False
    if getattr(value, "__cuda_ndarray__", False):
        return True
    try:
        if getattr(value, "__cuda_array_interface__", None) is not None:
            return True
        device = getattr(value, "__dlpack_device__", None)
        # DLPack's numbers for CUDA's memory and for its managed memory.
        return device is not None and int(device()[0]) in (2, 13)
    except (RuntimeError, TypeError, ValueError, BufferError):
        return False


def to_ndarray(value: object, name: str) -> Array:
    """A plain ndarray of real numbers, without a copy where there is one already.

    Raises TypeError for what holds no real numbers, ValueError for ragged lists.
    """
    if value is None:
        raise TypeError(f"{name} must be an array of real numbers, got None")
    refuse_masked(value, name)
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            array = np.from_dlpack(value)
        else:
            array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} could not be read as an array: {error}") from error
    except (TypeError, RuntimeError, BufferError) as error:
        raise TypeError(f"{name} could not be read as an array: {error}") from error
    if array.dtype.kind not in "biu" and computing_dtype(array.dtype) is None:
        raise TypeError(
            f"{name} must be an array of real numbers (float16, bfloat16, float32, float64, integers or bools), "
            f"got dtype {array.dtype}"
        )
    return array


def refuse_masked(value: object, name: str) -> None:
    """A mask would be ignored, silently."""
    masked = sys.modules.get("numpy.ma")
    if masked is not None and isinstance(value, masked.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one; pass {name}.filled(...)")


def is_half(dtype: np.dtype[Any]) -> bool:
    """Whether the dtype is float16 or bfloat16, of any byte order."""
    # bfloat16 by its name, for NumPy has none and the package that has one (ml_dtypes) is never imported here.
    return dtype.newbyteorder("=") == HALF or (dtype.itemsize == 2 and dtype.name == "bfloat16")


def computing_dtype(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """What a floating dtype is computed in, or None for any other dtype."""
    if dtype.kind in "biu":
        return None
    native = dtype.newbyteorder("=")
    # longdouble may equal float64, on the platforms where it is no longer.
    if native in (SINGLE, DOUBLE) and dtype.type is not np.longdouble:
        return native
    return SINGLE if is_half(dtype) else None


def convert(array: Array, dtype: np.dtype[Any], *, transposed: bool = False) -> Array:
    """The array in that dtype, aligned and C-contiguous; a copy only where it is not so already.

    With transposed, a 2-d array in Fortran order may stay as it is.
    """
    flags = array.flags
    ordered = flags.c_contiguous or (transposed and array.ndim == 2 and flags.f_contiguous)
    if array.dtype == dtype and flags.aligned and ordered:
        return array
    with np.errstate(all="ignore"):
        return np.array(array, dtype=dtype, order="C")


class Inputs:
    """The array arguments of one call, with one floating dtype for all of them.

    float64 wins over float32; float16 and bfloat16 count as float32. Lists, tuples, Python numbers, integers and bools
    are weak: they follow the others, and alone become float64. If the argument named by `decider` is floating, it
    decides alone (a loss has the dtype of its logits). is_strong says whether any argument was floating.

    With an argument on a CUDA device this becomes device_arrays.DeviceInputs.
    """

    def __new__(cls, values: dict[str, object], **options: Any) -> Inputs:
        if cls is Inputs and any(map(is_on_device, values.values())):
            from fastnn.device_arrays import DeviceInputs

            cls = DeviceInputs
        return super().__new__(cls)

    def __init__(self, values: dict[str, object], *, optional: tuple[str, ...] = (), decider: str = "") -> None:
        self.arrays: dict[str, Array] = {}
        strong: dict[str, np.dtype[Any]] = {}
        for name, value in values.items():
            if value is None and name in optional:
                continue
            array = self.arrays[name] = to_ndarray(value, name)
            dtype = computing_dtype(array.dtype)
            if dtype is not None and not isinstance(value, (list, tuple)) and type(value) is not float:
                strong[name] = dtype
        if decider in strong:
            strong = {decider: strong[decider]}
        self.is_strong = bool(strong)
        self.dtype = SINGLE if strong and DOUBLE not in strong.values() else DOUBLE
        self.allows_half = self.dtype == SINGLE and any(is_half(self.arrays[name].dtype) for name in strong)

    def follow(self, dtype: np.dtype[Any]) -> None:
        """Takes over a dtype that was decided earlier."""
        self.dtype = dtype
        self.allows_half = self.allows_half and dtype == SINGLE

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an argument, as the caller gave it."""
        return self.arrays[name].shape

    def prepared(self, name: str, axis: int | None = None) -> Array:
        """An argument as a backend takes it: at least 1-d, of the common dtype, contiguous, that axis moved last."""
        array = self.arrays[name]
        if array.ndim == 0:
            array = array.reshape(1)
        elif axis is not None and axis != array.ndim - 1:
            array = np.moveaxis(array, axis, -1)
        return convert(array, self.dtype)

    def optional(self, name: str, axis: int | None = None) -> Array | None:
        """prepared(), or None for an argument that was not given."""
        return self.prepared(name, axis) if name in self.arrays else None

    def weights(self, name: str) -> Array:
        """A matrix of weights: a transposed one is packed from the transpose, so it is not copied here."""
        return convert(self.arrays[name], self.dtype, transposed=True)

    def shaped(self, result: Any, shape: tuple[int, ...]) -> Any:
        """A result in another shape, in the same memory."""
        return np.asarray(result).reshape(shape)

    def require_shape(self, name: str, wanted: tuple[int, ...], letters: str) -> None:
        """Raises ValueError unless the argument has that shape; does nothing for one that was not given."""
        if name in self.arrays and self.shape(name) != wanted:
            raise ValueError(f"{name} must have shape {letters} = {wanted}, got {self.shape(name)}")


class Output:
    """Where one result goes: the caller's array, checked here, or a new one.

    buffer is what a backend gets as its `out`: None without an array from the caller; that array itself where the
    result fits in as it comes; else a scratch array, whose contents deliver() puts in place.

    For inputs on a CUDA device this becomes device_arrays.DeviceOutput.
    """

    def __new__(cls, out: object, name: str, shape: tuple[int, ...], inputs: Inputs, **options: Any) -> Output:
        if cls is Output:
            from fastnn import device_arrays

            if isinstance(inputs, device_arrays.DeviceInputs):
                return super().__new__(device_arrays.DeviceOutput)
            if is_on_device(out):
                raise device_arrays.mixed(name, next(iter(inputs.arrays)))
        return super().__new__(cls)

    def __init__(
        self,
        out: object,
        name: str,
        shape: tuple[int, ...],
        inputs: Inputs,
        *,
        alias: str | None = None,
        axis: int | None = None,
    ) -> None:
        self.name, self.shape, self.axis = name, shape, axis
        self.moved = axis is not None and len(shape) > 0 and axis != len(shape) - 1
        self.buffer: Array | None = None
        self.out: Array | None = None
        self.direct = False
        if out is None:
            return
        self.out = checked_output(out, name, shape, inputs)
        for other, array in inputs.arrays.items():
            if overlap(self.out, array) and not (other == alias and is_same_memory(self.out, array)):
                allowed = f"; only {name}={alias} itself may share memory" if alias in inputs.arrays else ""
                raise ValueError(f"{name} must not overlap {other}{allowed}")
        self.direct = not self.moved and self.out.dtype == inputs.dtype
        if self.direct:
            self.buffer = self.out.view(np.ndarray).reshape(self._working_shape())
        else:
            self.buffer = np.empty(self._working_shape(), inputs.dtype)

    def _working_shape(self) -> tuple[int, ...]:
        if self.moved:
            assert self.axis is not None
            return (*self.shape[: self.axis], *self.shape[self.axis + 1 :], self.shape[self.axis])
        return self.shape or (1,)

    def deliver(self, result: Array) -> Array:
        """The result in the caller's shape: in the caller's array where there is one."""
        if self.direct and self.out is not None:
            return self.out
        if self.moved:
            assert self.axis is not None
            result = np.moveaxis(result, -1, self.axis)
        else:
            result = np.asarray(result).reshape(self.shape)
        if self.out is None:
            return np.ascontiguousarray(result) if self.moved else result
        with np.errstate(all="ignore"):
            self.out[...] = result
        return self.out


def checked_output(out: object, name: str, shape: tuple[int, ...], inputs: Inputs) -> Array:
    """The caller's array if a result of that shape and of the inputs' dtype can be written into it."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be a numpy.ndarray, got {type(out).__name__}")
    refuse_masked(out, name)
    if out.dtype != inputs.dtype and not (inputs.allows_half and is_half(out.dtype) and out.dtype.isnative):
        raise TypeError(f"{name} must have dtype {inputs.dtype}, got {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {out.shape}")
    if not (out.flags.c_contiguous and out.flags.aligned):
        raise ValueError(f"{name} must be C-contiguous and aligned, got strides {out.strides} for shape {out.shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name} must be writeable, got a read-only array")
    return out


def require_apart(*outputs: Output) -> None:
    """Raises ValueError if two of the caller's arrays share memory."""
    given = [(output.name, output.out) for output in outputs if output.out is not None]
    for i, (name, array) in enumerate(given):
        for other, other_array in given[:i]:
            if overlap(array, other_array):
                raise ValueError(f"{name} must not overlap {other}")


def overlap(a: Any, b: Any) -> bool:
    """Whether two arrays share memory. Quick as long as one of them is contiguous."""
    if not isinstance(a, np.ndarray):
        from fastnn import device_arrays

        return device_arrays.overlap(a, b)
    return np.may_share_memory(a, b) and np.shares_memory(a, b)


def is_same_memory(out: Array, array: Array) -> bool:
    """Whether array is exactly the (contiguous) out: same place, shape and dtype."""
    return (
        array.flags.c_contiguous
        and array.shape == out.shape
        and array.dtype == out.dtype
        and array.__array_interface__["data"][0] == out.__array_interface__["data"][0]
    )
