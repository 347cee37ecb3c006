"""Which function answers which call, and the rules around every call: filters first, then all or nothing."""

from collections.abc import Callable
from typing import Any, Final

from chain.extrinsic import split_call
from chain.runtime import admin, balances, proxy, sudo, system, utility
from chain.runtime.context import Context, Origin
from chain.runtime.errors import CALL_FILTERED, DispatchFailed, failed
from chain.runtime.proxy_types import allows, includes
from chain.runtime.subtensor import (
    auto_stake,
    children,
    coldkey_swap,
    commits,
    dissolve,
    exits,
    hotkey_swap,
    identities,
    locks,
    moves,
    networks,
    registration,
    root_claims,
    staking,
    takes,
    tempo,
    weight_setting,
)

Handler = Callable[[Context, Origin, dict[str, Any]], None]

HANDLERS: Final[dict[tuple[str, str], Handler]] = {
    **system.CALLS,
    **balances.CALLS,
    **staking.CALLS,
    **moves.CALLS,
    **exits.CALLS,
    **root_claims.CALLS,
    **takes.CALLS,
    **auto_stake.CALLS,
    **identities.CALLS,
    **hotkey_swap.CALLS,
    **locks.CALLS,
    **coldkey_swap.CALLS,
    **registration.CALLS,
    **networks.CALLS,
    **children.CALLS,
    **dissolve.CALLS,
    **weight_setting.CALLS,
    **commits.CALLS,
    **tempo.CALLS,
    **utility.CALLS,
    **proxy.CALLS,
    **sudo.CALLS,
    **admin.CALLS,
}
"""Every call the chain carries out; others decode, fail with ``System.CallFiltered`` and pay their fee."""


def dispatch(context: Context, origin: Origin, call: Any) -> None:
    """Run a call in a transaction of its own; raises ``DispatchFailed``, and then nothing but that has happened."""
    pallet, name, args = split_call(call)
    handler = HANDLERS.get((pallet, name))
    if handler is None or not all(_may(proxy_type, call) for proxy_type in origin.proxy_types):
        raise DispatchFailed(CALL_FILTERED)
    if origin.account is not None:
        barred = coldkey_swap.barred_by(context.overlay, origin.account, pallet, name)
        if barred is not None:
            raise failed("SubtensorModule", barred)
    with context.overlay.transaction():
        handler(context, origin, args)


def _may(proxy_type: str, call: Any) -> bool:
    """Tell what a proxy may do; it never gives away more than it has itself."""
    pallet, name, args = split_call(call)
    if pallet == "Proxy" and name in {"add_proxy", "remove_proxy"} and not includes(proxy_type, args["proxy_type"]):
        return False
    if pallet == "Proxy" and name in {"remove_proxies", "kill_pure"} and proxy_type != "Any":
        return False
    return allows(proxy_type, call)
