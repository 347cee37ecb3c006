"""Opens custody in a data folder: the sealed seed, the signer's journal, the signer over both."""

import secrets
from collections.abc import Callable
from pathlib import Path

from app.custody.journal import Journal
from app.custody.keys import Keyring, load_or_create_seed
from app.custody.policy import Policy
from app.custody.signer import Signer
from app.postgres.files import write_private

SEED = "custody.seed"
PASSPHRASE = "custody.passphrase"  # noqa: S105 - the name of a file
JOURNAL = "signer.journal"


def open_keyring(folder: Path, passphrase: bytes | None) -> Keyring:
    """Return the keys of a folder's sealed seed, drawing one at the first start; takes most of a second.

    ``passphrase``: ``None`` takes the one that is kept beside the seed.
    """
    return Keyring(load_or_create_seed(folder / SEED, passphrase or kept_passphrase(folder / PASSPHRASE)))


def open_signer(
    folder: Path, keyring: Keyring, *, hot: bytes, trading: bytes, genesis_hash: bytes, clock_ms: Callable[[], int]
) -> Signer:
    """Return a signer with the folder's journal, which the caller closes; raises ``JournalBroken``."""
    return Signer(
        keyring=keyring,
        policy=Policy(hot=hot, trading=trading),
        journal=Journal(folder / JOURNAL),
        genesis_hash=genesis_hash,
        clock_ms=clock_ms,
    )


def kept_passphrase(path: Path) -> bytes:
    """Return the passphrase kept in a file only its owner can read, drawing it once.

    It protects a copied seed file, not a stolen data folder: set ``TAOBOURSE_PASSPHRASE`` where that matters.
    """
    if not path.exists():
        write_private(path, secrets.token_hex(32))
    return path.read_bytes().strip()
