import pytest

from chain.errors import DecodeError
from chain.hashing import blake2b_128, blake2b_256, blake2b_512, hash_key, hash_length, sign_digest, twox_64, twox_128
from chain.runtime.pallet import Hasher


def test_digests_have_the_known_values() -> None:
    assert blake2b_256(b"").hex() == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
    assert blake2b_128(b"").hex() == "cae66941d9efbd404e4d88758ea67670"
    assert len(blake2b_512(b"")) == 64
    assert twox_64(b"").hex() == "99e9d85137db46ef"
    assert twox_128(b"System").hex() == "26aa394eea5630e07c48ae0c9558cef7"


@pytest.mark.parametrize("hasher", list(Hasher))
def test_every_hasher_leaves_the_key_readable_behind_its_hash(hasher: Hasher) -> None:
    assert hash_key(hasher, b"key")[hash_length(hasher) :] == b"key"


def test_a_digest_is_for_one_tag_and_one_chain() -> None:
    digests = {sign_digest(tag, chain, b"body") for tag in ("vote", "proposal") for chain in (bytes(32), b"\1" * 32)}

    assert len(digests) == 4


def test_a_digest_needs_a_genesis_hash() -> None:
    with pytest.raises(DecodeError):
        sign_digest("vote", b"short", b"body")
