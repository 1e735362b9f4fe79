"""The cells of the scoreboard: what is computed, on which arrays, what the answer is and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn import arguments

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

DTYPES = {"f32": "float32", "f64": "float64"}

DENSE_SHAPES = (
    (1, 64, 64),
    (8, 64, 64),
    (64, 64, 64),
    (32, 128, 10),
    (1, 784, 1),
    (1024, 784, 1),
    (4096, 64, 2),
    (1, 784, 128),
    (32, 784, 128),
    (128, 784, 128),
    (256, 512, 512),
    (4096, 64, 64),
    (1024, 784, 1000),
    (1, 4096, 4096),
    (64, 4096, 4096),
    (512, 512, 512),
    (1024, 1024, 1024),
    (2048, 2048, 2048),
)
SOFTMAX_SHAPES = (
    (1, 10),
    (32, 10),
    (1024, 10),
    (65536, 16),
    (128, 1000),
    (1024, 1000),
    (256, 32000),
    (4096, 4096),
)


@dataclass(frozen=True)
class Op:
    """One operation of the scoreboard: its default shapes, its arrays and the answer in float64."""

    shapes: tuple[tuple[int, ...], ...]
    letters: str
    make: Callable[[np.random.Generator, tuple[int, ...], str], Arrays]
    answer: Callable[[Arrays], tuple[Array, ...]]


def _normal(rng: np.random.Generator, dtype: str, *shape: int) -> Array:
    return rng.standard_normal(shape, dtype=np.float32).astype(dtype)


def _dense_arrays(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    batch, inputs, outputs = shape
    w = _normal(rng, dtype, inputs, outputs) / np.asarray(math.sqrt(inputs), dtype)
    return {"x": _normal(rng, dtype, batch, inputs), "w": w, "b": _normal(rng, dtype, outputs)}


def _dense_answer(a: Arrays) -> tuple[Array, ...]:
    return (np.maximum(a["x"].astype(np.float64) @ a["w"].astype(np.float64) + a["b"], 0.0),)


def _backward_arrays(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    arrays = _dense_arrays(rng, shape, dtype)
    y = np.maximum(_normal(rng, dtype, shape[0], shape[2]), 0)
    return {"dy": _normal(rng, dtype, shape[0], shape[2]), "x": arrays["x"], "w": arrays["w"], "y": y}


def _backward_answer(a: Arrays) -> tuple[Array, ...]:
    dz = np.where(a["y"] > 0, a["dy"], 0).astype(np.float64)
    return dz @ a["w"].astype(np.float64).T, a["x"].astype(np.float64).T @ dz, dz.sum(axis=0)


def _rows(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    return {"x": _normal(rng, dtype, *shape)}


def _softmax_backward_arrays(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    y = _softmax(_normal(rng, "float64", *shape)).astype(dtype)
    return {"dy": _normal(rng, dtype, *shape), "y": y}


def _cross_entropy_arrays(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    return {"x": _normal(rng, dtype, *shape), "targets": rng.integers(0, shape[1], shape[0])}


def _log_softmax(x: Array) -> Array:
    shifted = x.astype(np.float64) - x.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _softmax(x: Array) -> Array:
    return np.asarray(np.exp(_log_softmax(x)))


def _softmax_backward(a: Arrays) -> tuple[Array, ...]:
    dy, y = a["dy"].astype(np.float64), a["y"].astype(np.float64)
    return (y * (dy - (dy * y).sum(axis=-1, keepdims=True)),)


def _cross_entropy(a: Arrays) -> tuple[Array, ...]:
    log_p = _log_softmax(a["x"])
    rows = np.arange(len(log_p))
    gradient = np.exp(log_p)
    gradient[rows, a["targets"]] -= 1
    return -log_p[rows, a["targets"]].mean(), gradient / len(log_p)


OPS = {
    "dense": Op(DENSE_SHAPES, "BxIxO", _dense_arrays, _dense_answer),
    "packed_dense": Op(DENSE_SHAPES, "BxIxO", _dense_arrays, _dense_answer),
    "dense_backward": Op(DENSE_SHAPES, "BxIxO", _backward_arrays, _backward_answer),
    "softmax": Op(SOFTMAX_SHAPES, "BxC", _rows, lambda a: (_softmax(a["x"]),)),
    "softmax_backward": Op(SOFTMAX_SHAPES, "BxC", _softmax_backward_arrays, _softmax_backward),
    "log_softmax": Op(SOFTMAX_SHAPES, "BxC", _rows, lambda a: (_log_softmax(a["x"]),)),
    "cross_entropy_with_grad": Op(SOFTMAX_SHAPES, "BxC", _cross_entropy_arrays, _cross_entropy),
}


@dataclass(frozen=True)
class Case:
    """One cell: an operation, its shape (B, I, O) or (B, C), and the dtype ("f32" or "f64")."""

    op: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def label(self) -> str:
        """Such as "dense 32x784x128 f32"."""
        return f"{self.op} {'x'.join(map(str, self.shape))} {self.dtype}"

    @property
    def flops(self) -> float:
        """Floating-point operations of the matrix products (0 for the softmax family)."""
        products = {"dense": 1, "packed_dense": 1, "dense_backward": 2}.get(self.op, 0)
        return 2.0 * products * math.prod(self.shape)

    @property
    def exps(self) -> float:
        """Exponentials that cannot be avoided."""
        needs = self.op in ("softmax", "log_softmax", "cross_entropy_with_grad")
        return float(math.prod(self.shape)) if needs else 0.0

    @property
    def reads(self) -> float:
        """Bytes of all inputs, each read once."""
        return float(sum(array.nbytes for array in _shapes_of(self)["in"]))

    @property
    def writes(self) -> float:
        """Bytes of all results, each written once."""
        return float(sum(array.nbytes for array in _shapes_of(self)["out"]))

    def arrays(self) -> Arrays:
        """The inputs, the same at every call."""
        return OPS[self.op].make(np.random.default_rng(7), self.shape, DTYPES[self.dtype])

    def answer(self, arrays: Arrays) -> tuple[Array, ...]:
        """The results in float64."""
        return OPS[self.op].answer(arrays)

    def tolerance(self) -> float:
        """The largest error of a right answer, as a share of the answer's largest magnitude."""
        inner = max(self.shape)
        return float(np.finfo(DTYPES[self.dtype]).eps) * (64 + 4 * math.sqrt(inner) + inner / 16)


class _Size:
    def __init__(self, itemsize: int, *shape: int) -> None:
        self.nbytes = itemsize * math.prod(shape)


def _shapes_of(case: Case) -> dict[str, list[_Size]]:
    size = np.dtype(DTYPES[case.dtype]).itemsize
    if len(case.shape) == 3:
        batch, inputs, outputs = case.shape
        x, y = _Size(size, batch, inputs), _Size(size, batch, outputs)
        w, b = _Size(size, inputs, outputs), _Size(size, outputs)
        if case.op == "dense_backward":
            return {"in": [y, y, x, w], "out": [x, w, b]}
        return {"in": [x, w, b], "out": [y]}
    rows = _Size(size, *case.shape)
    inputs_of = {"softmax_backward": [rows, rows], "cross_entropy_with_grad": [rows, _Size(8, case.shape[0])]}
    return {"in": inputs_of.get(case.op, [rows]), "out": [rows]}


def all_cases(
    ops: list[str] | None = None, shapes: list[tuple[int, ...]] | None = None, dtypes: list[str] | None = None
) -> list[Case]:
    """The cells of the given operations, shapes and dtypes; by default all of them.

    Raises:
        ValueError: an operation or a dtype is unknown, or no operation takes one of the shapes.
    """
    ops = ops or list(OPS)
    dtypes = dtypes or list(DTYPES)
    for op in ops:
        if op not in OPS:
            raise arguments.unknown("op", op, OPS)
    for dtype in dtypes:
        if dtype not in DTYPES:
            raise arguments.unknown("dtype", dtype, DTYPES)
    for shape in shapes or []:
        if all(len(shape) != len(OPS[op].shapes[0]) for op in ops):
            known = ", ".join(f"{op} takes {OPS[op].letters}" for op in ops)
            raise ValueError(f"shape {'x'.join(map(str, shape))} fits none of the operations ({known})")
    return [
        Case(op, shape, dtype)
        for dtype in dtypes
        for op in ops
        for shape in (shapes or OPS[op].shapes)
        if len(shape) == len(OPS[op].shapes[0])
    ]


def parse_shape(text: str) -> tuple[int, ...]:
    """The shape that is written as "32x784x128" (B, I, O) or "1024x10" (B, C).

    Raises:
        ValueError: it is not two or three positive integers with an x between them.
    """
    parts = text.strip().lower().split("x")
    if len(parts) not in (2, 3) or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ValueError(f"shape must be BxIxO or BxC such as 32x784x128 or 1024x10, got {text!r}")
    return tuple(map(int, parts))
