"""An unmodified client library against a real node: what a wallet and the exchange's link do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from async_substrate_interface import AsyncSubstrateInterface, SubstrateInterface

from chain.keys import Scheme
from tests.support.chain_node import ClientKey, running_node

ALICE, BOB, CHARLIE = ClientKey("//Alice"), ClientKey("//Bob"), ClientKey("//Charlie")
HOTKEY = ClientKey("//Charlie//hotkey")
TAO = 10**9


def _value(result: Any) -> Any:
    return getattr(result, "value", result)


async def _free(substrate: AsyncSubstrateInterface, address: str, block_hash: str | None = None) -> int:
    account = _value(await substrate.query("System", "Account", [address], block_hash=block_hash))
    return int(account["data"]["free"])


async def _sign(substrate: AsyncSubstrateInterface, call: Any, key: ClientKey) -> Any:
    return await substrate.create_signed_extrinsic(call=call, keypair=key, era={"period": 64})


async def _submit(substrate: AsyncSubstrateInterface, call: Any, key: ClientKey) -> Any:
    return await substrate.submit_extrinsic(await _sign(substrate, call, key), wait_for_finalization=True)


async def _stake(substrate: AsyncSubstrateInterface, block_hash: str | None = None) -> int:
    """Alice's alpha under the hotkey on subnet 1."""
    position = await substrate.runtime_call(
        "StakeInfoRuntimeApi",
        "get_stake_info_for_hotkey_coldkey_netuid",
        [HOTKEY.ss58_address, ALICE.ss58_address, 1],
        block_hash=block_hash,
    )
    return int(_value(position)["stake"])


def _named(events: list[Any], module: str, event: str) -> list[Any]:
    found = [_value(item) for item in events]
    return [item["event"] for item in found if (item["module_id"], item["event_id"]) == (module, event)]


@pytest.mark.parametrize("scheme", [Scheme.SR25519, Scheme.ED25519])
async def test_a_transfer_waited_to_finality_reports_the_exact_fee(tmp_path: Path, scheme: str) -> None:
    async with running_node(tmp_path) as node, AsyncSubstrateInterface(node.url, ss58_format=42) as substrate:
        sender = ClientKey("//Sender", scheme)
        endow = await substrate.compose_call(
            "Balances", "transfer_keep_alive", {"dest": sender.ss58_address, "value": 100 * TAO}
        )
        assert await (await _submit(substrate, endow, ALICE)).is_success
        bob = await _free(substrate, BOB.ss58_address)
        call = await substrate.compose_call(
            "Balances", "transfer_keep_alive", {"dest": BOB.ss58_address, "value": 7 * TAO}
        )
        extrinsic = await _sign(substrate, call, sender)
        predicted = await substrate.rpc_request("payment_queryInfo", [str(extrinsic.data)])

        receipt = await substrate.submit_extrinsic(extrinsic, wait_for_finalization=True)

        assert await receipt.is_success
        fee = await receipt.total_fee_amount
        assert fee == int(predicted["result"]["partialFee"]) > 0
        assert await _free(substrate, BOB.ss58_address) == bob + 7 * TAO
        assert await _free(substrate, sender.ss58_address) == 93 * TAO - fee
        events = await receipt.triggered_events
        assert len(_named(events, "Balances", "Transfer")) == 1
        assert len(_named(events, "TransactionPayment", "TransactionFeePaid")) == 1


async def test_a_call_that_fails_pays_its_fee_and_moves_nothing(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, AsyncSubstrateInterface(node.url, ss58_format=42) as substrate:
        before = await _free(substrate, ALICE.ss58_address)
        call = await substrate.compose_call(
            "Balances", "transfer_keep_alive", {"dest": BOB.ss58_address, "value": before * 2}
        )

        receipt = await _submit(substrate, call, ALICE)

        assert not await receipt.is_success
        assert "FundsUnavailable" in str(await receipt.error_message)
        assert await _free(substrate, ALICE.ss58_address) == before - await receipt.total_fee_amount


async def test_a_staking_proxy_swaps_in_a_forced_batch(tmp_path: Path) -> None:
    """The coldkey stays offline: its delegate signs, and the stake is the coldkey's."""
    async with running_node(tmp_path) as node, AsyncSubstrateInterface(node.url, ss58_format=42) as substrate:
        add_proxy = await substrate.compose_call(
            "Proxy", "add_proxy", {"delegate": BOB.ss58_address, "proxy_type": "Staking", "delay": 0}
        )
        assert await (await _submit(substrate, add_proxy, ALICE)).is_success
        price = int(_value(await substrate.runtime_call("SwapRuntimeApi", "current_alpha_price", [1])))
        swap = await substrate.compose_call(
            "SubtensorModule",
            "add_stake_limit",
            {
                "hotkey": HOTKEY.ss58_address,
                "netuid": 1,
                "amount_staked": 100 * TAO,
                "limit_price": price * 11 // 10,
                "allow_partial": False,
            },
        )
        proxied = await substrate.compose_call(
            "Proxy", "proxy", {"real": ALICE.ss58_address, "force_proxy_type": "Staking", "call": swap.value}
        )
        batch = await substrate.compose_call("Utility", "force_batch", {"calls": [proxied.value]})
        staked_before = await _stake(substrate)
        before = await _free(substrate, ALICE.ss58_address)

        receipt = await _submit(substrate, batch, BOB)

        assert await receipt.is_success
        events = await receipt.triggered_events
        (executed,) = _named(events, "Proxy", "ProxyExecuted")
        assert list(executed["attributes"]["result"]) == ["Ok"]
        (staked,) = _named(events, "SubtensorModule", "StakeAdded")
        coldkey, hotkey, tao, alpha, netuid, _ = staked["attributes"]
        assert (coldkey, hotkey, netuid) == (ALICE.ss58_address, HOTKEY.ss58_address, 1)
        assert await _free(substrate, ALICE.ss58_address) == before - 100 * TAO
        assert 0 < tao <= 100 * TAO
        # Share rounding may cost one rao, and the block itself pays a little emission to stakers.
        assert await _stake(substrate, receipt.block_hash) >= staked_before + alpha - 1


async def test_the_blocking_client_transfers_too(tmp_path: Path) -> None:
    def transfer(url: str) -> tuple[bool, int, str]:
        with SubstrateInterface(url, ss58_format=42) as substrate:
            call = substrate.compose_call(
                "Balances", "transfer_keep_alive", {"dest": BOB.ss58_address, "value": 3 * TAO}
            )
            extrinsic = substrate.create_signed_extrinsic(call=call, keypair=ALICE, era={"period": 64})
            predicted = substrate.rpc_request("payment_queryInfo", [str(extrinsic.data)])["result"]["partialFee"]
            receipt = substrate.submit_extrinsic(extrinsic, wait_for_finalization=True)
            return receipt.is_success, receipt.total_fee_amount, predicted

    async with running_node(tmp_path) as node:
        succeeded, fee, predicted = await asyncio.to_thread(transfer, node.url)

    assert succeeded
    assert str(fee) == predicted


async def test_reads_at_an_older_block_see_the_state_after_it(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, AsyncSubstrateInterface(node.url, ss58_format=42) as substrate:
        genesis = await substrate.get_block_hash(0)
        start = await _free(substrate, BOB.ss58_address)
        hashes = []
        for _ in range(3):
            call = await substrate.compose_call(
                "Balances", "transfer_keep_alive", {"dest": BOB.ss58_address, "value": TAO}
            )
            receipt = await _submit(substrate, call, ALICE)
            hashes.append(receipt.block_hash)

        balances = [await _free(substrate, BOB.ss58_address, block_hash) for block_hash in [genesis, *hashes]]

    assert balances == [start + TAO * number for number in range(4)]


async def test_iterating_a_map_finds_every_entry(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, AsyncSubstrateInterface(node.url, ss58_format=42) as substrate:
        found = await substrate.query_map("SubtensorModule", "NetworksAdded", page_size=2)
        netuids = sorted([int(_value(key)) async for key, _ in found])

    assert netuids == [0, 1, 2, 3, 4, 5, 6]


async def test_blocks_with_their_logs_and_events_are_decoded_by_the_client(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, AsyncSubstrateInterface(node.url, ss58_format=42) as substrate:
        call = await substrate.compose_call("Balances", "transfer_keep_alive", {"dest": BOB.ss58_address, "value": TAO})
        receipt = await _submit(substrate, call, ALICE)
        block = await substrate.get_block(receipt.block_hash)
        events = await substrate.get_events(receipt.block_hash)

    assert block["header"]["number"] == 1
    assert len(block["header"]["digest"]["logs"]) == 2
    names = [_value(extrinsic)["call"]["call_function"] for extrinsic in block["extrinsics"]]
    assert names == ["set", "transfer_keep_alive"]
    (transfer,) = _named(events, "Balances", "Transfer")
    assert transfer["attributes"]["to"] == BOB.ss58_address


async def test_the_client_follows_finalized_heads(tmp_path: Path) -> None:
    numbers: list[int] = []

    async def seen(message: dict[str, Any], *_: Any) -> bool | None:
        numbers.append(int(message["header"]["number"]))
        return True if len(numbers) == 4 else None

    async with (
        running_node(tmp_path, seal="interval", block_interval_ms=30) as node,
        AsyncSubstrateInterface(node.url, ss58_format=42) as substrate,
    ):
        async with asyncio.timeout(20):
            await substrate.subscribe_block_headers(seen, finalized_only=True)

    assert numbers == list(range(numbers[0], numbers[0] + 4))
