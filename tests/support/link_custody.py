"""A signer with throw-away keys for tests."""

from pathlib import Path

from app.custody.journal import Journal
from app.custody.keys import Keyring
from app.custody.policy import Limits, Policy
from app.custody.signer import Signer, SigningRequest
from ledger.engine.layout import Job, KeyRole

SEED = bytes(range(32))
GENESIS = b"\x11" * 32
RING = Keyring(SEED)
HOT = RING.public(KeyRole.HOT, 1)
TRADING = RING.public(KeyRole.TRADING, 2)
DEPOSIT = RING.public(KeyRole.DEPOSIT, 3)
RAO = 10**9


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000_000

    def __call__(self) -> int:
        return self.now_ms


def make_signer(path: Path, clock: Clock | None = None, **limits: int) -> Signer:
    """Return a signer over the journal at ``path``; ``limits`` hold for TAO."""
    return Signer(
        keyring=RING,
        policy=Policy(hot=HOT, trading=TRADING, limits={0: Limits(**limits)}),
        journal=Journal(path),
        genesis_hash=GENESIS,
        clock_ms=clock or Clock(),
    )


def request(call: bytes, **changes: object) -> SigningRequest:
    """Return a request for a withdrawal by the hot key, with changes."""
    fields: dict[str, object] = {
        "job": Job.WITHDRAWAL,
        "job_id": 10,
        "role": KeyRole.HOT,
        "key": 1,
        "nonce": 0,
        "call": call,
        "birth": 100,
        "birth_hash": b"\x22" * 32,
        "period": 64,
        "genesis_hash": GENESIS,
        "spec_version": 424,
        "transaction_version": 1,
    }
    return SigningRequest(**{**fields, **changes})  # type: ignore[arg-type]
