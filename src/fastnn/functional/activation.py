"""Activations: any kind by name or object, its gradient, and the parametric ReLU. One function a kind: kinds.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn, activations, backends
from fastnn.arrays import Inputs, Output
from fastnn.functional.dense import require_z

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastnn.activations import Kind
    from fastnn.arrays import Array


def activation(z: ArrayLike, kind: str | Kind, *, out: Array | None = None, backend: str | None = None) -> Array:
    """y = f(z), element by element.

    Args:
        z: array of any shape.
        kind: f, a name such as "relu" or an object such as LeakyReLU(0.1).
        out: array for y, of z's shape and C-contiguous; z itself is allowed.
        backend: a name of available_backends(); by default what use_backend says, else native.

    Returns:
        y, of z's shape; float32 for float32, float16 and bfloat16, float64 for everything else.

    Raises:
        TypeError: z is not real, or a dtype is wrong.
        ValueError: the kind is unknown, or out has the wrong shape or layout, is read-only or overlaps z.
    """
    if backend is None:
        y: Array = _fastnn.activation(z, kind, out)
        if y is not NotImplemented:
            return y
    ops = backends.choose(backend)
    known = activations.resolve(kind, "kind")
    inputs = Inputs({"z": z})
    result = Output(out, "out", inputs.shape("z"), inputs, alias="z")
    return result.deliver(ops.activation(inputs.prepared("z"), known, out=result.buffer))


def activation_backward(
    dy: ArrayLike,
    y: ArrayLike,
    kind: str | Kind,
    *,
    z: ArrayLike | None = None,
    out: Array | None = None,
    backend: str | None = None,
) -> Array:
    """dz = dy * f'(z), element by element, with f' had from y wherever that is possible.

    Args:
        dy: gradient with respect to y, any shape.
        y: what activation returned, of dy's shape.
        kind: as for activation.
        z: what activation was given, of dy's shape. Needed where f' cannot be had from y: swish, gelu, gelu_tanh,
            mish, hard_swish, and leaky_relu, elu and celu with a negative parameter.
        out: array for dz, of dy's shape and C-contiguous; dy itself is allowed.
        backend: as for activation.

    Returns:
        dz, of dy's shape.

    Raises:
        TypeError: an argument is not real, or a dtype is wrong.
        ValueError: shapes differ, the kind is unknown, z is missing, or out does not fit.
    """
    if backend is None:
        dz: Array = _fastnn.activation_backward(dy, y, kind, z, out)
        if dz is not NotImplemented:
            return dz
    ops = backends.choose(backend)
    known = activations.resolve(kind, "kind")
    require_z(known, z)
    inputs = Inputs({"dy": dy, "y": y, "z": z}, optional=("z",))
    shape = inputs.shape("dy")
    inputs.require_shape("y", shape, "dy's shape")
    inputs.require_shape("z", shape, "dy's shape")
    result = Output(out, "out", shape, inputs, alias="dy")
    prepared = inputs.prepared("dy"), inputs.prepared("y")
    return result.deliver(ops.activation_backward(*prepared, known, z=inputs.optional("z"), out=result.buffer))


def prelu(x: ArrayLike, slope: ArrayLike, *, out: Array | None = None, backend: str | None = None) -> Array:
    """x where x > 0, else slope * x: a leaky ReLU whose slope is learnt.

    Args:
        x: array of shape (..., O).
        slope: shape (1,) for one slope, or (O,) for one a column.
        out: array for the result, of x's shape and C-contiguous; x itself is allowed.
        backend: as for activation.

    Returns:
        An array of x's shape.

    Raises:
        TypeError: an argument is not real, or a dtype is wrong.
        ValueError: slope has the wrong shape, or out does not fit.
    """
    if backend is None:
        y: Array = _fastnn.prelu(x, slope, out)
        if y is not NotImplemented:
            return y
    ops = backends.choose(backend)
    inputs = Inputs({"x": x, "slope": slope})
    _check_slope(inputs)
    result = Output(out, "out", inputs.shape("x"), inputs, alias="x")
    return result.deliver(ops.prelu(inputs.prepared("x"), inputs.prepared("slope"), out=result.buffer))


def prelu_backward(dy: ArrayLike, x: ArrayLike, slope: ArrayLike, *, backend: str | None = None) -> tuple[Array, Array]:
    """The gradients of prelu with respect to x and slope.

    Args:
        dy: gradient with respect to prelu's result, shape (..., O).
        x: what prelu was given, of dy's shape.
        slope: what prelu was given, shape (1,) or (O,).
        backend: as for activation.

    Returns:
        (dx, dslope) of the shapes of x and slope.

    Raises:
        TypeError: an argument is not real.
        ValueError: a shape is wrong.
    """
    if backend is None:
        gradients: tuple[Array, Array] = _fastnn.prelu_backward(dy, x, slope)
        if gradients is not NotImplemented:
            return gradients
    ops = backends.choose(backend)
    inputs = Inputs({"dy": dy, "x": x, "slope": slope})
    shape = inputs.shape("x")
    inputs.require_shape("dy", shape, "x's shape")
    _check_slope(inputs)
    dx, dslope = ops.prelu_backward(inputs.prepared("dy"), inputs.prepared("x"), inputs.prepared("slope"))
    return inputs.shaped(dx, shape), dslope


def _check_slope(inputs: Inputs) -> None:
    columns = (inputs.shape("x") or (1,))[-1]
    if inputs.shape("slope") not in ((1,), (columns,)):
        raise ValueError(f"slope must have shape (1,) or (O,) = ({columns},), got {inputs.shape('slope')}")
