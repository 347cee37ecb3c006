"""How compiled kernels see the state: one pointer, whatever the number of its tables.

A tuple of arrays is copied, about seven words an array, into every call; the engine's rules are many small calls. The
kernels therefore get the address of a block of words, three for each table: where its data stands, and its two
lengths (a table of one dimension has 1 as its second). A table is read as an attribute, as in plain Python. The block
belongs to one ``State`` and never changes, so the compiler may read each word once.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core.datamodel import models, register_default
from numba.core.imputils import impl_ret_borrowed, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, typeof_impl, unbox
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

WORDS = 3
"""Words of the block for each table."""

_word = ir.IntType(64)


class TablesType(types.Type):
    """The type of a state in kernels; ``tables`` has the array type of each attribute, in the order of the block.

    Its name tells other tables apart, since compiled kernels are kept and found by the names of their types.
    """

    def __init__(self, name: str, tables: Mapping[str, types.Array]) -> None:
        content = repr([(field, str(kind)) for field, kind in tables.items()])
        digest = hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
        super().__init__(name=f"Tables({name}, {digest})")
        self.tables = dict(tables)


register_default(TablesType)(models.OpaqueModel)


def block_of(tables: list[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the block of words for tables of one or two dimensions, each in one piece of memory."""
    words = []
    for table in tables:
        if not table.flags.c_contiguous:
            raise ValueError("a table of the state stands in one piece of memory")
        words += [table.ctypes.data, *table.shape, 1][:WORDS]
    return np.array(words, np.int64)


def register(of: type, name: str, tables: Mapping[str, NDArray[Any]]) -> None:
    """Let kernels take objects of a class; ``tables`` shows the kind of each table in the order of the block.

    The objects have the block's address as ``address``, and keep tables and block alive.
    """
    kind = TablesType(name, {field: typeof(table) for field, table in tables.items()})
    typeof_impl.register(of)(lambda _value, _context: kind)


@unbox(TablesType)
def _take_address(_kind: Any, value: Any, context: Any) -> NativeValue:
    number = context.pyapi.object_getattr_string(value, "address")
    address = context.pyapi.long_as_voidptr(number)
    context.pyapi.decref(number)
    return NativeValue(address)


@infer_getattr
class _Tables(AttributeTemplate):
    key = TablesType

    def generic_resolve(self, kind: TablesType, name: str) -> Any:
        return kind.tables.get(name)


@lower_getattr_generic(TablesType)
def _read_table(context: Any, builder: Any, kind: TablesType, block: Any, name: str) -> Any:
    array = kind.tables[name]
    first = WORDS * list(kind.tables).index(name)
    words = builder.bitcast(block, _word.as_pointer())
    never_changes = builder.module.add_metadata([])

    def word(place: int) -> Any:
        loaded = builder.load(builder.gep(words, [_word(first + place)], inbounds=True))
        loaded.set_metadata("invariant.load", never_changes)
        return loaded

    table = make_array(array)(context, builder)
    shape = [word(1 + dimension) for dimension in range(array.ndim)]
    itemsize = context.get_abi_sizeof(context.get_data_type(array.dtype))
    strides = [_word(itemsize)]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    populate_array(
        table,
        data=builder.inttoptr(word(0), table.data.type),
        shape=shape,
        strides=strides,
        itemsize=_word(itemsize),
        meminfo=None,
    )
    return impl_ret_borrowed(context, builder, array, table._getvalue())  # noqa: SLF001 - numba's own way
