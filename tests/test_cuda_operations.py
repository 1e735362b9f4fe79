"""The cuda backend's own ways: rows of every length, arrays that stay on the device, and what is refused there.

Runs on a GPU, or in the simulator (test_cuda_simulator.py). The other files run over this backend with NumPy arrays.
"""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Iterator
from typing import Any

import availability
import numpy as np
import pytest
from tolerance import assert_within

import fastnn

# Around the limits between lanes, warps, blocks and rows that are read twice.
COLUMNS = (31, 33, 1024, 1025, 2049, 4097, 8192, 8193)
SPECIAL = (np.nan, np.inf, -np.inf)


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    availability.require("cuda")
    with fastnn.use_backend("cuda"):
        yield


def to_device(array: Any) -> Any:
    from fastnn.backends.numba_cuda import arrays

    return arrays.to_device(np.asarray(array))


def to_host(array: Any) -> np.ndarray:
    from fastnn.backends.numba_cuda import arrays

    assert arrays.is_device(array), f"{type(array)} is not on the device"
    host: np.ndarray = arrays.to_host(array)
    return host


def agree(actual: Any, wanted: Any, factor: float = 64.0) -> None:
    wanted = np.asarray(wanted)
    assert_within(actual, wanted, factor * np.finfo(wanted.dtype).eps * (1 + np.abs(wanted)))


@pytest.mark.parametrize("columns", COLUMNS)
def test_rows_of_every_length(columns, dtype):
    rng = np.random.default_rng(columns)
    x, dy = (rng.standard_normal((2, columns)).astype(dtype) for _ in range(2))
    x[1] *= 30
    for name in ("softmax", "log_softmax", "logsumexp"):
        y = getattr(fastnn, name)(x)
        agree(y, getattr(fastnn, name)(x, backend="reference"))
    for name in ("softmax", "log_softmax"):
        y = getattr(fastnn, name)(x, backend="reference")
        wanted = getattr(fastnn, name + "_backward")(dy, y, backend="reference")
        agree(getattr(fastnn, name + "_backward")(dy, y), wanted, 64 + columns / 8)


@pytest.mark.parametrize("columns", [1025, 8193])
def test_special_values_in_long_rows(columns):
    """In the first, a middle and the last place, alone and with -inf before and behind."""
    x = np.random.default_rng(0).standard_normal((10, columns)).astype(np.float32)
    for row, place in enumerate((0, columns // 2, columns - 1)):
        for i, value in enumerate(SPECIAL):
            x[3 * row + i, place] = value
    x[9, 7:] = -np.inf
    for name in ("softmax", "log_softmax", "logsumexp"):
        agree(getattr(fastnn, name)(x), getattr(fastnn, name)(x, backend="reference"))
    x = np.full((3, columns), -np.inf, np.float32)
    x[1, 5], x[2, 5:9] = np.nan, np.inf
    np.testing.assert_array_equal(fastnn.logsumexp(x), np.array([-np.inf, np.nan, np.inf], np.float32))
    assert np.isnan(fastnn.softmax(x)).all()


@pytest.mark.parametrize("columns", [33, 1025, 8193])
@pytest.mark.parametrize("kind", ["index", "dense"])
def test_cross_entropy_of_every_length(columns, kind, dtype):
    rng = np.random.default_rng(columns)
    x = (3 * rng.standard_normal((3, columns))).astype(dtype)
    targets = np.array([columns - 1, -100, 0]) if kind == "index" else rng.dirichlet(np.ones(columns), 3).astype(dtype)
    weight = rng.uniform(0.5, 2.0, columns).astype(dtype)
    for options in ({}, {"weight": weight, "label_smoothing": 0.2}):
        for reduction in ("none", "mean"):
            given: dict[str, Any] = {**options, "reduction": reduction}
            wanted = fastnn.cross_entropy_with_grad(x, targets, **given, backend="reference")
            loss, gradient = fastnn.cross_entropy_with_grad(x, targets, **given)
            agree(loss, wanted[0], 64 + columns / 8)
            agree(gradient, wanted[1])
            agree(fastnn.cross_entropy(x, targets, **given), wanted[0], 64 + columns / 8)


def test_sums_of_many_elements(dtype):
    x = np.random.default_rng(1).standard_normal(3 * 4096 + 5).astype(dtype)
    assert fastnn.global_norm([x, x[:7]]) == pytest.approx(
        math.sqrt(math.fsum(float(v) ** 2 for v in np.concatenate([x, x[:7]]))), rel=1e-14
    )
    exact = math.fsum(float(v) ** 2 for v in x)
    assert fastnn.mse(x, np.zeros_like(x), reduction="sum") == pytest.approx(exact, rel=4 * float(np.finfo(dtype).eps))


CALLS: dict[str, Any] = {
    "softmax": lambda a: fastnn.softmax(a(4, 6)),
    "softmax, axis 0": lambda a: fastnn.softmax(a(4, 6), 0),
    "log_softmax_backward, middle axis": lambda a: fastnn.log_softmax_backward(a(2, 3, 4), -a(2, 3, 4), axis=1),
    "logsumexp, kept": lambda a: fastnn.logsumexp(a(4, 6), 0, True),
    "logsumexp of a row": lambda a: fastnn.logsumexp(a(6)),
    "mse": lambda a: fastnn.mse(a(4, 6), a(4, 6), sample_weight=a(4)),
    "huber, each": lambda a: fastnn.huber_with_grad(a(4, 6), a(4, 6), reduction="none", dloss=a(4, 6)),
    "sum_squared_error": lambda a: fastnn.sum_squared_error_with_grad(a(4, 6), a(4, 6), sample_weight=a(4)),
    "categorical": lambda a: fastnn.categorical_cross_entropy_with_grad(a(4, 6), a(4, 6), weight=a(6)),
    "cross_entropy, probabilities": lambda a: fastnn.cross_entropy_with_grad(a(4, 6), a(4, 6), label_smoothing=0.1),
    "dropout": lambda a: fastnn.dropout(a(4, 6), 0.5, seed=1, counter=2),
    "rrelu": lambda a: fastnn.rrelu_backward(a(4, 6), a(4, 6), training=True, seed=1, counter=2),
    "dense": lambda a: fastnn.dense(a(4, 6), a(6, 3), a(3), "gelu"),
    "dense of three axes, without bias": lambda a: fastnn.dense(a(2, 2, 6), a(6, 3), activation="relu"),
    "dense_backward": lambda a: fastnn.dense_backward(a(4, 3), a(4, 6), a(6, 3), a(4, 3), "tanh"),
    "packed": lambda a: fastnn.PackedDense(a(6, 3), a(3), "relu")(a(4, 6)),
    "activation_backward": lambda a: fastnn.activation_backward(a(4, 6), a(4, 6), "mish", z=a(4, 6)),
    "prelu_backward": lambda a: fastnn.prelu_backward(a(4, 6), -a(4, 6), a(6)),
    "gradient of a number": lambda a: fastnn.mse_with_grad(a(4, 6), a(4, 6), dloss=2.0),
}


class Maker:
    """Makes the arrays of a call, on the host or on the device, always the same ones."""

    def __init__(self, dtype: Any, on_device: bool) -> None:
        self.rng, self.dtype, self.on_device = np.random.default_rng(5), dtype, on_device

    def __call__(self, *shape: int) -> Any:
        array = self.rng.uniform(0.05, 0.95, shape).astype(self.dtype)
        return Device(to_device(array)) if self.on_device else array


class Device:
    """An array of another package: nothing but its description. Its negative is made on the host, for the test."""

    def __init__(self, array: Any) -> None:
        self.array = array

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        memory = self.array._ary.__array_interface__ if hasattr(self.array, "_ary") else None
        described: dict[str, Any] = memory or self.array.__cuda_array_interface__
        return {**described, "version": 3}

    def __neg__(self) -> Device:
        return Device(to_device(-to_host(self.array)))


@pytest.mark.parametrize("name", CALLS)
def test_results_stay_on_the_device(name, dtype, monkeypatch):
    from fastnn.backends.numba_cuda import arrays

    wanted = CALLS[name](Maker(dtype, False))
    maker = Maker(dtype, True)
    made: list[Any] = []

    def kept(*shape: int) -> Any:
        made.append(maker(*shape))
        return made[-1]

    if name not in ("log_softmax_backward, middle axis", "prelu_backward"):  # their arguments are negated on the host
        monkeypatch.setattr(arrays, "to_host", lambda *_: pytest.fail("an array was read"))
    results = CALLS[name](kept)
    monkeypatch.undo()
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    for result, expected in zip(results if isinstance(results, tuple) else (results,), wanted, strict=True):
        np.testing.assert_array_equal(to_host(result), expected)
        assert tuple(result.shape) == np.shape(expected)
        assert result.dtype == dtype


def test_steps_on_the_device(dtype):
    rng = np.random.default_rng(0)
    p, g, m, v = (rng.uniform(0.1, 1.0, (3, 50)).astype(dtype) for _ in range(4))
    on_device = [to_device(a) for a in (p, g, m, v)]
    fastnn.adam_step(*on_device, step=2, lr=0.1)
    fastnn.sgd_step(on_device[0], on_device[1], on_device[2], lr=0.1, momentum=0.9)
    norm = fastnn.global_norm([on_device[0], on_device[2]])
    fastnn.adam_step(p, g, m, v, step=2, lr=0.1)
    fastnn.sgd_step(p, g, m, lr=0.1, momentum=0.9)
    for actual, wanted in zip(on_device, (p, g, m, v), strict=True):
        np.testing.assert_array_equal(to_host(actual), wanted)
    assert norm == fastnn.global_norm([p, m])


def test_out_on_the_device(dtype):
    x = np.random.default_rng(0).standard_normal((4, 6)).astype(dtype)
    for axis in (-1, 0):
        here, out = to_device(x), to_device(np.zeros_like(x))
        wanted = fastnn.softmax(x, axis)
        assert fastnn.softmax(here, axis, out=out) is out
        np.testing.assert_array_equal(to_host(out), wanted)
        assert fastnn.softmax(here, axis, out=here) is here
        np.testing.assert_array_equal(to_host(here), wanted)


@pytest.mark.parametrize("integer", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_class_indices_on_the_device(integer):
    x = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)
    targets = np.array([0, 6, 3, 3, 1], integer)
    wanted, gradient = fastnn.cross_entropy_with_grad(x, targets)
    loss, dx = fastnn.cross_entropy_with_grad(to_device(x), to_device(targets))
    assert to_host(loss) == wanted
    np.testing.assert_array_equal(to_host(dx), gradient)
    targets[2:4] = 7
    out = to_device(np.full_like(x, 9))
    with pytest.raises(IndexError, match=r"^targets must be class indices from 0 to 6 .*; got 7 at index 2$"):
        fastnn.cross_entropy_with_grad(to_device(x), to_device(targets), out=out)
    assert (to_host(out) == 9).all()


def test_unsigned_indices_are_not_taken_for_the_ignored_one():
    x = to_device(np.zeros((1, 3), np.float32))
    with pytest.raises(IndexError, match="got 18446744073709551516 at index 0"):
        fastnn.cross_entropy(x, to_device(np.array([2**64 - 100], np.uint64)))
    fastnn.cross_entropy(x, to_device(np.array([-100])))


def test_an_index_out_of_range_reads_nothing_out_of_bounds():
    """The backend's own functions, which check no index: the row becomes nan, the others are right."""
    from fastnn import backends

    x = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    loss, dx = backends.load("cuda").cross_entropy_with_grad(x, np.array([1, 10**12, 2]), reduction="none")
    wanted, gradient = fastnn.cross_entropy_with_grad(x, [1, 0, 2], reduction="none")
    np.testing.assert_array_equal(loss[[0, 2]], wanted[[0, 2]])
    np.testing.assert_array_equal(dx[[0, 2]], gradient[[0, 2]])
    assert np.isnan(loss[1])
    assert np.isnan(dx[1]).all()


class Capsule(Device):
    """An array that speaks DLPack alone. In the simulator the device's memory is the host's."""

    __cuda_array_interface__ = None  # type: ignore[assignment]

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def __dlpack__(self, stream: Any = None) -> Any:
        return self.array._ary.__dlpack__()


def simulated_only() -> None:
    if not availability.SIMULATED:
        pytest.skip("the fake needs the simulator, whose device memory is the host's")


def test_dlpack(dtype):
    simulated_only()
    x = np.random.default_rng(0).standard_normal((4, 6)).astype(dtype)
    np.testing.assert_array_equal(to_host(fastnn.softmax(Capsule(to_device(x)))), fastnn.softmax(x))


def test_dlpack_gives_the_memory_back():
    simulated_only()
    given_back: list[int] = []
    shape = (ctypes.c_int64 * 1)(3)
    data = np.arange(3, dtype=np.float32)
    from fastnn.backends.numba_cuda import foreign

    deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda address: given_back.append(address))
    managed = foreign._Managed()
    managed.tensor.data, managed.tensor.device_type, managed.tensor.ndim = data.ctypes.data, 2, 1
    managed.tensor.code, managed.tensor.bits, managed.tensor.lanes = 2, 32, 1
    managed.tensor.shape = shape
    managed.deleter = ctypes.cast(deleter, ctypes.c_void_p).value
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)

    class Owner(Capsule):
        def __dlpack__(self, stream: Any = None) -> Any:
            return new(ctypes.addressof(managed), b"dltensor", None)

    y = fastnn.softmax(Owner(None))
    np.testing.assert_array_equal(to_host(y), fastnn.softmax(data))
    assert given_back == [ctypes.addressof(managed)]


def refused(wording: str, error: type[Exception], call: Any, *args: Any, **options: Any) -> None:
    with pytest.raises(error, match=wording):
        call(*args, **options)


def test_what_is_refused_on_the_device():
    x = np.random.default_rng(0).uniform(0.1, 0.9, (4, 6)).astype(np.float32)
    here = to_device(x)
    both = "^{} is on the CUDA device and {} is not; pass both as device arrays or both as NumPy arrays"
    refused(both.format("y", "targets"), TypeError, fastnn.mse, here, x)
    refused(both.format("targets", "y"), TypeError, fastnn.mse, x, here)
    refused(both.format("y", "sample_weight"), TypeError, fastnn.mse, here, here, sample_weight=[1.0] * 4)
    refused(both.format("x", "out"), TypeError, fastnn.softmax, here, out=x.copy())
    refused(both.format("out", "x"), TypeError, fastnn.softmax, x, out=here)
    refused(both.format("y", "dloss"), TypeError, fastnn.mse_with_grad, here, here, reduction="none", dloss=x)
    refused(both.format("p", "g"), TypeError, fastnn.sgd_step, here, x, lr=0.1)
    half = to_device(x.astype(np.float16))
    refused("^x must be float32, float64 or integers on the device, got dtype float16", TypeError, fastnn.softmax, half)
    refused("^x must be C-contiguous on the device, got strides", ValueError, fastnn.softmax, to_device(x)[:, ::2])
    refused(r"^out must have shape \(4, 6\), got \(6,\)", ValueError, fastnn.softmax, here, out=to_device(x[0]))
    refused("^out must have dtype float32, got float64", TypeError, fastnn.softmax, here, out=to_device(x.astype("f8")))
    refused("^out must not overlap y", ValueError, fastnn.softmax_backward, to_device(x), here, out=here)
    refused("^m must not overlap v", ValueError, fastnn.adam_step, to_device(x), to_device(x), here, here, step=1)
    refused("^v must be an array on the device.*got None", TypeError, fastnn.adam_step, here, here, here, None, step=1)
    wording = "^x is on a CUDA device, where the reference backend cannot compute; pass backend='cuda'"
    refused(wording, TypeError, fastnn.softmax, here, backend="reference")
    np.testing.assert_array_equal(to_host(here), x)


def test_an_array_on_another_device_is_refused():
    simulated_only()

    class Elsewhere(Capsule):
        def __dlpack_device__(self) -> tuple[int, int]:
            return 2, 3

    array = Elsewhere(to_device(np.ones(3, np.float32)))
    refused("^x must be on the current CUDA device, 0, got an array on device 3", ValueError, fastnn.softmax, array)


def test_a_read_only_array_is_not_written():
    class ReadOnly(Device):
        @property
        def __cuda_array_interface__(self) -> dict[str, Any]:
            described = super().__cuda_array_interface__
            return {**described, "data": (described["data"][0], True)}

    x = to_device(np.ones((2, 3), np.float32))
    out = ReadOnly(to_device(np.zeros((2, 3), np.float32)))
    refused("^out must be writeable, got a read-only array", ValueError, fastnn.softmax, x, out=out)
    fastnn.softmax(ReadOnly(x))


def test_a_training_step_copies_nothing(monkeypatch):
    """Weights, states, samples and results stay where they are: only the losses come back, once for all steps."""
    from fastnn.backends.numba_cuda import arrays
    from fastnn.network import cuda, cuda_optimizer, cuda_stages, engines
    from fastnn.network.engine import Data, LossPlan, OptimizerPlan, Steps, Training
    from fastnn.network.plan import Dense, Dropout, Plan, Stage, Variable

    operations = Dense(5, "gelu", True), Dropout(0.3), Dense(3, "identity", True)
    shapes = ((4, 5), (5,), (5, 3), (3,))
    plan = Plan(
        (4,),
        tuple(Stage(one, (n,), f"layer_{i}") for i, (one, n) in enumerate(zip(operations, (5, 5, 3), strict=True))),
        tuple(Variable(f"v{i}", shape, 0 if i < 2 else 2, l2=0.01) for i, shape in enumerate(shapes)),
        np.dtype(np.float32),
    )
    rng = np.random.default_rng(0)
    data = Data(rng.standard_normal((10, 4)).astype("f4"), rng.integers(0, 3, 10), rng.uniform(0, 1, 10).astype("f4"))
    training = Training(LossPlan("cross_entropy", by_index=True), OptimizerPlan("adam", clip_global_norm=0.5), seed=7)
    monkeypatch.setattr(cuda, "SECONDS_OF_A_CALL", np.inf)
    copies: list[str] = []
    originals = {name: getattr(arrays, name) for name in ("to_device", "to_host")}

    def counted(name: str) -> Any:
        def call(*args: Any) -> Any:
            copies.append(name)
            return originals[name](*args)

        return call

    trained = []
    for backend in ("reference", "cuda"):
        engine, _ = engines.make(plan, backend, "generic")
        weights = [0.3 * np.random.default_rng(i).standard_normal(shape) for i, shape in enumerate(shapes)]
        engine.set_weights([w.astype("f4") for w in weights])
        engine.compile(training)
        steps = Steps(data, np.arange(10)[::-1].copy(), 4, 0, np.full(3, 0.05), 0, np.zeros(3), None)
        # The samples are brought in by the first step; then nothing is, and the losses come back once.
        for most in (1, 2):
            with monkeypatch.context() as patch:
                for module, name in itertools.product((arrays, cuda, cuda_optimizer, cuda_stages), originals):
                    if most == 2 and hasattr(module, name):
                        patch.setattr(module, name, counted(name))
                done = engine.train(steps, most)
            steps.first, steps.iteration = steps.first + done, steps.iteration + done
        assert steps.first == 3
        trained.append([*engine.get_weights(), *engine.get_state(), steps.losses])
    for wanted, actual in zip(*trained, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-5)
    assert copies == ["to_host"]
