"""The C functions for compiled Python: their signatures are the headers', and Numba gets Python's bits from them."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import embedding
from fastnn.cfunctions import Declaration, declarations

ROOT = Path(__file__).resolve().parent.parent
RELU = 5


def headers() -> str:
    """All C headers of the library that is tested."""
    return "\n".join(
        path.read_text(encoding="utf-8") for path in (embedding.include_directory() / "fastnn").glob("*.h")
    )


def test_a_signature_is_read_from_a_header() -> None:
    text = """
    typedef int32_t fastnn_kind; /* FASTNN_API void fastnn_none(void) FASTNN_NOEXCEPT; */
    typedef enum fastnn_status { FASTNN_OK = 0 } fastnn_status;
    FASTNN_API fastnn_status fastnn_some_f32(int64_t n, const float* x, fastnn_kind kind, const float* const* rows,
                                             void* scratch) FASTNN_NOEXCEPT;
    FASTNN_API const char* fastnn_name(void) FASTNN_NOEXCEPT;
    """
    parameters = (
        ("int64_t", "n"),
        ("const float*", "x"),
        ("int32_t", "kind"),
        ("const float* const*", "rows"),
        ("void*", "scratch"),
    )
    assert declarations(text) == [
        Declaration("fastnn_some_f32", "int32_t", parameters),
        Declaration("fastnn_name", "const char*", ()),
    ]


def test_every_function_of_the_headers_is_read_and_there() -> None:
    text = headers()
    found = declarations(text)
    # Each mark at the beginning of a line belongs to a function.
    assert len(found) == text.count("\nFASTNN_API ")
    assert len(found) > 80
    for declaration in found:
        name, _, last = declaration.name.removeprefix("fastnn_").rpartition("_")
        function = fastnn.cfunc(name, last) if last in {"f32", "f64"} else fastnn.cfunc(f"{name}_{last}".strip("_"))
        assert function.__name__ == declaration.name
        assert len(function.argtypes) == len(declaration.parameters)
        assert (
            function.address
            == ctypes.cast(getattr(ctypes.CDLL(str(embedding.library())), declaration.name), ctypes.c_void_p).value
        )


def test_types_are_those_of_c() -> None:
    function = fastnn.cfunc("dense", "f64")
    pointer, size, integer = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32
    batch, parameter, scratch = [size] * 3, ctypes.c_double, [pointer, ctypes.c_size_t]
    expected = [*batch, pointer, pointer, integer, pointer, integer, parameter, pointer, pointer, *scratch]
    assert list(function.argtypes) == expected
    assert function.restype is integer
    assert fastnn.cfunc("dense_scratch", "f64").restype is ctypes.c_size_t


def test_the_library_is_the_extensions_own() -> None:
    before = fastnn.get_num_threads()
    try:
        fastnn.cfunc("set_num_threads")(before + 1)
        assert fastnn.get_num_threads() == before + 1
    finally:
        fastnn.set_num_threads(before)
    version: object = fastnn.cfunc("version")()
    assert version == fastnn.__version__.encode()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_called_from_python(dtype: str) -> None:
    x = np.random.default_rng(0).standard_normal((7, 33)).astype(dtype)
    y = np.empty_like(x)
    assert fastnn.cfunc("softmax", dtype)(7, 33, x.ctypes.data, y.ctypes.data, None, 0) == 0
    assert y.tobytes() == fastnn.softmax(x).tobytes()
    assert fastnn.cfunc("softmax", dtype)(-1, 33, x.ctypes.data, y.ctypes.data, None, 0) == 2


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_dense_in_a_compiled_loop_has_pythons_bits(dtype: str) -> None:
    numba = pytest.importorskip("numba", exc_type=ImportError)
    dense = fastnn.cfunc("dense", dtype)

    @numba.njit
    def rows(x: np.ndarray, w: np.ndarray, b: np.ndarray, y: np.ndarray) -> int:
        for i in range(x.shape[0]):
            row, result = x[i], y[i]
            status = dense(
                1, w.shape[0], w.shape[1], row.ctypes, w.ctypes, 0, b.ctypes, RELU, 0.0, result.ctypes, 0, 0, 0
            )
            if status != 0:
                return status
        return 0

    rng = np.random.default_rng(1)
    x, w, b = (rng.standard_normal(shape).astype(f"f{int(dtype[1:]) // 8}") for shape in [(9, 47), (47, 31), 31])
    y = np.empty((9, 31), x.dtype)
    assert rows(x, w, b, y) == 0
    assert y.tobytes() == fastnn.dense(x, w, b, "relu").tobytes()


def test_unknown_names_and_dtypes() -> None:
    with pytest.raises(ValueError, match=r"no C function fastnn_sofmax_f32; name must be one of .*\bsoftmax\b"):
        fastnn.cfunc("sofmax", "f32")
    with pytest.raises(ValueError, match="no C function fastnn_softmax;"):
        fastnn.cfunc("softmax")
    with pytest.raises(ValueError, match="dtype must be 'f32', 'f64' or None, got 'f16'"):
        fastnn.cfunc("softmax", "f16")


def test_without_a_shared_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedding, "_HOME", tmp_path)
    for asked in (embedding.library, embedding.include_directory, embedding.cmake_directory):
        with pytest.raises(RuntimeError, match="FASTNN_SHARED=ON"):
            asked()


def test_the_declarations_for_cython_are_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    import cython_declarations

    declarations_file = Path(fastnn.__file__).with_name("__init__.pxd")
    written = cython_declarations.declared(embedding.include_directory() / "fastnn")
    assert declarations_file.read_text(encoding="utf-8") == written


def test_the_command_line_tells_where_things_are(capsys: pytest.CaptureFixture[str]) -> None:
    from fastnn.__main__ import main

    for flag, path in [
        ("--includes", f"-I{embedding.include_directory()}"),
        ("--cmakedir", str(embedding.cmake_directory())),
    ]:
        with pytest.raises(SystemExit) as ended:
            main([flag])
        assert ended.value.code == 0
        assert capsys.readouterr().out == f"{path}\n"
    assert (embedding.cmake_directory() / "fastnn-config.cmake").is_file()
