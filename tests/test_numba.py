"""The numba backend: threads and their layers, forks, the cache, elementary functions, and kernels in user code."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
from tolerance import max_ulp

import fastnn

numba = pytest.importorskip("numba", reason="the numba backend needs numba")

from fastnn.backends import numba_cpu  # noqa: E402
from fastnn.backends.numba_cpu import elementary, kernels, kinds, simd, threads  # noqa: E402

LAYERS = [
    layer
    for layer, module in (("workqueue", "workqueue"), ("omp", "omppool"), ("tbb", "tbbpool"))
    if subprocess.run(
        [sys.executable, "-c", f"import numba.np.ufunc.{module}"], capture_output=True, check=False
    ).returncode
    == 0
]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

SETUP = """
import os, threading, warnings
import numpy as np
import numba
import fastnn
from fastnn.backends.numba_cpu import threads

x = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32)
z = np.random.default_rng(1).standard_normal((256, 1024), dtype=np.float32)

def compute():
    with fastnn.use_backend("numba"):
        return fastnn.dense(x, x, None, "relu").tobytes() + fastnn.softmax(z).tobytes()

fastnn.set_num_threads(1)
expected = compute()
try:
    numba.threading_layer()
except ValueError:
    pass
else:
    raise AssertionError("one thread must not start Numba's")
fastnn.set_num_threads(2)
assert compute() == expected
assert numba.threading_layer() == os.environ["NUMBA_THREADING_LAYER"]
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "NUMBA_NUM_THREADS": "4"}
        | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def run_on(layer: str, code: str) -> None:
    """Runs the code after SETUP, in a process of its own, on one of Numba's threading layers."""
    done = run(SETUP + textwrap.dedent(code), NUMBA_THREADING_LAYER=layer)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_importing_fastnn_does_not_import_numba():
    done = run(
        """
        import sys, fastnn
        assert "numba" in fastnn.available_backends()
        assert fastnn.show_config()["backends"]["numba"]
        fastnn.Sequential([fastnn.Dense(2)])
        assert not {"numba", "llvmlite"} & set(sys.modules)
        """
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_numba_is_named_with_the_pip_line():
    done = run(
        """
        import importlib.util, sys
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "numba" else find(name, *rest)
        sys.modules["numba"] = None
        import fastnn
        assert fastnn.available_backends()[:2] == ["native", "reference"]
        assert "numba" not in fastnn.available_backends()
        assert "numba (missing)" in repr(fastnn.show_config())
        try:
            fastnn.relu([1.0], backend="numba")
        except ImportError as error:
            print(error)
        """
    )
    assert done.returncode == 0, done.stderr
    assert "pip install 'fastnn-kernels[numba]'" in done.stdout


@pytest.mark.parametrize("layer", LAYERS)
def test_several_python_threads_at_once(layer):
    run_on(
        layer,
        """
        def work():
            for _ in range(100):
                if compute() != expected:
                    wrong.append(1)

        wrong = []
        callers = [threading.Thread(target=work) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert not wrong
        """,
    )


@needs_fork
@pytest.mark.parametrize("layer", LAYERS)
def test_a_child_computes_after_a_fork(layer):
    run_on(
        layer,
        """
        child = os.fork()
        if child == 0:
            fits = compute() == expected
            # GNU's OpenMP would end the child; the others start again.
            fits = fits and (threads.parts_for(100, 10**7) == 1) == (numba.threading_layer() == "omp")
            os._exit(0 if fits else 3)
        assert os.waitpid(child, 0)[1] == 0
        assert compute() == expected
        """,
    )


@needs_fork
@pytest.mark.parametrize("layer", LAYERS)
def test_a_child_may_start_the_threads_itself(layer):
    done = run(
        """
        import os
        import numpy as np
        import fastnn, fastnn.backends.numba_cpu

        z = np.random.default_rng(1).standard_normal((256, 1024), dtype=np.float32)
        fastnn.set_num_threads(1)
        expected = fastnn.softmax(z, backend="numba")
        child = os.fork()
        if child == 0:
            fastnn.set_num_threads(2)
            os._exit(0 if np.array_equal(fastnn.softmax(z, backend="numba"), expected) else 3)
        assert os.waitpid(child, 0)[1] == 0
        """,
        NUMBA_THREADING_LAYER=layer,
    )
    assert done.returncode == 0, done.stderr


def problems(dtype: np.dtype) -> dict[str, Any]:
    """Calls with enough work for several threads."""
    rng = np.random.default_rng(5)
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in ((331, 517), (517, 203), (203,)))
    y, wide = rng.uniform(0.1, 0.9, (331, 203)).astype(dtype), rng.standard_normal((700, 333)).astype(dtype)
    index, draw = rng.integers(0, 333, 700), {"seed": 1, "counter": 2}

    def adam() -> Any:
        states = [wide.copy(), abs(wide), abs(wide)]
        fastnn.adam_step(states[0], wide, *states[1:], step=3)
        return states

    return {
        "dense": lambda: fastnn.dense(x, w, b, "tanh"),
        "dense_backward": lambda: fastnn.dense_backward(y, x, w, y, "sigmoid"),
        "transposed": lambda: fastnn.dense(x, w.T.copy().T, b),
        "softmax": lambda: fastnn.softmax(wide),
        "log_softmax": lambda: fastnn.log_softmax(wide),
        "logsumexp": lambda: fastnn.logsumexp(wide),
        "cross_entropy": lambda: fastnn.cross_entropy_with_grad(wide, index),
        "mse": lambda: fastnn.mse_with_grad(wide, wide * wide),
        "gelu": lambda: fastnn.gelu(wide),
        "prelu_backward": lambda: fastnn.prelu_backward(wide.reshape(-1, 3), wide.reshape(-1, 3), wide[0, :3].copy()),
        "dropout": lambda: fastnn.dropout(wide, 0.4, **draw),
        "adam_step": adam,
        "global_norm": lambda: fastnn.global_norm([wide, x]),
    }


@pytest.mark.parametrize("name", problems(np.dtype("f4")))
def test_results_do_not_depend_on_the_number_of_threads(threads, dtype, name):
    call = problems(dtype)[name]
    with fastnn.use_backend("numba"):
        several = call()
        fastnn.set_num_threads(1)
        alone = call()
    for one, other in zip(
        several if isinstance(several, (tuple, list)) else [several],
        alone if isinstance(alone, (tuple, list)) else [alone],
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_the_number_of_threads_is_fastnns_and_numbas_is_left_alone(monkeypatch):
    used = []
    monkeypatch.setattr(fastnn.backends.numba_cpu.threads.numba, "set_num_threads", used.append)
    before, mine = fastnn.get_num_threads(), numba.get_num_threads()
    try:
        for n in (1, 2):
            fastnn.set_num_threads(n)
            fastnn.softmax(np.ones((512, 512), np.float32), backend="numba")
    finally:
        fastnn.set_num_threads(before)
    if numba.config.NUMBA_NUM_THREADS > 1:
        assert used == [2, mine]


def test_small_work_stays_on_the_calling_thread():
    assert threads.parts_for(1000, threads.GRAIN) == 1
    assert threads.parts_for(1, 10**9) == 1


def test_one_compilation_serves_every_layout(dtype):
    x = np.random.default_rng(0).standard_normal((10, 10)).astype(dtype)
    many = np.tile(x, (100, 1))  # so many rows that w is packed
    frozen = x.copy()
    frozen.flags.writeable = False

    def compiled():
        names = ("activation_forward", "softmax_rows", "product", "pack_panels")
        return {name: len(getattr(kernels, name).signatures) for name in names}

    def use(z, w):
        fastnn.tanh(z, backend="numba")
        fastnn.softmax(z, backend="numba")
        fastnn.dense(many, w, x[0], backend="numba")

    use(x, x)
    before = compiled()
    assert min(before.values()) >= 1
    for z in (x.T, x[::2], frozen, frozen[1:], x.reshape(2, 5, 10), x[:0], np.array(x[0, 0])):
        use(z, frozen.T)
    assert compiled() == before


def test_warmup_compiles_everything(tmp_path):
    code = """
        import sys
        from fastnn.backends import numba_cpu
        from fastnn.backends.numba_cpu import kernels
        seconds = numba_cpu.warmup(["float32"])
        assert len(seconds) == 25 and min(seconds.values()) >= 0, seconds
        for name in kernels.__all__:
            if name not in ("activation_span", "dense_forward", "dense_gradient", "philox4x32"):
                assert len(getattr(kernels, name).signatures) == 1, name
        print(sum(sum(getattr(kernels, n).stats.cache_hits.values()) for n in kernels.__all__
                  if hasattr(getattr(kernels, n), "stats")))
        """
    counts = []
    for _ in range(2):
        done = run(code)
        assert done.returncode == 0, done.stderr
        counts.append(int(done.stdout))
    assert counts[1] > 20, "the second process must load what the first compiled"


def test_warmup_refuses_other_dtypes():
    with pytest.raises(TypeError, match="dtypes must be of float32 and float64, got int32"):
        numba_cpu.warmup(["int32"])


@numba.njit
def mean_loss(x: Any, w: Any, b: Any, index: Any) -> Any:
    """A user's own compiled code: a layer, its cross-entropy, and the gradients."""
    rows, columns = x.shape[0], w.shape[1]
    z = np.empty((rows, columns), x.dtype)
    kernels.dense_forward(x, w, b, kinds.TANH, 0.0, z)
    losses, dy, dz = np.empty(rows, x.dtype), np.empty_like(z), np.empty_like(z)
    nothing = np.empty(0, x.dtype)
    kernels.cross_entropy_rows(
        *(z.reshape(z.size), columns, index, -100, nothing, nothing, 0.0, 1.0 / rows, nothing),
        *(losses, dy.reshape(dy.size), 0, rows),
    )
    kernels.activation_gradient(kinds.TANH, 0.0, dy, z, dz, 0, (dz.size + 15) // 16)
    dx, dw, db = np.empty_like(x), np.empty_like(w), np.empty_like(b)
    kernels.dense_gradient(dz, x, w, dx, dw, db)
    return losses.mean(), dx, dw, db


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 5, 3), (50, 300, 33), (130, 64, 16)], ids=str)
def test_kernels_in_a_users_own_compiled_code(dtype, shape):
    rng = np.random.default_rng(0)
    batch, inputs, outputs = shape
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((batch, inputs), (inputs, outputs), (outputs,)))
    index = rng.integers(0, outputs, batch)
    y = fastnn.dense(x, w, b, "tanh", backend="numba")
    loss, dy = fastnn.cross_entropy_with_grad(y, index, backend="numba")
    wanted = fastnn.dense_backward(dy, x, w, y, "tanh", backend="numba")
    got = mean_loss(x, w, b, index)
    assert got[0] == pytest.approx(loss, rel=1e-5)
    for one, other in zip(got[1:], wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@numba.njit
def evaluate(which: int, x: Any, y: Any) -> None:
    for i in range(0, x.size, 16):
        v = simd.load_some(x, i, x.size - i, 0.0)
        if which == 0:
            r = elementary.exp(v)
        elif which == 1:
            r = elementary.expm1(v)
        elif which == 2:
            r = elementary.log(v)
        elif which == 3:
            r = elementary.log1p(v)
        elif which == 4:
            r = elementary.tanh(v)
        else:
            r = elementary.sigmoid(v)
        simd.store_some(y, i, x.size - i, r)


# (exact function, bound in units in the last place): measured are 0.98, 2.0, 0.73, 1.3, 1.3 and 2.1.
FUNCTIONS = {
    "exp": (np.exp, 1.0),
    "expm1": (np.expm1, 2.0),
    "log": (np.log, 1.0),
    "log1p": (np.log1p, 2.0),
    "tanh": (np.tanh, 2.0),
    "sigmoid": (lambda x: np.where(x < 0, np.exp(x), 1.0) / (1.0 + np.exp(-np.abs(x))), 2.5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_functions(dtype, name):
    every = np.arange(0, 2**32, 8209, dtype=np.uint64).astype(np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        x = every.astype(dtype)
        if dtype == np.float64:
            x = np.concatenate([x * 1.0000123, np.linspace(-750, 750, 100_001)])
        exact, limit = FUNCTIONS[name]
        wanted = exact(x.astype(np.longdouble))
    y = np.empty_like(x)
    evaluate(list(FUNCTIONS).index(name), x, y)
    assert max_ulp(y, wanted) <= limit
