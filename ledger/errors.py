"""Refusal codes of the exchange, each with what it means and what would be right, and what stops the process.

Codes are public: they stand in ``code`` of ``COMMAND_REJECTED``, ``ORDER_CLOSED``, ``DEPOSIT_SUSPENDED`` and
``HEAD_REFUSED``, and are never renumbered or renamed. ``value`` and ``bound`` of a refusal are the offending figure
and what would have been right.
"""

from dataclasses import dataclass
from enum import IntEnum


class Refusal(IntEnum):
    """Why something was not done; 0 is reserved for "done"."""

    # any command
    UNKNOWN_KIND = 1
    ID_REUSED = 2
    UNKNOWN_ACCOUNT = 3
    UNKNOWN_MARKET = 4
    UNKNOWN_KEY = 5
    UNKNOWN_HOTKEY = 6
    MARKET_STAGE = 7
    AMOUNT_OUT_OF_RANGE = 8
    INSUFFICIENT_FUNDS = 9
    MONEY_HALTED = 10
    # set-up
    NAME_MALFORMED = 20
    NAME_TAKEN = 21
    PUBLIC_KEY_MALFORMED = 22
    PUBLIC_KEY_TAKEN = 23
    NUMBER_OUT_OF_ORDER = 24
    ROLE_MALFORMED = 25
    ROLE_TAKEN = 26
    MARKET_EXISTS = 27
    STAGE_MALFORMED = 28
    PARAMETER_OUT_OF_RANGE = 29
    PAYLOAD_MALFORMED = 30
    SAME_OPERATOR = 31
    SUSPENSE_SHORT = 32
    TOO_MANY = 33
    # orders
    ORDER_TYPE_UNSUPPORTED = 40
    LIMIT_OUT_OF_RANGE = 41
    SLIPPAGE_OUT_OF_RANGE = 42
    DEADLINE_PASSED = 43
    UNKNOWN_ORDER = 44
    POST_ONLY_WOULD_TRADE = 45
    AMEND_NOT_POSSIBLE = 46
    TRIGGER_OUT_OF_RANGE = 47
    EXPIRY_OUT_OF_RANGE = 48
    TIMEOUT_OUT_OF_RANGE = 49
    UNKNOWN_QUOTE = 50
    TIER_OUT_OF_RANGE = 51
    QUOTE_TOO_SMALL = 52
    # why an accepted order was closed, in whole or in part
    WINDOW_FULL = 60
    HEAD_STALE = 61
    JUMP_GATE = 62
    POOL_CLOSED = 63
    POSITION_LIMIT = 64
    INSTANT_HALTED = 65
    NOT_FUNDED = 66
    NOT_BACKED = 67
    POOL_REFUSES = 68
    DUST = 69
    LIMIT_REACHED = 70
    SLIPPAGE_REACHED = 71
    SPEC_UNKNOWN = 72
    CANCELLED = 73
    EXPIRED = 74
    FOK_NOT_FILLABLE = 75
    SELF_TRADE = 76
    CANCEL_AFTER_FIRED = 77
    ORDER_OF_DISSOLVED = 78
    QUOTE_RELEASED = 79
    # deposits and withdrawals
    BELOW_MINIMUM = 80
    UNKNOWN_OWNER = 81
    MARKET_DISSOLVED = 82
    UNKNOWN_ADDRESS = 83
    ADDRESS_COOLING = 84
    ADDRESS_ASSET = 85
    FEE_ABOVE_MAXIMUM = 86
    NOT_COVERED = 87
    WITHDRAWALS_HALTED = 88
    # jobs
    UNKNOWN_JOB = 100
    JOB_STATE = 101
    NONCE_LIVE = 102
    SIGNER_HALTED = 103
    ERA_MALFORMED = 104
    # head groups
    HEAD_MALFORMED = 120
    HEAD_COUNT = 121
    HEAD_DIGEST = 122
    HEAD_ORDER = 123
    HEAD_NUMBER = 124
    HEAD_PARENT = 125
    HEAD_RECORD = 126
    HEAD_CUSTODY = 127


@dataclass(frozen=True, slots=True)
class RefusalText:
    """One refusal in words: what it means, and what would be right (``value`` and ``bound`` explained)."""

    meaning: str
    right: str


TEXTS: dict[Refusal, RefusalText] = {
    Refusal.UNKNOWN_KIND: RefusalText("the command kind is not known", "a kind of CommandKind"),
    Refusal.ID_REUSED: RefusalText("this client id was used with another body", "a new id, or the same body again"),
    Refusal.UNKNOWN_ACCOUNT: RefusalText("no such account", "an account number up to the bound"),
    Refusal.UNKNOWN_MARKET: RefusalText("no market of this netuid is listed", "a listed netuid"),
    Refusal.UNKNOWN_KEY: RefusalText("no such chain key, or not of the needed role", "a key number up to the bound"),
    Refusal.UNKNOWN_HOTKEY: RefusalText("no such hotkey", "a hotkey number up to the bound"),
    Refusal.MARKET_STAGE: RefusalText("the market's stage does not allow this verb", "a stage that allows it"),
    Refusal.AMOUNT_OUT_OF_RANGE: RefusalText("the amount is zero, negative or absurd", "1 to the bound"),
    Refusal.INSUFFICIENT_FUNDS: RefusalText("the free balance is too small", "value is needed, bound is free"),
    Refusal.MONEY_HALTED: RefusalText("money movement is halted", "an operator clears the halt first"),
    Refusal.NAME_MALFORMED: RefusalText("the name is empty, too long or not utf-8", "1 to 64 bytes of utf-8"),
    Refusal.NAME_TAKEN: RefusalText("the name belongs to another account", "another name"),
    Refusal.PUBLIC_KEY_MALFORMED: RefusalText("the public key has a wrong length", "32 bytes"),
    Refusal.PUBLIC_KEY_TAKEN: RefusalText("the public key is known already", "another key"),
    Refusal.NUMBER_OUT_OF_ORDER: RefusalText("numbers are given one after another", "the bound"),
    Refusal.ROLE_MALFORMED: RefusalText("no such role, or a deposit key without an owner", "a KeyRole"),
    Refusal.ROLE_TAKEN: RefusalText("there is one hot and one trading key", "the key given in bound is in use"),
    Refusal.MARKET_EXISTS: RefusalText("this netuid is listed already", "another netuid"),
    Refusal.STAGE_MALFORMED: RefusalText("no such stage", "a Stage"),
    Refusal.PARAMETER_OUT_OF_RANGE: RefusalText("a parameter is out of range", "0 to the bound"),
    Refusal.PAYLOAD_MALFORMED: RefusalText("the payload is missing or not what the command needs", "see meanings.py"),
    Refusal.SAME_OPERATOR: RefusalText("two different operators must act", "another second operator"),
    Refusal.SUSPENSE_SHORT: RefusalText("suspense holds less of the asset", "at most the bound"),
    Refusal.TOO_MANY: RefusalText("a table of bounded size is full", "at most the bound"),
    Refusal.ORDER_TYPE_UNSUPPORTED: RefusalText(
        "this combination of type, side and time in force is not offered", "market, or limit with IOC"
    ),
    Refusal.LIMIT_OUT_OF_RANGE: RefusalText("the limit price is out of range", "1 to the bound; 0 for market orders"),
    Refusal.SLIPPAGE_OUT_OF_RANGE: RefusalText("the slippage is out of range", "0 to the bound, ppm"),
    Refusal.DEADLINE_PASSED: RefusalText("the deadline passed before the order was decided", "value is now, ms"),
    Refusal.UNKNOWN_ORDER: RefusalText("the account has no such live order", "the id of a live order"),
    Refusal.POST_ONLY_WOULD_TRADE: RefusalText("the order would trade at once", "a price that rests, or no post-only"),
    Refusal.AMEND_NOT_POSSIBLE: RefusalText("the order cannot be amended as asked", "cancel it and place another"),
    Refusal.TRIGGER_OUT_OF_RANGE: RefusalText("the trigger price is missing or out of range", "1 to the bound"),
    Refusal.EXPIRY_OUT_OF_RANGE: RefusalText("the order would expire before it lives", "later than the bound, s"),
    Refusal.TIMEOUT_OUT_OF_RANGE: RefusalText("the timeout is out of range", "0 to the bound, ms"),
    Refusal.UNKNOWN_QUOTE: RefusalText("the account has no such quote alive", "the id of a quote that lives"),
    Refusal.TIER_OUT_OF_RANGE: RefusalText("the tier or its figures are out of range or order", "ascending volumes"),
    Refusal.QUOTE_TOO_SMALL: RefusalText("nothing comes out of so small a quote", "a larger amount"),
    Refusal.WINDOW_FULL: RefusalText("the order does not fit what is left of the window", "at most the cap per window"),
    Refusal.HEAD_STALE: RefusalText("the last head is too old to price by", "wait for the next head"),
    Refusal.JUMP_GATE: RefusalText("the pool price jumped between heads", "wait for three calm heads"),
    Refusal.POOL_CLOSED: RefusalText("the pool is not tradable, or its weight or reserve is out of bounds", "wait"),
    Refusal.POSITION_LIMIT: RefusalText("the house position waits for settlement", "the other side, or wait"),
    Refusal.INSTANT_HALTED: RefusalText("instant mode of the market is halted", "an operator clears the halt first"),
    Refusal.NOT_FUNDED: RefusalText("the house inventory of the market is not funded", "an operator funds it"),
    Refusal.NOT_BACKED: RefusalText("the house does not own enough to fill this", "a smaller order"),
    Refusal.POOL_REFUSES: RefusalText("the chain would refuse this step", "a smaller order"),
    Refusal.DUST: RefusalText("the order is too small to move anything", "a larger order"),
    Refusal.LIMIT_REACHED: RefusalText("the limit price was reached before the order was filled", "a wider limit"),
    Refusal.SLIPPAGE_REACHED: RefusalText("the slippage limit was reached before the order was filled", "a wider one"),
    Refusal.SPEC_UNKNOWN: RefusalText("the chain runs a version that was not reviewed", "a reviewed version"),
    Refusal.CANCELLED: RefusalText("the order was cancelled by its owner", "nothing to mend"),
    Refusal.EXPIRED: RefusalText("the time of the order or quote is over", "a later expiry"),
    Refusal.FOK_NOT_FILLABLE: RefusalText("the whole order could not be filled at once", "a smaller order, or no FOK"),
    Refusal.SELF_TRADE: RefusalText("the order met another one of the same account", "cancel that one first"),
    Refusal.CANCEL_AFTER_FIRED: RefusalText("the account did not renew its cancel-after in time", "renew it sooner"),
    Refusal.ORDER_OF_DISSOLVED: RefusalText("the subnet of the market was dissolved", "nothing to mend"),
    Refusal.QUOTE_RELEASED: RefusalText("the quote was released by its owner", "nothing to mend"),
    Refusal.BELOW_MINIMUM: RefusalText("the amount is below the minimum", "at least the bound"),
    Refusal.UNKNOWN_OWNER: RefusalText("the deposit has no known owner", "an operator resolves it"),
    Refusal.MARKET_DISSOLVED: RefusalText("the subnet was dissolved", "an operator resolves the payout"),
    Refusal.UNKNOWN_ADDRESS: RefusalText("the account has no such address", "an id from its address book"),
    Refusal.ADDRESS_COOLING: RefusalText("the address is not usable yet", "wait until the bound, ms"),
    Refusal.ADDRESS_ASSET: RefusalText("the address is for another asset", "an address of this asset"),
    Refusal.FEE_ABOVE_MAXIMUM: RefusalText("the withdrawal fee is above what was accepted", "accept the value"),
    Refusal.NOT_COVERED: RefusalText("part of this alpha is not settled on the chain yet", "at most the bound now"),
    Refusal.WITHDRAWALS_HALTED: RefusalText("withdrawals of the asset are halted", "an operator clears the halt first"),
    Refusal.UNKNOWN_JOB: RefusalText("no such job is open", "the id of an open job"),
    Refusal.JOB_STATE: RefusalText("the job is not waiting for a signature", "a job that is"),
    Refusal.NONCE_LIVE: RefusalText("this nonce is in use by another open job of the key", "the next nonce"),
    Refusal.SIGNER_HALTED: RefusalText("nothing may be signed now", "an operator clears the halt first"),
    Refusal.ERA_MALFORMED: RefusalText("birth or period of the era is out of range", "birth at most the head"),
    Refusal.HEAD_MALFORMED: RefusalText("the group does not begin and end as one, or lacks a payload", "a whole group"),
    Refusal.HEAD_COUNT: RefusalText("the count of the group is wrong", "value is stated, bound is there"),
    Refusal.HEAD_DIGEST: RefusalText("the digest of the group is wrong", "the digest of its bytes"),
    Refusal.HEAD_ORDER: RefusalText("a record stands out of order", "value is its position"),
    Refusal.HEAD_NUMBER: RefusalText("the height is not the next one", "the bound"),
    Refusal.HEAD_PARENT: RefusalText("the parent is not our head", "the hash of our head"),
    Refusal.HEAD_RECORD: RefusalText("a record names something unknown or impossible", "value is its position"),
    Refusal.HEAD_CUSTODY: RefusalText("a record moves more than custody holds", "value is its position"),
}


class LedgerError(Exception):
    """Base of what the ledger raises."""


@dataclass(eq=False)
class InvariantBroken(LedgerError):  # noqa: N818 - named as it is named everywhere
    """A law of the ledger does not hold: our bug or corrupt data. Never caught; the process stops.

    ``law`` names it, ``seq`` is the event, ``detail`` the figure that shows it.
    """

    law: str
    seq: int
    detail: int = 0

    def __str__(self) -> str:
        """Return the law, the event and the figure."""
        return f"{self.law} at seq {self.seq}: {self.detail}"


@dataclass(eq=False)
class UnknownMeaning(LedgerError):  # noqa: N818 - see above
    """A record was built with a name that its kind does not have."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Return kind and name."""
        return f"{self.kind} has no {self.name}"
