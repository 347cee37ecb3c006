from typing import Any

import pytest

from amm import reference as amm
from amm.reference import Side
from chain.keys import KeyPair, subnet_account
from chain.runtime.declarations import module_error
from chain.runtime.errors import failed
from chain.runtime.invariants import check_state
from chain.runtime.state import Overlay
from chain.runtime.subtensor import neurons, pools, positions, prices
from tests.support.dev_chain import ALICE, BOB, HOTKEY, TAO, DevChain, events_of, stake

NEW = b"\x51" * 32
POOR = KeyPair.from_seed(b"\x06" * 32)
MODULE = "SubtensorModule"


def error(name: str) -> Any:
    return module_error(MODULE, name)


def register(netuid: int, hotkey: bytes = NEW) -> Any:
    return stake("burned_register", netuid=netuid, hotkey=hotkey)


def with_entries(chain: DevChain, **entries: Any) -> DevChain:
    """Set ``Item=(key, .., value)`` of SubtensorModule."""
    changes = {(f"{MODULE}.{item}", tuple(entry[:-1])): entry[-1] for item, entry in entries.items()}
    chain.state = chain.state.commit(changes)
    return chain


def full_subnet(neurons_count: int, *, immunity: int, emission: list[int], registered: list[int]) -> Overlay:
    """Return subnet 9, which has no owner, with all its slots taken."""
    overlay = Overlay(DevChain().state)
    for uid in range(neurons_count):
        neurons.add(overlay, 9, bytes((uid + 1,)) * 32, registered[uid])
    overlay.put(f"{MODULE}.ImmunityPeriod", 9, immunity)
    overlay.put(f"{MODULE}.Emission", 9, emission)
    overlay.put(f"{MODULE}.SubnetOwner", 9, b"\xee" * 32)
    return overlay


def test_a_registration_buys_alpha_that_nobody_gets_and_raises_its_price() -> None:
    chain = DevChain()
    before = chain.state.get(f"{MODULE}.SubnetAlphaOut", 2)
    twin = DevChain(state=chain.state)
    emitted = twin.apply().changes[f"{MODULE}.SubnetAlphaOut", (2,)] - before
    chain = DevChain()

    result = chain.run((ALICE, register(2)))

    price = 10**9
    assert result.receipts[1].success
    assert (MODULE, "NeuronRegistered", (2, 7, NEW)) in events_of(result, 1)
    assert chain.state.get(f"{MODULE}.SubnetAlphaOut", 2) == before + emitted
    assert chain.state.get(f"{MODULE}.Burn", 2) == price * 126 // 100
    assert positions.owner_of(chain.state, NEW) == ALICE.public
    assert positions.pool_value(chain.state, NEW, 2) == 0
    paid = [fields for _, name, fields in events_of(result, 1) if name == "Transfer" and fields["from"] == ALICE.public]
    assert paid == [{"from": ALICE.public, "to": subnet_account(2), "amount": price}]
    check_state(chain.state)


def test_the_price_of_a_registration_melts_to_half_in_its_half_life() -> None:
    factor, price = prices.decay_factor(prices.HALF_LIFE), 100 * TAO
    for _ in range(prices.HALF_LIFE):
        price = prices.decayed(price, factor, low=0, high=2**64 - 1)

    assert 0 < 50 * TAO - price < 1_000


def test_the_pool_gets_the_registration_as_a_buy_with_its_fee() -> None:
    chain = DevChain()
    twin = DevChain(state=chain.state)
    twin.apply()
    expected = amm.swap(pools.pool_of(twin.state, 3), Side.BUY, TAO)
    chain = DevChain()

    chain.run((BOB, register(3)))

    assert pools.pool_of(chain.state, 3) == expected.pool


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (register(0), "RegistrationNotPermittedOnRootSubnet"),
        (register(77), "SubnetNotExists"),
        (register(1, HOTKEY), "HotKeyAlreadyRegisteredInSubNet"),
        (register(1, subnet_account(4)), "CannotUseSystemAccount"),
        (stake("register_limit", netuid=1, hotkey=NEW, limit_price=10**9 - 10**7), "RegistrationPriceLimitExceeded"),
        (stake("register_limit", netuid=0, hotkey=NEW, limit_price=TAO), "RegistrationNotPermittedOnRootSubnet"),
        (stake("root_register", hotkey=HOTKEY), "NonAssociatedColdKey"),
    ],
)
def test_a_registration_that_cannot_be_is_refused_by_name(call: Any, name: str) -> None:
    chain = DevChain()

    assert chain.run((ALICE, call)).receipts[1].error == error(name)


def test_a_closed_subnet_takes_nobody() -> None:
    chain = with_entries(DevChain(), NetworkRegistrationAllowed=(1, False))

    assert chain.run((ALICE, register(1))).receipts[1].error == error("SubNetRegistrationDisabled")


def test_who_cannot_pay_is_not_registered() -> None:
    chain = with_entries(DevChain(), Burn=(1, 99_000_000 * TAO), MaxBurn=(1, 2**64 - 1))

    assert chain.run((ALICE, register(1))).receipts[1].error == error("NotEnoughBalanceToStake")


def test_another_owners_hotkey_cannot_be_registered() -> None:
    chain = DevChain()
    chain.run((BOB, stake("try_associate_hotkey", hotkey=NEW)))

    assert chain.run((ALICE, register(1))).receipts[1].error == error("NonAssociatedColdKey")


def test_of_neurons_without_immunity_the_one_with_least_emission_goes() -> None:
    emission = [5, 3, 3, 9, 9, 9, 9, 9, 9, 9, 9]
    registered = [0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0]
    overlay = full_subnet(11, immunity=10, emission=emission, registered=registered)

    assert neurons.to_replace(overlay, 9, block=100) == 2


def test_too_few_without_immunity_are_spared_and_an_immune_one_goes() -> None:
    emission = [0] * 10 + [7, 4]
    registered = [0] * 10 + [95, 95]
    overlay = full_subnet(12, immunity=10, emission=emission, registered=registered)

    assert neurons.to_replace(overlay, 9, block=100) == 11


def test_without_a_candidate_nobody_goes() -> None:
    overlay = full_subnet(10, immunity=0, emission=[0] * 10, registered=[0] * 10)

    assert neurons.to_replace(overlay, 9, block=100) is None


def test_the_owners_hotkey_keeps_its_slot() -> None:
    overlay = full_subnet(12, immunity=0, emission=[0] * 12, registered=list(range(12)))
    overlay.put(f"{MODULE}.SubnetOwnerHotkey", 9, b"\x01" * 32)

    assert neurons.to_replace(overlay, 9, block=100) == 1


def test_a_full_subnet_gives_the_slot_of_the_weakest_away() -> None:
    chain = with_entries(DevChain(), MaxAllowedUids=(1, 7), ImmunityPeriod=(1, 4_000))
    out = chain.state.get(f"{MODULE}.Keys", 1, 1)

    result = chain.run((ALICE, register(1)))

    assert (MODULE, "NeuronRegistered", (1, 1, NEW)) in events_of(result, 1)
    assert neurons.uid_of(chain.state, 1, out) is None
    assert not chain.state.get(f"{MODULE}.IsNetworkMember", out, 1)
    assert neurons.hotkey_at(chain.state, 1, 1) == NEW
    assert chain.state.get(f"{MODULE}.ValidatorPermit", 1)[1] is False
    assert positions.pool_value(chain.state, out, 1) > 0


def test_a_full_subnet_with_few_neurons_and_no_immunity_takes_nobody() -> None:
    chain = with_entries(DevChain(), MaxAllowedUids=(1, 7), ImmunityPeriod=(1, 0))

    assert chain.run((ALICE, register(1))).receipts[1].error == error("NoNeuronIdAvailable")


def test_a_seat_on_root_makes_a_delegate_and_one_block_gives_one_seat() -> None:
    chain = DevChain()

    first = stake("root_register", hotkey=NEW)
    result = chain.run((ALICE, first), (BOB, stake("root_register", hotkey=b"\x52" * 32)))

    assert (MODULE, "NeuronRegistered", (0, 0, NEW)) in events_of(result, 1)
    assert chain.state.get(f"{MODULE}.Delegates", NEW) == 11_796
    assert result.receipts[2].error == error("TooManyRegistrationsThisBlock")
    assert chain.run((ALICE, first)).receipts[1].error == error("HotKeyAlreadyRegisteredInSubNet")


def test_a_full_root_gives_a_seat_only_to_more_stake() -> None:
    chain = with_entries(DevChain(), MaxAllowedUids=(0, 1))
    chain.run((ALICE, stake("root_register", hotkey=NEW)))
    other = b"\x52" * 32
    chain.run((BOB, stake("try_associate_hotkey", hotkey=other)))
    seat = stake("root_register", hotkey=other)
    poor = chain.run((BOB, seat))

    chain.run((BOB, stake("add_stake", hotkey=other, netuid=0, amount_staked=TAO)))
    rich = chain.run((BOB, seat))

    assert poor.receipts[1].error == error("StakeTooLowForRoot")
    assert rich.receipts[1].success
    assert neurons.uid_of(chain.state, 0, NEW) is None


def test_a_refusal_names_its_pallet() -> None:
    assert failed(MODULE, "NoNeuronIdAvailable").error == error("NoNeuronIdAvailable")
