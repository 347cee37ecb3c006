"""A development chain without node: its state, blocks of signed calls, and what became of them."""

from dataclasses import dataclass, field
from typing import Any

from chain.extrinsic import call_value, encode_inherent, sign_extrinsic
from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.runtime.genesis import GenesisValidator, dev_genesis, genesis_state
from chain.runtime.genesis_accounts import named
from chain.runtime.state import State
from chain.runtime.transition import BlockInputs, BlockResult, apply_block

GENESIS_HASH = b"\x09" * 32
PROPOSER = b"\x07" * 32
AUTHOR = named("//Author")
START_MS = 1_700_000_000_000
INTERVAL_MS = 2_000

ALICE = KeyPair.from_uri("//Alice")
BOB = KeyPair.from_uri("//Bob")
CHARLIE = KeyPair.from_uri("//Charlie")
HOTKEY = named("//Charlie//hotkey")
OTHER_HOTKEY = named("//Dave//hotkey")
TAO = 10**9

_GENESIS = dev_genesis(validators=[GenesisValidator(public=PROPOSER, power=1, reward_account=AUTHOR)], time_ms=START_MS)


def block_hash(number: int) -> bytes:
    """Return a made-up hash; genesis has its own."""
    return GENESIS_HASH if number == 0 else blake2b_256(b"block %d" % number)


def timestamp(time_ms: int) -> bytes:
    """Return the first extrinsic of a block."""
    return encode_inherent(call_value("Timestamp", "set", now=time_ms))


@dataclass(slots=True)
class DevChain:
    """A chain whose blocks hold what a test gives them; nonces are counted as if every extrinsic were included."""

    state: State = field(default_factory=lambda: genesis_state(_GENESIS))
    result: BlockResult | None = None

    @property
    def number(self) -> int:
        """Height of the head."""
        number: int = self.state.get("System.Number")
        return number

    def sign(self, key: KeyPair, call: Any, *, nonce: int | None = None, **options: Any) -> bytes:
        """Return the extrinsic of a call, with the account's next nonce unless told."""
        if nonce is None:
            nonce = self.state.get("System.Account", key.public)["nonce"]
        return sign_extrinsic(key, call, nonce=nonce, genesis_hash=GENESIS_HASH, **options)

    def inputs(self, *extrinsics: bytes) -> BlockInputs:
        """Return the inputs of the next block."""
        time_ms = self.state.get("Timestamp.Now") + INTERVAL_MS
        return BlockInputs(
            number=self.number + 1,
            parent_hash=block_hash(self.number),
            genesis_hash=GENESIS_HASH,
            time_ms=time_ms,
            proposer=PROPOSER,
            extrinsics=(timestamp(time_ms), *extrinsics),
        )

    def apply(self, *extrinsics: bytes) -> BlockResult:
        """Add a block of ready extrinsics."""
        self.result = apply_block(self.state, self.inputs(*extrinsics))
        self.state = self.state.commit(self.result.changes)
        return self.result

    def run(self, *calls: tuple[KeyPair, Any]) -> BlockResult:
        """Add a block of calls, each signed by its key with the right nonce."""
        nonces: dict[bytes, int] = {}
        extrinsics = []
        for key, call in calls:
            nonce = nonces.get(key.public, self.state.get("System.Account", key.public)["nonce"])
            nonces[key.public] = nonce + 1
            extrinsics.append(self.sign(key, call, nonce=nonce))
        return self.apply(*extrinsics)

    def skip(self, blocks: int) -> None:
        """Add empty blocks."""
        for _ in range(blocks):
            self.apply()

    def free(self, account: bytes) -> int:
        """Return free TAO in rao."""
        amount: int = self.state.get("System.Account", account)["data"]["free"]
        return amount


def events_of(result: BlockResult, index: int) -> list[tuple[str, str, Any]]:
    """Return ``(pallet, name, fields)`` of one extrinsic's events."""
    found = []
    for record in result.events:
        if record["phase"] == ("ApplyExtrinsic", index):
            pallet, inner = record["event"]
            name, fields = (inner, None) if isinstance(inner, str) else inner
            found.append((pallet, name, fields))
    return found


def names_of(result: BlockResult, index: int) -> list[str]:
    """Return ``Pallet.Event`` of one extrinsic's events."""
    return [f"{pallet}.{name}" for pallet, name, _ in events_of(result, index)]


def transfer(dest: bytes, value: int, *, name: str = "transfer_keep_alive") -> Any:
    """Return a transfer call."""
    return call_value("Balances", name, dest=("Id", dest), value=value)


def stake(name: str, **args: Any) -> Any:
    """Return a call of SubtensorModule."""
    return call_value("SubtensorModule", name, **args)


def proxied(real: bytes, call: Any, proxy_type: str | None = "Staking") -> Any:
    """Return a call in another's name."""
    return call_value("Proxy", "proxy", real=("Id", real), force_proxy_type=proxy_type, call=call)


def batch(*calls: Any, name: str = "force_batch") -> Any:
    """Return a batch of calls."""
    return call_value("Utility", name, calls=list(calls))
