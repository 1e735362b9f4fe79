"""Strides, orders, byte orders, alignments, weak arguments: the result is that of contiguous arrays, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import CASES, call
from hypothesis import HealthCheck, given, settings, strategies as st

import fastnn

Layout = Callable[[np.ndarray], Any]


class WithArray:
    """An object that NumPy converts through its __array__."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self.array, dtype)


class WithDlpack:
    """An object that offers its memory through DLPack alone."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


def misaligned(array: np.ndarray) -> np.ndarray:
    moved = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


def read_only(array: np.ndarray) -> np.ndarray:
    frozen = array.copy()
    frozen.flags.writeable = False
    return frozen


LAYOUTS: dict[str, Layout] = {
    "as it is": lambda a: a,
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
    "upside down": lambda a: a[::-1].copy()[::-1],
    "Fortran order": lambda a: a.copy("F"),
    "part of a larger one": lambda a: np.pad(a, 1)[(slice(1, -1),) * a.ndim],
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "misaligned": misaligned,
    "read-only": read_only,
    "subclass": lambda a: a.view(np.recarray),
    "__array__": WithArray,
    "__dlpack__": WithDlpack,
}


def results(name: str, arguments: dict[str, Any], states: list[str]) -> list[np.ndarray]:
    """What an operation returns, and the arrays it writes in place."""
    written = {state: arguments[state].copy() for state in states}
    answer = call(name, {**arguments, **written})
    answers = answer if isinstance(answer, tuple) else (answer,)
    return [np.asarray(value) for value in (*answers, *written.values()) if value is not None]


def assert_same_bits(actual: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()


sizes = st.fixed_dictionaries({letter: st.integers(0, 9) for letter in "BIOC"}).map(lambda drawn: {**drawn, "1": 1})
quick = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", CASES)
@quick
@given(sizes=sizes, seed=st.integers(0, 2**32 - 1), double=st.booleans(), data=st.data())
def test_layout_does_not_matter(
    name: str, backend: str, sizes: dict[str, int], seed: int, double: bool, data: st.DataObject
) -> None:
    case = CASES[name]
    if case.has_classes and sizes["C"] == 0:
        sizes = {**sizes, "C": 1}  # no index is a class then
    arguments = case.arguments(np.random.default_rng(seed), np.float64 if double else np.float32, sizes)
    varied = dict(arguments)
    for argument in case.inputs:
        layout = data.draw(st.sampled_from(sorted(LAYOUTS)), label=argument)
        varied[argument] = LAYOUTS[layout](arguments[argument])
    states = list(case.states)
    assert_same_bits(results(name, varied, states), results(name, arguments, states))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 1, 5), (0, 4), (4, 0)])
def test_elementwise_takes_any_shape(layout: str, shape: tuple[int, ...], backend: str) -> None:
    z = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    if shape == () and layout in ("every other", "backwards", "upside down"):
        return
    y = fastnn.tanh(LAYOUTS[layout](z))
    assert type(y) is np.ndarray
    assert y.flags.c_contiguous
    assert_same_bits([y], [fastnn.tanh(z.reshape(-1)).reshape(shape)])


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_any_axis(name: str, axis: int, backend: str, dtype: np.dtype) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(dtype)
    operation = getattr(fastnn, name)
    last = operation(np.ascontiguousarray(np.moveaxis(x, axis, -1)))
    if name == "logsumexp":
        assert_same_bits([operation(x, axis)], [last])
        assert_same_bits([operation(x, axis, True)], [np.expand_dims(last, axis)])
        return
    expected = np.moveaxis(last, -1, axis)
    assert_same_bits([operation(x, axis)], [expected])
    out = np.empty_like(x)
    assert operation(x, axis, out=out) is out
    assert_same_bits([out], [expected])
    assert operation(x, axis, out=x) is x
    assert_same_bits([x], [expected])


@pytest.mark.parametrize("name", ["softmax_backward", "log_softmax_backward"])
@pytest.mark.parametrize("axis", [0, 1, -3])
def test_any_axis_backward(name: str, axis: int, backend: str, dtype: np.dtype) -> None:
    dy, y = np.random.default_rng(0).uniform(0.1, 0.9, (2, 3, 4, 5)).astype(dtype)
    operation = getattr(fastnn, name)
    last = operation(*(np.ascontiguousarray(np.moveaxis(a, axis, -1)) for a in (dy, y)))
    assert_same_bits([operation(dy, y, axis)], [np.moveaxis(last, -1, axis)])


@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_any_class_axis(axis: int, probabilities: bool, backend: str, dtype: np.dtype) -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((3, 4, 5)).astype(dtype)
    rows = np.delete(np.array(logits.shape), axis)
    targets = rng.uniform(size=logits.shape).astype(dtype) if probabilities else rng.integers(0, 3, rows)
    moved = np.ascontiguousarray(np.moveaxis(logits, axis, -1))
    moved_targets = np.ascontiguousarray(np.moveaxis(targets, axis, -1)) if probabilities else targets
    for reduction in ("mean", "sum", "none"):
        loss, gradient = fastnn.cross_entropy_with_grad(logits, targets, axis=axis, reduction=reduction)
        last_loss, last_gradient = fastnn.cross_entropy_with_grad(moved, moved_targets, reduction=reduction)
        assert type(loss) is (np.ndarray if reduction == "none" else dtype.type)
        assert_same_bits([np.asarray(loss), gradient], [np.asarray(last_loss), np.moveaxis(last_gradient, -1, axis)])
        alone = fastnn.cross_entropy(logits, targets, axis=axis, reduction=reduction)
        assert_same_bits([np.asarray(alone)], [np.asarray(loss)])


@pytest.mark.parametrize(
    "kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4", "list"]
)
def test_any_integer_targets(kind: str, backend: str) -> None:
    logits = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)
    targets = np.array([0, 4, 2, 4])
    varied = targets.tolist() if kind == "list" else targets.astype(kind)
    assert fastnn.cross_entropy(logits, varied) == fastnn.cross_entropy(logits, targets)


def test_broadcast_inputs(backend: str, dtype: np.dtype) -> None:
    row = np.random.default_rng(0).standard_normal(5).astype(dtype)
    rows = np.broadcast_to(row, (4, 5))
    assert_same_bits([fastnn.softmax(rows)], [fastnn.softmax(rows.copy())])
    scalar = np.broadcast_to(dtype.type(0.5), (4, 5))
    assert_same_bits([fastnn.dense(scalar, scalar.T)], [fastnn.dense(scalar.copy(), scalar.T.copy())])


def test_transposed_weights_give_the_same_bits(backend: str, dtype: np.dtype) -> None:
    rng = np.random.default_rng(0)
    for inputs, outputs in ((1, 1), (7, 3), (33, 17), (64, 10), (100, 130)):
        x, w = rng.standard_normal((5, inputs)).astype(dtype), rng.standard_normal((outputs, inputs)).astype(dtype)
        expected = fastnn.dense(x, w.T.copy())
        results = [fastnn.dense(x, w.T), fastnn.PackedDense(w.T)(x)]
        if backend in ("reference", "cuda"):  # both have kernels of their own for a transposed matrix
            tolerance = 16 * inputs * np.finfo(dtype).eps
            for y in results:
                np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)
        else:
            assert_same_bits(results, [expected, expected])


@pytest.mark.parametrize("shape", [(6,), (1, 6), (2, 4, 6), (2, 2, 2, 6), (0, 6), (3, 0, 6)])
def test_leading_axes(shape: tuple[int, ...], backend: str, dtype: np.dtype) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(shape).astype(dtype), rng.standard_normal((6, 3)).astype(dtype)
    rows = x.reshape(-1, 6)
    y, expected = fastnn.dense(x, w, activation="tanh"), fastnn.dense(rows, w, activation="tanh")
    assert_same_bits([y], [expected.reshape(*shape[:-1], 3)])
    dy = np.ones_like(y)
    dx, dw, db = fastnn.dense_backward(dy, x, w, y, "tanh")
    flat = fastnn.dense_backward(dy.reshape(-1, 3), rows, w, expected, "tanh")
    assert_same_bits([dx, dw, db], [flat[0].reshape(shape), flat[1], flat[2]])


DTYPES = [
    (np.float32, np.float32, "float32"),
    (np.float32, np.float64, "float64"),
    (np.float16, np.float32, "float32"),
    (np.float16, np.float16, "float32"),
    (np.float16, np.float64, "float64"),
    (np.float32, np.int64, "float32"),
    (np.float32, np.bool_, "float32"),
    (np.int32, np.uint8, "float64"),
    (np.float32, list, "float32"),
    (list, list, "float64"),
    (list, np.float16, "float32"),
    ("bfloat16", np.float32, "float32"),
    ("bfloat16", np.float16, "float32"),
]


@pytest.mark.parametrize(("first", "second", "result"), DTYPES)
def test_dtype_rule(first: Any, second: Any, result: str, backend: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")

    def made(shape: tuple[int, ...], kind: Any) -> Any:
        numbers = np.arange(np.prod(shape)).reshape(shape) % 3
        return numbers.tolist() if kind is list else numbers.astype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)

    y = fastnn.dense(made((2, 6), first), made((6, 3), second))
    assert y.dtype == result
    exact = made((2, 6), np.float64) @ np.minimum(made((6, 3), np.float64), 1 if second is np.bool_ else 2)
    np.testing.assert_array_equal(y, exact)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_output(kind: str, backend: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    half = np.dtype(ml_dtypes.bfloat16 if kind == "bfloat16" else np.float16)
    x = np.random.default_rng(0).standard_normal((4, 5)).astype(half)
    expected = fastnn.softmax(x.astype(np.float32))
    assert_same_bits([fastnn.softmax(x)], [expected])
    out = np.empty_like(x)
    assert fastnn.softmax(x, out=out) is out
    assert_same_bits([out], [expected.astype(half)])
    assert fastnn.softmax(x, out=x) is x
    assert_same_bits([x], [expected.astype(half)])
    huge = np.full(3, 20.0, half)
    with np.errstate(over="ignore"):
        wanted = np.exp(np.full(3, 20.0)).astype(half)
    np.testing.assert_array_equal(fastnn.exponential(huge, out=huge), wanted)


def test_a_loss_has_the_dtype_of_its_prediction(backend: str, dtype: np.dtype) -> None:
    y = np.linspace(0.1, 0.9, 6, dtype=dtype).reshape(2, 3)
    assert type(fastnn.mse(y, np.ones((2, 3)))) is dtype.type
    assert type(fastnn.mse(y, [[0, 1, 2], [3, 4, 5]], sample_weight=np.ones(2))) is dtype.type
    assert type(fastnn.cross_entropy(y, y.astype(np.float64), weight=[1, 2, 3])) is dtype.type
    assert type(fastnn.cross_entropy(y.tolist(), [0, 1])) is np.float64
    loss, gradient = fastnn.mse_with_grad(y, np.ones((2, 3)))
    assert type(loss) is dtype.type
    assert gradient.dtype == dtype


def test_python_numbers(backend: str) -> None:
    for value in (2, 2.0, True, np.float32(2), np.array(2.0)):
        y = fastnn.softplus(value)
        assert type(y) is np.ndarray
        assert y.shape == ()
        assert y.dtype == (np.float32 if type(value) is np.float32 else np.float64)
    assert fastnn.softmax(3.0) == 1.0
    assert fastnn.logsumexp(3.0) == 3.0
    assert fastnn.mse(1.0, 3.0) == 4.0
    p, velocity = np.array(1.0), np.array(0.0)
    fastnn.sgd_step(p, 1, velocity, lr=0.5, momentum=0.5)
    assert (p, velocity) == (0.5, 1.0)


def test_subclasses(backend: str, tmp_path: Any) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3))
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(x)
    assert type(fastnn.softmax(matrix)) is np.ndarray
    mapped = np.memmap(tmp_path / "array", np.float64, "w+", shape=(2, 3))
    assert fastnn.softmax(x, out=mapped) is mapped
    np.testing.assert_array_equal(mapped, fastnn.softmax(x))
