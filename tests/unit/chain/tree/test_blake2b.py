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


def test_a_pair_is_hashed_behind_its_tag_and_a_row_below_zero_is_zeros() -> None:
    digests = [blake2b(side, digest_size=32).digest() for side in (b"left", b"right")]
    rows = np.array([np.frombuffer(digest, np.uint64) for digest in digests])
    wide = np.hstack((rows[:1], rows[1:]))
    out, message = np.empty((3, WORDS), np.uint64), np.empty(16, np.uint64)

    for tag, one, other in ((0, 0, 1), (1, 0, 1), (1, -1, 1), (1, 1, -1)):
        hash_pair(np.uint64(tag), rows, one, rows, other, 0, out, 2, message)

        sides = b"".join(bytes(32) if side < 0 else digests[side] for side in (one, other))
        assert out[2].tobytes() == blake2b(bytes((tag,)) + sides, digest_size=32).digest()
    hash_pair(np.uint64(0), wide, 0, wide, 0, WORDS, out, 1, message)
    assert out[1].tobytes() == blake2b(b"\0" + b"".join(digests), digest_size=32).digest()
