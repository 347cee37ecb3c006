"""Keccak-256 with its original padding, which vectors name their block hashes by and ``hashlib`` does not have."""

from typing import Final

_RATE: Final = 136
_LANES: Final = 5
_MASK: Final = (1 << 64) - 1


def keccak_256(data: bytes) -> bytes:
    """Return the 32-byte digest."""
    padded = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % _RATE)
    padded[-1] ^= 0x80
    state = [[0] * _LANES for _ in range(_LANES)]
    for offset in range(0, len(padded), _RATE):
        for lane in range(_RATE // 8):
            word = int.from_bytes(padded[offset + 8 * lane : offset + 8 * lane + 8], "little")
            state[lane % _LANES][lane // _LANES] ^= word
        permute(state)
    return b"".join(state[lane % _LANES][lane // _LANES].to_bytes(8, "little") for lane in range(4))


def permute(state: list[list[int]]) -> None:
    """Apply Keccak-f[1600] to 5 x 5 lanes of 64 bits, ``state[x][y]``, in place."""
    register = 1
    for _ in range(24):
        columns = [state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in range(_LANES)]
        mixed = [columns[x - 1] ^ _rotate(columns[(x + 1) % _LANES], 1) for x in range(_LANES)]
        for x in range(_LANES):
            state[x] = [lane ^ mixed[x] for lane in state[x]]
        x, y, moved = 1, 0, state[1][0]
        for turn in range(24):
            x, y = y, (2 * x + 3 * y) % _LANES
            moved, state[x][y] = state[x][y], _rotate(moved, (turn + 1) * (turn + 2) // 2)
        for y in range(_LANES):
            row = [state[x][y] for x in range(_LANES)]
            for x in range(_LANES):
                state[x][y] = row[x] ^ (~row[(x + 1) % _LANES] & _MASK & row[(x + 2) % _LANES])
        for bit in range(7):
            register = ((register << 1) ^ ((register >> 7) * 0x71)) & 0xFF
            if register & 2:
                state[0][0] ^= 1 << ((1 << bit) - 1)


def _rotate(lane: int, by: int) -> int:
    by %= 64
    return ((lane << by) | (lane >> (64 - by))) & _MASK if by else lane
