"""What the binding answers to arguments that the functional layer has prepared."""

from __future__ import annotations

from typing import TypeVar

Result = TypeVar("Result")


def answered(result: Result) -> Result:
    """The result; a refusal here is a fault of this library, not of the caller."""
    if result is NotImplemented:
        raise RuntimeError("the native backend refused prepared arguments; please report this as a bug in fastnn")
    return result
