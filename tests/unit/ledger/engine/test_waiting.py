"""Everything that waits at once: orders, stops, quotes and cancel-afters, against the sums that their rows tell."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.verify.exchange import Exchange, PoolShown
from ledger.engine.layout import CommandKind, EventKind, Flag, OrderState, Trait
from ledger.engine.parameters import STOPS_PER_COMMAND
from tests.support.builders import BLOCK_MS, DEEP, SN, TAO, booked_balances, trading_exchange

SPOT = 33_333_333
STEPS = st.tuples(
    st.sampled_from(["order", "order", "market", "stop", "stop", "quote", "take", "guard", "cancel", "head", "wait"]),
    st.integers(1, 3),
    st.booleans(),
    st.integers(-40_000, 40_000),
    st.integers(1, 60),
)


def act(exchange: Exchange, step: tuple[str, int, bool, int, int]) -> None:
    what, account, sells, away, size = step
    side = Flag.SELL if sells else 0
    figures = {"account": account, "netuid": SN, "alpha_rao": size * TAO}
    expires = exchange.ts_ms // 1_000 + size
    if what == "order":
        figures |= {"limit": SPOT + away, "expires_s": expires if size % 3 else 0, "traits": (0, 8, 16)[size % 3]}
        exchange.ask(CommandKind.PLACE_ORDER, flags=side | Flag.LIMIT, **figures)
    elif what == "market":
        exchange.ask(CommandKind.PLACE_ORDER, flags=side, slippage_ppm=50 * size, **figures)
    elif what == "stop":
        traits = (Trait.STOP_LOSS if size % 2 else Trait.TAKE_PROFIT) | (Trait.ON_INDEX if size % 3 == 0 else 0)
        figures |= {"trigger": SPOT + away, "traits": traits, "limit": SPOT + away if size % 5 == 0 else 0}
        form = Flag.LIMIT if figures["limit"] else 0
        exchange.ask(CommandKind.PLACE_ORDER, flags=side | form, slippage_ppm=0 if form else 50 * size, **figures)
    elif what == "quote":
        exchange.ask(CommandKind.ISSUE_QUOTE, flags=side, life_ms=size * 400, **figures)
    elif what == "take":
        for quote in in_state(exchange, OrderState.QUOTE)[:1]:
            kind = CommandKind.TAKE_QUOTE if sells else CommandKind.RELEASE_QUOTE
            assert exchange.ask(kind, account=int(quote["account"]), quote_id=int(quote["order_id"])).code == 0
    elif what == "guard":
        exchange.ask(CommandKind.CANCEL_AFTER, account=account, timeout_ms=size * 400)
    elif what == "cancel":
        exchange.ask(CommandKind.CANCEL_ALL, account=account, netuid=SN)
    elif what == "head":
        exchange.pools[SN] = PoolShown(DEEP.tao * (100_000 + away // 100) // 100_000, DEEP.alpha)
        exchange.ts_ms -= size * 100
        exchange.head()
    else:
        exchange.ts_ms += size * 100
        exchange.decide([])


def in_state(exchange: Exchange, *states: OrderState) -> Any:
    rows = exchange.engine.state.orders
    return rows[(rows["order_id"] != 0) & sum(rows["state"] == state for state in states).astype(bool)]


def judge(exchange: Exchange) -> None:
    """Hold holds, counts, times and the window against the rows."""
    state = exchange.engine.state
    rows = state.orders[state.orders["order_id"] != 0]
    for account in (1, 2, 3):
        mine = rows[rows["account"] == account]
        sales = mine["flags"] & Flag.SELL != 0
        assert exchange.views.balance(account, SN + 1).held == int(mine["held"][sales].sum())
        assert exchange.views.balance(account, 0).held == int(mine["held"][~sales].sum())
        customer = state.customers[account - 1]
        assert int(customer["quotes"]) == int((mine["state"] == OrderState.QUOTE).sum()) <= 3
        assert bool(customer["guard"]) == bool((mine["state"] == OrderState.GUARD).sum())
        assert int(customer["orders"]) == int((mine["state"] < OrderState.QUOTE).sum())
    assert len(in_state(exchange, OrderState.WORKING)) == 0
    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    row = state.markets[int(state.market_slots[SN]) - 1]
    assert market.used <= max(market.cap, int(row["firm_used"]))
    quotes = in_state(exchange, OrderState.QUOTE)
    signs = 1 - 2 * (quotes["flags"] & Flag.SELL)
    assert int(row["firm_pending"]) == int((quotes["amount"] * signs).sum())
    times = rows["expires"][(rows["expires"] != 0) & (rows["cancel"] == 0)].tolist()
    assert exchange.engine.next_timer_ms == min(times, default=None)
    assert all(due > exchange.engine.ts_ms for due in times)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=1, max_size=40))
def test_rows_tell_every_hold_every_time_and_every_promise(steps: list[tuple[str, int, bool, int, int]]) -> None:
    customers = dict.fromkeys(("alice", "bob", "carol"), (100 * TAO, 3_000 * TAO))
    exchange, _ = trading_exchange(customers)
    for step in steps:
        before = len(exchange.log)
        act(exchange, step)
        judge(exchange)
        for _, events, _ in exchange.log[before:]:
            assert (events["kind"] == EventKind.STOP_TRIGGERED).sum() <= 2 * STOPS_PER_COMMAND
    assert booked_balances(exchange) == exchange.balances()
    replayed = exchange.replay()
    assert replayed.state_hash() == exchange.engine.state_hash()
    later = exchange.engine.ts_ms + BLOCK_MS
    assert replayed.decide(later, []).events.tobytes() == exchange.engine.decide(later, []).events.tobytes()
