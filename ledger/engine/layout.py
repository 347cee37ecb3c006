"""Every record of the engine: commands in, events out, and the words both use.

``COMMAND`` and ``EVENT`` are packed little-endian records of fixed width. Their numeric fields have general names;
what a field means for one kind, and in which unit, is told by ``ledger/engine/meanings.py``, and ``records.py`` builds
and describes records by those meanings. Free text, addresses and signed bytes travel as side payload: ``payload``
is the 1-based position in the payload list of the request or batch, 0 for none. Kernels never look into a payload.

Units: ``rao`` is 10^-9 TAO or 10^-9 alpha; ``price`` is rao of TAO per whole alpha; ``ppm`` parts per million; ``ms``
milliseconds since 1970; ``Q64`` a raw integer with 64 fraction bits; ``word`` 8 bytes of a hash, in the order they
stand, each read as a little-endian signed integer. Time (``ts``, ms) belongs to the batch and not to its records.
"""

from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]
"""An array of records, mostly of ``COMMAND`` or ``EVENT``."""

COMMAND = np.dtype(
    [
        ("kind", "<u2"),
        ("flags", "<u2"),
        ("netuid", "<u2"),
        ("code", "<u2"),
        ("account", "<u4"),  # customer account number, from 1
        ("other", "<u4"),
        ("key", "<u4"),  # number of one of our chain keys, from 1
        ("payload", "<u4"),  # 1-based position in the request's payloads
        ("order_id", "<i8"),
        ("amount", "<i8"),
        ("tao", "<i8"),
        ("limit", "<i8"),
        ("aux", "<i8"),
        ("hold", "<i8"),
        ("id_hi", "<i8"),  # client command id, 128 bits: blake2b-128 of the client's own text
        ("id_lo", "<i8"),
        ("digest", "<i8"),  # first word of blake2b over the request body: the same id with another body is refused
    ]
)

EVENT = np.dtype(
    [
        ("seq", "<i8"),  # position in the log, from 1, without gaps
        ("kind", "<u2"),
        ("flags", "<u2"),
        ("netuid", "<u2"),
        ("code", "<u2"),
        ("account", "<u4"),
        ("other", "<u4"),
        ("key", "<u4"),
        ("payload", "<u4"),  # 1-based position in the batch's payloads
        ("order_id", "<i8"),
        ("amount", "<i8"),
        ("tao", "<i8"),
        ("fee", "<i8"),
        ("limit", "<i8"),
        ("hold", "<i8"),
        ("pool_tao", "<i8"),
        ("pool_alpha", "<i8"),
        ("aux", "<i8"),
        ("id_hi", "<i8"),
        ("id_lo", "<i8"),
        ("digest", "<i8"),
    ]
)

assert COMMAND.itemsize == 96, "commands are 96 bytes"
assert EVENT.itemsize == 128, "events are 128 bytes"

LAYOUT_VERSION = 2
"""Goes into the canonical bytes of every batch; a change of meaning raises it and comes with upcasting."""

TAO_ASSET = 0
"""Asset number of TAO; alpha of netuid n is asset n + 1."""

NO_NETUID = 65535
"""``netuid`` of records that concern TAO or no market at all."""

MAX_AMOUNT = 21_000_000 * 10**9
"""No amount of any asset exceeds the supply cap, rao."""


class Flag(IntFlag):
    """Bits of ``flags`` in commands and events."""

    SELL = 1  # side of an order or fill; absent: buy
    LIMIT = 2  # order has a limit price; absent: market order
    IOC = 4
    FOK = 8
    POST_ONLY = 16
    IN_QUOTE = 32  # amount counts TAO with fee (buys only)
    VALIDATE_ONLY = 64
    MAKER = 128  # this part of a fill rested
    FAILED = 256  # an outcome that the chain refused
    ALPHA = 512  # amount is alpha of ``netuid``; absent: TAO
    EPOCH = 1024  # the netuid's epoch ran in this block
    CLOSED = 2048  # pool: subtoken off, mechanism other than 1, or otherwise not tradable on the chain
    ARM = 4096  # switch on; absent: switch off
    FIRST = 8192  # first record of a set
    BY_OPERATOR = 16384  # done by an operator, not by a customer


class Trait(IntFlag):
    """What an order is beside its flags: how it is triggered, and what happens when it meets its own account.

    ``code`` of ``PLACE_ORDER`` and of ``ORDER_ACCEPTED``.
    """

    STOP_LOSS = 1  # waits for its trigger price: a buy until the price rises to it, a sale until it falls to it
    TAKE_PROFIT = 2  # waits for its trigger price: a buy until the price falls to it, a sale until it rises to it
    ON_INDEX = 4  # the trigger is held against the index price at each head; absent: against the last trade
    STP_OLDEST = 8  # meeting an order of the same account cancels that order
    STP_BOTH = 16  # cancels both; with neither bit the newest, what is left of this order, is cancelled


class OrderState(IntEnum):
    """Where a live order is between commands."""

    WORKING = 0  # being decided
    RESTING = 1  # in the book
    QUEUED = 2  # waits for the cut that takes it
    IN_FLIGHT = 3  # part of the settlement that is not closed
    ARMED = 4  # waits for its trigger price
    QUOTE = 5  # not an order: a firm quote that can still be taken
    GUARD = 6  # not an order: the switch that cancels an account's orders when it is not renewed


class Shelf(IntEnum):
    """The price-time lists of one market; each tells which key comes first."""

    BIDS = 0  # resting buys by limit, highest first
    ASKS = 1  # resting sales by limit, lowest first
    QUEUED_BUYS = 2  # queued buys by limit, highest first
    QUEUED_SALES = 3  # queued sales by limit, lowest first
    LAST_RISING = 4  # armed on the last trade, triggered at or above their trigger price, lowest first
    LAST_FALLING = 5  # armed on the last trade, triggered at or below it, highest first
    INDEX_RISING = 6
    INDEX_FALLING = 7
    FLIGHT = 8  # in the settlement, by order id


SHELVES = 9


class Mode(IntEnum):
    """How a fill came about; ``code`` of ``FILLED``."""

    CROSS = 1
    INSTANT = 2
    BLOCK = 3


class Stage(IntEnum):
    """Life of a market; ``code`` of listing records. ``listing.py`` holds the table of allowed verbs."""

    ANNOUNCED = 1
    DEPOSITS = 2
    POST_ONLY = 3
    LIMIT_ONLY = 4
    ONLINE = 5
    REDUCE_ONLY = 6
    CANCEL_ONLY = 7
    DELISTING = 8
    DELISTED = 9


class Dissolved(IntEnum):
    """How far a dissolved subnet's market is; 0 while the subnet lives."""

    WAITING = 1  # custody is closed; extrinsics that concern the alpha are still open
    SHARING = 2
    SHARED = 3


class KeyRole(IntEnum):
    """What one of our chain keys is for; ``code`` of key records."""

    HOT = 1  # coldkey that holds the float and the stake
    TRADING = 2  # proxy key: may swap for the hot key, cannot transfer
    DEPOSIT = 3  # coldkey of one customer account


class Job(IntEnum):
    """Kinds of extrinsics that we ask for; ``code`` of extrinsic records."""

    SETTLEMENT = 1
    WITHDRAWAL = 2
    SWEEP = 3


class Halt(IntFlag):
    """What is halted; ``code`` of halt records. Cleared by an operator only."""

    MONEY = 1  # deposits, withdrawals, settlements: the head chain is broken
    WITHDRAWALS = 2  # of the asset in ``netuid`` / ALPHA
    INSTANT = 4  # instant mode of the market
    SIGNER = 8  # nothing may be signed


class CommandKind(IntEnum):
    """Verbs."""

    # set-up, by operators
    OPEN_ACCOUNT = 1
    ADD_API_KEY = 2
    ADD_CHAIN_KEY = 3
    ADD_HOTKEY = 4
    LIST_MARKET = 5
    SET_STAGE = 6
    SET_MARKET = 7
    SET_HALT = 8
    ADD_ADDRESS = 9
    ANNOUNCE_FUNDING = 10
    RESOLVE_SUSPENSE = 11
    SET_TIER = 12
    # customers
    PLACE_ORDER = 20
    CANCEL_ORDER = 21
    REQUEST_WITHDRAWAL = 22
    AMEND_ORDER = 23
    CANCEL_ALL = 24
    CANCEL_AFTER = 25
    ISSUE_QUOTE = 26
    TAKE_QUOTE = 27
    RELEASE_QUOTE = 28
    # link
    REQUEST_SWEEP = 30
    ACCEPT_SIGNED = 31
    RELEASE_JOB = 32
    # one head group, in this order
    HEAD_BEGIN = 40
    OUTCOME_SEEN = 41
    EXTRINSIC_DEAD = 42
    CHAIN_FEE_SEEN = 43
    DISSOLVED_SEEN = 44
    DEPOSIT_SEEN = 45
    GROWTH_SEEN = 46
    POOL_SEEN = 47
    ACCOUNT_SEEN = 48
    STAKE_SEEN = 49
    HEAD_END = 50
    REFUSE_HEAD = 51  # made by the engine's shell when a group's count, order or digest is wrong


class EventKind(IntEnum):
    """Participles."""

    COMMAND_REJECTED = 1
    ACCOUNT_OPENED = 2
    API_KEY_ADDED = 3
    CHAIN_KEY_ADDED = 4
    HOTKEY_ADDED = 5
    MARKET_LISTED = 6
    STAGE_CHANGED = 7
    MARKET_CONFIGURED = 8
    HALT_CHANGED = 9
    ADDRESS_ADDED = 10
    FUNDING_ANNOUNCED = 11
    SUSPENSE_RESOLVED = 12
    HOUSE_FUNDED = 13
    HOUSE_TAKEN = 14
    TIER_SET = 15

    ORDER_ACCEPTED = 20
    FILLED = 21
    ORDER_CLOSED = 22
    CROSSED = 23
    ORDER_RESTED = 24
    ORDER_QUEUED = 25
    STOP_ARMED = 26
    STOP_TRIGGERED = 27
    ORDER_AMENDED = 28
    CANCEL_NOTED = 29
    ORDERS_CANCELLED = 30
    CANCEL_AFTER_SET = 31
    ORDER_SENT = 32
    CUT_MATCHED = 33
    MIRROR_MOVED = 34
    QUOTE_ISSUED = 35
    QUOTE_TAKEN = 36
    QUOTE_ENDED = 37

    HEAD_BEGAN = 40
    HEAD_ENDED = 41
    HEAD_REFUSED = 42
    POOL_UPDATED = 43
    WINDOW_OPENED = 44
    CUT_ADVANCED = 45
    MARKET_DISSOLVED = 46
    CLAIM_PAID = 47
    HOUSE_CLAIM_PAID = 48
    STAKE_CLOSED = 49

    SETTLEMENT_REQUESTED = 50
    SETTLEMENT_ITEM_REQUESTED = 51
    SETTLEMENT_BOOKED = 52
    SETTLEMENT_ITEM_FAILED = 53
    SETTLEMENT_CLOSED = 54
    EXTRINSIC_SIGNED = 55
    JOB_RELEASED = 56
    EXTRINSIC_DIED = 57
    CHAIN_FEE_BOOKED = 58

    DEPOSIT_CREDITED = 60
    DEPOSIT_SUSPENDED = 61
    SWEEP_REQUESTED = 62
    SWEEP_BOOKED = 63
    SWEEP_CLOSED = 64
    WITHDRAWAL_HELD = 65
    WITHDRAWAL_BOOKED = 66
    WITHDRAWAL_REFUNDED = 67

    GROWTH_SHARED = 70
    REWARD_POSTED = 71
    STAKE_DRIFTED = 72
    RECONCILIATION_BROKEN = 73


class AccountClass(IntEnum):
    """Chart of accounts: the class of an account code."""

    CUSTOMER_FREE = 1
    CUSTOMER_HELD = 2
    EARN_IN = 3
    EARN_POOL = 4
    REWARDS_IDLE = 5
    WITHDRAWING = 6
    SUSPENSE = 7
    HOUSE_TRADING = 8
    HOUSE_FEES = 9
    HOUSE_EARN = 10
    HOUSE_CHAIN_FEES = 11
    HOUSE_ROUNDING = 12
    HOUSE_CAPITAL = 13
    CUSTODY_FREE = 14
    CUSTODY_RESERVED = 15
    CUSTODY_STAKE = 16


CLASS_SHIFT = 56
FIRST_SHIFT = 28
"""An account code is ``class << 56 | first << 28 | second``.

``first`` is a customer account, a market (netuid) or one of our keys; ``second`` a hotkey.
"""


class Gate(IntFlag):
    """Why instant mode of a market is closed; the lower bits hold from one head to the next (``WINDOW_OPENED``)."""

    JUMP = 1  # the pool price jumped; opens after three calm heads
    WEIGHT = 2  # weight outside [0.1, 0.9]
    SPEC = 4  # the chain runs a version that was not reviewed
    CLOSED = 8  # not tradable on the chain, or the pool was not in the last head
    RESERVE = 16  # a reserve below the chain's minimum
    MIRROR = 32  # the house position cannot be applied to the head pool
    FUNDING = 64  # T or the house TAO below four caps
    STALE = 256  # head too old; from the batch's time
    HALTED = 512  # halted for this market or for all, until an operator clears it
    STAGE = 1024  # the market's stage does not allow instant trades


class JobState(IntEnum):
    """Life of an open job."""

    REQUESTED = 1
    SIGNED = 2


class Outcome(IntEnum):
    """How a job ended; ``code`` of the closing events."""

    BOOKED = 0
    DEAD = 1
    RELEASED = 2
    FAILED = 3
