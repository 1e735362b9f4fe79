"""Operations that draw random numbers: dropout and the randomised leaky ReLU.

The numbers are Philox4x32-10's (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), keyed by seed and
counter and numbered by the element's index: every backend and every number of threads draws the same, and the backward
operation draws them again instead of keeping a mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn import _fastnn, arguments, backends
from fastnn.arrays import Inputs, Output

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastnn.arrays import Array


def dropout(
    x: ArrayLike, p: float, *, seed: int, counter: int, out: Array | None = None, backend: str | None = None
) -> Array:
    """Zero with probability p, else x / (1 - p).

    Args:
        x: array of any shape.
        p: probability of a zero, from 0 to 1.
        seed, counter: integers from 0 to 2**64 - 1; the same pair gives the same mask.
        out: array for the result, of x's shape and C-contiguous; x itself is allowed.
        backend: a name of available_backends(); by default what use_backend says, else native.

    Returns:
        An array of x's shape; float32 for float32, float16 and bfloat16, float64 for everything else.

    Raises:
        TypeError: x, p, seed or counter is of a wrong type, or a dtype is wrong.
        ValueError: p, seed or counter is out of range, or out does not fit.
    """
    if backend is None:
        y: Array = _fastnn.dropout(x, p, seed, counter, out)
        if y is not NotImplemented:
            return y
    return _dropout("dropout", "x", x, p, seed, counter, out, backend)


def dropout_backward(
    dy: ArrayLike, p: float, *, seed: int, counter: int, out: Array | None = None, backend: str | None = None
) -> Array:
    """The gradient of dropout: zero where dropout gave zero, else dy / (1 - p).

    Args:
        dy: gradient with respect to dropout's result, any shape.
        p, seed, counter: as given to dropout.
        out: array for the result, of dy's shape and C-contiguous; dy itself is allowed.
        backend: as for dropout.

    Returns:
        dx, of dy's shape.

    Raises:
        TypeError: dy, p, seed or counter is of a wrong type, or a dtype is wrong.
        ValueError: p, seed or counter is out of range, or out does not fit.
    """
    if backend is None:
        dx: Array = _fastnn.dropout_backward(dy, p, seed, counter, out)
        if dx is not NotImplemented:
            return dx
    return _dropout("dropout_backward", "dy", dy, p, seed, counter, out, backend)


def rrelu(
    x: ArrayLike,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    seed: int = 0,
    counter: int = 0,
    out: Array | None = None,
    backend: str | None = None,
) -> Array:
    """x where x >= 0, else slope * x; Xu et al. 2015, arXiv:1505.00853.

    Args:
        x: array of any shape.
        lower, upper: ends of the slopes' range.
        training: draw a slope for each element; otherwise every slope is (lower + upper) / 2.
        seed, counter: integers from 0 to 2**64 - 1; the same pair gives the same slopes.
        out: array for the result, of x's shape and C-contiguous; x itself is allowed.
        backend: as for dropout.

    Returns:
        An array of x's shape.

    Raises:
        TypeError: an argument is of a wrong type, or a dtype is wrong.
        ValueError: lower > upper, seed or counter is out of range, or out does not fit.
    """
    if backend is None:
        y: Array = _fastnn.rrelu(x, lower, upper, training, seed, counter, out)
        if y is not NotImplemented:
            return y
    ops = backends.choose(backend)
    inputs = Inputs({"x": x})
    options = _slopes(lower, upper, training, seed, counter)
    result = Output(out, "out", inputs.shape("x"), inputs, alias="x")
    first, last, drawn, key, number = options
    y = ops.rrelu(inputs.prepared("x"), first, last, training=drawn, seed=key, counter=number, out=result.buffer)
    return result.deliver(y)


def rrelu_backward(
    dy: ArrayLike,
    x: ArrayLike,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    training: bool = False,
    seed: int = 0,
    counter: int = 0,
    out: Array | None = None,
    backend: str | None = None,
) -> Array:
    """The gradient of rrelu: dy where x >= 0, else slope * dy, the slopes drawn again.

    Args:
        dy: gradient with respect to rrelu's result, any shape.
        x: what rrelu was given, of dy's shape.
        lower, upper, training, seed, counter: as given to rrelu.
        out: array for the result, of dy's shape and C-contiguous; dy itself is allowed.
        backend: as for dropout.

    Returns:
        dx, of dy's shape.

    Raises:
        TypeError: an argument is of a wrong type, or a dtype is wrong.
        ValueError: shapes differ, lower > upper, seed or counter is out of range, or out does not fit.
    """
    if backend is None:
        dx: Array = _fastnn.rrelu_backward(dy, x, lower, upper, training, seed, counter, out)
        if dx is not NotImplemented:
            return dx
    ops = backends.choose(backend)
    inputs = Inputs({"dy": dy, "x": x})
    shape = inputs.shape("dy")
    inputs.require_shape("x", shape, "dy's shape")
    first, last, drawn, key, number = _slopes(lower, upper, training, seed, counter)
    result = Output(out, "out", shape, inputs, alias="dy")
    prepared = inputs.prepared("dy"), inputs.prepared("x")
    dx = ops.rrelu_backward(*prepared, first, last, training=drawn, seed=key, counter=number, out=result.buffer)
    return result.deliver(dx)


def _dropout(
    operation: str, name: str, x: object, p: object, seed: object, counter: object, out: object, backend: object
) -> Array:
    ops = backends.choose(backend)
    inputs = Inputs({name: x})
    probability = arguments.real_in(p, "p", 0.0, 1.0)
    key, number = arguments.word64(seed, "seed"), arguments.word64(counter, "counter")
    result = Output(out, "out", inputs.shape(name), inputs, alias=name)
    drop = getattr(ops, operation)
    return result.deliver(drop(inputs.prepared(name), probability, seed=key, counter=number, out=result.buffer))


def _slopes(
    lower: object, upper: object, training: object, seed: object, counter: object
) -> tuple[float, float, bool, int, int]:
    first, last = arguments.real(lower, "lower"), arguments.real(upper, "upper")
    if not first <= last:
        raise ValueError(f"lower must be <= upper, got {first!r} and {last!r}")
    drawn = arguments.flag(training, "training")
    return first, last, drawn, arguments.word64(seed, "seed"), arguments.word64(counter, "counter")
