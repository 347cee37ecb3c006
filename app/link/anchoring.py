"""Puts the head of the log's hash chain into the chain at an interval, and notes where it got to.

An anchor is a remark signed by the trading key. It needs nothing of the ledger but its fee, which is booked like that
of any extrinsic of ours without a job. What is in flight is kept in memory alone: after a restart another anchor is
signed, and one that still gets into a block is noted like every other.
"""

import asyncio
from dataclasses import dataclass

import structlog

from app.custody.errors import SignerAway, SigningRefused
from app.custody.signer import Signed, SigningRequest, SigningService
from app.link.blocks import FinalisedBlock
from app.link.calls import remark
from app.link.connection import NodeConnection, NodeRefused
from app.link.keybook import KeyBook
from app.link.planning import next_nonce
from app.link.reader import BlockReader
from app.link.settings import LinkSettings
from app.link.wire import to_hex
from app.observability import ANCHOR_BATCH, ANCHOR_HEIGHT
from ledger.codec import Batch
from ledger.engine.layout import KeyRole
from ledger.engine.views import HeadView, Views
from ledger.log.anchors import Anchor, AnchorTable, decode_text, encode_text
from ledger.log.base import Head

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Anchoring:
    """Anchors of one ledger; the follower calls ``seen`` before it imports a block, the submitter ``on_head`` after."""

    reads: Views
    signer: SigningService
    book: KeyBook
    settings: LinkSettings
    table: AnchorTable
    _head: Head | None = None
    _pending: Signed | None = None
    _last_height: int | None = None
    _is_read: bool = False

    def observe(self, batch: Batch) -> None:
        """Take note of the log's newest batch, which is durable."""
        self._head = Head.of(batch)

    def nonces_taken(self, key: int) -> list[int]:
        """Return the nonces of a key that an anchor in flight needs for itself."""
        trading = self.book.trading
        return [self._pending.nonce] if self._pending and trading and trading.number == key else []

    async def seen(self, block: FinalisedBlock) -> None:
        """Note the anchors of a final block, before the ledger has it: nothing is missed by a crash in between."""
        trading = self.book.trading
        for extrinsic in block.extrinsics:
            told = decode_text(extrinsic.remark)
            if told is None or trading is None or extrinsic.signer != trading.public:
                continue
            batch, batch_hash = told
            await self.table.record(
                Anchor(
                    batch=batch,
                    hash=batch_hash,
                    height=block.number,
                    block_hash=block.hash,
                    extrinsic_hash=extrinsic.hash,
                )
            )
            self._last_height = max(block.number, self._last_height or 0)
            ANCHOR_BATCH.set(batch)
            ANCHOR_HEIGHT.set(block.number)
            log.info("log_anchored", batch=batch, hash=batch_hash.hex(), height=block.number)
            if self._pending is not None and extrinsic.hash == self._pending.hash:
                self._pending = None

    async def on_head(self, node: NodeConnection, head: HeadView) -> None:
        """Send again what is in flight, or sign and send the next anchor when it is due; raises ``LinkError``."""
        if not self.settings.anchor_every:
            return
        if self._pending is not None and self._pending.birth + self._pending.period <= head.number:
            self._pending = None
        if self._pending is None and await self._is_due(head):
            await self._sign(node, head)
        if self._pending is not None:
            try:
                await node.request("author_submitExtrinsic", [to_hex(self._pending.extrinsic)])
            except NodeRefused as refused:
                log.debug("anchor_not_taken", number=refused.number, message=refused.message)

    async def _is_due(self, head: HeadView) -> bool:
        trading, halts = self.book.trading, self.reads.halts()
        if trading is None or self._head is None or halts.money or halts.signer:
            return False
        if not self._is_read:
            self._last_height = await self.table.last_height()
            self._is_read = True
        if head.number < (self._last_height or 0) + self.settings.anchor_every:
            return False
        return self.reads.custody(trading.number).free >= self.settings.trading_reserve

    async def _sign(self, node: NodeConnection, head: HeadView) -> None:
        trading, end = self.book.trading, self._head
        if trading is None or end is None:
            return
        version = await node.request("state_getRuntimeVersion", [to_hex(head.hash)])
        runtime = await node.runtime(head.hash, int(version["specVersion"]))
        account = (await BlockReader(node).accounts([trading.public], head.hash))[trading.public]
        used = [job.nonce for job in self.reads.jobs() if job.signed and job.key == trading.number]
        signing = SigningRequest(
            job=None,
            job_id=0,
            role=KeyRole.TRADING,
            key=trading.number,
            nonce=next_nonce(account.nonce, used),
            call=node.compose(runtime, remark(encode_text(end.number, end.hash))),
            birth=head.number,
            birth_hash=head.hash,
            period=self.settings.settlement_period,
            genesis_hash=node.genesis_hash,
            spec_version=int(version["specVersion"]),
            transaction_version=int(version["transactionVersion"]),
        )
        try:
            self._pending = await asyncio.to_thread(self.signer.sign, signing)
        except (SigningRefused, SignerAway) as error:
            log.warning("anchor_not_signed", why=str(error))
