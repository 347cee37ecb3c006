"""``python -m ledger.log.snapshot_process``: writes one snapshot of the log's present end, and ends.

It is a replica of its own: newest snapshot, the rest of the log, and then its own state, so that nobody who trades ever
waits for a snapshot. The order comes as one line of JSON on stdin (``url``, ``keep``), the result goes to stdout as
another.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict
from typing import Any

from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.postgres import PostgresLog, read_head
from ledger.log.recovery import newest_engine, recover
from ledger.log.snapshot_store import Refused, SnapshotStore

NICENESS = 10


async def write_snapshot(url: str, *, keep: int) -> dict[str, Any]:
    """Bring up an engine at the log's end and store it; return what was done, for people and logs."""
    begun = time.monotonic()
    refused: list[Refused] = []
    end = await read_head(url)
    engine, start = await newest_engine(url, end, refused.append)
    head: Head = await recover(PostgresLog(url), engine, start=start)
    told: dict[str, Any] = {"refused": [asdict(one) for one in refused], "from_seq": start.seq}
    if head != EMPTY_HEAD:
        written = await SnapshotStore(url).save(engine, head, keep=keep, taken_ms=time.time_ns() // 1_000_000)
        told |= asdict(written)
    return told | {"seconds": round(time.monotonic() - begun, 3)}


def main() -> None:
    """Take one order from stdin."""
    os.nice(NICENESS)
    order = json.loads(sys.stdin.readline())
    told = asyncio.run(write_snapshot(order["url"], keep=order["keep"]))
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
