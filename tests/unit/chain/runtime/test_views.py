from typing import Any

import pytest

from chain.errors import DecodeError, NotDeclared
from chain.runtime.declarations import codec, runtime_call
from chain.runtime.subtensor import pools, positions
from chain.runtime.views import RUNTIME_API, call_runtime
from chain.scale.compact import decode_compact
from chain.scale.metadata import metadata
from tests.support.dev_chain import ALICE, BOB, HOTKEY, TAO, DevChain, stake, transfer


def ask(chain: DevChain, name: str, *arguments: Any) -> Any:
    declared = runtime_call(name)
    pairs = zip(declared.inputs, arguments, strict=True)
    data = b"".join(codec().encode(type_text, value) for (_, type_text), value in pairs)
    return codec().decode(declared.output, call_runtime(chain.state, name, data))


def test_the_fee_that_is_predicted_is_the_fee_that_is_charged() -> None:
    chain = DevChain()
    buy = stake("add_stake", hotkey=HOTKEY, netuid=1, amount_staked=TAO)
    for call in (transfer(BOB.public, TAO), buy, ("Utility", ("batch", {"calls": [buy, buy]}))):
        raw = chain.sign(ALICE, call, tip=11)
        _, start = decode_compact(raw, 0)
        unsigned = raw[:40] + bytes(64) + raw[104:]

        info = ask(chain, "TransactionPaymentApi_query_info", unsigned[start:], len(raw))
        parts = ask(chain, "TransactionPaymentApi_query_fee_details", unsigned[start:], len(raw))["inclusion_fee"]
        receipt = chain.apply(raw).receipts[1]

        assert info["partial_fee"] + 11 == receipt.fee_rao
        assert sum(parts.values()) == info["partial_fee"]
        assert info["weight"]["ref_time"] == receipt.weight


def test_prices_are_those_of_the_pools() -> None:
    chain = DevChain()
    chain.skip(3)

    prices = {entry["netuid"]: entry["price"] for entry in ask(chain, "SwapRuntimeApi_current_alpha_price_all")}

    assert prices[0] == TAO
    assert prices[3] == ask(chain, "SwapRuntimeApi_current_alpha_price", 3)
    assert prices[3] == pools.price_q64(chain.state, 3) * TAO >> 64


def test_a_simulated_swap_tells_what_the_same_swap_would_move() -> None:
    chain = DevChain()
    chain.skip(1)

    bought = ask(chain, "SwapRuntimeApi_sim_swap_tao_for_alpha", 4, TAO)
    sold = ask(chain, "SwapRuntimeApi_sim_swap_alpha_for_tao", 4, TAO)
    refused = ask(chain, "SwapRuntimeApi_sim_swap_tao_for_alpha", 3, 2**63)

    assert bought["tao_amount"] + bought["tao_fee"] == TAO
    assert bought["alpha_amount"] > 0
    assert bought["alpha_fee"] == 0 < bought["alpha_slippage"]
    assert sold["alpha_amount"] + sold["alpha_fee"] == TAO
    assert set(refused.values()) == {0}


def test_stake_is_listed_by_coldkey_and_by_position() -> None:
    chain = DevChain()

    listed = ask(chain, "StakeInfoRuntimeApi_get_stake_info_for_coldkey", ALICE.public)
    many = ask(chain, "StakeInfoRuntimeApi_get_stake_info_for_coldkeys", [ALICE.public, b"\x33" * 32])
    empty = ask(chain, "StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid", HOTKEY, b"\x33" * 32, 1)
    free = ask(chain, "StakeInfoRuntimeApi_get_stake_availability_for_coldkeys", [ALICE.public], [2, 3])

    assert [info["netuid"] for info in listed] == [1, 2, 3, 4, 5, 6]
    assert listed[0]["stake"] == positions.stake_of(chain.state, HOTKEY, ALICE.public, 1)
    assert listed[0]["is_registered"]
    assert many == [(ALICE.public, listed), (b"\x33" * 32, [])]
    assert (empty["stake"], empty["coldkey"]) == (0, b"\x33" * 32)
    assert free[ALICE.public][2] == {"total": listed[1]["stake"], "locked": 0, "available": listed[1]["stake"]}
    assert sorted(free[ALICE.public]) == [2, 3]


def test_subnets_are_described_whole() -> None:
    chain = DevChain()
    chain.skip(2)

    info = ask(chain, "SubnetInfoRuntimeApi_get_dynamic_info", 3)
    everything = ask(chain, "SubnetInfoRuntimeApi_get_all_dynamic_info")

    assert bytes(info["subnet_name"]) == b"thin"
    assert info["tao_in"] == chain.state.get("SubtensorModule.SubnetTAO", 3)
    assert [entry["netuid"] for entry in everything] == [0, 1, 2, 3, 4, 5, 6]
    assert ask(chain, "SubnetInfoRuntimeApi_get_dynamic_info", 77) is None
    assert ask(chain, "SubnetInfoRuntimeApi_get_next_epoch_start_block", 3) == 20
    assert ask(chain, "SubnetInfoRuntimeApi_get_next_epoch_start_block", 77) is None
    account = b"modlsubtensr\x03\x00".ljust(32, b"\0")
    assert ask(chain, "SubnetInfoRuntimeApi_get_subnet_account_id", 3) == account
    assert ask(chain, "SubnetInfoRuntimeApi_get_coldkey_auto_stake_hotkey", ALICE.public, 3) is None


def test_the_runtime_tells_version_metadata_nonces_and_proxy_types() -> None:
    chain = DevChain()
    chain.run((ALICE, transfer(BOB.public, TAO)))

    assert ask(chain, "Core_version")["spec_version"] == 424
    assert ask(chain, "AccountNonceApi_account_nonce", ALICE.public) == 1
    assert ask(chain, "Metadata_metadata") == metadata(14)
    assert ask(chain, "Metadata_metadata_at_version", 15) == metadata(15)
    assert ask(chain, "Metadata_metadata_at_version", 99) is None
    assert ask(chain, "Metadata_metadata_versions") == [14, 15]
    assert {"name": b"Staking", "index": 8, "deprecated": False} in ask(chain, "ProxyFilterRuntimeApi_get_proxy_types")


def test_an_unknown_method_and_wrong_arguments_are_refused() -> None:
    chain = DevChain()

    for name in ("Nothing_here", "DelegateInfoRuntimeApi_get_delegates_of_all"):
        with pytest.raises(NotDeclared):
            call_runtime(chain.state, name, b"")
    with pytest.raises(DecodeError):
        call_runtime(chain.state, "SwapRuntimeApi_current_alpha_price", b"\1")
    with pytest.raises(DecodeError):
        call_runtime(chain.state, "SwapRuntimeApi_current_alpha_price", b"\1\0\0")
    with pytest.raises(DecodeError):
        call_runtime(chain.state, "TransactionPaymentApi_query_info", b"\0" + bytes(4))


def test_every_method_that_is_answered_is_declared() -> None:
    assert all(runtime_call(name) for name in RUNTIME_API)
