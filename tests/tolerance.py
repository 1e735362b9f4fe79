"""How far a result may be from the exact one, and assertions that say where it is farther."""

from __future__ import annotations

from typing import Any

import numpy as np

# Once for the result and once for the "exact" value, which for float64 is itself computed in float64.
PRODUCT_FACTOR = 2.0


def product_bound(x: Any, w: Any, b: Any, dtype: Any, chunk: int = 1024) -> np.ndarray:
    """The elementwise bound on the error of x @ w + b: 2 * (chunk + K / chunk) * eps * (|x| |w| + |b|), in float64.

    It is the bound of a sum cut into chunks of a fixed length (Higham, "Accuracy and Stability of Numerical
    Algorithms", 2002, section 4.2), with chunk no longer than the inner length K. b may be None.
    """
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    length = w.shape[0]
    additions = min(length, chunk) + np.ceil(length / chunk) + 1.0
    magnitude = np.abs(x) @ np.abs(w) + (0.0 if b is None else np.abs(np.asarray(b, np.float64)))
    limits = np.finfo(dtype)
    return PRODUCT_FACTOR * additions * (float(limits.eps) * magnitude + float(limits.smallest_subnormal))


def assert_within(actual: Any, exact: Any, bound: Any) -> None:
    """Fails, and names the worst element, unless |actual - exact| <= bound; nan and inf must agree exactly."""
    actual, exact = np.asarray(actual), np.asarray(exact)
    assert actual.shape == exact.shape, f"shape {actual.shape}, wanted {exact.shape}"
    if actual.size == 0:
        return
    with np.errstate(all="ignore"):
        error = np.abs(actual.astype(np.longdouble) - exact.astype(np.longdouble))
        limit = np.broadcast_to(np.asarray(bound, np.longdouble), error.shape)
        excess = np.where(error <= limit, 0.0, error / limit)
    same = (actual == exact) | (np.isnan(actual) & np.isnan(exact))
    comparable = np.isfinite(actual) & np.isfinite(exact)
    excess = np.where(same, 0.0, np.where(comparable & ~np.isnan(excess), excess, np.inf))
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(excess)), excess.shape))
    assert excess[index] == 0.0, (
        f"element {index}: {actual[index]!r}, wanted {exact[index]!r}; error {float(error[index]):.3g}, "
        f"bound {float(limit[index]):.3g}; {int(np.count_nonzero(excess))} of {excess.size} elements are out of bounds"
    )


def max_ulp(actual: Any, exact: Any) -> float:
    """The largest error in units in the last place of the exact value, in the dtype of `actual`.

    `exact` may have more precision. It is inf where one of the two is nan or infinite and the other, rounded, differs.
    """
    actual, exact = np.asarray(actual), np.asarray(exact)
    assert actual.shape == exact.shape, f"shape {actual.shape}, wanted {exact.shape}"
    if actual.size == 0:
        return 0.0
    with np.errstate(all="ignore"):
        rounded = exact.astype(actual.dtype)
        largest = np.finfo(actual.dtype).max
        unit = np.spacing(np.minimum(np.abs(rounded), largest)).astype(np.longdouble)
        ulp = np.abs(actual.astype(np.longdouble) - exact.astype(np.longdouble)) / unit
        same = ((actual == rounded) & ~np.isfinite(rounded)) | (np.isnan(actual) & np.isnan(rounded))
        comparable = np.isfinite(actual) & np.isfinite(rounded)
    return float(np.where(same, 0.0, np.where(comparable, ulp, np.inf)).max())
