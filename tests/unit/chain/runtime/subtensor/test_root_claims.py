from typing import Any

import pytest

from chain.runtime.declarations import module_error
from chain.runtime.invariants import check_state
from chain.runtime.state import Overlay
from chain.runtime.subtensor import claim_rules, pools, positions, root_claims
from tests.support.dev_chain import ALICE, BOB, HOTKEY, TAO, DevChain, block_hash, events_of, names_of, stake

MODULE = "SubtensorModule"
NETUID = 2
DIVIDEND = 40 * TAO


def staked() -> DevChain:
    """Return a chain where Alice and Bob hold root stake under one hotkey, whose stakers are not served by turns."""
    chain = DevChain()
    add = stake("add_stake", hotkey=HOTKEY, netuid=0, amount_staked=10_000 * TAO)
    chain.run((ALICE, add), (BOB, add))
    chain.state = chain.state.commit({("Chain.RootStakerCount", ()): 0})
    return chain


def with_dividend(chain: DevChain, amount: int = DIVIDEND) -> DevChain:
    """Credit a dividend of subnet 2 as an epoch does, out of alpha that becomes outstanding for it."""
    overlay = Overlay(chain.state)
    pools.change_alpha_out(overlay, NETUID, amount)
    assert root_claims.credit(overlay, HOTKEY, NETUID, amount) == amount
    chain.state = chain.state.commit(overlay.changes())
    return chain


def claim(*netuids: int) -> Any:
    return stake("claim_root", subnets=sorted(netuids))


def kind(value: Any) -> Any:
    return stake("set_root_claim_type", new_root_claim_type=value)


def test_a_dividend_is_claimed_pro_rata_by_root_stake() -> None:
    chain = with_dividend(staked())
    total = positions.pool_value(chain.state, HOTKEY, 0)
    overlay = Overlay(chain.state)

    owed = root_claims.owed(overlay, HOTKEY, ALICE.public, NETUID)

    assert 0 <= DIVIDEND * 10_000 * TAO // total - owed <= 10_000 * TAO // 2**32 + 1
    assert chain.state.get(root_claims.UNCLAIMED, NETUID) == DIVIDEND


def test_kept_alpha_becomes_stake_under_the_same_hotkey() -> None:
    chain = with_dividend(staked())
    chain.run((ALICE, kind("Keep")))
    owed = root_claims.owed(Overlay(chain.state), HOTKEY, ALICE.public, NETUID)
    before = positions.stake_of(chain.state, HOTKEY, ALICE.public, NETUID)

    result = chain.run((ALICE, claim(NETUID)))

    assert (MODULE, "RootClaimed", {"coldkey": ALICE.public}) in events_of(result, 1)
    gained = positions.stake_of(chain.state, HOTKEY, ALICE.public, NETUID) - before
    assert owed - 1 <= gained <= owed
    assert chain.state.get(f"{MODULE}.RootClaimed", NETUID, HOTKEY, ALICE.public) == owed
    assert root_claims.owed(Overlay(chain.state), HOTKEY, ALICE.public, NETUID) == 0
    check_state(chain.state)


def test_swapped_alpha_becomes_root_stake_that_claims_nothing_of_the_past() -> None:
    chain = with_dividend(staked())
    root = positions.stake_of(chain.state, HOTKEY, ALICE.public, 0)
    alpha = positions.stake_of(chain.state, HOTKEY, ALICE.public, NETUID)

    chain.run((ALICE, claim(NETUID)))

    grown = positions.stake_of(chain.state, HOTKEY, ALICE.public, 0) - root
    assert grown > 0
    assert positions.stake_of(chain.state, HOTKEY, ALICE.public, NETUID) == alpha
    assert root_claims.owed(Overlay(chain.state), HOTKEY, ALICE.public, NETUID) <= 1
    check_state(chain.state)


def test_alpha_of_named_subnets_is_kept_and_the_rest_is_sold() -> None:
    chain = with_dividend(staked())
    chain.run((ALICE, kind(("KeepSubnets", {"subnets": [1, 3]}))), (BOB, kind(("KeepSubnets", {"subnets": [NETUID]}))))
    before = [positions.stake_of(chain.state, HOTKEY, key.public, NETUID) for key in (ALICE, BOB)]

    chain.run((ALICE, claim(NETUID)), (BOB, claim(NETUID)))

    after = [positions.stake_of(chain.state, HOTKEY, key.public, NETUID) for key in (ALICE, BOB)]
    assert after[0] == before[0]
    assert after[1] > before[1]
    check_state(chain.state)


def test_less_than_the_threshold_stays_where_it_is() -> None:
    chain = with_dividend(staked(), 2_000_000)

    chain.run((ALICE, claim(NETUID)))

    assert chain.state.get(root_claims.UNCLAIMED, NETUID) == 2_000_000


def test_stake_that_comes_later_has_no_part_in_the_past() -> None:
    chain = with_dividend(staked())
    before = root_claims.owed(Overlay(chain.state), HOTKEY, ALICE.public, NETUID)

    chain.run((ALICE, stake("add_stake", hotkey=HOTKEY, netuid=0, amount_staked=50_000 * TAO)))

    after = root_claims.owed(Overlay(chain.state), HOTKEY, ALICE.public, NETUID)
    assert abs(after - before) <= 1


def test_each_block_serves_the_stakers_its_parent_hash_names() -> None:
    chain = with_dividend(staked())
    stakers = [chain.state.get("Chain.RootStakers", index) for index in range(5)]
    chain.state = chain.state.commit({("Chain.RootStakerCount", ()): 5})
    turns = claim_rules.auto_claim_indices(block_hash(chain.number), count=5, total=5)
    served = {stakers[turn] for turn in turns} & {ALICE.public, BOB.public}

    result = chain.apply()

    told = {
        record["event"][1][1]["coldkey"]
        for record in result.events
        if record["phase"] == "Initialization" and record["event"][1][0] == "RootClaimed"
    }
    claimed = {
        key.public for key in (ALICE, BOB) if chain.state.get(f"{MODULE}.RootClaimed", NETUID, HOTKEY, key.public)
    }
    assert served <= told
    assert claimed == served
    check_state(chain.state)


def test_a_pool_that_takes_nothing_undoes_the_whole_claim() -> None:
    chain = with_dividend(staked())
    thin = {(f"{MODULE}.SubnetTAO", (NETUID,)): 10, (f"{MODULE}.SubnetAlphaIn", (NETUID,)): 600_000 * TAO}
    overlay = Overlay(chain.state.commit(thin))

    twin = DevChain(state=overlay.base)
    result = twin.run((ALICE, claim(NETUID)))

    assert result.receipts[1].error is not None
    assert twin.state.get(f"{MODULE}.RootClaimed", NETUID, HOTKEY, ALICE.public) == 0
    assert "SubtensorModule.RootClaimed" not in names_of(result, 1)


@pytest.mark.parametrize(
    "call", [stake("claim_root", subnets=[]), claim(1, 2, 3, 4, 5, 6), kind(("KeepSubnets", {"subnets": []}))]
)
def test_a_claim_names_one_to_five_subnets(call: Any) -> None:
    assert DevChain().run((ALICE, call)).receipts[1].error == module_error(MODULE, "InvalidSubnetNumber")


def test_a_dividend_larger_than_the_stake_is_not_for_claims() -> None:
    overlay = Overlay(DevChain().state)

    assert root_claims.credit(overlay, b"\x51" * 32, NETUID, 5) == 0
    assert overlay.changes() == {}


def test_nobody_has_a_turn_where_nobody_stakes() -> None:
    assert claim_rules.auto_claim_indices(bytes(32), count=5, total=0) == []
