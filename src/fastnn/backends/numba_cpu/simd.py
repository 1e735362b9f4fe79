"""Vectors of 16 lanes as a type of Numba's, with the operations that the kernels need, emitted as LLVM's vector IR.

A vector goes through compiled code like a number: `load` and `store` move it, operators and `fma` compute lane by lane,
comparisons give a mask for `select`. LLVM splits it into the registers that the processor has. It is written out
because Numba's loops are not vectorised where a sum or a maximum runs through them, and because every fused
multiply-add stands where it is written: an element's bits depend neither on its lane nor on its neighbours.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 16


class Vector(types.Type):
    """16 lanes of one of Numba's scalar types; of booleans it is a mask."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


def _lane(dtype: Any) -> Any:
    """The LLVM type of a lane."""
    if isinstance(dtype, types.Boolean):
        return ir.IntType(1)
    if isinstance(dtype, types.Integer):
        return ir.IntType(dtype.bitwidth)
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


def _llvm(vector: Any) -> Any:
    return ir.VectorType(_lane(vector.dtype), LANES)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _llvm(fe_type))


def _splat(builder: Any, scalar: Any) -> Any:
    """The scalar in every lane."""
    shape = ir.VectorType(scalar.type, LANES)
    first = builder.insert_element(ir.Constant(shape, ir.Undefined), scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(shape, ir.Undefined), zeros)


def _as_vector(context: Any, builder: Any, value: Any, given: Any, wanted: Any) -> Any:
    """An operand as a vector: a number is converted to the lanes' type and spread."""
    if isinstance(given, Vector):
        return value
    return _splat(builder, context.cast(builder, value, given, wanted.dtype))


# ---- operators -------------------------------------------------------------------------------------------------------

# operator -> (builder method for floats, for integers)
_ARITHMETIC = {
    operator.add: ("fadd", "add"),
    operator.sub: ("fsub", "sub"),
    operator.mul: ("fmul", "mul"),
    operator.truediv: ("fdiv", ""),
    operator.and_: ("", "and_"),
    operator.or_: ("", "or_"),
    operator.lshift: ("", "shl"),
    operator.rshift: ("", "ashr"),
}
_COMPARISONS = {operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.eq: "=="}


def _operands(args: Any) -> Any:
    """The vector type of an operator's two operands, or None if it is not ours."""
    if len(args) != 2 or not any(isinstance(a, Vector) for a in args):
        return None
    found = [a for a in args if isinstance(a, Vector)]
    numbers = [a for a in args if not isinstance(a, Vector)]
    if len({*found}) != 1 or any(not isinstance(a, types.Number) for a in numbers):
        return None
    return found[0]


def _define_operator(op: Any, is_comparison: bool) -> None:
    @infer_global(op)
    class _Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            vector = _operands(args)
            if vector is None:
                return None
            numbers = [a if isinstance(a, Vector) else types.unliteral(a) for a in args]
            return signature(Vector(types.boolean) if is_comparison else vector, *numbers)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = next(a for a in sig.args if isinstance(a, Vector))
        left, right = (_as_vector(context, builder, v, t, vector) for v, t in zip(args, sig.args, strict=True))
        is_float = isinstance(vector.dtype, types.Float)
        if is_comparison:
            compare = builder.fcmp_ordered if is_float else builder.icmp_signed
            return compare(_COMPARISONS[op], left, right)
        return getattr(builder, _ARITHMETIC[op][0 if is_float else 1])(left, right)

    for shapes in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(op, *shapes)(lower)


for _operator in _ARITHMETIC:
    _define_operator(_operator, False)
for _operator in _COMPARISONS:
    _define_operator(_operator, True)


@infer_global(operator.neg)
class _NegTyping(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(args[0], args[0]) if isinstance(args[0], Vector) else None


@lower_builtin(operator.neg, Vector)
def _neg(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fneg(args[0])


# ---- functions -------------------------------------------------------------------------------------------------------


def _call(builder: Any, name: str, result: Any, *args: Any) -> Any:
    """A call of one of LLVM's own functions, overloaded on the result's type."""
    kind = "f32" if result.element == ir.FloatType() else "f64"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(result, [a.type for a in args]), f"llvm.{name}.v{LANES}{kind}"
    )
    return builder.call(function, args)


def _vector_of(*args: Any) -> Any:
    return next((a for a in args if isinstance(a, Vector)), None)


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once; a number among the operands is spread over the lanes."""
    vector = _vector_of(a, b, c)
    operands = [x if isinstance(x, Vector) else types.unliteral(x) for x in (a, b, c)]

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = [_as_vector(context, builder, v, t, vector) for v, t in zip(args, sig.args, strict=True)]
        return _call(builder, "fma", _llvm(vector), *values)

    return vector(*operands), code


@intrinsic
def select(typingctx: Any, mask: Any, a: Any, b: Any) -> Any:
    """a where the mask is set, else b."""
    vector = _vector_of(a, b)
    operands = [x if isinstance(x, Vector) else types.unliteral(x) for x in (a, b)]

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = [_as_vector(context, builder, v, t, vector) for v, t in zip(args[1:], sig.args[1:], strict=True)]
        return builder.select(args[0], *values)

    return vector(mask, *operands), code


@intrinsic
def absolute(typingctx: Any, a: Any) -> Any:
    """|a|."""
    return a(a), lambda context, builder, sig, args: _call(builder, "fabs", _llvm(a), args[0])


@intrinsic
def square_root(typingctx: Any, a: Any) -> Any:
    """The square root, correctly rounded."""
    return a(a), lambda context, builder, sig, args: _call(builder, "sqrt", _llvm(a), args[0])


@intrinsic
def copy_sign(typingctx: Any, a: Any, b: Any) -> Any:
    """|a| with the sign of b."""
    return a(a, b), lambda context, builder, sig, args: _call(builder, "copysign", _llvm(a), *args)


@intrinsic
def as_bits(typingctx: Any, a: Any) -> Any:
    """The bits of floats as signed integers of their width."""
    bits = Vector(types.int32 if a.dtype == types.float32 else types.int64)
    return bits(a), lambda context, builder, sig, args: builder.bitcast(args[0], _llvm(bits))


@intrinsic
def as_float(typingctx: Any, a: Any) -> Any:
    """The floats of these bits."""
    floats = Vector(types.float32 if a.dtype == types.int32 else types.float64)
    return floats(a), lambda context, builder, sig, args: builder.bitcast(args[0], _llvm(floats))


@intrinsic
def to_float(typingctx: Any, a: Any) -> Any:
    """Integers as floats of their width."""
    floats = Vector(types.float32 if a.dtype == types.int32 else types.float64)
    return floats(a), lambda context, builder, sig, args: builder.sitofp(args[0], _llvm(floats))


@intrinsic
def spread(typingctx: Any, like: Any, number: Any) -> Any:
    """The number in every lane of a vector of the type of `like`: of a vector, an array or a number."""
    vector = Vector(getattr(like, "dtype", like))
    plain = types.unliteral(number)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _as_vector(context, builder, args[1], sig.args[1], vector)

    return vector(like, plain), code


@intrinsic
def any_lane(typingctx: Any, mask: Any) -> Any:
    """Whether a lane of the mask is set."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        packed = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", packed, ir.Constant(packed.type, 0))

    return types.boolean(mask), code


@intrinsic
def first_lanes(typingctx: Any, like: Any, count: Any) -> Any:
    """The mask of the first `count` lanes, for vectors of the elements of `like`."""
    width = 32 if like.dtype == types.float32 else 64

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = ir.Constant(ir.VectorType(ir.IntType(width), LANES), list(range(LANES)))
        limit = context.cast(builder, args[1], sig.args[1], types.int32 if width == 32 else types.int64)
        return builder.icmp_signed("<", lanes, _splat(builder, limit))

    return Vector(types.boolean)(like, types.unliteral(count)), code


# ---- memory ----------------------------------------------------------------------------------------------------------


def address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """The place of an element, counted through a C-contiguous array of any number of axes."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def vector_at(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    place = address(context, builder, array_type, array, index)
    return builder.bitcast(place, _llvm(Vector(array_type.dtype)).as_pointer())


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """The 16 elements from `index` on, counted through the C-contiguous array. Nothing is checked."""
    vector = Vector(array.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = vector_at(context, builder, sig.args[0], args[0], args[1])
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return vector(array, types.intp), code


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Writes 16 elements from `index` on."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = vector_at(context, builder, sig.args[0], args[0], args[1])
        builder.store(args[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), code


def _masked(builder: Any, name: str, result: Any, args: Any, kind: str) -> Any:
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(result, [a.type for a in args]), f"llvm.masked.{name}.v{LANES}{kind}.p0"
    )
    return builder.call(function, args)


def _mask_of(context: Any, builder: Any, count: Any, dtype: Any) -> Any:
    width = 32 if dtype == types.float32 else 64
    lanes = ir.Constant(ir.VectorType(ir.IntType(width), LANES), list(range(LANES)))
    limit = count if width == 64 else builder.trunc(count, ir.IntType(32))
    return builder.icmp_signed("<", lanes, _splat(builder, limit))


@intrinsic
def load_some(typingctx: Any, array: Any, index: Any, count: Any, fill: Any) -> Any:
    """The first `count` elements from `index` on, `fill` in the other lanes; 16 or more are all of them."""
    vector = Vector(array.dtype)
    plain = types.unliteral(fill)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = vector_at(context, builder, sig.args[0], args[0], args[1])
        align = array.dtype.bitwidth // 8
        whole = builder.icmp_signed(">=", args[2], ir.Constant(args[2].type, LANES))
        with builder.if_else(whole, likely=True) as (then, otherwise):
            with then:
                everything = builder.load(place, align=align)
                end_of_then = builder.block
            with otherwise:
                mask = _mask_of(context, builder, args[2], array.dtype)
                other = _as_vector(context, builder, args[3], sig.args[3], vector)
                kind = "f32" if array.dtype == types.float32 else "f64"
                part = _masked(builder, "load", _llvm(vector), [place, ir.IntType(32)(align), mask, other], kind)
                end_of_otherwise = builder.block
        value = builder.phi(_llvm(vector))
        value.add_incoming(everything, end_of_then)
        value.add_incoming(part, end_of_otherwise)
        return value

    return vector(array, types.intp, types.intp, plain), code


@intrinsic
def store_some(typingctx: Any, array: Any, index: Any, count: Any, value: Any) -> Any:
    """Writes the first `count` elements from `index` on; 16 or more are all of them."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = vector_at(context, builder, sig.args[0], args[0], args[1])
        align = array.dtype.bitwidth // 8
        whole = builder.icmp_signed(">=", args[2], ir.Constant(args[2].type, LANES))
        with builder.if_else(whole, likely=True) as (then, otherwise):
            with then:
                builder.store(args[3], place, align=align)
            with otherwise:
                mask = _mask_of(context, builder, args[2], array.dtype)
                kind = "f32" if array.dtype == types.float32 else "f64"
                _masked(builder, "store", ir.VoidType(), [args[3], place, ir.IntType(32)(align), mask], kind)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, value), code


@intrinsic
def same_memory(typingctx: Any, a: Any, b: Any) -> Any:
    """Whether two arrays begin at the same place."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero = ir.IntType(64)(0)
        places = [address(context, builder, t, v, zero) for t, v in zip(sig.args, args, strict=True)]
        return builder.icmp_unsigned("==", *(builder.ptrtoint(p, ir.IntType(64)) for p in places))

    return types.boolean(a, b), code


# ---- over the lanes: a fixed tree, so that a sum has one order -------------------------------------------------------


def _folded(builder: Any, value: Any, combine: Any) -> Any:
    while value.type.count > 1:
        half = value.type.count // 2
        nothing = ir.Constant(value.type, ir.Undefined)
        low, high = (
            builder.shuffle_vector(
                value, nothing, ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(first, first + half)))
            )
            for first in (0, half)
        )
        value = combine(low, high)
    return builder.extract_element(value, ir.IntType(32)(0))


@intrinsic
def tree_sum(typingctx: Any, a: Any) -> Any:
    """The sum of the lanes."""
    return a.dtype(a), lambda context, builder, sig, args: _folded(builder, args[0], builder.fadd)


@intrinsic
def row_sums(typingctx: Any, array: Any, columns: Any) -> Any:
    """tree_sum of 16 rows of up to 16 columns that lie one after the other, as a vector.

    16 elements are read from the begin of each row on. Two rows are folded at a time: half as many steps as 16 trees.
    """
    vector = Vector(array.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        mask = _mask_of(context, builder, args[1], array.dtype)

        def indices(numbers: list[int]) -> Any:
            return ir.Constant(ir.VectorType(ir.IntType(32), LANES), numbers)

        def folded(first: int, rows: int) -> Any:
            if rows == 1:
                start = builder.mul(args[1], ir.Constant(args[1].type, first))
                place = vector_at(context, builder, sig.args[0], args[0], start)
                value = builder.load(place, align=array.dtype.bitwidth // 8)
                return builder.select(mask, value, ir.Constant(_llvm(vector), [0.0] * LANES))
            pair = folded(first, rows // 2), folded(first + rows // 2, rows // 2)
            width = LANES // (rows // 2)  # of a row in either of them
            low = [row + i for row in range(0, 2 * LANES, width) for i in range(width // 2)]
            high = [i + width // 2 for i in low]
            return builder.fadd(*(builder.shuffle_vector(*pair, indices(part)) for part in (low, high)))

        return folded(0, LANES)

    return vector(array, types.intp), code


@intrinsic
def tree_max(typingctx: Any, a: Any) -> Any:
    """The largest lane; which one, if there is a nan, is open."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _folded(builder, args[0], lambda x, y: builder.select(builder.fcmp_ordered(">", x, y), x, y))

    return a.dtype(a), code


# ---- constants by dtype ----------------------------------------------------------------------------------------------


@intrinsic
def pick(typingctx: Any, like: Any, single: Any, double: Any) -> Any:
    """`single` beside float32, `double` beside float64: a constant of either dtype, chosen while compiling."""
    is_single = like.dtype == types.float32
    chosen = types.unliteral(single if is_single else double)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return args[1 if is_single else 2]

    return chosen(like, types.unliteral(single), types.unliteral(double)), code


@intrinsic
def polynomial(typingctx: Any, x: Any, coefficients: Any) -> Any:
    """c[0] + c[1] x + c[2] x^2 + ... by Horner's rule in fused steps; the coefficients are a tuple of floats."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        numbers = [
            _as_vector(context, builder, builder.extract_value(args[1], i), coefficients.dtype, x)
            for i in range(coefficients.count)
        ]
        value = numbers[-1]
        for number in reversed(numbers[:-1]):
            value = _call(builder, "fma", _llvm(x), value, args[0], number)
        return value

    return x(x, coefficients), code
