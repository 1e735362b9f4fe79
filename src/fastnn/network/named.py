"""Objects that can be given by name: "glorot_uniform", GlorotUniform, GlorotUniform(), or as they are saved.

Initializers, regularizers, losses and metrics are looked up here, each with its own table of names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from fastnn import arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Configured(Protocol):
    """What can be saved: its class called with get_config() makes it again."""

    def get_config(self) -> dict[str, Any]:
        """The arguments, all of them such that JSON can hold them."""


T = TypeVar("T", bound=Configured)


def snake_case(name: str) -> str:
    """Keras's name of a class: "MeanSquaredError" -> "mean_squared_error"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def table(classes: Iterable[type[T]], aliases: Mapping[str, Callable[[], T]] | None = None) -> dict[str, Any]:
    """Names -> what makes the object: every class under its own name and in snake case, then the aliases."""
    names: dict[str, Any] = {}
    for cls in classes:
        names[snake_case(cls.__name__)] = cls
        names[cls.__name__] = cls
    return {**names, **(aliases or {})}


def find(value: object, what: str, base: type[T], names: Mapping[str, Any]) -> T:
    """The object that is meant.

    Args:
        value: a name, an instance of base, a subclass of it, or {"class_name": ..., "config": {...}} as made by save.
        what: for errors, such as "initializer".
        base: the class of all of them.
        names: as made by table.

    Raises:
        TypeError: value is of another type.
        ValueError: the name is unknown.
    """
    if isinstance(value, base):
        return value
    if isinstance(value, str):
        return cast("T", _maker(value, what, names)())
    if isinstance(value, type) and issubclass(value, base):
        return value()
    if isinstance(value, dict) and isinstance(value.get("class_name"), str):
        return cast("T", _maker(value["class_name"], what, names)(**value.get("config", {})))
    shown = repr(value) if value is None else f"a {type(value).__name__}"
    raise TypeError(f"{what} must be a name or an object of {base.__module__}.{base.__name__}, got {shown}")


def save(value: Configured) -> dict[str, Any]:
    """The form that find takes back."""
    return {"class_name": type(value).__name__, "config": value.get_config()}


def shown(value: Configured) -> str:
    """A repr that makes the object again."""
    return f"{type(value).__name__}({', '.join(f'{k}={v!r}' for k, v in value.get_config().items())})"


def _maker(name: str, what: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    if name not in names:
        # Without the classes' own names, which would list everything twice.
        raise arguments.unknown(what, name, (known for known in names if known == known.lower()))
    maker: Callable[..., Any] = names[name]
    return maker
