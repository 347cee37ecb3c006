"""The chart of accounts in words, and the postings of every event as one pure function.

What is listed here must be what ``evolve`` books: tests fold these postings and compare them with the state.
"""

from typing import Any

from ledger.engine.layout import CLASS_SHIFT, FIRST_SHIFT, NO_NETUID, TAO_ASSET, AccountClass, EventKind, Flag

Posting = tuple[str, int, int]
"""``(account name, asset number, amount in rao)``; what we owe is positive."""

_SECOND = (1 << FIRST_SHIFT) - 1


def account_name(code: int) -> str:
    """Return an account code in words: ``c:7:free``, ``house:trading:SN1``, ``custody:stake:1:2`` (key, hotkey)."""
    account_class = AccountClass(code >> CLASS_SHIFT)
    first, second = (code >> FIRST_SHIFT) & _SECOND, code & _SECOND
    return _NAMES[account_class].format(first, second)


_NAMES = {
    AccountClass.CUSTOMER_FREE: "c:{0}:free",
    AccountClass.CUSTOMER_HELD: "c:{0}:held",
    AccountClass.EARN_IN: "earn:in:SN{0}:{1}",
    AccountClass.EARN_POOL: "earn:pool:SN{0}:{1}",
    AccountClass.REWARDS_IDLE: "rewards:idle:SN{0}",
    AccountClass.WITHDRAWING: "withdrawing",
    AccountClass.SUSPENSE: "suspense",
    AccountClass.HOUSE_TRADING: "house:trading:SN{0}",
    AccountClass.HOUSE_FEES: "house:fees",
    AccountClass.HOUSE_EARN: "house:earn",
    AccountClass.HOUSE_CHAIN_FEES: "house:chain_fees",
    AccountClass.HOUSE_ROUNDING: "house:rounding",
    AccountClass.HOUSE_CAPITAL: "house:capital",
    AccountClass.CUSTODY_FREE: "custody:free:{0}",
    AccountClass.CUSTODY_RESERVED: "custody:reserved:{0}",
    AccountClass.CUSTODY_STAKE: "custody:stake:{0}:{1}",
}


def postings(event: Any) -> list[Posting]:
    """Return the postings of one event, from its fields alone; zero amounts are left out."""
    rule = _RULES.get(EventKind(int(event["kind"])))
    return [posting for posting in rule(event) if posting[2]] if rule else []


def _asset(event: Any) -> int:
    return int(event["netuid"]) + 1 if int(event["flags"]) & Flag.ALPHA else TAO_ASSET


def _custody(event: Any, key: int | None = None) -> str:
    key = int(event["key"]) if key is None else key
    if int(event["flags"]) & Flag.ALPHA:
        return f"custody:stake:{key}:{int(event['other'])}"
    return f"custody:reserved:{key}" if int(event["flags"]) & Flag.CLOSED else f"custody:free:{key}"


def _house(event: Any) -> str:
    return "house:capital" if int(event["netuid"]) == NO_NETUID else f"house:trading:SN{int(event['netuid'])}"


def _sides(event: Any) -> tuple[int, str, int, int]:
    """Return ``(asset given away, market account, asset of the market, 1 for a sale)``."""
    netuid, sell = int(event["netuid"]), int(event["flags"]) & Flag.SELL
    return netuid + 1 if sell else TAO_ASSET, f"house:trading:SN{netuid}", netuid + 1, sell


def _accepted(event: Any) -> list[Posting]:
    asset, hold, account = _sides(event)[0], int(event["hold"]), int(event["account"])
    return [(f"c:{account}:free", asset, -hold), (f"c:{account}:held", asset, hold)]


def _closed(event: Any) -> list[Posting]:
    return [(name, asset, -amount) for name, asset, amount in _accepted(event)]


def _part(event: Any, *, sell: int, account: int, fee: int, released: int) -> list[Posting]:
    """Return what a trade does to one customer: pays from held as far as released and the rest from free, and gets."""
    alpha_asset, alpha, tao = int(event["netuid"]) + 1, int(event["amount"]), int(event["tao"])
    given, paid = (alpha_asset, alpha) if sell else (TAO_ASSET, tao + fee)
    free, held = f"c:{account}:free", f"c:{account}:held"
    got = (free, TAO_ASSET, tao - fee) if sell else (free, alpha_asset, alpha)
    return [(held, given, -released), (free, given, released - paid), got]


def _traded(event: Any) -> list[Posting]:
    _, trading, alpha_asset, sell = _sides(event)
    fee, sign = int(event["fee"]), -1 if sell else 1
    return [
        *_part(event, sell=sell, account=int(event["account"]), fee=fee, released=int(event["hold"])),
        ("house:fees", TAO_ASSET, fee),
        (trading, TAO_ASSET, sign * int(event["tao"])),
        (trading, alpha_asset, -sign * int(event["amount"])),
    ]


def _filled(event: Any) -> list[Posting]:
    rounding = int(event["id_hi"])
    gain = [("house:rounding", TAO_ASSET, -rounding), (f"c:{int(event['account'])}:free", TAO_ASSET, rounding)]
    return [*_traded(event), *gain]


def _crossed(event: Any) -> list[Posting]:
    taker, maker, sell = int(event["account"]), int(event["other"]), int(event["flags"]) & Flag.SELL
    taker_fee, maker_fee = int(event["fee"]), int(event["limit"])
    return [
        *_part(event, sell=sell, account=taker, fee=taker_fee, released=int(event["hold"])),
        *_part(event, sell=not sell, account=maker, fee=maker_fee, released=int(event["pool_tao"])),
        ("house:fees", TAO_ASSET, taker_fee + maker_fee),
    ]


def _settled(event: Any) -> list[Posting]:
    _, trading, alpha_asset, sell = _sides(event)
    sign = -1 if sell else 1
    tao, alpha, key = sign * int(event["tao"]), sign * int(event["amount"]), int(event["key"])
    return [
        (f"custody:free:{key}", TAO_ASSET, tao),
        (trading, TAO_ASSET, -tao),
        (f"custody:stake:{key}:{int(event['other'])}", alpha_asset, -alpha),
        (trading, alpha_asset, alpha),
    ]


def _credited(event: Any) -> list[Posting]:
    return _received(event, f"c:{int(event['account'])}:free")


def _suspended(event: Any) -> list[Posting]:
    return _received(event, "suspense")


def _funded(event: Any) -> list[Posting]:
    return _received(event, _house(event))


def _drifted(event: Any) -> list[Posting]:
    return _received(event, "house:rounding")


def _received(event: Any, owner: str) -> list[Posting]:
    asset, amount = _asset(event), int(event["amount"])
    return [(_custody(event), asset, -amount), (owner, asset, amount)]


def _resolved(event: Any) -> list[Posting]:
    account = int(event["account"])
    target = f"c:{account}:free" if account else _house(event)
    return [("suspense", _asset(event), -int(event["amount"])), (target, _asset(event), int(event["amount"]))]


def _fee_booked(event: Any) -> list[Posting]:
    asset, fee = _asset(event), int(event["amount"])
    return [(_custody(event), asset, fee), ("house:chain_fees", asset, -fee)]


def _swept(event: Any) -> list[Posting]:
    asset, left, arrived = _asset(event), int(event["amount"]), int(event["tao"])
    lost_to = "house:chain_fees" if asset == TAO_ASSET else "house:rounding"
    return [
        (_custody(event), asset, left),
        (_custody(event, int(event["aux"])), asset, -arrived),
        (lost_to, asset, arrived - left),
    ]


def _held(event: Any) -> list[Posting]:
    asset, total = _asset(event), int(event["amount"]) + int(event["fee"])
    return [(f"c:{int(event['account'])}:free", asset, -total), ("withdrawing", asset, total)]


def _refunded(event: Any) -> list[Posting]:
    return [(name, asset, -amount) for name, asset, amount in _held(event)]


def _withdrawn(event: Any) -> list[Posting]:
    asset, amount, fee, left = _asset(event), int(event["amount"]), int(event["fee"]), int(event["tao"])
    return [
        ("withdrawing", asset, -(amount + fee)),
        ("house:fees", asset, fee),
        (_custody(event), asset, left),
        ("house:rounding", asset, amount - left),
    ]


def _grown(event: Any) -> list[Posting]:
    asset, netuid = _asset(event), int(event["netuid"])
    part, commission, house = (int(event[name]) for name in ("amount", "fee", "tao"))
    return [
        (_custody(event), asset, -(part + commission + house)),
        (f"rewards:idle:SN{netuid}", asset, part),
        ("house:earn", asset, commission),
        (f"house:trading:SN{netuid}", asset, house),
    ]


def _dissolved(event: Any) -> list[Posting]:
    payout, netuid = int(event["tao"]), int(event["netuid"])
    key = int(event["key"])
    return [(f"custody:free:{key}", TAO_ASSET, -payout), (f"house:trading:SN{netuid}", TAO_ASSET, payout)]


def _stake_closed(event: Any) -> list[Posting]:
    asset, amount = _asset(event), int(event["amount"])
    return [(_custody(event), asset, amount), (_house(event), asset, -amount)]


def _claimed(event: Any) -> list[Posting]:
    alpha, tao, account, asset = (int(event[name]) for name in ("amount", "tao", "account", "netuid"))
    asset += 1
    owner = f"c:{account}:free" if account else "suspense"
    return [
        (owner, asset, -alpha),
        (_house(event), asset, alpha),
        (owner, TAO_ASSET, tao),
        (_house(event), TAO_ASSET, -tao),
    ]


def _house_claimed(event: Any) -> list[Posting]:
    netuid, amount = int(event["netuid"]), int(event["amount"])
    name = _NAMES[AccountClass(int(event["code"]))].format(netuid)
    return [(name, netuid + 1, -amount), (_house(event), netuid + 1, amount)]


_RULES = {
    EventKind.MARKET_DISSOLVED: _dissolved,
    EventKind.STAKE_CLOSED: _stake_closed,
    EventKind.CLAIM_PAID: _claimed,
    EventKind.HOUSE_CLAIM_PAID: _house_claimed,
    EventKind.SUSPENSE_RESOLVED: _resolved,
    EventKind.HOUSE_FUNDED: _funded,
    EventKind.ORDER_ACCEPTED: _accepted,
    EventKind.FILLED: _filled,
    EventKind.CROSSED: _crossed,
    EventKind.ORDER_CLOSED: _closed,
    EventKind.ORDER_RESTED: _accepted,
    EventKind.ORDER_QUEUED: _accepted,
    EventKind.STOP_ARMED: _accepted,
    EventKind.STOP_TRIGGERED: _accepted,
    EventKind.ORDER_AMENDED: _accepted,
    EventKind.QUOTE_ISSUED: _accepted,
    EventKind.QUOTE_TAKEN: _traded,
    EventKind.QUOTE_ENDED: _closed,
    EventKind.SETTLEMENT_BOOKED: _settled,
    EventKind.CHAIN_FEE_BOOKED: _fee_booked,
    EventKind.DEPOSIT_CREDITED: _credited,
    EventKind.DEPOSIT_SUSPENDED: _suspended,
    EventKind.SWEEP_BOOKED: _swept,
    EventKind.WITHDRAWAL_HELD: _held,
    EventKind.WITHDRAWAL_BOOKED: _withdrawn,
    EventKind.WITHDRAWAL_REFUNDED: _refunded,
    EventKind.GROWTH_SHARED: _grown,
    EventKind.STAKE_DRIFTED: _drifted,
    EventKind.RECONCILIATION_BROKEN: _suspended,
}
