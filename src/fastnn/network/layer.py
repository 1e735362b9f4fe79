"""The base of all layers: a description of one step of a network, and a handle on its weights once a model has it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastnn import arguments
from fastnn.arrays import convert, to_ndarray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from fastnn.arrays import Array
    from fastnn.network.initializers import Initializer
    from fastnn.network.plan import Operation, Shape


class LayerVariable(NamedTuple):
    """An array that a layer learns.

    Attributes:
        suffix: "kernel", "bias" or "alpha".
        shape: of the array.
        initializer: makes its first values.
        l1, l2: factors of its penalties.
        operation: the index, in what plan returns, of the operation that uses it.
    """

    suffix: str
    shape: Shape
    initializer: Initializer
    l1: float
    l2: float
    operation: int


class Layer(ABC):
    """One step of a network. It computes nothing itself: a model turns it into operations of an engine.

    A layer belongs to one model at most. Shapes are those of one sample, without the batch axis, unless said otherwise.

    Args:
        name: the layer's name in its model; None: the model gives one such as "dense_1".
        input_shape: the shape of one sample, allowed on every layer and needed on none; a model whose first layer has
            it is built at once.

    Attributes:
        name: str, or None as long as there is none.
        declared_shape: the input_shape that was given, or None.

    Raises:
        TypeError: name is not a str, or input_shape is not a tuple of integers.
        ValueError: name is empty, or a size is less than 1.
    """

    def __init__(self, name: str | None = None, input_shape: Sequence[int] | None = None) -> None:
        self.name = None if name is None else arguments.name(name)
        self.declared_shape = None if input_shape is None else checked_shape(input_shape, "input_shape")
        self._read: Callable[[], list[Array]] | None = None
        self._write: Callable[[list[Array]], None] | None = None
        self._shapes: tuple[Shape, Shape] | None = None

    def plan(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        """The operations of this layer, each with the shape of its result.

        Args:
            input_shape: the shape of what enters the layer.

        Raises:
            ValueError: the layer cannot take that shape.
        """
        if self.declared_shape is not None and input_shape != self.declared_shape:
            raise self.refusal(f"was declared to take the shape {self.declared_shape}, but gets {input_shape}")
        return self.operations(input_shape)

    @abstractmethod
    def operations(self, input_shape: Shape) -> list[tuple[Operation, Shape]]:
        """What plan returns, for a shape that agrees with the declared one."""

    def variables(self, input_shape: Shape) -> list[LayerVariable]:
        """The arrays that the layer learns for inputs of that shape, a kernel before its bias."""
        return []

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the layer again, all of them such that JSON can hold them."""
        config = self.own_config()
        if self.name is not None:
            config["name"] = self.name
        if self.declared_shape is not None:
            config["input_shape"] = list(self.declared_shape)
        return config

    def own_config(self) -> dict[str, Any]:
        """The arguments that this kind of layer has beyond those of all layers."""
        return {}

    def bind(
        self,
        read: Callable[[], list[Array]],
        write: Callable[[list[Array]], None],
        input_shape: Shape,
        output_shape: Shape,
    ) -> None:
        """Called by the model once it is built.

        Args:
            read: returns copies of the layer's arrays, in the order of variables.
            write: replaces them by arrays of the same shapes and dtypes.
            input_shape, output_shape: of one sample.
        """
        self._read, self._write, self._shapes = read, write, (input_shape, output_shape)

    def unbind(self) -> None:
        """Called by the model when it gives the layer up: the layer may join another."""
        self._read = self._write = self._shapes = None

    @property
    def built(self) -> bool:
        """Whether a model has taken the layer and knows its shapes."""
        return self._shapes is not None

    @property
    def input_shape(self) -> tuple[int | None, ...] | None:
        """The shape of what enters, the batch axis first as None; None while it is not known."""
        shape = self._shapes[0] if self._shapes else self.declared_shape
        return None if shape is None else (None, *shape)

    @property
    def output_shape(self) -> tuple[int | None, ...] | None:
        """The shape of what comes out, the batch axis first as None; None while it is not known."""
        return (None, *self._shapes[1]) if self._shapes else None

    def get_weights(self) -> list[Array]:
        """Copies of the layer's arrays, a kernel before its bias; [] before the model is built."""
        return self._read() if self._read else []

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Replaces the layer's arrays; they are copied and converted to the model's dtype.

        Raises:
            TypeError: weights is no list, or an array is not real.
            ValueError: the model is not built, or the number or the shape of the arrays is wrong.
        """
        if self._write is None:
            raise self.refusal("has no weights before its model is built; call model.build(input_shape) first")
        current = self.get_weights()
        given = checked_weights(weights, [array.shape for array in current], f"layer {self.name!r}: weights")
        self._write([convert(array, old.dtype) for array, old in zip(given, current, strict=True)])

    def count_params(self) -> int:
        """How many numbers the layer learns.

        Raises:
            ValueError: the input shape is not known yet.
        """
        if self._shapes is None and self.declared_shape is None:
            raise self.refusal("has no number of parameters before its model is built")
        shape = self._shapes[0] if self._shapes else self.declared_shape
        assert shape is not None
        return sum(math.prod(variable.shape) for variable in self.variables(shape))

    def refusal(self, sentence: str) -> ValueError:
        """An error that begins with the layer's name and class."""
        shown = "" if self.name is None else f" {self.name!r}"
        return ValueError(f"layer{shown} ({type(self).__name__}) {sentence}")

    def _array(self, suffix: str, index: int) -> Array:
        # AttributeError, so that hasattr answers as it does in Keras.
        if self._read is None:
            raise AttributeError(f"{suffix} exists once the model is built; call model.build(input_shape) first")
        return self._read()[index]

    def __getstate__(self) -> dict[str, Any]:
        # A copy belongs to no model.
        return {**self.__dict__, "_read": None, "_write": None, "_shapes": None}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def checked_weights(weights: object, shapes: Sequence[Shape], name: str = "weights") -> list[Array]:
    """What set_weights is given, as arrays of exactly these shapes.

    Raises:
        TypeError: weights is no list, or an array is not real.
        ValueError: the number or the shape of the arrays is wrong.
    """
    if isinstance(weights, str) or not isinstance(weights, Iterable):
        raise TypeError(f"{name} must be a list of {len(shapes)} arrays, got a {type(weights).__name__}")
    given = [to_ndarray(value, f"{name}[{i}]") for i, value in enumerate(weights)]
    if len(given) != len(shapes):
        raise ValueError(f"{name} must be {len(shapes)} arrays, got {len(given)}")
    for i, (array, shape) in enumerate(zip(given, shapes, strict=True)):
        if array.shape != shape:
            raise ValueError(f"{name}[{i}] must have shape {shape}, got {array.shape}")
    return given


def checked_shape(shape: object, name: str) -> Shape:
    """The shape of a sample as a tuple of integers >= 1.

    Raises:
        TypeError: shape is not a sequence of integers.
        ValueError: a size is less than 1.
    """
    if not isinstance(shape, (tuple, list)):
        hint = f"; write ({shape},)" if isinstance(shape, (int, np.integer)) else ""
        raise TypeError(f"{name} must be a tuple such as (784,), got {shape!r}{hint}")
    return tuple(arguments.integer(size, f"{name}[{axis}]", 1) for axis, size in enumerate(shape))
