"""Eras: how long a signed extrinsic lives, in one byte (for ever) or two (a power of two of blocks)."""

from dataclasses import dataclass

from chain.errors import DecodeError, EncodeError

PERIOD_MIN = 4
PERIOD_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Era:
    """A window of blocks: ``birth <= height < death``; period 0 means for ever.

    ``period`` is a power of two in 4..65536, ``phase`` is below it and a multiple of ``max(period / 4096, 1)``.
    """

    period: int
    phase: int

    @property
    def is_immortal(self) -> bool:
        """Whether the era never ends."""
        return self.period == 0

    def birth(self, current: int) -> int:
        """Return the first block of the window that ``current`` lies in, 0 when immortal."""
        if self.is_immortal:
            return 0
        return (max(current, self.phase) - self.phase) // self.period * self.period + self.phase

    def death(self, current: int) -> int | None:
        """Return the first block behind that window, or None when immortal."""
        return None if self.is_immortal else self.birth(current) + self.period

    def encode(self) -> bytes:
        """Return the one or two bytes; raise ``EncodeError`` for an impossible period or phase."""
        if self.is_immortal and self.phase == 0:
            return b"\0"
        if not _is_period(self.period) or not 0 <= self.phase < self.period or self.phase % _quantize(self.period):
            raise EncodeError("Era", (self.period, self.phase))
        exponent = self.period.bit_length() - 2
        return (exponent | self.phase // _quantize(self.period) << 4).to_bytes(2, "little")


IMMORTAL = Era(0, 0)


def mortal_era(period: int, current: int) -> Era:
    """Return the era of about ``period`` blocks that is alive at block ``current``.

    The period is raised to a power of two in 4..65536, the phase lowered to what two bytes can say.
    """
    if period < 1 or current < 0:
        raise EncodeError("Era", (period, current))
    rounded = min(max(1 << (period - 1).bit_length(), PERIOD_MIN), PERIOD_MAX)
    quantize = _quantize(rounded)
    return Era(rounded, current % rounded // quantize * quantize)


def decode_era(data: bytes, offset: int = 0) -> tuple[Era, int]:
    """Return the era at ``offset`` and the offset behind it; raise ``DecodeError`` ``truncated`` or ``era_invalid``."""
    if offset >= len(data):
        raise DecodeError("truncated", offset)
    if data[offset] == 0:
        return IMMORTAL, offset + 1
    end = offset + 2
    if end > len(data):
        raise DecodeError("truncated", offset)
    encoded = int.from_bytes(data[offset:end], "little")
    period = 2 << (encoded & 15)
    phase = (encoded >> 4) * _quantize(period)
    if period < PERIOD_MIN or phase >= period:
        raise DecodeError("era_invalid", offset)
    return Era(period, phase), end


def _is_period(period: int) -> bool:
    return PERIOD_MIN <= period <= PERIOD_MAX and period & (period - 1) == 0


def _quantize(period: int) -> int:
    return max(period // 4096, 1)
