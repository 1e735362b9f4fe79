"""What may stand for an activation in a layer, and the form it is saved in.

Keras's names and meaning: "linear" and None are the identity, "leaky_relu" has a slope of 0.2 (the operation's own
default is 0.01), "softmax" is allowed. Besides names: fastnn's kinds such as fastnn.LeakyReLU(0.1), and the public
functions such as fastnn.relu, which mean what they do when called.
"""

from __future__ import annotations

from typing import Any

from fastnn import activations, arguments, functional
from fastnn.activations import Kind

SOFTMAX = "softmax"
KERAS: dict[str, str | Kind] = {
    "linear": "identity",
    "silu": "swish",
    "hard_silu": "hard_swish",
    "leaky_relu": activations.LeakyReLU(0.2),
}
NAMES = (*activations.NAMES, SOFTMAX, *(name for name in KERAS if name not in activations.NAMES))

_KINDS: dict[str, type[Kind]] = {
    cls.__name__: cls
    for cls in (activations.LeakyReLU, activations.ELU, activations.CELU, activations.Softplus, activations.Swish)
}
_FUNCTIONS: dict[object, str] = {
    getattr(functional, name): activations.ALIASES.get(name, name)
    for name in (*activations.NAMES, *activations.ALIASES, SOFTMAX)
}


def resolve(activation: object) -> str | Kind:
    """A kind as in plan.Dense, or "softmax", which is none.

    Raises:
        TypeError: activation is not a name, a kind, a function of fastnn or a saved kind.
        ValueError: the name is unknown.
    """
    if activation is None:
        return "identity"
    if isinstance(activation, Kind):
        return activation
    if isinstance(activation, str):
        if activation not in NAMES:
            raise arguments.unknown("activation", activation, NAMES)
        return KERAS.get(activation, str(activation))
    if isinstance(activation, dict) and activation.get("class_name") in _KINDS:
        return _KINDS[activation["class_name"]](**activation.get("config", {}))
    name = _FUNCTIONS.get(activation) if callable(activation) else None
    if name is None:
        raise TypeError(
            'activation must be a name such as "relu", an object such as fastnn.LeakyReLU(0.1) or a function such as '
            f"fastnn.relu, got a {type(activation).__name__}"
        )
    # The function has the operation's default parameter, not Keras's.
    return activations.LeakyReLU() if name == "leaky_relu" else name


def save(kind: str | Kind) -> str | dict[str, Any]:
    """The form that resolve takes back, in Keras's names; JSON can hold it."""
    if isinstance(kind, Kind):
        return {"class_name": type(kind).__name__, "config": {kind.parameter_name: kind.parameter}}
    return {"identity": "linear", "swish": "silu", "hard_swish": "hard_silu"}.get(kind, kind)
