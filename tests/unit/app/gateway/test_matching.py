"""What matching leaves in the read models, from events made by hand after ``meanings.py``."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.folds.applied import Applied
from app.gateway.folds.books import RestingBooks
from app.gateway.folds.heads import Heads
from app.gateway.folds.matching import Matching
from app.gateway.folds.orders import Order
from app.gateway.folds.rows import Row
from ledger.engine.layout import EVENT, EventKind, Flag, Mode, OrderState, Trait
from ledger.engine.records import EVENT_NAMES
from ledger.errors import Refusal

TAO = 10**9
NOW = 1_763_776_800_000
LIMIT = 20_000_000
ALICE, BOB = 1, 2


def event(kind: EventKind, seq: int, *, flags: int = 0, **meanings: int) -> Row:
    """Return an event by the names of its kind."""
    record = np.zeros(1, EVENT)
    record["kind"], record["seq"], record["flags"] = kind, seq, flags
    for name, value in meanings.items():
        record[EVENT_NAMES[kind].get(name, name)] = value
    return Row._make(record.tolist()[0])


class Story:
    """A market whose events are told one by one."""

    def __init__(self) -> None:
        self.matching = Matching(Heads())
        self.matching.listed(1)
        self.applied = Applied(1, NOW)
        self._seq = 0

    def tell(self, kind: EventKind, *, flags: int = 0, **meanings: int) -> int:
        self._seq += 1
        row = event(kind, self._seq, flags=flags, **({"netuid": 1} | meanings))
        self.matching.fold(row, [], self.applied)
        return self._seq

    def accept(self, account: int, *, flags: int = Flag.LIMIT, alpha_rao: int = 5 * TAO, **more: int) -> int:
        fields = {"alpha_rao": alpha_rao, "limit": LIMIT, "order_id": self._seq + 1} | more
        return self.tell(EventKind.ORDER_ACCEPTED, flags=flags, account=account, **fields)

    def rest(self, account: int, **more: int) -> int:
        seq = self.accept(account, **more)
        self.tell(EventKind.ORDER_RESTED, account=account, order_id=seq)
        return seq

    def order(self, seq: int) -> Order:
        found = self.matching.orders.of_id(seq)
        assert found is not None
        return found


def test_a_cross_fills_both_orders_and_is_one_trade_of_the_tape() -> None:
    story = Story()
    maker = story.rest(ALICE, flags=Flag.LIMIT | Flag.SELL)
    taker = story.accept(BOB, alpha_rao=2 * TAO)
    seq = story.tell(
        EventKind.CROSSED,
        account=BOB,
        maker=ALICE,
        order_id=taker,
        maker_order_id=maker,
        alpha_rao=2 * TAO,
        tao_rao=2 * LIMIT,
        fee=7,
        maker_fee=3,
        price=LIMIT,
    )

    (sold,), (bought,) = story.order(maker).fills, story.order(taker).fills
    assert (sold.number, bought.number) == (2 * seq + 1, 2 * seq)
    assert (sold.is_sell, sold.is_maker, sold.fee, sold.mode) == (True, True, 3, Mode.CROSS)
    assert (bought.is_sell, bought.is_maker, bought.fee, bought.mode) == (False, False, 7, Mode.CROSS)
    (trade,) = story.applied.trades
    assert (trade.price, trade.is_sell, trade.trade_id) == (LIMIT, False, sold.trade_id)
    assert sold.trade_id == bought.trade_id == 1
    assert story.matching.books.asks(1, 5) == [(LIMIT, 3 * TAO)]
    assert [step.fill for step in story.applied.steps if step.fill] == [bought, sold]


def test_an_order_goes_through_its_states_and_stands_in_the_book_only_while_it_rests() -> None:
    story = Story()
    seq = story.accept(ALICE, traits=Trait.STOP_LOSS, trigger=LIMIT + 1)
    seen = []
    moves = (
        (EventKind.STOP_ARMED, {}),
        (EventKind.STOP_TRIGGERED, {"limit": LIMIT - 1}),
        (EventKind.ORDER_QUEUED, {"why": Refusal.WINDOW_FULL}),
        (EventKind.ORDER_SENT, {}),
        (EventKind.ORDER_QUEUED, {"why": 0}),
        (EventKind.ORDER_RESTED, {}),
        (EventKind.ORDER_AMENDED, {"alpha_rao": TAO, "limit": LIMIT - 2, "kept": 1}),
        (EventKind.ORDER_AMENDED, {"alpha_rao": TAO, "limit": LIMIT - 3, "kept": 0}),
        (EventKind.ORDER_CLOSED, {"reason": Refusal.CANCELLED}),
    )
    for kind, fields in moves:
        story.tell(kind, account=ALICE, order_id=seq, **{name: int(value) for name, value in fields.items()})
        order = story.order(seq)
        seen.append((order.state, order.waits, story.matching.books.bids(1, 5)))

    full = Refusal.WINDOW_FULL
    assert seen == [
        (OrderState.ARMED, 0, []),
        (OrderState.WORKING, 0, []),
        (OrderState.QUEUED, full, []),
        (OrderState.IN_FLIGHT, 0, []),
        (OrderState.QUEUED, 0, []),
        (OrderState.RESTING, 0, [(LIMIT - 1, 5 * TAO)]),
        (OrderState.RESTING, 0, [(LIMIT - 2, TAO)]),
        (OrderState.WORKING, 0, []),
        (OrderState.WORKING, 0, []),
    ]
    assert [amend.is_kept for amend in story.order(seq).amends] == [True, False]
    assert [step.kind for step in story.applied.steps] == [EventKind.ORDER_ACCEPTED, *(kind for kind, _ in moves)]


def test_a_match_inside_a_block_is_one_trade_and_what_the_chain_brought_another() -> None:
    story = Story()
    buyer, seller = story.accept(ALICE), story.accept(BOB, flags=Flag.LIMIT | Flag.SELL)
    story.tell(EventKind.CUT_MATCHED, matched_tao=2 * LIMIT, matched_alpha=2 * TAO)
    part = {"mode": Mode.BLOCK, "alpha_rao": 2 * TAO, "tao_rao": 2 * LIMIT}
    story.tell(EventKind.FILLED, account=ALICE, order_id=buyer, **part)
    story.tell(EventKind.FILLED, flags=Flag.SELL, account=BOB, order_id=seller, **part)
    story.matching.head_ended()
    story.tell(EventKind.FILLED, account=ALICE, order_id=buyer, mode=Mode.BLOCK, alpha_rao=TAO, tao_rao=LIMIT)

    assert [(trade.trade_id, trade.volume) for trade in story.applied.trades] == [(1, 2 * TAO), (2, TAO)]
    assert [fill.trade_id for fill in story.order(buyer).fills] == [1, 2]
    assert [fill.trade_id for fill in story.order(seller).fills] == [1]


def test_what_house_rounding_gives_makes_the_cost_smaller() -> None:
    story = Story()
    buyer, seller = story.accept(ALICE), story.accept(BOB, flags=Flag.LIMIT | Flag.SELL)
    part = {"mode": Mode.BLOCK, "alpha_rao": TAO, "tao_rao": LIMIT, "rounding": 1}
    story.tell(EventKind.FILLED, account=ALICE, order_id=buyer, **part)
    story.tell(EventKind.FILLED, flags=Flag.SELL, account=BOB, order_id=seller, **part)

    assert (story.order(buyer).cost, story.order(seller).cost) == (LIMIT - 1, LIMIT + 1)


def test_a_quote_lives_is_taken_as_an_order_that_is_filled_and_tells_what_it_was_priced_by() -> None:
    story = Story()
    story.matching.pools.mirror_moved(event(EventKind.WINDOW_OPENED, 0, netuid=1, pool_tao=10, pool_alpha=20))
    seq = story.tell(
        EventKind.QUOTE_ISSUED, account=ALICE, quote_id=1, alpha_rao=TAO, tao_rao=LIMIT, fee=5, expires=NOW + 9
    )
    quote = story.matching.quotes.find(ALICE, seq)
    assert quote is not None
    assert (quote.state, quote.mirror, quote.expires_ms) == ("live", (10, 20), NOW + 9)
    assert story.matching.quotes.find(BOB, seq) is None
    story.matching.pools.mirror_moved(event(EventKind.WINDOW_OPENED, 0, netuid=1, pool_tao=30, pool_alpha=40))

    story.tell(
        EventKind.QUOTE_TAKEN, account=ALICE, quote_id=seq, mode=Mode.INSTANT, alpha_rao=TAO, tao_rao=LIMIT, fee=5
    )

    order = story.order(seq)
    assert (order.reason, order.executed, order.cost, order.ordertype) == (0, TAO, LIMIT, "market")
    assert (quote.state, quote.fill, order.fills[0].mirror) == ("taken", order.fills[0].number, (10, 20))
    assert story.applied.trades[0].cost == LIMIT


def test_a_released_quote_says_why() -> None:
    story = Story()
    seq = story.tell(EventKind.QUOTE_ISSUED, account=ALICE, quote_id=1, alpha_rao=TAO, tao_rao=LIMIT)
    story.tell(EventKind.QUOTE_ENDED, account=ALICE, quote_id=seq, reason=Refusal.EXPIRED)

    quote = story.matching.quotes.find(ALICE, seq)
    assert quote is not None
    assert (quote.state, quote.reason) == ("ended", Refusal.EXPIRED)


orders = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 6), st.integers(0, 20), st.booleans(), st.booleans()), max_size=40
)


@given(changes=orders)
def test_the_book_is_the_sum_of_what_rests(changes: list[tuple[int, int, int, bool, bool]]) -> None:
    """However orders come, change and go."""
    books, live = RestingBooks(), {}
    for seq, price, volume, is_sell, is_resting in changes:
        order = live.setdefault(
            seq, Order(seq, ALICE, 1, Flag.LIMIT | (Flag.SELL if is_sell else Flag(0)), 0, 0, 0, 0, 0, "", NOW)
        )
        order.limit, order.volume = price, volume
        order.state = OrderState.RESTING if is_resting else OrderState.QUEUED
        books.update(order)

    for is_sell, shown in ((True, books.asks(1, 99)), (False, books.bids(1, 99))):
        sums: dict[int, int] = {}
        for order in live.values():
            if order.state is OrderState.RESTING and order.is_sell is is_sell and order.volume:
                sums[order.limit] = sums.get(order.limit, 0) + order.volume
        assert shown == [(price, sums[price]) for price in sorted(sums, reverse=not is_sell)]
