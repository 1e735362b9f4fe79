"""The error of fastnn's matrix products as a share of the bound of their definition: python tools/accuracy/products.py

The bound is (chunk + K / chunk) * eps * (|x| |w| + |b|), chunk = 1024, K the inner length. The exact products are
computed in long double, so the figures hold where that is wider than float64 (x86-64).
"""

from __future__ import annotations

import numpy as np

import fastnn

CHUNK = 1024
ROWS = 64


def share_of_bound(dtype: type, length: int, columns: int, lowest: float) -> float:
    """The worst element of a (ROWS, length) by (length, columns) product of numbers in [lowest, lowest + 1)."""
    rng = np.random.default_rng(0)
    x, w, b = ((rng.random(shape) + lowest).astype(dtype) for shape in [(ROWS, length), (length, columns), columns])
    exact = x.astype(np.longdouble) @ w.astype(np.longdouble) + b
    magnitude = np.abs(x).astype(np.float64) @ np.abs(w).astype(np.float64) + np.abs(b)
    bound = (min(length, CHUNK) + length / CHUNK) * float(np.finfo(dtype).eps) * magnitude
    return float((np.abs(fastnn.dense(x, w, b) - exact) / bound).max())


print("| dtype | K | 64 columns, mixed signs | 64, all positive | 4 columns, mixed | 4, all positive |")
print("|---|---|---|---|---|---|")
for dtype in (np.float32, np.float64):
    for length in (64, 784, 1024, 4096, 65536):
        shares = [share_of_bound(dtype, length, columns, lowest) for columns in (64, 4) for lowest in (-0.5, 0.0)]
        print(f"| {dtype.__name__} | {length} | " + " | ".join(f"{100 * share:.2f} %" for share in shares) + " |")
