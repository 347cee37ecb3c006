from collections.abc import AsyncIterator, Sequence

import pytest

from app.verify.replay import ReplayDiffers, replay
from ledger.codec import Batch, seal
from ledger.engine.layout import EventKind
from ledger.errors import InvariantBroken
from ledger.hashing import GENESIS_HASH
from tests.support.builders import TAO, Exchange, buy, sell, trading_exchange


def played() -> Exchange:
    exchange, numbers = trading_exchange({"alice": (100 * TAO, 0)})
    buy(exchange, numbers["alice"], tao=2 * TAO)
    sell(exchange, numbers["alice"], alpha=TAO)
    return exchange


def sealed(exchange: Exchange) -> list[Batch]:
    batches: list[Batch] = []
    previous = GENESIS_HASH
    for number, (ts_ms, events, payloads) in enumerate(exchange.log):
        batch = seal(number=number, ts_ms=ts_ms, writer_epoch=1, events=events, payloads=payloads, previous=previous)
        previous = batch.hash
        batches.append(batch)
    return batches


async def stored(batches: Sequence[Batch]) -> AsyncIterator[Batch]:
    for batch in batches:
        yield batch


async def test_a_replayed_log_reaches_the_live_state() -> None:
    exchange = played()

    found = await replay(stored(sealed(exchange)))

    assert found.state_hash == exchange.engine.state_hash()
    assert found.batches == len(exchange.log)


@pytest.mark.parametrize("name", ["fee", "tao", "amount"])
async def test_a_fill_with_another_figure_never_passes_for_the_live_state(name: str) -> None:
    exchange = played()
    at = next(
        number for number, (_, events, _) in enumerate(exchange.log) if (events["kind"] == EventKind.FILLED).any()
    )
    ts_ms, events, payloads = exchange.log[at]
    changed = events.copy()
    changed[name][changed["kind"] == EventKind.FILLED] += 1
    exchange.log[at] = (ts_ms, changed, payloads)

    try:
        found = await replay(stored(sealed(exchange)))
    except (ReplayDiffers, InvariantBroken):
        return
    assert found.state_hash != exchange.engine.state_hash()
