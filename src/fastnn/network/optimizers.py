"""Optimizers with Keras 3's names, defaults and formulas. They only describe; the engines compute (OptimizerPlan)."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypedDict, Unpack

import numpy as np

from fastnn import arguments
from fastnn.network import schedules
from fastnn.network.engine import OptimizerPlan
from fastnn.network.schedules import LearningRateSchedule

if TYPE_CHECKING:
    from fastnn.arrays import Array

LearningRate: TypeAlias = float | LearningRateSchedule | Callable[[int], float]


class Limits(TypedDict, total=False):
    """Arguments of every optimizer; see Optimizer."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    name: str | None


class Common(Limits, total=False):
    """Those of every optimizer to which weight decay is an option."""

    weight_decay: float | None


class Optimizer:
    """Base of the optimizers.

    Attributes:
        iterations: the steps done so far; the model counts them.
        weight_decay: each step first takes weight_decay * learning_rate * w off every variable w; or None.
        clipnorm: limit of the norm of each variable's gradient, or None.
        clipvalue: limit of the absolute value of each element of the gradients, or None.
        global_clipnorm: limit of the norm of all gradients together, or None.
        name: of the optimizer.
    """

    # The arguments that a class has beyond those of all optimizers, kept under their names.
    _own: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        self._learning_rate = _checked_rate(learning_rate)
        self.weight_decay = None if weight_decay is None else _finite(weight_decay, "weight_decay")
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {key: value for key, value in limits.items() if value is not None}
        if len(given) > 1:
            raise ValueError(f"only one of clipnorm, clipvalue and global_clipnorm may be given, got {given}")
        for key, value in given.items():
            limits[key] = arguments.real_in(value, key, 0.0, above=True)
        self.clipnorm, self.clipvalue, self.global_clipnorm = limits.values()
        self.name = type(self).__name__.lower() if name is None else arguments.name(name)
        self.iterations = 0

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step.

        It can be set to a number, a LearningRateSchedule, or a function of the step. As in Keras a number does not take
        the place of a schedule or a function: that raises TypeError. A ConstantSchedule does.
        """
        return float(self.rates(self.iterations, 1)[0])

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        rate = _checked_rate(value)
        if isinstance(rate, float) and not isinstance(self._learning_rate, float):
            raise TypeError(
                f"learning_rate follows {_shown(self._learning_rate)}, which a number does not replace;"
                f" set it to a schedule such as ConstantSchedule({rate!r})"
            )
        self._learning_rate = rate

    def rates(self, first_iteration: int, count: int) -> Array:
        """The learning rates of the steps first_iteration, first_iteration + 1, ... : float64 of shape (count,).

        Raises:
            TypeError, ValueError: the schedule or the function does not give finite numbers >= 0.
        """
        source = self._learning_rate
        if isinstance(source, float):
            return np.full(count, source)
        steps = np.arange(first_iteration, first_iteration + count, dtype=np.int64)
        if isinstance(source, LearningRateSchedule):
            values = source.values(steps)
        else:
            name = f"learning_rate from {_shown(source)}"
            values = np.array([arguments.real(source(step), name) for step in steps.tolist()], np.float64)
        if values.shape != steps.shape:
            raise ValueError(f"{_shown(source)} must give {count} learning rates, got shape {values.shape}")
        bad = ~(np.isfinite(values) & (values >= 0.0))
        if bad.any():
            where = int(bad.argmax())
            raise ValueError(
                f"learning_rate must be finite and >= 0, got {values[where]} from {_shown(source)}"
                f" in step {first_iteration + where}"
            )
        return values

    def plan(self) -> OptimizerPlan:
        """What the engines need to know, without the learning rates."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this optimizer again, as JSON can hold them, without iterations and states.

        Raises:
            ValueError: the learning rate is a function, which no file can hold.
        """
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            shown: object = schedules.serialize(rate)
        elif isinstance(rate, float):
            shown = rate
        else:
            raise ValueError(
                f"learning_rate is {_shown(rate)}, which a file cannot hold; use a schedule of"
                " fastnn.optimizers.schedules, or your own LearningRateSchedule with get_config()"
            )
        return {
            "name": self.name,
            "learning_rate": shown,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
            **{name: getattr(self, name) for name in self._own},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        """An optimizer from what get_config gave."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": schedules.deserialize(rate)}
        return cls(**config)

    def _common(self) -> dict[str, Any]:
        """The part of the plan that all optimizers share."""
        return {
            "weight_decay": self.weight_decay or 0.0,
            "clip_value": self.clipvalue,
            "clip_norm": self.clipnorm,
            "clip_global_norm": self.global_clipnorm,
        }


class SGD(Optimizer):
    """Gradient descent: w -= learning_rate * g, or with momentum v = momentum * v - learning_rate * g and w += v.

    Args:
        learning_rate: a number >= 0, a LearningRateSchedule, or a function of the step.
        momentum: in [0, 1].
        nesterov: with momentum, w += momentum * v - learning_rate * g (after v's update).
        weight_decay, clipnorm, clipvalue, global_clipnorm, name: see Optimizer.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or out of range.
    """

    _own = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[Common],
    ) -> None:
        common.setdefault("name", "SGD")
        super().__init__(learning_rate, **common)
        self.momentum = arguments.real_in(momentum, "momentum", 0.0, 1.0)
        self.nesterov = arguments.flag(nesterov, "nesterov")

    def plan(self) -> OptimizerPlan:
        # As in Keras, nesterov without momentum is plain descent.
        nesterov = self.nesterov and self.momentum > 0.0
        return OptimizerPlan("sgd", momentum=self.momentum, nesterov=nesterov, **self._common())


class Adam(Optimizer):
    """Adam (Kingma and Ba 2014, arXiv:1412.6980), with epsilon where Keras has it.

    m = beta_1 * m + (1 - beta_1) * g, v = beta_2 * v + (1 - beta_2) * g**2, and in step t (from 1)
    w -= learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon).

    Args:
        learning_rate: a number >= 0, a LearningRateSchedule, or a function of the step.
        beta_1, beta_2: in [0, 1).
        epsilon: >= 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, name: see Optimizer.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or out of range.
    """

    _own = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = arguments.real_in(beta_1, "beta_1", 0.0, 1.0, below=True)
        self.beta_2 = arguments.real_in(beta_2, "beta_2", 0.0, 1.0, below=True)
        self.epsilon = _finite(epsilon, "epsilon")

    def plan(self) -> OptimizerPlan:
        return OptimizerPlan("adam", beta1=self.beta_1, beta2=self.beta_2, epsilon=self.epsilon, **self._common())


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017, arXiv:1711.05101).

    Args:
        learning_rate: a number >= 0, a LearningRateSchedule, or a function of the step.
        weight_decay: >= 0; each step first takes weight_decay * learning_rate * w off every variable w.
        beta_1, beta_2, epsilon: as in Adam.
        clipnorm, clipvalue, global_clipnorm, name: see Optimizer.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or out of range.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **limits: Unpack[Limits],
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, weight_decay=_finite(weight_decay, "weight_decay"), **limits
        )


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, lecture 6 of "Neural Networks for Machine Learning"), not centred.

    v = rho * v + (1 - rho) * g**2 and w -= learning_rate * g / sqrt(v + epsilon), or with momentum
    k = momentum * k + learning_rate * g / sqrt(v + epsilon) and w -= k.

    Args:
        learning_rate: a number >= 0, a LearningRateSchedule, or a function of the step.
        rho: in [0, 1].
        momentum: in [0, 1].
        epsilon: >= 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, name: see Optimizer.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or out of range.
    """

    _own = ("rho", "momentum", "epsilon")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = arguments.real_in(rho, "rho", 0.0, 1.0)
        self.momentum = arguments.real_in(momentum, "momentum", 0.0, 1.0)
        self.epsilon = _finite(epsilon, "epsilon")

    def plan(self) -> OptimizerPlan:
        return OptimizerPlan("rmsprop", rho=self.rho, momentum=self.momentum, epsilon=self.epsilon, **self._common())


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer 2011): s += g**2 and w -= learning_rate * g / sqrt(s + epsilon).

    Args:
        learning_rate: a number >= 0, a LearningRateSchedule, or a function of the step.
        initial_accumulator_value: what s starts with, >= 0.
        epsilon: >= 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, name: see Optimizer.

    Raises:
        TypeError, ValueError: an argument is of a wrong type or out of range.
    """

    _own = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = _finite(initial_accumulator_value, "initial_accumulator_value")
        self.epsilon = _finite(epsilon, "epsilon")

    def plan(self) -> OptimizerPlan:
        return OptimizerPlan("adagrad", initial=self.initial_accumulator_value, epsilon=self.epsilon, **self._common())


KNOWN: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
}


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer as JSON can hold it, without its states."""
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(config: dict[str, Any]) -> Optimizer:
    """An optimizer from what serialize gave.

    Raises:
        ValueError: no optimizer has that name, or config does not describe one.
    """
    if not isinstance(config, dict) or not {"class_name", "config"} <= config.keys():
        raise ValueError(f"an optimizer must be described by class_name and config, got {config!r}")
    kind = _class_of(str(config["class_name"]))
    try:
        return kind.from_config(config["config"])
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{config['config']!r} does not describe {kind.__name__}: {error}") from error


def get(identifier: object) -> Optimizer:
    """An optimizer from its name ("adam", in any case), from what serialize gave, or itself.

    Raises:
        TypeError: identifier is none of these.
        ValueError: no optimizer has that name, or the dict does not describe one.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return _class_of(identifier).from_config({})
    shown = "None" if identifier is None else f"a {type(identifier).__name__}"
    raise TypeError(f'optimizer must be a name such as "adam" or an object such as Adam(0.001), got {shown}')


def _class_of(name: str) -> type[Optimizer]:
    kind = KNOWN.get(name.lower())
    if kind is None:
        raise arguments.unknown("optimizer", name, KNOWN)
    return kind


def _finite(value: object, name: str) -> float:
    return arguments.real_in(value, name, 0.0, math.inf, below=True)


def _checked_rate(value: object) -> LearningRate:
    """A learning rate as it is kept: a float, a schedule or a function of the step."""
    if isinstance(value, LearningRateSchedule):
        return value
    if callable(value):
        try:
            inspect.signature(value).bind(0)
        except TypeError:
            raise TypeError(
                f"learning_rate must be a function of one argument, the step; got {_shown(value)}"
            ) from None
        except ValueError:
            # Some functions written in C do not tell their arguments: calling them will show.
            pass
        return value
    return _finite(value, "learning_rate")


def _shown(rate: object) -> str:
    if isinstance(rate, LearningRateSchedule):
        return f"a {type(rate).__name__}"
    return f"the function {getattr(rate, '__name__', type(rate).__name__)}"
