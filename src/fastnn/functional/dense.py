"""The dense layer: forward, backward, and weights packed once for many calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from fastnn import _fastnn, activations, arguments, backends
from fastnn.arrays import SINGLE, Inputs, Output, require_apart

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from fastnn.activations import Kind
    from fastnn.arrays import Array


def dense(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    activation: str | Kind = "identity",
    *,
    out: Array | None = None,
    z_out: Array | None = None,
    backend: str | None = None,
) -> Array:
    """y = f(x @ w + b).

    Args:
        x: inputs, shape (..., I), with any leading axes or none.
        w: weights, shape (I, O); a transposed (O, I) matrix, w.T, is taken without a copy.
        b: biases, shape (O,), or None.
        activation: f, a name such as "relu" or an object such as LeakyReLU(0.1).
        out: array for y, shape (..., O), C-contiguous; may not overlap an input.
        z_out: array that receives z = x @ w + b, which dense_backward needs for some activations.
        backend: a name of available_backends(); by default what use_backend says, else native.

    Returns:
        y, shape (..., O); float64 if an array is float64, else float32 (lists and integers alone give float64).

    Raises:
        TypeError: an argument is not real, or an output's dtype is wrong.
        ValueError: a shape or layout is wrong, an output overlaps, or the activation is unknown.
    """
    if backend is None:
        y: Array = _fastnn.dense(x, w, b, activation, out, z_out)
        if y is not NotImplemented:
            return y
    ops = backends.choose(backend)
    kind = activations.resolve(activation)
    inputs = Inputs({"x": x, "w": w, "b": b}, optional=("b",))
    shape = _output_shape(inputs)
    result, pre_activation = Output(out, "out", shape, inputs), Output(z_out, "z_out", shape, inputs)
    require_apart(result, pre_activation)
    prepared = inputs.prepared("x"), inputs.weights("w"), inputs.optional("b")
    y = ops.dense(*prepared, kind, out=result.buffer, z_out=pre_activation.buffer)
    if pre_activation.buffer is not None:
        pre_activation.deliver(pre_activation.buffer)
    return result.deliver(y)


def dense_backward(
    dy: ArrayLike,
    x: ArrayLike,
    w: ArrayLike,
    y: ArrayLike,
    activation: str | Kind = "identity",
    *,
    z: ArrayLike | None = None,
    need_dx: bool = True,
    dx_out: Array | None = None,
    dw_out: Array | None = None,
    db_out: Array | None = None,
    backend: str | None = None,
) -> tuple[Array | None, Array, Array]:
    """The gradients of dense: with dz = dy * f'(z), dx = dz @ w.T, dw = x.T @ dz and db = the sum of dz's rows.

    Args:
        dy: gradient with respect to y, shape (..., O).
        x: the inputs, shape (..., I).
        w: the weights, shape (I, O).
        y: what dense returned, shape (..., O).
        activation: as given to dense.
        z: what dense wrote to z_out, shape (..., O). Needed where f' cannot be had from y: swish, gelu, gelu_tanh,
            mish, hard_swish, and leaky_relu, elu and celu with a negative parameter.
        need_dx: False leaves dx out, as for the first layer of a network.
        dx_out, dw_out, db_out: arrays for the results, C-contiguous; may not overlap anything.
        backend: as for dense.

    Returns:
        (dx, dw, db) of shapes (..., I), (I, O) and (O,); dx is None without need_dx.

    Raises:
        TypeError: an argument is not real, or an output's dtype is wrong.
        ValueError: a shape or layout is wrong, an output overlaps, the activation is unknown, or z is missing.
    """
    if backend is None:
        gradients: tuple[Array | None, Array, Array] = _fastnn.dense_backward(
            dy, x, w, y, activation, z, need_dx, dx_out, dw_out, db_out
        )
        if gradients is not NotImplemented:
            return gradients
    ops = backends.choose(backend)
    kind = activations.resolve(activation)
    wants_dx = arguments.flag(need_dx, "need_dx")
    require_z(kind, z)
    inputs = Inputs({"dy": dy, "x": x, "w": w, "y": y, "z": z}, optional=("z",))
    shape = _output_shape(inputs)
    for name in ("dy", "y", "z"):
        inputs.require_shape(name, shape, "(..., O)")
    if dx_out is not None and not wants_dx:
        raise ValueError("dx_out must be None when need_dx is False")
    outputs = (
        Output(dx_out, "dx_out", inputs.shape("x"), inputs),
        Output(dw_out, "dw_out", inputs.shape("w"), inputs),
        Output(db_out, "db_out", shape[-1:], inputs),
    )
    require_apart(*outputs)
    dx, dw, db = ops.dense_backward(
        inputs.prepared("dy"),
        inputs.prepared("x"),
        inputs.weights("w"),
        inputs.prepared("y"),
        kind,
        z=inputs.optional("z"),
        need_dx=wants_dx,
        dx_out=outputs[0].buffer,
        dw_out=outputs[1].buffer,
        db_out=outputs[2].buffer,
    )
    return outputs[0].deliver(dx) if wants_dx else None, outputs[1].deliver(dw), outputs[2].deliver(db)


class PackedDense:
    """A dense layer whose weights are laid out once for the kernels: the same bits as dense, faster when called often.

    The weights are copied, so later changes to w and b do not show. They are kept in the packed form only; that is
    why such an object cannot be pickled: pickle w and b and pack them again.

    Args:
        w: weights, shape (I, O); w.T is taken without a copy.
        b: biases, shape (O,), or None.
        activation: as for dense.
        backend: a name of available_backends(); by default what use_backend says, else native. The object keeps to it.

    Raises:
        TypeError: an argument is not real.
        ValueError: a shape is wrong or the activation is unknown.
    """

    __slots__ = ("_backend", "_layer", "_packed", "activation", "dtype", "in_features", "out_features")

    in_features: int
    out_features: int
    dtype: np.dtype[Any]
    activation: str | Kind

    def __init__(
        self,
        w: ArrayLike,
        b: ArrayLike | None = None,
        activation: str | Kind = "identity",
        *,
        backend: str | None = None,
    ) -> None:
        ops = backends.choose(backend)
        self.activation = activations.resolve(activation)
        inputs = Inputs({"w": w, "b": b}, optional=("b",))
        self.in_features, self.out_features = _checked_weights(inputs, None)
        self.dtype = inputs.dtype
        self._backend = backends.chosen.get()
        self._layer = ops.PackedDense(inputs.weights("w"), inputs.optional("b"), self.activation)
        self._packed = getattr(self._layer, "packed", None)

    def __call__(self, x: ArrayLike, out: Array | None = None) -> Array:
        """y = f(x @ w + b) for x of shape (..., I).

        A float64 x is refused by float32 weights, because dense would compute it in float64.

        Args:
            x: inputs, shape (..., I), of at most the weights' precision.
            out: array for y, shape (..., O), C-contiguous; may not overlap x.

        Returns:
            y, shape (..., O), of the weights' dtype.

        Raises:
            TypeError: x is not real or is more precise than the weights, or out's dtype is wrong.
            ValueError: a shape or layout is wrong, or out overlaps x.
        """
        y: Array = _fastnn.packed_dense(self._packed, x, out)
        if y is not NotImplemented:
            return y
        backends.chosen.set(self._backend)
        inputs = Inputs({"x": x})
        if inputs.is_strong and inputs.dtype != self.dtype == SINGLE:
            raise TypeError("x must be float32 like the packed weights, got float64; pass x.astype(numpy.float32)")
        inputs.follow(self.dtype)
        shape = inputs.shape("x")
        if not shape or shape[-1] != self.in_features:
            raise ValueError(f"x must have shape (..., I) with I = {self.in_features}, got {shape}")
        result = Output(out, "out", (*shape[:-1], self.out_features), inputs)
        return result.deliver(self._layer(inputs.prepared("x"), result.buffer))

    def __repr__(self) -> str:
        return f"PackedDense(in_features={self.in_features}, out_features={self.out_features}, dtype={self.dtype})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("PackedDense keeps no w and b to be pickled or copied; pickle those and pack them again")


def require_z(kind: str | Kind, z: object) -> None:
    """Raises ValueError where the derivative cannot be had without z."""
    if z is None and activations.needs_z(kind):
        raise ValueError(f"the derivative of {kind} needs z, the values before the activation; pass z=")


def _output_shape(inputs: Inputs) -> tuple[int, ...]:
    """The shape (..., O) of x @ w + b, once x, w and b are known to fit each other."""
    shape = inputs.shape("x")
    if not shape:
        raise ValueError("x must have shape (..., I), got a 0-d array")
    return (*shape[:-1], _checked_weights(inputs, shape[-1])[1])


def _checked_weights(inputs: Inputs, features: int | None) -> tuple[int, int]:
    """(I, O) of w, where I must be the features of x if they are known."""
    shape = inputs.shape("w")
    if len(shape) != 2:
        known = "" if features is None else f" with I = {features}"
        raise ValueError(f"w must have shape (I, O){known}, got {shape}")
    if features is not None and shape[0] != features:
        if shape[1] == features:
            raise ValueError(f"w must have shape (I, O) = {(features, shape[0])}, got {shape}; pass w.T?")
        raise ValueError(f"w must have shape (I, O) = {(features, shape[1])}, got {shape}")
    inputs.require_shape("b", shape[1:], "(O,)")
    return shape[0], shape[1]
