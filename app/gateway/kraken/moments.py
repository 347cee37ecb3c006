"""Times as clients write them: RFC 3339, Unix seconds, or seconds from now."""

from datetime import UTC, datetime
from typing import Final

from app.gateway.kraken.errors import invalid_argument

EXPIRY_MIN_MS: Final = 1_000
EXPIRY_MAX_S: Final = 31 * 86_400
_S: Final = 1_000
_DIGITS_MAX: Final = 12


def parse_moment(text: str) -> int | None:
    """Return the ms since 1970 of an RFC 3339 text, UTC where it names no zone; None for another text."""
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * _S)
    except (ValueError, OverflowError):
        return None


def parse_expiry(name: str, text: str, now_ms: int) -> int:
    """Return when an order shall end, whole s since 1970: at least a second ahead, at most a month.

    ``text`` is Unix seconds, ``+<s>`` from now (rounded up to whole seconds), or RFC 3339.
    """
    digits = text.removeprefix("+")
    moment_ms = parse_moment(text) if not digits.isdecimal() or not digits.isascii() else None
    if moment_ms is not None:
        expires_s = moment_ms // _S
    elif digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS_MAX:
        expires_s = -(-now_ms // _S) + int(digits) if text.startswith("+") else int(digits)
    else:
        raise invalid_argument(name, text, bound="+<s>, Unix seconds or RFC 3339")
    if not EXPIRY_MIN_MS <= expires_s * _S - now_ms <= (EXPIRY_MAX_S + 1) * _S:
        raise invalid_argument(name, text, code="out_of_range", bound="1 s to 31 days ahead")
    return expires_s
