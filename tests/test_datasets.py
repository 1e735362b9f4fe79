"""The readers of local data: every form gives the same arrays, and no bad file does worse than a clear error."""

import gzip
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fastnn.datasets import load_mnist, mnist, read_csv, read_idx, read_npz

RNG = np.random.default_rng(0)
X_TRAIN, X_TEST = (RNG.integers(0, 256, (n, 28, 28)).astype(np.uint8) for n in (12, 2))
Y_TRAIN, Y_TEST = np.arange(12, dtype=np.uint8) % 10, np.array([9, 0], np.uint8)
ARRAYS = {"x_train": X_TRAIN, "y_train": Y_TRAIN, "x_test": X_TEST, "y_test": Y_TEST}
IDX_CODES = {">u1": 0x08, ">i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_bytes(array):
    dtype = array.dtype.newbyteorder(">")
    code = IDX_CODES[f">{dtype.kind}{dtype.itemsize}"]
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.astype(dtype).tobytes()


def npz_bytes(arrays, save=np.savez):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def csv_bytes(images, labels=None, names=True, newline="\n"):
    rows = images.reshape(len(images), -1)
    top = [f"pixel{i}" for i in range(rows.shape[1])]
    if labels is not None:
        rows, top = np.column_stack([labels, rows]), ["label", *top]
    lines = [",".join(map(str, row)) for row in rows.tolist()]
    return "".join(line + newline for line in ([",".join(top)] if names else []) + lines).encode()


def write_idx_directory(directory, mark="-", pack=bytes, end=""):
    for name, axes, array in (
        ("train-images", 3, X_TRAIN),
        ("train-labels", 1, Y_TRAIN),
        ("t10k-images", 3, X_TEST),
        ("t10k-labels", 1, Y_TEST),
    ):
        (directory / f"{name}{mark}idx{axes}-ubyte{end}").write_bytes(pack(idx_bytes(array)))


def check_mnist(path, expected=(X_TRAIN, Y_TRAIN, X_TEST, Y_TEST)):
    train, test = load_mnist(path)
    for actual, wanted in zip((*train, *test), expected, strict=True):
        assert actual.dtype == np.uint8
        assert actual.flags.c_contiguous
        np.testing.assert_array_equal(actual, wanted)


# The forms of MNIST.


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("change", [np.asarray, np.asfortranarray, lambda a: a.astype(np.int64)])
def test_mnist_npz(tmp_path, save, change):
    path = tmp_path / "mnist.npz"
    path.write_bytes(npz_bytes({name: change(array) for name, array in ARRAYS.items()}, save))
    check_mnist(path)
    check_mnist(str(path))
    check_mnist(tmp_path)


def test_load_data_is_found_by_argument_or_variable(tmp_path, monkeypatch):
    path = tmp_path / "mnist.npz"
    path.write_bytes(npz_bytes(ARRAYS, np.savez))
    monkeypatch.delenv("FASTNN_MNIST", raising=False)
    with pytest.raises(ValueError, match=r"nothing is downloaded: load_data\('mnist.npz'\).*FASTNN_MNIST"):
        mnist.load_data()
    (train, _), _ = mnist.load_data(path)
    np.testing.assert_array_equal(train, ARRAYS["x_train"])
    monkeypatch.setenv("FASTNN_MNIST", str(path))
    (train, _), _ = mnist.load_data()
    np.testing.assert_array_equal(train, ARRAYS["x_train"])


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize(("pack", "end"), [(bytes, ""), (gzip.compress, ".gz"), (bytes, ".gz"), (gzip.compress, "")])
def test_mnist_idx(tmp_path, mark, pack, end):
    write_idx_directory(tmp_path, mark, pack, end)
    check_mnist(tmp_path)
    check_mnist(tmp_path / f"t10k-labels{mark}idx1-ubyte{end}")


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\n\n"])
def test_mnist_csv_holds_out_the_last_seventh(tmp_path, names, newline):
    images, labels = np.concatenate([X_TRAIN, X_TEST]), np.concatenate([Y_TRAIN, Y_TEST])
    (tmp_path / "train.csv").write_bytes(csv_bytes(images, labels, names, newline))
    (tmp_path / "test.csv").write_bytes(csv_bytes(X_TEST))
    check_mnist(tmp_path / "train.csv")
    check_mnist(tmp_path)


def test_mnist_csv_pair(tmp_path):
    (tmp_path / "mnist_train.csv").write_bytes(csv_bytes(X_TRAIN, Y_TRAIN, names=False))
    (tmp_path / "mnist_test.csv").write_bytes(csv_bytes(X_TEST, Y_TEST, names=False))
    check_mnist(tmp_path)


# The readers of one file.


@pytest.mark.parametrize("code", IDX_CODES)
@pytest.mark.parametrize("shape", [(5,), (0,), (2, 3), (0, 28, 28), (1, 2, 3, 4)])
def test_read_idx(tmp_path, code, shape):
    array = RNG.integers(0, 100, shape).astype(code)
    path = tmp_path / "file"
    path.write_bytes(idx_bytes(array))
    actual = read_idx(path)
    assert actual.dtype == np.dtype(code).newbyteorder("=")
    assert actual.flags.writeable
    np.testing.assert_array_equal(actual, array)


def test_read_npz_reads_any_arrays_of_numbers(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(3), "c": np.zeros((0, 4), ">f4"), "d": np.array(["x"])}
    path = tmp_path / "file.npz"
    path.write_bytes(npz_bytes(arrays))
    actual = read_npz(path)
    assert list(actual) == list(arrays)
    for name, array in arrays.items():
        assert actual[name].dtype == array.dtype
        np.testing.assert_array_equal(actual[name], array)
    assert list(read_npz(path, ["b"])) == ["b"]


def test_read_csv(tmp_path):
    path = tmp_path / "file.csv"
    for end in ("\n", ""):
        path.write_bytes(b"\xef\xbb\xbf5,0,1,2,255" + end.encode())
        images, labels = read_csv(path)
        np.testing.assert_array_equal(images, [[[0, 1], [2, 255]]])
        np.testing.assert_array_equal(labels, [5])
    path.write_bytes(gzip.compress(csv_bytes(X_TEST)))
    images, labels = read_csv(path)
    np.testing.assert_array_equal(images, X_TEST)
    assert labels is None


# Bad files.

OBJECTS = {**ARRAYS, "y_train": np.array([None] * 12)}
HUGE_NPY = npz_bytes(ARRAYS).replace(b"(12, 28, 28), ", b"(99999999, 9),")
BAD_FILES = {
    "empty": (b"", "no rows of pixels"),
    "idx magic": (b"\0\0\x07\x01" + bytes(20), "train-images-idx3-ubyte"),
    "names without rows": (b"label,pixel0\n", "no rows of pixels"),
    "test.csv": (csv_bytes(X_TEST), "no labels"),
    "ragged csv": (csv_bytes(X_TEST, Y_TEST) + b"1,2,3\n", "number of columns changed"),
    "csv not square": (b"1,2,3,4,5,6,7\n", "not the pixels of a square image"),
    "csv of small images": (b"1,2,3,4,5\n", r"must have shape \(N, 28, 28\)"),
    "csv value too large": (csv_bytes(X_TEST.astype(int) + 256, Y_TEST), "could not convert"),
    "csv label too large": (csv_bytes(X_TEST, Y_TEST + 1), "labels must lie between 0 and 9"),
    "csv of words": (b"label,pixel0\n5,hello\n", "could not convert"),
    "more names than columns": (b"label,pixel0,pixel1\n5,1\n", "3 column names stand over 2 columns"),
    "not text": (b"\xff\xfe" * 50, "codec can't decode"),
    "cut npz": (npz_bytes(ARRAYS)[:-30], "not a zip file"),
    "npz of other names": (npz_bytes({"images": X_TRAIN}), "no array named x_train, y_train, x_test, y_test"),
    "npz of objects": (npz_bytes(OBJECTS), "arrays of numbers are read, not dtype object"),
    "npz with too large a shape": (HUGE_NPY, "takes 899999991 bytes"),
    "npz of floats": (npz_bytes({**ARRAYS, "x_test": X_TEST / 255}), "x_test must be integers, got float64"),
    "npz of wrong labels": (
        npz_bytes({**ARRAYS, "y_test": Y_TEST + 1}),
        "y_test must lie between 0 and 9, got 1 to 10",
    ),
    "npz of negative labels": (npz_bytes({**ARRAYS, "y_test": np.array([-1, 0])}), "y_test must lie .* got -1 to 0"),
    "npz of too few labels": (npz_bytes({**ARRAYS, "y_test": Y_TEST[:1]}), r"y_test must have shape \(N,\) = \(2,\)"),
    "npz of flat images": (
        npz_bytes({**ARRAYS, "x_test": Y_TEST}),
        r"x_test must have shape \(N, 28, 28\), got \(2,\)",
    ),
}


@pytest.mark.parametrize(("data", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_file_gives_an_error_that_names_it(tmp_path, data, message):
    path = tmp_path / "bad_file"
    path.write_bytes(data)
    with pytest.raises((ValueError, OSError), match=message) as caught:
        load_mnist(path)
    assert str(tmp_path) in str(caught.value)


IMAGES = idx_bytes(X_TEST)
BAD_IDX = {
    "empty": (b"", "begins with nothing"),
    "magic": (b"\x01" + IMAGES[1:], "not an IDX file"),
    "type": (b"\0\0\x0a" + IMAGES[3:], "not an IDX file"),
    "no axes": (b"\0\0\x08\x00", "1 to 32 axes"),
    "255 axes": (b"\0\0\x08\xff" + bytes(2000), "1 to 32 axes"),
    "cut header": (IMAGES[:10], "cut short inside the header"),
    "cut data": (IMAGES[:-1], "cut short: 1568 bytes of data are promised, 1567 are there"),
    "trailing data": (IMAGES + b"\0", "more bytes follow"),
    "huge": (IMAGES[:4] + b"\xff" * 12 + IMAGES[16:], "cut short: shape"),
    "huge and empty": (IMAGES[:4] + b"\xff" * 8 + bytes(4), "cannot reshape"),
    "cut gzip": (gzip.compress(IMAGES)[:-20], "end-of-stream"),
    "gzip of a huge claim": (gzip.compress(IMAGES[:4] + b"\xff" * 12 + IMAGES[16:]), "cut short: shape"),
    "gzip of a large claim": (gzip.compress(struct.pack(">II", 0x0801, 1_000_000) + RNG.bytes(2000)), "cut short"),
    "gzip of nothing": (b"\x1f\x8b", "end-of-stream|Not a gzipped|reached"),
}


@pytest.mark.parametrize(("data", "message"), BAD_IDX.values(), ids=BAD_IDX)
def test_bad_idx_gives_an_error_that_names_it(tmp_path, data, message):
    path = tmp_path / "bad_file"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_mnist(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"none of train-images.*" + tmp_path.name):
        load_mnist(tmp_path)
    write_idx_directory(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        load_mnist(tmp_path)


def test_a_lying_header_costs_no_memory(tmp_path):
    claim = 2**31
    header = npy_header((claim,))
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("x.npy", header + bytes(100))
    (tmp_path / "lie.idx").write_bytes(struct.pack(">II", 0x0801, claim) + bytes(100))
    (tmp_path / "lie.idx.gz").write_bytes(gzip.compress(struct.pack(">II", 0x0801, claim) + RNG.bytes(4_000_000)))
    tracemalloc.start()
    try:
        for reader, name in ((read_npz, "lie.npz"), (read_idx, "lie.idx"), (read_idx, "lie.idx.gz")):
            with pytest.raises(ValueError, match=name):
                reader(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def npy_header(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()


SMALL = {"x": np.arange(12, dtype=np.uint8).reshape(3, 4), "y": np.arange(3, dtype=np.float32)}
SEEDS = {
    read_npz: [npz_bytes(SMALL), npz_bytes(SMALL, np.savez_compressed)],
    read_idx: [idx_bytes(SMALL["x"]), gzip.compress(idx_bytes(SMALL["x"]), mtime=0)],
    read_csv: [csv_bytes(X_TEST[:, :2, :2], Y_TEST), gzip.compress(csv_bytes(X_TEST[:, :3, :3]), mtime=0)],
}


@pytest.mark.parametrize("reader", SEEDS, ids=lambda reader: reader.__name__)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_files_are_read_or_refused(tmp_path, reader, data):
    content = bytearray(data.draw(st.sampled_from(SEEDS[reader])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        piece = data.draw(st.binary(max_size=4))
        content[place : place + data.draw(st.integers(0, 4))] = piece
    path = tmp_path / "mutant"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        reader(path)
    except (ValueError, OSError) as error:
        assert str(path) in str(error)  # noqa: PT017
