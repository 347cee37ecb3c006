"""The signer: reads the call itself, asks its own policy and memory, writes down what it will say, and then signs.

It trusts no one with what a call means, what it is for, or whether it was signed before. A job is one (key, nonce,
call) for as long as the journal knows it: asked again while the era lives it gives the same bytes, and afterwards only
the same nonce, so that of all signatures for one payment at most one can ever be in the chain.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.custody.calls import SPEC_VERSION, TRANSACTION_VERSION, ChangeProxy, Remark, parse_call
from app.custody.errors import SigningRefused
from app.custody.journal import Entry, Journal
from app.custody.keys import Keyring
from app.custody.policy import Policy
from app.custody.scale import compact, era, extrinsic_hash, signed_extrinsic, signing_payload
from ledger.engine.layout import Job, KeyRole
from ledger.failpoints import fail_point

ROLE_OF_JOB = {Job.SETTLEMENT: KeyRole.TRADING, Job.WITHDRAWAL: KeyRole.HOT, Job.SWEEP: KeyRole.DEPOSIT}


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """What the submitter asks for; ``job`` is ``None`` (and ``job_id`` 0) for an operator's set-up call."""

    job: Job | None
    job_id: int
    role: KeyRole
    key: int
    nonce: int
    call: bytes
    birth: int
    """Height of the finalised head at which the era begins."""
    birth_hash: bytes
    period: int
    genesis_hash: bytes
    spec_version: int
    transaction_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Signed bytes with what they say; after a restart these may be those of an earlier request for the same job."""

    extrinsic: bytes
    hash: bytes
    nonce: int
    birth: int
    period: int


class SigningService(Protocol):
    """The signer as the link calls it, in this process or in another; calls may block, so they are made in threads."""

    def sign(self, request: SigningRequest) -> Signed:
        """Return signed bytes that are in the journal; raises ``SigningRefused``, ``SignerAway``."""

    def remembered(self, job_id: int) -> Signed | None:
        """Return the last signature for a job; raises ``SignerAway``."""


@dataclass(slots=True)
class Signer:
    """Signs for our keys under the policy; safe to call from several threads."""

    keyring: Keyring
    policy: Policy
    journal: Journal
    genesis_hash: bytes
    clock_ms: Callable[[], int]
    versions: frozenset[tuple[int, int]] = frozenset({(SPEC_VERSION, TRANSACTION_VERSION)})
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sign(self, request: SigningRequest) -> Signed:
        """Return signed bytes that are in the journal already.

        Raises ``SigningRefused``: ``genesis_unknown``, ``version_unknown``, ``role_wrong``, ``job_changed``,
        ``nonce_taken``, ``era_period``, and all codes of ``calls.py`` and ``policy.py``.
        """
        with self._lock:
            return self._sign(request)

    def remembered(self, job_id: int) -> Signed | None:
        """Return the last signature for a job: the submitter asks first for jobs that were signed before a restart."""
        entry = self.journal.of_job(job_id)
        return None if entry is None else _signed(entry)

    def _sign(self, request: SigningRequest) -> Signed:
        if request.genesis_hash != self.genesis_hash:
            raise SigningRefused("genesis_unknown", request.genesis_hash.hex())
        if (request.spec_version, request.transaction_version) not in self.versions:
            raise SigningRefused("version_unknown", "", request.spec_version, SPEC_VERSION)
        call = parse_call(request.call)
        if request.job is None:
            if request.job_id or not isinstance(call, ChangeProxy | Remark):
                raise SigningRefused("role_wrong", "without a job only set-up calls are signed")
        elif ROLE_OF_JOB[request.job] is not request.role or request.job_id <= 0 or isinstance(call, ChangeProxy):
            raise SigningRefused("role_wrong", f"{request.role.name} does not sign {request.job.name}")
        payment = self.policy.check(request.role, call)

        before = self.journal.of_job(request.job_id) if request.job_id else None
        if before is not None:
            if (before.role, before.key, before.call) != (request.role, request.key, request.call.hex()):
                raise SigningRefused("job_changed", f"job {request.job_id} was signed with another key or call")
            if request.birth < before.birth + before.period:
                return _signed(before)
            if before.nonce != request.nonce:
                raise SigningRefused("job_changed", "only with its first nonce", request.nonce, before.nonce)
        rival = self.journal.of_nonce(request.role, request.key, request.nonce)
        if rival is not None and rival.job_id != request.job_id and request.birth < rival.birth + rival.period:
            raise SigningRefused("nonce_taken", f"by job {rival.job_id}", request.nonce, 0)
        now_ms = self.clock_ms()
        if payment is not None and before is None:
            last_hour, last_day = self.journal.spent(payment.asset, now_ms)
            self.policy.check_amount(payment, last_hour=last_hour, last_day=last_day)

        entry = Entry(
            job_id=request.job_id,
            role=request.role,
            key=request.key,
            nonce=request.nonce,
            birth=request.birth,
            period=request.period,
            call=request.call.hex(),
            asset=-1 if payment is None else payment.asset,
            amount=0 if payment is None else payment.amount,
            ts_ms=now_ms,
            extrinsic=self._extrinsic(request).hex(),
        )
        self.journal.append(entry)
        fail_point("signer.journalled")
        return _signed(entry)

    def _extrinsic(self, request: SigningRequest) -> bytes:
        extra = era(request.birth, request.period) + compact(request.nonce) + compact(0) + b"\x00"
        message = signing_payload(
            request.call,
            extra,
            spec_version=request.spec_version,
            transaction_version=request.transaction_version,
            genesis_hash=request.genesis_hash,
            birth_hash=request.birth_hash,
        )
        signature = self.keyring.sign(request.role, request.key, message)
        return signed_extrinsic(self.keyring.public(request.role, request.key), signature, extra, request.call)


def _signed(entry: Entry) -> Signed:
    extrinsic = bytes.fromhex(entry.extrinsic)
    return Signed(
        extrinsic=extrinsic,
        hash=extrinsic_hash(extrinsic),
        nonce=entry.nonce,
        birth=entry.birth,
        period=entry.period,
    )
