"""Pages of history calls, newest first: ``start`` exclusive, ``end`` inclusive, ``ofs`` skips (``kraken_api`` 6)."""

from dataclasses import dataclass
from typing import Final

from app.gateway.kraken.calls import Call
from app.gateway.kraken.errors import invalid_argument
from app.gateway.kraken.ids import decode_id
from app.projections.pages import SKIP_MAX, Window

PAGE: Final = 50
_S: Final = 1_000
_BOUND_LENGTH_MAX: Final = 32
NUMBER_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Span:
    """What a call asks for: bounds are ``(ms, number)``, one of them 0; both 0 where there is no bound."""

    start: tuple[int, int]
    end: tuple[int, int]

    def window(self, *, limit: int = PAGE, skip: int = 0, by_number: bool = True, before: int = 0) -> Window:
        """Return the bounds as those of a page; times alone unless ``by_number``, and nothing from ``before`` on."""
        numbers = self if by_number else Span((0, 0), (0, 0))
        ends = [end for end in (before, numbers.end[1] and numbers.end[1] + 1) if end]
        return Window(
            after=numbers.start[1] or None,
            before=min(*ends, NUMBER_MAX) if ends else None,
            since_ms=min(self.start[0] + 1, NUMBER_MAX) if self.start[0] else None,
            until_ms=min(self.end[0], NUMBER_MAX) if self.end[0] else None,
            limit=limit,
            skip=skip,
        )


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


def asked_skip(call: Call) -> int:
    """Return how many rows are left out before the page; beyond what is counted at all every page is empty."""
    return min(call.fields.integer("ofs", 0), SKIP_MAX)


def is_counted(call: Call) -> bool:
    """Tell whether the call wants to know how many rows match in all."""
    return not call.fields.flag("without_count")


def asked_ids(call: Call, name: str, most: int) -> list[str]:
    """Return a required comma list of ids, at most so many."""
    texts = call.fields.words(name)
    if not texts:
        raise invalid_argument(name, "", code="missing_field")
    if len(texts) > most:
        raise invalid_argument(name, str(len(texts)), code="too_many", bound=str(most))
    return texts
