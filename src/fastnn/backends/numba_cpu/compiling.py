"""How everything in this package is compiled, in one place, and the sentence for a missing Numba."""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    import numba
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic
except ImportError as error:
    raise ImportError(
        "the numba backend needs the package numba; install it with `pip install 'fastnn-kernels[numba]'`"
    ) from error

# No fastmath, not even contraction: every fused multiply-add is written out (simd.fma), so that the bits of an element
# do not depend on what LLVM makes of the code around it.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
# Without Numba's counting of references, whose calls inside a loop spill every vector: a third of softmax's time.
_BARE: dict[str, Any] = {**_OPTIONS, "_nrt": False}

kernel: Any = numba.njit(cache=True, **_BARE)
"""Decorates a function that Python or a user's compiled code calls; it makes no arrays."""

allocating: Any = numba.njit(cache=True, **_OPTIONS)
"""Decorates such a function that makes arrays; its loops belong into kernels that it calls."""

parallel: Any = numba.njit(cache=True, parallel=True, **_OPTIONS)
"""Decorates a driver that splits a kernel over Numba's threads."""

inlined: Any = numba.njit(forceinline=True, **_BARE)
"""Decorates a piece that becomes part of every kernel that calls it."""


@intrinsic
def call_at(typingctx: Any, address: Any, *args: Any) -> Any:
    """Calls a compiled kernel by its address (see address_of) with the arguments that it was compiled for.

    By address, because Numba would otherwise compile each kernel a second time, as a part of its driver: that doubled
    the time of the first call. So one machine code computes on one thread and on many.
    """
    given = args[0] if len(args) == 1 and isinstance(args[0], types.BaseTuple) else types.Tuple(args)

    def code(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        arguments = cgutils.unpack_tuple(builder, values[1], len(given))
        kinds = [types.unliteral(kind) for kind in given]
        function = context.call_conv.get_function_type(types.none, kinds)
        place = builder.inttoptr(values[0], function.as_pointer())
        status, _ = context.call_conv.call_function(builder, place, types.none, kinds, arguments)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(types.intp, types.StarArgTuple(given)), code


_addresses: dict[tuple[Any, Any], int] = {}


def address_of(compiled: Any, args: tuple[Any, ...]) -> int:
    """The address of a kernel's machine code for these arguments and two integers behind them.

    Of its arguments' types only the dtype of the first array varies.
    """
    key = compiled, next(a.dtype for a in args if isinstance(a, np.ndarray))
    if key not in _addresses:
        kinds = (*map(numba.typeof, args), types.int64, types.int64)
        compiled.compile(kinds)
        result = compiled.overloads[kinds]
        _addresses[key] = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
    return _addresses[key]
