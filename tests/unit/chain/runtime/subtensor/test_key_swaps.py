from typing import Any

import pytest

from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.runtime.declarations import module_error
from chain.runtime.invariants import check_state
from chain.runtime.state import Overlay
from chain.runtime.subtensor import neurons, positions, root_claims
from chain.runtime.subtensor.hotkey_swap import COST, COST_ON_ONE
from tests.support.dev_chain import (
    ALICE,
    BOB,
    CHARLIE,
    HOTKEY,
    OTHER_HOTKEY,
    TAO,
    DevChain,
    batch,
    events_of,
    stake,
    transfer,
)

MODULE = "SubtensorModule"
NEW = b"\x51" * 32
HEIR = KeyPair.from_seed(b"\x0a" * 32)


def error(name: str) -> Any:
    return module_error(MODULE, name)


def swap(new: bytes = NEW, netuid: int | None = None, old: bytes = HOTKEY) -> Any:
    return stake("swap_hotkey", hotkey=old, new_hotkey=new, netuid=netuid)


def rich_chain() -> DevChain:
    """Return a chain where root stake under Charlie's hotkey has something to claim."""
    chain = DevChain()
    chain.run((ALICE, stake("add_stake", hotkey=HOTKEY, netuid=0, amount_staked=1_000 * TAO)))
    chain.state = chain.state.commit({("Chain.RootStakerCount", ()): 0})
    chain.skip(25)
    return chain


def stakes(chain: DevChain, hotkey: bytes, netuids: range = range(7)) -> dict[Any, int]:
    return {
        (key.public, netuid): positions.stake_of(chain.state, hotkey, key.public, netuid)
        for key in (ALICE, BOB, CHARLIE)
        for netuid in netuids
    }


def test_a_swapped_hotkey_keeps_everybodys_stake_to_the_rao() -> None:
    chain = rich_chain()
    before, uid = stakes(chain, HOTKEY), neurons.uid_of(chain.state, 3, HOTKEY)
    owed = root_claims.owed(Overlay(chain.state), HOTKEY, ALICE.public, 1)
    issued = chain.state.get("Balances.TotalIssuance")
    assert owed > 0

    result = chain.run((CHARLIE, swap()))

    assert result.receipts[1].success
    assert stakes(chain, NEW) == before
    assert not any(stakes(chain, HOTKEY).values())
    assert neurons.uid_of(chain.state, 3, NEW) == uid
    assert neurons.uid_of(chain.state, 3, HOTKEY) is None
    assert root_claims.owed(Overlay(chain.state), NEW, ALICE.public, 1) == owed
    assert positions.owner_of(chain.state, NEW) == CHARLIE.public
    assert not positions.hotkey_exists(chain.state, HOTKEY)
    assert chain.state.get("Balances.TotalIssuance") - issued + COST < 10**9
    check_state(chain.state)
    chain.skip(21)
    check_state(chain.state)


def test_a_hotkey_swapped_on_one_subnet_stays_on_the_others() -> None:
    chain = rich_chain()
    before = stakes(chain, HOTKEY)
    free = chain.free(CHARLIE.public)

    result = chain.run((CHARLIE, swap(netuid=2)))

    moved = stakes(chain, NEW)
    assert {place: amount for place, amount in before.items() if place[1] == 2}.items() <= moved.items()
    assert sum(moved.values()) == sum(amount for place, amount in before.items() if place[1] == 2)
    assert positions.owner_of(chain.state, HOTKEY) == CHARLIE.public
    assert neurons.uid_of(chain.state, 1, HOTKEY) is not None
    assert free - chain.free(CHARLIE.public) == COST_ON_ONE + result.receipts[1].fee_rao
    check_state(chain.state)


def test_stake_that_the_new_hotkey_has_already_is_added_to() -> None:
    chain = rich_chain()
    chain.run((CHARLIE, stake("try_associate_hotkey", hotkey=NEW)))
    chain.run((BOB, stake("add_stake", hotkey=NEW, netuid=2, amount_staked=TAO)))
    own, old = stakes(chain, NEW), stakes(chain, HOTKEY)

    assert chain.run((CHARLIE, swap(netuid=2))).receipts[1].success

    for key in (ALICE, BOB, CHARLIE):
        place = (key.public, 2)
        assert abs(stakes(chain, NEW)[place] - own[place] - old[place]) <= 2
    check_state(chain.state)


@pytest.mark.parametrize(
    ("key", "call", "name"),
    [
        (ALICE, swap(), "NonAssociatedColdKey"),
        (CHARLIE, swap(HOTKEY), "NewHotKeyIsSameWithOld"),
        (CHARLIE, swap(OTHER_HOTKEY), "HotKeyAlreadyRegisteredInSubNet"),
        (CHARLIE, swap(OTHER_HOTKEY, 3), "HotKeyAlreadyRegisteredInSubNet"),
        (CHARLIE, swap(NEW, 99), "SubnetNotExists"),
        (CHARLIE, swap(old=b"\x77" * 32), "HotKeyAccountNotExists"),
    ],
)
def test_a_hotkey_swap_that_cannot_be_is_refused_by_name(key: KeyPair, call: Any, name: str) -> None:
    assert DevChain().run((key, call)).receipts[1].error == error(name)


def test_hotkeys_are_swapped_one_after_the_other() -> None:
    chain = DevChain()
    third = b"\x53" * 32

    on_one = chain.run((CHARLIE, swap(netuid=1)), (CHARLIE, swap(third, 1, NEW)))
    chain.state = chain.state.commit({(f"{MODULE}.TxRateLimit", ()): 1_000})
    everywhere = chain.run((CHARLIE, swap(third)))

    assert on_one.receipts[2].error == error("HotKeySwapOnSubnetIntervalNotPassed")
    assert everywhere.receipts[1].error == error("HotKeySetTxRateLimitExceeded")


def test_root_stake_needs_a_new_hotkey_without_any() -> None:
    chain = DevChain()
    chain.run((CHARLIE, stake("try_associate_hotkey", hotkey=NEW)))
    chain.run((BOB, stake("add_stake", hotkey=NEW, netuid=0, amount_staked=TAO)))

    assert chain.run((CHARLIE, swap())).receipts[1].error == error("NewHotKeyNotCleanForRootSwap")


def test_who_cannot_pay_keeps_the_old_hotkey() -> None:
    chain = DevChain()
    chain.run((CHARLIE, transfer(BOB.public, chain.free(CHARLIE.public) - 50_000_000)))

    assert chain.run((CHARLIE, swap())).receipts[1].error == error("NotEnoughBalanceToPaySwapHotKey")


def announced(delay: int = 2) -> DevChain:
    chain = rich_chain()
    chain.state = chain.state.commit({(f"{MODULE}.ColdkeySwapAnnouncementDelay", ()): delay})
    call = stake("announce_coldkey_swap", new_coldkey_hash=blake2b_256(HEIR.public))
    result = chain.run((ALICE, call))
    told = {"who": ALICE.public, "new_coldkey_hash": blake2b_256(HEIR.public)}
    assert (MODULE, "ColdkeySwapAnnounced", told) in events_of(result, 1)
    return chain


def test_an_heir_gets_everything_once_the_time_has_come() -> None:
    chain = announced()
    hand_over = stake("swap_coldkey_announced", new_coldkey=HEIR.public)
    early = chain.run((ALICE, hand_over))
    chain.skip(1)
    before = stakes(chain, HOTKEY)
    owed = root_claims.owed(Overlay(chain.state), HOTKEY, ALICE.public, 1)
    free = chain.free(ALICE.public)

    late = chain.run((ALICE, hand_over))

    assert early.receipts[1].error == error("ColdkeySwapTooEarly")
    told = {"old_coldkey": ALICE.public, "new_coldkey": HEIR.public}
    assert (MODULE, "ColdkeySwapped", told) in events_of(late, 1)
    for netuid in range(7):
        assert positions.stake_of(chain.state, HOTKEY, HEIR.public, netuid) == before[ALICE.public, netuid]
        assert positions.stake_of(chain.state, HOTKEY, ALICE.public, netuid) == 0
    assert root_claims.owed(Overlay(chain.state), HOTKEY, HEIR.public, 1) == owed
    assert chain.free(HEIR.public) == free - late.receipts[1].fee_rao
    assert chain.free(ALICE.public) == 0
    check_state(chain.state)


def test_an_announced_coldkey_can_do_nothing_else() -> None:
    chain = announced()

    result = chain.run((ALICE, transfer(BOB.public, TAO)), (ALICE, batch(transfer(BOB.public, TAO))))

    assert [receipt.error for receipt in result.receipts[1:]] == [error("ColdkeySwapAnnounced")] * 2


def test_a_disputed_swap_stops_everything() -> None:
    chain = announced(delay=1)
    dispute = "dispute_coldkey_swap"

    result = chain.run((ALICE, (MODULE, dispute)), (ALICE, (MODULE, dispute)))
    after = chain.run((ALICE, stake("swap_coldkey_announced", new_coldkey=HEIR.public)))

    assert [receipt.error for receipt in result.receipts[1:]] == [None, error("ColdkeySwapAlreadyDisputed")]
    assert after.receipts[1].error == error("ColdkeySwapDisputed")


@pytest.mark.parametrize(
    ("heir", "name"),
    [(BOB.public, "AnnouncedColdkeyHashDoesNotMatch"), (HEIR.public, "ColdKeyAlreadyAssociated")],
)
def test_only_the_heir_that_was_announced_and_is_new_inherits(heir: bytes, name: str) -> None:
    chain = announced(delay=1)
    chain.state = chain.state.commit({(f"{MODULE}.StakingHotkeys", (HEIR.public,)): [NEW]})

    assert chain.run((ALICE, stake("swap_coldkey_announced", new_coldkey=heir))).receipts[1].error == error(name)


def test_a_hotkey_cannot_inherit() -> None:
    chain = announced(delay=1)
    chain.state = chain.state.commit({(f"{MODULE}.Owner", (HEIR.public,)): BOB.public})

    result = chain.run((ALICE, stake("swap_coldkey_announced", new_coldkey=HEIR.public)))

    assert result.receipts[1].error == error("NewColdKeyIsHotkey")


def test_a_second_announcement_has_to_wait_and_nothing_happens_without_one() -> None:
    chain = announced()
    again = stake("announce_coldkey_swap", new_coldkey_hash=bytes(32))

    assert chain.run((ALICE, again)).receipts[1].error == error("ColdkeySwapReannouncedTooEarly")
    nothing = chain.run((BOB, stake("swap_coldkey_announced", new_coldkey=HEIR.public)))
    assert nothing.receipts[1].error == error("ColdkeySwapAnnouncementNotFound")
    nothing = chain.run((BOB, (MODULE, "dispute_coldkey_swap")))
    assert nothing.receipts[1].error == error("ColdkeySwapAnnouncementNotFound")
