"""The dense layer: forward with the activation in the product's epilogue, the three gradients, and packed weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import activations
from fastnn.backends.kind_numbers import IDENTITY, number_of

from .activation import CHUNK as ELEMENTS, COLUMNS, ROWS, activation_gradient, finish_columns
from .arrays import blocks_for, copied, empty, flat, hosted, is_device, new, stream_of, to_device, transposed
from .compiling import cuda, kernel
from .gemm import multiply
from .sums import nothing

if TYPE_CHECKING:
    from fastnn.activations import Kind

PLAIN = (IDENTITY, 0.0)


@kernel(
    "T[::1], int64, float64[::1]",
    threads=COLUMNS,
    blocks=8,
    doubles=True,
    bytes=lambda size: size,
    flops=lambda size: 1,
)
def column_sums(x, columns, sums):
    """sums (chunks, columns) = the sums of 64 rows of x (rows, columns); the grid's second axis counts the chunks."""
    column = cuda.blockIdx.x * COLUMNS + cuda.threadIdx.x
    if column < columns:
        total = np.float64(0.0)
        begin = cuda.blockIdx.y * ROWS * columns + column
        for i in range(begin, min(begin + ROWS * columns, x.size), columns):
            total += np.float64(x[i])
        sums[cuda.blockIdx.y * columns + column] = total


def _memory(w: Any) -> tuple[Any, bool]:
    """A matrix of weights as its memory, flat, and whether it is stored transposed."""
    is_transposed = not w.is_c_contiguous()
    return flat(transposed(w) if is_transposed else w), is_transposed


def _forward(x: Any, w: Any, b: Any, kind: str | Kind, out: Any, z_out: Any) -> Any:
    stream = stream_of(x, w, b, out, z_out)
    features, units = w.shape
    y = new(out, (*x.shape[:-1], units), x.dtype, stream)
    rows = math.prod(x.shape[:-1])
    empty_array = nothing(x.dtype, stream)
    memory, is_transposed = _memory(w)
    bias = empty_array if b is None else flat(b)
    z = empty_array if z_out is None else flat(z_out)
    sizes = rows, units, features
    layout = "nt" if is_transposed else "nn"
    multiply(flat(x), memory, bias, layout, sizes, number_of(kind), z, flat(y), stream)
    return y


@hosted(outputs=("out", "z_out"))
def dense(
    x: Any, w: Any, b: Any = None, activation: str | Kind = "identity", *, out: Any = None, z_out: Any = None
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _forward(x, w, b, activation, out, z_out)


@hosted(outputs=("dx_out", "dw_out", "db_out"))
def dense_backward(
    dy: Any,
    x: Any,
    w: Any,
    y: Any,
    activation: str | Kind = "identity",
    *,
    z: Any = None,
    need_dx: bool = True,
    dx_out: Any = None,
    dw_out: Any = None,
    db_out: Any = None,
) -> tuple[Any, Any, Any]:
    """As the public function of that name, for prepared arguments."""
    stream = stream_of(dy, x, w, y, z, dx_out, dw_out, db_out)
    features, units = w.shape
    rows = math.prod(x.shape[:-1])
    empty_array = nothing(x.dtype, stream)
    dz = flat(dy)
    number, parameter = number_of(activation)
    if number != IDENTITY:
        dz = empty(dy.size, dy.dtype, stream)
        saved = z if z is not None and activations.needs_z(activation) else y
        args = number, dy.dtype.type(parameter), flat(dy), flat(saved), dz
        activation_gradient.launch(blocks_for(dy.size, ELEMENTS), stream, *args)
    dw = new(dw_out, (features, units), x.dtype, stream)
    multiply(flat(x), dz, empty_array, "tn", (features, units, rows), PLAIN, empty_array, flat(dw), stream)
    db = new(db_out, (units,), x.dtype, stream)
    chunks = -(-rows // ROWS)
    sums = empty(chunks * units, np.float64, stream)
    column_sums.launch((blocks_for(units, COLUMNS), chunks), stream, dz, units, sums)
    finish_columns.launch(blocks_for(units, COLUMNS), stream, sums, flat(db))
    if not need_dx:
        return None, dw, db
    dx = new(dx_out, tuple(x.shape), x.dtype, stream)
    memory, is_transposed = _memory(w)
    # The transpose of a transposed matrix is stored row by row.
    layout = "nn" if is_transposed else "nt"
    multiply(dz, memory, empty_array, layout, (rows, features, units), PLAIN, empty_array, flat(dx), stream)
    return dx, dw, db


class PackedDense:
    """As the public class of that name, for prepared arguments: a copy of the weights stays on the device.

    In the order that they come in, row by row or transposed, because the kernels take either: so the bits are dense's.
    """

    def __init__(self, w: Any, b: Any = None, activation: str | Kind = "identity") -> None:
        self.activation = activation
        if is_device(w):
            stream = stream_of(w, b)
            is_plain = w.is_c_contiguous()
            kept = copied(w if is_plain else transposed(w), None, stream)
            self.w = kept if is_plain else transposed(kept)
            self.b = None if b is None else copied(b, None, stream)
        else:
            self.w, self.b = to_device(w), None if b is None else to_device(b)

    def __call__(self, x: Any, out: Any = None) -> Any:
        """y = f(x w + b)."""
        return _packed(x, self, out) if is_device(x) else _packed_of_host(x, self, out)


def _packed(x: Any, layer: PackedDense, out: Any) -> Any:
    return _forward(x, layer.w, layer.b, layer.activation, out, None)


_packed_of_host = hosted(outputs=("out",))(_packed)
