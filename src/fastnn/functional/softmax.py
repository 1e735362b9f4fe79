"""softmax, its logarithm and their gradients, and logsumexp, over any one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn, arguments, backends
from fastnn.arrays import Inputs, Output

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastnn.arrays import Array


def softmax(x: ArrayLike, axis: int = -1, *, out: Array | None = None, backend: str | None = None) -> Array:
    """exp(x) / sum(exp(x)) over one axis.

    A row with nan or +inf is all nan, and so is one of -inf alone; elsewhere -inf gives exactly 0.

    Args:
        x: array of any shape; a 0-d array is one row of one class.
        axis: the axis of the classes.
        out: array for the result, of x's shape and dtype and C-contiguous; x itself is allowed.
        backend: a name of available_backends(); by default what use_backend says, else native.

    Returns:
        An array of x's shape; float32 for float32, float16 and bfloat16, float64 for everything else.

    Raises:
        TypeError: x is not real, or a dtype is wrong.
        ValueError: axis is out of range, or out has the wrong shape or layout, is read-only or overlaps x.
    """
    if backend is None:
        y: Array = _fastnn.softmax(x, axis, out)
        if y is not NotImplemented:
            return y
    return _forward("softmax", x, axis, out, backend)


def softmax_backward(
    dy: ArrayLike, y: ArrayLike, axis: int = -1, *, out: Array | None = None, backend: str | None = None
) -> Array:
    """The gradient of softmax: y * (dy - sum(dy * y)) over one axis.

    Args:
        dy: gradient with respect to y.
        y: what softmax returned, of dy's shape.
        axis: the axis of the classes.
        out: array for the result, of dy's shape; dy itself is allowed.
        backend: as for softmax.

    Returns:
        dx, of dy's shape.

    Raises:
        TypeError: an argument is not real, or a dtype is wrong.
        ValueError: shapes differ, axis is out of range, or out does not fit.
    """
    if backend is None:
        dx: Array = _fastnn.softmax_backward(dy, y, axis, out)
        if dx is not NotImplemented:
            return dx
    return _backward("softmax_backward", dy, y, axis, out, backend)


def log_softmax(x: ArrayLike, axis: int = -1, *, out: Array | None = None, backend: str | None = None) -> Array:
    """x - logsumexp(x) over one axis: the logarithm of softmax, without its underflow.

    Args:
        x: array of any shape; a 0-d array is one row of one class.
        axis: the axis of the classes.
        out: array for the result, of x's shape; x itself is allowed.
        backend: as for softmax.

    Returns:
        An array of x's shape.

    Raises:
        TypeError: x is not real, or a dtype is wrong.
        ValueError: axis is out of range, or out does not fit.
    """
    if backend is None:
        y: Array = _fastnn.log_softmax(x, axis, out)
        if y is not NotImplemented:
            return y
    return _forward("log_softmax", x, axis, out, backend)


def log_softmax_backward(
    dy: ArrayLike, y: ArrayLike, axis: int = -1, *, out: Array | None = None, backend: str | None = None
) -> Array:
    """The gradient of log_softmax: dy - exp(y) * sum(dy) over one axis.

    Args:
        dy: gradient with respect to y.
        y: what log_softmax returned, of dy's shape.
        axis: the axis of the classes.
        out: array for the result, of dy's shape; dy itself is allowed.
        backend: as for softmax.

    Returns:
        dx, of dy's shape.

    Raises:
        TypeError: an argument is not real, or a dtype is wrong.
        ValueError: shapes differ, axis is out of range, or out does not fit.
    """
    if backend is None:
        dx: Array = _fastnn.log_softmax_backward(dy, y, axis, out)
        if dx is not NotImplemented:
            return dx
    return _backward("log_softmax_backward", dy, y, axis, out, backend)


def logsumexp(x: ArrayLike, axis: int = -1, keepdims: bool = False, *, backend: str | None = None) -> Array:
    """log(sum(exp(x))) over one axis, without overflow; -inf for a row of -inf or of no classes.

    Args:
        x: array of any shape; a 0-d array is one row of one class.
        axis: the axis of the classes.
        keepdims: keep that axis, with length 1.
        backend: as for softmax.

    Returns:
        An array of x's shape without that axis.

    Raises:
        TypeError: x is not real.
        ValueError: axis is out of range.
    """
    if backend is None:
        quick: Array = _fastnn.logsumexp(x, axis, keepdims)
        if quick is not NotImplemented:
            return quick
    ops = backends.choose(backend)
    inputs = Inputs({"x": x})
    shape = inputs.shape("x")
    index = arguments.axis_of(axis, shape, "x")
    keep = arguments.flag(keepdims, "keepdims")
    rest = (*shape[:index], *([1] if keep and shape else []), *shape[index + 1 :])
    s: Array = inputs.shaped(ops.logsumexp(inputs.prepared("x", index), -1, False), rest)
    return s


def _forward(operation: str, x: object, axis: object, out: object, backend: object) -> Array:
    ops = backends.choose(backend)
    inputs = Inputs({"x": x})
    shape = inputs.shape("x")
    index = arguments.axis_of(axis, shape, "x")
    result = Output(out, "out", shape, inputs, alias="x", axis=index)
    return result.deliver(getattr(ops, operation)(inputs.prepared("x", index), -1, out=result.buffer))


def _backward(operation: str, dy: object, y: object, axis: object, out: object, backend: object) -> Array:
    ops = backends.choose(backend)
    inputs = Inputs({"dy": dy, "y": y})
    shape = inputs.shape("dy")
    inputs.require_shape("y", shape, "dy's shape")
    index = arguments.axis_of(axis, shape, "dy")
    result = Output(out, "out", shape, inputs, alias="dy", axis=index)
    dx = getattr(ops, operation)(inputs.prepared("dy", index), inputs.prepared("y", index), -1, out=result.buffer)
    return result.deliver(dx)
