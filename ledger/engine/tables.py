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
            "sum_tao",  # of the postings of the event that is being applied, rao
            "sum_alpha",
        )
    ]
)
"""Not state: what the kernels hand to each other and to the shell while a batch runs."""

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
POSTINGS, CUSTOMER, CUSTODY, CAPACITY, SEQUENCE, REFERENCE, KIND = range(1, 8)
"""Numbers of the laws."""
