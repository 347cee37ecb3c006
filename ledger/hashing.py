"""The hash chain of the log: each batch names all that came before it."""

import hashlib

BATCH_DOMAIN = b"exchange/log/1"
HASH_BYTES = 32
GENESIS_HASH = bytes(HASH_BYTES)
"""What the first batch, number 0, follows."""


def batch_hash(previous: bytes, number: int, body: bytes) -> bytes:
    """Return blake2b-256 of domain, previous hash, batch number (u64, little-endian) and the canonical bytes."""
    digest = hashlib.blake2b(BATCH_DOMAIN, digest_size=HASH_BYTES)
    digest.update(previous)
    digest.update(number.to_bytes(8, "little"))
    digest.update(body)
    return digest.digest()
