from dataclasses import replace
from typing import Any

from app.actors.scene import MechanismSeen, Scene, SubnetSeen
from app.actors.strategy import ARENAS, FILL, PRICE_MAX, PURSE, ROWS_MAX, SLOTS, Deed, Strategy
from chain.extrinsic import split_call
from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.runtime.declarations import codec
from chain.runtime.genesis import DEV_MINERS, DEV_OWNER, DEV_VALIDATORS

OWNER, OWNER_HOTKEY = (KeyPair.from_uri(uri).public for uri in DEV_OWNER)
VALIDATORS = tuple(KeyPair.from_uri(uri).public for uri, _ in DEV_VALIDATORS)
MINERS = tuple(KeyPair.from_uri(uri).public for uri in DEV_MINERS)
HOTKEYS = (OWNER_HOTKEY, *VALIDATORS, *MINERS)
ARENA = ARENAS[0]
OPEN = SubnetSeen(
    netuid=1,
    tempo=20,
    last_epoch=40,
    pending_at=0,
    epochs=2,
    interval=10,
    hides=False,
    reveal_period=1,
    slots=256,
    immunity=4_096,
    burn=10**9,
    max_burn=10**11,
    owner=OWNER,
    hotkeys=HOTKEYS,
    permits=(True, True, True, True, False, False, False),
    mechanisms=(MechanismSeen(mecid=0, index=1, last_update=(0,) * 7, commits={}),),
)
FULL_ARENA = replace(
    OPEN,
    netuid=ARENA,
    slots=SLOTS,
    immunity=40,
    max_burn=PRICE_MAX,
    burn=PRICE_MAX,
    hotkeys=HOTKEYS + tuple(bytes([number]) * 32 for number in range(SLOTS - len(HOTKEYS))),
    mechanisms=(),
)
QUIET_ARENA = replace(FULL_ARENA, hotkeys=HOTKEYS)


def decide(strategy: Strategy, height: int, *subnets: SubnetSeen, purse: int = PURSE) -> list[Deed]:
    return strategy.decide(Scene(height=height, purse=purse, subnets=subnets))


def updated(subnet: SubnetSeen, *, at: int, commits: dict[bytes, Any] | None = None) -> SubnetSeen:
    (mechanism,) = subnet.mechanisms
    return replace(subnet, mechanisms=(replace(mechanism, last_update=(at,) * 7, commits=commits or {}),))


def arguments(deed: Deed) -> dict[str, Any]:
    return split_call(deed.call)[2]


def kinds(deeds: list[Deed]) -> list[str]:
    return [deed.kind for deed in deeds]


def test_the_same_seed_decides_the_same() -> None:
    first, second = Strategy(7), Strategy(7)

    for height in range(40, 60):
        assert decide(first, height, OPEN, QUIET_ARENA) == decide(second, height, OPEN, QUIET_ARENA)


def test_another_seed_decides_otherwise() -> None:
    assert decide(Strategy(1), 58, OPEN) != decide(Strategy(2), 58, OPEN)


def test_every_validator_weighs_once_before_the_epoch_ends() -> None:
    strategy, seen = Strategy(7), dict[str, int]()
    for height in range(40, 60):
        for deed in decide(strategy, height, OPEN):
            seen.setdefault(deed.uri, height + 1)

    assert set(seen) == {uri for uri, _ in DEV_VALIDATORS}
    assert all(40 + 20 - 7 <= block < 60 for block in seen.values())
    assert decide(strategy, 58, updated(OPEN, at=55)) == []


def test_nobody_weighs_against_the_rate_limit_or_without_a_permit_or_a_number() -> None:
    strategy = Strategy(7)
    too_soon = replace(updated(OPEN, at=40), interval=20)

    assert kinds(decide(strategy, 58, too_soon)) == []
    assert kinds(decide(strategy, 59, too_soon)) == ["weights"] * 3
    assert decide(strategy, 58, replace(OPEN, permits=())) == []
    assert decide(strategy, 58, replace(OPEN, hotkeys=MINERS)) == []
    assert decide(strategy, 58, replace(OPEN, tempo=0)) == []


def test_only_miners_are_scored_also_those_that_have_a_permit() -> None:
    for deed in decide(Strategy(7), 58, replace(OPEN, permits=(True,) * 7)):
        assert set(arguments(deed)["dests"]) <= {4, 5, 6}
        assert max(arguments(deed)["weights"]) == 65_535


def test_validators_do_not_agree() -> None:
    rows = [tuple(arguments(deed)["weights"]) for deed in decide(Strategy(7), 58, OPEN)]

    assert len(set(rows)) == 3


def test_what_is_hidden_is_committed_and_revealed_in_the_next_epoch_only() -> None:
    strategy, hidden = Strategy(7), replace(OPEN, netuid=9, hides=True)
    deeds = decide(strategy, 58, hidden)
    assert kinds(deeds) == ["commit"] * 3
    digests = [arguments(deed)["commit_hash"] for deed in deeds]
    commits = {hotkey: ((digest, 2),) for hotkey, digest in zip(VALIDATORS, digests, strict=True)}
    waiting = updated(hidden, at=59, commits=commits)

    assert decide(strategy, 58, waiting) == []
    # In block 60 the epoch is due: what is included there belongs to the next one.
    revealed = decide(strategy, 59, waiting)
    assert kinds(revealed) == ["reveal"] * 3
    for hotkey, digest, deed in zip(VALIDATORS, digests, revealed, strict=True):
        told = arguments(deed)
        preimage = (hotkey, 1, told["uids"], told["values"], told["salt"], told["version_key"])
        assert blake2b_256(codec().encode("(AccountId32, u16, Vec<u16>, Vec<u16>, Vec<u16>, u64)", preimage)) == digest
    late = replace(waiting, last_epoch=80, epochs=4)
    assert decide(strategy, 82, late) == []


def test_commits_of_an_earlier_run_are_left_to_expire() -> None:
    commits = dict.fromkeys(VALIDATORS, ((b"\x05" * 32, 2),))

    assert decide(Strategy(7), 59, updated(replace(OPEN, hides=True), at=59, commits=commits)) == []


def test_committed_rows_are_not_remembered_for_ever() -> None:
    strategy = Strategy(7)
    for epoch in range(ROWS_MAX):
        last = 40 + 20 * epoch
        hidden = replace(OPEN, netuid=9, hides=True, last_epoch=last, epochs=epoch)
        assert kinds(decide(strategy, last + 18, hidden)) == ["commit"] * 3

    assert len(strategy._rows) == ROWS_MAX


def test_an_epoch_that_was_asked_for_counts_as_due() -> None:
    asked = replace(OPEN, pending_at=50)

    assert [asked.epoch_at(block) for block in (49, 50, 60)] == [2, 3, 3]
    assert [OPEN.epoch_at(block) for block in (49, 50, 60)] == [2, 2, 3]


def test_the_owner_asks_for_the_rules_of_an_arena_once() -> None:
    strategy, arena = Strategy(7), replace(OPEN, netuid=ARENA, mechanisms=())

    deeds = decide(strategy, 41, arena)

    assert {deed.uri for deed in deeds} == {DEV_OWNER[0]}
    assert {split_call(deed.call)[1]: arguments(deed) for deed in deeds} == {
        "sudo_set_max_allowed_uids": {"netuid": ARENA, "max_allowed_uids": SLOTS},
        "sudo_set_immunity_period": {"netuid": ARENA, "immunity_period": 40},
        "sudo_set_max_burn": {"netuid": ARENA, "max_burn": PRICE_MAX},
    }
    assert decide(strategy, 42, arena) == []
    assert decide(Strategy(7), 41, replace(arena, owner=bytes(32))) == []
    assert decide(Strategy(7, arenas=(3,)), 41, arena) == []


def test_miners_fill_free_slots_a_few_in_a_block() -> None:
    deeds = decide(Strategy(7), 41, QUIET_ARENA)
    last_slot = replace(FULL_ARENA, hotkeys=FULL_ARENA.hotkeys[:-1])

    assert kinds(deeds) == ["registration"] * FILL
    assert len({arguments(deed)["hotkey"] for deed in deeds}) == FILL
    assert all(arguments(deed)["limit_price"] == PRICE_MAX for deed in deeds)
    assert kinds(decide(Strategy(7), 41, last_slot)) == ["registration"]


def test_newcomers_to_a_full_arena_are_rare_and_never_those_that_are_there() -> None:
    strategy, came = Strategy(7), list[bytes]()
    present = replace(FULL_ARENA, hotkeys=HOTKEYS + tuple(strategy._contender(ARENA, n) for n in range(57)))
    for height in range(400):
        deeds = decide(strategy, height, present)
        assert len(deeds) <= 1
        came += [arguments(deed)["hotkey"] for deed in deeds]

    assert 25 < len(came) < 90
    assert not set(came) & set(present.hotkeys)


def test_nobody_registers_at_a_high_price_or_before_slots_are_few() -> None:
    assert decide(Strategy(7), 41, replace(QUIET_ARENA, burn=PRICE_MAX + 1)) == []
    assert decide(Strategy(7), 41, replace(QUIET_ARENA, slots=256, hotkeys=(*FULL_ARENA.hotkeys, b"x" * 32))) == []


def test_the_owner_fills_an_empty_purse_once_and_nobody_comes_before() -> None:
    strategy = Strategy(7)

    (deed,) = decide(strategy, 41, QUIET_ARENA, purse=0)

    assert (deed.kind, deed.uri) == ("funding", DEV_OWNER[0])
    assert arguments(deed) == {"dest": ("Id", strategy.miners), "value": PURSE}
    assert decide(strategy, 42, QUIET_ARENA, purse=0) == []
    assert kinds(decide(strategy, 43, QUIET_ARENA)) == ["registration"] * FILL
