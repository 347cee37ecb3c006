"""A chain as full as it gets, in memory: all subnets with all their neurons, weights and stake of every validator."""

from typing import Final

from chain.executor import Head
from chain.hashing import blake2b_256
from chain.keys import KeyPair, Scheme
from chain.merkle import StateTree
from chain.runtime.genesis import GenesisValidator, genesis_state, main_genesis
from chain.runtime.genesis_subnets import TAO, Stake, SubnetPlan, add_subnet
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import positions

TEMPO: Final = 360
HEIGHT: Final = 1_000
"""Where the chain stands when it is measured."""
EPOCHS_PER_BLOCK: Final = 2
EPOCH_EVERY: Final = 3
"""Each third block runs two epochs, the most a block may, until all subnets had theirs."""
SEED: Final = bytes(range(32))
_VALIDATORS: Final = 64
_WEIGHT_MAX: Final = 65_535
_START_MS: Final = 1_700_000_000_000
_MODULE: Final = "SubtensorModule"


def validator_key() -> KeyPair:
    """Return the key that decides every block."""
    return KeyPair.from_seed(SEED, Scheme.ED25519)


def crowded_pairs(*, subnets: int, uids: int, stakes: int) -> dict[bytes, bytes]:
    """Return the entries of a state with so many subnets, neurons in each, and positions in all of them together."""
    member = GenesisValidator(public=validator_key().public, power=1, reward_account=_account("author", 0))
    overlay = Overlay(genesis_state(main_genesis(validators=(member,), time_ms=_START_MS)))
    per_subnet = stakes // subnets
    for netuid in range(1, subnets + 1):
        _fill(overlay, netuid, uids=uids, stakes=per_subnet)
        # The epochs of the reference are spread over a tempo too.
        due = HEIGHT + EPOCH_EVERY * (1 + (netuid - 1) // EPOCHS_PER_BLOCK)
        overlay.put(f"{_MODULE}.LastEpochBlock", netuid, due - TEMPO)
    overlay.put("System.Number", HEIGHT)
    return dict(overlay.base.commit(overlay.changes()).pairs())


def crowded_head(pairs: dict[bytes, bytes], state: State) -> Head:
    """Return the head of a chain of these entries; ``state`` holds the same."""
    made_up = blake2b_256(b"crowded")
    return Head(
        genesis_hash=made_up,
        block_hash=made_up,
        height=HEIGHT,
        time_ms=_START_MS,
        commit=None,
        state=state,
        tree=StateTree(pairs),
    )


def _fill(overlay: Overlay, netuid: int, *, uids: int, stakes: int) -> None:
    hotkeys = [_account("hotkey", netuid * 1_000 + uid) for uid in range(uids)]
    owner, validators = hotkeys[0], hotkeys[1 : 1 + min(_VALIDATORS, uids // 4)]
    for number, hotkey in enumerate(hotkeys):
        positions.associate(overlay, _account("coldkey", netuid * 1_000 + number), hotkey)
    parts = 1_000 // stakes if stakes else 0
    plan = SubnetPlan(
        netuid=netuid,
        name=f"subnet {netuid}",
        symbol="\N{GREEK SMALL LETTER ALPHA}",
        tao=10_000 * TAO,
        alpha=(200_000 + 1_000 * netuid) * TAO,
        staked=500_000 * TAO,
        tempo=TEMPO,
    )
    add_subnet(
        overlay,
        plan,
        owner=(_account("coldkey", netuid * 1_000), owner),
        validators=validators,
        miners=hotkeys[1 + len(validators) :],
        stakes=[
            Stake(
                hotkey=validators[number % len(validators)],
                coldkey=_account("nominator", netuid * 1_000 + number),
                parts=parts,
            )
            for number in range(stakes)
        ],
    )
    _score(overlay, netuid, validators=len(validators), uids=uids)


def _score(overlay: Overlay, netuid: int, *, validators: int, uids: int) -> None:
    """Let every validator score every miner, each in its own way."""
    updates = [0] * uids
    for uid in range(1, 1 + validators):
        first = 1 + validators
        row = [(column, 1 + (uid * 7_919 + column * 104_729) % _WEIGHT_MAX) for column in range(first, uids)]
        overlay.put(f"{_MODULE}.Weights", netuid, uid, row)
        updates[uid] = HEIGHT - 1
    overlay.put(f"{_MODULE}.LastUpdate", netuid, updates)


def _account(kind: str, number: int) -> bytes:
    return blake2b_256(f"{kind} {number}".encode())
