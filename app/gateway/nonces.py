"""Which nonces of an API key are used up: judged in one place, durable before the call acts, atomic across gateways.

A nonce is accepted once: greater than the highest accepted one, or inside the key's window below it and not seen yet
(``kraken_api`` section 2). Used by ``auth.py``; the table ``api_nonces`` belongs to the log's schema.
"""

import asyncio
import bisect
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

NONCE_MAX: Final = 2**64 - 1
SEEN_MAX: Final = 512
BATCH_MAX: Final = 1_000
QUEUE_MAX: Final = 10_000
CACHE_MAX: Final = 100_000
ATTEMPTS_MAX: Final = 5


class NoncesUnavailable(Exception):  # noqa: N818 - the world failed, in the words of style.md
    """The store could not make a nonce durable, or too many wait for it; nothing was done."""


@dataclass(frozen=True, slots=True)
class Used:
    """What is used up of one key: the highest nonce, and those accepted inside a window below it, ascending."""

    highest: int = 0
    seen: tuple[int, ...] = ()


def parse_nonce(text: str) -> int | None:
    """Return an unsigned 64-bit nonce in plain digits, else None."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        return None
    nonce = int(text)
    return nonce if nonce <= NONCE_MAX else None


def accept(used: Used, nonce: int, window: int) -> Used | None:
    """Return what is used up once this nonce is accepted, or None where it must not be.

    At most ``SEEN_MAX`` nonces are remembered; once older ones had to be forgotten, nothing below the oldest remembered
    one is accepted, so a forgotten nonce can never be used again.
    """
    floor = used.highest - window
    if len(used.seen) >= SEEN_MAX:
        floor = max(floor, used.seen[0])
    if nonce > used.highest:
        kept = [*used.seen, used.highest] if used.highest else []
        highest = nonce
    elif nonce <= floor or nonce == used.highest or nonce in used.seen:
        return None
    else:
        kept = list(used.seen)
        bisect.insort(kept, nonce)
        highest = used.highest
    kept = [old for old in kept if old > highest - window]
    return Used(highest, tuple(kept[-SEEN_MAX:]))


class NonceStore(Protocol):
    """Accepts a nonce durably."""

    async def accept(self, api_key: str, nonce: int, window: int) -> bool:
        """Return whether the nonce was fresh; on True it is used up for ever. Raises ``NoncesUnavailable``."""


class MemoryNonces:
    """A store for a gateway whose log is in memory too: used-up nonces live as long as the process."""

    def __init__(self) -> None:
        self._used: dict[str, Used] = {}

    async def accept(self, api_key: str, nonce: int, window: int) -> bool:
        """Judge and remember at once."""
        after = accept(self._used.get(api_key, Used()), nonce, window)
        if after is None:
            return False
        self._used[api_key] = after
        return True


@dataclass(slots=True)
class _Waiting:
    api_key: str
    nonce: int
    window: int
    answer: "asyncio.Future[bool]"


_MAKE = "INSERT INTO api_nonces (api_key, highest, seen) SELECT unnest($1::text[]), 0, '{}' ON CONFLICT DO NOTHING"

_LOAD = "SELECT api_key, highest::text, seen::text[] FROM api_nonces WHERE api_key = ANY ($1::text[])"

# Compare and swap: a row that another gateway changed meanwhile does not match, and is judged again.
_SWAP = """
UPDATE api_nonces AS stored SET highest = asked.highest::numeric, seen = asked.seen::numeric[]
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS asked (api_key, highest, seen, old_highest, old_seen)
WHERE stored.api_key = asked.api_key AND stored.highest = asked.old_highest::numeric
    AND stored.seen = asked.old_seen::numeric[]
RETURNING stored.api_key
"""


class PostgresNonces:
    """Nonces in PostgreSQL, one statement for all calls that arrived while the previous one was being made durable.

    ``pool`` is an asyncpg pool. What is cached is only a guess: the statement changes a row only where the guess
    holds, so several gateways may share the table.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._cache: OrderedDict[str, Used] = OrderedDict()
        self._queue: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None

    async def accept(self, api_key: str, nonce: int, window: int) -> bool:
        """Judge and make durable; callers of one moment share one commit."""
        if len(self._queue) >= QUEUE_MAX:
            raise NoncesUnavailable
        waiting = _Waiting(api_key, nonce, window, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await waiting.answer

    async def _work(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[:BATCH_MAX], self._queue[BATCH_MAX:]
            try:
                await self._decide(batch)
            except Exception as error:  # noqa: BLE001 - whatever the database says: not durable, so not accepted
                self._cache.clear()
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(NoncesUnavailable(str(error)))

    async def _decide(self, batch: Sequence[_Waiting]) -> None:
        open_calls = list(batch)
        for _ in range(ATTEMPTS_MAX):
            await self._load({waiting.api_key for waiting in open_calls})
            open_calls = await self._swap(open_calls)
            if not open_calls:
                return
            for waiting in open_calls:
                self._cache.pop(waiting.api_key, None)
        for waiting in open_calls:
            waiting.answer.set_exception(NoncesUnavailable("another gateway keeps changing this key"))

    async def _load(self, api_keys: set[str]) -> None:
        missing = api_keys - self._cache.keys()
        if not missing:
            return
        await self._read(missing)
        missing -= self._cache.keys()
        if missing:
            # A statement of its own: one that inserts does not see the row that another gateway inserted meanwhile.
            await self._pool.fetch(_MAKE, sorted(missing))
            await self._read(missing)

    async def _read(self, api_keys: set[str]) -> None:
        for row in await self._pool.fetch(_LOAD, sorted(api_keys)):
            self._cache[row[0]] = Used(int(row[1]), tuple(int(nonce) for nonce in row[2]))

    async def _swap(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Judge a batch on the cached rows, write what was accepted, and return the calls whose guess was wrong."""
        before: dict[str, Used] = {}
        after: dict[str, Used] = {}
        verdicts: list[tuple[_Waiting, bool]] = []
        for waiting in batch:
            api_key = waiting.api_key
            before.setdefault(api_key, self._cache[api_key])
            used = accept(after.get(api_key, before[api_key]), waiting.nonce, waiting.window)
            if used is not None:
                after[api_key] = used
            verdicts.append((waiting, used is not None))
        # A refusal needs the truth too: the keys of refused calls are swapped for themselves, which checks the guess.
        keys = sorted(before)
        rows = await self._pool.fetch(
            _SWAP,
            keys,
            [str(after.get(key, before[key]).highest) for key in keys],
            [_array(after.get(key, before[key]).seen) for key in keys],
            [str(before[key].highest) for key in keys],
            [_array(before[key].seen) for key in keys],
        )
        right = {row[0] for row in rows}
        for key in right:
            self._remember(key, after.get(key, before[key]))
        for waiting, accepted in verdicts:
            if waiting.api_key in right and not waiting.answer.done():
                waiting.answer.set_result(accepted)
        return [waiting for waiting, _ in verdicts if waiting.api_key not in right and not waiting.answer.done()]

    def _remember(self, api_key: str, used: Used) -> None:
        self._cache[api_key] = used
        self._cache.move_to_end(api_key)
        while len(self._cache) > CACHE_MAX:
            self._cache.popitem(last=False)


def _array(nonces: Sequence[int]) -> str:
    return "{" + ",".join(map(str, nonces)) + "}"
