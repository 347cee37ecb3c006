"""Asking the processor for a row before it is needed."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LINE = 64
"""Bytes that come from memory together."""

_byte, _number = ir.IntType(8), ir.IntType(32)


@intrinsic
def prefetch(typing_context: Any, table: Any, row: Any) -> Any:  # noqa: ARG001 - numba's calling convention
    """Ask for all lines of one row of a table, which is then there some hundred instructions later.

    Nothing is read or changed, so any row will do. Compiled code only.
    """
    signature = types.void(table, types.int64)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        array = make_array(kind)(context, builder, arguments[0])
        size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        address = builder.bitcast(array.data, _byte.as_pointer())
        address = builder.gep(address, [builder.mul(arguments[1], arguments[1].type(size))])
        pointer = _byte.as_pointer()
        form = ir.FunctionType(ir.VoidType(), [pointer, _number, _number, _number])
        ask = cgutils.get_or_insert_function(builder.module, form, "llvm.prefetch.p0")
        for place in [*range(0, size, LINE), size - 1]:
            line = builder.gep(address, [ir.IntType(64)(place)])
            builder.call(ask, [line, _number(1), _number(3), _number(1)])
        return context.get_dummy_value()

    return signature, build
