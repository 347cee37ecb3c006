"""What customers and the link ask for in a history beside trading: withdrawals, sweeps, signatures."""

from random import Random

from ledger.engine.layout import (
    NO_NETUID,
    CommandKind,
    Flag,
    Job,
    JobState,
)
from tests.model.scene import ABSURD, DEPOSIT_KEYS, HOT, TRADING, Scene


class Customers(Scene):
    """Everything that customers and the link ask for beside trading."""

    def withdraw(self, rng: Random) -> None:
        """Request a withdrawal, mostly one that can be paid."""
        known = list(self.exchange.addresses)
        number = rng.choice(known) if known and rng.random() < 0.95 else rng.choice((0, 1, -1, 2**62))
        address = self.exchange.addresses.get(number)
        account = address.account if address and rng.random() < 0.95 else self.any_account(rng)
        netuid = address.netuid if address and rng.random() < 0.95 else self.any_netuid(rng)
        free = self.exchange.books.free(account, 0 if netuid == NO_NETUID else netuid + 1)
        amount = rng.choice((free, free - 1_000_000, free // 2, free // 10, free // 10, *ABSURD))
        record = self.command_of(
            CommandKind.REQUEST_WITHDRAWAL,
            flags=int(Flag.ALPHA) if netuid != NO_NETUID else 0,
            account=account,
            netuid=netuid,
            amount=amount,
            max_fee=rng.choice((-1, -1, -1, 0, 1_000_000, 999_999, 2**62)),
            address_id=number,
        )
        self.post(rng, record)

    def sweep(self, rng: Random) -> None:
        """Ask for a sweep of a deposit key."""
        places = [place for place, amount in self.chain.stake.items() if amount and place[0] > TRADING]
        key = rng.choice((*DEPOSIT_KEYS[:2], len(self.exchange.keys), HOT, 0, 2**32 - 1))
        figures = {
            "key": key,
            "netuid": NO_NETUID,
            "amount": self.exchange.books.custody_free(key) if key < 2**28 else 1,
        }
        flags = 0
        if places and rng.random() < 0.6:
            key, hotkey, netuid = rng.choice(places)
            flags = int(Flag.ALPHA)
            owned = self.exchange.books.custody_stake(key, hotkey, netuid)
            figures = {"key": key, "hotkey": hotkey, "netuid": netuid, "amount": owned}
        figures["amount"] = rng.choice((figures["amount"],) * 4 + (figures["amount"] // 3, *ABSURD))
        if rng.random() < 0.05:
            figures |= rng.choice(({"hotkey": 0}, {"hotkey": 99}, {"netuid": NO_NETUID}, {"netuid": 7}))
        self.post(rng, self.command_of(CommandKind.REQUEST_SWEEP, flags=flags, **figures))

    def sign(self, rng: Random) -> None:
        """Hand in a signature for an open job, mostly a right one."""
        jobs = list(self.exchange.jobs.values())
        if not jobs:
            return
        job = rng.choice(jobs)
        signer = {Job.SETTLEMENT: TRADING, Job.WITHDRAWAL: HOT}.get(job.job, job.from_key)
        figures = {
            "job_id": job.job_id,
            "job": int(job.job),
            "key": signer,
            "nonce": rng.choice((self.exchange.seq, 3, 3, 3)),
            "birth": self.chain.height - rng.choice((0, 0, 1, 3)),
            "period": rng.choice((8, 8, 16, 64, 2)),
            "signed": 1,
        }
        if rng.random() < 0.15:
            name = rng.choice(("job_id", "job", "key", "nonce", "birth", "period", "signed"))
            wide = ABSURD if name in {"job_id", "nonce", "birth", "period"} else (0, 1, 2, 3)
            figures[name] = rng.choice(wide)
        if figures["birth"] > 2**62 or figures["period"] > 2**62:
            figures["birth"] = min(figures["birth"], 2**61)
        self.post(
            rng, self.command_of(CommandKind.ACCEPT_SIGNED, **figures), rng.choice((b"bytes", b"bytes", b"bytes", b""))
        )

    def sign_all(self, rng: Random) -> None:
        """Sign all that waits, as a working signer does."""
        for job in list(self.exchange.jobs.values()):
            if job.state == JobState.REQUESTED:
                signer = {Job.SETTLEMENT: TRADING, Job.WITHDRAWAL: HOT}.get(job.job, job.from_key)
                self.texts += 1
                record = self.command_of(
                    CommandKind.ACCEPT_SIGNED,
                    job_id=job.job_id,
                    job=int(job.job),
                    key=signer,
                    nonce=10**6 + self.texts,
                    birth=self.exchange.head,
                    period=rng.choice((2, 8, 64)),
                    signed=1,
                )
                self.post(rng, record, b"signed")

    def release(self, rng: Random) -> None:
        """Release a job, open or not."""
        jobs = list(self.exchange.jobs.values())
        job_id, kind = (jobs[-1].job_id, jobs[-1].job) if jobs else (5, Job.SWEEP)
        named = rng.choice((int(kind), int(kind), int(kind), 0, 1, 2, 3))
        job_id = rng.choice((job_id, job_id, job_id, 0, -1))
        self.post(rng, self.command_of(CommandKind.RELEASE_JOB, job_id=job_id, job=named))
