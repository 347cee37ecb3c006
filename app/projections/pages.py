"""One page of history: rows in the order of their keys, between bounds, never more than a page holds."""

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Select

from app.projections.errors import PageOutOfRange

PAGE_MAX: Final = 1_000
COUNT_MAX: Final = 50_000
SKIP_MAX: Final = COUNT_MAX

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows, where the next page begins, and the seq up to which history was folded when they were read.

    ``next_key`` is what to give as ``before`` (newest first) or ``after`` (oldest first); None on the last page.
    """

    rows: list[T]
    next_key: int | None
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which page is wanted: keys between ``after`` and ``before``, both exclusive, times in ``[since_ms, until_ms]``.

    Newest first unless ``oldest_first``; ``limit`` from 1 to ``PAGE_MAX`` rows; ``skip`` rows are left out first, for
    clients that count in offsets: at most ``SKIP_MAX``, keys have no such bound. Raises ``PageOutOfRange``.
    """

    after: int | None = None
    before: int | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = 50
    skip: int = 0
    oldest_first: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= PAGE_MAX:
            raise PageOutOfRange(field="limit", value=self.limit, largest=PAGE_MAX)
        if not 0 <= self.skip <= SKIP_MAX:
            raise PageOutOfRange(field="skip", value=self.skip, largest=SKIP_MAX)

    def bound(self, query: Select[Any], key: ColumnElement[Any], time: ColumnElement[Any]) -> Select[Any]:
        """Return the query within the bounds of this window."""
        if self.after is not None:
            query = query.where(key > self.after)
        if self.before is not None:
            query = query.where(key < self.before)
        if self.since_ms is not None:
            query = query.where(time >= self.since_ms)
        if self.until_ms is not None:
            query = query.where(time <= self.until_ms)
        return query

    def paged(self, query: Select[Any], key: ColumnElement[Any], time: ColumnElement[Any]) -> Select[Any]:
        """Return the query of this page and one row more, which tells whether another page follows."""
        order = key.asc() if self.oldest_first else key.desc()
        return self.bound(query, key, time).order_by(order).limit(self.limit + 1).offset(self.skip)
