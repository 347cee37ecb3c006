"""Pages of history calls, newest first: ``start`` exclusive, ``end`` inclusive, ``ofs`` skips (``kraken_api`` 6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from app.gateway.kraken.calls import Call
from app.gateway.kraken.errors import invalid_argument
from app.gateway.kraken.ids import decode_id

PAGE: Final = 50
_S: Final = 1_000
_BOUND_LENGTH_MAX: Final = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """What a call asks for: bounds are ``(ms, number)``, one of them 0; both 0 where there is no bound."""

    start: tuple[int, int]
    end: tuple[int, int]

    def holds(self, moment_ms: int, number: int) -> bool:
        """Tell whether something lies after ``start`` and not after ``end``."""
        after_ms, after = self.start
        if (after_ms and moment_ms <= after_ms) or (after and number <= after):
            return False
        until_ms, until = self.end
        return not ((until_ms and moment_ms > until_ms) or (until and number > until))


def asked_span(call: Call, letter: str) -> Span:
    """Return the bounds of a call: Unix seconds, or ids of this letter."""
    return Span(_bound(call, "start", letter), _bound(call, "end", letter))


def _bound(call: Call, name: str, letter: str) -> tuple[int, int]:
    text = call.fields.text(name)
    if not text:
        return 0, 0
    number = decode_id(letter, text)
    if number is not None:
        return 0, number
    whole, _, fraction = text.partition(".")
    is_number = whole.isascii() and whole.isdigit() and (not fraction or (fraction.isascii() and fraction.isdigit()))
    if not is_number or len(text) > _BOUND_LENGTH_MAX:
        raise invalid_argument(name, text, bound="Unix seconds or an id")
    return int(whole) * _S + int(fraction[:3].ljust(3, "0") or "0"), 0


def take_page(call: Call, matching: Iterable[T]) -> tuple[Sequence[T], dict[str, int]]:
    """Return one page of what matches, and the ``count`` of all of it unless the call does without."""
    rows = list(matching)
    offset = call.fields.integer("ofs", 0)
    count = {} if call.fields.flag("without_count") else {"count": len(rows)}
    return rows[offset : offset + PAGE], count


def asked_ids(call: Call, name: str, most: int) -> list[str]:
    """Return a required comma list of ids, at most so many."""
    texts = call.fields.words(name)
    if not texts:
        raise invalid_argument(name, "", code="missing_field")
    if len(texts) > most:
        raise invalid_argument(name, str(len(texts)), code="too_many", bound=str(most))
    return texts
