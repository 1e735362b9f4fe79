"""The same bits: over instruction sets, threads, batches, places of a row, and places in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import golden
import isa as isas
import numpy as np
import pytest
from golden_inputs import centred, indices, logits

import fastnn

FUSED = [name for name in isas.AVAILABLE if name != "generic"]

# (I, O): wide and narrow outputs, tails of tiles and panels, more than one chunk of K.
LAYERS = ((1, 1), (3, 2), (20, 7), (17, 8), (40, 33), (64, 64), (1030, 9), (2100, 3), (0, 9))
COLUMNS = (1, 2, 3, 10, 15, 16, 17, 33, 100, 1000)
ROWS = 41


@pytest.fixture(autouse=True)
def native() -> Any:
    """These promises are the native backend's, on an instruction set with fused multiply-add."""
    if fastnn.show_config()["isa"] == "generic":
        pytest.skip("the generic build promises no bits")
    with fastnn.use_backend("native"):
        yield


def assert_same(actual: Any, expected: Any) -> None:
    """Equal bytes; where both are nan the bits are free."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    clean = [np.where(np.isnan(a), np.nan, a).tobytes() for a in (actual, expected)]
    assert clean[0] == clean[1]


def layer(inputs: int, outputs: int, dtype: np.dtype) -> tuple[Any, Any, Any]:
    return (
        centred(1, (ROWS, inputs), 4, dtype),
        centred(2, (inputs, outputs), 1, dtype),
        centred(3, (outputs,), 1, dtype),
    )


def rowwise(dtype: np.dtype) -> list[tuple[Callable[..., Any], list[Any]]]:
    """Functions that work on each row by itself, with the arrays whose rows they take."""
    cases: list[tuple[Callable[..., Any], list[Any]]] = []
    for inputs, outputs in LAYERS:
        x, w, b = layer(inputs, outputs, dtype)
        z = np.empty((ROWS, outputs), dtype)
        y = fastnn.dense(x, w, b, "gelu", z_out=z)
        dy = centred(4, y.shape, 1, dtype)
        packed, transposed = fastnn.PackedDense(w, b, "tanh"), w.T.copy()
        cases += [
            (lambda x, w=w, b=b: fastnn.dense(x, w, b, "tanh"), [x]),
            (lambda x, w=transposed: fastnn.dense(x, w.T), [x]),
            (packed, [x]),
            (lambda dy, x, y, z, w=w: fastnn.dense_backward(dy, x, w, y, "gelu", z=z)[0], [dy, x, y, z]),
        ]
    for columns in COLUMNS:
        x = logits(5, (ROWS, columns), "mixed", dtype)
        dy, targets = centred(6, x.shape, 1, dtype), indices(7, ROWS, columns)
        cases += [
            (fastnn.softmax, [x]),
            (fastnn.log_softmax, [x]),
            (fastnn.logsumexp, [x]),
            (fastnn.softmax_backward, [dy, fastnn.softmax(x)]),
            (fastnn.log_softmax_backward, [dy, fastnn.log_softmax(x)]),
            (lambda x, t: fastnn.cross_entropy(x, t, reduction="none"), [x, targets]),
            (lambda x, t: fastnn.cross_entropy_with_grad(x, t, reduction="none", dloss=0.3)[1], [x, targets]),
            (lambda y, t: fastnn.sum_squared_error(y, t, reduction="none"), [dy, dy * dtype.type(0.3)]),
        ]
    x, slope = centred(8, (ROWS, 33), 4, dtype), centred(9, (33,), 1, dtype)
    return [*cases, (lambda x: fastnn.prelu(x, slope), [x]), (lambda x: fastnn.activation(x, "mish"), [x])]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("isa", FUSED)
def test_golden_cases(isa, count):
    code = "import golden, sys; sys.exit(golden.main([]))"
    assert "0 cases differ" in isas.run_isa(isa, code, FASTNN_NUM_THREADS=str(count))


def test_golden_file_has_every_case():
    assert list(golden.recorded()) == golden.names()


def test_every_batch_size_and_each_row_alone(dtype):
    for function, arrays in rowwise(dtype):
        whole = function(*arrays)
        for batch in range(1, ROWS):
            assert_same(function(*(a[:batch] for a in arrays)), whole[:batch])
        for row in range(ROWS):
            assert_same(function(*(a[row : row + 1] for a in arrays)), whole[row : row + 1])


def test_the_place_of_a_row(dtype):
    for function, arrays in rowwise(dtype):
        whole = function(*arrays)
        for order in (np.arange(ROWS)[::-1], np.argsort(indices(99, ROWS, 1000), kind="stable")):
            assert_same(function(*(np.ascontiguousarray(a[order]) for a in arrays)), whole[order])


def test_threads(threads, dtype):
    """Sizes that are worth sharing, with tails; the first calls wake the threads."""
    cases = ("dense/{}/300/1100/72/relu", "dense_backward/{}/300/1100/72/relu", "dense/{}/5/2100/3/relu")
    cases += ("dense_backward/{}/4100/3/2/relu", "softmax/{}/3000/10/mixed", "adam_step/{}/60000/plain")
    cases += ("cross_entropy/{}/3000/10/ordinary/index/mean", "binary_cross_entropy/{}/3000/5/mean/weight")
    cases += ("prelu_backward/{}/3000/70/each", "prelu_backward/{}/3000/70/one", "dropout/{}/60000/0.3")
    cases += ("activation/{}/60000/8/gelu", "global_norm/{}/0/40000", "train/{}/33/30/19/7/20")
    recorded = golden.recorded()
    for case in cases:
        name = case.format(dtype.name)
        assert [golden.digest_of(name) for _ in range(3)] == [recorded[name]] * 3


def shifted(array: Any, elements: int) -> Any:
    """A copy that begins so many elements into its memory."""
    room = np.empty(array.size + elements, array.dtype)[elements:].reshape(array.shape)
    room[...] = array
    return room


def test_alignment(dtype):
    for function, arrays in rowwise(dtype):
        arrays = [a[:5] for a in arrays]
        whole = function(*arrays)
        for offset in range(1, 16):
            assert_same(function(*(shifted(a, offset) for a in arrays)), whole)


@pytest.mark.parametrize("shape", LAYERS, ids=str)
def test_alignment_of_weights_and_results(dtype, shape):
    x, w, b = (a[:7] if i == 0 else a for i, a in enumerate(layer(*shape, dtype)))
    y = fastnn.dense(x, w, b, "relu")
    dy = centred(4, y.shape, 1, dtype)
    gradients = fastnn.dense_backward(dy, x, w, y, "relu")
    for offset in range(1, 16):
        out = shifted(np.zeros_like(y), offset)
        assert_same(fastnn.dense(x, shifted(w, offset), shifted(b, 16 - offset), "relu", out=out), y)
        dx, dw, db = (shifted(np.zeros_like(g), offset) for g in gradients)
        fastnn.dense_backward(dy, x, shifted(w, offset), y, "relu", dx_out=dx, dw_out=dw, db_out=db)
        for actual, expected in zip((dx, dw, db), gradients, strict=True):
            assert_same(actual, expected)


def test_in_place(dtype):
    """An output that is the input gives the same bits as one of its own."""
    x = logits(5, (ROWS, 17), "mixed", dtype)
    dy = centred(6, x.shape, 1, dtype)
    for function, arrays in (
        (fastnn.softmax, [x]),
        (fastnn.log_softmax, [x]),
        (fastnn.softmax_backward, [dy, fastnn.softmax(x)]),
        (fastnn.log_softmax_backward, [dy, fastnn.log_softmax(x)]),
        (lambda z, out=None: fastnn.activation(z, "gelu", out=out), [dy]),
        (lambda z, out=None: fastnn.dropout(z, 0.3, seed=1, counter=2, out=out), [dy]),
    ):
        own = arrays[0].copy()
        function(own, *arrays[1:], out=own)
        assert_same(own, function(*arrays))
