"""Loads and stores of 16 bytes, which numba-cuda's arrays do not have: four numbers of float32, two of float64.

A GPU moves 16 bytes in one instruction where their address is a multiple of 16; anything else is a fault. So `at`, an
index of a flat array, must be a multiple of the numbers in 16 bytes, and the array must begin at such an address.
`numbers` is a local array, which the compiler keeps in registers.
"""

from __future__ import annotations

from .compiling import SIMULATED

BYTES = 16

if SIMULATED:

    def _vector(array, at):
        count = BYTES // array.itemsize
        assert at % count == 0
        assert 0 <= at <= array.size - count
        return slice(at, at + count), count

    def load_vector(array, at, numbers, first):
        """numbers[first], numbers[first + 1] ... = array[at], array[at + 1] ..., 16 bytes."""
        place, count = _vector(array, at)
        numbers[first : first + count] = array[place]

    def store_vector(array, at, numbers, first):
        """array[at], array[at + 1] ... = numbers[first], numbers[first + 1] ..., 16 bytes."""
        place, count = _vector(array, at)
        array[place] = numbers[first : first + count]

else:
    from llvmlite import ir
    from numba import types
    from numba.cuda.extending import intrinsic

    def _addresses(context, builder, sig, args):
        """The vector's address, its type, and the addresses of the numbers in registers."""
        array, at, numbers, first = args
        count = BYTES * 8 // sig.args[0].dtype.bitwidth
        vector = ir.VectorType(context.get_value_type(sig.args[0].dtype), count)
        data = context.make_array(sig.args[0])(context, builder, value=array).data
        index = context.cast(builder, at, sig.args[1], types.intp)
        place = builder.bitcast(builder.gep(data, [index]), vector.as_pointer())
        registers = context.make_array(sig.args[2])(context, builder, value=numbers).data
        start = context.cast(builder, first, sig.args[3], types.intp)
        offsets = [builder.add(start, context.get_constant(types.intp, i)) for i in range(count)]
        return place, vector, [builder.gep(registers, [offset]) for offset in offsets]

    def _lane(i):
        return ir.Constant(ir.IntType(32), i)

    @intrinsic
    def load_vector(typingctx, array, at, numbers, first):
        """numbers[first], numbers[first + 1] ... = array[at], array[at + 1] ..., 16 bytes."""

        def code(context, builder, sig, args):
            place, _, registers = _addresses(context, builder, sig, args)
            loaded = builder.load(place, align=BYTES)
            for i, register in enumerate(registers):
                builder.store(builder.extract_element(loaded, _lane(i)), register)
            return context.get_dummy_value()

        return types.void(array, at, numbers, first), code

    @intrinsic
    def store_vector(typingctx, array, at, numbers, first):
        """array[at], array[at + 1] ... = numbers[first], numbers[first + 1] ..., 16 bytes."""

        def code(context, builder, sig, args):
            place, vector, registers = _addresses(context, builder, sig, args)
            whole = ir.Constant(vector, ir.Undefined)
            for i, register in enumerate(registers):
                whole = builder.insert_element(whole, builder.load(register), _lane(i))
            builder.store(whole, place, align=BYTES)
            return context.get_dummy_value()

        return types.void(array, at, numbers, first), code
