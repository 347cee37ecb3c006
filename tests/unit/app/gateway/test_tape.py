"""What trading leaves in the gateway's read models, from events made by hand after ``meanings.py``."""

from typing import Any

import numpy as np

from app.gateway.folds.applied import Applied
from app.gateway.folds.followed import Followed
from app.gateway.folds.live import LiveOrders
from app.gateway.folds.orders import Order
from app.gateway.folds.rows import Row
from app.gateway.folds.tape import Tape
from ledger.engine.layout import EVENT, EventKind, Flag, Mode, OrderState, Trait
from ledger.engine.machine import Engine
from ledger.engine.records import EVENT_NAMES
from ledger.engine.views import Views
from ledger.errors import Refusal

TAO = 10**9
NOW = 1_763_776_800_000
LIMIT = 20_000_000
ALICE, BOB, CAROL = 1, 2, 3


def event(kind: EventKind, seq: int, *, flags: int = 0, **meanings: int) -> Any:
    """Return ``EVENT[1]`` by the names of its kind."""
    record = np.zeros(1, EVENT)
    record["kind"], record["seq"], record["flags"] = kind, seq, flags
    for name, value in meanings.items():
        record[EVENT_NAMES[kind].get(name, name)] = value
    return record


class Story:
    """A market whose events are told one by one; Alice and Bob are followed, Carol is not."""

    def __init__(self) -> None:
        reads = Views(Engine())
        self.live = LiveOrders(reads)
        self.tape = Tape(self.live)
        self.followed = Followed(reads, self.live)
        for account in (ALICE, BOB):
            self.followed.follow(account)
        self.tape.listed(1)
        self.applied = Applied(1, NOW)
        self._seq = 0

    def tell(self, kind: EventKind, *, flags: int = 0, **meanings: int) -> int:
        """Tell one event as a batch of its own."""
        self._seq += 1
        return self.tell_batch((kind, flags, meanings))

    def tell_batch(self, *told: tuple[EventKind, int, dict[str, int]]) -> int:
        events = np.concatenate(
            [
                event(kind, self._seq + place, flags=flags, **({"netuid": 1} | meanings))
                for place, (kind, flags, meanings) in enumerate(told)
            ]
        )
        self._seq += len(told) - 1
        self.live.accepted(events[events["kind"] == EventKind.ORDER_ACCEPTED], [], NOW)
        rows = [Row._make(row) for row in events.tolist()]
        ids = self.tape.fold(rows, self.applied)
        chosen = self.followed.of_interest(events)
        self.followed.fold([Row._make(row) for row in events[chosen].tolist()], [], ids, self.applied)
        self.live.closed(events[events["kind"] == EventKind.ORDER_CLOSED])
        return self._seq

    def accept(self, account: int, *, flags: int = Flag.LIMIT, alpha_rao: int = 5 * TAO, **more: int) -> int:
        fields = {"alpha_rao": alpha_rao, "limit": LIMIT, "order_id": self._seq + 1} | more
        return self.tell(EventKind.ORDER_ACCEPTED, flags=flags, account=account, **fields)

    def order(self, seq: int) -> Order:
        return next(step.order for step in self.applied.steps if step.order.seq == seq)

    @property
    def fills(self) -> list[Any]:
        return [step.fill for step in self.applied.steps if step.fill]


def test_a_cross_fills_both_orders_and_is_one_trade_of_the_tape() -> None:
    story = Story()
    maker = story.accept(ALICE, flags=Flag.LIMIT | Flag.SELL)
    taker = story.accept(BOB, alpha_rao=2 * TAO)
    figures = {"alpha_rao": 2 * TAO, "tao_rao": 2 * LIMIT, "fee": 7, "maker_fee": 3, "price": LIMIT}
    seq = story.tell(EventKind.CROSSED, account=BOB, maker=ALICE, order_id=taker, maker_order_id=maker, **figures)

    bought, sold = story.fills
    assert (sold.number, bought.number) == (2 * seq + 1, 2 * seq)
    assert (sold.is_sell, sold.is_maker, sold.fee, sold.mode) == (True, True, 3, Mode.CROSS)
    assert (bought.is_sell, bought.is_maker, bought.fee, bought.mode) == (False, False, 7, Mode.CROSS)
    (trade,) = story.applied.trades
    assert (trade.price, trade.is_sell, trade.is_limit, trade.trade_id) == (LIMIT, False, True, sold.trade_id)
    assert sold.trade_id == bought.trade_id == 1
    assert (story.order(maker).executed, story.order(taker).fee) == (2 * TAO, 7)
    assert [
        (entry.account, entry.asset, entry.amount, entry.fee, entry.balance) for entry in story.applied.entries
    ] == [
        (BOB, 2, 2 * TAO, 0, 2 * TAO),
        (BOB, 0, -2 * LIMIT, 7, -2 * LIMIT - 7),
        (ALICE, 2, -2 * TAO, 0, -2 * TAO),
        (ALICE, 0, 2 * LIMIT, 3, 2 * LIMIT - 3),
    ]


def test_an_account_that_nobody_follows_is_told_on_the_tape_alone() -> None:
    story = Story()
    maker, taker = story.accept(CAROL, flags=Flag.LIMIT | Flag.SELL), story.accept(ALICE)
    steps = len(story.applied.steps)
    fields = {"alpha_rao": TAO, "tao_rao": LIMIT}
    story.tell(EventKind.CROSSED, account=ALICE, maker=CAROL, order_id=taker, maker_order_id=maker, **fields)
    story.tell(EventKind.FILLED, flags=Flag.SELL, account=CAROL, order_id=maker, mode=Mode.INSTANT, **fields)

    assert [step.order.account for step in story.applied.steps[steps:]] == [ALICE]
    assert {entry.account for entry in story.applied.entries} == {ALICE}
    assert len(story.applied.trades) == 2


def test_who_is_no_longer_followed_is_told_no_more() -> None:
    story = Story()
    story.followed.follow(ALICE)
    story.followed.unfollow(ALICE)
    seq = story.accept(ALICE)
    story.followed.unfollow(ALICE)
    told = len(story.applied.steps)

    story.tell(EventKind.ORDER_CLOSED, account=ALICE, order_id=seq, reason=Refusal.CANCELLED)

    assert len(story.applied.steps) == told == 1


def test_an_order_goes_through_its_states() -> None:
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
        seen.append((order.state, order.waits, order.limit))

    assert seen == [
        (OrderState.ARMED, 0, LIMIT),
        (OrderState.WORKING, 0, LIMIT - 1),
        (OrderState.QUEUED, Refusal.WINDOW_FULL, LIMIT - 1),
        (OrderState.IN_FLIGHT, 0, LIMIT - 1),
        (OrderState.QUEUED, 0, LIMIT - 1),
        (OrderState.RESTING, 0, LIMIT - 1),
        (OrderState.RESTING, 0, LIMIT - 2),
        (OrderState.WORKING, 0, LIMIT - 3),
        (OrderState.WORKING, 0, LIMIT - 3),
    ]
    assert [step.kind for step in story.applied.steps] == [EventKind.ORDER_ACCEPTED, *(kind for kind, _ in moves)]


def test_a_match_inside_a_block_is_one_trade_and_what_the_chain_brought_another() -> None:
    story = Story()
    buyer, seller = story.accept(ALICE), story.accept(BOB, flags=Flag.LIMIT | Flag.SELL)
    part = {"mode": int(Mode.BLOCK), "alpha_rao": 2 * TAO, "tao_rao": 2 * LIMIT}
    late = {"account": ALICE, "order_id": buyer, "mode": int(Mode.BLOCK), "alpha_rao": TAO, "tao_rao": LIMIT}
    story.tell_batch(
        (EventKind.CUT_MATCHED, 0, {"matched_tao": 2 * LIMIT, "matched_alpha": 2 * TAO}),
        (EventKind.FILLED, 0, {"account": ALICE, "order_id": buyer, **part}),
        (EventKind.FILLED, int(Flag.SELL), {"account": BOB, "order_id": seller, **part}),
        (EventKind.HEAD_ENDED, 0, {}),
        (EventKind.FILLED, 0, late),
    )

    assert [(trade.trade_id, trade.volume) for trade in story.applied.trades] == [(1, 2 * TAO), (2, TAO)]
    assert [(fill.order_id, fill.trade_id) for fill in story.fills] == [(buyer, 1), (seller, 1), (buyer, 2)]


def test_what_house_rounding_gives_makes_the_cost_smaller() -> None:
    story = Story()
    buyer, seller = story.accept(ALICE), story.accept(BOB, flags=Flag.LIMIT | Flag.SELL)
    part = {"mode": int(Mode.BLOCK), "alpha_rao": TAO, "tao_rao": LIMIT, "rounding": 1}
    story.tell(EventKind.FILLED, account=ALICE, order_id=buyer, **part)
    story.tell(EventKind.FILLED, flags=Flag.SELL, account=BOB, order_id=seller, **part)

    assert (story.order(buyer).cost, story.order(seller).cost) == (LIMIT - 1, LIMIT + 1)


def test_a_quote_lives_and_is_taken_as_an_order_that_is_filled_at_once() -> None:
    story = Story()
    figures = {"alpha_rao": TAO, "tao_rao": LIMIT, "fee": 5}
    seq = story.tell(EventKind.QUOTE_ISSUED, account=ALICE, quote_id=1, expires=NOW + 9, **figures)
    quote = story.tape.quotes.find(ALICE, seq)
    assert quote is not None
    assert (quote.state, quote.expires_ms) == ("live", NOW + 9)
    assert story.tape.quotes.find(BOB, seq) is None

    story.tell(EventKind.QUOTE_TAKEN, account=ALICE, quote_id=seq, mode=Mode.INSTANT, **figures)

    order = story.order(seq)
    assert (order.reason, order.executed, order.cost, order.ordertype) == (0, TAO, LIMIT, "market")
    assert (quote.state, quote.fill) == ("taken", story.fills[0].number)
    assert story.applied.trades[0].cost == LIMIT


def test_a_released_quote_says_why() -> None:
    story = Story()
    seq = story.tell(EventKind.QUOTE_ISSUED, account=ALICE, quote_id=1, alpha_rao=TAO, tao_rao=LIMIT)
    story.tell(EventKind.QUOTE_ENDED, account=ALICE, quote_id=seq, reason=Refusal.EXPIRED)

    quote = story.tape.quotes.find(ALICE, seq)
    assert quote is not None
    assert (quote.state, quote.reason) == ("ended", Refusal.EXPIRED)


def test_what_is_kept_of_an_order_goes_when_it_closes() -> None:
    story = Story()
    orders = [story.accept(CAROL) for _ in range(3)]
    assert len(story.live) == len(orders)
    for seq in orders:
        story.tell(EventKind.ORDER_CLOSED, account=CAROL, order_id=seq)

    assert len(story.live) == 0
