"""The laws of ``execution`` section 13 that concern what is built, held against the oracle after every batch."""

from collections import defaultdict

from ledger.engine.layout import EventKind, Flag
from tests.model.chain import Chain
from tests.support.naive.books import HOUSE
from tests.support.naive.drift import of_mirror
from tests.support.naive.exchange import RAO, Exchange, Record


def check_laws(exchange: Exchange, events: list[Record]) -> None:
    """Raise ``AssertionError`` where a law does not hold after a batch with these events."""
    everything_sums_to_zero(exchange)
    no_window_is_overrun(exchange)
    the_mirror_has_the_position_in_it(exchange)
    limits_hold(exchange, events)
    the_house_covers_customers(exchange, events)
    one_settlement_at_a_time(exchange, events)


def everything_sums_to_zero(exchange: Exchange) -> None:
    """Law 1: all accounts of an asset sum to zero; the oracle holds the signs at each posting."""
    sums: dict[int, int] = defaultdict(int)
    for (_, asset), amount in exchange.books.amounts.items():
        sums[asset] += amount
    assert not any(sums.values()), f"an asset does not sum to zero: {dict(sums)}"


def no_window_is_overrun(exchange: Exchange) -> None:
    """Law 7: only quotes of a window with a larger cap, which live on into one, may stand in it beyond its cap."""
    for market in exchange.markets.values():
        most = max(market.cap, market.opened)
        assert 0 <= market.used <= most, f"window of {market.netuid}: {market.used} of {most}"


def the_mirror_has_the_position_in_it(exchange: Exchange) -> None:
    """Law 3: the head with what is pending on it, exactly at an import; off by the roundings of fills since then.

    How many rao those are, ``tests.support.naive.drift`` derives from the reserves and the price.
    """
    for market in exchange.markets.values():
        current = market.pool_height == exchange.head and not market.dissolved
        if market.mirror and market.pool and current:
            pending = exchange.pending(market)
            anew = exchange.mirror_of(market, pending)
            assert market.mirror.alpha == market.pool.alpha - pending, f"mirror of {market.netuid}"
            assert anew is not None, f"no mirror of {market.netuid}"
            off = abs(anew.tao - market.mirror.tao)
            most = market.drift + of_mirror(market.pool, anew) if market.stepped else 0
            assert off <= most, f"mirror of {market.netuid} is {off} rao off, of {most} that rounding explains"


def limits_hold(exchange: Exchange, events: list[Record]) -> None:
    """Law 5: no order pays more or gets less than its limit, as taker, maker, on the curve or in the cut."""
    for event in events:
        if event["kind"] in {EventKind.ORDER_ACCEPTED, EventKind.ORDER_AMENDED, EventKind.STOP_TRIGGERED}:
            exchange.limits[event["order_id"]] = event["limit"]
        elif event["kind"] == EventKind.FILLED:
            rounding = event["id_hi"]
            is_within(exchange, event["order_id"], event, event["flags"] & Flag.SELL, rounding)
        elif event["kind"] == EventKind.CROSSED:
            sells = event["flags"] & Flag.SELL
            is_within(exchange, event["order_id"], event, sells, 0)
            is_within(exchange, event["aux"], event, not sells, 0)


def is_within(exchange: Exchange, order_id: int, event: Record, sells: int, rounding: int) -> None:
    """Hold one part of an order against its limit; a cost is whole rao, so a buy may bear one."""
    bound = event["amount"] * exchange.limits[order_id]
    if sells:
        assert (event["tao"] + rounding + (event["kind"] == EventKind.CROSSED)) * RAO > bound - RAO, f"limit of {event}"
    else:
        assert (event["tao"] - rounding) * RAO < bound + RAO, f"limit of {event}"


def the_house_covers_customers(exchange: Exchange, events: list[Record]) -> None:
    """Law 8: where a market is backed, its last fill leaves the house solvent in what it gave."""
    filled = [event for event in events if event["kind"] == EventKind.FILLED]
    if not filled or events[-1]["kind"] != EventKind.ORDER_CLOSED:
        return
    market = exchange.markets[filled[-1]["netuid"]]
    if market.backed and filled[-1]["order_id"] == events[-1]["order_id"]:
        asset = 0 if filled[-1]["flags"] & Flag.SELL else market.netuid + 1
        assert exchange.books.total(HOUSE, asset) >= 0, f"house of {asset}"


def one_settlement_at_a_time(exchange: Exchange, events: list[Record]) -> None:
    """Law 9: at most one settlement is open, and it is the one that the exchange knows."""
    opened = [event["order_id"] for event in events if event["kind"] == EventKind.SETTLEMENT_REQUESTED]
    closed = {event["order_id"] for event in events if event["kind"] == EventKind.SETTLEMENT_CLOSED}
    still = [job_id for job_id in opened if job_id not in closed]
    assert len(still) <= 1, "two settlements are open"
    assert not still or exchange.settlement == still[0], "the open settlement is another one"


def custody_is_the_chain(exchange: Exchange, chain: Chain) -> None:
    """Law 2: after a head that read everything, custody equals the chain, whatever is in flight."""
    books = exchange.books
    for key in range(1, len(exchange.keys) + 1):
        assert books.custody_free(key) == chain.free.get(key, 0), f"free of key {key}"
        assert books.custody_reserved(key) == chain.reserved.get(key, 0), f"reserved of key {key}"
    for (key, hotkey, netuid), stake in chain.stake.items():
        assert books.custody_stake(key, hotkey, netuid) == stake, f"stake {key} {hotkey} {netuid}"
