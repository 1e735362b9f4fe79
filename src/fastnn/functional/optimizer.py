"""Optimizer steps, in place on the parameters and their states, with PyTorch's formulas.

p and the states are numpy arrays of one shape and dtype (float32 or float64), C-contiguous, writeable and apart from
each other; g may be anything that converts to them. A state that would become denormal becomes 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _fastnn, arguments, backends, device_arrays
from fastnn.arrays import DOUBLE, SINGLE, Inputs, convert, is_on_device, overlap, refuse_masked, to_ndarray

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from fastnn.arrays import Array


def sgd_step(
    p: Array,
    g: ArrayLike,
    velocity: Array | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    backend: str | None = None,
) -> None:
    """p -= lr * g, or with momentum: velocity = momentum * velocity + g and p -= lr * velocity.

    Args:
        p: parameters, written in place.
        g: their gradient, of p's shape.
        velocity: state like p, zeros at first; needed with momentum.
        lr: learning rate, >= 0.
        momentum: >= 0.
        nesterov: step along g + momentum * velocity; needs momentum > 0.
        weight_decay: >= 0; weight_decay * p is added to g.
        backend: a name of available_backends(); by default what use_backend says, else native.

    Raises:
        TypeError: p or velocity is not a float32 or float64 array, or an argument is of a wrong type.
        ValueError: a shape, a layout or a number is wrong, arrays overlap, or velocity is missing.
    """
    if backend is None:
        done = _fastnn.sgd_step(p, g, velocity, lr, momentum, nesterov, weight_decay)
        if done is not NotImplemented:
            return
    ops = backends.choose(backend)
    numbers = {
        "lr": arguments.real_in(lr, "lr", 0.0),
        "momentum": arguments.real_in(momentum, "momentum", 0.0),
        "nesterov": arguments.flag(nesterov, "nesterov"),
        "weight_decay": arguments.real_in(weight_decay, "weight_decay", 0.0),
    }
    if numbers["momentum"] > 0.0 and velocity is None:
        raise ValueError("velocity must be given when momentum > 0: an array of zeros like p at first")
    if numbers["nesterov"] and numbers["momentum"] == 0.0:
        raise ValueError("nesterov needs momentum > 0, got 0.0")
    parameters, gradient, (state,) = _in_place(p, g, {"velocity": velocity}, optional=("velocity",))
    ops.sgd_step(parameters, gradient, state, **numbers)


def adam_step(
    p: Array,
    g: ArrayLike,
    m: Array,
    v: Array,
    *,
    step: int,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    backend: str | None = None,
) -> None:
    """A step of Adam (Kingma and Ba 2014, arXiv:1412.6980), or of AdamW with decoupled (arXiv:1711.05101).

    Args:
        p: parameters, written in place.
        g: their gradient, of p's shape.
        m, v: running means of g and g**2, like p, zeros at first.
        step: the number of this step, counted from 1.
        lr: learning rate, >= 0.
        beta1, beta2: decay of the means, in [0, 1).
        eps: >= 0, added to the square root as in PyTorch.
        weight_decay: >= 0; added to g as weight_decay * p, or with decoupled taken off p as lr * weight_decay * p.
        decoupled: see weight_decay.
        backend: as for sgd_step.

    Raises:
        TypeError: p, m or v is not a float32 or float64 array, or an argument is of a wrong type.
        ValueError: a shape, a layout or a number is wrong, or arrays overlap.
    """
    if backend is None:
        done = _fastnn.adam_step(p, g, m, v, step, lr, beta1, beta2, eps, weight_decay, decoupled)
        if done is not NotImplemented:
            return
    ops = backends.choose(backend)
    numbers = {
        "step": arguments.integer(step, "step", 1, 2**63 - 1),
        "lr": arguments.real_in(lr, "lr", 0.0),
        "beta1": arguments.real_in(beta1, "beta1", 0.0, 1.0, below=True),
        "beta2": arguments.real_in(beta2, "beta2", 0.0, 1.0, below=True),
        "eps": arguments.real_in(eps, "eps", 0.0),
        "weight_decay": arguments.real_in(weight_decay, "weight_decay", 0.0),
        "decoupled": arguments.flag(decoupled, "decoupled"),
    }
    parameters, gradient, states = _in_place(p, g, {"m": m, "v": v})
    ops.adam_step(parameters, gradient, *states, **numbers)


def rmsprop_step(
    p: Array,
    g: ArrayLike,
    v: Array,
    momentum_buffer: Array | None = None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    backend: str | None = None,
) -> None:
    """A step of RMSprop: v = alpha * v + (1 - alpha) * g**2 and p -= lr * g / (sqrt(v) + eps).

    Args:
        p: parameters, written in place.
        g: their gradient, of p's shape.
        v: running mean of g**2, like p, zeros at first.
        momentum_buffer: state like p, zeros at first; needed with momentum.
        lr: learning rate, >= 0.
        alpha: decay of v, in [0, 1].
        eps: >= 0, added to the square root.
        momentum: >= 0.
        weight_decay: >= 0; weight_decay * p is added to g.
        backend: as for sgd_step.

    Raises:
        TypeError: p or a state is not a float32 or float64 array, or an argument is of a wrong type.
        ValueError: a shape, a layout or a number is wrong, arrays overlap, or momentum_buffer is missing.
    """
    if backend is None:
        done = _fastnn.rmsprop_step(p, g, v, momentum_buffer, lr, alpha, eps, momentum, weight_decay)
        if done is not NotImplemented:
            return
    ops = backends.choose(backend)
    numbers = {
        "lr": arguments.real_in(lr, "lr", 0.0),
        "alpha": arguments.real_in(alpha, "alpha", 0.0, 1.0),
        "eps": arguments.real_in(eps, "eps", 0.0),
        "momentum": arguments.real_in(momentum, "momentum", 0.0),
        "weight_decay": arguments.real_in(weight_decay, "weight_decay", 0.0),
    }
    if numbers["momentum"] > 0.0 and momentum_buffer is None:
        raise ValueError("momentum_buffer must be given when momentum > 0: an array of zeros like p at first")
    given: dict[str, object] = {"v": v, "momentum_buffer": momentum_buffer}
    parameters, gradient, states = _in_place(p, g, given, optional=("momentum_buffer",))
    ops.rmsprop_step(parameters, gradient, *states, **numbers)


def adagrad_step(
    p: Array,
    g: ArrayLike,
    s: Array,
    *,
    lr: float,
    eps: float = 1e-10,
    weight_decay: float = 0.0,
    backend: str | None = None,
) -> None:
    """A step of Adagrad: s += g**2 and p -= lr * g / (sqrt(s) + eps).

    Args:
        p: parameters, written in place.
        g: their gradient, of p's shape.
        s: sum of g**2, like p, zeros at first.
        lr: learning rate, >= 0.
        eps: >= 0, added to the square root.
        weight_decay: >= 0; weight_decay * p is added to g.
        backend: as for sgd_step.

    Raises:
        TypeError: p or s is not a float32 or float64 array, or an argument is of a wrong type.
        ValueError: a shape, a layout or a number is wrong, or arrays overlap.
    """
    if backend is None:
        done = _fastnn.adagrad_step(p, g, s, lr, eps, weight_decay)
        if done is not NotImplemented:
            return
    ops = backends.choose(backend)
    numbers = {
        "lr": arguments.real_in(lr, "lr", 0.0),
        "eps": arguments.real_in(eps, "eps", 0.0),
        "weight_decay": arguments.real_in(weight_decay, "weight_decay", 0.0),
    }
    parameters, gradient, states = _in_place(p, g, {"s": s})
    ops.adagrad_step(parameters, gradient, *states, **numbers)


def global_norm(arrays: Iterable[ArrayLike], *, backend: str | None = None) -> float:
    """The square root of the sum of squares over all elements of all arrays, summed in float64.

    Args:
        arrays: a list or another iterable of arrays; one array counts as a list of one.
        backend: as for sgd_step.

    Returns:
        A float; 0.0 for no elements.

    Raises:
        TypeError: arrays is not iterable, or an array is not real.
    """
    if backend is None:
        norm: float = _fastnn.global_norm(arrays)
        if norm is not NotImplemented:
            return norm
    ops = backends.choose(backend)
    if isinstance(arrays, np.ndarray) or is_on_device(arrays):
        arrays = [arrays]  # type: ignore[list-item]
    try:
        values: list[object] = list(arrays)
    except TypeError:
        raise TypeError(f"arrays must be a list of arrays, got a {type(arrays).__name__}") from None
    # Each array in its own dtype: the squares are summed in float64 whatever they are.
    names = [f"arrays[{i}]" for i in range(len(values))]
    prepared = [Inputs({name: value}).prepared(name) for name, value in zip(names, values, strict=True)]
    return float(ops.global_norm(prepared))


def _in_place(
    p: object, g: object, states: dict[str, object], *, optional: tuple[str, ...] = ()
) -> tuple[Array, Array, list[Array | None]]:
    """p, g and the states as a backend takes them, once all of them are known to fit."""
    if any(map(is_on_device, (p, g, *states.values()))):
        return _in_place_on_device(p, g, states)
    parameters = _written(p, "p", None)
    written = {"p": parameters}
    for name, value in states.items():
        if value is None and name in optional:
            continue
        written[name] = _written(value, name, parameters)
    gradient = to_ndarray(g, "g")
    if gradient.shape != parameters.shape:
        raise ValueError(f"g must have p's shape {parameters.shape}, got {gradient.shape}")
    apart: dict[str, Array] = {"g": gradient, **written}
    for i, (name, array) in enumerate(apart.items()):
        for other in list(apart)[i + 1 :]:
            if overlap(array, apart[other]):
                raise ValueError(f"{name} must not overlap {other}")
    return (
        _one_axis(parameters),
        _one_axis(convert(gradient, parameters.dtype)),
        [_one_axis(written[name]) if name in written else None for name in states],
    )


def _in_place_on_device(p: object, g: object, states: dict[str, object]) -> tuple[Any, Any, list[Any]]:
    """_in_place for arrays on a CUDA device. Nothing is converted but g."""
    given = {"p": p, "g": g, **{name: value for name, value in states.items() if value is not None}}
    missing = [name for name, value in states.items() if value is None and name not in ("velocity", "momentum_buffer")]
    if missing:
        raise TypeError(f"{missing[0]} must be an array on the device like p, for it is written in place; got None")
    inputs = device_arrays.DeviceInputs(given)
    like = inputs.arrays["p"]
    for name, array in inputs.arrays.items():
        if name != "g":
            if array.dtype not in (SINGLE, DOUBLE):
                raise TypeError(
                    f"{name} must have dtype float32 or float64, for it is written in place; got {array.dtype}"
                )
            if array.dtype != like.dtype:
                raise TypeError(f"{name} must have p's dtype {like.dtype}, got {array.dtype}")
            device_arrays.require_writeable(given[name], name)
        if tuple(array.shape) != tuple(like.shape):
            raise ValueError(f"{name} must have p's shape {tuple(like.shape)}, got {tuple(array.shape)}")
    names = list(inputs.arrays)
    for i, name in enumerate(names):
        for other in names[i + 1 :]:
            if overlap(inputs.arrays[name], inputs.arrays[other]):
                raise ValueError(f"{name} must not overlap {other}")
    inputs.follow(like.dtype)
    prepared = {name: inputs.prepared(name) for name in names}
    return prepared["p"], prepared["g"], [prepared.get(name) for name in states]


def _written(value: Any, name: str, like: Array | None) -> Array:
    """An array that a step writes: it cannot be converted, so it must be right as it is."""
    if not isinstance(value, np.ndarray):
        shown = "None" if value is None else f"a {type(value).__name__}"
        raise TypeError(f"{name} must be a numpy.ndarray, for it is written in place; got {shown}")
    refuse_masked(value, name)
    if value.dtype not in (SINGLE, DOUBLE):
        raise TypeError(f"{name} must have dtype float32 or float64, for it is written in place; got {value.dtype}")
    if like is not None and value.dtype != like.dtype:
        raise TypeError(f"{name} must have p's dtype {like.dtype}, got {value.dtype}")
    if like is not None and value.shape != like.shape:
        raise ValueError(f"{name} must have p's shape {like.shape}, got {value.shape}")
    if not (value.flags.c_contiguous and value.flags.aligned):
        raise ValueError(f"{name} must be C-contiguous and aligned, for it is written in place")
    if not value.flags.writeable:
        raise ValueError(f"{name} must be writeable, got a read-only array")
    return value.view(np.ndarray)


def _one_axis(array: Array) -> Array:
    return array.reshape(1) if array.ndim == 0 else array
