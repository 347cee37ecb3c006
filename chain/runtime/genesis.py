"""How a chain begins: parameters, validators and the initial entries of the state."""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.runtime.parameters import Parameters
from chain.runtime.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisValidator:
    """A validator of block 1: its ed25519 key, its power, and the account that gets the fees of its blocks."""

    public: bytes
    power: int
    reward_account: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisConfig:
    """Everything a genesis is made of; ``pairs`` are all entries of the state before block 1, ``:bft:*`` among them, ascending by key."""

    chain_name: str
    time_ms: int
    parameters: Parameters
    validators: tuple[GenesisValidator, ...]
    pairs: tuple[tuple[bytes, bytes], ...]


def dev_genesis(
    *, validators: Sequence[GenesisValidator], time_ms: int, block_interval_ms: int = 2_000
) -> GenesisConfig:
    """Return the development preset: named accounts with funds, six subnets with pools, tempo 20."""
    raise LookupError("preset not built yet")


def main_genesis(*, validators: Sequence[GenesisValidator], time_ms: int) -> GenesisConfig:
    """Return the ``main``-like preset: 12 s blocks, no Sudo, one funded account per validator."""
    raise LookupError("preset not built yet")


def genesis_state(config: GenesisConfig) -> State:
    """Return the state before block 1."""
    return State.from_pairs(config.pairs)
