from math import exp
from typing import Any

import pytest

from chain.runtime.declarations import module_error
from chain.runtime.invariants import check_state
from chain.runtime.state import Overlay
from chain.runtime.subtensor import locks
from chain.runtime.subtensor.locks import melted
from tests.support.dev_chain import ALICE, BOB, HOTKEY, OTHER_HOTKEY, TAO, DevChain, events_of, stake

MODULE = "SubtensorModule"
NETUID = 2


def error(name: str) -> Any:
    return module_error(MODULE, name)


def lock(amount: int, hotkey: bytes = HOTKEY, netuid: int = NETUID) -> Any:
    return stake("lock_stake", hotkey=hotkey, netuid=netuid, amount=amount)


def held(chain: DevChain) -> int:
    return locks.total_alpha(chain.state, ALICE.public, NETUID)


def locked_but(spare: int) -> DevChain:
    """Return a chain where Alice has locked all of her alpha but some."""
    chain = DevChain()
    assert chain.run((ALICE, lock(held(chain) - spare))).receipts[1].success
    return chain


@pytest.mark.parametrize("blocks", [0, 1, 7_200, 934_866, 5_000_000, 50_000_000])
def test_a_lock_melts_exponentially(blocks: int) -> None:
    mass = 10**15

    left = melted(mass, blocks=blocks, rate=934_866)

    assert abs(left - mass * exp(-blocks / 934_866)) <= mass * 1e-12 + 1
    assert left <= mass


def test_nothing_is_left_in_the_end() -> None:
    assert melted(2**64 - 1, blocks=64 * 934_866, rate=934_866) == 0


def test_locked_alpha_cannot_leave_its_subnet() -> None:
    chain = locked_but(10 * TAO)
    out = {
        "remove_stake": {"hotkey": HOTKEY, "netuid": NETUID, "amount_unstaked": 1_000 * TAO},
        "swap_stake": {
            "hotkey": HOTKEY,
            "origin_netuid": NETUID,
            "destination_netuid": 1,
            "alpha_amount": 1_000 * TAO,
        },
        "burn_alpha": {"hotkey": HOTKEY, "amount": 1_000 * TAO, "netuid": NETUID},
        "recycle_alpha": {"hotkey": HOTKEY, "amount": 1_000 * TAO, "netuid": NETUID},
        "remove_stake_full_limit": {"hotkey": HOTKEY, "netuid": NETUID, "limit_price": None},
    }

    result = chain.run(*((ALICE, stake(name, **args)) for name, args in out.items()))

    assert [receipt.error for receipt in result.receipts[1:]] == [error("StakeUnavailable")] * len(out)


def test_what_is_not_locked_can_be_sold() -> None:
    chain = locked_but(10 * TAO)

    result = chain.run((ALICE, stake("remove_stake", hotkey=HOTKEY, netuid=NETUID, amount_unstaked=9 * TAO)))

    assert result.receipts[1].success


def test_unstaking_everything_leaves_a_locked_subnet_out() -> None:
    chain = locked_but(10 * TAO)
    before = held(chain)

    assert chain.run((ALICE, stake("unstake_all", hotkey=HOTKEY))).receipts[1].success
    assert held(chain) == before


def test_a_lock_goes_along_with_alpha_that_is_given_away() -> None:
    chain = locked_but(10 * TAO)
    before = locks.locked(chain.state, ALICE.public, NETUID)
    give = stake(
        "transfer_stake",
        destination_coldkey=BOB.public,
        hotkey=HOTKEY,
        origin_netuid=NETUID,
        destination_netuid=NETUID,
        alpha_amount=110 * TAO,
    )

    assert chain.run((ALICE, give)).receipts[1].success

    mine, theirs = (locks.locked(chain.state, key.public, NETUID) for key in (ALICE, BOB))
    assert abs(theirs - 100 * TAO) <= TAO
    assert 0 <= before - mine - theirs <= before // 900_000
    assert mine <= held(chain)
    check_state(chain.state)


def test_a_lock_is_for_one_hotkey_which_may_change() -> None:
    chain = locked_but(10 * TAO)
    move = stake("move_lock", destination_hotkey=OTHER_HOTKEY, netuid=NETUID)

    result = chain.run((ALICE, lock(TAO, OTHER_HOTKEY)), (ALICE, move), (ALICE, lock(TAO, OTHER_HOTKEY)))

    assert [receipt.error for receipt in result.receipts[1:]] == [error("LockHotkeyMismatch"), None, None]
    told = {"coldkey": ALICE.public, "hotkey": OTHER_HOTKEY, "netuid": NETUID, "amount": TAO}
    assert (MODULE, "StakeLocked", told) in events_of(result, 3)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lock(0), "AmountTooLow"),
        (lock(2**63), "InsufficientStakeForLock"),
        (lock(TAO, netuid=99), "SubnetNotExists"),
        (lock(TAO, b"\x51" * 32), "HotKeyAccountNotExists"),
        (stake("move_lock", destination_hotkey=HOTKEY, netuid=1), "NoExistingLock"),
    ],
)
def test_a_lock_that_cannot_be_is_refused_by_name(call: Any, name: str) -> None:
    assert DevChain().run((ALICE, call)).receipts[1].error == error(name)


def test_locks_follow_their_keys() -> None:
    overlay = Overlay(locked_but(10 * TAO).state)
    before = locks.locked(overlay, ALICE.public, NETUID)

    locks.rename_hotkey(overlay, NETUID, HOTKEY, OTHER_HOTKEY)
    locks.rename_coldkey(overlay, NETUID, ALICE.public, BOB.public)

    assert locks.locked(overlay, BOB.public, NETUID) == before
    assert locks.locked(overlay, ALICE.public, NETUID) == 0
    assert overlay.get("Chain.LockedTo", BOB.public, NETUID) == OTHER_HOTKEY
