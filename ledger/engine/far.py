"""A call that the compiler does not look into.

numba compiles a kernel together with all that it calls, and whoever calls that one again with all of it. Nearly every
rule applies its events before it goes on, so each would carry a copy of all that ``evolve`` does. Called through its
address, that part is compiled once: the engine compiles in a third of the time, and runs as fast.
"""

from functools import cache
from typing import Any

from numba import typeof, types
from numba.core import cgutils
from numba.core.dispatcher import Dispatcher
from numba.extending import intrinsic

from ledger.engine.state import State


@intrinsic
def call_far(typing_context: Any, state: Any, address: Any) -> Any:  # noqa: ARG001 - numba's calling convention
    """Call the kernel of ``(State) -> None`` that stands at an address, which must not be 0."""
    signature = types.void(state, types.int64)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        taken = (signature.args[0],)
        kind = context.call_conv.get_function_type(types.none, taken)
        pointer = builder.inttoptr(arguments[1], kind.as_pointer())
        status, _ = context.call_conv.call_function(builder, pointer, types.none, taken, [arguments[0]])
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return signature, build


@cache
def address_of(kernel: Any, kind: Any) -> int:
    """Return where the machine code of a kernel for one type of state stands in this process."""
    kernel.compile((kind,))
    compiled = kernel.overloads[(kind,)]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


def far_address(kernel: Any, state: State) -> int:
    """Return the address of a kernel of ``(State) -> None``; 0 where the engine runs as plain Python."""
    if not isinstance(kernel, Dispatcher):
        return 0
    return address_of(kernel, typeof(state))
