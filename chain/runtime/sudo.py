"""Sudo: on a development chain one key may act as root."""

from typing import Any, Final

from chain.runtime.context import ROOT, Context, Origin, signed
from chain.runtime.errors import DispatchFailed, failed
from chain.runtime.proxy import OK


def call_sudo(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Make a call as root; what becomes of it is told in ``Sudid`` and is not an error here."""
    key = context.overlay.get("Sudo.Key")
    if key is None or signed(origin) != key:
        raise failed("Sudo", "RequireSudo")
    result: Any = OK
    try:
        context.dispatch(context, ROOT, args["call"])
    except DispatchFailed as refusal:
        result = ("Err", refusal.error)
    context.emit("Sudo", "Sudid", {"sudo_result": result})


CALLS: Final = {("Sudo", "sudo"): call_sudo}
