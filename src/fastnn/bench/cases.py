"""The cells of the scoreboard: what is computed, on which arrays, what the answer is and what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastnn import arguments
from fastnn.bench import network_cases
from fastnn.bench.op import DTYPES, Array, Arrays, Cost, Op, log_softmax, normal

__all__ = ["DTYPES", "OPS", "Array", "Arrays", "Case", "Cost", "all_cases", "parse_shape"]

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


def _dense_arrays(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    batch, inputs, outputs = shape
    w = normal(rng, dtype, inputs, outputs) / np.asarray(math.sqrt(inputs), dtype)
    return {"x": normal(rng, dtype, batch, inputs), "w": w, "b": normal(rng, dtype, outputs)}


def _dense_answer(a: Arrays) -> tuple[Array, ...]:
    return (np.maximum(a["x"].astype(np.float64) @ a["w"].astype(np.float64) + a["b"], 0.0),)


def _backward_arrays(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    arrays = _dense_arrays(rng, shape, dtype)
    y = np.maximum(normal(rng, dtype, shape[0], shape[2]), 0)
    return {"dy": normal(rng, dtype, shape[0], shape[2]), "x": arrays["x"], "w": arrays["w"], "y": y}


def _backward_answer(a: Arrays) -> tuple[Array, ...]:
    dz = np.where(a["y"] > 0, a["dy"], 0).astype(np.float64)
    return dz @ a["w"].astype(np.float64).T, a["x"].astype(np.float64).T @ dz, dz.sum(axis=0)


def _rows(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    return {"x": normal(rng, dtype, *shape)}


def _softmax_backward_arrays(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    y = _softmax(normal(rng, "float64", *shape)).astype(dtype)
    return {"dy": normal(rng, dtype, *shape), "y": y}


def _cross_entropy_arrays(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Arrays:
    return {"x": normal(rng, dtype, *shape), "targets": rng.integers(0, shape[1], shape[0])}


def _softmax(x: Array) -> Array:
    return np.asarray(np.exp(log_softmax(x)))


def _softmax_backward(a: Arrays) -> tuple[Array, ...]:
    dy, y = a["dy"].astype(np.float64), a["y"].astype(np.float64)
    return (y * (dy - (dy * y).sum(axis=-1, keepdims=True)),)


def _cross_entropy(a: Arrays) -> tuple[Array, ...]:
    log_p = log_softmax(a["x"])
    rows = np.arange(len(log_p))
    gradient = np.exp(log_p)
    gradient[rows, a["targets"]] -= 1
    return -log_p[rows, a["targets"]].mean(), gradient / len(log_p)


def _dense_cost(shape: tuple[int, ...], itemsize: int) -> Cost:
    batch, inputs, outputs = shape
    reads, writes = itemsize * (batch * inputs + inputs * outputs + outputs), itemsize * batch * outputs
    return Cost(2.0 * math.prod(shape), 0, reads, writes, reads + writes)


def _backward_cost(shape: tuple[int, ...], itemsize: int) -> Cost:
    batch, inputs, outputs = shape
    both = batch * inputs + inputs * outputs
    reads, writes = itemsize * (2 * batch * outputs + both), itemsize * (both + outputs)
    return Cost(4.0 * math.prod(shape), 0, reads, writes, reads + writes)


def _softmax_cost(shape: tuple[int, ...], itemsize: int, inputs: int = 1, exps: bool = True, row: int = 0) -> Cost:
    # `inputs` arrays are read, and `row` bytes beside each row.
    elements = math.prod(shape)
    reads, writes = itemsize * inputs * elements + row * shape[0], itemsize * elements
    return Cost(0, elements if exps else 0, reads, writes, reads + writes)


OPS = {
    "dense": Op(DENSE_SHAPES, "BxIxO", _dense_arrays, _dense_answer, _dense_cost),
    "packed_dense": Op(DENSE_SHAPES, "BxIxO", _dense_arrays, _dense_answer, _dense_cost),
    "dense_backward": Op(DENSE_SHAPES, "BxIxO", _backward_arrays, _backward_answer, _backward_cost),
    "softmax": Op(SOFTMAX_SHAPES, "BxC", _rows, lambda a: (_softmax(a["x"]),), _softmax_cost),
    "softmax_backward": Op(
        SOFTMAX_SHAPES,
        "BxC",
        _softmax_backward_arrays,
        _softmax_backward,
        partial(_softmax_cost, inputs=2, exps=False),
    ),
    "log_softmax": Op(SOFTMAX_SHAPES, "BxC", _rows, lambda a: (log_softmax(a["x"]),), _softmax_cost),
    "cross_entropy_with_grad": Op(
        SOFTMAX_SHAPES, "BxC", _cross_entropy_arrays, _cross_entropy, partial(_softmax_cost, row=8)
    ),
    **network_cases.OPS,
}


@dataclass(frozen=True)
class Case:
    """One cell.

    Attributes:
        op: the name of the operation.
        shape: (B, I, O), (B, C), or of a network (B, inputs, units of the first layer ...).
        dtype: "f32" or "f64".
        rows: of an epoch's data; 0: as many as the operation usually has. Other operations have no use for it.
    """

    op: str
    shape: tuple[int, ...]
    dtype: str
    rows: int = 0

    @property
    def size(self) -> str:
        """The shape as it is written: "32x784x128", with " of 6000 rows" if the rows are not the usual ones."""
        return "x".join(map(str, self.shape)) + (f" of {self.rows} rows" if self.rows else "")

    @property
    def label(self) -> str:
        """Such as "dense 32x784x128 f32"."""
        return f"{self.op} {self.size} {self.dtype}"

    @property
    def is_network(self) -> bool:
        """Whether it is a whole network that predicts or learns."""
        return OPS[self.op].is_network

    @property
    def cost(self) -> Cost:
        """What it cannot do without."""
        return OPS[self.op].cost(self._sizes, np.dtype(DTYPES[self.dtype]).itemsize)

    @property
    def flops(self) -> float:
        """Floating-point operations of the matrix products (0 for the softmax family)."""
        return self.cost.flops

    @property
    def reads(self) -> float:
        """Bytes of all inputs, each read once."""
        return self.cost.reads

    @property
    def writes(self) -> float:
        """Bytes of all results, each written once."""
        return self.cost.writes

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Case:
        """The case whose attributes are these."""
        return cls(data["op"], tuple(data["shape"]), data["dtype"], data.get("rows", 0))

    def arrays(self) -> Arrays:
        """The inputs, the same at every call."""
        return OPS[self.op].make(np.random.default_rng(7), self._sizes, DTYPES[self.dtype])

    def answer(self, arrays: Arrays) -> tuple[Array, ...]:
        """The results in float64."""
        return OPS[self.op].answer(arrays)

    def tolerance(self) -> float:
        """The largest error of a right answer, as a share of the answer's largest magnitude."""
        inner = max(self.shape)
        return float(np.finfo(DTYPES[self.dtype]).eps) * (64 + 4 * math.sqrt(inner) + inner / 16)

    @property
    def _sizes(self) -> tuple[int, ...]:
        rows = OPS[self.op].rows
        return (self.rows or rows, *self.shape) if rows else self.shape


def all_cases(
    ops: list[str] | None = None, shapes: list[tuple[int, ...]] | None = None, dtypes: list[str] | None = None
) -> list[Case]:
    """The cells of the given operations, shapes and dtypes; by default all of the board.

    Raises:
        ValueError: an operation or a dtype is unknown, or no operation takes one of the shapes.
    """
    ops = ops or list(OPS)
    for op in ops:
        if op not in OPS:
            raise arguments.unknown("op", op, OPS)
    for dtype in dtypes or []:
        if dtype not in DTYPES:
            raise arguments.unknown("dtype", dtype, DTYPES)
    for shape in shapes or []:
        if not any(OPS[op].takes(shape) for op in ops):
            known = ", ".join(f"{op} takes {OPS[op].letters}" for op in ops)
            raise ValueError(f"shape {'x'.join(map(str, shape))} fits none of the operations ({known})")
    return [
        Case(op, shape, dtype)
        for dtype in dtypes or DTYPES
        for op in ops
        if dtypes or dtype in OPS[op].dtypes
        for shape in (shapes or OPS[op].shapes)
        if OPS[op].takes(shape)
    ]


def parse_shape(text: str) -> tuple[int, ...]:
    """The shape that is written as "32x784x128" (B, I, O), "1024x10" (B, C) or "32x784x128x10" (B, sizes of layers).

    Raises:
        ValueError: it is not two or more positive integers with an x between them.
    """
    parts = text.strip().lower().split("x")
    if len(parts) < 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ValueError(
            "shape must be BxIxO, BxC or B and the sizes of a network's layers, such as 32x784x128, 1024x10 or "
            f"32x784x128x10, got {text!r}"
        )
    return tuple(map(int, parts))
