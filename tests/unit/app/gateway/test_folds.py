from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.gateway.folds.fills import Fill
from app.gateway.folds.funding import Funding
from app.gateway.folds.orders import Orders
from app.gateway.folds.recent import Recent
from app.gateway.folds.rows import Row
from app.gateway.folds.trades import DAY_MS, MINUTE_MS, Market, Trade, trade_price
from ledger.engine.layout import NO_NETUID, EventKind, Flag, Job

EMPTY = Row(*([0] * len(Row._fields)))
NOW = 1_763_776_800_000


def accepted(orders: Orders, seq: int, account: int = 1, cl_ord_id: str = "", flags: int = 0) -> None:
    row = EMPTY._replace(seq=seq, order_id=seq, account=account, netuid=1, amount=100, flags=flags)
    orders.accepted(row, cl_ord_id, NOW)


def close(orders: Orders, seq: int, code: int = 0) -> None:
    orders.closed(EMPTY._replace(order_id=seq, code=code), NOW + 1)


def test_an_order_gathers_its_fills_and_closes() -> None:
    orders = Orders()
    accepted(orders, 10, flags=Flag.SELL)
    fill = Fill(22, 11, 10, 1, 1, True, False, 2, 60, 30, 1, NOW, 1, "market")

    orders.filled(fill)
    orders.filled(replace(fill, number=24, volume=40, cost=19, trade_id=2))
    close(orders, 10)

    order = orders.find(1, 10)
    assert (order.executed, order.cost, order.fee, order.reason, order.closed_ms) == (100, 49, 2, 0, NOW + 1)
    assert [part.trade_id for part in orders.fills_of(1)] == [2, 1]
    assert orders.open_of(1) == []
    assert list(orders.closed_of(1)) == [order]


def test_an_order_is_its_own_accounts_alone() -> None:
    orders = Orders()
    accepted(orders, 10, account=1, cl_ord_id="mine")

    assert orders.find(2, 10) is None
    assert orders.find_client_id(2, "mine") is None
    assert orders.find_client_id(1, "mine").seq == 10


@given(count=st.integers(1, 60), kept=st.integers(1, 20))
def test_closed_orders_are_bounded_and_the_oldest_go_first(count: int, kept: int) -> None:
    orders = Orders(closed_max=kept, per_account_max=1_000)
    for seq in range(1, count + 1):
        accepted(orders, seq, account=seq % 3, cl_ord_id=f"c{seq}")
        close(orders, seq)

    remembered = [seq for seq in range(1, count + 1) if orders.find(seq % 3, seq)]
    assert remembered == list(range(max(1, count - kept + 1), count + 1))
    assert sorted(order.seq for account in range(3) for order in orders.closed_of(account)) == remembered


@given(owners=st.lists(st.integers(1, 4), max_size=200), per_owner=st.integers(1, 10), total=st.integers(1, 20))
def test_what_is_recent_is_bounded_per_owner_and_in_all(owners: list[int], per_owner: int, total: int) -> None:
    recent: Recent[list[int]] = Recent(per_owner_max=per_owner, total_max=total)
    model: list[tuple[int, list[int]]] = []
    forgotten = []
    for position, owner in enumerate(owners):
        item = [position]
        model.append((owner, item))
        forgotten += recent.add(owner, item)
        mine = [entry for entry in model if entry[0] == owner]
        if len(mine) > per_owner:
            model.remove(mine[0])
        while len(model) > total:
            model.pop(0)

    assert len(recent) == len(model)
    for owner in range(1, 5):
        assert list(recent.of(owner)) == [item for name, item in reversed(model) if name == owner]
    assert len(forgotten) + len(model) == len(owners)


def test_one_busy_owner_does_not_push_a_quiet_one_out() -> None:
    recent: Recent[list[int]] = Recent(per_owner_max=2, total_max=10)
    recent.add(1, [0])
    for position in range(1_000):
        recent.add(2, [position])

    assert list(recent.of(1)) == [[0]]
    assert len(recent._all) <= 21


def test_a_negative_userref_survives() -> None:
    orders = Orders()
    orders.accepted(EMPTY._replace(seq=1, order_id=1, account=1, other=2**32 - 5), "", NOW)

    assert orders.find(1, 1).userref == -5


def trade(ts_ms: int, price: int, volume: int = 10**9) -> Trade:
    return Trade(1, 1, 1, price, volume, price * volume // 10**9, is_sell=False, is_limit=False, ts_ms=ts_ms)


@given(steps=st.lists(st.tuples(st.integers(0, 3 * 3_600_000), st.integers(1, 10**6)), min_size=1, max_size=60))
def test_figures_of_a_day_are_those_of_the_trades_of_that_day(steps: list[tuple[int, int]]) -> None:
    market, now, trades = Market(), NOW, []
    for wait, price in steps:
        now += wait
        trades.append(trade(now, price))
        market.add(trades[-1])

    first = (now - DAY_MS) // MINUTE_MS * MINUTE_MS + MINUTE_MS
    inside = [row for row in trades if row.ts_ms // MINUTE_MS * MINUTE_MS >= first]
    day = market.last_day(now)
    assert (day.high, day.low) == (max(row.price for row in inside), min(row.price for row in inside))
    assert (day.open, day.close, day.count) == (inside[0].price, inside[-1].price, len(inside))
    assert day.volume == sum(row.volume for row in inside)
    today = [row for row in trades if row.ts_ms >= now // DAY_MS * DAY_MS]
    assert market.today(now).count == len(today)


def test_the_ring_of_trades_is_bounded() -> None:
    market = Market(ring_max=10)
    for price in range(1, 100):
        market.add(trade(NOW, price))

    assert [row.price for row in market.trades] == list(range(90, 100))


def test_trades_of_a_market_are_numbered_from_one() -> None:
    market = Market()

    assert [market.take_id() for _ in range(3)] == [1, 2, 3]


def test_a_price_is_rounded_to_the_nearest() -> None:
    assert trade_price(2, 3 * 10**9) == 1
    assert trade_price(0, 0) == 0


def test_a_withdrawal_goes_from_held_to_signed_to_paid() -> None:
    funding = Funding()
    held = EMPTY._replace(
        kind=int(EventKind.WITHDRAWAL_HELD), seq=5, order_id=5, account=1, amount=7, fee=1, netuid=NO_NETUID
    )
    funding.withdrawal_held(held, NOW)
    (row,) = funding.withdrawals_of(1)
    assert (row.state, row.asset) == ("initial", 0)

    funding.extrinsic_signed(EMPTY._replace(order_id=5, code=int(Job.SETTLEMENT)), b"x")
    assert row.state == "initial"
    funding.extrinsic_signed(EMPTY._replace(order_id=5, code=int(Job.WITHDRAWAL)), bytes(32))
    assert (row.state, row.tx) == ("pending", "0x" + "00" * 32)

    funding.withdrawal_ended(EMPTY._replace(order_id=5), paid=True)
    assert row.state == "success"


def test_a_deposit_names_its_head_and_event() -> None:
    funding = Funding()
    seen = EMPTY._replace(seq=9, account=1, flags=int(Flag.ALPHA), netuid=3, amount=50, aux=12, tao=100)

    funding.deposit_seen(seen, bytes(32), NOW)
    funding.deposit_seen(seen._replace(account=0), bytes(32), NOW)

    (row,) = funding.deposits_of(1)
    assert (row.asset, row.amount, row.height, row.tx) == (4, 50, 100, "0x" + "00" * 32 + "-12")
