"""BLAKE2b with a digest of 32 bytes, compiled (RFC 7693): the one hash of the state tree, on words instead of objects.

A digest is four ``uint64`` words, little endian, as their bytes stand in memory on the machines we run on.
"""

import numpy as np
from numpy.typing import NDArray

from amm.kernel_cache import allocating_kernel, kernel

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

WORDS = 4
"""Words of a digest."""
MESSAGE_WORDS = 16
"""Words of one block of a message."""
_BLOCK = 128

_IV = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)
# The parameter block of RFC 7693: digest length 32, no key, one leaf at depth one.
_START = _IV ^ np.array([0x01010020, 0, 0, 0, 0, 0, 0, 0], np.uint64)
_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.uint8,
)
_ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
_R16, _R24, _R32, _R40, _R48, _R63, _R1 = (np.uint64(bits) for bits in (16, 24, 32, 40, 48, 63, 1))
_NONE, _EIGHT, _R56 = (np.uint64(bits) for bits in (0, 8, 56))
_PAIR_BYTES = np.uint64(1 + 16 * WORDS)


@kernel
def _mix(
    a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64, x: np.uint64, y: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return the four words after the mixing function G."""
    a = a + b + x
    d = d ^ a
    d = (d >> _R32) | (d << _R32)
    c = c + d
    b = b ^ c
    b = (b >> _R24) | (b << _R40)
    a = a + b + y
    d = d ^ a
    d = (d >> _R16) | (d << _R48)
    c = c + d
    b = b ^ c
    b = (b >> _R63) | (b << _R1)
    return a, b, c, d


@kernel
def compress(state: Words, message: Words, total: int, last: bool) -> None:  # noqa: FBT001 - compiled, positional
    """Fold one block into ``state: uint64[8]``; ``total`` counts the bytes so far, this block's included."""
    v0, v1, v2, v3 = state[0], state[1], state[2], state[3]
    v4, v5, v6, v7 = state[4], state[5], state[6], state[7]
    v8, v9, v10, v11 = _IV[0], _IV[1], _IV[2], _IV[3]
    v12, v13, v14, v15 = _IV[4] ^ np.uint64(total), _IV[5], _IV[6], _IV[7]
    if last:
        v14 = v14 ^ _ALL_BITS
    for turn in range(12):
        s = _SIGMA[turn]
        v0, v4, v8, v12 = _mix(v0, v4, v8, v12, message[s[0]], message[s[1]])
        v1, v5, v9, v13 = _mix(v1, v5, v9, v13, message[s[2]], message[s[3]])
        v2, v6, v10, v14 = _mix(v2, v6, v10, v14, message[s[4]], message[s[5]])
        v3, v7, v11, v15 = _mix(v3, v7, v11, v15, message[s[6]], message[s[7]])
        v0, v5, v10, v15 = _mix(v0, v5, v10, v15, message[s[8]], message[s[9]])
        v1, v6, v11, v12 = _mix(v1, v6, v11, v12, message[s[10]], message[s[11]])
        v2, v7, v8, v13 = _mix(v2, v7, v8, v13, message[s[12]], message[s[13]])
        v3, v4, v9, v14 = _mix(v3, v4, v9, v14, message[s[14]], message[s[15]])
    state[0] ^= v0 ^ v8
    state[1] ^= v1 ^ v9
    state[2] ^= v2 ^ v10
    state[3] ^= v3 ^ v11
    state[4] ^= v4 ^ v12
    state[5] ^= v5 ^ v13
    state[6] ^= v6 ^ v14
    state[7] ^= v7 ^ v15


@kernel
def hash_pair(
    tag: np.uint64, ones: Words, one: int, others: Words, other: int, at: int, out: Words, row: int, message: Words
) -> None:
    """Write ``H(tag || one || other)`` for a tag of one byte and two digests to a row of ``out: uint64[n, 4]``.

    The digests stand in rows of ``ones`` and ``others``, the other one from word ``at`` on; a negative row stands for
    32 zeros. ``message: uint64[16]`` gets lost. Rows instead of slices, and no array for the state: this is where the
    time goes.
    """
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = _NONE
    if one >= 0:
        a0, a1, a2, a3 = ones[one, 0], ones[one, 1], ones[one, 2], ones[one, 3]
    if other >= 0:
        b0, b1, b2, b3 = others[other, at], others[other, at + 1], others[other, at + 2], others[other, at + 3]
    # Everything stands one byte further on than in its digest.
    message[0] = tag | (a0 << _EIGHT)
    message[1] = (a0 >> _R56) | (a1 << _EIGHT)
    message[2] = (a1 >> _R56) | (a2 << _EIGHT)
    message[3] = (a2 >> _R56) | (a3 << _EIGHT)
    message[4] = (a3 >> _R56) | (b0 << _EIGHT)
    message[5] = (b0 >> _R56) | (b1 << _EIGHT)
    message[6] = (b1 >> _R56) | (b2 << _EIGHT)
    message[7] = (b2 >> _R56) | (b3 << _EIGHT)
    message[8] = b3 >> _R56
    for place in range(9, MESSAGE_WORDS):
        message[place] = _NONE
    v0, v1, v2, v3 = _START[0], _START[1], _START[2], _START[3]
    v4, v5, v6, v7 = _START[4], _START[5], _START[6], _START[7]
    v8, v9, v10, v11 = _IV[0], _IV[1], _IV[2], _IV[3]
    v12, v13, v14, v15 = _IV[4] ^ _PAIR_BYTES, _IV[5], _IV[6] ^ _ALL_BITS, _IV[7]
    for turn in range(12):
        v0, v4, v8, v12 = _mix(v0, v4, v8, v12, message[_SIGMA[turn, 0]], message[_SIGMA[turn, 1]])
        v1, v5, v9, v13 = _mix(v1, v5, v9, v13, message[_SIGMA[turn, 2]], message[_SIGMA[turn, 3]])
        v2, v6, v10, v14 = _mix(v2, v6, v10, v14, message[_SIGMA[turn, 4]], message[_SIGMA[turn, 5]])
        v3, v7, v11, v15 = _mix(v3, v7, v11, v15, message[_SIGMA[turn, 6]], message[_SIGMA[turn, 7]])
        v0, v5, v10, v15 = _mix(v0, v5, v10, v15, message[_SIGMA[turn, 8]], message[_SIGMA[turn, 9]])
        v1, v6, v11, v12 = _mix(v1, v6, v11, v12, message[_SIGMA[turn, 10]], message[_SIGMA[turn, 11]])
        v2, v7, v8, v13 = _mix(v2, v7, v8, v13, message[_SIGMA[turn, 12]], message[_SIGMA[turn, 13]])
        v3, v4, v9, v14 = _mix(v3, v4, v9, v14, message[_SIGMA[turn, 14]], message[_SIGMA[turn, 15]])
    out[row, 0] = _START[0] ^ v0 ^ v8
    out[row, 1] = _START[1] ^ v1 ^ v9
    out[row, 2] = _START[2] ^ v2 ^ v10
    out[row, 3] = _START[3] ^ v3 ^ v11


@allocating_kernel
def hash_many(data: Bytes, ends: NDArray[np.int64], out: Words) -> None:
    """Write the digest of each piece of ``data`` to ``out: uint64[n, 4]``; piece i ends before ``ends[i]``."""
    message, state = np.empty(MESSAGE_WORDS, np.uint64), np.empty(8, np.uint64)
    begin = 0
    for item in range(ends.size):
        end = ends[item]
        for at in range(8):
            state[at] = _START[at]
        at = begin
        while True:
            count = min(end - at, _BLOCK)
            for word in range(MESSAGE_WORDS):
                message[word] = np.uint64(0)
            for place in range(count):
                message[place >> 3] |= np.uint64(data[at + place]) << np.uint64(8 * (place & 7))
            at += count
            compress(state, message, at - begin, at == end)
            if at == end:
                break
        for word in range(WORDS):
            out[item, word] = state[word]
        begin = end
