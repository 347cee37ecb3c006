from typing import Any

import pytest

from chain.extrinsic import call_value
from chain.keys import KeyPair
from chain.runtime.admission import validate_extrinsic
from chain.runtime.errors import Inadmissible
from chain.runtime.transition import build_block
from tests.support.dev_chain import ALICE, BOB, CHARLIE, GENESIS_HASH, HOTKEY, TAO, DevChain, block_hash, stake

MODULE = "SubtensorModule"
NEW = b"\x51" * 32
POOR = KeyPair.from_seed(b"\x06" * 32)


def axon(**other: Any) -> Any:
    fields = {"netuid": 1, "version": 1, "ip": 0x01020304, "port": 8_091, "ip_type": 4, "protocol": 0}
    return call_value(MODULE, "serve_axon", **{**fields, "placeholder1": 0, "placeholder2": 0, **other})


def add(**other: Any) -> Any:
    return stake("add_stake", **{"hotkey": HOTKEY, "netuid": 1, "amount_staked": TAO, **other})


def remove(**other: Any) -> Any:
    return stake("remove_stake", **{"hotkey": HOTKEY, "netuid": 1, "amount_unstaked": TAO, **other})


def move(**other: Any) -> Any:
    fields = {"hotkey": HOTKEY, "origin_netuid": 1, "destination_netuid": 2, "alpha_amount": TAO, **other}
    return stake("swap_stake", **fields)


def give(**other: Any) -> Any:
    fields = {"hotkey": HOTKEY, "origin_netuid": 1, "destination_netuid": 1, "alpha_amount": TAO, **other}
    return stake("transfer_stake", destination_coldkey=BOB.public, **fields)


def take(name: str, value: int, hotkey: bytes = HOTKEY) -> Any:
    return stake(name, hotkey=hotkey, take=value)


def refusal(chain: DevChain, key: KeyPair, call: Any, *, nonce: int | None = None) -> str | None:
    raw = chain.sign(key, call, nonce=nonce)
    try:
        validate_extrinsic(chain.state, raw, genesis_hash=GENESIS_HASH, head_hash=block_hash(chain.number))
    except Inadmissible as refused:
        return refused.data
    return None


@pytest.mark.parametrize(
    ("key", "call", "number"),
    [
        (ALICE, add(amount_staked=1_999_999), 1),
        (ALICE, add(amount_staked=2_000_000 * TAO), 2),
        (ALICE, add(netuid=99), 3),
        (ALICE, add(hotkey=NEW), 4),
        (ALICE, remove(netuid=99), 3),
        (ALICE, remove(hotkey=NEW), 4),
        (ALICE, remove(amount_unstaked=0), 1),
        (CHARLIE, remove(netuid=0, hotkey=NEW), 4),
        (ALICE, remove(netuid=0), 5),
        (
            ALICE,
            stake(
                "remove_stake_limit", hotkey=HOTKEY, netuid=1, amount_unstaked=2**63, limit_price=1, allow_partial=True
            ),
            5,
        ),
        (ALICE, move(destination_netuid=99), 3),
        (ALICE, move(hotkey=NEW), 4),
        (ALICE, move(origin_netuid=0), 5),
        (ALICE, axon(), 10),
        (ALICE, take("increase_take", 5, NEW), 4),
        (ALICE, take("increase_take", 11_797), 25),
        (CHARLIE, take("increase_take", 11_797), 27),
        (CHARLIE, take("decrease_take", 11_796), 26),
        (ALICE, add(), None),
        (ALICE, remove(), None),
        (ALICE, move(), None),
        (ALICE, give(), None),
        (CHARLIE, take("decrease_take", 11_000), None),
    ],
)
def test_the_pool_tells_a_sure_refusal_by_its_number(key: KeyPair, call: Any, number: int | None) -> None:
    assert refusal(DevChain(), key, call) == (None if number is None else f"Custom error: {number}")


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (axon(ip_type=5), 11),
        (axon(ip=0), 11),
        (axon(ip=0x7F000001), 11),
        (axon(port=0), 13),
        (axon(), None),
    ],
)
def test_an_axon_needs_a_place_that_can_be_reached(call: Any, number: int | None) -> None:
    chain = DevChain()
    chain.state = chain.state.commit({(f"{MODULE}.Uids", (1, ALICE.public)): 0})

    assert refusal(chain, ALICE, call) == (None if number is None else f"Custom error: {number}")
    served = chain.run((ALICE, call)).receipts[1]
    assert served.success == (number is None)
    if number is None:
        assert refusal(chain, ALICE, call) == "Custom error: 12"
        assert chain.state.get(f"{MODULE}.Axons", 1, ALICE.public)["port"] == 8_091


@pytest.mark.parametrize(
    ("changes", "call", "number"),
    [
        ({(f"{MODULE}.TransferToggle", (1,)): False}, give(), 9),
        ({("Chain.NetworkRateLimit", ()): 9, ("Chain.LastLockBlock", ()): 1}, stake("register_network", hotkey=NEW), 6),
        ({(f"{MODULE}.ColdkeySwapAnnouncements", (ALICE.public,)): (9, bytes(32))}, add(), 0),
        (
            {
                (f"{MODULE}.ColdkeySwapAnnouncements", (ALICE.public,)): (9, bytes(32)),
                (f"{MODULE}.ColdkeySwapDisputes", (ALICE.public,)): 3,
            },
            add(),
            21,
        ),
    ],
)
def test_what_the_state_forbids_is_told_too(changes: dict[Any, Any], call: Any, number: int) -> None:
    chain = DevChain()
    chain.state = chain.state.commit(changes)

    assert refusal(chain, ALICE, call) == f"Custom error: {number}"


def test_what_waits_for_an_earlier_extrinsic_is_not_judged() -> None:
    assert refusal(DevChain(), ALICE, add(netuid=99), nonce=1) is None


def test_a_block_holds_a_paid_call_that_fails_but_never_a_free_one() -> None:
    chain = DevChain()
    paid, free = chain.sign(ALICE, add(netuid=99)), chain.sign(BOB, take("increase_take", 5))

    built = build_block(chain.state, chain.inputs(), [paid, free])

    assert paid in built.inputs.extrinsics
    assert [(position, left.data) for position, left in built.left_out] == [(1, "Custom error: 25")]


def test_a_raise_too_soon_is_refused_at_the_pool() -> None:
    chain = DevChain()
    chain.run((CHARLIE, take("decrease_take", 1_000)))

    assert refusal(chain, CHARLIE, take("increase_take", 2_000)) == "Custom error: 6"
