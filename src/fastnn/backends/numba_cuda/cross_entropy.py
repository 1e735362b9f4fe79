"""The losses over classes, from logits and from probabilities: one launch for the losses and the gradient.

A class index out of range gives a row of nan here, and nothing is read out of bounds. The public functions refuse it:
for NumPy targets they look before anything is copied; for targets on the device with prepared_indices, which waits for
the device, the one place besides global_norm that does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import back, empty, flat, hosted, last, new, stream_of, to_device, to_host
from .cross_entropy_kernels import CROSS_ENTROPY, PROBABILITIES, checked_indices, cross_entropy_long, index_masses
from .rows import spread_of, spread_of_stream
from .sums import SUM, THREADS, Mean, chunks_of, nothing, sums_of

# No class has this index, and none is ignored by it.
NOT_IGNORED = -(2**63)


def prepared_indices(targets: Any, classes: int, ignored: int | None) -> tuple[Any, int | None]:
    """Class indices on the device in int64, and the place of the first that is out of range, if there is one.

    Waits for the device: whether there is one must be known before anything is computed.

    Args:
        targets: contiguous device array of any integer dtype.
        classes: how many there are.
        ignored: an index that may occur besides those of the classes, or None.
    """
    stream = stream_of(targets)
    index = empty(tuple(targets.shape), np.int64, stream)
    if index.size == 0:
        return index, None
    place = to_device(np.array([index.size], np.int64), stream)
    options = classes, 0 if ignored is None else ignored, ignored is not None
    checked_indices.launch(-(-index.size // THREADS), stream, flat(targets), *options, flat(index), place)
    first = int(to_host(place)[0])
    return index, first if first < index.size else None


class _Call:
    """The arguments of one call as the kernels take them.

    Args:
        x: logits or probabilities.
        ignored: the index of rows that count for nothing.
        smoothing: of the labels.
        out: array for the gradient, or None.
        wants_grad: whether there is one.
    """

    def __init__(
        self,
        x: Any,
        targets: Any,
        axis: int,
        weight: Any,
        ignored: int,
        smoothing: float,
        reduction: str,
        dloss: Any,
        out: Any,
        wants_grad: bool,
    ) -> None:
        stream = self.stream = stream_of(x, targets, weight, dloss, out)
        self.axis, self.out, self.reduction, self.wants_grad = axis, out, reduction, wants_grad
        self.x = last(x, axis, stream)
        *leading, self.columns = self.x.shape
        self.losses = empty(tuple(leading), x.dtype, stream)
        self.rows = self.losses.size
        self.gradient = nothing(x.dtype, stream)
        if wants_grad:
            self.gradient = new(out if self.x is x else None, tuple(self.x.shape), x.dtype, stream)
        self.weight = nothing(x.dtype, stream) if weight is None else flat(weight)
        self.index, self.q = nothing(np.int64, stream), nothing(x.dtype, stream)
        masses = None
        if targets.ndim == x.ndim:
            self.q = flat(last(targets, axis, stream))
        else:
            self.index = flat(targets)
            if reduction == "mean":
                masses = empty(chunks_of(self.rows), np.float64, stream)
                options = self.index, self.columns, ignored, self.weight, masses
                index_masses.launch(masses.size, stream, *options)
        self.mean = Mean(reduction, self.rows, masses)
        real = x.dtype.type
        even = real(smoothing / self.columns) if self.columns else real(0.0)
        self.targets = self.index, ignored, self.q, self.weight, real(1.0 - smoothing), even
        factor, self.factors = self.mean.factors(dloss, x.dtype, stream)
        self.factor = real(factor)

    def result(self) -> tuple[Any, Any]:
        """The loss and the gradient, once the kernel has been queued."""
        loss = self.losses
        if self.reduction != "none":
            loss = self.mean.loss(sums_of(SUM, self.losses, self.stream), self.losses.dtype, self.stream)
        if not self.wants_grad:
            return loss, None
        return loss, back(self.gradient, self.axis, self.out, self.stream)


def _cross_entropy(
    logits: Any,
    targets: Any,
    axis: int,
    weight: Any,
    ignored: int,
    smoothing: float,
    reduction: str,
    dloss: Any,
    out: Any,
    wants_grad: bool,
) -> tuple[Any, Any]:
    call = _Call(logits, targets, axis, weight, ignored, smoothing, reduction, dloss, out, wants_grad)
    if call.x.size:
        spread = spread_of(call.rows, call.columns)
        CROSS_ENTROPY.get(spread.key, cross_entropy_long).launch(
            *(spread.blocks, call.stream, flat(call.x), call.rows, call.columns, spread.bits, *call.targets),
            *(call.factor, call.factors, flat(call.losses), flat(call.gradient)),
        )
    return call.result()


def _probabilities(
    p: Any,
    targets: Any,
    axis: int,
    weight: Any,
    smoothing: float,
    reduction: str,
    dloss: Any,
    out: Any,
    wants_grad: bool,
) -> tuple[Any, Any]:
    call = _Call(p, targets, axis, weight, NOT_IGNORED, smoothing, reduction, dloss, out, wants_grad)
    if call.x.size:
        spread = spread_of_stream(call.rows, call.columns)
        real = p.dtype.type
        PROBABILITIES[spread.key[0]].launch(
            *(spread.blocks, call.stream, flat(call.x), call.rows, call.columns, spread.bits, *call.targets),
            *(real(1e-7), real(1.0 - 1e-7)),
            *(call.factor, call.factors, flat(call.losses), flat(call.gradient)),
        )
    return call.result()


@hosted()
def cross_entropy(
    logits: Any,
    targets: Any,
    *,
    axis: int = -1,
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """As the public function of that name, for prepared arguments."""
    options = axis, weight, ignore_index, label_smoothing, reduction, 1.0, None
    return _cross_entropy(logits, targets, *options, False)[0]


@hosted(outputs=("out",))
def cross_entropy_with_grad(
    logits: Any,
    targets: Any,
    *,
    axis: int = -1,
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: Any = 1.0,
    out: Any = None,
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    options = axis, weight, ignore_index, label_smoothing, reduction, dloss, out
    return _cross_entropy(logits, targets, *options, True)


@hosted()
def categorical_cross_entropy(
    p: Any,
    targets: Any,
    *,
    axis: int = -1,
    weight: Any = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """As the public function of that name, for prepared arguments."""
    return _probabilities(p, targets, axis, weight, label_smoothing, reduction, 1.0, None, False)[0]


@hosted(outputs=("out",))
def categorical_cross_entropy_with_grad(
    p: Any,
    targets: Any,
    *,
    axis: int = -1,
    weight: Any = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: Any = 1.0,
    out: Any = None,
) -> tuple[Any, Any]:
    """As the public function of that name, for prepared arguments."""
    return _probabilities(p, targets, axis, weight, label_smoothing, reduction, dloss, out, True)
