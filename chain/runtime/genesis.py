"""How a chain begins: parameters, validators and the initial entries of the state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain.consensus.validators import ValidatorSet
from chain.runtime import items
from chain.runtime.declarations import SPEC_NAME, SPEC_VERSION
from chain.runtime.genesis_accounts import endow, named
from chain.runtime.genesis_subnets import DEV_SUBNETS, TAO, Stake, add_root, add_subnet
from chain.runtime.parameters import (
    CHAIN_NAME_KEY,
    PARAMS_KEY,
    REWARD_PREFIX,
    TIME_KEY,
    VALIDATORS_KEY,
    Parameters,
)
from chain.runtime.state import RAW, Overlay, State
from chain.runtime.subtensor import positions

DEV_FUNDS: Final = {
    "//Alice": 1_000_000 * TAO,
    "//Bob": 500_000 * TAO,
    "//Charlie": 100_000 * TAO,
    "//Dave": 100_000 * TAO,
    "//Eve": 100_000 * TAO,
    "//Ferdie": 100_000 * TAO,
}
"""The named accounts of a development chain and what they own, in rao."""

DEV_VALIDATORS: Final = (("//Charlie//hotkey", "//Charlie"), ("//Dave//hotkey", "//Dave"), ("//Eve//hotkey", "//Eve"))
"""Hotkeys that validate on every subnet, with their owners."""

DEV_MINERS: Final = ("//Miner//1", "//Miner//2", "//Miner//3")
"""Hotkeys that mine on every subnet; their owner is ``//Ferdie``."""

DEV_OWNER: Final = ("//Owner", "//Owner//hotkey")
"""Coldkey and hotkey of the owner of all subnets."""

_NOMINATION_FACTOR: Final = 10**7
"""Of the ``main`` preset: a nomination is worth at least 0.02 TAO."""
_ROOT_STAKE_EACH: Final = 50_000 * TAO


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisValidator:
    """A validator of block 1: its ed25519 key, its power, and the account that gets the fees of its blocks."""

    public: bytes
    power: int
    reward_account: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisConfig:
    """Everything a genesis is made of.

    ``pairs`` are all entries of the state before block 1, ``:bft:*`` among them, ascending by key.
    """

    chain_name: str
    time_ms: int
    parameters: Parameters
    validators: tuple[GenesisValidator, ...]
    pairs: tuple[tuple[bytes, bytes], ...]


def dev_genesis(
    *, validators: Sequence[GenesisValidator], time_ms: int, block_interval_ms: int = 2_000
) -> GenesisConfig:
    """Return the development preset: named accounts with funds, six subnets with pools and stake, tempo 20.

    ``//Alice`` holds Sudo; ``//Alice`` and ``//Bob`` nominate the validators.
    """
    parameters = Parameters(dev=1, block_interval_ms=block_interval_ms, epoch_blocks=10, max_validators=1)
    overlay = _begin("Taobourse Dev", parameters, validators, time_ms)
    overlay.put("Sudo.Key", named("//Alice"))
    # Nobody waits a day for a second subnet, or for the end of a short tempo, while trying things out.
    overlay.put(f"{items.PRIVATE}.NetworkRateLimit", 0)
    overlay.put("SubtensorModule.AdminFreezeWindow", 0)
    overlay.put("SubtensorModule.TxRateLimit", 0)
    for uri, amount in DEV_FUNDS.items():
        endow(overlay, named(uri), amount)
    owner, owner_hotkey = (named(uri) for uri in DEV_OWNER)
    endow(overlay, owner, 1_000 * TAO)
    positions.associate(overlay, owner, owner_hotkey)
    keys = [(named(hotkey), named(coldkey)) for hotkey, coldkey in DEV_VALIDATORS]
    for hotkey, coldkey in keys:
        positions.associate(overlay, coldkey, hotkey)
    miners = [named(uri) for uri in DEV_MINERS]
    for hotkey in miners:
        positions.associate(overlay, named("//Ferdie"), hotkey)
    add_root(overlay, validators=keys, stake_each=_ROOT_STAKE_EACH)
    stakes = [Stake(hotkey=hotkey, coldkey=coldkey, parts=150) for hotkey, coldkey in keys]
    stakes += [Stake(hotkey=keys[0][0], coldkey=named("//Alice"), parts=350)]
    stakes += [Stake(hotkey=keys[1][0], coldkey=named("//Bob"), parts=150)]
    for plan in DEV_SUBNETS:
        add_subnet(
            overlay,
            plan,
            owner=(owner, owner_hotkey),
            validators=[hotkey for hotkey, _ in keys],
            miners=miners,
            stakes=stakes,
        )
    return _finish(overlay, "Taobourse Dev", parameters, validators, time_ms)


def main_genesis(*, validators: Sequence[GenesisValidator], time_ms: int) -> GenesisConfig:
    """Return the ``main``-like preset: 12 s blocks, no Sudo, root alone, funds for each validator's reward account."""
    parameters = Parameters(
        dev=0, block_interval_ms=12_000, epoch_blocks=100, max_validators=100, snapshot_interval=1_000
    )
    overlay = _begin("Taobourse", parameters, validators, time_ms)
    for validator in validators:
        endow(overlay, validator.reward_account, 1_000_000 * TAO)
    add_root(overlay, validators=(), stake_each=0)
    overlay.put("SubtensorModule.NominatorMinRequiredStake", _NOMINATION_FACTOR)
    return _finish(overlay, "Taobourse", parameters, validators, time_ms)


def genesis_state(config: GenesisConfig) -> State:
    """Return the state before block 1."""
    return State.from_pairs(config.pairs)


def _begin(chain_name: str, parameters: Parameters, validators: Sequence[GenesisValidator], time_ms: int) -> Overlay:
    overlay = Overlay(State())
    members = ValidatorSet(tuple(sorted((validator.public, validator.power) for validator in validators)))
    overlay.put(RAW, PARAMS_KEY, parameters.encode())
    overlay.put(RAW, VALIDATORS_KEY, members.encode())
    overlay.put(RAW, CHAIN_NAME_KEY, chain_name.encode())
    overlay.put(RAW, TIME_KEY, time_ms.to_bytes(8, "little"))
    for validator in validators:
        overlay.put(RAW, REWARD_PREFIX + validator.public, validator.reward_account)
    overlay.put("System.Number", 0)
    overlay.put("System.LastRuntimeUpgrade", {"spec_version": SPEC_VERSION, "spec_name": SPEC_NAME})
    overlay.put("Timestamp.Now", time_ms)
    return overlay


def _finish(
    overlay: Overlay,
    chain_name: str,
    parameters: Parameters,
    validators: Sequence[GenesisValidator],
    time_ms: int,
) -> GenesisConfig:
    pairs = tuple((key, value) for key, value in overlay.delta().items() if value is not None)
    return GenesisConfig(
        chain_name=chain_name,
        time_ms=time_ms,
        parameters=parameters,
        validators=tuple(validators),
        pairs=pairs,
    )
