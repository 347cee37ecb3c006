"""A development chain with as many accounts and stake positions as a public one, written to a data folder."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from chain.hashing import blake2b_256
from chain.runtime.genesis import DEV_VALIDATORS, GenesisValidator, dev_genesis, genesis_state
from chain.runtime.genesis_accounts import endow, named
from chain.runtime.genesis_subnets import DEV_SUBNETS, TAO
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import positions
from chain.startup import DEV_PRESET, load_validator_key, write_genesis
from chain.storage.store import ChainStore

FUNDS_RAO: Final = TAO
STAKE_RAO: Final = TAO
_AT_ONCE: Final = 10_000
_START_MS: Final = 1_700_000_000_000
_MODULE: Final = "SubtensorModule"


def account(number: int) -> bytes:
    """Return one of the chain's accounts."""
    return blake2b_256(f"holder {number}".encode())


def write_populous_chain(folder: Path, *, accounts: int, stakes: int) -> int:
    """Write a chain whose genesis has so many accounts, the first ``stakes`` of which hold a position each.

    Returns how many entries its state has.
    """
    folder.mkdir(parents=True)
    key = load_validator_key(folder, None)
    member = GenesisValidator(public=key.public, power=1, reward_account=named("//Alice"))
    genesis = dev_genesis(validators=(member,), time_ms=_START_MS, block_interval_ms=0)
    state = genesis_state(genesis)
    for numbers in _batches(range(accounts)):
        state = _endowed(state, numbers)
    for numbers in _batches(range(stakes)):
        state = _staked(state, numbers)
    pairs = tuple(state.pairs())
    store = ChainStore(folder)
    try:
        write_genesis(store, DEV_PRESET, replace(genesis, pairs=pairs))
    finally:
        store.close()
    return len(pairs)


def _endowed(state: State, numbers: Iterable[int]) -> State:
    overlay = Overlay(state)
    for number in numbers:
        endow(overlay, account(number), FUNDS_RAO)
    return state.commit(overlay.changes())


def _staked(state: State, numbers: Iterable[int]) -> State:
    overlay = Overlay(state)
    hotkeys = [named(hotkey) for hotkey, _ in DEV_VALIDATORS]
    for number in numbers:
        netuid = DEV_SUBNETS[number % len(DEV_SUBNETS)].netuid
        positions.increase(overlay, hotkeys[number % len(hotkeys)], account(number), netuid, STAKE_RAO)
        outstanding = overlay.get(f"{_MODULE}.SubnetAlphaOut", netuid)
        overlay.put(f"{_MODULE}.SubnetAlphaOut", netuid, outstanding + STAKE_RAO)
    return state.commit(overlay.changes())


def _batches(numbers: Iterable[int]) -> Iterator[list[int]]:
    source = iter(numbers)
    while batch := list(islice(source, _AT_ONCE)):
        yield batch
