"""The link when the world fails: lost and silent connections, swallowed extrinsics, another chain, restarts."""

import asyncio
from pathlib import Path

import pytest

from app.custody import scale
from app.custody.calls import SPEC_VERSION, TRANSACTION_VERSION, Remark, encode_call
from app.link.connection import NodeConnection
from chain.rpc.jsonrpc import RpcError
from ledger.engine.layout import CommandKind, EventKind, Halt, JobState, KeyRole, Outcome
from ledger.engine.view_rows import WithdrawalJob
from ledger.errors import Refusal
from tests.support.link_chain import TAO, Person, free_of
from tests.support.link_exchange import KEYRING, TRADING, Exchange, running_exchange

RECIPIENT = b"\x77" * 32


async def customer_with(exchange: Exchange, amount: int) -> int:
    """Open an account, pay ``amount`` to it and sweep it."""
    account, address = await exchange.open_account("alice")
    Person(exchange.node, "//Bob").pay(address, amount)
    await exchange.seal(3)
    assert exchange.free(account) == amount
    return account


async def assert_paid(exchange: Exchange, amount: int) -> None:
    async with NodeConnection(exchange.node.url) as connection:
        assert await free_of(connection, RECIPIENT) == amount
    assert (await exchange.reconcile()).differences == ()
    assert not exchange.events(EventKind.RECONCILIATION_BROKEN)


async def test_a_connection_that_breaks_is_rebuilt_and_no_height_is_missed(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account = await customer_with(exchange, 30 * TAO)
        await exchange.withdraw(account, RECIPIENT, 5 * TAO)
        for _ in range(4):
            await exchange.tap.hang_up()
            await exchange.node.seal()
            await exchange.node.seal()
            await exchange.settle_down()

        numbers = [int(event["other"]) for event in exchange.events(EventKind.HEAD_BEGAN)]
        assert numbers == list(range(numbers[0], exchange.node.height + 1))
        assert len(exchange.events(EventKind.WITHDRAWAL_BOOKED)) == 1
        assert exchange.tap.opened > 4
        await assert_paid(exchange, 5 * TAO)


async def test_a_silent_connection_is_rebuilt_by_the_watchdog(tmp_path: Path) -> None:
    async with running_exchange(tmp_path, silent_at_least_s=0.3, silent_intervals=0) as exchange:
        opened = exchange.tap.opened
        exchange.tap.silent = True
        await exchange.node.seal()
        await exchange.until(lambda: not exchange.link.status.connected)
        exchange.tap.silent = False

        await exchange.settle_down()

        assert exchange.tap.opened > opened
        assert "no head for" in exchange.link.status.last_error or "no answer" in exchange.link.status.last_error


async def test_heights_that_passed_while_the_link_was_away_are_imported_in_order(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account, address = await exchange.open_account("alice")
        await exchange.stop()
        bob = Person(exchange.node, "//Bob")
        for amount in (3, 4, 5):
            bob.pay(address, amount * TAO)
            await exchange.node.seal()
        await exchange.start()
        exchange.link.start()
        await exchange.settle_down()

        assert exchange.free(account) == 12 * TAO
        assert [int(e["amount"]) for e in exchange.events(EventKind.DEPOSIT_CREDITED)] == [3 * TAO, 4 * TAO, 5 * TAO]
        assert (await exchange.reconcile()).differences == ()


async def test_the_same_bytes_are_sent_at_every_head_until_they_are_booked(tmp_path: Path) -> None:
    async with running_exchange(tmp_path) as exchange:
        account = await customer_with(exchange, 30 * TAO)
        exchange.tap.submitted.clear()
        exchange.tap.swallow_submits = True
        await exchange.withdraw(account, RECIPIENT, 5 * TAO)
        await exchange.seal(5)
        assert len(exchange.tap.submitted) == 5
        assert len(set(exchange.tap.submitted)) == 1

        exchange.tap.swallow_submits = False
        await exchange.seal(2)

        assert len(exchange.events(EventKind.WITHDRAWAL_BOOKED)) == 1
        await assert_paid(exchange, 5 * TAO)


def withdrawals(exchange: Exchange) -> list[WithdrawalJob]:
    """Return the open withdrawals; meanwhile the house may sell what its stake has earned."""
    return [job for job in exchange.views.jobs() if isinstance(job, WithdrawalJob)]


async def test_a_withdrawal_that_never_got_in_is_refunded_after_its_era_and_its_nonce_used_again(
    tmp_path: Path,
) -> None:
    async with running_exchange(tmp_path) as exchange:
        account = await customer_with(exchange, 30 * TAO)
        exchange.tap.swallow_submits = True
        await exchange.withdraw(account, RECIPIENT, 5 * TAO)
        await exchange.seal()
        first = exchange.views.jobs()[0]
        await exchange.seal(63)
        assert [job.job_id for job in withdrawals(exchange)] == [first.job_id]
        await exchange.seal()

        refunds = exchange.events(EventKind.WITHDRAWAL_REFUNDED)
        assert [int(event["code"]) for event in refunds] == [Outcome.DEAD]
        assert exchange.free(account) == 30 * TAO

        exchange.tap.swallow_submits = False
        await exchange.withdraw(account, RECIPIENT, 6 * TAO)
        await exchange.seal()
        assert [job.nonce for job in withdrawals(exchange)] == [first.nonce]
        with pytest.raises(RpcError):
            exchange.node.submit(first.signed)
        await exchange.seal()
        await assert_paid(exchange, 6 * TAO)


async def test_a_job_signed_but_not_yet_in_the_ledger_gets_the_same_bytes_after_a_crash(tmp_path: Path) -> None:
    """The signer's journal is synced before its answer; the ledger may never have heard of it."""
    async with running_exchange(tmp_path) as exchange:
        account = await customer_with(exchange, 30 * TAO)
        real = exchange.link.submitter.submit

        async def crash(request: object) -> object:
            raise asyncio.CancelledError

        exchange.link.submitter.submit = crash  # type: ignore[assignment]
        job_id = await exchange.withdraw(account, RECIPIENT, 5 * TAO)
        await exchange.node.seal()
        await exchange.until(lambda: exchange.signer.remembered(job_id) is not None)
        remembered = exchange.signer.remembered(job_id)
        assert remembered is not None
        assert exchange.views.jobs()[0].state is JobState.REQUESTED
        exchange.link.submitter.submit = real

        await exchange.restart()
        await exchange.settle_down()
        assert [job.signed for job in exchange.views.jobs()] == [remembered.extrinsic]
        await exchange.seal(2)
        await assert_paid(exchange, 5 * TAO)


async def test_a_head_of_another_parent_is_refused_whole_and_halts_money_until_an_operator_acts(
    tmp_path: Path,
) -> None:
    async with running_exchange(tmp_path) as exchange:
        account = await customer_with(exchange, 30 * TAO)
        head = exchange.views.head()
        exchange.tap.lie["chain_getBlock"] = _told(head.number + 1, exchange.node.genesis_hash)

        await exchange.node.seal()
        await exchange.until(lambda: bool(exchange.link.status.refused))

        assert exchange.views.head() == head
        assert exchange.views.halts().money
        assert [int(e["code"]) for e in exchange.events(EventKind.HEAD_REFUSED)] == [Refusal.HEAD_PARENT]

        exchange.tap.lie.clear()
        await exchange.node.seal()
        await exchange.until(lambda: exchange.link.status.finalised == exchange.node.height)
        assert exchange.views.head() == head
        assert len(exchange.events(EventKind.HEAD_REFUSED)) == 1

        await exchange.operator(CommandKind.SET_HALT, netuid=65_535, halt=Halt.MONEY, flags=0)
        await exchange.node.seal()
        await exchange.until(lambda: exchange.views.head().number == exchange.node.height)
        assert exchange.free(account) == 30 * TAO


def _told(height: int, parent: bytes) -> dict[str, object]:
    """Return a block as a lying node would tell it: the right height, another parent."""
    header = {"parentHash": "0x" + parent.hex(), "number": hex(height), "digest": {"logs": []}}
    return {"block": {"header": header, "extrinsics": []}, "justifications": None}


async def test_a_nonce_used_by_another_extrinsic_closes_the_job_after_its_era_and_trading_goes_on(
    tmp_path: Path,
) -> None:
    async with running_exchange(tmp_path) as exchange:
        exchange.tap.swallow_submits = True
        await exchange.aim(10_400 * TAO)
        await exchange.seal()
        job = exchange.views.jobs()[0]
        exchange.node.submit(_remark_by_trading_key(exchange, job.nonce))
        await exchange.seal(job.period - 1)
        assert [one.job_id for one in exchange.views.jobs()] == [job.job_id]
        assert not exchange.events(EventKind.EXTRINSIC_DIED)

        exchange.tap.swallow_submits = False
        await exchange.seal(2)

        assert len(exchange.events(EventKind.EXTRINSIC_DIED)) == 1
        assert len(exchange.events(EventKind.SETTLEMENT_BOOKED)) == 1
        assert (await exchange.reconcile()).differences == ()


def _remark_by_trading_key(exchange: Exchange, nonce: int) -> bytes:
    """Sign a call outside the signer, as somebody with the same key would."""
    head, call = exchange.views.head(), encode_call(Remark(b"somebody else"))
    extra = scale.era(head.number, 64) + scale.compact(nonce) + scale.compact(0) + b"\x00"
    payload = scale.signing_payload(
        call,
        extra,
        spec_version=SPEC_VERSION,
        transaction_version=TRANSACTION_VERSION,
        genesis_hash=exchange.node.genesis_hash,
        birth_hash=head.hash,
    )
    signature = KEYRING.sign(KeyRole.TRADING, TRADING.number, payload)
    return scale.signed_extrinsic(TRADING.public, signature, extra, call)
