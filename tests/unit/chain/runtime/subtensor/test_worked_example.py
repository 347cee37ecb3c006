"""The figures of ``docs/economics.md``, read from there, from a chain, and recomputed by hand for the first block."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chain.runtime.state import State
from chain.runtime.subtensor import epochs
from tests.support.dev_chain import TAO, DevChain
from tests.support.weights import score

MODULE = "SubtensorModule"
NETUID = 2
DOCUMENT = Path(__file__).resolve().parents[5] / "docs" / "economics.md"


@cache
def documented() -> dict[str, int]:
    """Return the figures of the two tables by their names."""
    text = DOCUMENT.read_text()
    example = text[text.index("## One subnet over one tempo") : text.index("## Decided here")]
    return {name: int(amount) for name, amount in re.findall(r"^\| ([^|]+) \| (\d+) \|$", example, re.MULTILINE)}


def read(state: State, item: str) -> Any:
    return state.get(f"{MODULE}.{item}", NETUID)


def test_the_document_has_both_tables() -> None:
    assert len(documented()) == 17


def test_the_chain_does_in_block_one_what_the_document_says() -> None:
    chain, told = DevChain(), documented()
    tao = read(chain.state, "SubnetTAO")

    chain.apply()

    assert read(chain.state, "SubnetTaoInEmission") == told["TAO of the subnet"]
    assert read(chain.state, "SubnetTAO") - tao == told["TAO of the subnet"]
    assert read(chain.state, "SubnetAlphaInEmission") == told["alpha into the pool"]
    assert read(chain.state, "SubnetProtocolAlpha") == told["alpha bought by the protocol"]
    assert read(chain.state, "SubnetAlphaOutEmission") == told["alpha emitted"]
    buckets = (epochs.PENDING_OWNER, epochs.PENDING_SERVER, epochs.PENDING_VALIDATOR, epochs.PENDING_ROOT)
    names = ("for the owner", "for miners", "for validators", "for root")
    assert [chain.state.get(bucket, NETUID) for bucket in buckets] == [told[name] for name in names]


def test_block_one_follows_from_the_formulas_by_hand() -> None:
    """Plain integers, none of the runtime's own arithmetic."""
    told, one = documented(), 1 << 32
    moving, total = 85_899_345, 5_097_340_381
    share = (moving << 64) // total
    weight = (971_718_665_099_567_868 << 32) // (2**64 - 1)
    root = 150_000 * TAO * weight
    proportion = (root << 32) // (root + (1_400_000 * TAO << 32))
    price = (12_000 * TAO << 64) // (600_000 * TAO) >> 32
    alpha_in = proportion * (TAO << 32) >> 32
    tao_in = alpha_in * price >> 32
    tao = TAO * share >> 32

    assert told["TAO of the subnet"] == (tao - tao_in >> 32) + (tao_in >> 32)
    assert told["alpha into the pool"] == alpha_in >> 32
    assert told["TAO into the pool"] == tao_in >> 32
    assert told["TAO that buys alpha"] == (tao - tao_in) >> 32
    cut = (11_796 << 32) // 65_535 * TAO
    rest = (TAO << 32) - cut
    assert told["for the owner"] == cut >> 32
    assert told["for miners"] == rest // 2 >> 32
    # Root's part is taken when this block's alpha is there already, so it is a little below half of the first one.
    assert 0 <= (proportion * rest // one // 2 >> 32) - told["for root"] <= 5_000
    assert told["for validators"] + told["for root"] == (rest - rest // 2) >> 32


@pytest.fixture(scope="module")
def epoch() -> DevChain:
    chain = DevChain()
    score(chain, NETUID)
    chain.skip(19)
    return chain


def dividends(chain: DevChain, item: str) -> list[int]:
    return [chain.state.get(item, NETUID, chain.state.get(f"{MODULE}.Keys", NETUID, uid)) for uid in range(1, 4)]


def test_the_epoch_pays_what_the_document_says(epoch: DevChain) -> None:
    told = documented()

    names = ("first validator, alpha", "second validator, alpha", "third validator, alpha")
    assert dividends(epoch, f"{MODULE}.AlphaDividendsPerSubnet") == [told[name] for name in names]
    root = dividends(epoch, f"{MODULE}.RootAlphaDividendsPerSubnet")
    assert (root[0], root[2]) == (told["first validator, root"], told["third validator, root"])
    hotkeys = [epoch.state.get(f"{MODULE}.Keys", NETUID, uid) for uid in range(4, 7)]
    held = [epoch.state.get(f"{MODULE}.TotalHotkeyAlpha", hotkey, NETUID) for hotkey in hotkeys]
    assert held == [told["each miner"]] * 3
    owner = read(epoch.state, "SubnetOwnerHotkey")
    assert epoch.state.get(f"{MODULE}.TotalHotkeyAlpha", owner, NETUID) == told["owner's cut"]


def test_what_an_epoch_pays_is_what_twenty_blocks_put_aside(epoch: DevChain) -> None:
    told = documented()
    validators = [*dividends(epoch, f"{MODULE}.AlphaDividendsPerSubnet")]
    validators += dividends(epoch, f"{MODULE}.RootAlphaDividendsPerSubnet")

    paid = told["owner's cut"] + sum(validators) + 3 * told["each miner"]

    assert 0 <= 20 * told["alpha emitted"] - paid < 200
