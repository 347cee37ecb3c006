"""Turns jobs of the ledger into signed extrinsics: durable first, sent then, and the same bytes again at every head.

``reads`` must be those of a state that is durable (a replica of the published batches): what it calls signed is sent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from app.custody.errors import SignerAway, SigningRefused
from app.custody.signer import Signed, SigningRequest, SigningService
from app.link.anchoring import Anchoring
from app.link.calls import calls_for, signer_of
from app.link.connection import NodeConnection, NodeRefused
from app.link.keybook import KeyBook
from app.link.planning import SweepWish, next_nonce, signable, sweep_wish, sweeps
from app.link.reader import BlockReader
from app.link.settings import LinkSettings
from app.link.wire import to_hex
from ledger.engine.api import Answer, Request
from ledger.engine.layout import NO_NETUID, CommandKind, Flag, JobState
from ledger.engine.records import command, request
from ledger.engine.views import AnyJob, HeadView, SettlementJob, SweepJob, Views
from ledger.failpoints import fail_point

Submit = Callable[[Request], Awaitable[Answer]]

log = structlog.get_logger(__name__)

NORMAL_REFUSALS = (1010, 1012, 1013, 1014, 1016)
"""Answers of a node's pool that a resent extrinsic meets in the normal course: in the pool already, in a block already,
its era over, banned for a while, pool full. What really became of it, the finalised blocks tell."""


@dataclass(slots=True)
class Submitter:
    """Signs and sends for one ledger; ``on_head`` is called after each head at the tip, never twice at once."""

    reads: Views
    submit: Submit
    signer: SigningService
    book: KeyBook
    settings: LinkSettings
    sweep_candidates: set[int] = field(default_factory=set)
    """Deposit keys that may hold something to sweep; fed by ``follower.py``."""
    anchoring: Anchoring | None = None

    async def on_head(self, node: NodeConnection, head: HeadView) -> None:
        """Send again what is signed, sign and send what may be, and ask for sweeps.

        Raises ``LinkError`` where the node fails; nothing is lost by that, the next head does it again.
        """
        jobs = self.reads.jobs()
        for job in jobs:
            if job.state is JobState.SIGNED:
                await self.send(node, job.signed)
        chosen = list(signable(jobs, self.book, self.reads, self.settings))
        try:
            if chosen:
                await self._sign_all(node, head, chosen)
        except SignerAway as error:
            log.warning("jobs_not_signed", jobs=len(chosen), why=str(error))
        await self._ask_for_sweeps()
        if self.anchoring is not None:
            await self.anchoring.on_head(node, head)

    async def send(self, node: NodeConnection, extrinsic: bytes) -> None:
        """Give signed bytes to the node; what its pool has against them is noted, not decided on."""
        try:
            await node.request("author_submitExtrinsic", [to_hex(extrinsic)])
        except NodeRefused as refused:
            level = log.debug if refused.number in NORMAL_REFUSALS else log.warning
            level("extrinsic_not_taken", number=refused.number, message=refused.message, data=refused.data)

    async def _sign_all(self, node: NodeConnection, head: HeadView, jobs: list[AnyJob]) -> None:
        version = await node.request("state_getRuntimeVersion", [to_hex(head.hash)])
        spec, transaction = int(version["specVersion"]), int(version["transactionVersion"])
        runtime = await node.runtime(head.hash, spec)
        # What was signed before a restart, and did not get into the ledger, keeps its nonce: it comes first.
        remembered = {job.job_id for job in jobs if await self._is_remembered(job.job_id)}
        jobs.sort(key=lambda job: (job.job_id not in remembered, job.job_id))
        nonces: dict[int, int] = {}
        for job in jobs:
            role, number = signer_of(job, self.book)
            if number not in nonces:
                public = self.book.keys[number].public
                nonces[number] = (await BlockReader(node).accounts([public], head.hash))[public].nonce
            used = [other.nonce for other in self.reads.jobs() if other.signed and other.key == number]
            if self.anchoring is not None:
                used += self.anchoring.nonces_taken(number)
            try:
                signing = SigningRequest(
                    job=job.job,
                    job_id=job.job_id,
                    role=role,
                    key=number,
                    nonce=next_nonce(nonces[number], used),
                    call=node.compose(runtime, calls_for(job, self.book)),
                    birth=head.number,
                    birth_hash=head.hash,
                    period=self._period(job),
                    genesis_hash=node.genesis_hash,
                    spec_version=spec,
                    transaction_version=transaction,
                )
                signed = await asyncio.to_thread(self.signer.sign, signing)
            except (SigningRefused, LookupError, ValueError) as error:
                log.warning("job_not_signed", job_id=job.job_id, job=job.job.name, why=str(error))
                continue
            fail_point("link.signed")
            if await self._accept(job, number, signed):
                fail_point("link.accepted")
                await self.send(node, signed.extrinsic)
                fail_point("link.sent")

    async def _is_remembered(self, job_id: int) -> bool:
        return await asyncio.to_thread(self.signer.remembered, job_id) is not None

    async def _accept(self, job: AnyJob, key: int, signed: Signed) -> bool:
        """Have the signed bytes made durable; only then may they leave."""
        answer = await self.submit(
            request(
                command(
                    CommandKind.ACCEPT_SIGNED,
                    job_id=job.job_id,
                    job=job.job,
                    key=key,
                    nonce=signed.nonce,
                    birth=signed.birth,
                    period=signed.period,
                    signed=1,
                ),
                payloads=[signed.extrinsic],
            )
        )
        if answer.code:
            log.warning("signed_not_accepted", job_id=job.job_id, job=job.job.name, code=answer.code)
        return answer.code == 0

    def _period(self, job: AnyJob) -> int:
        return self.settings.settlement_period if isinstance(job, SettlementJob) else self.settings.payment_period

    async def _ask_for_sweeps(self) -> None:
        halts = self.reads.halts()
        if halts.money or halts.signer:
            return
        for wish in sweeps(self.sweep_candidates, self.book, self.reads, self.settings):
            answer = await self.submit(_sweep_request(wish))
            if answer.code:
                log.warning("sweep_refused", key=wish.key, code=answer.code)
                self.sweep_candidates.discard(wish.key)
        self._forget_done()

    def _forget_done(self) -> None:
        """Drop candidates that hold too little; a later deposit brings them back."""
        busy = {job.deposit_key for job in self.reads.jobs() if isinstance(job, SweepJob)}
        for number in list(self.sweep_candidates - busy):
            if sweep_wish(number, self.book, self.reads, self.settings) is None:
                self.sweep_candidates.discard(number)


def _sweep_request(wish: SweepWish) -> Request:
    return request(
        command(
            CommandKind.REQUEST_SWEEP,
            flags=0 if wish.netuid is None else Flag.ALPHA,
            key=wish.key,
            netuid=NO_NETUID if wish.netuid is None else wish.netuid,
            hotkey=wish.hotkey,
            amount=wish.amount,
        )
    )
