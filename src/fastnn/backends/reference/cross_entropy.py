"""The losses over classes: cross-entropy from logits and from probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from .loss import Loss, reduce, rounded
from .precision import Array, down, quiet, up
from .softmax import log_softmax64


def _from_logs(
    log_p: Array,
    targets: Array,
    weight: Array | None,
    ignore_index: int | None,
    label_smoothing: float,
    reduction: str,
    dloss: Any,
) -> tuple[Any, Array]:
    """The loss from log-probabilities (…, C), in float64, and its derivative by them.

    A row's loss is -sum(q * log_p), q the weighted and smoothed target distribution, as PyTorch has it.
    """
    classes = log_p.shape[-1]
    class_weight = np.ones(classes) if weight is None else up(weight)
    if targets.ndim == log_p.ndim:
        q = class_weight * (up(targets) * (1.0 - label_smoothing) + label_smoothing / np.float64(classes))
        losses = -(q * log_p).sum(axis=-1)
        kept = np.full(losses.shape, True)
        total: Any = losses.size
    else:
        kept = targets != ignore_index if ignore_index is not None else np.full(targets.shape, True)
        index = np.where(kept, targets, 0).astype(np.intp)
        picked_weight = np.where(kept, class_weight[index], 0.0)
        q = (1.0 - label_smoothing) * picked_weight[..., None] * (index[..., None] == np.arange(classes))
        # The picked term alone, not the sum over q: 0 * -inf would be nan where another class has probability 0.
        picked_log = np.take_along_axis(log_p, index[..., None], axis=-1)[..., 0]
        losses = -(1.0 - label_smoothing) * picked_weight * picked_log
        if label_smoothing > 0:
            even = class_weight * label_smoothing / classes
            q = q + np.where(kept[..., None], even, 0.0)
            losses = losses - (even * log_p).sum(axis=-1)
        losses = np.where(kept, losses, 0.0)
        total = picked_weight.sum()
    loss, scale = reduce(losses, total, reduction)
    # By a select, because the scale of the mean is nan when every row is ignored.
    row_scale = np.where(kept, scale * up(dloss), 0.0)
    return loss, -q * row_scale[..., None]


def _last(x: Array, axis: int, ndim: int) -> Array:
    return np.moveaxis(x, axis, -1) if x.ndim == ndim else x


@quiet
def cross_entropy_with_grad(
    logits: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: Any = 1.0,
    out: Array | None = None,
) -> tuple[Loss, Array]:
    """loss = -sum(q * log_softmax(logits)) and its derivative by the logits.

    q is the target: probabilities, or 1 at the index of the class; then with label smoothing (1 - s) * q + s / C, times
    the weight of each class (for an index: of the picked class, and of each class in the smoothing). The mean is over
    the rows, for indices over the sum of the picked weights. Rows with ignore_index do not count.
    Source: torch.nn.functional.cross_entropy; Szegedy et al., "Rethinking the Inception Architecture", 2016.
    """
    log_p = log_softmax64(_last(up(logits), axis, logits.ndim))
    rows = _last(targets, axis, logits.ndim)
    loss, slope = _from_logs(log_p, rows, weight, ignore_index, label_smoothing, reduction, dloss)
    dlogits = slope - np.exp(log_p) * slope.sum(axis=-1, keepdims=True)
    return rounded(loss, logits.dtype, reduction), down(np.moveaxis(dlogits, -1, axis), logits.dtype, out)


def cross_entropy(
    logits: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Loss:
    """The loss of cross_entropy_with_grad alone."""
    return cross_entropy_with_grad(
        logits,
        targets,
        axis=axis,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )[0]


@quiet
def categorical_cross_entropy_with_grad(
    p: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    dloss: Any = 1.0,
    out: Array | None = None,
) -> tuple[Loss, Array]:
    """loss = -sum(q * log(clip(p, 1e-7, 1 - 1e-7))), q as for cross_entropy; the derivative is 0 where p was clipped.

    The bounds are those numbers in the dtype of p. The clipping is Keras's; p is not normalised again.
    """
    low, high = float(p.dtype.type(1e-7)), float(p.dtype.type(1.0 - 1e-7))
    p_rows = _last(up(p), axis, p.ndim)
    log_p = np.log(np.clip(p_rows, low, high))
    rows = _last(targets, axis, p.ndim)
    loss, slope = _from_logs(log_p, rows, weight, None, label_smoothing, reduction, dloss)
    dp = np.where((p_rows < low) | (p_rows > high), 0.0, slope / p_rows)
    return rounded(loss, p.dtype, reduction), down(np.moveaxis(dp, -1, axis), p.dtype, out)


def categorical_cross_entropy(
    p: Array,
    targets: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Loss:
    """The loss of categorical_cross_entropy_with_grad alone."""
    return categorical_cross_entropy_with_grad(
        p, targets, axis=axis, weight=weight, label_smoothing=label_smoothing, reduction=reduction
    )[0]
