"""Book streams: what each was told last, so that only the difference is sent."""

from collections.abc import Callable, Iterable

from app.gateway.feeds.channels.book import snapshot_data, update_data
from app.gateway.feeds.frames import data_frame
from app.gateway.feeds.subscription import BOOK, Stream
from app.gateway.kraken.books import Books
from app.gateway.kraken.depth import Depth
from app.gateway.kraken.names import Names


class BookFeeds:
    """The last book of every stream that somebody follows; ``now_ms`` is the clock of market gates."""

    def __init__(self, books: Books, names: Names, now_ms: Callable[[], int]) -> None:
        self._books = books
        self._names = names
        self._now_ms = now_ms
        self._last: dict[Stream, Depth] = {}

    @property
    def streams(self) -> list[Stream]:
        """Return the streams that are followed."""
        return list(self._last)

    def of_markets(self, netuids: Iterable[int]) -> list[Stream]:
        """Return the followed streams of these markets."""
        symbols = {self._names.pair_of(netuid).wsname for netuid in netuids}
        return [stream for stream in self._last if stream.symbol in symbols]

    def snapshot(self, stream: Stream) -> str | None:
        """Return the frame of the whole book; ``update`` must have been sent to those who follow it already."""
        pair = self._names.find_pair(stream.symbol)
        if pair is None:
            return None
        book = self._books.depth(pair.netuid, int(stream.variant), self._now_ms())
        self._last[stream] = book
        return data_frame(BOOK, "snapshot", snapshot_data(pair, book))

    def update(self, stream: Stream) -> str | None:
        """Return the frame of what changed since the last one, None where nothing did."""
        pair, before = self._names.find_pair(stream.symbol), self._last.get(stream)
        if pair is None or before is None:
            return None
        depth, now_ms = int(stream.variant), self._now_ms()
        after = self._books.depth(pair.netuid, depth, now_ms)
        self._last[stream] = after
        data = update_data(pair, before, after, depth=depth, now_ms=now_ms)
        return data_frame(BOOK, "update", data) if data else None

    def forget(self, stream: Stream) -> None:
        """Forget a stream that nobody follows any more."""
        self._last.pop(stream, None)
