"""Follows the finalised chain: every height in order, each one as a head group through the sequencer.

It holds no state that matters: where to go on stands in the ledger, and what is in flight too. A connection that fails
or falls silent is thrown away and rebuilt, with growing pauses. A head that the ledger refuses stops it: money movement
is halted then, and only an operator who clears that halt makes it try again.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog

from app.custody.signer import SigningService
from app.link.anchoring import Anchoring
from app.link.blocks import FinalisedBlock
from app.link.connection import LinkError, NodeConnection, NodeLost
from app.link.keybook import KeyBook
from app.link.reader import BlockReader
from app.link.settings import LinkSettings
from app.link.submitter import Submit, Submitter
from app.link.translate import hotkeys_needed, reads_for, translate_head
from ledger.codec import Batch
from ledger.engine.layout import CommandKind, EventKind, KeyRole
from ledger.engine.records import body_digest, client_id, command, request
from ledger.engine.views import Views
from ledger.errors import InvariantBroken
from ledger.failpoints import fail_point
from ledger.log.anchors import AnchorTable
from ledger.sequencer import SequencerStopped, Unavailable

log = structlog.get_logger(__name__)

_ARRIVALS = {EventKind.DEPOSIT_CREDITED, EventKind.DEPOSIT_SUSPENDED, EventKind.SWEEP_BOOKED, EventKind.SWEEP_CLOSED}
"""Events after which a deposit key may have something to sweep."""


@dataclass(slots=True)
class LinkStatus:
    """What the link tells of itself."""

    connected: bool = False
    finalised: int = 0
    """Height of the finalised head that the node told last."""
    imported: int = 0
    acted: int = 0
    """Height of the last head after which jobs were signed and sent."""
    refused: int = 0
    """Refusal code of the head that the ledger did not take, 0 while all is well."""
    reconnects: int = 0
    last_error: str = ""


@dataclass(slots=True)
class ChainLink:
    """The link of one ledger to one node.

    ``reads``: of a replica that has seen every published batch; ``observe`` must be called with the same batches, in
    order, after the replica has evolved.
    """

    settings: LinkSettings
    reads: Views
    submit: Submit
    submitter: Submitter
    book: KeyBook
    status: LinkStatus = field(default_factory=LinkStatus)
    _first: bool = True
    _task: asyncio.Task[None] | None = None

    @classmethod
    def of(
        cls,
        settings: LinkSettings,
        reads: Views,
        submit: Submit,
        signer: SigningService,
        anchors: AnchorTable | None = None,
    ) -> "ChainLink":
        """Return the link of a ledger as it stands; subscribe ``observe`` before anything else is submitted.

        ``anchors``: where anchors of the log are noted; without it there are none.
        """
        book = KeyBook.of(reads)
        submitter = Submitter(reads, submit, signer, book, settings)
        if anchors is not None:
            submitter.anchoring = Anchoring(reads, signer, book, settings, anchors)
        return cls(settings=settings, reads=reads, submit=submit, submitter=submitter, book=book)

    def observe(self, batch: Batch) -> None:
        """Take in a published batch: keys, hotkeys, markets, positions, and what may be swept."""
        self.book.apply(batch.events, batch.payloads)
        if self.submitter.anchoring is not None:
            self.submitter.anchoring.observe(batch)
        for event in batch.events:
            key = self.book.keys.get(int(event["key"]))
            if int(event["kind"]) in _ARRIVALS and key is not None and key.role is KeyRole.DEPOSIT:
                self.submitter.sweep_candidates.add(key.number)

    def start(self) -> asyncio.Task[None]:
        """Begin to follow on the running loop and return the task; it ends only by ``stop`` or a broken invariant."""
        self.submitter.sweep_candidates |= {k.number for k in self.book.keys.values() if k.role is KeyRole.DEPOSIT}
        self._task = asyncio.create_task(self.run(), name="chain link")
        return self._task

    async def stop(self) -> None:
        """Stop following; what was in flight is taken up again at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def run(self) -> None:
        """Follow until cancelled or until the sequencer has stopped."""
        pause_s = self.settings.backoff_min_s
        while True:
            imported = self.status.imported
            try:
                async with NodeConnection(self.settings.url, timeout_s=self.settings.request_timeout_s) as node:
                    self.status.connected = True
                    await self._follow(node)
            except SequencerStopped:
                return
            except InvariantBroken:
                raise
            except (LinkError, Unavailable) as error:
                log.warning("link_lost", error=str(error))
                self.status.last_error = str(error)
            except Exception as error:  # the next connection tries the same block again; the money waits meanwhile
                log.exception("link_failed")
                self.status.last_error = f"{type(error).__name__}: {error}"
            finally:
                self.status.connected = False
            if self.status.imported > imported:
                pause_s = self.settings.backoff_min_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self.settings.backoff_max_s)
            self.status.reconnects += 1

    async def _follow(self, node: NodeConnection) -> None:
        """Import whatever is finalised at every notification; raises ``NodeLost`` when none comes for too long."""
        reader = BlockReader(node)
        heads = node.subscribe("chain_subscribeFinalizedHeads")
        fresh = True
        while True:
            try:
                async with asyncio.timeout(self.settings.silence_s):
                    header = await anext(heads)
            except TimeoutError as error:
                raise NodeLost(f"no head for {self.settings.silence_s} s") from error
            if not fresh and int(header["number"], 16) <= self.reads.head().number:
                continue
            await self.catch_up(node, reader)
            fresh = False

    async def catch_up(self, node: NodeConnection, reader: BlockReader) -> None:
        """Import every height up to the finalised head, then let the submitter act on the last one."""
        self.status.finalised, _ = await reader.finalised()
        head = self.reads.head()
        if self._is_stopped():
            return
        await self._check_same_chain(reader)
        height = head.number + 1 if head.number or any(head.hash) else self._first_height()
        while height <= self.status.finalised:
            if not await self._import(reader, height):
                return
            height += 1
        await self.submitter.on_head(node, self.reads.head())
        self.status.acted = self.reads.head().number

    def _is_stopped(self) -> bool:
        """Return whether a refused head still waits for an operator, who shows by clearing the halt."""
        if self.status.refused and not self.reads.halts().money:
            self.status.refused = 0
            self._first = True
        return bool(self.status.refused)

    def _first_height(self) -> int:
        start = self.settings.start_height
        return self.status.finalised if start is None else start

    async def _check_same_chain(self, reader: BlockReader) -> None:
        """Tell a changed finalised hash loudly; the next head group is refused for it by the ledger."""
        head = self.reads.head()
        if not head.number:
            return
        if self.status.finalised < head.number:
            log.warning("node_behind", finalised=self.status.finalised, head=head.number)
            return
        found = await reader.hash_at(head.number)
        if found != head.hash:
            log.error("finalised_hash_changed", height=head.number, ours=head.hash.hex(), node=(found or b"").hex())

    async def _import(self, reader: BlockReader, height: int) -> bool:
        """Import one height; ``False`` where the ledger refused it."""
        # Alpha of a subnet that is not listed may lie with us too, in suspense, and grow at that subnet's epochs.
        netuids = {*self.book.listed, *(netuid for _, _, netuid in self.book.positions)}
        block = await reader.block(height, sorted(netuids))
        for public in hotkeys_needed(block, self.book):
            await self._add_hotkey(public)
        block = await self._filled(reader, block)
        if self.submitter.anchoring is not None:
            await self.submitter.anchoring.seen(block)
        fail_point("link.read")
        begun = any(self.reads.head().hash)
        answer = await self.submit(translate_head(block, self.book, self.reads.jobs(), first=not begun))
        if answer.code:
            log.error("head_refused", height=height, code=answer.code, value=answer.value, bound=answer.bound)
            self.status.refused = answer.code
            return False
        fail_point("link.imported")
        self._first = False
        self.status.imported = height
        return True

    async def _filled(self, reader: BlockReader, block: FinalisedBlock) -> FinalisedBlock:
        everything = self._first or block.number % self.settings.everything_every == 0
        return await reader.fill(block, reads_for(block, self.book, self.reads.jobs(), everything=everything))

    async def _add_hotkey(self, public: bytes) -> None:
        """Make a hotkey known to the ledger; one that it refuses stays unknown, and what stands under it unseen."""
        hi, lo = client_id(f"hotkey/{public.hex()}")
        number = max(self.book.hotkeys, default=0) + 1
        answer = await self.submit(
            request(
                command(
                    CommandKind.ADD_HOTKEY,
                    hotkey=number,
                    public=1,
                    client_id_hi=hi,
                    client_id_lo=lo,
                    body_digest=body_digest(public),
                ),
                payloads=[public],
            )
        )
        if answer.code:
            log.warning("hotkey_refused", public=public.hex(), code=answer.code, bound=answer.bound)
