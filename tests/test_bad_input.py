"""Every public operation with one argument spoilt at a time: the type and wording of the error, and nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cases import CASES, KINDS, PARAMETERS, Case, call

import fastnn

Spoil = Callable[[Any], Any]


def overlapping(shape: tuple[int, ...], value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The value, and an array of that shape that begins one element later in the same memory."""
    size = int(np.prod(shape))
    memory = np.zeros(max(value.size, size + 1), value.dtype)
    memory[: value.size] = value.reshape(-1)
    return memory[: value.size].reshape(value.shape), memory[1 : size + 1].reshape(shape)


def misaligned(value: np.ndarray) -> np.ndarray:
    array = np.zeros(value.nbytes + 1, np.uint8)[1:].view(value.dtype).reshape(value.shape)
    array[...] = value
    return array


def read_only(value: np.ndarray) -> np.ndarray:
    array = value.copy()
    array.flags.writeable = False
    return array


NOT_NUMBERS: dict[str, Spoil] = {
    "complex": lambda a: a.astype(np.complex64),
    "object": lambda a: a.astype(object),
    "text": lambda a: a.astype("U4"),
    "dates": lambda a: np.zeros(a.shape, "datetime64[s]"),
    "longdouble": lambda a: a.astype(np.longdouble),
    "masked": np.ma.array,
    "structured": lambda a: np.zeros(a.shape, [("x", "f4")]),
    "dict": lambda a: {"x": a},
    "sentence": lambda a: "sentence",
}
NO_OUTPUT: dict[str, tuple[Spoil, type[Exception], str]] = {
    "list": (lambda a: a.tolist(), TypeError, r"must be a numpy.ndarray"),
    "masked": (np.ma.array, TypeError, r"must be a plain array"),
    "float64": (lambda a: a.astype(np.float64), TypeError, r"must have .*dtype float32.*, got float64"),
    "float16": (lambda a: a.astype(np.float16), TypeError, r"must have .*dtype float32.*, got float16"),
    "integers": (lambda a: a.astype(np.int32), TypeError, r"must have .*dtype float32.*, got int32"),
    "byte-swapped": (lambda a: a.astype(">f4"), TypeError, r"must have .*dtype float32.*, got >f4"),
    "longer": (lambda a: np.zeros((*a.shape[:-1], a.shape[-1] + 1), a.dtype), ValueError, r"must have .*shape"),
    "one axis more": (lambda a: a[None], ValueError, r"must have .*shape"),
    "strided": (lambda a: np.repeat(a, 2, axis=-1)[..., ::2], ValueError, r"must be C-contiguous"),
    "reversed": (lambda a: a.copy()[::-1], ValueError, r"must be C-contiguous"),
    "misaligned": (misaligned, ValueError, r"must be C-contiguous and aligned"),
    "read-only": (read_only, ValueError, r"must be writeable"),
}


def spoilt(name: str, case: Case) -> Iterator[tuple[str, dict[str, Any], type[Exception], str]]:
    """(what is wrong, the arguments, the error, its wording) for every way to spoil one argument."""
    good = case.arguments(np.random.default_rng(1))
    for argument in case.inputs:
        for what, spoil in NOT_NUMBERS.items():
            yield f"{argument}: {what}", {**good, argument: spoil(good[argument])}, TypeError, f"^{argument} must be "
        if argument not in case.optional:
            yield f"{argument}: None", {**good, argument: None}, TypeError, f"^{argument} must be .*, got None"
        yield f"{argument}: ragged", {**good, argument: [[1.0], [1.0, 2.0]]}, Exception, f"^{argument} "
        if len(case.inputs) + len(case.states) > 1:
            array = good[argument]
            longer = np.concatenate([array, array[..., :1]], axis=-1)
            yield f"{argument}: longer", {**good, argument: longer}, ValueError, r"must (have|be) .*shape.*got"
            yield f"{argument}: rank", {**good, argument: array[..., None]}, ValueError, r"must (have|be) .*got"
    yield from spoilt_outputs(case, good)
    yield from spoilt_states(case, good)
    yield from spoilt_options(name, case, good)


def spoilt_outputs(case: Case, good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], type[Exception], str]]:
    for output in case.outputs:
        for what, (spoil, error, wording) in NO_OUTPUT.items():
            yield f"{output}: {what}", {**good, output: spoil(case.output(output))}, error, f"^{output} {wording}"
        for argument in case.inputs:
            if good[argument].dtype == np.float32:
                value, out = overlapping(case.output(output).shape, good[argument])
                wrong = {**good, argument: value, output: out}
                yield f"{output} partly {argument}", wrong, ValueError, f"^{output} must not overlap {argument}"
            if good[argument].shape == case.output(output).shape and case.alias.get(output) != argument:
                wrong = {**good, output: good[argument]}
                yield f"{output} is {argument}", wrong, (ValueError, TypeError), f"^{output} must"
        for other in case.outputs:
            if other != output and case.outputs[other] == case.outputs[output]:
                shared = case.output(output)
                yield f"{output} is {other}", {**good, output: shared, other: shared}, ValueError, "must not overlap"


def spoilt_states(case: Case, good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], type[Exception], str]]:
    for state in case.states:
        for what, (spoil, error, _) in NO_OUTPUT.items():
            yield f"{state}: {what}", {**good, state: spoil(good[state])}, error, "^[a-z_]+ must "
        for what, spoil in NOT_NUMBERS.items():
            yield (
                f"{state}: {what}",
                {**good, state: spoil(good[state])},
                TypeError,
                f"^{state} must be|^{state} must have",
            )
        if state not in case.optional:
            yield f"{state}: None", {**good, state: None}, TypeError, f"^{state} must be a numpy.ndarray.*got None"
        else:
            yield f"{state}: missing", {**good, state: None}, ValueError, f"^{state} must be given when momentum > 0"
        for other in (*case.states, *case.inputs):
            if other != state:
                yield f"{state} is {other}", {**good, state: good[other]}, ValueError, "must not overlap"
                value, array = overlapping(good[state].shape, good[other])
                wrong = {**good, other: value, state: array}
                yield f"{state} partly {other}", wrong, ValueError, "must not overlap"


def spoilt_options(
    name: str, case: Case, good: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any], type[Exception], str]]:
    def wrong(argument: str, value: Any, error: type[Exception], wording: str) -> Any:
        return f"{argument} = {value!r}", {**good, argument: value}, error, wording

    yield wrong("backend", "nmupy", ValueError, r"unknown backend 'nmupy'; did you mean 'numpy'\? \(known: .*native")
    yield wrong("backend", 3, TypeError, "^backend must be one of .*'native'.*, got a int")
    for option, values in case.numbers.items():
        for value in values:
            yield wrong(option, value, ValueError, f"{option} must |must be <= upper|must be finite")
        for value in ("0.5", None, 1j, [0.5], True):
            yield wrong(option, value, TypeError, f"^{option} must be a real number, got ")
    for option, outside in case.integers.items():
        for value in outside:
            yield wrong(option, value, ValueError, f"^{option} must be >= [01].*, got ")
        for value in ("1", None, 1.0, True, [1]):
            yield wrong(option, value, TypeError, f"^{option} must be an integer, got ")
    for option in case.flags:
        for value in ("yes", None, 1, []):
            yield wrong(option, value, TypeError, f"^{option} must be True or False, got ")
    if case.has_axis:
        for value in (2, -3):
            yield wrong("axis", value, ValueError, rf"^axis must be between -2 and 1 for .*, got {value}")
        for value in (None, 1.0, "1", (0, 1), True):
            yield wrong("axis", value, TypeError, "^axis must be an integer, got ")
    if case.has_reduction:
        yield wrong("reduction", "men", ValueError, r"unknown reduction 'men'; did you mean 'mean'\?.*mean, sum, none")
        yield wrong("reduction", None, TypeError, "^reduction must be one of 'mean', 'sum', 'none', got None")
    if case.has_kind:
        yield wrong(
            case.has_kind, "rleu", ValueError, r"unknown activation 'rleu'; did you mean 'relu'\?.*known: .*mish"
        )
        yield wrong(case.has_kind, "softmax", ValueError, "unknown activation 'softmax'")
        for value in (None, 3, fastnn.LeakyReLU):
            yield wrong(case.has_kind, value, TypeError, f"^{case.has_kind} must be a name such as")
    if case.has_kind and "z" in case.optional:
        for kind in ("swish", "silu", "gelu", "gelu_tanh", "mish", "hard_swish"):
            missing = {**good, case.has_kind: kind, "z": None}
            yield f"{kind} without z", missing, ValueError, r"^the derivative of .* needs z.*pass z="
        for parameter in (fastnn.LeakyReLU(-0.1), fastnn.ELU(-1.0), fastnn.CELU(-1.0), fastnn.Swish(2.0)):
            missing = {**good, case.has_kind: parameter, "z": None}
            yield f"{parameter} without z", missing, ValueError, r"^the derivative of .* needs z.*pass z="
    if case.has_classes:
        yield from spoilt_classes(name, good)
    if name.endswith("_with_grad"):
        yield wrong("dloss", np.ones(2, np.float32), ValueError, '^dloss must be a number unless reduction is "none"')
        array = {**good, "reduction": "none", "dloss": np.ones(9, np.float32)}
        yield "dloss: longer", array, ValueError, "^dloss must be a number or have the loss's shape"
        for value in (None, 1j, "1", np.ma.ones(4)):
            yield wrong("dloss", value, TypeError, "^dloss must be ")


def spoilt_classes(name: str, good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], type[Exception], str]]:
    for kind in (np.int64, np.int8, np.uint64, np.int16):
        targets = good["targets"].astype(kind)
        targets[1] = 5
        wording = r"^targets must be class indices from 0 to 4 \(C = 5\).*got 5 at index 1"
        yield f"targets: class 5 in {kind.__name__}", {**good, "targets": targets}, IndexError, wording
    for value in (-1, -100 if name.startswith("categorical") else -101, 2**40, -(2**63)):
        targets = good["targets"].copy()
        targets[3] = value
        yield f"targets: {value}", {**good, "targets": targets}, IndexError, rf"got {value} at index 3"
    yield "targets: 255", {**good, "targets": np.full(4, 255, np.uint8)}, IndexError, "got 255 at index 0"
    huge = np.full(4, 2**64 - 100, np.uint64)
    yield "targets: 2**64 - 100", {**good, "targets": huge}, IndexError, "got 18446744073709551516"
    floats = {**good, "targets": good["targets"].astype(np.float32)}
    yield "targets: floats", floats, TypeError, r"^targets of shape \(4,\) must be integers"
    yield "targets: bools", {**good, "targets": good["targets"] > 1}, TypeError, "must be integers"
    first = next(iter(good))
    scalar = {**good, first: np.float32(1.0)}
    yield "no class axis", scalar, ValueError, f"^{first} must have a class axis"
    if not name.startswith("categorical"):
        for value in (None, 1.0, "0"):
            yield (
                f"ignore_index = {value}",
                {**good, "ignore_index": value},
                TypeError,
                "^ignore_index must be an integer",
            )


def bits(arguments: dict[str, Any]) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in arguments.items() if isinstance(value, np.ndarray)}


def error_of(name: str, arguments: dict[str, Any]) -> Exception | None:
    try:
        call(name, arguments)
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("name", CASES)
def test_spoilt_argument(name: str, backend: str) -> None:
    case = CASES[name]
    for what, arguments, error, wording in spoilt(name, case):
        before = bits(arguments)
        watched = {output: case.output(output) for output in case.outputs if output not in arguments}
        raised = error_of(name, {**watched, **arguments})
        assert isinstance(raised, error), f"{what} gave {raised!r}"
        assert re.search(wording, str(raised)), f"{what} gave {raised!r}"
        assert bits(arguments) == before, f"{what}: an argument was written"
        assert all((array == 7.0).all() for array in watched.values()), f"{what}: an output was written"


@pytest.mark.parametrize("name", CASES)
def test_good_call_fills_and_returns_its_outputs(name: str, backend: str) -> None:
    case = CASES[name]
    arguments = case.arguments(np.random.default_rng(2))
    outputs = {output: case.output(output) for output in case.outputs}
    plain = call(name, {key: np.copy(value) if key in case.states else value for key, value in arguments.items()})
    filled = call(name, {**arguments, **outputs})
    returned = filled if isinstance(filled, tuple) else (filled,)
    for output, array in outputs.items():
        assert not (array == 7.0).all()
        if output != "z_out":
            assert any(array is result for result in returned)
    for a, b in zip(plain if isinstance(plain, tuple) else (plain,), returned, strict=True):
        if a is not None:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.alias])
def test_output_may_be_the_input_itself(name: str, backend: str) -> None:
    case = CASES[name]
    arguments = case.arguments(np.random.default_rng(3))
    expected = call(name, arguments)
    (output, argument), *_ = case.alias.items()
    shared = arguments[argument].copy()
    result = call(name, {**arguments, argument: shared, output: shared})
    array, wanted = (result[1], expected[1]) if isinstance(result, tuple) else (result, expected)
    assert array is shared
    np.testing.assert_array_equal(shared, wanted)


@pytest.mark.parametrize(
    ("change", "error", "wording"),
    [
        (
            {"w": np.zeros((3, 6), np.float32)},
            ValueError,
            r"^w must have shape \(I, O\) = \(6, 3\), got \(3, 6\); pass w.T\?$",
        ),
        ({"w": np.zeros((7, 3), np.float32)}, ValueError, r"^w must have shape \(I, O\) = \(6, 3\), got \(7, 3\)$"),
        ({"w": np.zeros(6, np.float32)}, ValueError, r"^w must have shape \(I, O\) with I = 6, got \(6,\)$"),
        ({"b": np.zeros(2, np.float32)}, ValueError, r"^b must have shape \(O,\) = \(3,\), got \(2,\)$"),
        ({"x": np.float32(1)}, ValueError, r"^x must have shape \(..., I\), got a 0-d array$"),
        ({"out": np.zeros((4, 2), np.float32)}, ValueError, r"^out must have shape \(4, 3\), got \(4, 2\)$"),
    ],
)
def test_dense_explains(change: dict[str, Any], error: type[Exception], wording: str, backend: str) -> None:
    with pytest.raises(error, match=wording):
        fastnn.dense(**{**CASES["dense"].arguments(np.random.default_rng(0)), **change})


def test_dense_backward_refuses_dx_out_without_dx(backend: str) -> None:
    arguments = CASES["dense_backward"].arguments(np.random.default_rng(0))
    dx = np.zeros((4, 6), np.float32)
    with pytest.raises(ValueError, match="dx_out must be None when need_dx is False"):
        fastnn.dense_backward(**arguments, need_dx=False, dx_out=dx)
    assert fastnn.dense_backward(**arguments, need_dx=False)[0] is None


@pytest.mark.parametrize(("kind", "values"), [(name, values) for name, (_, values) in PARAMETERS.items()])
def test_kind_objects_check_their_parameter(kind: str, values: tuple[float, ...]) -> None:
    make = {
        "leaky_relu": fastnn.LeakyReLU,
        "elu": fastnn.ELU,
        "celu": fastnn.CELU,
        "softplus": fastnn.Softplus,
        "swish": fastnn.Swish,
    }[kind]
    for value in values:
        with pytest.raises(ValueError, match=PARAMETERS[kind][0]):
            make(value)
    with pytest.raises(TypeError, match="must be a real number"):
        make("1")


@pytest.mark.parametrize(
    ("arguments", "error", "wording"),
    [
        (([1.0, 2.0],), ValueError, r"^w must have shape \(I, O\), got \(2,\)"),
        ((None,), TypeError, "^w must be an array of real numbers, got None"),
        ((np.ones((2, 3)), np.ones(2)), ValueError, r"^b must have shape \(O,\) = \(3,\), got \(2,\)"),
        ((np.ones((2, 3)), None, "rleu"), ValueError, "unknown activation 'rleu'"),
        ((np.ones((2, 3), complex),), TypeError, "^w must be an array of real numbers"),
    ],
)
def test_packed_dense_checks_its_weights(
    arguments: tuple[Any, ...], error: type[Exception], wording: str, backend: str
) -> None:
    with pytest.raises(error, match=wording):
        fastnn.PackedDense(*arguments)


def test_packed_dense_checks_its_call(backend: str) -> None:
    packed = fastnn.PackedDense(np.ones((6, 3), np.float32))
    x, out = np.ones((4, 6), np.float32), np.full((4, 3), 7.0, np.float32)
    for value, error, wording in (
        (x[:, :5], ValueError, r"^x must have shape \(..., I\) with I = 6, got \(4, 5\)"),
        (np.float32(1), ValueError, r"^x must have shape \(..., I\) with I = 6, got \(\)"),
        (x.astype(float), TypeError, r"^x must be float32 like the packed weights, got float64"),
        (None, TypeError, "^x must be an array of real numbers, got None"),
        (x.astype(complex), TypeError, "^x must be an array of real numbers"),
    ):
        with pytest.raises(error, match=wording):
            packed(value, out)
    for what, (spoil, error, wording) in NO_OUTPUT.items():
        with pytest.raises(error, match=f"^out {wording}"):
            packed(x, spoil(out))
        assert (out == 7.0).all(), what
    value, overlap = overlapping((4, 3), x)
    with pytest.raises(ValueError, match=r"^out must not overlap x"):
        packed(value, overlap)
    with pytest.raises(ValueError, match="unknown backend"):
        fastnn.PackedDense(np.ones((6, 3)), backend="nmupy")
    with pytest.raises(TypeError, match="pack them again"):
        packed.__reduce__()


@pytest.mark.parametrize(
    ("arrays", "wording"),
    [
        (3, "^arrays must be a list of arrays, got a int"),
        (None, "^arrays must be a list"),
        ([None], r"^arrays\[0\] must"),
    ],
)
def test_global_norm_wants_arrays(arrays: Any, wording: str, backend: str) -> None:
    with pytest.raises(TypeError, match=wording):
        fastnn.global_norm(arrays)
    with pytest.raises(TypeError, match=r"^arrays\[1\] must be an array of real numbers"):
        fastnn.global_norm([np.ones(3, np.float32), np.ones(3, complex)])


@pytest.mark.parametrize("kind", KINDS)
def test_activation_by_name_and_by_function_agree(kind: str, backend: str) -> None:
    z = np.linspace(-7, 7, 29, dtype=np.float32)
    np.testing.assert_array_equal(fastnn.activation(z, kind), getattr(fastnn, kind)(z))
