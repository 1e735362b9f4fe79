"""The table of a model's layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from fastnn.network.layer import Layer

_HEAD = ("Layer (type)", "Output Shape", "Param #")


def lines(name: str, layers: Sequence[Layer], dtype: np.dtype[Any]) -> Iterator[str]:
    """The lines of the table, one layer each, and the number of parameters below.

    Args:
        name: the model's.
        layers: with or without known shapes.
        dtype: of the parameters.
    """
    rows = [_HEAD, *(_row(layer) for layer in layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    rule = "  ".join("-" * width for width in widths)
    yield f'Model: "{name}"'
    for number, row in enumerate(rows):
        yield f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}".rstrip()
        if number == 0:
            yield rule
    yield rule
    total = sum(layer.count_params() for layer in layers if layer.built)
    yield f"Total params: {total:,} ({_size(total * dtype.itemsize)})"


def _row(layer: Layer) -> tuple[str, str, str]:
    kind = f"{layer.name} ({type(layer).__name__})"
    if not layer.built:
        return kind, "?", "? (not built)"
    return kind, str(layer.output_shape), f"{layer.count_params():,}"


def _size(count: int) -> str:
    """Bytes in the unit that suits them."""
    power = min(int(math.log2(count)) // 10, 3) if count else 0
    return f"{count / 1024**power:.2f} {('B', 'KB', 'MB', 'GB')[power]}"
