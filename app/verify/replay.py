"""Replays a whole log and holds three things against each other: batch by batch, event by event, and the double entry.

A fresh engine that evolves whole batches and one that evolves single events must reach the same state; and that state's
balances must be the sums of the postings, which are told by ``ledger/accounts.py`` from the events alone.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ledger.accounts import account_name, postings
from ledger.codec import Batch
from ledger.engine.machine import Engine
from ledger.engine.tables import ASSET_BITS


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a log comes to."""

    batches: int
    seq: int
    state_hash: bytes


@dataclass(eq=False)
class ReplayDiffers(Exception):  # noqa: N818 - what was found
    """The first thing that does not agree."""

    detail: str
    code: str = "replay_differs"

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}"


async def replay(batches: AsyncIterator[Batch]) -> Replayed:
    """Return what the batches come to.

    Raises ``ReplayDiffers``, and ``InvariantBroken`` where an event breaks a law of the ledger.
    """
    by_batch, by_event = Engine(), Engine()
    booked: dict[tuple[str, int], int] = defaultdict(int)
    count = 0
    async for batch in batches:
        by_batch.evolve(batch.ts_ms, batch.events, batch.payloads)
        for position in range(len(batch.events)):
            by_event.evolve(batch.ts_ms, batch.events[position : position + 1], batch.payloads)
            book(batch.events[position], booked)
        count += 1
    if by_batch.state_hash() != by_event.state_hash():
        raise ReplayDiffers("whole batches and single events lead to different states")
    compare_balances(booked, by_batch)
    return Replayed(count, by_batch.seq, by_batch.state_hash())


def book(event: object, booked: dict[tuple[str, int], int]) -> None:
    """Add an event's postings to the sums; raises ``ReplayDiffers`` where they do not sum to zero per asset."""
    sums: dict[int, int] = defaultdict(int)
    for account, asset, amount in postings(event):
        booked[account, asset] += amount
        sums[asset] += amount
    if any(sums.values()):
        raise ReplayDiffers(f"the postings of seq {int(event['seq'])} do not sum to zero")  # type: ignore[index]


def compare_balances(booked: dict[tuple[str, int], int], engine: Engine) -> None:
    """Raise ``ReplayDiffers`` where a balance of the state is not the sum of its postings."""
    scalars = engine.state.scalars[0]
    held: dict[tuple[str, int], int] = {}
    for row in engine.state.balances[: scalars["balances"]]:
        account, asset = int(row["key"]) >> ASSET_BITS, int(row["key"]) & ((1 << ASSET_BITS) - 1)
        held[f"c:{account}:free", asset] = int(row["free"])
        held[f"c:{account}:held", asset] = int(row["held"])
    for row in engine.state.ledger[: scalars["ledger"]]:
        held[account_name(int(row["code"])), int(row["asset"])] = int(row["amount"])
    for key in sorted(booked.keys() | held.keys()):
        if booked.get(key, 0) != held.get(key, 0):
            raise ReplayDiffers(f"{key[0]} of asset {key[1]}: booked {booked.get(key, 0)}, state {held.get(key, 0)}")
