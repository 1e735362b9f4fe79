"""Arguments that lie on a CUDA device: what arrays.Inputs and arrays.Output are for them. Nothing goes to the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import backends
from fastnn.arrays import DOUBLE, SINGLE, Inputs, Output, is_on_device

if TYPE_CHECKING:
    from fastnn.arrays import Array


def adopted(value: Any, name: str) -> Any:
    """An array on the device as the cuda backend takes it.

    Raises:
        TypeError: the call goes to another backend, or the array cannot be taken.
        ValueError: it lies on another device than the current one.
    """
    chosen = backends.chosen.get()
    if chosen != "cuda":
        raise TypeError(
            f"{name} is on a CUDA device, where the {chosen} backend cannot compute; pass backend='cuda' or copy it to "
            f"the host"
        )
    from fastnn.backends.numba_cuda import foreign

    return foreign.adopted(value, name)


def require_contiguous(array: Any, name: str, *, transposed: bool = False) -> None:
    """Raises ValueError unless the array is C-contiguous, or may be and is the transpose of such a matrix."""
    if array.size and not array.is_c_contiguous() and not (transposed and array.is_f_contiguous()):
        raise ValueError(
            f"{name} must be C-contiguous on the device, got strides {tuple(array.strides)} for shape "
            f"{tuple(array.shape)}; copy it there"
        )


def mixed(on_device: str, on_host: str) -> TypeError:
    """The error for arguments of which one is on the device and the other is not."""
    return TypeError(
        f"{on_device} is on the CUDA device and {on_host} is not; pass both as device arrays or both as NumPy arrays"
    )


class DeviceInputs(Inputs):
    """Inputs of a call whose arrays lie on the device; Python's numbers may stand beside them."""

    def __init__(self, values: dict[str, object], *, optional: tuple[str, ...] = (), decider: str = "") -> None:
        first = next(name for name, value in values.items() if is_on_device(value))
        self.arrays: dict[str, Any] = {}
        strong: dict[str, np.dtype[Any]] = {}
        for name, value in values.items():
            if value is None and name in optional:
                continue
            if value is None:
                raise TypeError(f"{name} must be an array of real numbers, got None")
            if not is_on_device(value):
                if not isinstance(value, (int, float, np.number)):
                    raise mixed(first, name)
                self.arrays[name] = _on_device(np.float64(value))
                continue
            array = self.arrays[name] = adopted(value, name)
            require_contiguous(array, name, transposed=name == "w")
            if array.dtype in (SINGLE, DOUBLE):
                strong[name] = array.dtype
        if decider in strong:
            strong = {decider: strong[decider]}
        self.is_strong = bool(strong)
        self.dtype = SINGLE if strong and DOUBLE not in strong.values() else DOUBLE
        self.allows_half = False

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.arrays[name].shape)

    def prepared(self, name: str, axis: int | None = None) -> Any:
        from fastnn.backends.numba_cuda import arrays, foreign

        array = foreign.converted(self.arrays[name], self.dtype)
        if array.ndim == 0:
            return arrays.viewed(array, (1,))
        return array if axis is None else arrays.last(array, axis, array.stream)

    def weights(self, name: str) -> Any:
        from fastnn.backends.numba_cuda import arrays, foreign

        array = self.arrays[name]
        if array.dtype == self.dtype or array.is_c_contiguous():
            return foreign.converted(array, self.dtype)
        return arrays.transposed(foreign.converted(arrays.transposed(array), self.dtype))

    def shaped(self, result: Any, shape: tuple[int, ...]) -> Any:
        from fastnn.backends.numba_cuda import arrays

        return arrays.viewed(result, shape)


class DeviceOutput(Output):
    """Where one result on the device goes; see Output."""

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
        self.buffer: Any = None
        self.out: Any = None
        self.given: Any = out
        self.direct = False
        if out is None:
            return
        from fastnn.backends.numba_cuda import arrays, foreign

        self.out = checked_output(out, name, shape, inputs)
        for other, array in inputs.arrays.items():
            if foreign.overlap(self.out, array) and not (other == alias and foreign.is_same_memory(self.out, array)):
                allowed = f"; only {name}={alias} itself may share memory" if alias in inputs.arrays else ""
                raise ValueError(f"{name} must not overlap {other}{allowed}")
        self.direct = not self.moved
        if self.direct:
            self.buffer = arrays.viewed(self.out, shape or (1,))

    def deliver(self, result: Any) -> Any:
        """The result in the caller's shape: in the caller's array where there is one."""
        from fastnn.backends.numba_cuda import arrays

        if self.direct:
            return self.given
        if self.moved:
            assert self.axis is not None
            result = arrays.back(result, self.axis, self.out, result.stream)
            return result if self.out is None else self.given
        return arrays.viewed(result, self.shape)


def checked_output(out: object, name: str, shape: tuple[int, ...], inputs: Inputs) -> Any:
    """The caller's array on the device if a result of that shape and of the inputs' dtype can be written into it."""
    if not is_on_device(out):
        if isinstance(out, np.ndarray):
            raise mixed(next(iter(inputs.arrays)), name)
        raise TypeError(f"{name} must be an array on the CUDA device like the others, got {type(out).__name__}")
    array = adopted(out, name)
    if array.dtype != inputs.dtype:
        raise TypeError(f"{name} must have dtype {inputs.dtype}, got {array.dtype}")
    if tuple(array.shape) != shape:
        raise ValueError(f"{name} must have shape {shape}, got {tuple(array.shape)}")
    require_contiguous(array, name)
    require_writeable(out, name)
    return array


def require_writeable(value: object, name: str) -> None:
    """Raises ValueError for an array that its package calls read-only."""
    from fastnn.backends.numba_cuda import foreign

    if foreign.is_read_only(value):
        raise ValueError(f"{name} must be writeable, got a read-only array")


def overlap(a: Any, b: Any) -> bool:
    """Whether two arrays on the device share memory."""
    from fastnn.backends.numba_cuda import foreign

    return foreign.overlap(a, b)


def prepared_indices(targets: Any, classes: int, ignored: int | None) -> tuple[Any, int | None]:
    """Class indices in int64, and the place of the first that is out of range, if there is one. It waits for that."""
    from fastnn.backends.numba_cuda.cross_entropy import prepared_indices as prepared

    return prepared(targets, classes, ignored)


def _on_device(value: Array | np.float64) -> Any:
    from fastnn.backends.numba_cuda import arrays

    return arrays.to_device(np.asarray(value))
