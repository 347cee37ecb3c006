"""Markets: the table of verbs that each stage allows, listing, configuration and halts."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from enum import IntFlag

from amm.kernel_cache import kernel
from ledger.engine.balances import position
from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, EventKind, Flag, Gate, Halt, Stage
from ledger.engine.parameters import MARKETS_MAX
from ledger.engine.pools import mirror_of, pending_of
from ledger.engine.rules import answer, append, reject
from ledger.engine.state import Row, State, int64
from ledger.errors import Refusal


class Verb(IntFlag):
    """What a customer may do in a market."""

    DEPOSIT = 1
    WITHDRAW = 2
    CANCEL = 4
    PLACE_LIMIT = 8
    PLACE_MARKET = 16
    POST = 32  # rest in the book
    BUY = 64
    SELL = 128


_MOVE = int(Verb.DEPOSIT | Verb.WITHDRAW | Verb.CANCEL)
_BOTH = int(Verb.BUY | Verb.SELL)

ALLOWED = (
    0,
    0,  # announced
    int(Verb.DEPOSIT | Verb.WITHDRAW),  # deposits
    _MOVE | int(Verb.POST) | _BOTH,  # post_only
    _MOVE | int(Verb.POST | Verb.PLACE_LIMIT) | _BOTH,  # limit_only
    _MOVE | int(Verb.POST | Verb.PLACE_LIMIT | Verb.PLACE_MARKET) | _BOTH,  # online
    _MOVE | int(Verb.POST | Verb.PLACE_LIMIT | Verb.PLACE_MARKET | Verb.SELL),  # reduce_only
    _MOVE,  # cancel_only
    int(Verb.WITHDRAW | Verb.CANCEL),  # delisting
    0,  # delisted
)
"""Verbs by stage; position 0 is no stage."""

PPM = 1_000_000


@kernel
def stage_allows(stage: int, verbs: int) -> bool:
    """Tell whether a stage allows all of these verbs."""
    return ALLOWED[stage] & verbs == verbs


@kernel
def market_slot(state: State, netuid: int) -> int:
    """Return the slot of a listed market, or -1."""
    return state.market_slots[netuid] - 1


@kernel
def decide_list(state: State, command: Row) -> None:
    """List a market.

    Refuses: MARKET_EXISTS, UNKNOWN_MARKET (netuid 65535 stands for none), STAGE_MALFORMED, UNKNOWN_HOTKEY, TOO_MANY.
    """
    scalars = state.scalars[0]
    netuid = command["netuid"]
    if netuid >= len(state.market_slots) - 1:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, netuid, len(state.market_slots) - 2)
    if market_slot(state, netuid) >= 0:
        return reject(state, command, Refusal.MARKET_EXISTS.value, netuid, 0)
    if not Stage.ANNOUNCED.value <= command["code"] <= Stage.DELISTED.value:
        return reject(state, command, Refusal.STAGE_MALFORMED.value, command["code"], Stage.DELISTED.value)
    if not 1 <= command["other"] <= scalars["hotkeys"]:
        return reject(state, command, Refusal.UNKNOWN_HOTKEY.value, command["other"], scalars["hotkeys"])
    if scalars["markets"] >= MARKETS_MAX:
        return reject(state, command, Refusal.TOO_MANY.value, scalars["markets"], MARKETS_MAX)
    event = append(state, EventKind.MARKET_LISTED.value)
    event["netuid"] = netuid
    event["code"] = command["code"]
    event["other"] = command["other"]
    event["order_id"] = command["order_id"]
    event["payload"] = command["payload"]
    return answer(state, event, command)


@kernel
def apply_listed(state: State, event: Row) -> None:
    """Add a market with the default parameters, in the chain of ascending netuids."""
    scalars = state.scalars[0]
    slot = scalars["markets"]
    scalars["markets"] = slot + 1
    netuid = event["netuid"]
    state.market_slots[netuid] = slot + 1
    market = state.markets[slot]
    market["netuid"] = netuid
    market["registered_at"] = event["order_id"]
    market["stage"] = event["code"]
    market["hotkey"] = event["other"]
    market["min_settle"] = 10_000_000
    market["k_ppm"] = 500_000
    market["taker_ppm"] = 2_600
    market["maker_ppm"] = 1_600
    market["tolerance_ppm"] = 10_000
    market["backed"] = 1
    market["open_cut"] = 1
    market["gates"] = Gate.CLOSED.value
    before = 0
    after = scalars["first_market"]
    while after != 0 and state.markets[after - 1]["netuid"] < netuid:
        before = after
        after = state.markets[after - 1]["next"]
    market["next"] = after
    if before == 0:
        scalars["first_market"] = slot + 1
    else:
        state.markets[before - 1]["next"] = slot + 1


@kernel
def decide_stage(state: State, command: Row) -> None:
    """Move a market to another stage. Refuses: UNKNOWN_MARKET, MARKET_DISSOLVED, STAGE_MALFORMED."""
    slot = market_slot(state, command["netuid"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, command["netuid"], 0)
    if state.markets[slot]["dissolved"] != 0:
        return reject(state, command, Refusal.MARKET_DISSOLVED.value, command["netuid"], 0)
    if not Stage.ANNOUNCED.value <= command["code"] <= Stage.DELISTED.value:
        return reject(state, command, Refusal.STAGE_MALFORMED.value, command["code"], Stage.DELISTED.value)
    event = append(state, EventKind.STAGE_CHANGED.value)
    event["netuid"] = command["netuid"]
    event["code"] = command["code"]
    event["aux"] = state.markets[slot]["stage"]
    return answer(state, event, command)


@kernel
def decide_configure(state: State, command: Row) -> None:
    """Set the parameters of a market; the cap of the running window stays.

    Refuses: UNKNOWN_MARKET, AMOUNT_OUT_OF_RANGE, PARAMETER_OUT_OF_RANGE.
    """
    slot = market_slot(state, command["netuid"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, command["netuid"], 0)
    for amount in (command["amount"], command["tao"]):
        if not 0 <= amount <= MAX_AMOUNT:
            return reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, amount, MAX_AMOUNT)
    for ppm in (command["limit"], command["aux"], command["hold"], command["other"]):
        if not 0 <= ppm < PPM:
            return reject(state, command, Refusal.PARAMETER_OUT_OF_RANGE.value, ppm, PPM - 1)
    if command["other"] > command["aux"]:  # an order is held with its fee as taker
        return reject(state, command, Refusal.PARAMETER_OUT_OF_RANGE.value, command["other"], command["aux"])
    if command["key"] > 1:
        return reject(state, command, Refusal.PARAMETER_OUT_OF_RANGE.value, command["key"], 1)
    market = state.markets[slot]
    event = append(state, EventKind.MARKET_CONFIGURED.value)
    event["netuid"] = command["netuid"]
    event["amount"] = command["amount"]
    event["tao"] = command["tao"]
    event["limit"] = command["limit"]
    event["aux"] = command["aux"]
    event["hold"] = command["hold"]
    event["other"] = command["other"]
    event["key"] = command["key"]
    raised = command["amount"] - market["target"]
    tao, alpha = mirror_of(market, pending_of(market, position(state, command["netuid"])) + raised)
    event["pool_tao"] = tao
    event["pool_alpha"] = alpha
    return answer(state, event, command)


@kernel
def apply_configured(state: State, event: Row) -> None:
    """Take over the parameters, and the mirror that the new target makes."""
    market = state.markets[market_slot(state, int64(event["netuid"]))]
    market["target"] = event["amount"]
    market["min_settle"] = event["tao"]
    market["k_ppm"] = event["limit"]
    market["taker_ppm"] = event["aux"]
    market["tolerance_ppm"] = event["hold"]
    market["maker_ppm"] = event["other"]
    market["backed"] = event["key"]
    market["mirror_tao"] = event["pool_tao"]
    market["mirror_alpha"] = event["pool_alpha"]


@kernel
def apply_market(state: State, event: Row) -> None:
    """Apply a match of the cut, or a mirror that was built anew with what waits for the chain."""
    market = state.markets[market_slot(state, int64(event["netuid"]))]
    if event["kind"] == EventKind.CUT_MATCHED.value:
        market["used"] += event["limit"]
        return
    market["mirror_tao"] = event["pool_tao"]
    market["mirror_alpha"] = event["pool_alpha"]
    market["block_pending"] = event["amount"]
    market["firm_pending"] = event["aux"]


@kernel
def decide_halt(state: State, command: Row) -> None:
    """Halt or clear, by an operator. Refuses: PARAMETER_OUT_OF_RANGE, UNKNOWN_MARKET."""
    bits = command["code"]
    every = Halt.MONEY.value | Halt.WITHDRAWALS.value | Halt.INSTANT.value | Halt.SIGNER.value
    if bits == 0 or bits & ~every != 0:
        return reject(state, command, Refusal.PARAMETER_OUT_OF_RANGE.value, bits, every)
    per_market = bits & (Halt.WITHDRAWALS.value | Halt.INSTANT.value) != 0
    if per_market and command["netuid"] != NO_NETUID and market_slot(state, command["netuid"]) < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, command["netuid"], 0)
    event = append(state, EventKind.HALT_CHANGED.value)
    event["netuid"] = command["netuid"]
    event["code"] = bits
    event["flags"] = (command["flags"] & Flag.ARM.value) | Flag.BY_OPERATOR.value
    return answer(state, event, command)


@kernel
def append_halt(state: State, netuid: int, bits: int) -> None:
    """Halt something on the engine's own account."""
    event = append(state, EventKind.HALT_CHANGED.value)
    event["netuid"] = netuid
    event["code"] = bits
    event["flags"] = Flag.ARM.value


@kernel
def apply_halt(state: State, event: Row) -> None:
    """Switch halts: of everything, of an asset's withdrawals, of a market's instant mode (of all for NO_NETUID)."""
    on = 1 if event["flags"] & Flag.ARM.value else 0
    bits = event["code"]
    scalars = state.scalars[0]
    if bits & Halt.MONEY.value:
        scalars["money_halted"] = on
    if bits & Halt.SIGNER.value:
        scalars["signer_halted"] = on
    slot = -1
    if event["netuid"] != NO_NETUID:
        slot = market_slot(state, int64(event["netuid"]))
        if slot < 0:
            return
    if bits & Halt.WITHDRAWALS.value:
        if slot < 0:
            scalars["withdrawals_halted"] = on
        else:
            state.markets[slot]["withdrawals_halted"] = on
    if bits & Halt.INSTANT.value:
        if slot < 0:
            scalars["instant_halted"] = on
        else:
            state.markets[slot]["instant_halted"] = on
