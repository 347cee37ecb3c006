"""Builders for events and sealed batches that no engine needs to decide."""

from collections.abc import Sequence

import numpy as np

from ledger.codec import Batch, seal
from ledger.engine.layout import EVENT, Records
from ledger.log.base import Head


def some_events(first_seq: int, count: int, *, seed: int = 1) -> Records:
    """Return events with contiguous seqs, arbitrary figures in every other field, and no payload."""
    events = np.frombuffer(np.random.default_rng(seed).bytes(count * EVENT.itemsize), dtype=EVENT).copy()
    events["seq"] = np.arange(first_seq, first_seq + count)
    events["payload"] = 0
    return events


def batch_after(
    head: Head,
    count: int = 3,
    *,
    writer_epoch: int = 1,
    payloads: Sequence[bytes] = (),
    ts_ms: int | None = None,
    seed: int = 1,
    kind: int | None = None,
) -> Batch:
    """Return a batch that follows ``head``; its first events point to the payloads, one each."""
    events = some_events(head.seq + 1, count, seed=seed)
    events["payload"][: len(payloads)] = range(1, len(payloads) + 1)
    if kind is not None:
        events["kind"] = kind
    return seal(
        number=head.number + 1,
        ts_ms=head.ts_ms + 1 if ts_ms is None else ts_ms,
        writer_epoch=writer_epoch,
        events=events,
        payloads=payloads,
        previous=head.hash,
    )
