"""The engine's refusal codes in the words of the Kraken interface: a table over all of them."""

from collections.abc import Mapping
from typing import Final

from amm.units import format_decimal
from app.gateway.kraken import errors
from app.gateway.kraken.errors import INVALID_ARGUMENTS, Refused
from ledger.engine.api import Answer
from ledger.engine.layout import Stage
from ledger.errors import TEXTS, Refusal

STRINGS: Final[Mapping[Refusal, str]] = {
    Refusal.UNKNOWN_KIND: errors.INTERNAL_ERROR,
    Refusal.ID_REUSED: f"{INVALID_ARGUMENTS}:cl_ord_id",
    Refusal.UNKNOWN_ACCOUNT: errors.PERMISSION_DENIED,
    Refusal.UNKNOWN_MARKET: errors.UNKNOWN_PAIR,
    Refusal.UNKNOWN_KEY: errors.INTERNAL_ERROR,
    Refusal.UNKNOWN_HOTKEY: f"{INVALID_ARGUMENTS}:hotkey",
    Refusal.MARKET_STAGE: errors.CANCEL_ONLY,
    Refusal.AMOUNT_OUT_OF_RANGE: f"{INVALID_ARGUMENTS}:volume",
    Refusal.INSUFFICIENT_FUNDS: errors.INSUFFICIENT_FUNDS,
    Refusal.MONEY_HALTED: errors.UNAVAILABLE,
    Refusal.NAME_MALFORMED: f"{INVALID_ARGUMENTS}:name",
    Refusal.NAME_TAKEN: f"{INVALID_ARGUMENTS}:name",
    Refusal.PUBLIC_KEY_MALFORMED: f"{INVALID_ARGUMENTS}:address",
    Refusal.PUBLIC_KEY_TAKEN: f"{INVALID_ARGUMENTS}:address",
    Refusal.NUMBER_OUT_OF_ORDER: errors.INTERNAL_ERROR,
    Refusal.ROLE_MALFORMED: INVALID_ARGUMENTS,
    Refusal.ROLE_TAKEN: INVALID_ARGUMENTS,
    Refusal.MARKET_EXISTS: f"{INVALID_ARGUMENTS}:netuid",
    Refusal.STAGE_MALFORMED: f"{INVALID_ARGUMENTS}:stage",
    Refusal.PARAMETER_OUT_OF_RANGE: INVALID_ARGUMENTS,
    Refusal.PAYLOAD_MALFORMED: INVALID_ARGUMENTS,
    Refusal.SAME_OPERATOR: errors.PERMISSION_DENIED,
    Refusal.SUSPENSE_SHORT: errors.FUNDING_INVALID_AMOUNT,
    Refusal.TOO_MANY: errors.BUSY,
    Refusal.ORDER_TYPE_UNSUPPORTED: f"{INVALID_ARGUMENTS}:ordertype",
    Refusal.LIMIT_OUT_OF_RANGE: f"{INVALID_ARGUMENTS}:price",
    Refusal.SLIPPAGE_OUT_OF_RANGE: INVALID_ARGUMENTS,
    Refusal.DEADLINE_PASSED: errors.DEADLINE,
    Refusal.UNKNOWN_ORDER: errors.UNKNOWN_ORDER,
    Refusal.POST_ONLY_WOULD_TRADE: errors.POST_ONLY_ORDER,
    Refusal.AMEND_NOT_POSSIBLE: errors.INVALID_ORDER,
    Refusal.TRIGGER_OUT_OF_RANGE: f"{INVALID_ARGUMENTS}:price",
    Refusal.EXPIRY_OUT_OF_RANGE: f"{INVALID_ARGUMENTS}:expiretm",
    Refusal.TIMEOUT_OUT_OF_RANGE: f"{INVALID_ARGUMENTS}:timeout",
    Refusal.UNKNOWN_QUOTE: errors.UNKNOWN_ORDER,
    Refusal.TIER_OUT_OF_RANGE: INVALID_ARGUMENTS,
    Refusal.QUOTE_TOO_SMALL: errors.ORDER_MINIMUM,
    # Most of these close an accepted order, and are told as its reason; a client that gets one as an answer may retry.
    Refusal.WINDOW_FULL: errors.UNAVAILABLE,
    Refusal.HEAD_STALE: errors.CANCEL_ONLY,
    Refusal.JUMP_GATE: errors.CANCEL_ONLY,
    Refusal.POOL_CLOSED: errors.CANCEL_ONLY,
    Refusal.POSITION_LIMIT: errors.UNAVAILABLE,
    Refusal.INSTANT_HALTED: errors.CANCEL_ONLY,
    Refusal.NOT_FUNDED: errors.CANCEL_ONLY,
    Refusal.NOT_BACKED: errors.UNAVAILABLE,
    Refusal.POOL_REFUSES: f"{INVALID_ARGUMENTS}:volume",
    Refusal.DUST: errors.ORDER_MINIMUM,
    Refusal.LIMIT_REACHED: errors.INVALID_ORDER,
    Refusal.SLIPPAGE_REACHED: errors.INVALID_ORDER,
    Refusal.SPEC_UNKNOWN: errors.CANCEL_ONLY,
    Refusal.CANCELLED: errors.UNKNOWN_ORDER,
    Refusal.EXPIRED: errors.UNKNOWN_ORDER,
    Refusal.FOK_NOT_FILLABLE: errors.INVALID_ORDER,
    Refusal.SELF_TRADE: errors.INVALID_ORDER,
    Refusal.CANCEL_AFTER_FIRED: errors.UNKNOWN_ORDER,
    Refusal.ORDER_OF_DISSOLVED: errors.CANCEL_ONLY,
    Refusal.QUOTE_RELEASED: errors.UNKNOWN_ORDER,
    Refusal.BELOW_MINIMUM: errors.FUNDING_INVALID_AMOUNT,
    Refusal.UNKNOWN_OWNER: errors.PERMISSION_DENIED,
    Refusal.MARKET_DISSOLVED: errors.CANCEL_ONLY,
    Refusal.UNKNOWN_ADDRESS: errors.UNKNOWN_WITHDRAW_KEY,
    Refusal.ADDRESS_COOLING: errors.PERMISSION_DENIED,
    Refusal.ADDRESS_ASSET: errors.UNKNOWN_WITHDRAW_KEY,
    Refusal.FEE_ABOVE_MAXIMUM: errors.MAX_FEE,
    Refusal.NOT_COVERED: errors.FUNDING_INVALID_AMOUNT,
    Refusal.WITHDRAWALS_HALTED: errors.UNAVAILABLE,
    # Jobs and head groups come from the link; a client can never cause these.
    Refusal.UNKNOWN_JOB: errors.INTERNAL_ERROR,
    Refusal.JOB_STATE: errors.INTERNAL_ERROR,
    Refusal.NONCE_LIVE: errors.INTERNAL_ERROR,
    Refusal.SIGNER_HALTED: errors.INTERNAL_ERROR,
    Refusal.ERA_MALFORMED: errors.INTERNAL_ERROR,
    Refusal.HEAD_MALFORMED: errors.INTERNAL_ERROR,
    Refusal.HEAD_COUNT: errors.INTERNAL_ERROR,
    Refusal.HEAD_DIGEST: errors.INTERNAL_ERROR,
    Refusal.HEAD_ORDER: errors.INTERNAL_ERROR,
    Refusal.HEAD_NUMBER: errors.INTERNAL_ERROR,
    Refusal.HEAD_PARENT: errors.INTERNAL_ERROR,
    Refusal.HEAD_RECORD: errors.INTERNAL_ERROR,
    Refusal.HEAD_CUSTODY: errors.INTERNAL_ERROR,
}

FUNDING_STRINGS: Final[Mapping[Refusal, str]] = {
    Refusal.AMOUNT_OUT_OF_RANGE: errors.FUNDING_INVALID_AMOUNT,
    Refusal.INSUFFICIENT_FUNDS: errors.FUNDING_INVALID_AMOUNT,
    Refusal.UNKNOWN_MARKET: errors.FUNDING_UNKNOWN_ASSET,
    Refusal.MARKET_STAGE: errors.PERMISSION_DENIED,
    Refusal.ID_REUSED: INVALID_ARGUMENTS,
}
"""Where a funding call says the same refusal in other words."""

_STAGE_STRINGS: Final[Mapping[Stage, str]] = {
    Stage.POST_ONLY: errors.POST_ONLY,
    Stage.LIMIT_ONLY: errors.LIMIT_ONLY,
}

_REASONS: Final[Mapping[Refusal, str]] = {
    Refusal.SLIPPAGE_REACHED: "Market price protection",
    Refusal.LIMIT_REACHED: "Limit price reached",
    Refusal.WINDOW_FULL: "Beyond the instant capacity that this block has left",
    Refusal.CANCELLED: "User requested",
    Refusal.EXPIRED: "Order expired",
    Refusal.FOK_NOT_FILLABLE: "Fill or kill order not fillable",
    Refusal.SELF_TRADE: "Self trade prevention",
    Refusal.CANCEL_AFTER_FIRED: "Cancel after timer",
    Refusal.ORDER_OF_DISSOLVED: "Market closed",
    Refusal.INSUFFICIENT_FUNDS: "Insufficient funds",
    Refusal.POST_ONLY_WOULD_TRADE: "Post only order",
}
"""Where clients know a reason in other words than the ledger's."""


_AMOUNTS: Final = frozenset(
    {
        Refusal.AMOUNT_OUT_OF_RANGE,
        Refusal.INSUFFICIENT_FUNDS,
        Refusal.BELOW_MINIMUM,
        Refusal.FEE_ABOVE_MAXIMUM,
        Refusal.NOT_COVERED,
        Refusal.LIMIT_OUT_OF_RANGE,
        Refusal.TRIGGER_OUT_OF_RANGE,
        Refusal.QUOTE_TOO_SMALL,
    }
)


_BLAMED: Final = frozenset({Refusal.ORDER_TYPE_UNSUPPORTED, Refusal.LIMIT_OUT_OF_RANGE, Refusal.TRIGGER_OUT_OF_RANGE})
"""Refusals whose string names the field that the caller knows."""


def refused_by(
    answer: Answer, *, funding: bool = False, stage: Stage | None = None, name: str = "", shown: str = ""
) -> Refused:
    """Return the refusal of an answer with a code.

    ``stage``: of the market, where one is concerned; ``name``, ``shown``: the field and text to blame where the engine
    only knows a number.
    """
    refusal = Refusal(answer.code)
    text = STRINGS[refusal]
    if funding:
        text = FUNDING_STRINGS.get(refusal, text)
    elif refusal is Refusal.MARKET_STAGE and stage is not None:
        text = _STAGE_STRINGS.get(stage, text)
    elif refusal in _BLAMED and name:
        text = f"{INVALID_ARGUMENTS}:{name}"
    elif refusal is Refusal.TOO_MANY and name == "orders":
        text = errors.ORDERS_LIMIT
    bound = TEXTS[refusal].right
    if answer.bound:
        bound = f"{bound} ({_figure(refusal, answer.bound)})"
    value = shown or _figure(refusal, answer.value)
    return Refused(text, refusal.name.lower(), name=name, value=value, bound=bound, figure=answer.value)


def _figure(refusal: Refusal, figure: int) -> str:
    """Return a figure of a refusal as clients write it: amounts in whole units, others as they are."""
    return format_decimal(figure) if refusal in _AMOUNTS else str(figure)


def closing_reason(code: int) -> str | None:
    """Return why an order was closed, in words, or None where it was filled."""
    if code == 0:
        return None
    refusal = Refusal(code)
    return _REASONS.get(refusal) or TEXTS[refusal].meaning.capitalize()
