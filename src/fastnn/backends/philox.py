"""The counter-based generator Philox4x32-10 (Salmon et al., SC 2011), as both of Numba's backends compile it."""

from __future__ import annotations

from typing import Any

import numpy as np

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIER0, MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL0, WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


def philox4x32(block: Any, seed: Any, counter: Any) -> Any:
    """The four words of 32 bits, in uint64, of a block; all arguments are uint64."""
    c0, c1, c2, c3 = block & LOW, block >> HALF, counter & LOW, counter >> HALF
    k0, k1 = seed & LOW, seed >> HALF
    for _ in range(10):
        product0, product1 = c0 * MULTIPLIER0, c2 * MULTIPLIER1
        c0, c1, c2, c3 = (product1 >> HALF) ^ c1 ^ k0, product1 & LOW, (product0 >> HALF) ^ c3 ^ k1, product0 & LOW
        k0, k1 = (k0 + WEYL0) & LOW, (k1 + WEYL1) & LOW
    return c0, c1, c2, c3
