"""Amounts as integers of the smallest unit, and the only place where decimal text becomes one or is made of one."""

import re
from typing import NewType

from amm.errors import AmountOutOfRange, MalformedAmount, TooManyDecimals

Rao = NewType("Rao", int)
AlphaRao = NewType("AlphaRao", int)
Netuid = NewType("Netuid", int)

DECIMALS = 9
RAO_PER_TAO = 10**DECIMALS
ROOT = Netuid(0)
NETUID_MAX = 2**16 - 1
# Amounts live in signed 64-bit fields of the ledger; the chain's total supply is a 400th of this.
AMOUNT_MAX = 2**63 - 1
# Longer text cannot be an amount in range, and is refused before any big integer is built of it.
TEXT_MAX = 64

_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]+))?")


def parse_decimal(text: str, *, decimals: int = DECIMALS, smallest: int = 0, largest: int = AMOUNT_MAX) -> int:
    """Return decimal text as an integer of the unit with ``decimals`` decimals, exactly.

    Plain digits with at most one point between digits: no sign, no exponent, no spaces, no separators, ASCII only.
    Zeros after the last decimal of the unit are allowed. Raises ``MalformedAmount``, ``TooManyDecimals`` or
    ``AmountOutOfRange``.
    """
    match = _DECIMAL.fullmatch(text) if len(text) <= TEXT_MAX else None
    if match is None:
        raise MalformedAmount(text[:TEXT_MAX])
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise TooManyDecimals(text, decimals)
    amount = int(match[1] + fraction.ljust(decimals, "0"))
    if not smallest <= amount <= largest:
        raise AmountOutOfRange(amount, smallest, largest)
    return amount


def format_decimal(amount: int, *, decimals: int = DECIMALS, trim: bool = False) -> str:
    """Return an integer amount as decimal text with all its decimals, or without closing zeros if ``trim``.

    Exact inverse of ``parse_decimal`` for amounts of zero and more; a negative amount gets a leading minus.
    """
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), 10**decimals)
    digits = str(fraction).rjust(decimals, "0") if decimals else ""
    if trim:
        digits = digits.rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def parse_tao(text: str) -> Rao:
    """Return decimal TAO as rao; see ``parse_decimal``."""
    return Rao(parse_decimal(text))


def parse_alpha(text: str) -> AlphaRao:
    """Return decimal alpha as its smallest unit; see ``parse_decimal``."""
    return AlphaRao(parse_decimal(text))


def to_netuid(value: int) -> Netuid:
    """Return a checked netuid, 0 to 65535; raises ``AmountOutOfRange``."""
    if not 0 <= value <= NETUID_MAX:
        raise AmountOutOfRange(value, 0, NETUID_MAX)
    return Netuid(value)
