"""A dense layer with gelu and softmax over its result, row by row in a compiled loop, and a hash of what comes out."""

import numba
import numpy as np

import fastnn

BATCH, INPUTS, OUTPUTS = 32, 48, 24
GELU = 14

dense = fastnn.cfunc("dense", "f32")
softmax = fastnn.cfunc("softmax", "f32")


@numba.njit
def fill(values, state):
    """Numbers in [-0.5, 0.5), exactly the same in every language."""
    for i in range(values.size):
        state = np.uint32(state * np.uint32(1664525) + np.uint32(1013904223))
        values.flat[i] = np.float32(state >> np.uint32(8)) / np.float32(16777216) - np.float32(0.5)
    return state


@numba.njit
def layer(x, w, b, p):
    """Rows of p (B, O) from rows of x (B, I); the first status that is not 0."""
    for i in range(x.shape[0]):
        row, result = x[i], p[i]
        status = dense(1, x.shape[1], p.shape[1], row.ctypes, w.ctypes, 0, b.ctypes, GELU, 0.0, result.ctypes, 0, 0, 0)
        if status == 0:
            status = softmax(1, p.shape[1], result.ctypes, result.ctypes, 0, 0)
        if status != 0:
            return status
    return 0


@numba.njit
def hash_of(data):
    """FNV-1a of 64 bits."""
    value = np.uint64(14695981039346656037)
    for byte in data:
        value = (value ^ np.uint64(byte)) * np.uint64(1099511628211)
    return value


x, w, b, p = (np.empty(s, np.float32) for s in [(BATCH, INPUTS), (INPUTS, OUTPUTS), OUTPUTS, (BATCH, OUTPUTS)])
state = np.uint32(1)
for values in (x, w, b):
    state = np.uint32(fill(values, state))
status = layer(x, w, b, p)
if status != 0:
    raise SystemExit(fastnn.cfunc("status_string")(status).decode())
print(f"{hash_of(p.view(np.uint8).ravel()):016x}")
