from typing import Any

import pytest

from chain.runtime.declarations import module_error
from chain.runtime.subtensor import symbols
from tests.support.dev_chain import ALICE, BOB, CHARLIE, HOTKEY, DevChain, batch, names_of, stake

MODULE = "SubtensorModule"
IDENTITY = ("url", "github_repo", "image", "discord", "description", "additional")
SUBNET = ("github_repo", "subnet_contact", "subnet_url", "discord", "description", "logo_url", "additional")


def error(name: str) -> Any:
    return module_error(MODULE, name)


def describe(**fields: bytes) -> Any:
    return ("SubtensorModule", ("set_identity", {"name": b"me", **dict.fromkeys(IDENTITY, b""), **fields}))


def describe_subnet(netuid: int, **fields: bytes) -> Any:
    return stake(
        "set_subnet_identity", netuid=netuid, **{"subnet_name": b"net", **dict.fromkeys(SUBNET, b""), **fields}
    )


def test_who_has_a_registered_hotkey_may_describe_himself() -> None:
    chain = DevChain()

    result = chain.run((CHARLIE, describe(url=b"https://example.org")), (ALICE, describe()))

    assert result.receipts[1].success
    assert chain.state.get(f"{MODULE}.IdentitiesV2", CHARLIE.public)["url"] == b"https://example.org"
    assert result.receipts[2].error == error("HotKeyNotRegisteredInNetwork")


@pytest.mark.parametrize("fields", [{"name": b""}, {"url": b"x" * 257}, {"description": b"x" * 1_025}])
def test_an_identity_has_a_name_and_bounded_fields(fields: dict[str, bytes]) -> None:
    assert DevChain().run((CHARLIE, describe(**fields))).receipts[1].error == error("InvalidIdentity")


def test_an_owner_describes_his_subnet() -> None:
    chain = DevChain()
    chain.state = chain.state.commit({(f"{MODULE}.SubnetOwner", (1,)): BOB.public})

    result = chain.run(
        (BOB, describe_subnet(1, logo_url=b"x" * 1_024)),
        (BOB, describe_subnet(1, discord=b"x" * 257)),
        (ALICE, describe_subnet(1)),
        (ALICE, describe_subnet(99)),
    )

    assert [receipt.error for receipt in result.receipts[1:]] == [
        None,
        error("InvalidIdentity"),
        error("NotSubnetOwner"),
        error("SubnetNotExists"),
    ]
    assert chain.state.get(f"{MODULE}.SubnetIdentitiesV3", 1)["subnet_name"] == b"net"


def test_every_number_has_a_symbol_of_its_own_up_to_the_limit_of_subnets() -> None:
    found = [symbols.symbol_of(netuid) for netuid in range(129)]

    assert found[:3] == ["\N{GREEK CAPITAL LETTER TAU}", "\N{GREEK SMALL LETTER ALPHA}", "\N{GREEK SMALL LETTER BETA}"]
    assert len(set(found)) == 129
    assert symbols.symbol_of(9_999) == "\N{MATHEMATICAL ITALIC SMALL TAU}"


@pytest.mark.parametrize(
    ("key", "name", "take", "refusal"),
    [
        (ALICE, "increase_take", 5, "NonAssociatedColdKey"),
        (CHARLIE, "increase_take", 11_797, "DelegateTakeTooHigh"),
        (CHARLIE, "decrease_take", 11_796, "DelegateTakeTooLow"),
    ],
)
def test_a_take_inside_a_batch_pays_and_fails_by_name(key: Any, name: str, take: int, refusal: str) -> None:
    """Only a call of its own is free, so a batch with a take that fails may stand in a block."""
    result = DevChain().run((key, batch(stake(name, hotkey=HOTKEY, take=take), name="batch_all")))

    assert result.receipts[1].error == error(refusal)
    assert result.receipts[1].fee_rao > 0
    assert "TransactionPayment.TransactionFeePaid" in names_of(result, 1)
