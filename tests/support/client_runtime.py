"""The codec of an unmodified client library, fed with this chain's metadata."""

from typing import Any

from async_substrate_interface.types import Runtime
from scalecodec import ScaleBytes


def client_runtime(metadata: bytes) -> Runtime:
    """Return the client's view of a runtime that answers with this metadata."""
    return Runtime.deserialize(
        {
            "chain": "test",
            "type_registry": {},
            "metadata_value": metadata,
            "runtime_info": {"specVersion": 424, "transactionVersion": 1},
            "ss58_format": 42,
        }
    )


def encode_call(runtime: Runtime, module: str, function: str, args: dict[str, Any]) -> bytes:
    """Return the bytes of a call as the client composes it."""
    call = runtime.runtime_config.create_scale_object(type_string="Call", metadata=runtime.metadata)
    call.encode({"call_module": module, "call_function": function, "call_args": args})
    return bytes(call.data.data)


def decode_storage(runtime: Runtime, module: str, item: str, data: bytes) -> Any:
    """Return the client's reading of a storage value."""
    pallet = runtime.metadata.get_metadata_pallet(module)
    type_string = pallet.get_storage_function(item).get_value_type_string()
    return runtime.runtime_config.create_scale_object(
        type_string, data=ScaleBytes(data), metadata=runtime.metadata
    ).decode()
