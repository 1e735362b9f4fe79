"""Arrays out of foreign files: each form gives the same, and no hostile file does more than raise one sentence."""

from __future__ import annotations

import io
import os
import pickle
import random
import subprocess
import sys
import tracemalloc
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from safetensors.numpy import save_file

from fastnn import pickled
from fastnn.io import load_arrays, load_pickle

RNG = np.random.default_rng(0)
WEIGHTS = {
    "W1": RNG.standard_normal((4, 3)).astype(np.float32),
    "b1": np.arange(3.0),
    "W2": np.asfortranarray(RNG.standard_normal((3, 2))),
}
PROTOCOLS = range(6)


def check(actual: Any, expected: Any) -> None:
    """The same containers and the same arrays, which can be written and are in the machine's byte order."""
    assert type(actual) is type(expected)
    if isinstance(expected, np.ndarray):
        assert actual.dtype == expected.dtype.newbyteorder("=")
        assert actual.dtype.isnative
        assert actual.flags.writeable
        np.testing.assert_array_equal(actual, expected)
    elif isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key in expected:
            check(actual[key], expected[key])
    else:
        assert len(actual) == len(expected)
        for part, wanted in zip(actual, expected, strict=True):
            check(part, wanted)


def load(contents: bytes, directory: Path) -> Any:
    path = directory / "weights.pkl"
    path.write_bytes(contents)
    return load_pickle(path)


# What is read.


@pytest.mark.parametrize("name", ["weights.npz", "weights.safetensors", "weights.pkl", "weights"])
def test_contents_decide_what_a_file_is(tmp_path, name):
    path = tmp_path / name
    with open(path, "wb") as file:
        np.savez(file, **WEIGHTS)
    check(load_arrays(path), WEIGHTS)
    # safetensors stores bytes as they lie, and its writer refuses columns first.
    save_file({name: np.ascontiguousarray(array) for name, array in WEIGHTS.items()}, path)
    loaded = load_arrays(str(path))
    check({name: loaded[name] for name in WEIGHTS}, WEIGHTS)
    path.write_bytes(pickle.dumps(WEIGHTS))
    check(load_arrays(path), WEIGHTS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        WEIGHTS,
        {},
        [],
        (),
        np.arange(5),
        np.array(2.5),
        np.zeros((0, 3)),
        [WEIGHTS, (np.ones(2), [np.ones(1)]), {3: np.ones(1), -1: np.ones(2)}],
        [np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0), np.arange(10)[::2], np.arange(6.0).reshape(2, 3).T],
        [np.arange(2, dtype=code) for code in ("?", "b", "B", "<h", ">u2", "<i4", ">i8", "<f2", ">f4", "<f8", ">c16")],
        {"a" * 300: np.arange(1000), "é": np.array([1j])},
    ],
)
def test_pickles_of_arrays(tmp_path, protocol, value):
    check(load(pickle.dumps(value, protocol), tmp_path), value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pickles_by_the_python_implementation_and_read_only_arrays(tmp_path, protocol):
    array = np.arange(6.0)
    array.flags.writeable = False
    check(load(pickle._dumps([array, array], protocol), tmp_path), [array, array])


def test_pickles_of_numpy_1_and_of_python_2(tmp_path):
    check(load(pickle.dumps(WEIGHTS, 2).replace(b"numpy._core", b"numpy.core"), tmp_path), WEIGHTS)
    # As cPickle of Python 2 wrote {"W": numpy.array([1.0, 2.0], "f4")} with protocol 2.
    old = (
        b"\x80\x02}q\x01U\x01Wcnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87Rq\x04"
        b"(K\x01K\x02\x85cnumpy\ndtype\nq\x05U\x02f4K\x00K\x01\x87Rq\x06(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        b"K\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x00@tbs."
    )
    check(load(old, tmp_path), {"W": np.array([1, 2], np.float32)})


# What is refused.


class Calls:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.reduced


class Marked(np.ndarray):
    pass


class Named(dict):
    pass


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def itself() -> list:
    value: list = []
    value.append(value)
    return value


ARRAY = pickle.dumps(np.arange(3.0), 2)
DTYPE = Calls(np.dtype, "f8", False, True)
SHAPE = Calls(np.ndarray, (3,))
RECONSTRUCT = np.zeros(0).__reduce__()[0]
FROMBUFFER = np.zeros(1).__reduce_ex__(5)[0]

OBJECTS = {
    "os.system": (Calls(os.system, "touch hacked"), r"asks for posix.system|asks for nt.system"),
    "a call inside an array's list": ([np.ones(1), Calls(os.system, "touch hacked")], "asks for (posix|nt).system"),
    "a call in a call": (Calls(getattr, Calls(__import__, "os"), "system"), "asks for (__builtin__|builtins).getattr"),
    "eval": (Calls(eval, "open('hacked', 'w')"), "asks for (__builtin__|builtins).eval"),
    "a call as an argument of the allowed": (
        Calls(RECONSTRUCT, Calls(eval, "1"), (0,), b"b"),
        "(__builtin__|builtins).eval",
    ),
    "numpy's own pickle loader": (Calls(np.load, "x", None, True), "asks for numpy.load"),
    "a subclass": (np.ones(3).view(Marked), "asks for .*Marked"),
    "a subclass of dict": (Named(a=np.ones(1)), "asks for .*Named|instruction NEWOBJ|_reconstructor"),
    "a masked array": (np.ma.array([1.0]), "asks for numpy.ma"),
    "an ordered dict": (OrderedDict(a=np.ones(1)), "asks for collections.OrderedDict"),
    "objects": (np.array([{}, []], dtype=object), "an array of dtype 'O8'"),
    "records": (np.zeros(2, [("a", "f4")]), "an array of dtype 'V4'"),
    "text": (np.array(["a"]), "an array of dtype 'U1'"),
    "bytes in an array": (np.array([b"a"]), "an array of dtype 'S1'"),
    "dates": (np.array(["2000-01-01"], "M8[D]"), "an array of dtype 'M8'"),
    "a NumPy number": (np.float64(3), "asks for numpy._?core.multiarray.scalar"),
    "a number": (3.5, "it holds a float"),
    "an integer": ({"a": 1}, "it holds a int"),
    "a string": (["hello"], "it holds a str"),
    "nothing": ({"a": None}, "it holds a NoneType"),
    "truth": ((True,), "it holds a bool"),
    "a set": ({1, 2}, "asks for (__builtin__|builtins).set|instruction EMPTY_SET"),
    "a function": (os.system, "asks for (posix|nt).system"),
    "a function that is allowed, by itself": (RECONSTRUCT, "it holds a Function"),
    "a dtype": (np.dtype("f4"), "it holds a DType"),
    "a key that is a tuple": ({(1, 2): np.ones(1)}, "key of a dict is a tuple"),
    "a key that is true": ({True: np.ones(1)}, "key of a dict is a bool"),
    "too deep": (nested(40), "more than 32 deep"),
    "within itself": (itself(), "more than 32 deep"),
    "an array without a state": (Calls(RECONSTRUCT, np.ndarray, (0,), b"b"), "it holds a Array"),
    "memory by a shape": (Calls(RECONSTRUCT, np.ndarray, (2**40,), b"b"), "calls what makes no array"),
    "memory by the class": (Calls(np.ndarray, (2**40,)), "calls what makes no array"),
    "another class to reconstruct": (Calls(RECONSTRUCT, np.dtype, (0,), b"b"), "calls what makes no array"),
    "a dtype from a dict": (Calls(np.dtype, {"names": ["a"], "formats": ["O"]}, False, True), "calls what makes no"),
    "a long dtype": (Calls(np.dtype, "f8," * 1000, False, True), "an array of dtype 'f8,f8"),
    "an aligned dtype of objects": (Calls(np.dtype, "|O", True, True), "an array of dtype '|O'"),
    "a state for a dtype": (
        Calls(np.dtype, "f8", False, True, state=(3, "<", (DTYPE, (2**40,)), None, None, -1, -1, 0)),
        "sets the state of what is no array",
    ),
    "a dict as a state": (Calls(np.dtype, "f8", False, True, state={"__class__": 1}), "sets the state"),
    "a state for a list": (Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=[1, 2]), "sets the state"),
    "a negative shape": (
        Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=(1, (-1,), np.dtype("f8"), False, b"")),
        "a shape that is none",
    ),
    "a shape of text": (
        Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=(1, ("3",), np.dtype("f8"), False, bytes(24))),
        "a shape that is none",
    ),
    "a shape of many axes": (
        Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=(1, (1,) * 70, np.dtype("f8"), False, bytes(8))),
        "a shape that is none, with 70 axes",
    ),
    "a shape larger than its bytes": (
        Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=(1, (2**40, 4), np.dtype("f8"), False, bytes(8))),
        "takes 35184372088832 bytes, the file has 8",
    ),
    "a huge shape of nothing": (
        Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=(1, (0, 2**62, 2**62), np.dtype("f8"), False, b"")),
        "weights.pkl",
    ),
    "a list in place of bytes": (
        Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=(1, (1,), np.dtype("f8"), False, [1.0])),
        "not made of bytes",
    ),
    "a buffer larger than its bytes": (
        Calls(FROMBUFFER, b"12345678", np.dtype("f8"), (2**40,), "C"),
        "takes 8796093022208 bytes, the file has 8",
    ),
    "a buffer in a strange order": (
        Calls(FROMBUFFER, b"12345678", np.dtype("f8"), (1,), "K", (5,)),
        "calls what makes no array",
    ),
    "text in another encoding": (Calls(__import__("codecs").encode, "abc", "rot13"), "calls what makes no array"),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("value", "message"), OBJECTS.values(), ids=OBJECTS)
def test_anything_but_arrays_is_refused(tmp_path, monkeypatch, protocol, value, message):
    monkeypatch.chdir(tmp_path)
    contents = pickle.dumps(value, protocol)
    with pytest.raises(ValueError, match=message) as caught:
        load(contents, tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "weights.pkl"))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pkl"]


PROGRAMS = {
    "empty": (b"", "no whole pickle: pickle exhausted"),
    "stop alone": (b".", "ends in the middle"),
    "text": (b"hello, world", "no whole pickle|instruction"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(20), "it holds|no whole pickle|instruction|damaged"),
    "two values": (b"]].", "ends in the middle"),
    "an open mark": (b"](.", "ends in the middle"),
    "no mark": (b"]e.", "APPENDS lacks"),
    "tuple of too few": (b"]\x87.", "TUPLE3 lacks"),
    "no such number": (b"h\x05.", "BINGET lacks"),
    "odd items": (b"}(]u.", "without a value"),
    "odd dict": (b"(]d.", "without a value"),
    "append to a tuple": (b")]a.", "a list is filled that is none"),
    "items for a list": (b"](K\x01]u.", "a dict is filled that is none"),
    "an instance": (b"(cos\nsystem\nS'ls'\no.", "asks for os.system"),
    "an instance by name": (b"(S'touch hacked'\nios\nsystem\n.", "instruction INST"),
    "persistent": (b"Phello\n.", "instruction PERSID"),
    "persistent object": (b"]Q.", "instruction BINPERSID"),
    "an extension": (b"\x82\x01.", "instruction EXT1"),
    "a new object": (b"cnumpy\nndarray\n(K\x03t\x81.", "instruction NEWOBJ"),
    "a new object with names": (b"cnumpy\nndarray\n)}\x92.", "instruction NEWOBJ_EX"),
    "buffers from elsewhere": (b"\x97.", "instruction NEXT_BUFFER"),
    "a call of a string": (b"S'os.system'\n(S'ls'\ntR.", "calls what makes no array"),
    "a call of a list": (b"])R.", "calls what makes no array"),
    "a state for a function": (b"cnumpy\nndarray\n}b.", "sets the state"),
    "a state for the class by slots": (b"cnumpy\nndarray\nN}S'__doc__'\nNs\x86b.", "sets the state"),
    "a name with dots": (b"\x8c\x05numpy\x8c\x0cma.core.load\x93.", "asks for numpy.ma.core.load"),
    "a name that is a list": (b"]]\x93.", "a name that is no text"),
    "a long name": (b"c" + b"a" * 10000 + b"\nb\n.", r"asks for a{80};"),
    "a name of escapes": (b"c\\x1b[2J\nb\n.", r"asks for \\x1b"),
    "eight exabytes": (b"\x8e" + (2**63 - 1).to_bytes(8, "little") + b"abc.", "no whole pickle: expected"),
    "eight exabytes of text": (b"\x8d" + (2**63 - 1).to_bytes(8, "little") + b"abc.", "no whole pickle: expected"),
    "more than there are": (b"\x96" + b"\xff" * 8 + b"abc.", "no whole pickle"),
    "two gigabytes": (b"B\xff\xff\xff\x7fabc.", "no whole pickle: expected"),
    "a negative length": (b"T\xff\xff\xff\xffabc.", "no whole pickle"),
    "a memo of gigabytes": (b"]r\xff\xff\xff\xffj\xff\xff\xff\xfe.", "LONG_BINGET lacks"),
    "a long number": (b"L" + b"9" * 100_000 + b"L\n.", "no whole pickle: Exceeds the limit"),
    "a frame that lies": (b"\x80\x04\x95" + b"\xff" * 8 + b"N.", "it holds a NoneType"),
    "too many instructions": (b"(" * 1_000_001 + b".", "more than 1000000 instructions"),
}


@pytest.mark.parametrize(("contents", "message"), PROGRAMS.values(), ids=PROGRAMS)
def test_hostile_and_damaged_programs_are_refused(tmp_path, contents, message):
    with pytest.raises(ValueError, match=message) as caught:
        load(contents, tmp_path)
    assert len(str(caught.value)) < len(str(tmp_path)) + 400


def laughs(levels: int) -> bytes:
    """A list of ten times the same list of ten times the same list ..."""
    contents = b"]q\x00"
    for level in range(levels):
        contents += b"](" + b"h%c" % level * 10 + b"eq%c" % (level + 1)
    return contents


@pytest.mark.parametrize("end", [b"0.", b"\x93.", b"cnumpy\nndarray\nh\x1eb.", b"cnumpy\ndtype\nh\x1eR."])
def test_shared_lists_cost_neither_time_nor_memory(tmp_path, end):
    with pytest.raises(ValueError, match=r"damaged|instruction|sets|calls"):
        load(laughs(30) + end, tmp_path)


def test_bytes_that_are_used_again_are_counted(tmp_path):
    raw = b"B" + (100_000).to_bytes(4, "little") + bytes(100_000) + b"q\x01"
    state = b"(K\x01J\xa0\x86\x01\x00\x85cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
    array = b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR" + state + b"K\x00"
    contents = b"](" + array + raw + b"tb" + (array + b"h\x01tb") * 500 + b"e."
    tracemalloc.start()
    with pytest.raises(ValueError, match="promise more bytes than the file holds"):
        load(contents, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickle_cut_anywhere_is_refused(protocol):
    contents = pickle.dumps({"W1": np.arange(3.0), "b1": [np.ones(1, np.float32)]}, protocol)
    for length in range(len(contents)):
        with pytest.raises(ValueError, match=r"."):
            pickled.arrays(contents[:length])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_mutated_pickle_gives_arrays_or_one_error(protocol, data):
    contents = bytearray(pickle.dumps({"W1": np.arange(3.0), "b": (np.ones(1, ">f4"),)}, protocol))
    for _ in range(data.draw(st.integers(1, 3))):
        contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = pickled.arrays(bytes(contents))
    except ValueError:
        return
    only_arrays(found)


def only_arrays(value: Any) -> None:
    if type(value) is np.ndarray:
        assert value.dtype.kind in "biufc"
        return
    assert type(value) in (dict, list, tuple)
    for part in value.values() if isinstance(value, dict) else value:
        only_arrays(part)


def test_random_programs_give_arrays_or_one_error():
    pieces = [
        *(bytes([code]) for code in b"(.0N\x88\x89)]}Ratubdels\x85\x86\x87\x94\x93"),
        *(b"cnumpy\ndtype\n", b"cnumpy\nndarray\n", b"cnumpy.core.multiarray\n_reconstruct\n", b"c_codecs\nencode\n"),
        *(
            b"K\x00",
            b"K\x01",
            b"C\x01b",
            b"C\x08abcdefgh",
            b"X\x02\x00\x00\x00f8",
            b"h\x00",
            b"q\x00",
            b"h\x01",
            b"q\x01",
        ),
    ]
    draw = random.Random(0)
    for _ in range(5000):
        program = b"".join(draw.choices(pieces, k=draw.randrange(1, 30))) + b"."
        try:
            only_arrays(pickled.arrays(program))
        except ValueError:
            continue


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
def test_a_joblib_file_is_refused_with_the_line_that_converts_it(tmp_path, compress):
    joblib = pytest.importorskip("joblib")
    path = tmp_path / "the weights.joblib"
    joblib.dump(WEIGHTS, path, compress=compress)
    with pytest.raises(ValueError, match=r"joblib.* you trust it.*python -c") as caught:
        load_arrays(path)
    if sys.platform != "win32":
        line = "python -c" + str(caught.value).split("python -c")[1]
        subprocess.run(line.replace("python", sys.executable, 1), shell=True, check=True)
        check(load_arrays(tmp_path / "the weights.joblib.pkl"), WEIGHTS)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "weights"
    np.savez(tmp_path / "text.npz", W1=np.array(["a"]))
    with pytest.raises(ValueError, match=r"text\.npz: W1 must hold numbers, got dtype <U1"):
        load_arrays(tmp_path / "text.npz")
    np.savez(tmp_path / "objects.npz", W1=np.array([{}]))
    with pytest.raises(ValueError, match=r"objects\.npz.*not dtype object"):
        load_arrays(tmp_path / "objects.npz")
    with pytest.raises(FileNotFoundError, match="weights"):
        load_arrays(path)
    with pytest.raises(OSError, match=tmp_path.name):
        load_arrays(tmp_path)


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_an_archive_cut_anywhere_is_refused(tmp_path, kind):
    path = tmp_path / "weights"
    file = io.BytesIO()
    if kind == "npz":
        np.savez(file, W1=np.arange(3.0))
        contents = file.getvalue()
    else:
        save_file({"W1": np.arange(3.0)}, path)
        contents = path.read_bytes()
    for length in range(len(contents)):
        path.write_bytes(contents[:length])
        with pytest.raises(ValueError, match="weights"):
            load_arrays(path)
