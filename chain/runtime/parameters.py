"""The parameters a chain is started with: an entry of the state, ``:bft:params``, to which every header commits."""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final

PARAMS_KEY: Final = b":bft:params"
VALIDATORS_KEY: Final = b":bft:validators"
PRIORITY_KEY: Final = b":bft:priority"
CHAIN_NAME_KEY: Final = b":bft:chain"
TIME_KEY: Final = b":bft:time"
REWARD_PREFIX: Final = b":bft:reward:"
"""Followed by a validator's public key; the value is the account that gets its fees."""

_WIDTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Consensus and block limits (``spec/consensus.md`` section 1); every field is an unsigned 64-bit integer.

    Times are milliseconds. ``max_block_weight`` counts picoseconds of reference execution, as fees do: 2 s.
    """

    dev: int
    """1 for a development chain, which may have Sudo and ``dev_*`` methods."""
    block_interval_ms: int
    epoch_blocks: int
    max_validators: int
    max_block_bytes: int = 2 * 1024 * 1024
    max_tx_bytes: int = 64 * 1024
    max_block_weight: int = 2 * 10**12
    max_txs_per_block: int = 20_000
    era_max: int = 65_536
    snapshot_interval: int = 0
    byte_fee_rao: int = 1
    weight_per_rao: int = 2_000
    """Picoseconds that cost one rao: 0.0005 rao each."""

    def encode(self) -> bytes:
        """Return all fields in order, eight little-endian bytes each."""
        return b"".join(getattr(self, field.name).to_bytes(_WIDTH, "little") for field in fields(self))

    @classmethod
    def decode(cls, data: bytes) -> "Parameters":
        """Return the parameters; raises ``ValueError`` for a wrong length."""
        return _decode(bytes(data))


@lru_cache(maxsize=16)
def _decode(data: bytes) -> Parameters:
    """Return the parameters; the last ones are remembered, since every check of an extrinsic asks for them."""
    names = [field.name for field in fields(Parameters)]
    if len(data) != _WIDTH * len(names):
        raise ValueError(f"parameters: expected {_WIDTH * len(names)} bytes, got {len(data)}")
    parts = (data[at : at + _WIDTH] for at in range(0, len(data), _WIDTH))
    return Parameters(**{name: int.from_bytes(part, "little") for name, part in zip(names, parts, strict=True)})
