"""The inner loops of the matrix products as LLVM's IR: a tile of the result in registers, and a transposition.

A tile is up to 6 rows by 2 vectors: 12 accumulators, 2 vectors of B and one broadcast element of A, which are the 15
of 16 registers of AVX2. AVX-512 has twice the width and needs no more of them; NEON takes a vector as two of its 32.
"""

from __future__ import annotations

import os
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .simd import address

ROWS = 6


def _vector_bytes() -> int:
    """The width of a register; Numba's own setting of the processor, if there is one, may be narrower."""
    if "NUMBA_CPU_NAME" in os.environ or "NUMBA_CPU_FEATURES" in os.environ:
        return 32
    return 64 if binding.get_host_cpu_features().get("avx512f", False) else 32


VECTOR_BYTES = _vector_bytes()


def panel_columns(itemsize: int) -> int:
    """The columns of a tile for elements of that size."""
    return 2 * VECTOR_BYTES // itemsize


def _vector(dtype: Any) -> Any:
    lanes = VECTOR_BYTES * 8 // dtype.bitwidth
    return ir.VectorType(ir.FloatType() if dtype == types.float32 else ir.DoubleType(), lanes)


def _at(builder: Any, place: Any, offset: Any, vector: Any) -> Any:
    return builder.bitcast(builder.gep(place, [offset]), vector.as_pointer())


@intrinsic
def width(typingctx: Any, like: Any) -> Any:
    """The columns of a tile for the elements of an array."""
    columns = panel_columns(like.dtype.bitwidth // 8)
    return types.intp(like), lambda context, builder, sig, args: ir.Constant(ir.IntType(64), columns)


@intrinsic(prefer_literal=True)
def tile(
    typingctx: Any,
    rows: Any,
    a: Any,
    a_at: Any,
    a_row: Any,
    a_step: Any,
    b: Any,
    b_at: Any,
    b_step: Any,
    depth: Any,
    c: Any,
    c_at: Any,
    c_row: Any,
    bias: Any,
    bias_at: Any,
    start: Any,
) -> Any:
    """A tile of A B: c[i, :] for `rows` rows (a literal) and width(c) columns, summed over `depth` in ascending order.

    A's element (i, k) is a[a_at + i a_row + k a_step], B's row k begins at b[b_at + k b_step], c's row i at
    c[c_at + i c_row]. A sum starts at 0 (start 0), at the bias (1), or at 0 and is added to c in the end (2).
    """
    if not isinstance(rows, types.IntegerLiteral):
        return None
    count, vector = rows.literal_value, _vector(a.dtype)
    lanes, i64 = vector.count, ir.IntType(64)
    align = a.dtype.bitwidth // 8
    fma_name = f"llvm.fma.v{lanes}{'f32' if a.dtype == types.float32 else 'f64'}"

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        (_, a_v, a_at_v, a_row_v, a_step_v, b_v, b_at_v, b_step_v, depth_v) = args[:9]
        (c_v, c_at_v, c_row_v, bias_v, bias_at_v, start_v) = args[9:]
        zero_index = i64(0)
        a_base = address(context, builder, sig.args[1], a_v, a_at_v)
        a_places = [builder.gep(a_base, [builder.mul(i64(i), a_row_v)]) for i in range(count)]
        b_place = address(context, builder, sig.args[5], b_v, b_at_v)
        c_base = address(context, builder, sig.args[9], c_v, c_at_v)
        c_places = [builder.gep(c_base, [builder.mul(i64(i), c_row_v)]) for i in range(count)]
        bias_place = address(context, builder, sig.args[12], bias_v, bias_at_v)
        fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), fma_name)
        nothing = ir.Constant(vector, [0.0] * lanes)

        from_bias = builder.icmp_signed("==", start_v, start_v.type(1))
        before = builder.block
        with builder.if_then(from_bias):
            heads = [builder.load(_at(builder, bias_place, i64(v * lanes), vector), align=align) for v in range(2)]
            after_heads = builder.block
        first = []
        for v in range(2):
            phi = builder.phi(vector)
            phi.add_incoming(nothing, before)
            phi.add_incoming(heads[v], after_heads)
            first.append(phi)

        entry = builder.block
        loop, end = builder.append_basic_block("depth"), builder.append_basic_block("depth.end")
        builder.cbranch(builder.icmp_signed(">", depth_v, zero_index), loop, end)
        builder.position_at_end(loop)
        k, a_offset, b_here = builder.phi(i64), builder.phi(i64), builder.phi(b_place.type)
        sums = [[builder.phi(vector) for _ in range(2)] for _ in range(count)]
        b_vectors = [builder.load(_at(builder, b_here, i64(v * lanes), vector), align=align) for v in range(2)]
        added = []
        splat = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        undefined = ir.Constant(vector, ir.Undefined)
        for i in range(count):
            element = builder.load(builder.gep(a_places[i], [a_offset]), align=align)
            spread = builder.shuffle_vector(
                builder.insert_element(undefined, element, ir.IntType(32)(0)), undefined, splat
            )
            added.append([builder.call(fma, [spread, b_vectors[v], sums[i][v]]) for v in range(2)])
        k_next, a_next = builder.add(k, i64(1)), builder.add(a_offset, a_step_v)
        b_next = builder.gep(b_here, [b_step_v])
        for phi, initial, later in ((k, zero_index, k_next), (a_offset, zero_index, a_next), (b_here, b_place, b_next)):
            phi.add_incoming(initial, entry)
            phi.add_incoming(later, loop)
        for i in range(count):
            for v in range(2):
                sums[i][v].add_incoming(first[v], entry)
                sums[i][v].add_incoming(added[i][v], loop)
        builder.cbranch(builder.icmp_signed("<", k_next, depth_v), loop, end)

        builder.position_at_end(end)
        results = []
        for i in range(count):
            for v in range(2):
                phi = builder.phi(vector)
                phi.add_incoming(first[v], entry)
                phi.add_incoming(added[i][v], loop)
                results.append((i, v, phi))
        is_more = builder.icmp_signed("==", start_v, start_v.type(2))
        with builder.if_else(is_more) as (more, fresh):
            with more:
                for i, v, value in results:
                    place = _at(builder, c_places[i], i64(v * lanes), vector)
                    builder.store(builder.fadd(builder.load(place, align=align), value), place, align=align)
            with fresh:
                for i, v, value in results:
                    builder.store(value, _at(builder, c_places[i], i64(v * lanes), vector), align=align)
        return context.get_dummy_value()

    sizes = [types.intp] * 3
    result = types.void(
        rows, a, *sizes, b, types.intp, types.intp, types.intp, c, types.intp, types.intp, bias, types.intp, types.intp
    )
    return result, code


@intrinsic
def transpose(typingctx: Any, source: Any, from_at: Any, from_row: Any, target: Any, to_at: Any, to_row: Any) -> Any:
    """Copies a square of width / 2 rows and columns, transposed."""
    vector = _vector(source.dtype)
    lanes, align, i64 = vector.count, source.dtype.bitwidth // 8, ir.IntType(64)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source_v, from_v, from_row_v, target_v, to_v, to_row_v = args
        here = address(context, builder, sig.args[0], source_v, from_v)
        there = address(context, builder, sig.args[3], target_v, to_v)
        rows = [
            builder.load(_at(builder, here, builder.mul(i64(i), from_row_v), vector), align=align) for i in range(lanes)
        ]
        distance = lanes // 2
        while distance:  # swaps the off-diagonal squares of that size
            low = [j if not j & distance else lanes + j - distance for j in range(lanes)]
            high = [j + distance if not j & distance else lanes + j for j in range(lanes)]
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), lanes), m) for m in (low, high)]
            for i in range(lanes):
                if not i & distance:
                    pair = rows[i], rows[i + distance]
                    rows[i], rows[i + distance] = (builder.shuffle_vector(*pair, mask) for mask in masks)
            distance //= 2
        for i in range(lanes):
            builder.store(rows[i], _at(builder, there, builder.mul(i64(i), to_row_v), vector), align=align)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp, types.intp), code
