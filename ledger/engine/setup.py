"""Accounts, API keys, chain keys, hotkeys, addresses and announced funding: what operators set up before money moves.

Names, public keys and other texts are payload; the shell checks them before these rules run.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, EventKind, Flag, KeyRole
from ledger.engine.listing import market_slot
from ledger.engine.parameters import (
    ACCOUNTS_MAX,
    ADDRESSES_MAX,
    CHAIN_KEYS_MAX,
    FUNDINGS_MAX,
    HOTKEYS_MAX,
)
from ledger.engine.rules import answer, append, reject
from ledger.engine.state import Row, State
from ledger.errors import Refusal


@kernel
def account_exists(state: State, account: int) -> bool:
    """Tell whether an account was opened."""
    return 1 <= account <= state.scalars[0]["accounts"]


@kernel
def decide_open_account(state: State, command: Row) -> None:
    """Open the next account. Refuses: TOO_MANY (and, by the shell, NAME_MALFORMED, NAME_TAKEN)."""
    number = state.scalars[0]["accounts"] + 1
    if number > ACCOUNTS_MAX:
        return reject(state, command, Refusal.TOO_MANY.value, number, ACCOUNTS_MAX)
    event = append(state, EventKind.ACCOUNT_OPENED.value)
    event["account"] = number
    event["payload"] = command["payload"]
    return answer(state, event, command)


@kernel
def decide_api_key(state: State, command: Row) -> None:
    """Add an API key to an account. Refuses: UNKNOWN_ACCOUNT."""
    if not account_exists(state, command["account"]):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, command["account"], state.scalars[0]["accounts"])
    event = append(state, EventKind.API_KEY_ADDED.value)
    event["account"] = command["account"]
    event["aux"] = command["aux"]
    event["limit"] = command["limit"]
    event["payload"] = command["payload"]
    return answer(state, event, command)


@kernel
def decide_chain_key(state: State, command: Row) -> None:
    """Add the next of our chain keys.

    Refuses: NUMBER_OUT_OF_ORDER, TOO_MANY, ROLE_MALFORMED, ROLE_TAKEN (one hot and one trading key), UNKNOWN_ACCOUNT.
    """
    scalars = state.scalars[0]
    number = scalars["keys"] + 1
    role = command["code"]
    if command["key"] != number:
        return reject(state, command, Refusal.NUMBER_OUT_OF_ORDER.value, command["key"], number)
    if number > CHAIN_KEYS_MAX:
        return reject(state, command, Refusal.TOO_MANY.value, number, CHAIN_KEYS_MAX)
    if not KeyRole.HOT.value <= role <= KeyRole.DEPOSIT.value:
        return reject(state, command, Refusal.ROLE_MALFORMED.value, role, KeyRole.DEPOSIT.value)
    if role == KeyRole.HOT.value and scalars["hot_key"] != 0:
        return reject(state, command, Refusal.ROLE_TAKEN.value, role, scalars["hot_key"])
    if role == KeyRole.TRADING.value and scalars["trading_key"] != 0:
        return reject(state, command, Refusal.ROLE_TAKEN.value, role, scalars["trading_key"])
    if role == KeyRole.DEPOSIT.value and not account_exists(state, command["account"]):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, command["account"], scalars["accounts"])
    if role != KeyRole.DEPOSIT.value and command["account"] != 0:
        return reject(state, command, Refusal.ROLE_MALFORMED.value, role, KeyRole.DEPOSIT.value)
    event = append(state, EventKind.CHAIN_KEY_ADDED.value)
    event["key"] = number
    event["code"] = role
    event["account"] = command["account"]
    event["payload"] = command["payload"]
    return answer(state, event, command)


@kernel
def decide_hotkey(state: State, command: Row) -> None:
    """Add the next hotkey. Refuses: NUMBER_OUT_OF_ORDER, TOO_MANY."""
    number = state.scalars[0]["hotkeys"] + 1
    if command["other"] != number:
        return reject(state, command, Refusal.NUMBER_OUT_OF_ORDER.value, command["other"], number)
    if number > HOTKEYS_MAX:
        return reject(state, command, Refusal.TOO_MANY.value, number, HOTKEYS_MAX)
    event = append(state, EventKind.HOTKEY_ADDED.value)
    event["other"] = number
    event["payload"] = command["payload"]
    return answer(state, event, command)


@kernel
def decide_address(state: State, command: Row) -> None:
    """Enter an address into a customer's book.

    Refuses: UNKNOWN_ACCOUNT, UNKNOWN_MARKET (alpha), UNKNOWN_HOTKEY, TOO_MANY.
    """
    scalars = state.scalars[0]
    alpha = command["flags"] & Flag.ALPHA.value
    if not account_exists(state, command["account"]):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, command["account"], scalars["accounts"])
    if alpha != 0 and market_slot(state, command["netuid"]) < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, command["netuid"], 0)
    if command["other"] > scalars["hotkeys"]:
        return reject(state, command, Refusal.UNKNOWN_HOTKEY.value, command["other"], scalars["hotkeys"])
    if scalars["addresses"] >= ADDRESSES_MAX:
        return reject(state, command, Refusal.TOO_MANY.value, scalars["addresses"], ADDRESSES_MAX)
    event = append(state, EventKind.ADDRESS_ADDED.value)
    event["account"] = command["account"]
    event["netuid"] = command["netuid"] if alpha != 0 else NO_NETUID
    event["flags"] = alpha
    event["aux"] = command["aux"]
    event["other"] = command["other"]
    event["payload"] = command["payload"]
    return answer(state, event, command)


@kernel
def decide_funding(state: State, command: Row) -> None:
    """Announce what will arrive at the hot or trading key, so that it is not taken for a stranger's gift.

    Refuses: UNKNOWN_MARKET, AMOUNT_OUT_OF_RANGE, TOO_MANY.
    """
    alpha = command["flags"] & Flag.ALPHA.value
    netuid = command["netuid"]
    if (alpha != 0 or netuid != NO_NETUID) and market_slot(state, netuid) < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, netuid, 0)
    if not 1 <= command["amount"] <= MAX_AMOUNT:
        return reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, command["amount"], MAX_AMOUNT)
    if state.scalars[0]["fundings"] >= FUNDINGS_MAX:
        return reject(state, command, Refusal.TOO_MANY.value, state.scalars[0]["fundings"], FUNDINGS_MAX)
    event = append(state, EventKind.FUNDING_ANNOUNCED.value)
    event["netuid"] = netuid
    event["flags"] = alpha
    event["amount"] = command["amount"]
    return answer(state, event, command)


@kernel
def apply_setup(state: State, event: Row) -> None:
    """Apply an event of this file."""
    scalars = state.scalars[0]
    kind = event["kind"]
    if kind == EventKind.ACCOUNT_OPENED.value:
        scalars["accounts"] = event["account"]
    elif kind == EventKind.CHAIN_KEY_ADDED.value:
        number = event["key"]
        scalars["keys"] = number
        row = state.keys[number - 1]
        row["role"] = event["code"]
        row["account"] = event["account"]
        if event["code"] == KeyRole.HOT.value:
            scalars["hot_key"] = number
        elif event["code"] == KeyRole.TRADING.value:
            scalars["trading_key"] = number
    elif kind == EventKind.HOTKEY_ADDED.value:
        scalars["hotkeys"] = event["other"]
    elif kind == EventKind.ADDRESS_ADDED.value:
        slot = scalars["addresses"]
        scalars["addresses"] = slot + 1
        address = state.addresses[slot]
        address["address_id"] = event["seq"]
        address["account"] = event["account"]
        address["netuid"] = event["netuid"]
        address["alpha"] = 1 if event["flags"] & Flag.ALPHA.value else 0
        address["usable_from"] = event["aux"]
        address["hotkey"] = event["other"]
    elif kind == EventKind.FUNDING_ANNOUNCED.value:
        slot = scalars["fundings"]
        scalars["fundings"] = slot + 1
        funding = state.fundings[slot]
        funding["netuid"] = event["netuid"]
        funding["alpha"] = 1 if event["flags"] & Flag.ALPHA.value else 0
        funding["amount"] = event["amount"]
