"""What the pool asks of a call before it lets it in: refusals that are sure to come, told at once by a number.

Source: ``substrate_rpc`` section 12. In a block the same conditions are errors of the call itself, except for calls
that cost nothing: those may not even stand in a block when they are sure to fail, since nobody would pay for them.
"""

from collections.abc import Callable
from typing import Any, Final

from chain.extrinsic import split_call
from chain.runtime import balances, fees, weight_prechecks
from chain.runtime.errors import Inadmissible
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import coldkey_swap, identities, networks, pools, positions, takes
from chain.runtime.subtensor.staking import MIN_STAKE

SWAP_ANNOUNCED: Final = 0
AMOUNT_TOO_LOW: Final = 1
BALANCE_TOO_LOW: Final = 2
NO_SUBNET: Final = 3
NO_HOTKEY: Final = 4
STAKE_TOO_LOW: Final = 5
RATE_LIMIT: Final = 6
TRANSFER_DISALLOWED: Final = 9
NOT_REGISTERED: Final = 10
BAD_IP: Final = 11
SERVING_RATE_LIMIT: Final = 12
BAD_PORT: Final = 13
SWAP_DISPUTED: Final = 21
NOT_ASSOCIATED: Final = 25
TAKE_TOO_LOW: Final = 26
TAKE_TOO_HIGH: Final = 27

_MODULE: Final = "SubtensorModule"
_AXON: Final = {
    "HotKeyNotRegisteredInNetwork": NOT_REGISTERED,
    "InvalidIpType": BAD_IP,
    "InvalidIpAddress": BAD_IP,
    "InvalidPort": BAD_PORT,
    "ServingRateLimitExceeded": SERVING_RATE_LIMIT,
}

View = Overlay | State
Args = dict[str, Any]
Precheck = Callable[[View, bytes, Args, int], int | None]
"""Returns the number of the refusal, or ``None``; asked with state, signer, arguments and the block to come."""


def check(view: View, signer: bytes, call: Any, block: int) -> None:
    """Raise ``Inadmissible`` for a ready call that is sure to fail in the next block."""
    pallet, name, args = split_call(call)
    barred = coldkey_swap.barred_by(view, signer, pallet, name)
    number: int | None = None
    if barred is not None:
        number = SWAP_DISPUTED if barred == "ColdkeySwapDisputed" else SWAP_ANNOUNCED
    elif pallet == _MODULE and name in _CHECKS:
        number = _CHECKS[name](view, signer, args, block)
    if number is not None:
        raise Inadmissible(f"Custom error: {number}")


def check_free(view: View, signer: bytes, call: Any, block: int) -> None:
    """Raise ``Inadmissible`` for a call without fee that is sure to fail: it may not stand in a block."""
    if fees.is_free(call):
        check(view, signer, call, block)


def _add(view: View, signer: bytes, args: Args, block: int) -> int | None:  # noqa: ARG001 - as all checks
    if not pools.exists(view, args["netuid"]):
        return NO_SUBNET
    if args["amount_staked"] < MIN_STAKE:
        return AMOUNT_TOO_LOW
    if not positions.hotkey_exists(view, args["hotkey"]):
        return NO_HOTKEY
    return BALANCE_TOO_LOW if args["amount_staked"] > balances.free_rao(view, signer) else None


def _remove(view: View, signer: bytes, args: Args, block: int) -> int | None:  # noqa: ARG001
    if not pools.exists(view, args["netuid"]):
        return NO_SUBNET
    if not positions.hotkey_exists(view, args["hotkey"]):
        return NO_HOTKEY
    if args["amount_unstaked"] == 0:
        return AMOUNT_TOO_LOW
    stake = positions.stake_of(view, args["hotkey"], signer, args["netuid"])
    return STAKE_TOO_LOW if stake == 0 else None


def _remove_limit(view: View, signer: bytes, args: Args, block: int) -> int | None:
    number = _remove(view, signer, args, block)
    if number is not None:
        return number
    stake = positions.stake_of(view, args["hotkey"], signer, args["netuid"])
    return STAKE_TOO_LOW if args["amount_unstaked"] > stake else None


def _between(view: View, signer: bytes, args: Args, block: int) -> int | None:  # noqa: ARG001
    if not all(pools.exists(view, args[name]) for name in ("origin_netuid", "destination_netuid")):
        return NO_SUBNET
    hotkeys = [args[name] for name in ("hotkey", "origin_hotkey", "destination_hotkey") if name in args]
    if not all(positions.hotkey_exists(view, hotkey) for hotkey in hotkeys):
        return NO_HOTKEY
    stake = positions.stake_of(view, hotkeys[0], signer, args["origin_netuid"])
    return STAKE_TOO_LOW if stake == 0 else None


def _transfer(view: View, signer: bytes, args: Args, block: int) -> int | None:
    number = _between(view, signer, args, block)
    if number is not None:
        return number
    open_ = (view.get(f"{_MODULE}.TransferToggle", args[name]) for name in ("origin_netuid", "destination_netuid"))
    return None if all(open_) else TRANSFER_DISALLOWED


def _register_network(view: View, signer: bytes, args: Args, block: int) -> int | None:  # noqa: ARG001
    return RATE_LIMIT if networks.is_too_early(view, block) else None


def _serve_axon(view: View, signer: bytes, args: Args, block: int) -> int | None:
    reason = identities.axon_refusal(view, signer, args, block)
    return None if reason is None else _AXON[reason]


def _take(view: View, signer: bytes, args: Args, *, raised: bool) -> int | None:
    hotkey, take = args["hotkey"], args["take"]
    if not positions.hotkey_exists(view, hotkey):
        return NO_HOTKEY
    if positions.owner_of(view, hotkey) != signer:
        return NOT_ASSOCIATED
    now = view.get(f"{_MODULE}.Delegates", hotkey)
    if take > view.get(f"{_MODULE}.MaxDelegateTake"):
        return TAKE_TOO_HIGH
    if raised:
        return TAKE_TOO_LOW if take <= now and view.contains(f"{_MODULE}.Delegates", hotkey) else None
    return TAKE_TOO_LOW if take >= now or take < view.get(f"{_MODULE}.MinDelegateTake") else None


def _increase_take(view: View, signer: bytes, args: Args, block: int) -> int | None:
    number = _take(view, signer, args, raised=True)
    if number is None and takes.is_raised_too_early(view, args["hotkey"], block):
        return RATE_LIMIT
    return number


def _decrease_take(view: View, signer: bytes, args: Args, block: int) -> int | None:  # noqa: ARG001
    return _take(view, signer, args, raised=False)


_CHECKS: Final[dict[str, Precheck]] = {
    "add_stake": _add,
    "add_stake_limit": _add,
    "remove_stake": _remove,
    "remove_stake_limit": _remove_limit,
    "move_stake": _between,
    "swap_stake": _between,
    "swap_stake_limit": _between,
    "transfer_stake": _transfer,
    "register_network": _register_network,
    "serve_axon": _serve_axon,
    "increase_take": _increase_take,
    "decrease_take": _decrease_take,
    **weight_prechecks.CHECKS,
}
