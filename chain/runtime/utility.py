"""Utility: several calls in one extrinsic, which stop, undo everything, or go on at the first that fails."""

from typing import Any, Final

from chain.runtime.context import Context, Origin
from chain.runtime.errors import DispatchFailed, failed

CALLS_MAX: Final = 10_922


def call_batch(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Run calls until one fails; what succeeded before it stays."""
    for index, call in enumerate(_bounded(args["calls"])):
        try:
            context.dispatch(context, origin, call)
        except DispatchFailed as refusal:
            context.emit("Utility", "BatchInterrupted", {"index": index, "error": refusal.error})
            return
        context.emit("Utility", "ItemCompleted")
    context.emit("Utility", "BatchCompleted")


def call_batch_all(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Run all calls or none; raises ``DispatchFailed`` with the error of the first that fails."""
    for call in _bounded(args["calls"]):
        context.dispatch(context, origin, call)
        context.emit("Utility", "ItemCompleted")
    context.emit("Utility", "BatchCompleted")


def call_force_batch(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Run all calls, whatever becomes of each."""
    completed = True
    for call in _bounded(args["calls"]):
        try:
            context.dispatch(context, origin, call)
        except DispatchFailed as refusal:
            completed = False
            context.emit("Utility", "ItemFailed", {"error": refusal.error})
        else:
            context.emit("Utility", "ItemCompleted")
    context.emit("Utility", "BatchCompleted" if completed else "BatchCompletedWithErrors")


def _bounded(calls: list[Any]) -> list[Any]:
    if len(calls) > CALLS_MAX:
        raise failed("Utility", "TooManyCalls")
    return calls


CALLS: Final = {
    ("Utility", "batch"): call_batch,
    ("Utility", "batch_all"): call_batch_all,
    ("Utility", "force_batch"): call_force_batch,
}
