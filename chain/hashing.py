"""Hashes of the chain: blake2b for identity and commitments, twox for storage prefixes."""

from functools import lru_cache
from hashlib import blake2b

import xxhash

from chain.errors import DecodeError
from chain.runtime.pallet import Hasher

HASH_BYTES = 32
ZERO_HASH = bytes(HASH_BYTES)

_CONCAT_PREFIX = {Hasher.BLAKE2_128_CONCAT: 16, Hasher.TWOX_64_CONCAT: 8, Hasher.IDENTITY: 0}


def blake2b_256(data: bytes) -> bytes:
    """Return the 32-byte blake2b digest, unkeyed."""
    return blake2b(data, digest_size=32).digest()


def blake2b_128(data: bytes) -> bytes:
    """Return the 16-byte blake2b digest, unkeyed."""
    return blake2b(data, digest_size=16).digest()


def blake2b_512(data: bytes) -> bytes:
    """Return the 64-byte blake2b digest, unkeyed."""
    return blake2b(data, digest_size=64).digest()


def twox_64(data: bytes) -> bytes:
    """Return xxhash64 with seed 0, little endian."""
    return xxhash.xxh64_intdigest(data, 0).to_bytes(8, "little")


def twox_128(data: bytes) -> bytes:
    """Return xxhash64 with seeds 0 and 1, each little endian."""
    return twox_64(data) + xxhash.xxh64_intdigest(data, 1).to_bytes(8, "little")


@lru_cache(maxsize=4096)
def twox_128_name(name: str) -> bytes:
    """Return the storage prefix of a pallet's or an item's name."""
    return twox_128(name.encode())


def hash_key(hasher: Hasher, encoded: bytes) -> bytes:
    """Return the part that one encoded map key contributes to a storage key."""
    if hasher is Hasher.IDENTITY:
        return encoded
    if hasher is Hasher.BLAKE2_128_CONCAT:
        return blake2b_128(encoded) + encoded
    return twox_64(encoded) + encoded


def hash_length(hasher: Hasher) -> int:
    """Return how many hash bytes stand before the encoded key."""
    return _CONCAT_PREFIX[hasher]


def sign_digest(tag: str, genesis_hash: bytes, body: bytes) -> bytes:
    """Return the 32 bytes that a consensus object signs.

    ``H(u8 len(dst) || dst || genesis_hash || body)`` with ``dst = "chain/1/" + tag`` (consensus section 2): a
    signature for one tag or one chain never verifies for another.
    """
    destination = b"chain/1/" + tag.encode()
    if len(destination) > 255 or len(genesis_hash) != HASH_BYTES:
        raise DecodeError("sign_domain", 0, tag)
    return blake2b_256(bytes((len(destination),)) + destination + genesis_hash + body)
