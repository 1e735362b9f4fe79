"""What weights start with. The names, defaults and formulas are Keras's.

Random numbers are drawn in float64 and rounded to the dtype: with one seed, a float32 and a float64 network start with
the same weights but for rounding.

Sources: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks"; He et al.
2015, arXiv:1502.01852; LeCun et al. 1998, "Efficient BackProp"; Saxe et al. 2014, arXiv:1312.6120 (orthogonal).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import arguments
from fastnn.network import named

if TYPE_CHECKING:
    from fastnn.arrays import Array
    from fastnn.network.plan import Shape

# The standard deviation of a standard normal distribution that is cut off at -2 and 2.
TRUNCATED_DEVIATION = 0.87962566103423978
MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


class Initializer(ABC):
    """Makes the first values of an array. A subclass of one's own has __call__ and get_config."""

    @abstractmethod
    def __call__(self, shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator) -> Array:
        """The values: an array of that shape and dtype (float32 or float64), drawn from rng."""

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {}

    def __repr__(self) -> str:
        return named.shown(self)


class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator) -> Array:
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All 1."""

    def __call__(self, shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator) -> Array:
        return np.ones(shape, dtype)


class Constant(Initializer):
    """All value."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = arguments.real(value, "value")

    def __call__(self, shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator) -> Array:
        return np.full(shape, self.value, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class RandomInitializer(Initializer):
    """The base of those that draw.

    seed None draws from the model's generator; an integer draws from a generator of its own, made anew in each call, so
    that two arrays of one shape get the same values, as in Keras.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = None if seed is None else arguments.integer(seed, "seed", 0)

    def __call__(self, shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator) -> Array:
        generator = rng if self.seed is None else np.random.default_rng(self.seed)
        return self.draw(shape, generator).astype(dtype, copy=False)

    @abstractmethod
    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """The values in float64."""

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


class RandomNormal(RandomInitializer):
    """Normally distributed with that mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = arguments.real(mean, "mean")
        self.stddev = arguments.real_in(stddev, "stddev", 0.0)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.mean + self.stddev * rng.standard_normal(shape)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class TruncatedNormal(RandomNormal):
    """As RandomNormal, but values farther than two standard deviations from the mean are drawn again.

    The standard deviation of the result is therefore about 0.88 * stddev.
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.mean + self.stddev * _truncated(shape, rng)


class RandomUniform(RandomInitializer):
    """Uniformly distributed from minval to maxval."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval = arguments.real(minval, "minval")
        self.maxval = arguments.real_in(maxval, "maxval", self.minval)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.uniform(self.minval, self.maxval, shape)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class VarianceScaling(RandomInitializer):
    """A variance of scale / n, with n the number of inputs, of outputs, or their mean.

    Args:
        scale: factor of the variance, > 0.
        mode: "fan_in", "fan_out" or "fan_avg": what n is.
        distribution: "truncated_normal" (cut off at two standard deviations of the normal distribution, which is made
            wider by 1 / 0.8796 so that the variance is right), "untruncated_normal" or "uniform".
        seed: None, or a seed of its own.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale = arguments.real_in(scale, "scale", 0.0, above=True)
        self.mode = arguments.choice(mode, "mode", MODES)
        known = arguments.choice(distribution, "distribution", (*DISTRIBUTIONS, "normal"))
        self.distribution = "truncated_normal" if known == "normal" else known

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return rng.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return math.sqrt(variance) * rng.standard_normal(shape)
        return math.sqrt(variance) / TRUNCATED_DEVIATION * _truncated(shape, rng)

    def get_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "mode": self.mode, "distribution": self.distribution, "seed": self.seed}


class _Scaling(VarianceScaling):
    """A VarianceScaling whose only argument is the seed."""

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


class GlorotUniform(_Scaling):
    """Uniform within sqrt(6 / (inputs + outputs)); also called Xavier's."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(_Scaling):
    """Truncated normal with variance 2 / (inputs + outputs)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(_Scaling):
    """Uniform within sqrt(6 / inputs), for ReLU networks."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(_Scaling):
    """Truncated normal with variance 2 / inputs, for ReLU networks."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(_Scaling):
    """Uniform within sqrt(3 / inputs)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(_Scaling):
    """Truncated normal with variance 1 / inputs, for SELU networks."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class Orthogonal(RandomInitializer):
    """gain times a matrix whose columns, or rows if there are fewer of them, are orthonormal. Needs two axes."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = arguments.real(gain, "gain")

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs an array of two or more axes, got shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        # Without the signs the matrices would not be uniformly distributed.
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return self.gain * (q if rows >= columns else q.T).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed}


def fans(shape: Shape) -> tuple[int, int]:
    """The number of inputs and outputs of one unit: a kernel (I, O) has I and O; a vector its length for both."""
    if len(shape) < 2:
        return (*shape, 1)[0], (*shape, 1)[0]
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _truncated(shape: Shape, rng: np.random.Generator) -> Array:
    """Standard normal values within -2 and 2, in float64."""
    values = rng.standard_normal(math.prod(shape))
    outside = np.flatnonzero(np.abs(values) > 2.0)
    while outside.size:
        values[outside] = rng.standard_normal(outside.size)
        outside = outside[np.abs(values[outside]) > 2.0]
    return values.reshape(shape)


NAMES = named.table(
    [
        Zeros,
        Ones,
        Constant,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
        GlorotUniform,
        GlorotNormal,
        HeUniform,
        HeNormal,
        LecunUniform,
        LecunNormal,
        Orthogonal,
    ]
)


def get(identifier: object, name: str = "initializer") -> Initializer:
    """The initializer that is meant: a name such as "he_normal", an Initializer, its class, or a saved one.

    Args:
        identifier: what is meant.
        name: of the argument, for errors.

    Raises:
        TypeError: identifier is of another type.
        ValueError: the name is unknown.
    """
    return named.find(identifier, name, Initializer, NAMES)  # type: ignore[type-abstract]
