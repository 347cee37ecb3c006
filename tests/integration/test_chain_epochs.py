"""What a node tells of the epochs that ran on it, at once and after it was started again."""

from pathlib import Path
from typing import Any

from chain.epoch_records import INPUTS, OUTPUTS, TRACE
from chain.extrinsic import sign_extrinsic
from chain.node import Node
from tests.support.chain_node import RawClient, Ticker, raw_client, running_node
from tests.support.weights import VALIDATORS, set_weights

ROWS = ([(4, 5), (5, 1)], [(5, 1), (6, 1)], [(4, 1), (6, 9)])


async def score(node: Node, client: RawClient) -> None:
    """Submit one row of weights from each validator, which cost nothing."""
    for key, row in zip(VALIDATORS, ROWS, strict=True):
        raw = sign_extrinsic(key, set_weights(1, row), nonce=0, genesis_hash=node.genesis_hash)
        await client.call("author_submitExtrinsic", "0x" + raw.hex())


async def seal(client: RawClient, blocks: int) -> None:
    for _ in range(blocks):
        await client.call("dev_seal")


async def test_every_intermediate_of_an_epoch_can_be_read_also_after_a_restart(tmp_path: Path) -> None:
    clock = Ticker()
    async with running_node(tmp_path, seal="manual", clock=clock) as node, raw_client(node) as client:
        assert await client.call("taobourse_epoch", 1) is None
        await score(node, client)
        await seal(client, 22)
        told = await client.call("taobourse_epoch", 1)
        assert await client.call("taobourse_epoch", 1, 0, 20) == told
        assert await client.call("taobourse_epoch", 1, 0, 19) is None
        assert await client.call("taobourse_epoch", 1, 1) is None
        second = await client.call("taobourse_epoch", 5, 1)

    assert (told["netuid"], told["mechanism"], told["block"]) == (1, 0, 20)
    assert (second["mechanism"], second["block"]) == (1, 22)
    assert set(told["inputs"]) == set(INPUTS)
    assert set(told["trace"]) == set(TRACE)
    assert set(told["outputs"]) == set(OUTPUTS)
    assert told["inputs"]["weights"][1] == [[4, 65_535], [5, 13_107]]
    assert len(set(told["outputs"]["dividends"][1:4])) == 3
    assert_sums(told)
    async with running_node(tmp_path, seal="manual", clock=clock) as node, raw_client(node) as client:
        assert len(node.view.records) == 0
        assert await client.call("taobourse_epoch", 1) == told
        assert await client.call("taobourse_epoch", 5, 1) == second
        named = await client.call("taobourse_epoch", 1, 0, None, ["consensus", "emission"])
        assert named["outputs"] == {name: told["outputs"][name] for name in ("consensus", "emission")}
        assert named["trace"] == {"consensus": told["trace"]["consensus"]}


def assert_sums(told: dict[str, Any]) -> None:
    one = 1 << 32
    for name in ("stake", "active_stake", "incentive", "dividends"):
        assert 0 <= one - sum(told["trace"][name]) <= 7
    given = sum(int(amount) for amount in told["outputs"]["emission"])
    assert 0 <= int(told["inputs"]["emission"]) - given <= 200


async def test_what_no_epoch_can_be_is_refused(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual", clock=Ticker()) as node, raw_client(node) as client:
        for params in ((), (0,), ("x",), (1, -1), (1, 0, -1), (1, 0, 1, "stake"), (1, 0, 1, [2])):
            error = await client.fail("taobourse_epoch", *params)
            assert error["code"] == -32_602, params
        assert await client.call("taobourse_epoch", 1, 0, 9_999) is None
