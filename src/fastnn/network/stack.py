"""A list of layers that becomes a plan, and an engine with weights, as soon as the shape of the samples is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments, backends
from fastnn.arrays import DOUBLE, SINGLE, convert
from fastnn.network import data, engines, layers, randomness, summary
from fastnn.network.builder import Blueprint, draw, unique
from fastnn.network.layer import Layer, checked_shape, checked_weights
from fastnn.network.named import snake_case

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, DTypeLike

    from fastnn.arrays import Array
    from fastnn.network.engine import Engine
    from fastnn.network.plan import Shape

_numbers = itertools.count()


def _unusual(x: object, out: object) -> Any:
    """Stands for an engine's fast path where there is none."""
    return NotImplemented


class LayerStack:
    """The layers of a Sequential, which says what the arguments are, and their weights."""

    def __init__(
        self,
        layers: Iterable[Layer] | None,
        name: str | None,
        dtype: DTypeLike,
        backend: str | None,
        engine: str,
        seed: int | None,
    ) -> None:
        given = None if name is None else arguments.name(name)
        self.dtype = _checked_dtype(dtype)
        self._backend = None if backend is None else backends.canonical(backend)
        self._engine_name = arguments.choice(engine, "engine", engines.NAMES)
        self._rng = randomness.generator(seed)
        self._items: list[Layer] = []
        self._input_shape: Shape | None = None
        self._blueprint: Blueprint | None = None
        self._engine: Engine | None = None
        self._operations = backends.DEFAULT
        # The weights of layers that were there before the last change.
        self._kept: dict[int, list[Array]] = {}
        self._fast: Callable[[object, object], Any] = _unusual
        if layers is not None:
            self._change(_listed(layers))
        self.name = given or _next_name()

    @property
    def layers(self) -> list[Layer]:
        """The layers, without an InputLayer; a new list."""
        return [layer for layer in self._items if not isinstance(layer, layers.InputLayer)]

    def add(self, layer: Layer) -> None:
        """Appends a layer.

        Raises:
            TypeError: layer is no Layer.
            ValueError: it cannot take the results of the layer before, its name is taken, or it belongs to a model.
        """
        _require_layer(layer, "layer")
        self._change([*self._items, layer])

    def pop(self) -> Layer:
        """Takes the last layer away and returns it.

        Raises:
            ValueError: there is none.
        """
        if not self.layers:
            raise ValueError("there is no layer to pop")
        last = self._items[-1]
        self._change(self._items[:-1])
        last.unbind()
        return last

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or in that place.

        Raises:
            ValueError: not exactly one of both is given, or there is no such layer.
        """
        if (name is None) == (index is None):
            raise ValueError("exactly one of name and index must be given")
        if name is not None:
            found = [layer for layer in self.layers if layer.name == name]
            if not found:
                raise arguments.unknown("layer", str(name), [str(layer.name) for layer in self.layers])
            return found[0]
        count = len(self.layers)
        return self.layers[arguments.integer(index, "index", -count, count - 1)]

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Tells the shape of the samples, the batch axis first as in Keras: (None, 784). The network gets its weights.

        Raises:
            TypeError: input_shape is no tuple of integers.
            ValueError: it has no axis beside that of the batch, does not fit, or differs from the one known already.
        """
        if not isinstance(input_shape, (tuple, list)) or len(input_shape) < 2:
            raise ValueError(f"input_shape must have the batch axis first, such as (None, 784), got {input_shape!r}")
        self._build(checked_shape(input_shape[1:], "input_shape"))
        self._ready()

    @property
    def built(self) -> bool:
        """Whether the shape of the samples is known."""
        return self._blueprint is not None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The shape of the samples, the batch axis first as None."""
        return (None, *self._known().plan.input_shape)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the results, the batch axis first as None."""
        return (None, *self._known().plan.output_shape)

    def summary(self, print_fn: Callable[[str], object] | None = None) -> None:
        """Prints a table of the layers, their results' shapes and their numbers of parameters.

        Args:
            print_fn: called with every line; None prints.
        """
        for line in summary.lines(self.name, self.layers, self.dtype):
            (print if print_fn is None else print_fn)(line)

    def count_params(self) -> int:
        """How many numbers are learnt."""
        return sum(math.prod(variable.shape) for variable in self._known().plan.variables)

    def get_weights(self) -> list[Array]:
        """Copies of all weights, layer by layer, a kernel before its bias."""
        return self._ready().get_weights()

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Replaces all weights, in the order of get_weights; they are copied and converted to the model's dtype.

        Raises:
            TypeError: weights is no list, or an array is not real.
            ValueError: the number or the shape of the arrays is wrong.
        """
        given = checked_weights(weights, [variable.shape for variable in self._known().plan.variables])
        self._ready().set_weights([convert(array, self.dtype) for array in given])

    # ---- within the network package

    def _known(self) -> Blueprint:
        """The blueprint of a built network."""
        if self._blueprint is None:
            raise ValueError(
                "the model is not built: give its first layer an input_shape, call build((None, ...)), or fit it"
            )
        return self._blueprint

    def _change(self, items: list[Layer]) -> None:
        """Makes these the layers; nothing changes if they do not fit together."""
        own = {id(part.layer) for part in self._blueprint.parts} if self._blueprint else set()
        unnamed = _named(items, own)
        try:
            shape = self._input_shape
            if not items:
                shape = None
            elif shape is None:
                shape = items[0].declared_shape
            blueprint = None if shape is None else draw(items, shape, self.dtype)
        except BaseException:
            for layer in unnamed:
                layer.name = None
            raise
        self._keep_weights(items)
        self._items, self._input_shape = items, shape
        self._take(blueprint)

    def _build(self, shape: Shape) -> None:
        """Fixes the shape of one sample."""
        if self._input_shape is None:
            _named(self._items, set())
            self._take(draw(self._items, shape, self.dtype))
            self._input_shape = shape
        elif shape != self._input_shape:
            raise ValueError(f"input_shape must be {(None, *self._input_shape)}, got {(None, *shape)}")

    def _take(self, blueprint: Blueprint | None) -> None:
        self._blueprint, self._engine, self._fast = blueprint, None, _unusual
        for part in blueprint.parts if blueprint else ():
            part.layer.bind(*self._handles(part.variables), part.input_shape, part.output_shape)

    def _handles(self, own: slice) -> tuple[Callable[[], list[Array]], Callable[[list[Array]], None]]:
        """What a layer reads and writes its weights with."""

        def write(weights: list[Array]) -> None:
            every = self._ready().get_weights()
            every[own] = weights
            self._ready().set_weights(every)

        return lambda: self._ready().get_weights()[own], write

    def _keep_weights(self, items: list[Layer]) -> None:
        if self._engine is not None and self._blueprint is not None:
            weights = self._engine.get_weights()
            self._kept = {id(part.layer): weights[part.variables] for part in self._blueprint.parts}
        staying = set(map(id, items))
        self._kept = {key: weights for key, weights in self._kept.items() if key in staying}

    def _start_with(self, weights: list[Array]) -> None:
        """Gives a built network its first weights, in place of drawn ones."""
        self._kept = {id(part.layer): weights[part.variables] for part in self._known().parts}

    def _ready(self) -> Engine:
        """The engine, with weights."""
        if self._engine is None:
            blueprint = self._known()
            engine, self._operations = engines.make(blueprint.plan, self._backend, self._engine_name)
            weights: list[Array] = []
            for part in blueprint.parts:
                kept = self._kept.get(id(part.layer))
                weights.extend(self._initial(part.variables) if kept is None else kept)
            engine.set_weights(weights)
            self._engine, self._kept = engine, {}
            self._fast = getattr(engine, "fast_predict", _unusual)
        return self._engine

    def _initial(self, own: slice) -> list[Array]:
        blueprint = self._known()
        pairs = zip(blueprint.plan.variables[own], blueprint.initializers[own], strict=True)
        weights: list[Array] = []
        for variable, initializer in pairs:
            made = initializer(variable.shape, self.dtype, self._rng)
            weights.extend(checked_weights([made], [variable.shape], f"{initializer!r} of {variable.name}: values"))
        return [convert(array, self.dtype) for array in weights]

    def _engine_for(self, x: object) -> Engine:
        """The engine; the first samples tell their shape if nothing has before."""
        if self._blueprint is None:
            self._build(data.sample_shape(x))
        return self._ready()


def _next_name() -> str:
    number = next(_numbers)
    return f"sequential_{number}" if number else "sequential"


def _named(items: list[Layer], own: set[int]) -> list[Layer]:
    """Gives the layers without a name one, as in "dense_1"; returns these.

    Args:
        items: the layers of one model.
        own: the ids of those that belong to it already.

    Raises:
        ValueError: a layer or a name is there twice, a layer belongs to another model, or an InputLayer is not first.
    """
    taken: set[str] = set()
    for place, layer in enumerate(items):
        if isinstance(layer, layers.InputLayer) and place:
            raise layer.refusal("must be the first layer")
        if any(layer is other for other in items[:place]):
            raise layer.refusal("is there twice; make a second one")
        if layer.built and id(layer) not in own:
            raise layer.refusal("belongs to another model; make a new one")
        if layer.name is not None:
            if layer.name in taken:
                raise ValueError(f"two layers have the name {layer.name!r}; names must differ within a model")
            taken.add(layer.name)
    unnamed = [layer for layer in items if layer.name is None]
    for layer in unnamed:
        layer.name = unique(snake_case(type(layer).__name__), taken)
        taken.add(layer.name)
    return unnamed


def _listed(items: object) -> list[Layer]:
    if isinstance(items, Layer):
        return [items]
    if not isinstance(items, Iterable):
        raise TypeError(f"layers must be a list of layers, got a {type(items).__name__}")
    listed = list(items)
    for place, item in enumerate(listed):
        _require_layer(item, f"layers[{place}]")
    return listed


def _require_layer(item: object, name: str) -> None:
    if isinstance(item, type) and issubclass(item, Layer):
        raise TypeError(f"{name} must be a layer, got the class; write {item.__name__}(...)")
    if not isinstance(item, Layer):
        raise TypeError(f"{name} must be a layer such as Dense(10), got a {type(item).__name__}")


def _checked_dtype(dtype: object) -> np.dtype[Any]:
    for known in (SINGLE, DOUBLE):
        try:
            # None would mean float64 to NumPy.
            if dtype is not None and known == dtype:
                return known
        except TypeError:
            break
    raise TypeError(f'dtype must be "float32" or "float64", got {dtype!r}')
