"""Learning rate schedules: the learning rate as a function of the step, counted from 0 over all the model's life.

Names and formulas are those of Keras 3 where Keras has the schedule. StepDecay, LinearWarmup and OneCycle are not in
Keras. Numbers of steps need not be whole: `epochs * len(x) / batch_size` is fine.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments

if TYPE_CHECKING:
    from fastnn.arrays import Array


class LearningRateSchedule:
    """Base of all schedules. Your own schedule defines __call__, and get_config if models with it are to be saved."""

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")

    def values(self, steps: Array) -> Array:
        """The learning rates of many steps: int64 of shape (N,) -> float64 of shape (N,)."""
        return np.array([float(self(step)) for step in steps.tolist()], dtype=np.float64)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this schedule again, as JSON can hold them."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """A schedule from what get_config gave."""
        return cls(**config)


class _Formula(LearningRateSchedule):
    """A schedule that is computed for many steps at once, and keeps its arguments under their names."""

    def __call__(self, step: int) -> float:
        return float(self.values(np.array([step], dtype=np.int64))[0])

    def values(self, steps: Array) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define values(steps)")

    def get_config(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


class ConstantSchedule(_Formula):
    """The same learning rate for ever."""

    def __init__(self, learning_rate: float, name: str = "ConstantSchedule") -> None:
        self.learning_rate = _rate(learning_rate, "learning_rate")
        self.name = arguments.name(name)

    def values(self, steps: Array) -> Array:
        return np.full(len(steps), self.learning_rate)


class PiecewiseConstantDecay(_Formula):
    """values[0] up to and including step boundaries[0], values[1] up to and including boundaries[1], and so on.

    Args:
        boundaries: steps, ascending.
        values: learning rates, one more than boundaries.
        name: of the schedule.

    Raises:
        TypeError: an argument is no list of numbers.
        ValueError: the lengths do not fit, or boundaries do not ascend.
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstantDecay"
    ) -> None:
        self.boundaries = [
            arguments.real(b, f"boundaries[{i}]") for i, b in enumerate(_listed(boundaries, "boundaries"))
        ]
        self.learning_rates = [_rate(v, f"values[{i}]") for i, v in enumerate(_listed(values, "values"))]
        if len(self.boundaries) != len(self.learning_rates) - 1:
            raise ValueError(
                f"values must have one element more than boundaries, got {len(self.learning_rates)} values"
                f" and {len(self.boundaries)} boundaries"
            )
        if any(not a < b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"boundaries must ascend, got {self.boundaries}")
        self.name = arguments.name(name)

    def values(self, steps: Array) -> Array:
        pieces = np.searchsorted(np.array(self.boundaries, dtype=np.float64), steps, side="left")
        return np.array(self.learning_rates)[pieces]

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.learning_rates, "name": self.name}


class _Falling(_Formula):
    """The base of those that fall by decay_rate in decay_steps, at once with staircase."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = _rate(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = _steps(decay_steps, "decay_steps")
        self.decay_rate = _rate(decay_rate, "decay_rate")
        self.staircase = arguments.flag(staircase, "staircase")
        self.name = type(self).__name__ if name is None else arguments.name(name)

    def _part(self, steps: Array) -> Array:
        """How often decay_steps have passed: float64 of shape (N,)."""
        part: Array = steps / self.decay_steps
        return np.floor(part) if self.staircase else part


class ExponentialDecay(_Falling):
    """initial_learning_rate * decay_rate ** (step / decay_steps); with staircase the exponent is rounded down.

    Args:
        initial_learning_rate: >= 0.
        decay_steps: > 0, the steps in which the rate falls by decay_rate.
        decay_rate: >= 0.
        staircase: whether the rate falls at once after each decay_steps.
        name: of the schedule.
    """

    def values(self, steps: Array) -> Array:
        powers: Array = self.decay_rate ** self._part(steps)
        return self.initial_learning_rate * powers


class StepDecay(ExponentialDecay):
    """initial_learning_rate * decay_rate ** floor(step / decay_steps): ExponentialDecay in stairs.

    Args:
        initial_learning_rate: >= 0.
        decay_steps: > 0, the length of a stair.
        decay_rate: >= 0.
        name: of the schedule.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float = 0.1, name: str = "StepDecay"
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase=True, name=name)


class InverseTimeDecay(_Falling):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps); with staircase the quotient is rounded down.

    Args:
        initial_learning_rate: >= 0.
        decay_steps: > 0.
        decay_rate: >= 0.
        staircase: whether the rate falls at once after each decay_steps.
        name: of the schedule.
    """

    def values(self, steps: Array) -> Array:
        rates: Array = self.initial_learning_rate / (1.0 + self.decay_rate * self._part(steps))
        return rates


class PolynomialDecay(_Formula):
    """From initial_learning_rate to end_learning_rate: end + (initial - end) * (1 - step / decay_steps) ** power.

    Args:
        initial_learning_rate: >= 0.
        decay_steps: > 0; later steps keep the last rate.
        end_learning_rate: >= 0.
        power: >= 0.
        cycle: instead of keeping the last rate, decay_steps grows to its next multiple that is not below the step.
        name: of the schedule.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = _rate(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = _steps(decay_steps, "decay_steps")
        self.end_learning_rate = _rate(end_learning_rate, "end_learning_rate")
        self.power = _rate(power, "power")
        self.cycle = arguments.flag(cycle, "cycle")
        self.name = arguments.name(name)

    def values(self, steps: Array) -> Array:
        if self.cycle:
            cycles = np.maximum(np.ceil(steps / self.decay_steps), 1.0)
            part = steps / (self.decay_steps * cycles)
        else:
            part = np.minimum(steps, self.decay_steps) / self.decay_steps
        rates: Array = (self.initial_learning_rate - self.end_learning_rate) * (1.0 - part) ** self.power
        return rates + self.end_learning_rate


class CosineDecay(_Formula):
    """Half a cosine from a peak down to alpha * peak, after an optional linear rise to the peak (arXiv:1608.03983).

    With warmup_target the rate rises from initial_learning_rate to warmup_target in warmup_steps, then falls for
    decay_steps: peak * (alpha + (1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2). Without it initial_learning_rate
    is the peak and there is no rise.

    Args:
        initial_learning_rate: >= 0.
        decay_steps: > 0, without the warm-up; later steps keep the last rate.
        alpha: the last rate as a part of the peak, >= 0.
        name: of the schedule.
        warmup_target: >= 0, or None.
        warmup_steps: >= 0.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = _rate(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = _steps(decay_steps, "decay_steps")
        self.alpha = _rate(alpha, "alpha")
        self.warmup_target = None if warmup_target is None else _rate(warmup_target, "warmup_target")
        self.warmup_steps = _rate(warmup_steps, "warmup_steps")
        self.name = arguments.name(name)

    def values(self, steps: Array) -> Array:
        if self.warmup_target is None:
            return self._decayed(steps, self.initial_learning_rate)
        fallen = self._decayed(steps - self.warmup_steps, self.warmup_target)
        return _after_rise(steps, self.warmup_steps, self.initial_learning_rate, self.warmup_target, fallen)

    def _decayed(self, steps: Array, peak: float) -> Array:
        part = np.minimum(steps, self.decay_steps) / self.decay_steps
        return peak * ((1.0 - self.alpha) * (0.5 * (1.0 + np.cos(math.pi * part))) + self.alpha)


class LinearWarmup(_Formula):
    """A linear rise, then another schedule that starts from its step 0.

    Args:
        schedule: the schedule that follows, or a constant learning rate. The rise ends at its first rate.
        warmup_steps: > 0, the length of the rise.
        initial_learning_rate: the rate of step 0, >= 0.
        name: of the schedule.
    """

    def __init__(
        self,
        schedule: LearningRateSchedule | float,
        warmup_steps: int,
        initial_learning_rate: float = 0.0,
        name: str = "LinearWarmup",
    ) -> None:
        self.schedule = schedule if isinstance(schedule, LearningRateSchedule) else ConstantSchedule(schedule)
        # Whole, because the schedule that follows is asked for whole steps.
        self.warmup_steps = arguments.integer(warmup_steps, "warmup_steps", 1)
        self.initial_learning_rate = _rate(initial_learning_rate, "initial_learning_rate")
        self.name = arguments.name(name)

    def values(self, steps: Array) -> Array:
        following = self.schedule.values(np.maximum(steps - self.warmup_steps, 0))
        target = float(self.schedule(0))
        return _after_rise(steps, self.warmup_steps, self.initial_learning_rate, target, following)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "schedule": serialize(self.schedule)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LinearWarmup:
        """A schedule from what get_config gave."""
        return cls(**{**config, "schedule": deserialize(config["schedule"])})


class OneCycle(_Formula):
    """The 1cycle policy (Smith and Topin 2017, arXiv:1708.07120) with PyTorch's phases and cosine shapes.

    The rate rises from max_learning_rate / div_factor to max_learning_rate in step pct_start * total_steps - 1, then
    falls to max_learning_rate / div_factor / final_div_factor in step total_steps - 1, and stays there.

    Args:
        max_learning_rate: the peak, >= 0.
        total_steps: all steps of the training, > 0.
        pct_start: the part of the steps in which the rate rises, in [0, 1].
        div_factor: > 0.
        final_div_factor: > 0.
        name: of the schedule.
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: float,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        name: str = "OneCycle",
    ) -> None:
        self.max_learning_rate = _rate(max_learning_rate, "max_learning_rate")
        self.total_steps = _steps(total_steps, "total_steps")
        self.pct_start = arguments.real_in(pct_start, "pct_start", 0.0, 1.0)
        self.div_factor = _steps(div_factor, "div_factor")
        self.final_div_factor = _steps(final_div_factor, "final_div_factor")
        self.name = arguments.name(name)

    def values(self, steps: Array) -> Array:
        peak = self.max_learning_rate
        first = peak / self.div_factor
        # Phases of no length hold a single step: dividing by 1 then changes nothing.
        rise = max(self.pct_start * self.total_steps - 1.0, 0.0)
        fall = max(self.total_steps - 1.0 - rise, 0.0)
        rising = _cosine(first, peak, np.clip(steps / (rise or 1.0), 0.0, 1.0))
        falling = _cosine(peak, first / self.final_div_factor, np.clip((steps - rise) / (fall or 1.0), 0.0, 1.0))
        return np.where(steps < rise, rising, falling)


def serialize(schedule: LearningRateSchedule) -> dict[str, Any]:
    """A schedule as JSON can hold it."""
    return {"class_name": type(schedule).__name__, "config": schedule.get_config()}


def deserialize(config: dict[str, Any]) -> LearningRateSchedule:
    """A schedule from what serialize gave. Your own schedules are found by name once their class is defined.

    Raises:
        ValueError: no schedule has that name, or config does not describe one.
    """
    if not isinstance(config, dict) or not {"class_name", "config"} <= config.keys():
        raise ValueError(f"a schedule must be described by class_name and config, got {config!r}")
    known = {schedule.__name__: schedule for schedule in _subclasses(LearningRateSchedule)}
    name = config["class_name"]
    if name not in known:
        raise arguments.unknown("schedule", str(name), sorted(known))
    try:
        return known[name].from_config(config["config"])
    except (TypeError, KeyError) as error:
        raise ValueError(f"{config['config']!r} does not describe a {name}: {error}") from error


def _subclasses(base: type[LearningRateSchedule]) -> Iterator[type[LearningRateSchedule]]:
    for one in base.__subclasses__():
        if not one.__name__.startswith("_"):
            yield one
        yield from _subclasses(one)


def _rate(value: object, name: str) -> float:
    return arguments.real_in(value, name, 0.0, math.inf, below=True)


def _steps(value: object, name: str) -> float:
    return arguments.real_in(value, name, 0.0, math.inf, above=True, below=True)


def _listed(value: object, name: str) -> list[object]:
    if not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of numbers, got a {type(value).__name__}")
    return list(value)


def _after_rise(steps: Array, length: float, start: float, end: float, following: Array) -> Array:
    """A linear rise for the steps before length, then what follows. Both shapes are (N,)."""
    # A rise of no length is never taken: dividing by 1 avoids 0 / 0.
    rising = start + (end - start) * (steps / (length or 1.0))
    return np.where(steps < length, rising, following)


def _cosine(start: float, end: float, part: Array) -> Array:
    """From start (part 0) to end (part 1) along half a cosine."""
    return end + (start - end) / 2.0 * (1.0 + np.cos(math.pi * part))
