"""The losses of classification: from logits, and from probabilities. One class axis; index or probability targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _fastnn, arguments, backends, device_arrays
from fastnn.arrays import Inputs, Output, is_on_device
from fastnn.functional.reduction import delivered_loss, prepared_dloss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from fastnn.arrays import Array


def cross_entropy(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """The cross-entropy between softmax(logits) and the targets, as torch.nn.functional.cross_entropy defines it.

    Args:
        logits: array with a class axis of length C, usually of shape (B, C).
        targets: class indices of any integer dtype, of logits' shape without the class axis; or probabilities, of
            logits' shape.
        axis: the class axis.
        weight: a weight for each class, shape (C,).
        ignore_index: index targets of this value count for nothing.
        label_smoothing: from 0 to 1; the part of each target that is spread evenly over all classes.
        reduction: "mean" (divided by the sum of the targets' weights, or for probabilities by the number of rows),
            "sum" or "none".
        backend: a name of available_backends(); by default what use_backend says, else native.

    Returns:
        A NumPy scalar of logits' dtype, or with "none" an array of logits' shape without the class axis. The mean of
        nothing is nan.

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: a shape, axis, label_smoothing or reduction is wrong.
        IndexError: a class index is out of range.
    """
    if backend is None:
        loss = _fastnn.cross_entropy(logits, targets, axis, weight, ignore_index, label_smoothing, reduction)
        if loss is not NotImplemented:
            return loss
    ops = backends.choose(backend)
    call = _ClassLoss("logits", logits, targets, axis, weight, label_smoothing, reduction, ignore_index)
    return call.loss(ops.cross_entropy(*call.operands(), **call.options()))


def cross_entropy_with_grad(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """cross_entropy and its gradient with respect to logits, in one sweep.

    Args:
        logits, targets, axis, weight, ignore_index, label_smoothing, reduction, backend: as for cross_entropy.
        dloss: gradient with respect to the loss: a number, or with reduction "none" also an array of its shape.
        out: array for the gradient, of logits' shape and dtype, C-contiguous; logits itself is allowed.

    Returns:
        (loss, dlogits).

    Raises:
        TypeError: an argument is of a wrong type, or out's dtype is wrong.
        ValueError: a shape, axis, label_smoothing or reduction is wrong, or out does not fit.
        IndexError: a class index is out of range.
    """
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.cross_entropy_with_grad(
            logits, targets, axis, weight, ignore_index, label_smoothing, reduction, dloss, out
        )
        if answer is not NotImplemented:
            return answer
    ops = backends.choose(backend)
    call = _ClassLoss("logits", logits, targets, axis, weight, label_smoothing, reduction, ignore_index)
    return call.with_grad(ops.cross_entropy_with_grad, dloss, out)


def categorical_cross_entropy(
    p: ArrayLike,
    targets: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    backend: str | None = None,
) -> Any:
    """The cross-entropy between probabilities and the targets: -log(p) of the target, p clipped to 1e-7 ... 1 - 1e-7.

    p is not scaled to a sum of 1. Prefer cross_entropy, which is exact, wherever the logits are at hand.

    Args:
        p: probabilities with a class axis of length C, usually of shape (B, C).
        targets, axis, weight, label_smoothing, reduction, backend: as for cross_entropy; there is no ignore_index.

    Returns:
        A NumPy scalar of p's dtype, or with "none" an array of p's shape without the class axis.

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: a shape, axis, label_smoothing or reduction is wrong.
        IndexError: a class index is out of range.
    """
    if backend is None:
        loss = _fastnn.categorical_cross_entropy(p, targets, axis, weight, label_smoothing, reduction)
        if loss is not NotImplemented:
            return loss
    ops = backends.choose(backend)
    call = _ClassLoss("p", p, targets, axis, weight, label_smoothing, reduction)
    return call.loss(ops.categorical_cross_entropy(*call.operands(), **call.options()))


def categorical_cross_entropy_with_grad(
    p: ArrayLike,
    targets: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: ArrayLike = 1.0,
    out: Array | None = None,
    backend: str | None = None,
) -> tuple[Any, Array]:
    """categorical_cross_entropy and its gradient with respect to p, which is 0 where p was clipped.

    Args:
        p, targets, axis, weight, label_smoothing, reduction, backend: as for categorical_cross_entropy.
        dloss, out: as for cross_entropy_with_grad; out may be p itself.

    Returns:
        (loss, dp).

    Raises:
        TypeError: an argument is of a wrong type, or out's dtype is wrong.
        ValueError: a shape, axis, label_smoothing or reduction is wrong, or out does not fit.
        IndexError: a class index is out of range.
    """
    if backend is None:
        answer: tuple[Any, Array] = _fastnn.categorical_cross_entropy_with_grad(
            p, targets, axis, weight, label_smoothing, reduction, dloss, out
        )
        if answer is not NotImplemented:
            return answer
    ops = backends.choose(backend)
    call = _ClassLoss("p", p, targets, axis, weight, label_smoothing, reduction)
    return call.with_grad(ops.categorical_cross_entropy_with_grad, dloss, out)


class _ClassLoss:
    """The checked arguments of one call; name is that of the first argument."""

    def __init__(
        self,
        name: str,
        first: object,
        targets: object,
        axis: object,
        weight: object,
        label_smoothing: object,
        reduction: object,
        ignore_index: object = None,
    ) -> None:
        self.name = name
        self.inputs = Inputs({name: first, "targets": targets, "weight": weight}, optional=("weight",), decider=name)
        self.shape = self.inputs.shape(name)
        if not self.shape:
            raise ValueError(f"{name} must have a class axis, such as shape (B, C), got a 0-d array")
        self.axis = arguments.axis_of(axis, self.shape, name)
        self.classes = self.shape[self.axis]
        self.rows = (*self.shape[: self.axis], *self.shape[self.axis + 1 :])
        self.inputs.require_shape("weight", (self.classes,), "(C,)")
        self.smoothing = arguments.real_in(label_smoothing, "label_smoothing", 0.0, 1.0)
        self.reduction = arguments.reduction_name(reduction)
        self.ignored: int | None = None
        if ignore_index is not None or name == "logits":
            self.ignored = arguments.integer(ignore_index, "ignore_index", -(2**63), 2**63 - 1)
        self.targets = self._prepared_targets()

    def operands(self) -> tuple[Array, Array]:
        """The first argument and the targets, the class axis last."""
        return self.inputs.prepared(self.name, self.axis), self.targets

    def options(self) -> dict[str, Any]:
        """The keyword arguments for the backend."""
        options = {
            "axis": -1,
            "weight": self.inputs.optional("weight"),
            "label_smoothing": self.smoothing,
            "reduction": self.reduction,
        }
        return options if self.ignored is None else {**options, "ignore_index": self.ignored}

    def loss(self, value: Any) -> Any:
        """The loss in the caller's form."""
        return delivered_loss(value, self.reduction, self.rows, self.inputs)

    def with_grad(self, operation: Any, dloss: object, out: object) -> tuple[Any, Array]:
        """Runs an operation that returns the loss and its gradient."""
        factor = prepared_dloss(dloss, self.reduction, self.rows, self.inputs)
        result = Output(out, "out", self.shape, self.inputs, alias=self.name, axis=self.axis)
        value, gradient = operation(*self.operands(), **self.options(), dloss=factor, out=result.buffer)
        return self.loss(value), result.deliver(gradient)

    def _prepared_targets(self) -> Array:
        targets = self.inputs.arrays["targets"]
        if self.inputs.shape("targets") == self.shape:
            return self.inputs.prepared("targets", self.axis)
        if self.inputs.shape("targets") != self.rows:
            raise ValueError(
                f"targets must have shape {self.rows} for class indices or {self.shape} for probabilities, "
                f"got {self.inputs.shape('targets')}"
            )
        if targets.dtype.kind not in "iu":
            raise TypeError(f"targets of shape {self.rows} must be integers (class indices), got dtype {targets.dtype}")
        if is_on_device(targets):
            index, place = device_arrays.prepared_indices(targets, self.classes, self.ignored)
            if place is not None:
                raise self._outside(
                    np.unravel_index(place, self.rows), self.inputs.shaped(targets, (targets.size,))[place]
                )
            prepared: Array = index
            return prepared
        outside = (targets < 0) | (targets >= self.classes)
        if self.ignored is not None:
            outside &= targets != self.ignored
        if outside.any():
            where = tuple(np.argwhere(outside)[0])
            raise self._outside(where, targets[where])
        return np.array(targets, dtype=np.int64, order="C")

    def _outside(self, place: Sequence[Any], value: Any) -> IndexError:
        """The error for an index out of range."""
        where = tuple(map(int, place))
        there = f" at index {where[0] if len(where) == 1 else where}" if where else ""
        also = "" if self.ignored is None else f", or ignore_index = {self.ignored}"
        return IndexError(
            f"targets must be class indices from 0 to {self.classes - 1} (C = {self.classes}){also}; got {value}{there}"
        )
