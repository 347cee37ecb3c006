"""Opening a chain: its first block where there is none, else a check of what lies on disk before it is built on."""

import os
import secrets
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from chain.block import Block, Header
from chain.errors import InvariantBroken
from chain.executor import Head, verify_commit
from chain.keys import KeyPair, Scheme
from chain.merkle import StateTree
from chain.runtime.genesis import GenesisConfig, GenesisValidator, dev_genesis, main_genesis
from chain.runtime.state import State
from chain.storage.database import StorageRefused
from chain.storage.store import ChainStore

DEV_PRESET: Final = "dev"
PRESETS: Final = (DEV_PRESET, "main")
KEY_NAME: Final = "validator.seed"
LINKS_CHECKED: Final = 100
"""How many of the last blocks are compared with their neighbours at each start."""

_NO_EVENTS: Final = b"\x00"
_POWER: Final = 1
_PAIRS_AT_ONCE: Final = 100_000
"""How many entries of the state are read between two updates of the tree."""


def load_validator_key(folder: Path, seed: bytes | None) -> KeyPair:
    """Return the ed25519 key that signs blocks: the folder's own, else ``seed``, else a random one, which is kept.

    Raises ``StorageRefused`` where ``seed`` is not the key that the folder already has.
    """
    path = folder / KEY_NAME
    if path.exists():
        kept = bytes.fromhex(path.read_text(encoding="ascii").strip())
        if seed is not None and seed != kept:
            raise StorageRefused("validator_key_differs", f"{path} holds another key than the one given")
        return KeyPair.from_seed(kept, Scheme.ED25519)
    seed = seed or secrets.token_bytes(32)
    key = KeyPair.from_seed(seed, Scheme.ED25519)
    _write_secret(path, seed.hex())
    return key


def load_head(store: ChainStore, *, preset: str, validator: KeyPair, reward_account: bytes, time_ms: int) -> Head:
    """Return the head to build on, after writing genesis into an empty store or checking what a full one holds.

    Raises ``StorageRefused`` for a preset or a key that is not that of the stored chain, and ``InvariantBroken`` where
    blocks, state and commit do not fit each other: nothing is repaired in silence.
    """
    if store.head_height() is None:
        member = GenesisValidator(public=validator.public, power=_POWER, reward_account=reward_account)
        write_genesis(store, preset, _build_genesis(preset, member, time_ms))
    stored_preset = (store.meta("preset") or b"").decode()
    if stored_preset != preset:
        raise StorageRefused("preset_differs", f"the stored chain is {stored_preset}, asked for was {preset}")
    head = _read_head(store)
    if [public for public, _ in head.validators.members] != [validator.public]:
        raise StorageRefused("not_the_validator", "this node decides alone, and the stored chain's set is another")
    return head


def write_genesis(store: ChainStore, preset: str, genesis: GenesisConfig) -> None:
    """Write the first block of a chain and its state into an empty store."""
    header = Header.genesis(_tree_of(iter(genesis.pairs)).root)
    meta = {"preset": preset.encode(), "genesis": header.hash, "genesis_time_ms": genesis.time_ms.to_bytes(8, "little")}
    store.initialize(genesis=Block(header=header, extrinsics=()), pairs=genesis.pairs, events=_NO_EVENTS, meta=meta)


def _build_genesis(preset: str, member: GenesisValidator, time_ms: int) -> GenesisConfig:
    if preset == "main":
        return main_genesis(validators=(member,), time_ms=time_ms)
    # The pace of a development chain is its node's setting, so it can change from one start to the next.
    return dev_genesis(validators=(member,), time_ms=time_ms, block_interval_ms=0)


def _read_head(store: ChainStore) -> Head:
    height = store.head_height()
    stored = None if height is None else store.block_at(height)
    if stored is None:
        raise InvariantBroken("the chain has no head")
    store.check_links(LINKS_CHECKED)
    tree = _tree_of(store.pairs())
    header = stored.block.header
    if tree.root != header.state_root:
        raise InvariantBroken(f"stored state has root {tree.root.hex()}, block {header.number} says otherwise")
    genesis_time_ms = int.from_bytes(store.meta("genesis_time_ms") or b"", "little")
    head = Head(
        genesis_hash=store.hash_at(0) or b"",
        block_hash=header.hash,
        height=header.number,
        time_ms=header.time_ms or genesis_time_ms,
        commit=stored.commit,
        state=State.from_pairs(store.pairs()),
        tree=tree,
    )
    if stored.commit is not None:
        verify_commit(head, stored.commit)
    elif head.height:
        raise InvariantBroken(f"stored block {head.height} has no commit")
    return head


def _tree_of(pairs: Iterator[tuple[bytes, bytes]]) -> StateTree:
    """Return the tree of a state's entries, without ever holding all of them as objects."""
    tree = StateTree()
    while batch := dict(islice(pairs, _PAIRS_AT_ONCE)):
        tree = tree.update(batch)
    return tree


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, durable before anything depends on it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
