from typing import Any

import pytest

from chain.extrinsic import call_value
from chain.runtime.declarations import module_error
from chain.runtime.invariants import check_state
from chain.runtime.proxy import DEPOSIT_BASE, DEPOSIT_FACTOR, PROXIES_MAX
from chain.runtime.proxy_types import allows, includes
from chain.runtime.subtensor import positions
from tests.support.dev_chain import (
    ALICE,
    BOB,
    CHARLIE,
    HOTKEY,
    TAO,
    DevChain,
    batch,
    events_of,
    names_of,
    proxied,
    stake,
    transfer,
)

FILTERED = module_error("System", "CallFiltered")
BUY = stake("add_stake_limit", hotkey=HOTKEY, netuid=3, amount_staked=TAO, limit_price=6_000_000, allow_partial=True)


def add_proxy(delegate: bytes, proxy_type: str = "Staking", delay: int = 0) -> Any:
    return call_value("Proxy", "add_proxy", delegate=("Id", delegate), proxy_type=proxy_type, delay=delay)


def remove_proxy(delegate: bytes, proxy_type: str = "Staking") -> Any:
    return call_value("Proxy", "remove_proxy", delegate=("Id", delegate), proxy_type=proxy_type, delay=0)


def with_proxy(proxy_type: str = "Staking") -> DevChain:
    chain = DevChain()
    assert chain.run((ALICE, add_proxy(BOB.public, proxy_type))).receipts[1].success
    return chain


def outcome(chain: DevChain, index: int = 1) -> Any:
    assert chain.result is not None
    return [fields["result"] for _, name, fields in events_of(chain.result, index) if name == "ProxyExecuted"]


def test_a_staking_proxy_swaps_in_a_force_batch_that_goes_on_behind_a_failing_item() -> None:
    chain = with_proxy()
    free, held = chain.free(ALICE.public), positions.stake_of(chain.state, HOTKEY, ALICE.public, 3)
    too_tight = stake(
        "add_stake_limit", hotkey=HOTKEY, netuid=1, amount_staked=TAO, limit_price=1_000, allow_partial=True
    )

    result = chain.run(
        (BOB, batch(proxied(ALICE.public, BUY), transfer(b"\x44" * 32, 1), proxied(ALICE.public, too_tight)))
    )

    names = [name for name in names_of(result, 1) if name.startswith(("Proxy", "Utility"))]
    assert names == [
        "Proxy.ProxyExecuted",
        "Utility.ItemCompleted",
        "Utility.ItemFailed",
        "Proxy.ProxyExecuted",
        "Utility.ItemCompleted",
        "Utility.BatchCompletedWithErrors",
    ]
    assert outcome(chain) == [("Ok", ()), ("Err", module_error("Swap", "PriceLimitExceeded"))]
    assert result.receipts[1].success
    assert free - chain.free(ALICE.public) == TAO
    assert positions.stake_of(chain.state, HOTKEY, ALICE.public, 3) > held
    check_state(chain.state)


def test_a_staking_proxy_can_neither_transfer_nor_give_stake_away() -> None:
    chain = with_proxy()
    give = stake(
        "transfer_stake",
        destination_coldkey=BOB.public,
        hotkey=HOTKEY,
        origin_netuid=1,
        destination_netuid=1,
        alpha_amount=TAO,
    )
    free = chain.free(ALICE.public)

    for call in (transfer(BOB.public, TAO), give, batch(BUY), call_value("Proxy", "remove_proxies")):
        chain.run((BOB, proxied(ALICE.public, call)))
        assert outcome(chain) == [("Err", FILTERED)]

    assert chain.free(ALICE.public) == free


def test_a_filter_holds_for_calls_within_calls() -> None:
    chain = with_proxy("NonTransfer")

    chain.run((BOB, proxied(ALICE.public, batch(BUY, transfer(BOB.public, TAO)), None)))

    assert outcome(chain) == [("Ok", ())]
    assert chain.result is not None
    names = names_of(chain.result, 1)
    assert "Utility.ItemFailed" in names
    assert names.count("Utility.ItemCompleted") == 1


def test_a_proxy_of_a_proxy_keeps_both_limits() -> None:
    chain = with_proxy("NonTransfer")
    chain.run((BOB, add_proxy(CHARLIE.public, "Any")))

    chain.run((CHARLIE, proxied(BOB.public, proxied(ALICE.public, transfer(CHARLIE.public, TAO), None), None)))

    assert outcome(chain) == [("Err", FILTERED), ("Ok", ())]


def test_without_a_proxy_of_the_asked_type_the_call_itself_fails() -> None:
    chain = with_proxy()

    result = chain.run(
        (CHARLIE, proxied(ALICE.public, BUY)),
        (BOB, proxied(ALICE.public, BUY, "Any")),
        (BOB, proxied(ALICE.public, BUY, None)),
    )

    not_proxy = module_error("Proxy", "NotProxy")
    assert [receipt.error for receipt in result.receipts[1:]] == [not_proxy, not_proxy, None]


def test_a_delayed_proxy_cannot_call_at_once() -> None:
    chain = DevChain()
    chain.run((ALICE, add_proxy(BOB.public, "Staking", 10)))

    result = chain.run((BOB, proxied(ALICE.public, BUY)))

    assert result.receipts[1].error == module_error("Proxy", "Unannounced")


def test_deposits_are_reserved_and_come_back() -> None:
    chain = DevChain()
    free = chain.free(ALICE.public)
    fees = 0
    for position, delegate in enumerate((BOB.public, CHARLIE.public), start=1):
        fees += chain.run((ALICE, add_proxy(delegate))).receipts[1].fee_rao
        account = chain.state.get("System.Account", ALICE.public)
        assert account["data"]["reserved"] == DEPOSIT_BASE + position * DEPOSIT_FACTOR
        assert account["consumers"] == 1

    fees += chain.run((ALICE, remove_proxy(BOB.public))).receipts[1].fee_rao
    assert chain.state.get("System.Account", ALICE.public)["data"]["reserved"] == DEPOSIT_BASE + DEPOSIT_FACTOR
    fees += chain.run((ALICE, call_value("Proxy", "remove_proxies"))).receipts[1].fee_rao

    assert chain.free(ALICE.public) == free - fees
    assert chain.state.get("System.Account", ALICE.public)["consumers"] == 0
    assert not chain.state.contains("Proxy.Proxies", ALICE.public)


def test_proxies_are_refused_with_their_reasons() -> None:
    chain = with_proxy()

    result = chain.run(
        (ALICE, add_proxy(BOB.public)),
        (ALICE, add_proxy(ALICE.public)),
        (ALICE, remove_proxy(CHARLIE.public)),
        *((ALICE, add_proxy(bytes((position,)) * 32)) for position in range(PROXIES_MAX)),
    )

    errors = [receipt.error for receipt in result.receipts[1:]]
    assert errors[:3] == [module_error("Proxy", name) for name in ("Duplicate", "NoSelfProxy", "NotFound")]
    assert errors[3:-1] == [None] * (PROXIES_MAX - 1)
    assert errors[-1] == module_error("Proxy", "TooMany")


@pytest.mark.parametrize(
    ("proxy_type", "call", "allowed"),
    [
        ("Any", transfer(BOB.public, 1), True),
        ("Staking", BUY, True),
        ("Staking", stake("claim_root", subnets=[1]), False),
        ("NonTransfer", transfer(BOB.public, 1), False),
        ("NonTransfer", BUY, True),
        ("Transfer", transfer(BOB.public, 1), True),
        ("Transfer", BUY, False),
        ("SmallTransfer", transfer(BOB.public, 499_999_999), True),
        ("SmallTransfer", transfer(BOB.public, 500_000_000), False),
        ("SmallTransfer", stake("transfer_stake", alpha_amount=1), True),
        ("Registration", stake("burned_register", netuid=1, hotkey=HOTKEY), True),
        ("ChildKeys", stake("set_children", hotkey=HOTKEY, netuid=1, children=[]), True),
        ("SwapHotkey", stake("swap_hotkey", hotkey=HOTKEY, new_hotkey=HOTKEY, netuid=None), True),
        ("RootClaim", stake("claim_root", subnets=[1]), True),
        ("Senate", BUY, False),
        ("Owner", transfer(BOB.public, 1), False),
    ],
)
def test_each_type_of_proxy_may_do_what_its_name_says(proxy_type: str, call: Any, allowed: bool) -> None:  # noqa: FBT001
    assert allows(proxy_type, call) is allowed


def test_a_proxy_can_hand_on_no_more_than_it_has() -> None:
    assert includes("Any", "Transfer")
    assert includes("NonTransfer", "Staking")
    assert includes("Transfer", "SmallTransfer")
    assert not includes("NonTransfer", "Any")
    assert not includes("NonTransfer", "Transfer")
    assert not includes("Staking", "NonTransfer")

    chain = with_proxy("NonTransfer")
    chain.run((BOB, proxied(ALICE.public, add_proxy(CHARLIE.public, "Transfer"), None)))
    assert outcome(chain) == [("Err", FILTERED)]
    chain.run((BOB, proxied(ALICE.public, add_proxy(CHARLIE.public, "Staking"), None)))
    assert outcome(chain) == [("Ok", ())]


def test_a_batch_keeps_what_went_before_the_call_that_fails() -> None:
    chain = DevChain()

    result = chain.run(
        (
            ALICE,
            batch(transfer(b"\x44" * 32, TAO), transfer(b"\x45" * 32, 1), transfer(b"\x46" * 32, TAO), name="batch"),
        )
    )

    (interrupted,) = [fields for _, name, fields in events_of(result, 1) if name == "BatchInterrupted"]
    assert interrupted == {"index": 1, "error": ("Token", "BelowMinimum")}
    assert [chain.free(bytes((byte,)) * 32) for byte in (0x44, 0x45, 0x46)] == [TAO, 0, 0]
    assert result.receipts[1].success


def test_batch_all_keeps_all_or_nothing() -> None:
    chain = DevChain()

    good = chain.run((ALICE, batch(transfer(b"\x44" * 32, TAO), transfer(b"\x45" * 32, TAO), name="batch_all")))
    bad = chain.run((ALICE, batch(transfer(b"\x46" * 32, TAO), transfer(b"\x47" * 32, 1), name="batch_all")))

    assert names_of(good, 1).count("Utility.ItemCompleted") == 2
    assert bad.receipts[1].error == ("Token", "BelowMinimum")
    assert "Balances.Transfer" not in names_of(bad, 1)
    assert [chain.free(bytes((byte,)) * 32) for byte in (0x44, 0x45, 0x46)] == [TAO, TAO, 0]


def test_only_its_key_has_sudo_and_root_signs_nothing() -> None:
    chain = DevChain()
    tempo = ("AdminUtils", ("sudo_set_tempo", {"netuid": 1, "tempo": 7}))
    sudo = call_value("Sudo", "sudo", call=tempo)

    result = chain.run(
        (BOB, sudo),
        (BOB, tempo),
        (ALICE, call_value("Sudo", "sudo", call=transfer(BOB.public, 1))),
        (ALICE, call_value("Sudo", "sudo", call=("AdminUtils", ("sudo_set_tempo", {"netuid": 99, "tempo": 7})))),
        (ALICE, sudo),
    )

    assert result.receipts[1].error == module_error("Sudo", "RequireSudo")
    assert result.receipts[2].error == "BadOrigin"
    told = [
        fields["sudo_result"] for index in (3, 4, 5) for _, name, fields in events_of(result, index) if name == "Sudid"
    ]
    assert told == [("Err", "BadOrigin"), ("Err", module_error("AdminUtils", "SubnetDoesNotExist")), ("Ok", ())]
    assert chain.state.get("SubtensorModule.Tempo", 1) == 7


def test_a_remark_can_tell_its_hash() -> None:
    chain = DevChain()

    result = chain.run(
        (ALICE, call_value("System", "remark", remark=b"head")),
        (ALICE, call_value("System", "remark_with_event", remark=b"head")),
    )

    assert "System.Remarked" not in names_of(result, 1)
    (told,) = [fields for _, name, fields in events_of(result, 2) if name == "Remarked"]
    assert told["sender"] == ALICE.public
    assert len(told["hash"]) == 32
