"""A long mixed play: whatever happens, at every head custody is what the chain says, and nobody is paid twice."""

import random
from pathlib import Path

import pytest

from app.link.connection import NodeConnection
from ledger.engine.layout import EventKind
from tests.support.link_chain import NETUID, TAO, VALIDATOR, Person, free_of
from tests.support.link_exchange import Exchange, running_exchange

ROUNDING = 4
"""Alpha rao by which share pools may round a position between two reads of it."""


async def _act(
    exchange: Exchange, rng: random.Random, customers: list[tuple[int, bytes]], paid: dict[bytes, int]
) -> None:
    """Do one thing at random: customers, strangers, the house, or the wire."""
    account, address = rng.choice(customers)
    holder = Person(exchange.node, "//Alice")
    match rng.randrange(9):
        case 0:
            holder.pay(address, rng.randrange(1, 40 * TAO))
        case 1:
            holder.pay_alpha(address, rng.randrange(TAO, 400 * TAO))
        case 2 | 3:
            amount = rng.randrange(TAO // 100, 10 * TAO)
            if exchange.free(account) > 2 * amount:
                recipient = rng.randbytes(32)
                await exchange.withdraw(account, recipient, amount)
                paid[recipient] = amount
        case 4:
            amount = rng.randrange(TAO, 50 * TAO)
            if exchange.free(account, NETUID) > amount:
                await exchange.withdraw(account, rng.randbytes(32), amount, NETUID)
        case 5:
            await exchange.aim(rng.randrange(9_000, 11_000) * TAO)
        case 6:
            arguments = {"hotkey": VALIDATOR, "netuid": NETUID, "amount_staked": rng.randrange(TAO, 200 * TAO)}
            Person(exchange.node, "//Bob").call("SubtensorModule", "add_stake", **arguments)
        case 7:
            await exchange.tap.hang_up()
        case 8:
            exchange.tap.swallow_submits = rng.random() < 0.5


@pytest.mark.parametrize("seed", [1, 2])
async def test_custody_equals_the_chain_at_every_head_of_a_mixed_play(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with running_exchange(tmp_path, everything_every=7) as exchange:
        customers = [await exchange.open_account(name) for name in ("alice", "bob", "carol")]
        paid: dict[bytes, int] = {}
        for step in range(24):
            for _ in range(rng.randrange(4)):
                await _act(exchange, rng, customers, paid)
            await exchange.seal()
            found = await exchange.reconcile()
            assert all(abs(c.difference) <= (ROUNDING if c.what == "stake" else 0) for c in found.balances), step
            if step in {8, 16}:
                await exchange.restart()
                await exchange.settle_down()
        exchange.tap.swallow_submits = False
        await exchange.seal(4)

        assert not exchange.events(EventKind.RECONCILIATION_BROKEN)
        assert not exchange.events(EventKind.HEAD_REFUSED)
        booked = {int(e["order_id"]) for e in exchange.events(EventKind.WITHDRAWAL_BOOKED)}
        refunded = {int(e["order_id"]) for e in exchange.events(EventKind.WITHDRAWAL_REFUNDED)}
        held = {int(e["order_id"]) for e in exchange.events(EventKind.WITHDRAWAL_HELD)}
        waiting = {job.job_id for job in exchange.views.jobs()}
        assert not booked & refunded
        assert held <= booked | refunded | waiting
        async with NodeConnection(exchange.node.url) as connection:
            for recipient, amount in paid.items():
                assert await free_of(connection, recipient) in {0, amount}
