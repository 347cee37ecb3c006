from itertools import pairwise

from chain.runtime.invariants import check_state
from chain.runtime.subtensor import emission, pools
from chain.runtime.subtensor.emission import SUPPLY_MAX, block_emission
from tests.support.dev_chain import TAO, DevChain

MODULE = "SubtensorModule"


def blocks_at(issuance: int) -> int:
    """Return how many blocks emit what the next one emits."""
    each, low, high = block_emission(issuance), 1, 2
    while block_emission(issuance + high * each) == each:
        low, high = high, 2 * high
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if block_emission(issuance + middle * each) == each else (low, middle)
    return high if block_emission(issuance + each) == each else 1


def test_from_nothing_the_emission_halves_again_and_again_and_ends_below_the_cap() -> None:
    issuance, amounts = 0, list[int]()
    while each := block_emission(issuance):
        amounts.append(each)
        issuance += blocks_at(issuance) * each
        assert len(amounts) < 64

    assert amounts[0] == TAO
    assert all(0 <= bigger - 2 * smaller <= 1 for bigger, smaller in pairwise(amounts))
    assert amounts[-1] <= 2
    assert issuance == 20_999_999_980_442_226 < SUPPLY_MAX


def test_half_of_all_tao_is_out_after_four_years_of_blocks() -> None:
    assert blocks_at(0) == 10_500_000
    assert blocks_at(SUPPLY_MAX // 2) == 10_500_000


def test_a_live_chain_halves_where_half_of_the_rest_is_out() -> None:
    chain = DevChain()
    chain.state = chain.state.commit({(f"{MODULE}.TotalIssuance", ()): SUPPLY_MAX // 2 - TAO})
    minted = []
    for _ in range(3):
        before = chain.state.get("Balances.TotalIssuance")
        chain.apply()
        minted.append(chain.state.get("Balances.TotalIssuance") - before)

    # A few rao of a block are never minted, so the threshold is met in the second block at the latest.
    assert minted[0] > 9 * TAO // 10
    assert minted[2] <= TAO // 2


def test_alpha_halves_by_the_issuance_of_its_own_subnet() -> None:
    chain = DevChain()
    out = SUPPLY_MAX // 2 - chain.state.get(f"{MODULE}.SubnetAlphaIn", 2)
    chain.state = chain.state.commit({(f"{MODULE}.SubnetAlphaOut", (2,)): out})

    chain.apply()

    assert chain.state.get(f"{MODULE}.SubnetAlphaOutEmission", 2) == TAO // 2
    assert chain.state.get(f"{MODULE}.SubnetAlphaOutEmission", 1) == TAO


def test_recycled_alpha_is_emitted_again() -> None:
    chain = DevChain()
    issuance = pools.alpha_issuance(chain.state, 2)

    assert emission.block_emission(issuance) == emission.block_emission(issuance - TAO) == TAO
    assert emission.block_emission(SUPPLY_MAX // 2) < emission.block_emission(SUPPLY_MAX // 2 - 1)


def test_the_mint_never_passes_the_cap_whatever_the_records_say() -> None:
    chain = DevChain()
    held = chain.state.get("Balances.TotalIssuance")
    alice = (b"\x5a" * 32,)
    account = chain.state.get("System.Account", *alice)
    rest = SUPPLY_MAX - held - 5
    rich = {**account, "providers": 1, "data": {**account["data"], "free": rest}}
    chain.state = chain.state.commit({("System.Account", alice): rich, ("Balances.TotalIssuance", ()): SUPPLY_MAX - 5})

    chain.skip(3)

    assert SUPPLY_MAX - 5 <= chain.state.get("Balances.TotalIssuance") <= SUPPLY_MAX
    check_state(chain.state)
