"""Money through the link, against a real node and a real engine: in, swapped, out, once."""

from pathlib import Path

import pytest

from app.link.connection import NodeConnection
from chain.extrinsic import call_value
from ledger.engine.layout import EventKind, Job, JobState, Outcome
from tests.support.link_chain import BOB, NETUID, TAO, Person, free_of, pending, stake_of
from tests.support.link_exchange import HOT, TRADING, Exchange, running_exchange

EPOCH = 20
"""First height at which the development subnets run an epoch."""


async def assert_reconciled(exchange: Exchange) -> None:
    found = await exchange.reconcile()

    assert found.balances
    assert found.differences == ()
    assert not exchange.events(EventKind.RECONCILIATION_BROKEN)


async def test_what_custody_holds_at_the_first_head_is_what_the_house_began_with(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        await assert_reconciled(exchange)
        hot, trading = exchange.views.custody(HOT.number), exchange.views.custody(TRADING.number)

        assert hot.reserved == 93_000_000
        assert hot.free + hot.reserved < 2_000 * TAO
        assert [stake.amount for stake in hot.stakes] == [10_000 * TAO]
        assert trading.free == 10 * TAO


async def test_a_deposit_is_credited_once_and_swept(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account, address = await exchange.open_account("alice")
        bob = Person(exchange.node, "//Bob")
        bob.pay(address, 30 * TAO)
        await exchange.seal()

        assert exchange.free(account) == 30 * TAO
        assert len(exchange.events(EventKind.DEPOSIT_CREDITED)) == 1

        await exchange.seal(2)
        key = exchange.views.account(account)
        assert key is not None
        assert exchange.free(account) == 30 * TAO
        assert exchange.views.custody(key.deposit_key).free < exchange.settings.deposit_reserve
        assert [int(e["code"]) for e in exchange.events(EventKind.SWEEP_CLOSED)] == [Outcome.BOOKED]
        await assert_reconciled(exchange)


async def test_an_alpha_deposit_is_credited_and_swept_once_the_key_can_pay(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account, address = await exchange.open_account("alice")
        holder = Person(exchange.node, "//Alice")
        holder.pay_alpha(address, 500 * TAO)
        await exchange.seal(3)
        assert exchange.free(account, NETUID) == 500 * TAO
        assert exchange.views.jobs() == []

        holder.pay(address, TAO)
        await exchange.seal(6)

        assert [int(e["code"]) for e in exchange.events(EventKind.SWEEP_CLOSED)] == [Outcome.BOOKED] * 2
        hot = exchange.views.custody(HOT.number)
        assert abs(hot.stakes[0].amount - 10_500 * TAO) <= 2
        assert exchange.free(account, NETUID) == 500 * TAO
        await assert_reconciled(exchange)


async def test_a_need_is_settled_in_one_proxied_swap_and_booked_to_the_rao(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        target = 10_400 * TAO
        await exchange.aim(target)
        await exchange.seal()
        job = exchange.views.jobs()[0]
        assert job.state is JobState.SIGNED
        async with NodeConnection(exchange.node.url) as connection:
            assert await pending(connection) == ["0x" + job.signed.hex()]

        await exchange.seal()

        booked = exchange.events(EventKind.SETTLEMENT_BOOKED)
        assert len(booked) == 1
        assert abs(int(booked[0]["amount"]) - 400 * TAO) < TAO
        assert exchange.views.jobs() == []
        assert abs(exchange.views.custody(HOT.number).stakes[0].amount - target) < TAO
        await assert_reconciled(exchange)


async def test_a_need_to_sell_is_settled_too(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        await exchange.aim(9_000 * TAO)
        await exchange.seal(2)

        booked = exchange.events(EventKind.SETTLEMENT_BOOKED)
        assert [int(event["amount"]) for event in booked] == [1_000 * TAO]
        await assert_reconciled(exchange)


async def test_a_withdrawal_is_paid_once(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account, address = await exchange.open_account("alice")
        Person(exchange.node, "//Bob").pay(address, 30 * TAO)
        await exchange.seal()
        recipient = b"\x77" * 32
        job_id = await exchange.withdraw(account, recipient, 12 * TAO)

        await exchange.seal(4)

        booked = exchange.events(EventKind.WITHDRAWAL_BOOKED)
        assert [int(event["order_id"]) for event in booked] == [job_id]
        async with NodeConnection(exchange.node.url) as connection:
            assert await free_of(connection, recipient) == 12 * TAO
        await assert_reconciled(exchange)


async def test_several_withdrawals_of_tao_and_alpha_go_out_with_consecutive_nonces(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account, address = await exchange.open_account("alice")
        holder = Person(exchange.node, "//Alice")
        holder.pay(address, 30 * TAO)
        holder.pay_alpha(address, 500 * TAO)
        await exchange.seal()
        for number in range(1, 4):
            await exchange.withdraw(account, bytes([number]) * 32, number * TAO)
        await exchange.withdraw(account, b"\x09" * 32, 100 * TAO, NETUID)

        await exchange.seal(3)

        assert len(exchange.events(EventKind.WITHDRAWAL_BOOKED)) == 4
        async with NodeConnection(exchange.node.url) as connection:
            assert [await free_of(connection, bytes([n]) * 32) for n in (1, 2, 3)] == [TAO, 2 * TAO, 3 * TAO]
            assert await stake_of(connection, b"\x09" * 32) in {100 * TAO, 100 * TAO - 1}
        await assert_reconciled(exchange)


async def test_a_restart_in_the_middle_sends_the_same_bytes_again(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account, address = await exchange.open_account("alice")
        Person(exchange.node, "//Bob").pay(address, 30 * TAO)
        await exchange.seal()
        await exchange.withdraw(account, BOB.public, 12 * TAO)
        await exchange.seal()
        before = [job.signed for job in exchange.views.jobs()]
        assert all(before)

        await exchange.restart()
        await exchange.settle_down()

        assert [job.signed for job in exchange.views.jobs()] == before
        async with NodeConnection(exchange.node.url) as connection:
            assert sorted(await pending(connection)) == sorted("0x" + signed.hex() for signed in before)
        await exchange.seal(2)
        assert len(exchange.events(EventKind.WITHDRAWAL_BOOKED)) == 1
        await assert_reconciled(exchange)


async def test_growth_at_an_epoch_is_shared_and_parted_from_all_that_moves_in_the_same_block(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account, address = await exchange.open_account("alice")
        holder = Person(exchange.node, "//Alice")
        holder.pay(address, 5 * TAO)
        holder.pay_alpha(address, 500 * TAO)
        await exchange.seal(8)
        while exchange.node.height < EPOCH - 2:
            await exchange.seal()
        await exchange.aim(10_900 * TAO)
        await exchange.withdraw(account, b"\x09" * 32, 100 * TAO, NETUID)
        await exchange.seal()
        holder.pay_alpha(address, 70 * TAO)
        holder.pay_alpha(HOT.public, 30 * TAO)
        assert exchange.node.height == EPOCH - 1
        assert len(exchange.views.jobs()) == 2

        await exchange.seal()

        assert {job.job for job in exchange.views.jobs()} <= {Job.SWEEP}
        growth = exchange.events(EventKind.GROWTH_SHARED)
        assert [int(event["key"]) for event in growth] == [HOT.number]
        assert exchange.events(EventKind.SETTLEMENT_BOOKED)
        assert exchange.events(EventKind.WITHDRAWAL_BOOKED)
        deposits = exchange.events(EventKind.DEPOSIT_CREDITED) + exchange.events(EventKind.DEPOSIT_SUSPENDED)
        amounts = sorted(int(event["amount"]) for event in deposits)
        assert amounts == pytest.approx([5 * TAO, 30 * TAO, 70 * TAO, 500 * TAO], abs=1)
        await assert_reconciled(exchange)


async def test_a_strangers_gifts_to_custody_wait_in_suspense_and_break_nothing(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        holder = Person(exchange.node, "//Alice")
        holder.pay(HOT.public, 3 * TAO)
        holder.pay(TRADING.public, 2 * TAO)
        holder.pay_alpha(HOT.public, 40 * TAO)
        holder.pay_alpha(HOT.public, 50 * TAO, netuid=2)
        await exchange.seal(2)

        suspended = exchange.events(EventKind.DEPOSIT_SUSPENDED)
        assert sorted(int(event["amount"]) for event in suspended) == [2 * TAO, 3 * TAO, 40 * TAO, 50 * TAO]
        await assert_reconciled(exchange)


async def test_alpha_of_an_unlisted_subnet_grows_in_our_hands_and_breaks_nothing(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        Person(exchange.node, "//Alice").pay_alpha(HOT.public, 5_000 * TAO, netuid=2)
        await exchange.seal(2)

        while exchange.node.height < 2 * EPOCH:
            await exchange.seal()

        assert [int(event["netuid"]) for event in exchange.events(EventKind.GROWTH_SHARED) if event["netuid"] == 2]
        assert not exchange.events(EventKind.RECONCILIATION_BROKEN)
        await assert_reconciled(exchange)


async def test_a_withdrawal_to_another_customers_deposit_address_is_credited_there(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        alice, address = await exchange.open_account("alice")
        bob, other = await exchange.open_account("bob")
        Person(exchange.node, "//Bob").pay(address, 30 * TAO)
        await exchange.seal(3)
        await exchange.withdraw(alice, other, 7 * TAO)
        await exchange.seal(2)

        assert exchange.free(bob) == 7 * TAO
        await assert_reconciled(exchange)


async def test_a_deposit_in_a_batch_counts_and_one_that_is_too_small_is_suspended(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account, address = await exchange.open_account("alice")
        pay = [
            call_value("Balances", "transfer_keep_alive", dest=("Id", address), value=amount)
            for amount in (4 * TAO, 999, 6 * TAO)
        ]
        Person(exchange.node, "//Bob").call("Utility", "batch_all", calls=pay)
        await exchange.seal()

        assert exchange.free(account) == 10 * TAO
        assert [int(event["amount"]) for event in exchange.events(EventKind.DEPOSIT_SUSPENDED)] == [999]
        await exchange.seal(2)
        await assert_reconciled(exchange)
