"""The layers, with Keras 3's names and meaning.

Every layer takes `name` and `input_shape` (layer.Layer says what they are), and raises TypeError for an argument of a
wrong type, ValueError for one of a wrong value, IndexError never.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fastnn import activations, arguments
from fastnn.network import activation_names, initializers, named, plan, regularizers
from fastnn.network.layer import Layer, LayerVariable, checked_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn.activations import Kind
    from fastnn.arrays import Array
    from fastnn.network.plan import Operation, Shape


class InputLayer(Layer):
    """Tells the shape of the samples; computes nothing.

    Args:
        shape: the shape of one sample, such as (784,).
        name: as for every layer.
        input_shape: another name of shape.
    """

    def __init__(
        self, shape: Sequence[int] | None = None, name: str | None = None, input_shape: Sequence[int] | None = None
    ) -> None:
        if (shape is None) == (input_shape is None):
            raise ValueError("shape must be given, such as InputLayer((784,)), and only once")
        super().__init__(name, checked_shape(shape, "shape") if input_shape is None else input_shape)

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        return []


def Input(shape: Sequence[int], name: str | None = None) -> InputLayer:
    """An InputLayer, by the name that Keras's scripts use at the head of a Sequential."""
    return InputLayer(shape, name)


class Dense(Layer):
    """y = activation(x @ kernel + bias) over the last axis: x (..., I), kernel (I, units), bias (units,).

    Args:
        units: the number of outputs, 1 or more.
        activation: a name such as "relu" or "softmax", an object such as fastnn.LeakyReLU(0.1), a function such as
            fastnn.relu, or None; see activation_names.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: a name or an initializer.
        kernel_regularizer, bias_regularizer: a name, a regularizer or None.
        name, input_shape: as for every layer.
        input_dim: I, in place of input_shape=(I,).
    """

    def __init__(
        self,
        units: int,
        activation: object = None,
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        kernel_regularizer: object = None,
        bias_regularizer: object = None,
        name: str | None = None,
        input_shape: Sequence[int] | None = None,
        input_dim: int | None = None,
    ) -> None:
        if input_dim is not None:
            if input_shape is not None:
                raise ValueError("input_dim and input_shape must not both be given")
            input_shape = (arguments.integer(input_dim, "input_dim", 1),)
        super().__init__(name, input_shape)
        self.units = arguments.integer(units, "units", 1)
        self.activation = _activation(activation)
        self.use_bias = arguments.flag(use_bias, "use_bias")
        self.kernel_initializer = initializers.get(kernel_initializer, "kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, "bias_initializer")
        self.kernel_regularizer = regularizers.get(kernel_regularizer, "kernel_regularizer")
        self.bias_regularizer = regularizers.get(bias_regularizer, "bias_regularizer")

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        if not input_shape:
            raise self.refusal("needs samples of at least one axis, got shape ()")
        shape = (*input_shape[:-1], self.units)
        if self.activation == activation_names.SOFTMAX:
            return [(plan.Dense(self.units, "identity", self.use_bias), shape), (plan.Softmax(), shape)]
        return [(plan.Dense(self.units, self.activation, self.use_bias), shape)]

    def variables(self, input_shape: Shape) -> list[LayerVariable]:
        kernel = (input_shape[-1], self.units)
        arrays = [LayerVariable("kernel", kernel, self.kernel_initializer, *_factors(self.kernel_regularizer), 0)]
        if self.use_bias:
            bias = LayerVariable("bias", (self.units,), self.bias_initializer, *_factors(self.bias_regularizer), 0)
            arrays.append(bias)
        return arrays

    def own_config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "activation": activation_names.save(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": named.save(self.kernel_initializer),
            "bias_initializer": named.save(self.bias_initializer),
            "kernel_regularizer": self.kernel_regularizer and named.save(self.kernel_regularizer),
            "bias_regularizer": self.bias_regularizer and named.save(self.bias_regularizer),
        }

    @property
    def kernel(self) -> Array:
        """A copy of the kernel, shape (I, units)."""
        return self._array("kernel", 0)

    @property
    def bias(self) -> Array | None:
        """A copy of the bias, shape (units,), or None if there is none."""
        return self._array("bias", 1) if self.use_bias else None


class _Elementwise(Layer):
    """The base of the activations without parameters to learn; `kind` is a kind or "softmax"."""

    kind: str | Kind

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        return [(plan.Activation(self.kind), input_shape)]


class Activation(_Elementwise):
    """y = activation(x); the activation as for Dense, "softmax" included."""

    def __init__(self, activation: object, name: str | None = None, input_shape: Sequence[int] | None = None) -> None:
        super().__init__(name, input_shape)
        self.kind = _activation(activation)

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        if self.kind == activation_names.SOFTMAX:
            return [_softmax(self, input_shape)]
        return super().operations(input_shape)

    def own_config(self) -> dict[str, Any]:
        return {"activation": activation_names.save(self.kind)}


class ReLU(_Elementwise):
    """max(x, 0).

    Args:
        max_value: None, or 6 for min(max(x, 0), 6).
        negative_slope: factor of x where x <= 0; only without max_value.
        name, input_shape: as for every layer.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        name: str | None = None,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        super().__init__(name, input_shape)
        self.max_value = None if max_value is None else arguments.real(max_value, "max_value")
        self.negative_slope = arguments.real_in(negative_slope, "negative_slope", 0.0, math.inf, below=True)
        if self.max_value not in (None, 6.0):
            raise ValueError(f"max_value must be None or 6, got {self.max_value!r}")
        if self.max_value is not None and self.negative_slope:
            raise ValueError(f"negative_slope must be 0 with max_value=6, got {self.negative_slope!r}")
        self.kind = "relu" if self.max_value is None else "relu6"
        if self.negative_slope:
            self.kind = activations.LeakyReLU(self.negative_slope)

    def own_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "negative_slope": self.negative_slope}


class LeakyReLU(_Elementwise):
    """x where x > 0, else negative_slope * x; negative_slope is >= 0."""

    def __init__(
        self, negative_slope: float = 0.3, name: str | None = None, input_shape: Sequence[int] | None = None
    ) -> None:
        super().__init__(name, input_shape)
        self.negative_slope = arguments.real_in(negative_slope, "negative_slope", 0.0, math.inf, below=True)
        self.kind = activations.LeakyReLU(self.negative_slope)

    def own_config(self) -> dict[str, Any]:
        return {"negative_slope": self.negative_slope}


class ELU(_Elementwise):
    """x where x > 0, else alpha * (exp(x) - 1)."""

    def __init__(self, alpha: float = 1.0, name: str | None = None, input_shape: Sequence[int] | None = None) -> None:
        super().__init__(name, input_shape)
        self.kind = activations.ELU(alpha)
        self.alpha = self.kind.parameter

    def own_config(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class PReLU(Layer):
    """x where x > 0, else alpha * x, with alpha learnt: one number for each feature, or one for all.

    Args:
        alpha_initializer: a name or an initializer.
        alpha_regularizer: a name, a regularizer or None.
        shared_axes: the axes, counted from 1 (0 is the batch), over which alpha is the same. Samples of more than one
            axis need all axes but the last, or all axes; alpha has no axes of length 1 for them, unlike Keras's.
        name, input_shape: as for every layer.
    """

    def __init__(
        self,
        alpha_initializer: object = "zeros",
        alpha_regularizer: object = None,
        shared_axes: int | Sequence[int] | None = None,
        name: str | None = None,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        super().__init__(name, input_shape)
        self.alpha_initializer = initializers.get(alpha_initializer, "alpha_initializer")
        self.alpha_regularizer = regularizers.get(alpha_regularizer, "alpha_regularizer")
        self.shared_axes: tuple[int, ...] | None = None
        if shared_axes is not None:
            axes = shared_axes if isinstance(shared_axes, (list, tuple)) else (shared_axes,)
            self.shared_axes = tuple(sorted({arguments.integer(axis, "shared_axes", 1) for axis in axes}))

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        return [(plan.PReLU(self._is_shared(input_shape)), input_shape)]

    def variables(self, input_shape: Shape) -> list[LayerVariable]:
        shape = (1,) if self._is_shared(input_shape) else input_shape[-1:]
        return [LayerVariable("alpha", shape, self.alpha_initializer, *_factors(self.alpha_regularizer), 0)]

    def _is_shared(self, input_shape: Shape) -> bool:
        if not input_shape:
            raise self.refusal("needs samples of at least one axis, got shape ()")
        axes, last = self.shared_axes or (), len(input_shape)
        if axes not in (tuple(range(1, last)), tuple(range(1, last + 1))):
            leading = list(range(1, last))
            raise self.refusal(
                f"needs shared_axes={leading} (one alpha for each feature) or shared_axes={[*leading, last]} (one for "
                f"all) for samples of shape {input_shape}, got {self.shared_axes and list(self.shared_axes)}"
            )
        return last in axes

    def own_config(self) -> dict[str, Any]:
        return {
            "alpha_initializer": named.save(self.alpha_initializer),
            "alpha_regularizer": self.alpha_regularizer and named.save(self.alpha_regularizer),
            "shared_axes": self.shared_axes and list(self.shared_axes),
        }

    @property
    def alpha(self) -> Array:
        """A copy of alpha, shape (features,) or (1,)."""
        return self._array("alpha", 0)


class Softmax(Layer):
    """Softmax over the last axis; axis must mean that one."""

    def __init__(self, axis: int = -1, name: str | None = None, input_shape: Sequence[int] | None = None) -> None:
        super().__init__(name, input_shape)
        self.axis = arguments.integer(axis, "axis", -1)

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        if self.axis not in (-1, len(input_shape)):
            raise self.refusal(
                f"works over the last axis: axis must be -1 or {len(input_shape)} for samples of shape {input_shape}, "
                f"got {self.axis}"
            )
        return [_softmax(self, input_shape)]

    def own_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Dropout(Layer):
    """In training 0 with probability rate, else x / (1 - rate); x itself otherwise. rate is from 0 to 1."""

    def __init__(self, rate: float, name: str | None = None, input_shape: Sequence[int] | None = None) -> None:
        super().__init__(name, input_shape)
        self.rate = arguments.real_in(rate, "rate", 0.0, 1.0)

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        return [(plan.Dropout(self.rate), input_shape)]

    def own_config(self) -> dict[str, Any]:
        return {"rate": self.rate}


class Flatten(Layer):
    """Each sample as one row of numbers, in C order."""

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        return [(plan.Reshape(), (math.prod(input_shape),))]


class Rescaling(Layer):
    """x * scale + offset, as for images of bytes: Rescaling(1 / 255)."""

    def __init__(
        self,
        scale: float,
        offset: float = 0.0,
        name: str | None = None,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        super().__init__(name, input_shape)
        self.scale = arguments.real(scale, "scale")
        self.offset = arguments.real(offset, "offset")

    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        return [(plan.Rescaling(self.scale, self.offset), input_shape)]

    def own_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "offset": self.offset}


CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        InputLayer,
        Dense,
        Activation,
        ReLU,
        LeakyReLU,
        ELU,
        PReLU,
        Softmax,
        Dropout,
        Flatten,
        Rescaling,
    )
}


def from_config(class_name: str, config: dict[str, Any]) -> Layer:
    """The layer of that class with the arguments of get_config.

    Raises:
        TypeError: config has an argument that the class does not know, or one of a wrong type.
        ValueError: the class is unknown, or an argument has a wrong value.
    """
    if class_name not in CLASSES:
        raise arguments.unknown("layer", class_name, CLASSES)
    return CLASSES[class_name](**config)


def _activation(activation: object) -> str | Kind:
    """As activation_names.resolve, which knows no layers: Keras's scripts also write activation=LeakyReLU(0.1)."""
    return activation.kind if isinstance(activation, _Elementwise) else activation_names.resolve(activation)


def _softmax(layer: Layer, input_shape: Shape) -> tuple[Operation, Shape]:
    if not input_shape:
        raise layer.refusal("needs samples of at least one axis, got shape ()")
    return plan.Softmax(), input_shape


def _factors(regularizer: regularizers.L1L2 | None) -> tuple[float, float]:
    return (0.0, 0.0) if regularizer is None else (regularizer.l1, regularizer.l2)
