"""Memory beyond the caches: stores that go around them, and fetches ahead of the loads. Over the vectors of simd."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .simd import LANES, address, vector_at


@intrinsic
def before_boundary(typingctx: Any, array: Any, index: Any) -> Any:
    """How many elements there are from `index` to the next multiple of 64 bytes in memory."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = builder.ptrtoint(address(context, builder, sig.args[0], args[0], args[1]), ir.IntType(64))
        missing = builder.and_(builder.neg(place), ir.IntType(64)(63))
        return builder.udiv(missing, ir.IntType(64)(array.dtype.bitwidth // 8))

    return types.intp(array, types.intp), code


@intrinsic
def store_around(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """store around the caches, to a multiple of 64 bytes; `settle` must follow before others read it."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = vector_at(context, builder, sig.args[0], args[0], args[1])
        written = builder.store(args[2], place, align=64)
        written.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), code


@intrinsic
def fetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Asks for 16 elements, which may lie behind the array's end, to be brought into the L2 cache."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        word = ir.IntType(32)
        byte = ir.IntType(8).as_pointer()
        place = builder.bitcast(address(context, builder, sig.args[0], *args), byte)
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, word, word, word]), "llvm.prefetch.p0"
        )
        for line in range(0, LANES * array.dtype.bitwidth // 8, 64):
            builder.call(function, [builder.gep(place, [word(line)]), word(0), word(2), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), code


@intrinsic
def settle(typingctx: Any) -> Any:
    """Waits for what store_around wrote."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), code
