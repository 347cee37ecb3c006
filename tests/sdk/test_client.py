"""The public network's newest client, unmodified, against a node of ours: what it reads, and what it sends."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bittensor as bt
import pytest
from bittensor.wallets import Keypair

VALIDATORS = ("//Charlie", "//Dave", "//Eve")
ROWS = ({4: 0.6, 5: 0.3, 6: 0.1}, {4: 0.5, 5: 0.4, 6: 0.1}, {4: 0.1, 5: 0.1, 6: 0.8})
NETUID, HIDDEN, HIDDEN_MECHANISMS = 1, 6, 5
U16_MAX = 65_535


class Purse:
    """Coldkey and hotkey of development accounts, in the shape of the client's wallets."""

    def __init__(self, cold: str, hot: str) -> None:
        self.coldkey = self.coldkeypub = Keypair.create_from_uri(cold)
        self.hotkey = Keypair.create_from_uri(hot)


PURSES = [Purse(uri, f"{uri}//hotkey") for uri in VALIDATORS]
CHARLIE = PURSES[0]
ALICE = Purse("//Alice", "//Charlie//hotkey")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the client's cached metadata out of the user's home."""
    os.environ["BITTENSOR_RUNTIME_CACHE_DIR"] = str(tmp_path_factory.mktemp("runtimes"))
    yield
    del os.environ["BITTENSOR_RUNTIME_CACHE_DIR"]


def _set_weights(netuid: int, row: dict[int, float], mecid: int = 0) -> Any:
    dests, values = bt.intents.normalize(list(row), list(row.values()))
    return bt.calls.SubtensorModule.set_mechanism_weights(
        netuid=netuid, mecid=mecid, dests=dests, weights=values, version_key=0
    )


async def _next_epoch(client: Any, netuid: int) -> Any:
    event = await client.wait_for_epoch(netuid)
    return await client.subnets.metagraph(netuid, block=event.block)


def test_the_blocking_client_sees_the_chain_go_on(node_url: str) -> None:
    with bt.Subtensor(node_url) as client:
        first = client.block
        client.wait_for_block(first + 3)
        second = client.block

        assert second >= first + 3
        assert client.finalized_block >= first + 3
        assert client.spec_version == 424
        assert client.balances.existential_deposit().rao == 500


def test_weights_are_set_and_the_epoch_pays_by_them(node_url: str) -> None:
    async def play() -> tuple[Any, Any, Any, Any]:
        async with bt.Subtensor(node_url) as client:
            for purse, row in zip(PURSES, ROWS, strict=True):
                result = await client.submit_call(_set_weights(NETUID, row), purse.hotkey)
                assert result.success, result.message
                assert result.fee.rao == 0
            stored = await client.weights.weights(NETUID)
            graph = await _next_epoch(client, NETUID)
            neurons = await client.neurons.all(NETUID, lite=False)
            return stored, graph, neurons, await client.weights.bonds(NETUID)

    stored, graph, neurons, bonds = asyncio.run(play())

    for uid, row in enumerate(ROWS, 1):
        assert stored[uid] == pytest.approx(row, abs=1e-4)
    assert [neuron.uid for neuron in graph] == list(range(7))
    assert graph.hotkeys[1:4] == [purse.hotkey.ss58_address for purse in PURSES]
    assert [neuron.uid for neuron in graph.validators] == [0, 1, 2, 3]
    assert graph.neuron(4).incentive > graph.neuron(5).incentive > graph.neuron(6).incentive > 0
    assert sum(neuron.incentive for neuron in graph) == pytest.approx(1, abs=1e-3)
    dividends = [graph.neuron(uid).dividends for uid in (1, 2, 3)]
    assert len(set(dividends)) == 3
    assert sum(dividends) == pytest.approx(1, abs=1e-3)
    assert graph.neuron(1).total_stake.rao > graph.neuron(2).total_stake.rao > graph.neuron(3).total_stake.rao > 0
    assert [neuron.hotkey for neuron in neurons] == graph.hotkeys
    assert [neuron.raw["weights"] != [] for neuron in neurons] == [False, True, True, True, False, False, False]
    assert all(value <= 1 for row in bonds.values() for value in row.values())
    assert set(bonds) == {1, 2, 3}


def test_a_refused_row_tells_the_chains_reason(node_url: str) -> None:
    async def play() -> tuple[Any, Any]:
        async with bt.Subtensor(node_url) as client:
            hidden = await client.submit_call(_set_weights(HIDDEN, ROWS[0]), CHARLIE.hotkey)
            unknown = await client.submit_call(_set_weights(NETUID, {4: 1.0, 99: 1.0}), PURSES[2].hotkey)
            return hidden, unknown

    hidden, unknown = asyncio.run(play())

    assert not hidden.success
    assert "CommitRevealEnabled" in str(hidden)
    assert not unknown.success
    assert "UidVecContainInvalidOne" in str(unknown) or "SettingWeightsTooFast" in str(unknown)


def test_a_second_mechanism_has_weights_of_its_own(node_url: str) -> None:
    async def play() -> tuple[Any, Any]:
        async with bt.Subtensor(node_url) as client:
            result = await client.submit_call(_set_weights(HIDDEN_MECHANISMS, {5: 1.0}, mecid=1), CHARLIE.hotkey)
            assert result.success, result.message
            return (
                await client.weights.weights(HIDDEN_MECHANISMS, mechid=1),
                await client.weights.weights(HIDDEN_MECHANISMS),
            )

    second, first = asyncio.run(play())

    assert second == {1: {5: 1.0}}
    assert 1 not in first


def test_a_newer_item_that_this_interface_lacks_is_refused_by_name(node_url: str) -> None:
    """``SetWeights`` of 11.3 asks for it before it sends anything; the call itself, as above, does not need it."""

    async def play() -> None:
        async with bt.Subtensor(node_url) as client:
            await client.query(bt.storage.SubtensorModule.SubnetEpochConsensus, [NETUID])

    with pytest.raises(ValueError, match="SubnetEpochConsensus not found"):
        asyncio.run(play())


def test_subnets_and_their_parameters_are_read(node_url: str) -> None:
    async def play() -> tuple[Any, ...]:
        async with bt.Subtensor(node_url) as client:
            return (
                await client.subnets.info(NETUID),
                await client.subnets.all(),
                await client.subnets.subnet_hyperparameters(NETUID),
                await client.subnets.commit_reveal_enabled(HIDDEN),
                await client.hyperparameters.weights_rate_limit(NETUID),
                await client.subnets.subnet_names(),
                await client.subnets.mechanism_count(HIDDEN_MECHANISMS),
                await client.delegation.delegates(),
            )

    info, subnets, rules, hides, limit, names, mechanisms, delegates = asyncio.run(play())

    assert (info.tempo, info.neuron_count) == (20, 7)
    assert [subnet.netuid for subnet in subnets] == list(range(7))
    assert (rules["kappa"], rules["tempo"], rules["weights_rate_limit"]) == (32_767, 20, 10)
    assert rules["commit_reveal_weights_enabled"] is False
    assert hides is True
    assert limit == 10
    assert names[NETUID] == "apex"
    assert mechanisms == 2
    assert {delegate.hotkey for delegate in delegates} >= {purse.hotkey.ss58_address for purse in PURSES}


def test_a_transfer_costs_the_fee_that_it_tells(node_url: str) -> None:
    recipient = Keypair.create_from_uri("//Nobody//before").ss58_address

    async def play() -> tuple[Any, Any, Any, Any]:
        async with bt.Subtensor(node_url) as client:
            before = await client.balances.get(ALICE.coldkey.ss58_address)
            result = await client.execute(bt.Transfer(dest_ss58=recipient, amount_tao=1.5), ALICE)
            assert result.success, result.message
            after = await client.balances.get(ALICE.coldkey.ss58_address)
            return before, after, await client.balances.get(recipient), result.fee

    before, after, received, fee = asyncio.run(play())

    assert received.rao == 1_500_000_000
    assert before.rao - after.rao == received.rao + fee.rao


def test_stake_is_added_and_found_among_the_positions(node_url: str) -> None:
    cold, hot = ALICE.coldkey.ss58_address, CHARLIE.hotkey.ss58_address

    async def play() -> tuple[Any, Any, Any]:
        async with bt.Subtensor(node_url) as client:
            before = await client.staking.get(cold, hot, NETUID)
            intent = bt.AddStake(hotkey_ss58=hot, netuid=NETUID, amount_tao=20.0)
            result = await client.execute(intent, ALICE)
            assert result.success, result.message
            after = await client.staking.get(cold, hot, NETUID)
            return before, after, await client.staking.positions(cold)

    before, after, positions = asyncio.run(play())

    # 100 000 TAO stand against 2 000 000 alpha: a little less than 20 alpha for one TAO.
    assert 350 * 10**9 < after.rao - before.rao < 500 * 10**9
    assert {position.netuid for position in positions if position.hotkey == hot} == set(range(1, 7))


def test_the_command_line_reads_too(node_url: str, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("btcli")
    words = [str(command), "query", "metagraph", "--netuid", str(NETUID), "--network", node_url, "--json"]
    words += ["--fallback-endpoints", "none", "--archive-endpoints", "none"]

    home = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=home)

    assert done.returncode == 0, done.stderr
    graph = json.loads(done.stdout)
    assert CHARLIE.hotkey.ss58_address in json.dumps(graph)
