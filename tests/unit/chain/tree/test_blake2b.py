from hashlib import blake2b

import numpy as np

from chain.tree.blake2b import WORDS, hash_many, hash_pair


def test_pieces_of_every_length_have_the_digest_of_the_standard_library() -> None:
    text = bytes(range(256)) * 2
    pieces = [text[:length] for length in (*range(260), 383, 384, 385, 512)]
    digests = np.empty((len(pieces), WORDS), np.uint64)

    hash_many(
        np.frombuffer(b"".join(pieces), np.uint8), np.cumsum([len(piece) for piece in pieces]).astype(np.int64), digests
    )

    for piece, digest in zip(pieces, digests, strict=True):
        assert digest.tobytes() == blake2b(piece, digest_size=32).digest()


def test_a_pair_is_hashed_behind_its_tag() -> None:
    one, other = (np.frombuffer(blake2b(side, digest_size=32).digest(), np.uint64) for side in (b"left", b"right"))
    out, scratch = np.empty(WORDS, np.uint64), np.empty(24, np.uint64)

    for tag in (0, 1):
        hash_pair(np.uint64(tag), one, other, out, scratch)

        expected = blake2b(bytes((tag,)) + one.tobytes() + other.tobytes(), digest_size=32).digest()
        assert out.tobytes() == expected
