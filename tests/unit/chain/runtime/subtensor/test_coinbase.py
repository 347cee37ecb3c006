import pytest

from amm import reference as amm
from chain.keys import subnet_account
from chain.runtime.invariants import check_state
from chain.runtime.subtensor import emission, epochs, pools, positions, prices, subnets
from chain.runtime.subtensor.emission import SUPPLY_MAX
from tests.support.dev_chain import HOTKEY, TAO, DevChain
from tests.support.weights import score

MODULE = "SubtensorModule"


def alpha_held(chain: DevChain, netuid: int) -> int:
    owners = chain.state.entries(f"{MODULE}.TotalHotkeyAlpha")
    return sum(value for (_, subnet), value in owners.items() if subnet == netuid)


def pending(chain: DevChain, netuid: int) -> list[int]:
    items = (epochs.PENDING_OWNER, epochs.PENDING_SERVER, epochs.PENDING_VALIDATOR, epochs.PENDING_ROOT)
    return [chain.state.get(item, netuid) for item in items]


def test_a_block_mints_one_tao_into_the_pools_and_one_alpha_into_each_subnet() -> None:
    chain = DevChain()
    issuance = chain.state.get("Balances.TotalIssuance")
    before = {netuid: pools.alpha_issuance(chain.state, netuid) for netuid in subnets.netuids(chain.state)}

    chain.apply()

    minted = chain.state.get("Balances.TotalIssuance") - issuance
    assert TAO - 12 <= minted <= TAO
    for netuid in subnets.netuids(chain.state)[1:]:
        alpha_in = chain.state.get(f"{MODULE}.SubnetAlphaInEmission", netuid)
        grown = pools.alpha_issuance(chain.state, netuid) - before[netuid]
        assert grown == TAO + alpha_in
        assert abs(sum(pending(chain, netuid)) - TAO) <= 4
    check_state(chain.state)


@pytest.mark.parametrize("netuid", [1, 2, 3, 4, 5, 6])
def test_injection_leaves_the_price_where_it_was_but_for_what_the_protocol_buys(netuid: int) -> None:
    chain = DevChain()
    chain.skip(5)
    before = pools.price_q64(chain.state, netuid)
    bought = chain.state.get(f"{MODULE}.SubnetProtocolAlpha", netuid)

    chain.apply()

    after = pools.price_q64(chain.state, netuid)
    if chain.state.get(f"{MODULE}.SubnetProtocolAlpha", netuid) == bought:
        assert abs(after - before) * 10**12 <= before
    else:
        assert after >= before
        assert (after - before) * 10 <= before


def test_shares_follow_the_moving_prices() -> None:
    chain = DevChain()
    chain.apply()
    eligible = subnets.netuids(chain.state)[1:]

    given = [chain.state.get(f"{MODULE}.SubnetTaoInEmission", netuid) for netuid in eligible]

    prices = [DevChain().state.get(f"{MODULE}.SubnetMovingPrice", netuid)["bits"] for netuid in eligible]
    assert sum(given) <= TAO
    for tao, price in zip(given, prices, strict=True):
        assert abs(tao - TAO * price // sum(prices)) <= 2


def test_a_subnet_without_emission_gets_no_tao_but_still_emits_alpha() -> None:
    chain = DevChain()
    overlay_changes = {("Chain.EmissionEnabled", (2,)): False}
    chain.state = chain.state.commit(overlay_changes)

    chain.apply()

    assert chain.state.get(f"{MODULE}.SubnetTaoInEmission", 2) == 0
    assert chain.state.get(f"{MODULE}.SubnetAlphaOutEmission", 2) == TAO
    assert sum(pending(chain, 2)) > 0


def test_nothing_is_emitted_where_a_subnet_is_closed() -> None:
    chain = DevChain()
    chain.state = chain.state.commit({("SubtensorModule.SubtokenEnabled", (5,)): False})

    chain.skip(3)

    assert pending(chain, 5) == [0, 0, 0, 0]
    check_state(chain.state)


def test_when_all_tao_is_out_none_is_minted() -> None:
    chain = DevChain()
    chain.state = chain.state.commit({(f"{MODULE}.TotalIssuance", ()): SUPPLY_MAX})
    issuance = chain.state.get("Balances.TotalIssuance")

    chain.apply()

    assert chain.state.get("Balances.TotalIssuance") == issuance
    assert chain.state.get(f"{MODULE}.BlockEmission") == 0


def test_an_injection_that_would_push_a_weight_out_of_range_is_left_out() -> None:
    chain = DevChain()
    chain.state = chain.state.commit({("Swap.SwapBalancer", (3,)): {"quote": 10**16}})
    pool = pools.pool_of(chain.state, 3)
    lopsided = amm.Pool(tao=pool.tao, alpha=pool.alpha, weight=10**16)

    chain.apply()

    assert amm.is_weight_valid(pools.pool_of(chain.state, 3).weight)
    assert pools.pool_of(chain.state, 3).alpha <= lopsided.alpha + TAO
    check_state(chain.state)


def test_positions_grow_in_epochs_and_nowhere_else() -> None:
    chain = DevChain()
    for _ in range(45):
        before = {netuid: alpha_held(chain, netuid) for netuid in range(1, 7)}
        chain.apply()
        for netuid in range(1, 7):
            ran = chain.state.get(f"{MODULE}.LastEpochBlock", netuid) == chain.number
            assert (alpha_held(chain, netuid) > before[netuid]) is ran
            assert ran is (chain.state.get(f"{MODULE}.BlocksSinceLastStep", netuid) == 0)
        check_state(chain.state)


def test_two_epochs_run_in_a_block_at_most_and_the_others_right_after() -> None:
    chain = DevChain()
    ran: list[list[int]] = []
    for _ in range(24):
        chain.apply()
        ran.append(chain.state.get("Chain.Epochs"))

    assert ran[19:23] == [[1, 2], [3, 4], [5, 6], []]
    assert all(not netuids for netuids in ran[:19])


def test_an_epoch_empties_the_buckets_and_pays_owner_miners_and_validators() -> None:
    chain = DevChain()
    chain.skip(19)
    expected = sum(pending(chain, 1)) + TAO
    before = alpha_held(chain, 1)

    chain.apply()

    paid = alpha_held(chain, 1) - before
    claimable = chain.state.get(f"{MODULE}.RootClaimable", HOTKEY)
    assert pending(chain, 1) == [0, 0, 0, 0]
    assert 0 < paid <= expected
    assert expected - paid < expected // 4
    assert claimable[1]["bits"] > 0
    assert sum(chain.state.get(f"{MODULE}.Emission", 1)) <= paid
    check_state(chain.state)


def test_every_nominator_earns_in_proportion() -> None:
    from tests.support.dev_chain import ALICE, CHARLIE

    chain = DevChain()
    chain.skip(19)
    alice = positions.stake_of(chain.state, HOTKEY, ALICE.public, 1)
    chain.apply()
    grown = positions.stake_of(chain.state, HOTKEY, ALICE.public, 1) - alice

    pool_value = positions.pool_value(chain.state, HOTKEY, 1)
    assert grown > 0
    assert grown * pool_value <= alice * 20 * TAO * 3
    assert positions.stake_of(chain.state, HOTKEY, CHARLIE.public, 1) > 0


def test_without_scored_miners_validators_get_the_miners_part() -> None:
    scored, twin = DevChain(), DevChain()
    score(scored, 1)
    scored.skip(19)
    twin.skip(20)

    assert positions.pool_value(twin.state, HOTKEY, 1) > positions.pool_value(scored.state, HOTKEY, 1)
    check_state(twin.state)


def test_what_the_owner_would_mine_is_withheld_and_costs_the_subnet_emission() -> None:
    chain = DevChain()
    score(chain, 1, [[(0, 1)]] * 3)
    chain.skip(19)
    before = chain.state.get(f"{MODULE}.SubnetTaoInEmission", 1)

    chain.skip(1)

    assert chain.state.get("Chain.MinerBurned", 1) == 1 << 32
    assert chain.state.get(f"{MODULE}.SubnetTaoInEmission", 1) == 0 < before
    check_state(chain.state)


def test_a_subnet_without_tempo_has_no_epochs() -> None:
    chain = DevChain()
    chain.state = chain.state.commit({(f"{MODULE}.Tempo", (1,)): 0})

    chain.skip(25)

    assert chain.state.get(f"{MODULE}.LastEpochBlock", 1) == 0
    assert sum(pending(chain, 1)) >= 24 * TAO


def test_moving_prices_follow_the_spot_price_slowly_and_count_it_as_one_at_most() -> None:
    chain = DevChain()
    start = chain.state.get(f"{MODULE}.SubnetMovingPrice", 6)["bits"]
    assert pools.price_q64(chain.state, 6) > 1 << 64

    chain.skip(30)

    assert start == 1 << 32
    assert abs(chain.state.get(f"{MODULE}.SubnetMovingPrice", 6)["bits"] - start) <= 64


def test_registration_prices_halve_in_360_blocks_and_stop_at_the_least() -> None:
    chain = DevChain()
    start = chain.state.get(f"{MODULE}.Burn", 1)

    chain.skip(36)
    tenth = chain.state.get(f"{MODULE}.Burn", 1)
    chain.state = chain.state.commit({(f"{MODULE}.Burn", (1,)): 500_000})
    chain.apply()

    assert start == TAO
    assert 934_700_000 < tenth < 934_900_000
    assert chain.state.get(f"{MODULE}.Burn", 1) == 500_000


def test_decay_has_the_reference_factors() -> None:
    assert prices.decay_factor(0) == 1 << 32
    assert emission.block_emission(0) == TAO


def test_the_pot_of_a_subnet_holds_its_reserve() -> None:
    chain = DevChain()
    chain.skip(10)

    for netuid in subnets.netuids(chain.state):
        assert chain.free(subnet_account(netuid)) >= chain.state.get(f"{MODULE}.SubnetTAO", netuid)
