"""The book checksum of the socket: CRC-32 over the ten best levels of both sides (``kraken_api`` section 13)."""

import zlib
from collections.abc import Sequence
from typing import Final

from amm.units import format_decimal

LEVELS: Final = 10

Row = tuple[int, int]
"""Price and volume of a level, each in its last decimal."""


def book_text(asks: Sequence[Row], bids: Sequence[Row], *, price_decimals: int, lot_decimals: int) -> str:
    """Return the text that is summed: ten asks from low to high, then ten bids from high to low.

    Each number with its full decimals, without the point and leading zeros. Missing levels add nothing.
    """
    parts = []
    for price, volume in (*asks[:LEVELS], *bids[:LEVELS]):
        parts.append(format_decimal(price, decimals=price_decimals).replace(".", "").lstrip("0"))
        parts.append(format_decimal(volume, decimals=lot_decimals).replace(".", "").lstrip("0"))
    return "".join(parts)


def compute_checksum(asks: Sequence[Row], bids: Sequence[Row], *, price_decimals: int, lot_decimals: int) -> int:
    """Return the unsigned CRC-32 (IEEE) of the text of a book."""
    return zlib.crc32(book_text(asks, bids, price_decimals=price_decimals, lot_decimals=lot_decimals).encode())
