"""The oracle's cut against the known answers of block mode."""

import json
from pathlib import Path

import pytest

from amm.exchange_reference import cap
from amm.reference import Pool
from ledger.engine.layout import EventKind, Flag, KeyRole, OrderState, Stage
from tests.support.naive.cut import cut, land, share_outcome
from tests.support.naive.exchange import Exchange, Market, Order

VECTORS = [
    vector
    for vector in json.loads((Path(__file__).parents[1] / "vectors" / "execution.json").read_text())["vectors"]
    if vector["op"] == "block_mode"
]
PEOPLE = ("alice", "bob", "carol")
TARGET, FEE_PPM, K_PPM = 20_000_000_000_000, 2_600, 500_000


def exchange_of(vector):
    """Return an exchange at the head of a vector, its orders queued, the house off its target by what is told."""
    exchange, told = Exchange(), vector["inputs"]
    pool = Pool(told["pool"]["tao"], told["pool"]["alpha"], told["pool"]["w"], told["pool"]["rate"])
    market = Market(1, 7, int(Stage.ONLINE), 1, target=TARGET, taker_ppm=FEE_PPM, pool=pool, mirror=pool)
    market.cap = cap(tao_reserve=pool.tao, fee_rate=pool.fee_rate, k_ppm=K_PPM)
    market.pool_height = exchange.head = 1
    exchange.spec = 424
    exchange.keys = [(KeyRole.HOT, 0), (KeyRole.TRADING, 0)]
    exchange.markets[1] = market
    books = exchange.books
    books.post(
        ("custody_free", 1, 0, 0, -5_000 * 10**9), ("capital", 0, 0, 0, 2_000 * 10**9),
        *(("free", number, 0, 0, 1_000 * 10**9) for number in (1, 2, 3)),
    )  # fmt: skip
    books.post(
        ("custody_stake", 1, 1, 2, -170_000 * 10**9),
        ("trading", 1, 0, 2, TARGET - vector["expected"]["cut"]["need"]),
        ("capital", 0, 0, 2, vector["expected"]["cut"]["need"]),
        *(("free", number, 0, 2, 50_000 * 10**9) for number in (1, 2, 3)),
    )
    for number, asked in enumerate(told["orders"], 1):
        queue(exchange, number, asked)
    return exchange, market


def queue(exchange, number, asked):
    account, sell = PEOPLE.index(asked["account"]) + 1, asked["side"] == "sell"
    flags = int(Flag.LIMIT | (Flag.SELL if sell else Flag.IN_QUOTE))
    order = Order(number, account, 1, flags=flags, limit=asked["limit"], amount=asked["amount"], priority=number)
    order.state, order.taker_ppm = OrderState.QUEUED, FEE_PPM
    if not sell:
        order.total = asked["amount"] + (asked["amount"] * FEE_PPM + 500_000) // 1_000_000
    order.held = order.total or order.amount
    exchange.books.post(("free", account, 0, order.asset, -order.held), ("held", account, 0, order.asset, order.held))
    exchange.orders[number] = order


def one_of(exchange, kind):
    return next((event for event in exchange.events if event["kind"] == kind), None)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_the_oracle_cuts_as_the_known_answers_do(vector):
    exchange, market = exchange_of(vector)
    expected = vector["expected"]["cut"]

    cut(exchange)

    matched = one_of(exchange, EventKind.CUT_MATCHED) or {"tao": 0, "amount": 0}
    assert (matched["tao"], matched["amount"]) == (expected["matched_tao"], expected["matched_alpha"])
    item = one_of(exchange, EventKind.SETTLEMENT_ITEM_REQUESTED)
    settle = expected["settle"]
    if settle is None:
        assert item is None
        return
    assert (item["amount"], item["limit"], item["hold"]) == (settle["amount"], settle["limit"], settle["house"])
    after = vector["expected"]["after_cut"]
    assert (market.mirror.tao, market.mirror.alpha) == (after["mirror"]["tao"], after["mirror"]["alpha"])
    assert (market.used, exchange.pending(market)) == (after["window_used"], after["pending"])
    for number, name in enumerate(PEOPLE, 1):
        held = exchange.books.get("held", 0, number)
        assert held == after["balances"].get(f"c:{name}:held|TAO", 0)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_the_oracle_shares_an_outcome_as_the_known_answers_do(vector):
    exchange, market = exchange_of(vector)
    cut(exchange)
    outcome = vector["expected"]["outcome"]
    if outcome is None or not outcome["ok"]:
        return
    exchange.events = []

    share_outcome(exchange, market, market.item, alpha=outcome["alpha"], tao=outcome["tao"])
    market.item, market.block_pending = None, 0
    land(exchange)

    told = {
        (row[1], abs(row[2]))
        for event in vector["expected"]["outcome_events"]
        if event["event"] == "BlockFilled"
        for row in event["postings"]
        if row[0].startswith("house:trading")
    }
    fills = [event for event in exchange.events if event["kind"] == EventKind.FILLED]
    assert told == {("TAO", event["tao"]) for event in fills} | {("SN1", event["amount"]) for event in fills}
