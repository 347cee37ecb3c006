"""The tables of the engine's state: one packed record type each, every field with its unit.

All of them are plain arrays that grow between batches and never during one (``state.py``). ``slot`` is a row number;
links to rows are slot + 1, so that 0 means none. Halts and switches are 0 or 1.
"""

import numpy as np

from ledger.engine.layout import COMMAND

_ALL = "<i8"

SCALARS = np.dtype(
    [
        (name, _ALL)
        for name in (
            "seq",  # of the last event applied
            "ts",  # of the last batch that had events, ms
            "accounts",  # highest account number
            "keys",  # highest chain key number
            "hotkeys",  # highest hotkey number
            "hot_key",  # number of the hot key, 0 before it is added
            "trading_key",  # number of the trading key, 0 before it is added
            "head",  # height of the last imported head, 0 before the first
            "hash_0",  # its hash, words
            "hash_1",
            "hash_2",
            "hash_3",
            "block_ts",  # its time on the chain, ms
            "interval",  # time between the last two heads on the chain, ms
            "imported",  # log time of its import, ms
            "spec",  # runtime version of the chain in it
            "first_head",  # height of the first imported head
            "money_halted",
            "signer_halted",
            "instant_halted",
            "withdrawals_halted",  # of TAO
            "firm_tao",  # TAO that firm quotes that live promise to sellers, less their fees, rao
            "settlement",  # job id of the settlement that is not closed, 0 for none
            "items",  # of that settlement
            "items_done",  # of those, with an outcome
            "generation",  # ts // HORIZON_MS of the newest first answers
            "answers_even",  # rows used in answers[0]: even generations
            "answers_odd",  # rows used in answers[1]: odd generations
            "first_market",  # slot + 1 of the market with the smallest netuid
            "markets",  # rows used in each table
            "balances",
            "ledger",
            "jobs",
            "addresses",
            "fundings",
            "orders",  # rows of the slab ever used
            "free_order",  # slot + 1 of a free row below, 0 for none
            "live_orders",
            "levels",
            "free_level",
        )
    ]
)

MARKET = np.dtype(
    [
        (name, _ALL)
        for name in (
            "netuid",
            "registered_at",  # block; with netuid the identity of the asset
            "next",  # slot + 1 of the market with the next larger netuid
            "stage",  # Stage
            "hotkey",  # number of the idle hotkey
            "target",  # T, alpha rao
            "min_settle",  # rao
            "k_ppm",
            "taker_ppm",
            "maker_ppm",
            "tolerance_ppm",
            "backed",  # 0 or 1
            "head_tao",  # pool at the last head that showed it: reserves, rao
            "head_alpha",
            "weight",  # TAO weight, parts of 10^18
            "rate",  # pool fee, of 65535
            "closed",  # not tradable on the chain, 0 or 1
            "pool_height",  # head that showed it, 0 before the first
            "spot",  # price of that pool, rao per whole alpha
            "calm",  # heads without a jump that are still to come before the jump gate opens
            "base_tao",  # pool before the jump, while the jump gate is closed
            "base_alpha",
            "base_weight",
            "mirror_tao",  # rao; both 0 where there is no mirror
            "mirror_alpha",
            "used",  # of the window, rao
            "cap",  # of the window, rao
            "gates",  # Gate bits that hold until the next head
            "need",  # T - H when the window opened, alpha rao
            "need_since",  # head since which the need has this sign, 0 for no need
            "open_cut",  # number of the cut that will cover what is bought now
            "final_cut",  # highest cut whose alpha is covered
            "bought",  # number of the cut that covers the alpha bought last, 0 before the first
            "instant_halted",
            "withdrawals_halted",
            "item_job",  # the market's item in the open settlement: job id, 0 for none
            "item",  # position in the settlement
            "item_sell",
            "item_amount",  # rao of TAO (buy) or alpha (sell)
            "item_limit",  # price
            "item_house",  # house part of the amount
            "item_hotkey",
            "item_cut",  # cut that it covers
            "item_done",  # 1 once its outcome was seen
            "block_pending",  # alpha that the settlement in flight is expected to bring customers; negative: take
            "firm_pending",  # alpha of firm quotes that live; positive: customers buy
            "firm_used",  # TAO that firm quotes that live count in each window, rao
            "firm_alpha",  # alpha that firm quotes that live promise to buyers, rao
            "last",  # price of the last trade, 0 before the first
            "traded",  # seq of the last trade
            "spots",  # heads in the ring below, up to 5
            "spot_0",  # spot price at the last heads, newest first
            "spot_1",
            "spot_2",
            "spot_3",
            "spot_4",
            "orders",  # live orders of the market, in all states
            "dissolved",  # Dissolved: how far the share-out of a dissolved subnet is
            "payout",  # what the chain paid for it, rao of TAO
            "claims",  # alpha that shares the payout, of customers, suspense and house, rao
            "claimed",  # of that, already served
            "next_claim",  # account that is served next
        )
    ]
)

BALANCE = np.dtype(
    [
        ("key", _ALL),  # account << 17 | asset
        ("free", _ALL),  # rao
        ("held", _ALL),  # rao
        ("uncovered", _ALL),  # alpha bought in instant mode and not covered yet, as of cut, rao
        ("cut", _ALL),  # number of the cut that covers it
    ]
)
ASSET_BITS = 17

LEDGER = np.dtype(
    [
        ("code", _ALL),  # account code of layout.py; every class but the customers'
        ("asset", _ALL),
        ("amount", _ALL),  # rao, positive: owed
        ("drift_day", _ALL),  # day of the drift below, for stake positions: ts // DAY_MS
        ("drift", _ALL),  # sum of the differences booked as drift on that day, rao
    ]
)

TOTALS = np.dtype(
    [
        (name, _ALL)
        for name in (
            "customers_free",  # sums over all accounts of a class, rao; one row per asset number
            "customers_held",
            "earn",
            "rewards",
            "withdrawing",
            "suspense",
            "house",
            "custody",
        )
    ]
)
ASSETS = 2**16

JOB = np.dtype(
    [
        (name, _ALL)
        for name in (
            "job_id",  # seq of the request; rows are sorted by it
            "job",  # Job
            "state",  # JobState
            "height",  # head at the request
            "key",  # signer, once signed
            "nonce",
            "birth",  # height
            "period",  # blocks
            "account",  # of a withdrawal
            "netuid",  # NO_NETUID for TAO
            "alpha",  # 0 or 1
            "from_key",  # deposit key of a sweep
            "hotkey",  # of an alpha position
            "amount",  # rao
            "fee",  # withdrawal fee, rao
            "address_id",  # of a withdrawal
        )
    ]
)

ADDRESS = np.dtype(
    [
        (name, _ALL)
        for name in (
            "address_id",  # seq of ADDRESS_ADDED; rows are sorted by it
            "account",
            "netuid",  # NO_NETUID for TAO
            "alpha",  # 0 or 1
            "usable_from",  # ms
            "hotkey",  # 0: the market's idle hotkey
        )
    ]
)

ORDER = np.dtype(
    [
        (name, _ALL)
        for name in (
            "order_id",  # seq of ORDER_ACCEPTED, QUOTE_ISSUED or CANCEL_AFTER_SET; 0: the row is free
            "account",
            "market",  # slot
            "flags",  # Flag
            "traits",  # Trait
            "state",  # OrderState
            "limit",  # price
            "trigger",  # price
            "slippage_ppm",  # of a market order that waits for its trigger
            "amount",  # total: alpha rao, or with IN_QUOTE rao of TAO to spend before fees
            "total",  # with IN_QUOTE: the most to pay, fees included, rao
            "alpha",  # filled so far, rao
            "tao",  # cost or proceeds so far before fees, rao
            "fee",  # trading fees so far, rao
            "held",  # held for it now, rao of the asset given away
            "taker_ppm",
            "maker_ppm",
            "expires",  # ms, 0: never
            "flight",  # part of the settlement's amount, rao of TAO (buy) or alpha (sell)
            "cancel",  # Refusal that closes it once its settlement is over, 0 for none
            "priority",  # seq that gives its place in time
            "shelf",  # place of its shelf + 1, 0 for none
            "userref",
        )
    ]
)
"""Live orders, firm quotes and guards: a slab. Free rows are chained by ``account`` (slot + 1)."""

LINK = np.dtype([("next", "<i4"), ("prev", "<i4"), ("level", "<i4")])
"""Places of one order row in a list: slot + 1 of its neighbours, and of the level that it stands on."""
BY_PRICE, BY_TIME, BY_ACCOUNT = range(3)
"""The lists of an order row; its links are row ``3 * slot + list``."""

LEVEL = np.dtype(
    [
        ("key", _ALL),  # price, order id or time
        ("first", "<i4"),  # order slot + 1
        ("last", "<i4"),
        ("left", "<i4"),  # level slot + 1; a free row is chained by ``left``
        ("right", "<i4"),
        ("before", "<i4"),  # levels next to it by key
        ("after", "<i4"),
    ]
)
"""One key of one shelf with its orders in time order: a node of a treap whose shape depends on the keys alone."""

SHELF = np.dtype([("root", "<i4"), ("lowest", "<i4"), ("highest", "<i4"), ("orders", "<i4")])
"""One shelf: row 0 holds what waits for a time (key: ms), row ``1 + SHELVES * market slot + Shelf`` the others."""

CUSTOMER = np.dtype(
    [
        ("first", "<i4"),  # order slot + 1: its live orders, oldest first
        ("last", "<i4"),
        ("orders", "<i4"),
        ("quotes", "<i4"),  # firm quotes that live
        ("guard", "<i4"),  # order slot + 1 of its cancel-after
        ("tier", "<i4"),
    ]
)
"""What the engine keeps per account number beside balances; row number = account - 1."""

VOLUME_DAYS = 31
"""Columns of the volume table: TAO traded per day of the last 30, and the number of the newest day."""
VOLUME_UNIT = 10**6
"""rao that one unit of the volume table stands for; rounded down, so a tier is never reached early."""

TIER = np.dtype([("volume", _ALL), ("taker_share", _ALL), ("maker_share", _ALL)])
TIERS = 16

KEY = np.dtype([("role", _ALL), ("account", _ALL)])  # row number = key number - 1

FUNDING = np.dtype([("netuid", _ALL), ("alpha", _ALL), ("amount", _ALL)])  # announced and not arrived, oldest first

ANSWER = np.dtype(
    [
        (name, _ALL)
        for name in (
            "account",  # 0 for operators and for OPEN_ACCOUNT
            "id_hi",
            "id_lo",
            "digest",  # of the request body
            "code",  # first answer: 0 or Refusal
            "reference",
            "value",
            "bound",
        )
    ]
)

WIDE_COMMAND = np.dtype([(name, _ALL) for name in COMMAND.names or ()])
"""A command as the rules see it: every field an int64, so that each rule is compiled for one type only."""

RUN = np.dtype(
    [
        (name, _ALL)
        for name in (
            "ts",  # of the batch, ms
            "evolver",  # address of the kernel that applies what was appended
            "count",  # events in out
            "applied",  # of those, already applied
            "code",  # answer to the command that is being decided
            "reference",
            "value",
            "bound",
            "duplicate",
            "checked",  # balances and positions compared in the group that is being imported
            "differences",  # of those, beyond tolerance
            "cut",  # 1 when a cut was made at this head
            "law",  # Law that was broken, 0 for none
            "law_seq",
            "law_detail",
            "needed",  # events for which out has no room; 0: it has
            "traded",  # netuid + 1 of the market that last traded or armed a stop, 0 before the first of the command
            "stops",  # triggered by the command
            "sum_tao",  # of the postings of the event that is being applied, rao
            "sum_alpha",
        )
    ]
)
"""Not state: what the kernels hand to each other and to the shell while a batch runs."""

WALK = np.dtype(
    [
        (name, _ALL)
        for name in (
            "ending",  # Ending
            "refused",  # 1 where the pool refused a step
            "arrived",  # price up to which the curve was walked, 0 before the first step
            "fills",  # parts so far
            "paid",  # cost and fees so far, rao of TAO, of a buy
            "budget",  # what a buy may still pay, rao of TAO
            "window",  # TAO that the curve's steps move, rao
            "curve_alpha",  # of the curve's steps, rao
            "curve_tao",
            "curve_fee",
            "pool_tao",  # the mirror after the steps so far, rao
            "pool_alpha",
        )
    ]
)
"""Not state either: how far the walk of a taker has come; its order is the row of ``State.work``."""

DECISION = np.dtype([(name, _ALL) for name in ("code", "reference", "value", "bound", "duplicate", "first", "count")])
"""One answer: ``Answer`` of ``api.py``, with its events as a part of ``out``."""

LAWS = (
    "none",
    "postings of an event sum to zero per asset",
    "no balance of a customer is below zero",
    "custody holds no less than nothing",
    "a table grows between batches only",
    "seq has no gaps",
    "an event names what exists",
    "an event kind is known",
)
POSTINGS, OVERDRAWN, CUSTODY, CAPACITY, SEQUENCE, REFERENCE, KIND = range(1, 8)
"""Numbers of the laws."""
