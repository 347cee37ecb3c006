"""A made-up but consistent past: batches of events by their meanings, without an engine that decides.

Two kinds: ``Past`` seals what a test writes down, and ``busy_market`` goes on for as long as wanted, by one seed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from app.gateway.folds.rows import Row
from app.projections.base import Step
from ledger.codec import Batch, seal
from ledger.engine.event_fields import EVENT_FIELDS
from ledger.engine.layout import EVENT, NO_NETUID, EventKind, Flag, Mode, Records
from ledger.engine.records import EVENT_NAMES
from ledger.log.base import EMPTY_HEAD, Head

NOW = 1_763_776_800_000
RAO = 10**9
CUSTOMERS = 20


def event(kind: EventKind, *, flags: int = 0, **meanings: int) -> Records:
    """Return ``EVENT[1]`` with fields given by meaning or by physical name."""
    record = np.zeros(1, EVENT)
    record["kind"], record["flags"] = kind, flags
    for name, value in meanings.items():
        physical = EVENT_NAMES[kind].get(name, name)
        assert physical in EVENT_FIELDS[kind], (kind, name)
        record[physical] = value
    return record


def step(*events: Records, first_seq: int = 1, ts_ms: int = NOW, payloads: tuple[bytes, ...] = ()) -> Step:
    """Return events with contiguous seqs as folds take them."""
    together = np.concatenate(events)
    together["seq"] = np.arange(first_seq, first_seq + len(together))
    return Step(ts_ms, [Row._make(row) for row in together.tolist()], payloads)


@dataclass
class Past:
    """Batches sealed one after another; hand them to a log that was opened once."""

    batches: list[Batch] = field(default_factory=list)
    head: Head = EMPTY_HEAD

    @property
    def next_seq(self) -> int:
        return self.head.seq + 1

    def add(self, *events: Records, payloads: tuple[bytes, ...] = (), ts_ms: int | None = None) -> Batch:
        together = np.concatenate(events)
        together["seq"] = np.arange(self.next_seq, self.next_seq + len(together))
        batch = seal(
            number=self.head.number + 1,
            ts_ms=max(self.head.ts_ms, NOW) if ts_ms is None else ts_ms,
            writer_epoch=1,
            events=together,
            payloads=payloads,
            previous=self.head.hash,
        )
        self.batches.append(batch)
        self.head = Head.of(batch)
        return batch


@dataclass
class _Live:
    order_id: int
    account: int
    netuid: int
    sell: int
    left: int


def busy_market(seed: int, *, commands: int = 200, markets: int = 2) -> Iterator[Batch]:
    """Yield batches without end: orders that rest, cross, fill, are amended, cancelled; deposits, heads, refusals."""
    chance, past, live = random.Random(seed), Past(), []
    while True:
        events: list[Records] = []
        first, ts_ms = past.next_seq, max(past.head.ts_ms, NOW) + chance.randrange(1, 9_000)
        payloads: list[bytes] = []
        for _ in range(commands):
            seq, verb = first + len(events), chance.random()
            account, netuid = chance.randrange(1, CUSTOMERS + 1), chance.randrange(1, markets + 1)
            if verb < 0.45 or not live:
                live.append(_Live(seq, account, netuid, chance.randrange(2), chance.randrange(1, 100) * RAO))
                events += _placed(live[-1], chance, payloads)
            elif verb < 0.75:
                order = live.pop(chance.randrange(len(live)))
                events.append(_closed(order, code=73))
            elif verb < 0.95:
                index = chance.randrange(len(live))
                taker, maker = _Live(seq, account, live[index].netuid, 1 - live[index].sell, RAO), live[index]
                maker.left -= RAO
                events += [*_placed(taker, chance, payloads)[:1], _crossed(taker, maker, chance), _closed(taker)]
                if not maker.left:
                    events.append(_closed(live.pop(index)))
            else:
                events += _rare(seq, account, netuid, live, chance)
        del live[:-5_000]  # forgotten, not closed: they stay open in history
        yield past.add(*events, payloads=tuple(payloads), ts_ms=ts_ms)
        past.batches.clear()


def _placed(order: _Live, chance: random.Random, payloads: list[bytes]) -> list[Records]:
    named = chance.random() < 0.3
    if named:
        payloads.append(f"mine-{order.order_id}".encode())
    accepted = event(
        EventKind.ORDER_ACCEPTED, flags=order.sell | Flag.LIMIT, account=order.account, netuid=order.netuid,
        order_id=order.order_id, alpha_rao=order.left, limit=20_000_000, taker_ppm=2_600, maker_ppm=1_600,
        userref=chance.choice((0, 7, 2**32 - 1)), payload=len(payloads) if named else 0,
    )  # fmt: skip
    rested = event(
        EventKind.ORDER_RESTED, flags=order.sell, account=order.account, netuid=order.netuid, order_id=order.order_id,
        open=order.left, limit=20_000_000,
    )  # fmt: skip
    return [accepted, rested]


def _closed(order: _Live, code: int = 0) -> Records:
    return event(
        EventKind.ORDER_CLOSED, flags=order.sell, account=order.account, netuid=order.netuid, order_id=order.order_id,
        reason=code,
    )  # fmt: skip


def _crossed(taker: _Live, maker: _Live, chance: random.Random) -> Records:
    price = chance.randrange(19_000_000, 21_000_000)
    return event(
        EventKind.CROSSED, flags=taker.sell, account=taker.account, maker=maker.account, netuid=taker.netuid,
        order_id=taker.order_id, maker_order_id=maker.order_id, alpha_rao=RAO, tao_rao=price, fee=price // 400,
        maker_fee=price // 700, price=price,
    )  # fmt: skip


def _rare(seq: int, account: int, netuid: int, live: list[_Live], chance: random.Random) -> list[Records]:
    order = chance.choice(live)
    of_order = {"account": order.account, "netuid": order.netuid, "order_id": order.order_id}
    return [
        event(EventKind.DEPOSIT_CREDITED, account=account, netuid=NO_NETUID, amount=chance.randrange(1, 10**12)),
        event(EventKind.POOL_UPDATED, netuid=netuid, spot_rao=chance.randrange(1, 10**8), tao_reserve=1),
        event(EventKind.COMMAND_REJECTED, code=5, command_kind=chance.choice((6, 20))),
        event(EventKind.STAGE_CHANGED, netuid=netuid, stage=5, previous_stage=4),
        event(
            EventKind.FILLED, flags=order.sell, **of_order, mode=Mode.INSTANT, alpha_rao=RAO, tao_rao=20_000_000,
            rounding=chance.randrange(2), fee=52_000,
        ),
        event(EventKind.ORDER_AMENDED, flags=order.sell, **of_order, alpha_rao=chance.randrange(1, 10**12), limit=9),
        event(EventKind.GROWTH_SHARED, flags=Flag.ALPHA, key=1, hotkey=2, netuid=netuid, part=seq, commission=3),
        event(EventKind.REWARD_POSTED, account=account, netuid=netuid, amount=chance.randrange(1, 10**9)),
    ]  # fmt: skip
