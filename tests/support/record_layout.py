"""``python -m tests.support.record_layout FOLDER``: plays a short story and records its log, once per released layout.

It writes ``layout-N.bin`` (bodies of all batches, each with its length as u32 before it, deflated) and
``layout-N.json`` (what the story came to: head, balances, mirror, and the hash of these facts), N being the layout that
this code writes. A recording is made when its layout is released and never again.
"""

import hashlib
import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

from ledger.codec import Batch, open_body, seal
from ledger.engine.layout import LAYOUT_VERSION, CommandKind, Flag, Job
from ledger.engine.views import SettlementJob
from ledger.hashing import GENESIS_HASH
from tests.support.builders import SN, TAO, TRADING, Exchange, buy, outcome, sell, trading_exchange, withdraw

LENGTH = struct.Struct("<I")


def play() -> Exchange:
    """Return an exchange after trades both ways, a settlement on the chain, a cap that was hit and a withdrawal."""
    exchange, numbers = trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (70 * TAO, 0)})
    alice, bob = numbers["alice"], numbers["bob"]
    buy(exchange, alice, tao=2 * TAO)
    buy(exchange, bob, tao=TAO)
    sell(exchange, alice, alpha=TAO)
    buy(exchange, bob, tao=10_000 * TAO)
    exchange.head()
    job = next(job for job in exchange.views.jobs() if isinstance(job, SettlementJob))
    exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0)
    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    exchange.head([outcome(job.job_id, Job.SETTLEMENT, tao=job.items[0].amount, alpha=market.need)])
    withdraw(exchange, bob, TAO)
    withdraw(exchange, alice, TAO, alpha=True)
    buy(exchange, alice, tao=TAO, limit=40_000_000)
    exchange.head()
    if LAYOUT_VERSION > 1:
        play_orders(exchange, alice, bob)
    return exchange


def play_orders(exchange: Exchange, alice: int, bob: int) -> None:
    """Go on with what came with layout 2: a book, stops, quotes, switches, orders for the next head."""
    resting = {"netuid": SN, "flags": Flag.LIMIT}
    low = exchange.ask(CommandKind.PLACE_ORDER, account=bob, alpha_rao=5 * TAO, limit=30_000_000, **resting)
    exchange.ask(CommandKind.PLACE_ORDER, account=bob, alpha_rao=2 * TAO, limit=33_330_000, **resting)
    exchange.ask(
        CommandKind.AMEND_ORDER,
        flags=Flag.LIMIT,
        account=bob,
        order_id=low.reference,
        alpha_rao=3 * TAO,
        limit=31_000_000,
    )
    sell(exchange, alice, alpha=TAO)
    exchange.ask(CommandKind.ISSUE_QUOTE, account=alice, netuid=SN, alpha_rao=TAO, life_ms=5_000)
    exchange.ask(CommandKind.CANCEL_AFTER, account=bob, timeout_ms=600_000)
    buy(exchange, alice, tao=40 * TAO)
    exchange.head()
    exchange.ask(CommandKind.CANCEL_ORDER, account=bob, order_id=low.reference)
    exchange.head()


def sealed(exchange: Exchange) -> list[Batch]:
    """Return the story's batches as a log would hold them."""
    batches: list[Batch] = []
    for ts_ms, events, payloads in exchange.log:
        previous = batches[-1].hash if batches else GENESIS_HASH
        batches.append(
            seal(number=len(batches), ts_ms=ts_ms, writer_epoch=1, events=events, payloads=payloads, previous=previous)
        )
    return batches


def facts(exchange: Exchange) -> dict[str, Any]:
    """Return what the state says in the ledger's words, which outlive every form of the tables."""
    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    told = {
        "seq": exchange.engine.seq,
        "head": exchange.views.head().number,
        "mirror": [market.mirror_tao, market.mirror_alpha],
        "need": market.need,
        "balances": [[name, asset, amount] for (name, asset), amount in sorted(exchange.balances().items())],
        "names": [view.name for view in exchange.views.accounts()],
    }
    return told | {"state_hash": hashlib.blake2b(json.dumps(told).encode(), digest_size=32).hexdigest()}


def write(folder: Path) -> None:
    """Record the story."""
    exchange = play()
    batches = sealed(exchange)
    bodies = b"".join(LENGTH.pack(len(batch.body)) + batch.body for batch in batches)
    (folder / f"layout-{LAYOUT_VERSION}.bin").write_bytes(zlib.compress(bodies, 9))
    told = {"layout": LAYOUT_VERSION, "batches": len(batches), "head_hash": batches[-1].hash.hex(), **facts(exchange)}
    (folder / f"layout-{LAYOUT_VERSION}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Batch]:
    """Return the batches of a recording."""
    content = zlib.decompress(path.read_bytes())
    batches: list[Batch] = []
    offset = 0
    while offset < len(content):
        (length,) = LENGTH.unpack_from(content, offset)
        offset += LENGTH.size
        previous = batches[-1].hash if batches else GENESIS_HASH
        batches.append(open_body(number=len(batches), previous=previous, body=content[offset : offset + length]))
        offset += length
    return batches


if __name__ == "__main__":
    write(Path(sys.argv[1]))
