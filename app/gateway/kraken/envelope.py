"""The envelope of every ``/0`` answer, and the way numbers and times are written (``kraken_api`` section 3)."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from amm.units import format_decimal
from app.gateway.kraken.errors import Refused
from app.gateway.kraken.names import ALPHA_DECIMALS, LOT_RAO, PRICE_TICK_RAO, TAO_DECIMALS

CONTENT_TYPE: Final = "application/json"
_MS: Final = 1_000

_encoder = msgspec.json.Encoder()


def encode_result(result: object) -> bytes:
    """Return the body of a success; ``result`` is made of what JSON knows and ``msgspec.Raw``."""
    return _encoder.encode({"error": [], "result": result})


def encode_refusal(refused: Refused) -> bytes:
    """Return the body of a refusal: the known string alone in ``error``, and what was wrong beside it.

    Clients match ``error`` exactly, so the offending value cannot stand in it; ``reason`` is ours and names it.
    """
    return _encoder.encode({"error": [refused.error], "reason": refused.reason()})


def tao_text(rao: int) -> str:
    """Return rao of TAO as decimal text with nine decimals."""
    return format_decimal(rao, decimals=TAO_DECIMALS)


def alpha_text(rao: int) -> str:
    """Return alpha in its smallest unit as decimal text with nine decimals."""
    return format_decimal(rao, decimals=ALPHA_DECIMALS)


def price_text(price_rao: int) -> str:
    """Return a price with the pair's eight decimals, to the nearest, halves up: display only."""
    return format_decimal((price_rao + PRICE_TICK_RAO // 2) // PRICE_TICK_RAO, decimals=TAO_DECIMALS - 1)


def lot_text(alpha_rao: int) -> str:
    """Return a volume with eight decimals; exact for whole lots, else rounded down."""
    return format_decimal(alpha_rao // LOT_RAO, decimals=ALPHA_DECIMALS - 1)


def number(text: str) -> msgspec.Raw:
    """Return decimal text as a JSON number: plain digits, never an exponent."""
    return msgspec.Raw(text.encode())


def seconds(ts_ms: int) -> msgspec.Raw:
    """Return milliseconds as Unix seconds with their fraction, a JSON number."""
    return msgspec.Raw(b"%d.%03d" % divmod(ts_ms, _MS)) if ts_ms else msgspec.Raw(b"0")


@lru_cache(maxsize=64)
def rfc3339(ts_ms: int) -> str:
    """Return milliseconds as RFC 3339 UTC with a ``Z``."""
    whole, fraction = divmod(ts_ms, _MS)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:03d}Z"


def decode(body: bytes) -> Any:
    """Return the JSON of an answer of ours; for tests and tools."""
    return msgspec.json.decode(body)
