"""System and Timestamp: block numbers and hashes, remarks, and the one inherent that sets the time."""

from typing import Any, Final

from chain.hashing import blake2b_256
from chain.runtime.context import Context, Origin, signed
from chain.runtime.parameters import Parameters


def begin_block(context: Context, parameters: Parameters) -> None:
    """Record number and parent, and forget the hash that no era can name any more."""
    overlay = context.overlay
    overlay.put("System.Number", context.number)
    overlay.put("System.ParentHash", context.parent_hash)
    overlay.put("System.BlockHash", context.number - 1, context.parent_hash)
    expired = context.number - 1 - parameters.era_max
    if expired >= 0:
        overlay.delete("System.BlockHash", expired)


def set_time(context: Context) -> None:
    """Record the block's time in milliseconds."""
    context.overlay.put("Timestamp.Now", context.time_ms)


def call_remark(context: Context, origin: Origin, args: dict[str, Any]) -> None:  # noqa: ARG001 - as all calls
    """Do nothing: the bytes stand in the block for whoever looks for them."""
    signed(origin)


def call_remark_with_event(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Tell the hash of some bytes in an event."""
    sender = signed(origin)
    context.emit("System", "Remarked", {"sender": sender, "hash": blake2b_256(args["remark"])})


CALLS: Final = {
    ("System", "remark"): call_remark,
    ("System", "remark_with_event"): call_remark_with_event,
}
