from dataclasses import replace

import pytest

from chain.errors import InvalidBlock
from chain.extrinsic import call_value
from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.merkle import StateTree
from chain.runtime.declarations import codec
from chain.runtime.errors import EXHAUSTS, FUTURE, STALE
from chain.runtime.invariants import check_state
from chain.runtime.transition import apply_block, build_block
from tests.support.dev_chain import ALICE, AUTHOR, BOB, TAO, DevChain, events_of, names_of, stake, timestamp, transfer

STRANGER = b"\x33" * 32
POOR = KeyPair.from_seed(b"\x06" * 32)


def test_the_same_block_applied_twice_gives_the_same_bytes() -> None:
    chain = DevChain()
    chain.skip(20)
    inputs = chain.inputs(chain.sign(ALICE, transfer(STRANGER, TAO)))

    first, second = apply_block(chain.state, inputs), apply_block(chain.state, inputs)

    assert list(first.delta.items()) == list(second.delta.items())
    encode = codec().encode
    assert [encode("EventRecord", event) for event in first.events] == [
        encode("EventRecord", event) for event in second.events
    ]


def test_the_delta_and_the_changes_lead_to_the_same_state() -> None:
    chain = DevChain()
    pairs = dict(chain.state.pairs())
    for _ in range(25):
        result = chain.apply(chain.sign(ALICE, transfer(STRANGER, TAO)))
        for key, value in result.delta.items():
            if value is None:
                del pairs[key]
            else:
                pairs[key] = value

    assert dict(chain.state.pairs()) == pairs
    assert StateTree(dict(chain.state.pairs())).root == StateTree(pairs).root


def test_a_block_does_not_touch_the_state_it_is_applied_to() -> None:
    chain = DevChain()
    before = list(chain.state.pairs())

    apply_block(chain.state, chain.inputs(chain.sign(ALICE, transfer(STRANGER, TAO))))

    assert list(chain.state.pairs()) == before


def test_a_failing_call_pays_its_fee_counts_its_nonce_and_changes_nothing_else() -> None:
    chain = DevChain()
    twin = DevChain()
    call = call_value("Utility", "batch_all", calls=[transfer(STRANGER, TAO), transfer(b"\x44" * 32, 1)])

    result = chain.run((ALICE, call))
    twin.apply()

    receipt = result.receipts[1]
    assert receipt.error == ("Token", "BelowMinimum")
    differing = {
        key
        for key in dict(chain.state.pairs()).keys() | dict(twin.state.pairs()).keys()
        if chain.state.read(key) != twin.state.read(key)
    }
    accounts = {name for name in differing if chain.state.read(name) is not None}
    assert len(accounts) == len(differing) == 2
    assert twin.free(ALICE.public) - chain.free(ALICE.public) == receipt.fee_rao == chain.free(AUTHOR)
    assert chain.state.get("System.Account", ALICE.public)["nonce"] == 1


def test_the_fee_is_told_once_and_the_outcome_comes_last() -> None:
    chain = DevChain()

    result = chain.apply(chain.sign(ALICE, transfer(STRANGER, TAO), tip=1_000))

    events = events_of(result, 1)
    paid = [fields for _, name, fields in events if name == "TransactionFeePaid"]
    receipt = result.receipts[1]
    assert paid == [{"who": ALICE.public, "actual_fee": receipt.fee_rao, "tip": 1_000}]
    assert events[0] == ("Balances", "Withdraw", {"who": ALICE.public, "amount": receipt.fee_rao})
    assert events[-1][1] == "ExtrinsicSuccess"
    assert chain.free(AUTHOR) == receipt.fee_rao


def test_a_call_that_the_chain_does_not_have_is_filtered_and_pays() -> None:
    chain = DevChain()

    result = chain.run((ALICE, call_value("MevShield", "submit_encrypted", ciphertext=b"")))

    assert result.receipts[1].error == ("Module", {"index": 0, "error": b"\x05\0\0\0"})
    assert names_of(result, 1)[-1] == "System.ExtrinsicFailed"


def test_the_timestamp_has_to_come_first_once_and_be_the_headers() -> None:
    chain = DevChain()
    inputs = chain.inputs()

    for extrinsics, code in (
        ((), "timestamp_missing"),
        ((timestamp(inputs.time_ms + 1),), "timestamp_wrong"),
        ((chain.sign(ALICE, transfer(STRANGER, TAO)),), "timestamp_missing"),
        ((b"\x04",), "timestamp_missing"),
        ((timestamp(inputs.time_ms), timestamp(inputs.time_ms)), "extrinsic_not_includable"),
    ):
        with pytest.raises(InvalidBlock) as raised:
            apply_block(chain.state, replace(inputs, extrinsics=extrinsics))
        assert raised.value.code == code


def test_time_that_does_not_pass_makes_a_block_invalid() -> None:
    chain = DevChain()
    now = chain.state.get("Timestamp.Now")

    with pytest.raises(InvalidBlock, match="timestamp_wrong"):
        apply_block(chain.state, replace(chain.inputs(), time_ms=now, extrinsics=(timestamp(now),)))


def test_a_block_of_another_height_is_invalid() -> None:
    chain = DevChain()

    with pytest.raises(InvalidBlock, match="block_number"):
        apply_block(chain.state, replace(chain.inputs(), number=2))


def test_one_extrinsic_that_cannot_be_included_makes_the_block_invalid() -> None:
    chain = DevChain()
    good = chain.sign(ALICE, transfer(STRANGER, TAO))
    bad = {
        "nonce too high": chain.sign(BOB, transfer(STRANGER, TAO), nonce=1),
        "twice": good,
        "no funds": chain.sign(POOR, transfer(STRANGER, TAO)),
        "signature": chain.sign(BOB, transfer(STRANGER, TAO))[:-1] + b"\x00",
        "garbage": b"\x04\xff",
    }

    for extrinsic in bad.values():
        with pytest.raises(InvalidBlock) as raised:
            apply_block(chain.state, chain.inputs(good, extrinsic))
        assert raised.value.code == "extrinsic_not_includable"


def test_a_proposer_takes_what_can_be_included_and_names_the_rest() -> None:
    chain = DevChain()
    first = chain.sign(ALICE, transfer(STRANGER, TAO), nonce=0)
    second = chain.sign(ALICE, transfer(STRANGER, TAO), nonce=1)
    late = chain.sign(ALICE, transfer(STRANGER, 2 * TAO), nonce=0)
    early = chain.sign(BOB, transfer(STRANGER, TAO), nonce=3)

    built = build_block(chain.state, chain.inputs(), [first, late, second, early])

    assert built.inputs.extrinsics[1:] == (first, second)
    assert [(position, refusal.data) for position, refusal in built.left_out] == [(1, STALE), (3, FUTURE)]
    applied = apply_block(chain.state, built.inputs)
    assert applied.delta == built.result.delta
    assert applied.events == built.result.events


def test_a_proposer_stops_at_its_share_of_the_blocks_limits() -> None:
    chain = DevChain()
    candidates = [
        chain.sign(ALICE, call_value("System", "remark", remark=bytes(60_000)), nonce=nonce) for nonce in range(40)
    ]

    built = build_block(chain.state, chain.inputs(), candidates, fill_percent=50)

    assert 0 < len(built.inputs.extrinsics) - 1 < 40
    assert built.result.length <= 1024 * 1024
    assert {refusal.data for _, refusal in built.left_out} == {EXHAUSTS}


def test_an_extrinsic_that_fills_a_block_is_taken_when_it_comes_first() -> None:
    chain = DevChain()
    buy = stake("add_stake", hotkey=b"\x55" * 32, netuid=1, amount_staked=TAO)
    heavy = chain.sign(BOB, call_value("Utility", "force_batch", calls=[buy] * 560))
    light = chain.sign(ALICE, transfer(STRANGER, TAO))

    alone = build_block(chain.state, chain.inputs(), [heavy, light])
    behind = build_block(chain.state, chain.inputs(), [light, heavy])

    assert alone.result.weight > 17 * 10**11
    assert [refusal.data for _, refusal in alone.left_out] == [EXHAUSTS]
    assert [position for position, _ in behind.left_out] == [1]


def test_a_signature_that_was_checked_before_is_not_checked_again() -> None:
    chain = DevChain()
    raw = chain.sign(ALICE, transfer(STRANGER, TAO))
    broken = raw[:40] + bytes((raw[40] ^ 1,)) + raw[41:]
    built = build_block(chain.state, chain.inputs(), [broken])
    assert len(built.left_out) == 1

    inputs = replace(chain.inputs(), verified=frozenset({blake2b_256(broken)}))

    assert not build_block(chain.state, inputs, [broken]).left_out


def test_supply_is_what_accounts_hold_block_after_block() -> None:
    chain = DevChain()

    for _ in range(45):
        chain.apply()
        check_state(chain.state)

    assert chain.state.get("Balances.TotalIssuance") > 0
