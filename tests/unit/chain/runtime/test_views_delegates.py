"""Delegates, stake fees and the price of a subnet, against figures worked out from the genesis by hand."""

from chain.keys import KeyPair
from chain.runtime.genesis import DEV_FUNDS
from chain.runtime.genesis_accounts import named
from chain.runtime.views_delegates import return_per_1000
from tests.support.dev_chain import ALICE, BOB, CHARLIE, HOTKEY, OTHER_HOTKEY, TAO, DevChain, stake
from tests.unit.chain.runtime.test_views import ask

STRANGER = b"\x33" * 32
STAKED = [1_500_000, 800_000, 40_000, 300_000, 900_000, 20_000]
"""Whole alpha staked on subnets 1 to 6 of the development chain."""


def test_delegates_are_listed_with_owner_nominators_and_slots() -> None:
    chain = DevChain()

    listed = ask(chain, "DelegateInfoRuntimeApi_get_delegates")
    info = ask(chain, "DelegateInfoRuntimeApi_get_delegate", HOTKEY)

    third = named("//Eve//hotkey")
    assert [bytes(entry["delegate_ss58"]) for entry in listed] == sorted([HOTKEY, OTHER_HOTKEY, third])
    assert info in listed
    assert info["owner_ss58"] == CHARLIE.public
    assert info["take"] == 11_796
    assert info["registrations"] == info["validator_permits"] == [1, 2, 3, 4, 5, 6]
    nominators = {bytes(coldkey): stakes for coldkey, stakes in info["nominators"]}
    # Charlie has 15 % of each subnet and 50 000 TAO on root, Alice 35 % of each subnet.
    own = [(0, 50_000 * TAO), *((netuid, whole * TAO * 15 // 100) for netuid, whole in enumerate(STAKED, 1))]
    assert nominators[CHARLIE.public] == own
    assert nominators[ALICE.public] == [(netuid, whole * TAO * 35 // 100) for netuid, whole in enumerate(STAKED, 1)]
    assert set(nominators) == {CHARLIE.public, ALICE.public}


def test_what_a_day_returns_follows_from_the_last_epochs() -> None:
    chain = DevChain()
    chain.skip(24)

    info = ask(chain, "DelegateInfoRuntimeApi_get_delegate", HOTKEY)

    # The hotkey has uid 1 everywhere; an epoch of 20 blocks runs 360 times a day of 7 200.
    daily = sum(chain.state.get("SubtensorModule.Emission", netuid)[1] * 360 for netuid in range(1, 7))
    root = chain.state.get("SubtensorModule.TotalHotkeyAlpha", HOTKEY, 0)
    assert daily > 0
    assert info["total_daily_return"] == daily
    assert info["return_per_1000"] == daily * 1_000 * TAO * (65_535 - 11_796) // (65_535 * root)


def test_a_return_is_per_thousand_tao_after_the_take() -> None:
    # 1 % a day on 5 000 TAO is 10 TAO per 1 000; a fifth of it is taken.
    assert return_per_1000(take=13_107, root_stake=5_000 * TAO, daily=50 * TAO) == 8 * TAO
    assert return_per_1000(take=65_535, root_stake=TAO, daily=TAO) == 0
    assert return_per_1000(take=0, root_stake=0, daily=TAO) == 0


def test_a_coldkey_sees_the_delegates_it_has_stake_under_once_per_subnet() -> None:
    chain = DevChain()

    delegated = ask(chain, "DelegateInfoRuntimeApi_get_delegated", BOB.public)

    assert {bytes(info["delegate_ss58"]) for info, _ in delegated} == {OTHER_HOTKEY}
    assert [place for _, place in delegated] == [
        (netuid, whole * TAO * 15 // 100) for netuid, whole in enumerate(STAKED, 1)
    ]
    assert all(info["nominators"] == [] for info, _ in delegated)
    assert ask(chain, "DelegateInfoRuntimeApi_get_delegated", STRANGER) == []
    assert ask(chain, "DelegateInfoRuntimeApi_get_delegate", STRANGER) is None
    assert ask(chain, "DelegateInfoRuntimeApi_get_delegate", named("//Miner//1")) is None


def test_an_earlier_state_still_answers_with_its_own_figures() -> None:
    chain = DevChain()
    before = DevChain(state=chain.state)
    chain.run((BOB, stake("add_stake", hotkey=HOTKEY, netuid=0, amount_staked=7 * TAO)))

    def bobs(at: DevChain) -> list[tuple[int, int]]:
        nominators = ask(at, "DelegateInfoRuntimeApi_get_delegate", HOTKEY)["nominators"]
        found: list[tuple[int, int]] = dict(nominators).get(BOB.public, [])
        return found

    assert bobs(before) == []
    assert bobs(chain) == [(0, 7 * TAO)]


def test_the_stake_fee_is_charged_once_and_where_the_swap_pays_it() -> None:
    chain = DevChain()
    a, b = ALICE.public, BOB.public
    one, two, root = (HOTKEY, 1), (HOTKEY, 2), (HOTKEY, 0)

    def fee(origin: tuple[bytes, int] | None, destination: tuple[bytes, int] | None) -> int:
        answer: int = ask(chain, "StakeInfoRuntimeApi_get_stake_fee", origin, a, destination, b, 1_000 * TAO)
        return answer

    rate = chain.state.get("Swap.FeeRate", 1)
    expected = 1_000 * TAO * ((rate << 64) // 65_535) >> 64
    assert 0 < expected < TAO
    assert fee(None, one) == fee(one, None) == fee(one, two) == fee(root, one) == fee(one, root) == expected
    assert fee(one, (OTHER_HOTKEY, 1)) == fee(None, root) == fee(root, None) == fee(None, (HOTKEY, 77)) == 0
    assert fee(None, one) == ask(chain, "SwapRuntimeApi_sim_swap_tao_for_alpha", 1, 1_000 * TAO)["tao_fee"]
    assert fee(two, None) == ask(chain, "SwapRuntimeApi_sim_swap_alpha_for_tao", 2, 1_000 * TAO)["alpha_fee"]


def test_the_price_of_a_subnet_is_what_the_next_registration_pays_but_for_one_block() -> None:
    chain = DevChain()
    name = "SubnetRegistrationRuntimeApi_get_network_registration_cost"
    assert ask(chain, name) == 1_000 * TAO

    chain.run((ALICE, stake("register_network", hotkey=KeyPair.from_uri("//New//1").public)))
    assert ask(chain, name) == 2_000 * TAO
    chain.skip(1)
    step = 2_000 * TAO - ask(chain, name)
    chain.skip(1)
    shown = ask(chain, name)
    result = chain.run((ALICE, stake("register_network", hotkey=KeyPair.from_uri("//New//2").public)))

    assert step > 0
    assert shown == 2_000 * TAO - 2 * step
    assert result.receipts[1].success
    assert chain.state.get("SubtensorModule.SubnetLocked", 8) == shown - step
    assert chain.free(ALICE.public) < DEV_FUNDS["//Alice"] - 1_000 * TAO - (shown - step)
