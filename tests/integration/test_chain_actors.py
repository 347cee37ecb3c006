"""Actors on a real node: one seed makes one chain, validators earn differently, miners come and go, and all ends."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.actors.session import ActorsSession, NobodyToPlay
from app.actors.strategy import SLOTS, Strategy
from app.actors.wire import open_socket
from app.cli import app
from app.link.connection import NodeLost, NodeRefused
from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.node import Node
from chain.runtime.genesis import DEV_VALIDATORS
from tests.support.chain_node import GENESIS_TIME_MS, WAIT_SECONDS, running_node

ROOT = Path(__file__).parents[2]
ARENA = 6
BLOCKS = 44
VALIDATOR_UIDS = (1, 2, 3)


async def _play(folder: Path, *, seed: int, blocks: int) -> tuple[Any, Any, dict[str, int]]:
    """Play on a fresh chain, sealed by hand; return the header of its head, its state, and what was done."""
    async with running_node(folder, seal="manual", clock=lambda: GENESIS_TIME_MS) as node:
        async with open_socket(node.url) as connection:
            session = ActorsSession(connection, Strategy(seed))
            await session.play(blocks=blocks, seal=True)
            header = await connection.request("chain_getHeader", [])
        return header, node.view.state, dict(session.done)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, dict[str, int]]:
    """One run for the tests that only look at what it left behind."""
    return asyncio.run(_play(tmp_path_factory.mktemp("actors"), seed=7, blocks=BLOCKS))


async def test_one_seed_makes_one_chain(tmp_path: Path, first: Any) -> None:
    second = await _play(tmp_path, seed=7, blocks=BLOCKS)

    header, _, done = second
    assert header == first[0]
    assert (int(header["number"], 16), done) == (BLOCKS, first[2])


async def test_another_seed_makes_another_chain(tmp_path: Path) -> None:
    headers = [(await _play(tmp_path / str(seed), seed=seed, blocks=16))[0] for seed in (7, 8)]

    assert headers[0]["stateRoot"] != headers[1]["stateRoot"]


def test_nothing_that_was_sent_was_refused(first: Any) -> None:
    done = first[2]

    assert "refused" not in done
    assert done["blocks"] == BLOCKS
    assert all(done[kind] for kind in ("weights", "commit", "reveal", "registration", "rule", "funding"))


@pytest.mark.parametrize("netuid", [1, 2, 3, 4, 5, ARENA])
def test_validators_weigh_and_their_dividends_differ(first: Any, netuid: int) -> None:
    state = first[1]

    rows = [state.get("SubtensorModule.Weights", netuid, uid) for uid in VALIDATOR_UIDS]
    dividends = state.get("SubtensorModule.Dividends", netuid)
    assert all(rows)
    assert len({tuple(row) for row in rows}) == 3
    assert all(dividends[uid] for uid in VALIDATOR_UIDS)
    assert len({dividends[uid] for uid in VALIDATOR_UIDS}) == 3
    assert any(state.get("SubtensorModule.Incentive", netuid))


def test_miners_register_compete_and_are_replaced(first: Any) -> None:
    _, state, done = first
    registered = [state.get("SubtensorModule.BlockAtRegistration", ARENA, uid) for uid in range(SLOTS)]
    incentive = state.get("SubtensorModule.Incentive", ARENA)

    assert state.get("SubtensorModule.SubnetworkN", ARENA) == SLOTS
    # Seven were there at genesis; whatever came beyond the free slots took somebody's place.
    assert done["registration"] > SLOTS - 7
    assert len(set(registered)) > SLOTS // 4
    assert sum(value > 0 for value in incentive) > 3
    assert len({state.get("SubtensorModule.Keys", ARENA, uid) for uid in range(SLOTS)}) == SLOTS


def test_both_mechanisms_of_a_subnet_are_weighed_apart(first: Any) -> None:
    state = first[1]

    assert state.get("SubtensorModule.Weights", 5, 1) != state.get("SubtensorModule.Weights", 5 + 4_096, 1) != []


async def test_a_session_goes_on_where_a_chain_stands(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node:
        for _ in range(2):
            async with open_socket(node.url) as connection:
                session = ActorsSession(connection, Strategy(3))
                await session.play(blocks=20, seal=True)
                assert "refused" not in session.done

        assert node.height == 40


async def test_an_actor_waits_until_its_last_call_is_in_a_block(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, open_socket(node.url) as connection:
        session = ActorsSession(connection, Strategy(7))
        at = node.view.hash
        await session.act(0, at)
        sent = len(node.pending())

        await session.act(0, at)

        assert sent == session.done.total() > 0
        assert len(node.pending()) == sent


async def test_a_refusal_is_counted_and_told_and_hinders_nobody(tmp_path: Path, monkeypatch: Any) -> None:
    async with running_node(tmp_path, seal="manual") as node, open_socket(node.url) as connection:
        session = ActorsSession(connection, Strategy(7))
        at = node.view.hash
        # Signed for another chain: the node sees a bad signature.
        monkeypatch.setattr(connection, "genesis_hash", blake2b_256(b"elsewhere"))
        await session.act(0, at)
        refused = session.done["refused"]
        monkeypatch.undo()
        assert refused > 0
        assert node.pending() == []


async def test_a_chain_that_seals_by_itself_is_not_sealed_by_actors(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="on_tx") as node, open_socket(node.url) as connection:
        with pytest.raises(NodeRefused, match="does not seal by hand"):
            await ActorsSession(connection, Strategy(7)).play(blocks=2, seal=True)


async def test_a_chain_without_development_validators_is_refused(tmp_path: Path) -> None:
    async with running_node(tmp_path, preset="main", seal="manual") as node, open_socket(node.url) as connection:
        with pytest.raises(NobodyToPlay, match="nobody_to_play"):
            await ActorsSession(connection, Strategy(7)).netuids()


async def test_a_node_that_goes_away_ends_the_session(tmp_path: Path) -> None:
    async with (
        running_node(tmp_path, seal="interval", block_interval_ms=50) as node,
        open_socket(node.url) as connection,
    ):
        session = ActorsSession(connection, Strategy(7))
        playing = asyncio.create_task(session.play())
        async with asyncio.timeout(WAIT_SECONDS):
            while session.done["blocks"] < 2:  # noqa: ASYNC110 - the session tells nobody
                await asyncio.sleep(0.02)
            await node._server.stop()
            with pytest.raises(NodeLost):
                await playing


async def _command(*words: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "chain", "actors", *words), stdout=PIPE, stderr=PIPE, cwd=ROOT
    )


async def _ended(process: Process) -> tuple[int | None, list[Any], str]:
    async with asyncio.timeout(2 * WAIT_SECONDS):
        out, err = await process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


async def test_the_command_plays_and_tells_what_was_done(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node:
        process = await _command("--seed", "7", "--url", node.url, "--blocks", "3", "--seal", "--arena", "4")
        code, (begun, done), error = await _ended(process)

        assert (code, error) == (0, "")
        assert begun == {"ws": node.url, "seed": 7, "subnets": [1, 2, 3, 4, 5, 6]}
        assert done["blocks"] == 3
        assert done["rule"] == 3
        assert node.height == 3
        assert node.view.state.get("SubtensorModule.MaxAllowedUids", 4) == SLOTS


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_ends_when_asked(tmp_path: Path, signum: signal.Signals) -> None:
    async with running_node(tmp_path, seal="interval", block_interval_ms=50) as node:
        process = await _command("--seed", "7", "--url", node.url)
        assert process.stdout is not None
        async with asyncio.timeout(WAIT_SECONDS):
            await process.stdout.readline()
        process.send_signal(signum)
        code, told, error = await _ended(process)

    assert (code, error) == (0, "")
    assert set(told[-1]) >= {"blocks", "weights", "refused"}


async def test_the_command_says_that_there_is_no_node_or_that_it_went(tmp_path: Path) -> None:
    node = await _stopped_node(tmp_path / "gone")
    code, told, error = await _ended(await _command("--seed", "7", "--url", node.url))
    assert (code, told) == (3, [])
    assert error.startswith("node_lost")

    async with running_node(tmp_path / "going", seal="interval", block_interval_ms=50) as node:
        process = await _command("--seed", "7", "--url", node.url)
        assert process.stdout is not None
        async with asyncio.timeout(WAIT_SECONDS):
            await process.stdout.readline()
    code, _, error = await _ended(process)
    assert code == 3
    assert error.startswith("node_lost")


@pytest.mark.parametrize("words", [[], ["--seed", "-1"], ["--seed", "x"], ["--seed", "1", "--arena", "0"]])
def test_a_seed_is_asked_for_and_checked(words: list[str]) -> None:
    assert CliRunner().invoke(app, ["chain", "actors", *words]).exit_code == 2


async def test_actors_that_belong_to_their_parent_stop_with_it(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="interval", block_interval_ms=50) as node:
        command = f"{sys.executable} -m app.cli chain actors --seed 7 --url {node.url} --with-parent"
        parent = await asyncio.create_subprocess_exec("sh", "-c", f"{command} & wait", stdout=PIPE, cwd=ROOT)
        assert parent.stdout is not None
        async with asyncio.timeout(2 * WAIT_SECONDS):
            assert json.loads(await parent.stdout.readline())["seed"] == 7
            parent.kill()
            await parent.wait()
            # The actors hold the other end of the pipe until they have ended.
            assert b"blocks" in await parent.stdout.read()


async def _stopped_node(folder: Path) -> Node:
    async with running_node(folder) as node:
        return node


def test_the_validators_of_the_strategy_are_those_of_genesis() -> None:
    assert [validator.hotkey for validator in Strategy(1).validators] == [
        KeyPair.from_uri(uri).public for uri, _ in DEV_VALIDATORS
    ]
