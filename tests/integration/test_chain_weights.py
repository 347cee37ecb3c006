"""An unmodified client library sets weights on a real node, commits and reveals, and reads what became of them."""

from pathlib import Path
from typing import Any

from async_substrate_interface import AsyncSubstrateInterface

from chain.runtime.genesis import DEV_VALIDATORS
from chain.runtime.subtensor.commits import hash_weights
from tests.support.chain_node import ClientKey, running_node

VALIDATORS = [ClientKey(uri) for uri, _ in DEV_VALIDATORS]
FIRST = VALIDATORS[0]
HIDDEN = 6


def _value(result: Any) -> Any:
    return getattr(result, "value", result)


async def _submit(substrate: AsyncSubstrateInterface, key: ClientKey, name: str, args: dict[str, Any]) -> Any:
    call = await substrate.compose_call("SubtensorModule", name, args)
    signed = await substrate.create_signed_extrinsic(call=call, keypair=key, era={"period": 64})
    return await substrate.submit_extrinsic(signed, wait_for_finalization=True)


async def _ask(substrate: AsyncSubstrateInterface, api: str, method: str, params: list[Any]) -> Any:
    return _value(await substrate.runtime_call(api, method, params))


async def test_a_client_sets_weights_for_nothing_and_reads_the_metagraph(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, AsyncSubstrateInterface(node.url, ss58_format=42) as substrate:
        rows = ([40, 10], [30, 20], [5, 50])
        for key, row in zip(VALIDATORS, rows, strict=True):
            args = {"netuid": 1, "mecid": 0, "dests": [4, 5], "weights": row, "version_key": 0}
            receipt = await _submit(substrate, key, "set_mechanism_weights", args)
            assert await receipt.is_success
            assert await receipt.total_fee_amount == 0
        await _shorten(substrate, 1)
        too_fast = {"netuid": 1, "dests": [4], "weights": [1], "version_key": 0}
        failed = await _submit(substrate, FIRST, "set_weights", too_fast)
        assert not await failed.is_success
        assert "SettingWeightsTooFast" in str(await failed.error_message)
        while node.height < 9:
            await _pass(substrate, node.height)

        neurons = await _ask(substrate, "NeuronInfoRuntimeApi", "get_neurons", [1])
        graph = await _ask(substrate, "SubnetInfoRuntimeApi", "get_metagraph", [1])
        rules = await _ask(substrate, "SubnetInfoRuntimeApi", "get_subnet_hyperparams_v3", [1])

    assert [neuron["uid"] for neuron in neurons] == list(range(7))
    assert graph["hotkeys"][1:4] == [key.ss58_address for key in VALIDATORS]
    assert graph["incentives"][4] > graph["incentives"][5] > 0
    assert len(set(graph["dividends"][1:4])) == 3
    assert graph["incentives"] == [neuron["incentive"] for neuron in neurons]
    assert {"tempo", "kappa", "commit_reveal_weights_enabled"} <= {str(entry["name"]) for entry in rules}


async def test_a_client_commits_and_reveals(tmp_path: Path) -> None:
    salt = [3, 1, 4]
    digest = hash_weights(FIRST.public_key, HIDDEN, uids=[4, 6], values=[1, 2], salt=salt, version=0)
    reveal = {"netuid": HIDDEN, "uids": [4, 6], "values": [1, 2], "salt": salt, "version_key": 0}
    async with running_node(tmp_path) as node, AsyncSubstrateInterface(node.url, ss58_format=42) as substrate:
        await _shorten(substrate, HIDDEN)
        commit = {"netuid": HIDDEN, "commit_hash": "0x" + digest.hex()}
        assert await (await _submit(substrate, FIRST, "commit_weights", commit)).is_success
        waiting = await substrate.query("SubtensorModule", "WeightCommits", [HIDDEN, FIRST.ss58_address])
        while node.height < 5:
            await _pass(substrate, node.height)

        receipt = await _submit(substrate, FIRST, "reveal_weights", reveal)

        assert await receipt.is_success, await receipt.error_message
        weights = _value(await substrate.query("SubtensorModule", "Weights", [HIDDEN, 1]))
    assert len(_value(waiting)) == 1
    assert [tuple(entry) for entry in weights] == [(4, 32_768), (6, 65_535)]


async def _shorten(substrate: AsyncSubstrateInterface, netuid: int) -> None:
    """Let root give a subnet an epoch every five blocks, from now on."""
    inner = await substrate.compose_call("AdminUtils", "sudo_set_tempo", {"netuid": netuid, "tempo": 5})
    call = await substrate.compose_call("Sudo", "sudo", {"call": inner})
    signed = await substrate.create_signed_extrinsic(call=call, keypair=ClientKey("//Alice"), era={"period": 64})
    assert await (await substrate.submit_extrinsic(signed, wait_for_finalization=True)).is_success


async def _pass(substrate: AsyncSubstrateInterface, number: int) -> None:
    """Let another validator make a block pass with a call that costs nothing."""
    row = {"netuid": 2 + number % 4, "dests": [4], "weights": [1], "version_key": 0}
    await _submit(substrate, VALIDATORS[1], "set_weights", row)
