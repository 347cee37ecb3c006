"""Merlin transcripts: what a signature of sr25519 is a challenge of; STROBE-128 in the few operations that they use."""

from typing import Final

from app.verify.keccak import permute

_RATE: Final = 166
_INITIAL: Final = b"\x01\xa8\x01\x00\x01\x60STROBEv1.0.2"

_INWARD: Final = 1
_APPLICATION: Final = 2
_COMMON: Final = 4
_META: Final = 16


class Transcript:
    """A sponge that takes labelled messages and gives labelled challenges."""

    def __init__(self, label: bytes) -> None:
        self._state = bytearray(200)
        self._state[: len(_INITIAL)] = _INITIAL
        self._permute()
        self._place = self._began = 0
        self._mark(b"Merlin v1.0", more=False)
        self.append(b"dom-sep", label)

    def append(self, label: bytes, message: bytes) -> None:
        """Take a message under a label."""
        self._mark(label, more=False)
        self._mark(len(message).to_bytes(4, "little"), more=True)
        self._begin(_APPLICATION, more=False)
        self._absorb(message)

    def challenge(self, label: bytes, length: int) -> bytes:
        """Return bytes that depend on all that was taken so far."""
        self._mark(label, more=False)
        self._mark(length.to_bytes(4, "little"), more=True)
        self._begin(_INWARD | _APPLICATION | _COMMON, more=False)
        found = bytearray()
        for _ in range(length):
            found.append(self._state[self._place])
            self._state[self._place] = 0
            self._advance()
        return bytes(found)

    def _mark(self, data: bytes, *, more: bool) -> None:
        """Take data about the message instead of the message."""
        self._begin(_META | _APPLICATION, more=more)
        self._absorb(data)

    def _begin(self, flags: int, *, more: bool) -> None:
        if more:
            return
        began, self._began = self._began, self._place + 1
        self._absorb(bytes((began, flags)))
        if flags & _COMMON and self._place:
            self._finish()

    def _absorb(self, data: bytes) -> None:
        for byte in data:
            self._state[self._place] ^= byte
            self._advance()

    def _advance(self) -> None:
        self._place += 1
        if self._place == _RATE:
            self._finish()

    def _finish(self) -> None:
        self._state[self._place] ^= self._began
        self._state[self._place + 1] ^= 0x04
        self._state[_RATE + 1] ^= 0x80
        self._permute()
        self._place = self._began = 0

    def _permute(self) -> None:
        words = [int.from_bytes(self._state[at : at + 8], "little") for at in range(0, 200, 8)]
        lanes = [[words[x + 5 * y] for y in range(5)] for x in range(5)]
        permute(lanes)
        for x in range(5):
            for y in range(5):
                at = 8 * (x + 5 * y)
                self._state[at : at + 8] = lanes[x][y].to_bytes(8, "little")
