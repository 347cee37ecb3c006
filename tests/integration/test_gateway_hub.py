"""What the hub keeps for feeds that nobody follows."""

from app.gateway.feeds.hub import Hub
from app.gateway.kraken.books import Books
from app.observability import Metrics
from ledger.engine.layout import CommandKind, Flag
from ledger.engine.records import command
from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, NETUID, TAO


async def test_trades_that_nobody_follows_are_not_kept() -> None:
    exchange = await kit.build()
    hub = Hub(exchange.replica, Books(exchange.replica), Metrics(), exchange.parts.now_ms, exchange.parts.history)

    for _ in range(3):
        answer = await exchange.submit(
            command(CommandKind.PLACE_ORDER, flags=Flag.IN_QUOTE, account=ALICE, netuid=NETUID, tao=TAO, aux=5_000)
        )
        assert answer.code == 0

    assert exchange.replica.history(NETUID).trades
    assert not hub._trades
    assert not hub._moved
    await exchange.sequencer.stop()
