"""Everything that can happen to the exchange, each with a source of chance: what a history is made of."""

import copy
import json
from collections.abc import Callable, Sequence
from random import Random

from amm.reference import Pool, Side
from ledger.engine.api import Records, Request
from ledger.engine.layout import (
    MAX_AMOUNT,
    NO_NETUID,
    CommandKind,
    Flag,
    Halt,
    Job,
    JobState,
    KeyRole,
    Stage,
)
from ledger.engine.records import client_id, command, head_group, request
from tests.model.chain import SPEC, TAO, Block, Chain
from tests.model.laws import check_laws
from tests.model.twin import Twin, kind_of
from tests.support.naive_engine import NaiveAnswer

ABSURD = (0, -1, 1, 2, MAX_AMOUNT, MAX_AMOUNT + 1, -(2**63), 2**63 - 1)
NETUIDS = (1, 2, 7)
HOT, TRADING = 1, 2
START_MS = 1_800_000_000_000


class World:
    """One history: both engines, the chain, the clock, and what was sent so far."""

    def __init__(self, rng: Random) -> None:
        self.twin = Twin()
        self.exchange = self.twin.exchange
        self.chain = Chain()
        self.backlog: list[tuple[Request, Chain]] = []
        self.outbox: list[Request] = []
        self.sent: list[Request] = []
        self.trace: list[str] = []
        self.ts = START_MS
        self.texts = 0
        self.trouble = rng.choice((0.0, 0.05, 0.05, 0.2, 1.0))
        self.found(rng)

    # sending

    def send(self, *requests: Request) -> list[NaiveAnswer]:
        """Send what waits and these, as one batch, and hold the result against the laws."""
        batch = [*self.outbox, *requests]
        self.outbox = []
        self.trace.append(f"ts {self.ts}: " + ", ".join(map(kind_of, batch)))
        before = self.exchange.seq
        answers = self.twin.decide(self.ts, batch)
        check_laws(self.exchange, [event for answer in answers for event in answer.events])
        assert self.exchange.seq == before + sum(len(answer.events) for answer in answers), "seq has no gaps"
        return answers[len(answers) - len(requests) :]

    def post(self, rng: Random, record: Records, *payloads: bytes) -> None:
        """Send a command, now or in one batch with what follows; under a client id, most of the time."""
        kind = int(record["kind"][0])
        if kind not in {CommandKind.ACCEPT_SIGNED, CommandKind.RELEASE_JOB} and rng.random() < 0.8:
            self.texts += 1
            record["id_hi"], record["id_lo"] = client_id(f"id {self.texts}")
            record["digest"] = rng.randrange(-(2**63), 2**63)
        one = request(record, payloads=payloads)
        self.sent = [*self.sent[-50:], one]
        if rng.random() < 0.3:
            self.outbox.append(one)
        else:
            self.send(one)

    def repeat(self, rng: Random) -> None:
        """Send something again: as it was, or with another body under the same id."""
        if not self.sent:
            return
        again = rng.choice(self.sent)
        commands = again.commands.copy()
        if rng.random() < 0.4:
            commands["digest"] += 1
        one = Request(commands, again.payloads)
        self.send(*[one] * rng.choice((1, 1, 2)))

    def wait(self, rng: Random) -> None:
        """Let time pass; a clock that runs backwards changes nothing."""
        self.ts += rng.choice(
            (0, 1, 100, 900, 2_900, 3_001, 10_000, 86_400_000, 4 * 86_400_000, 15 * 86_400_000, -5_000)
        )

    # the beginning

    def found(self, rng: Random) -> None:
        """Set up what most histories need: keys, accounts, markets, a first head with the house's money on it."""
        names = [self.command_of(CommandKind.OPEN_ACCOUNT, name=1), self.command_of(CommandKind.OPEN_ACCOUNT, name=1)]
        self.send(*[request(record, payloads=[f"customer {i}".encode()]) for i, record in enumerate(names)])
        for number, (role, account) in enumerate(
            ((KeyRole.HOT, 0), (KeyRole.TRADING, 0), (KeyRole.DEPOSIT, 1), (KeyRole.DEPOSIT, 2)), 1
        ):
            record = self.command_of(CommandKind.ADD_CHAIN_KEY, key=number, role=int(role), account=account, public=1)
            self.send(request(record, payloads=[bytes([number]) * 32]))
        for number in (1, 2):
            record = self.command_of(CommandKind.ADD_HOTKEY, hotkey=number, public=1)
            self.send(request(record, payloads=[bytes([100 + number]) * 32]))
        for netuid in rng.choice(((1, 2), (2, 1), (1,))):
            stage = int(Stage.LIMIT_ONLY if self.is_troubled(rng) else Stage.ONLINE)
            record = self.command_of(
                CommandKind.LIST_MARKET, netuid=netuid, stage=stage, hotkey=1, registered_at=7, body=1
            )
            self.send(request(record, payloads=[b"{}"]))
        for netuid in NETUIDS:
            self.chain.pools[netuid] = any_pool(rng, odd=self.is_troubled(rng))
        if not self.is_troubled(rng) or rng.random() < 0.5:
            self.fund(rng)
        self.settle_heads(rng, 1)
        for market in self.exchange.ascending():
            if not self.is_troubled(rng):
                self.post(rng, self.configuration(rng, market.netuid, sound=True))
        for account in (1, 2):
            for netuid in (NO_NETUID, *self.exchange.markets):
                if rng.random() < 0.8:
                    self.post(rng, *self.address(rng, account, netuid))
        self.settle_heads(rng, 1)

    def fund(self, rng: Random) -> None:
        """Put the house's money on the hot key, and something for customers on theirs."""
        rich = sum(pool.tao for pool in self.chain.pools.values())
        self.chain.free[HOT] = min(rich, MAX_AMOUNT) if rng.random() < 0.8 else rng.randrange(1, 10**4) * TAO // 100
        self.chain.free[TRADING] = TAO
        self.chain.reserved[HOT] = rng.choice((0, 93_000_000))
        for netuid in self.exchange.markets:
            self.chain.stake[HOT, 1, netuid] = self.chain.pools[netuid].alpha // rng.choice(
                (5, 20, 100, 500, 2_000, 8_000)
            )
        self.settle_heads(rng, 1)
        if rng.random() < 0.9:

            def give(block: Block) -> None:
                for key in (3, 4):
                    block.deposit(key, rng.randrange(1, 10**5) * TAO)
                    for netuid in self.exchange.markets:
                        block.deposit(key, rng.randrange(1, 10**14), netuid=netuid, hotkey=1)

            self.import_block(rng, give)

    def command_of(self, kind: CommandKind, *, flags: int = 0, **figures: int) -> Records:
        """Build a command."""
        return command(kind, flags=flags, **figures)

    # operators

    def open_account(self, rng: Random) -> None:
        """Open an account, sometimes with a bad name."""
        self.texts += 1
        name = rng.choice(
            (f"customer {self.texts}".encode(), b"", b"customer 1", b"\xff", b"x" * 65, "ä".encode(), b"a\n")
        )
        payloads = rng.choice(((name,), (name,), (name,), ()))
        self.post(rng, self.command_of(CommandKind.OPEN_ACCOUNT, name=1), *payloads)

    def add_api_key(self, rng: Random) -> None:
        """Add an API key."""
        self.texts += 1
        body = rng.choice(
            (
                json.dumps({"key": f"k{rng.randrange(5)}", "sealed": "s"}).encode(),
                json.dumps({"key": f"k{self.texts}", "sealed": "s"}).encode(),
                *(b"{}", b"[]", b"", b"\xff{", b'{"key": 1, "sealed": "s"}', b'{"key": "", "sealed": "s"}'),
            )
        )
        figures = {
            "account": self.any_account(rng),
            "permissions": rng.choice(ABSURD),
            "nonce_window": rng.choice(ABSURD),
        }
        self.post(rng, self.command_of(CommandKind.ADD_API_KEY, body=1, **figures), body)

    def add_chain_key(self, rng: Random) -> None:
        """Add a chain key."""
        role = rng.choice((KeyRole.DEPOSIT, KeyRole.DEPOSIT, KeyRole.HOT, KeyRole.TRADING, 0, 4, 65_535))
        number = rng.choice((len(self.exchange.keys) + 1,) * 3 + (0, 1, 2**32 - 1))
        public = rng.choice((rng.randbytes(32), rng.randbytes(32), bytes([1]) * 32, b"short"))
        account = rng.choice((self.any_account(rng), 0))
        self.post(
            rng,
            self.command_of(CommandKind.ADD_CHAIN_KEY, key=number, role=int(role), account=account, public=1),
            public,
        )

    def add_hotkey(self, rng: Random) -> None:
        """Add a hotkey."""
        number = rng.choice((self.exchange.hotkeys + 1,) * 3 + (0, 1))
        public = rng.choice((rng.randbytes(32), rng.randbytes(32), bytes([101]) * 32, b""))
        self.post(rng, self.command_of(CommandKind.ADD_HOTKEY, hotkey=number, public=1), public)

    def list_market(self, rng: Random) -> None:
        """List a market."""
        record = self.command_of(
            CommandKind.LIST_MARKET,
            netuid=rng.choice((*NETUIDS, 0, NO_NETUID - 1, NO_NETUID)),
            stage=rng.choice((*Stage, 0, 10, 65_535)),
            hotkey=rng.choice((0, 1, 1, 1, self.exchange.hotkeys, self.exchange.hotkeys + 1)),
            registered_at=rng.choice((0, 5, -1)),
            body=rng.choice((0, 1, 1, 1, 2)),
        )
        self.post(rng, record, rng.choice((b"{}", b'{"symbol": "SN"}', b"1", b"")))

    def set_stage(self, rng: Random) -> None:
        """Move a market to a stage, mostly to the one where things happen."""
        if not self.is_troubled(rng):
            return
        stage = rng.choice((*[Stage.ONLINE] * 20, *Stage, 0, 10))
        self.post(rng, self.command_of(CommandKind.SET_STAGE, netuid=self.any_netuid(rng), stage=int(stage)))

    def recover(self, rng: Random) -> None:
        """Bring everything back to where trading is possible."""
        self.clear_all_halts(rng)
        for netuid in self.exchange.markets:
            self.post(rng, self.command_of(CommandKind.SET_STAGE, netuid=netuid, stage=int(Stage.ONLINE)))

    def configuration(self, rng: Random, netuid: int, *, sound: bool) -> Records:
        """Build a market's configuration."""
        pool = self.chain.pools.get(netuid, Pool(TAO, TAO))
        figures = {
            "target": self.any_target(rng, netuid, pool),
            "min_settle": rng.choice((0, 10_000_000, 10**10)),
            "k_ppm": rng.choice((500_000, 500_000, 500_000, 999_999, 20_000, 0 if self.is_troubled(rng) else 100_000)),
            "taker_ppm": rng.choice((2_600, 2_600, 0, 999_999)),
            "maker_ppm": rng.choice((1_600, 0)),
            "tolerance_ppm": rng.choice((10_000, 0, 999_999)),
            "backed": rng.choice((1, 1, 1, 0)),
        }
        if not sound:
            figures[rng.choice(list(figures))] = rng.choice((2, 7, 10**6))
            figures[rng.choice(("target", "min_settle", "k_ppm", "taker_ppm", "tolerance_ppm"))] = rng.choice(ABSURD)
        return self.command_of(CommandKind.SET_MARKET, netuid=netuid, **figures)

    def any_target(self, rng: Random, netuid: int, pool: Pool) -> int:
        """Return a target: near what the house has, or a share of the pool."""
        if rng.random() < 0.6:
            return max(self.exchange.books.position(netuid) + rng.randrange(-(10**9), 10**9), 0)
        return pool.alpha // rng.choice((5, 20, 100, 500, 10**5 if self.is_troubled(rng) else 50))

    def set_market(self, rng: Random) -> None:
        """Configure a market."""
        self.post(rng, self.configuration(rng, self.any_netuid(rng), sound=not self.is_troubled(rng)))

    def set_halt(self, rng: Random) -> None:
        """Halt something, or clear it; mostly clear."""
        if not self.is_troubled(rng):
            return
        bits = rng.choice((Halt.MONEY, Halt.WITHDRAWALS, Halt.INSTANT, Halt.SIGNER, 15, 0, 16, 65_535))
        netuid = rng.choice((NO_NETUID, self.any_netuid(rng)))
        flags = Flag.ARM if rng.random() < 0.3 else 0
        self.post(rng, self.command_of(CommandKind.SET_HALT, netuid=netuid, halt=int(bits), flags=int(flags)))
        self.mostly_recover(rng)

    def mostly_recover(self, rng: Random) -> None:
        """Let trouble be short, most of the time."""
        if rng.random() < 0.7:
            self.recover(rng)

    def clear_all_halts(self, rng: Random) -> None:
        """Clear every halt, as an operator does when the reason is understood."""
        for netuid in (NO_NETUID, *self.exchange.markets):
            self.post(rng, self.command_of(CommandKind.SET_HALT, netuid=netuid, halt=15))

    def address(self, rng: Random, account: int, netuid: int) -> tuple[Records, bytes]:
        """Build a sound address."""
        self.texts += 1
        body = json.dumps({"name": f"a{self.texts}", "public": rng.randbytes(32).hex()}).encode()
        flags = int(Flag.ALPHA) if netuid != NO_NETUID else 0
        usable = self.ts + rng.choice((-1, 0, 0, 1_000))
        figures = {"account": account, "netuid": netuid, "usable_from": usable, "hotkey": rng.choice((0, 1)), "body": 1}
        return self.command_of(CommandKind.ADD_ADDRESS, flags=flags, **figures), body

    def add_address(self, rng: Random) -> None:
        """Add an address, sometimes a bad one."""
        record, body = self.address(rng, self.any_account(rng), rng.choice((NO_NETUID, self.any_netuid(rng))))
        if rng.random() < 0.3:
            record["other"] = rng.choice((2, 3, 2**32 - 1))
        if rng.random() < 0.3:
            body = rng.choice(
                (b"", b"{}", b'{"name": "a1"}', b'{"name": "", "public": "00"}', b'{"name": "n", "public": "XY"}')
            )
        self.post(rng, record, body)

    def announce_funding(self, rng: Random) -> None:
        """Announce house money; it may arrive later."""
        alpha = rng.random() < 0.5
        netuid = rng.choice((self.any_netuid(rng), self.any_netuid(rng), NO_NETUID))
        amount = rng.choice((5 * TAO, 7 * TAO, 100 * TAO, *ABSURD))
        flags = int(Flag.ALPHA) if alpha else 0
        self.post(rng, self.command_of(CommandKind.ANNOUNCE_FUNDING, netuid=netuid, amount=amount, flags=flags))

    def resolve_suspense(self, rng: Random) -> None:
        """Resolve suspense: all of it, a part, too much, by too few."""
        alpha = rng.random() < 0.5
        netuid = self.any_netuid(rng) if alpha else rng.choice((NO_NETUID, self.any_netuid(rng)))
        suspended = self.exchange.books.suspense(netuid + 1 if alpha else 0)
        amount = rng.choice((suspended, suspended, suspended // 2, suspended + 1, *ABSURD))
        record = self.command_of(
            CommandKind.RESOLVE_SUSPENSE,
            flags=int(Flag.ALPHA) if alpha else 0,
            netuid=netuid,
            amount=amount,
            account=rng.choice((0, 0, self.any_account(rng))),
            first_operator=rng.choice((1, 1, 1, 0)),
            second_operator=rng.choice((2, 2, 2, 1, 0)),
        )
        self.post(rng, record)

    def unknown_command(self, rng: Random) -> None:
        """Send a kind that does not exist."""
        record = self.command_of(CommandKind.CANCEL_ORDER, account=self.any_account(rng))
        record["kind"] = rng.choice((0, 12, 19, 23, 29, 33, 39, 52, 99, 65_535))
        self.post(rng, record)

    # customers

    def order(self, rng: Random) -> None:
        """Place an order of any size and shape; most make sense."""
        account, netuid = self.any_account(rng), self.any_netuid(rng)
        if rng.random() < 0.8:
            account, netuid = rng.choice((1, 2)), rng.choice(list(self.exchange.markets))
        market = self.exchange.markets.get(netuid)
        books = self.exchange.books
        sell, quote, limited = rng.random() < 0.45, rng.random() < 0.5, rng.random() < 0.4
        flags = (Flag.SELL if sell else 0) | (Flag.LIMIT | Flag.IOC if limited else 0)
        room = market.cap - market.used if market else 0
        price = max(market.spot, 1) if market else TAO
        tao = rng.choice(
            (room, room + 1, *[room // rng.randrange(2, 50)] * 6, books.free(account, 0), rng.randrange(1, 50))
        )
        tao = max(min(tao, books.free(account, 0)), 1) if rng.random() < 0.9 else tao
        alpha = rng.choice(
            (*[tao * TAO // price] * 4, books.position(netuid) + rng.randrange(-1, 2), rng.randrange(1, 50))
        )
        if sell and rng.random() < 0.9:
            alpha = max(min(alpha, books.free(account, netuid + 1)), 1)
        figures = {"alpha_rao": alpha}
        if quote and (not sell or rng.random() < 0.05):
            flags |= Flag.IN_QUOTE
            figures = {"tao_rao": tao}
        if limited:
            steps = (950, 990, 999, 1_000, 1_001, 1_010, 1_050, 2_000, 1)
            loose = (900, 980, 990) if sell else (1_100, 1_020, 1_010)
            figures["limit"] = max(price * rng.choice((*steps, *loose * 3)) // 1_000, 1)
        else:
            figures["slippage_ppm"] = rng.choice((*[5_000] * 4, 0, 600, 1_000_000, 100_000, 50_000))
        figures = {name: min(figure, 2**63 - 1) for name, figure in figures.items()}
        self.spoil_order(rng, figures)
        if rng.random() < 0.08:
            flags ^= rng.choice(
                (Flag.VALIDATE_ONLY, Flag.VALIDATE_ONLY, Flag.FOK, Flag.POST_ONLY, Flag.IOC, Flag.LIMIT)
            )
        record = self.command_of(CommandKind.PLACE_ORDER, flags=int(flags), account=account, netuid=netuid, **figures)
        texts: tuple[bytes, ...] = ()
        if rng.random() < 0.15:
            record["payload"] = 1
            texts = rng.choice((*[(b"my order",)] * 5, (b"x" * 257,), (), (b"",)))
        self.post(rng, record, *texts)

    def spoil_order(self, rng: Random, figures: dict[str, int]) -> None:
        """Make an order's figures absurd, rarely."""
        if rng.random() < 0.06:
            name = rng.choice(("alpha_rao", "tao_rao", "limit", "slippage_ppm", "deadline"))
            figures[name] = rng.choice((*ABSURD, self.ts, self.ts - 1))
        if rng.random() < 0.1:
            figures["userref"] = rng.choice((1, 2**32 - 1))

    def cancel(self, rng: Random) -> None:
        """Cancel something; nothing is ever alive between commands."""
        order_id = rng.choice((self.exchange.seq, 0, -1))
        self.post(rng, self.command_of(CommandKind.CANCEL_ORDER, account=self.any_account(rng), order_id=order_id))

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

    # the link

    def sweep(self, rng: Random) -> None:
        """Ask for a sweep of a deposit key."""
        places = [place for place, amount in self.chain.stake.items() if amount and place[0] > TRADING]
        key = rng.choice((3, 4, len(self.exchange.keys), HOT, 0, 2**32 - 1))
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
        kind = rng.choice((kind, kind, kind, 0, 1, 2, 3))
        job_id = rng.choice((job_id, job_id, job_id, 0, -1))
        self.post(rng, self.command_of(CommandKind.RELEASE_JOB, job_id=job_id, job=int(kind)))

    # heads

    def import_block(self, rng: Random, play: Callable[[Block], None], **reading: object) -> None:
        """Make a block and import it; what was refused before comes first, as the link would send it."""
        if self.outbox:
            self.send()
        if self.backlog:
            self.catch_up()
            return
        chain = copy.deepcopy(self.chain)
        block = Block(chain, self.exchange, rng)
        play(block)
        self.backlog.append((block.group(**reading), chain))  # type: ignore[arg-type]
        self.catch_up()

    def catch_up(self) -> None:
        """Import the block that waits."""
        group, chain = self.backlog[0]
        answer = self.send(group)[0]
        if answer.code == 0:
            del self.backlog[0]
            self.chain = chain
        else:
            assert self.exchange.money_halted, f"a sound head was refused: {answer.code} {answer.value} {answer.bound}"

    def settle_heads(self, rng: Random, count: int) -> None:
        """Import quiet heads."""
        for _ in range(count):
            self.import_block(rng, Block.play_jobs)

    def quiet_head(self, rng: Random) -> None:
        """Import a head with nothing on it but our own extrinsics."""
        self.settle_heads(rng, rng.choice((1, 1, 1, 2, 4)))

    def idle_heads(self, rng: Random) -> None:
        """Import heads in which the chain takes none of our extrinsics, until eras pass and needs grow old."""
        for _ in range(rng.choice((3, 9, 30))):
            self.import_block(rng, lambda block: None)

    def busy_head(self, rng: Random) -> None:
        """Import a head with deposits, strangers' trades, an epoch, drift and our own extrinsics."""

        def play(block: Block) -> None:
            block.play_jobs()
            self.play_deposits(rng, block)
            places = [place for place, amount in block.chain.stake.items() if amount]
            if rng.random() < 0.3:
                for place in places:
                    block.grow(place, rng.randrange(1, 10 ** rng.randrange(1, 12)))
            if rng.random() < 0.3:
                for place in places:
                    block.chain.stake[place] += max(rng.randrange(-4, 5), -block.chain.stake[place])
            for netuid in NETUIDS:
                if rng.random() < 0.5:
                    block.trade(netuid, rng.choice((Side.BUY, Side.SELL)), rng.choice((1, 100, 20_000)))

        self.import_block(rng, play, everything=rng.random() < 0.9)

    def play_deposits(self, rng: Random, block: Block) -> None:
        """Let money arrive: for customers, for the house, for nobody."""
        for _ in range(rng.choice((0, 1, 1, 3))):
            key = rng.choice((3, 4, len(self.exchange.keys), HOT, TRADING))
            funding = rng.choice(self.exchange.fundings) if self.exchange.fundings and rng.random() < 0.6 else None
            amount = rng.choice((1, 999_999, 1_000_000, rng.randrange(1, 10**6) * 10**6, 5 * TAO))
            if funding:
                alpha, netuid, amount = funding.alpha, funding.netuid, funding.amount
                key = HOT if amount < 10**15 else 0
            else:
                alpha, netuid = rng.random() < 0.5, rng.choice(NETUIDS)
            if not 1 <= key <= len(self.exchange.keys):
                continue
            if alpha:
                block.deposit(key, amount, netuid=netuid, hotkey=rng.choice((1, 2)))
            else:
                block.deposit(key, amount)

    def strange_head(self, rng: Random) -> None:
        """Import a head of a pool that jumps, is closed, is missing, is odd, or of an unknown version."""
        if not self.is_troubled(rng):
            return
        netuid = rng.choice(NETUIDS)

        def play(block: Block) -> None:
            block.play_jobs()
            pool = block.chain.pools[netuid]
            block.chain.pools[netuid] = rng.choice(
                (
                    Pool(pool.tao * 3, pool.alpha, pool.weight, pool.fee_rate),
                    Pool(pool.tao // 3, pool.alpha, pool.weight, pool.fee_rate),
                    Pool(pool.tao, pool.alpha, rng.choice((10**16, 95 * 10**16, 4 * 10**17)), pool.fee_rate),
                    any_pool(rng),
                    any_pool(rng),
                    pool,
                )
            )

        some = frozenset({netuid})
        self.import_block(
            rng,
            play,
            spec=rng.choice((SPEC, SPEC, SPEC, SPEC + 1)),
            hidden=rng.choice((frozenset(), frozenset(), some)),
            closed=rng.choice((frozenset(), frozenset(), some)),
        )

    def unexplained_head(self, rng: Random) -> None:
        """Import a head on which money came or went without a word."""
        if not self.is_troubled(rng):
            return

        def play(block: Block) -> None:
            change = rng.choice((1, -1, 5, -5, 10**9, -(10**9)))
            places = list(block.chain.stake)
            if places and rng.random() < 0.5:
                place = rng.choice(places)
                block.chain.stake[place] = max(block.chain.stake[place] + change, 0)
            else:
                table = rng.choice((block.chain.free, block.chain.free, block.chain.reserved))
                key = rng.randrange(1, len(self.exchange.keys) + 1)
                table[key] = max(table.get(key, 0) + change, 0)

        self.import_block(rng, play)
        self.mostly_recover(rng)

    def dissolve(self, rng: Random) -> None:
        """Import a head on which a subnet is dissolved."""
        if not self.is_troubled(rng):
            return

        def play(block: Block) -> None:
            payout = rng.choice((0, 1, 10**9))
            key = rng.choice((HOT, 3))
            block.others.append(
                self.command_of(
                    CommandKind.DISSOLVED_SEEN, netuid=rng.choice((1, 2, 7, NO_NETUID)), payout=payout, key=key
                )
            )
            block.add_free(key, payout)

        self.import_block(rng, play)
        self.mostly_recover(rng)

    def broken_head(self, rng: Random) -> None:
        """Send a head that must be refused whole, or the last one once more; the chain knows nothing of it."""
        if not self.is_troubled(rng):
            return
        if self.outbox:
            self.send()
        block = Block(copy.deepcopy(self.chain), self.exchange, rng)
        block.play_jobs()
        self.play_deposits(rng, block)
        for key in rng.choice(((), (HOT,), (HOT, 3))):
            block.fees.append(self.command_of(CommandKind.CHAIN_FEE_SEEN, key=key, fee=1, netuid=NO_NETUID))
        group = block.group(everything=rng.random() < 0.5)
        commands = group.commands.copy()
        spoil = rng.choice((spoil_frame, spoil_order, spoil_record, spoil_record, spoil_record, spoil_parent))
        answer = self.send(spoil(rng, commands, group.payloads))[0]
        if answer.code == 0 and not answer.duplicate:
            self.adopt()
        self.mostly_recover(rng)

    def adopt(self) -> None:
        """Let the chain be what the ledger took over: a spoilt head that both engines found sound."""
        books = self.exchange.books
        self.chain.height, self.chain.ts = self.exchange.head, self.exchange.block_ts
        self.chain.hash = b"".join(word.to_bytes(8, "little", signed=True) for word in self.exchange.head_hash)
        for key in range(1, len(self.exchange.keys) + 1):
            self.chain.free[key], self.chain.reserved[key] = books.custody_free(key), books.custody_reserved(key)
        for (name, key, hotkey), asset in list(books.amounts):
            if name == "custody_stake":
                self.chain.stake[key, hotkey, asset - 1] = books.custody_stake(key, hotkey, asset - 1)

    # choices

    def is_troubled(self, rng: Random) -> bool:
        """Tell whether something goes wrong now: in some histories often, in others never."""
        return rng.random() < self.trouble

    def any_account(self, rng: Random) -> int:
        """Return an account, mostly an open one."""
        return rng.choice(
            (1, 1, 1, 2, 2, 2, self.exchange.accounts, rng.choice((0, self.exchange.accounts + 1, 2**32 - 1)))
        )

    def any_netuid(self, rng: Random) -> int:
        """Return a netuid, mostly a listed one."""
        return rng.choice((1, 1, 1, 1, 2, 2, 2, rng.choice((7, 0, 3, NO_NETUID))))


def any_pool(rng: Random, *, odd: bool = True) -> Pool:
    """Return a pool: mostly one that a subnet could have."""
    if odd and rng.random() < 0.2:
        return Pool(
            rng.choice((0, 1, 999_999, 2**61)), rng.choice((0, 5, 10**6, 2**61)), rng.choice((1, 5 * 10**17)), 33
        )
    near = rng.randrange(4 * 10**17, 6 * 10**17)
    weight = rng.choice((5 * 10**17, near, near, rng.randrange(15 * 10**16, 85 * 10**16)))
    return Pool(
        rng.randrange(10**11, 10**15), rng.randrange(10**12, 4 * 10**15), weight, rng.choice((*[33] * 6, 0, 1_000))
    )


def spoil_frame(rng: Random, commands: Records, payloads: Sequence[bytes]) -> Request:
    """Return a group with a wrong beginning, end, count or digest."""
    what = rng.randrange(7)
    if what == 0:
        commands = commands[1:]
    elif what == 1:
        commands = commands[:-1]
    elif what == 2:
        commands[-1]["other"] += 1
    elif what == 3:
        commands[-1]["digest"] ^= 1
    elif what == 4:
        commands[0]["kind"] = CommandKind.HEAD_END
    elif what == 5:
        return head_group([commands[:-1], commands[-1:]], payloads)
    else:
        commands[0]["payload"] = 99
    return Request(commands, tuple(payloads))


def spoil_order(rng: Random, commands: Records, payloads: Sequence[bytes]) -> Request:
    """Return a group, signed off anew, with a record moved to another place."""
    body = commands[:-1].copy()
    if len(body) > 1:
        one, other = rng.randrange(len(body)), rng.randrange(len(body))
        body[[one, other]] = body[[other, one]]
    if rng.random() < 0.3:
        body[-1]["kind"] = rng.choice((CommandKind.PLACE_ORDER, 0, 99, CommandKind.REFUSE_HEAD))
    return head_group([body], payloads)


def spoil_parent(rng: Random, commands: Records, payloads: Sequence[bytes]) -> Request:
    """Return a group of another height, parent or time."""
    body = commands[:-1].copy()
    name = rng.choice(("other", "other", "order_id", "limit", "aux"))
    step = -(10**10) if name == "aux" else rng.choice((1, -1))
    body[0][name] = max(int(body[0][name]) + step, 0) if name == "other" else int(body[0][name]) ^ step
    return head_group([body], payloads)


def spoil_record(rng: Random, commands: Records, payloads: Sequence[bytes]) -> Request:
    """Return a group with an absurd figure in one of its records, or a record twice."""
    body = commands[:-1].copy()
    place = rng.randrange(len(body))
    if rng.random() < 0.2:
        return head_group([body[: place + 1], body[place : place + 1], body[place + 1 :]], payloads)
    name = rng.choice(("key", "other", "netuid", "code", "flags", "amount", "tao", "limit", "aux", "order_id"))
    width = {"key": 2**32, "other": 2**32, "netuid": 2**16, "code": 2**16, "flags": 2**16}.get(name)
    if place == 0 and name == "aux":
        name = "key"  # a head of the far future is sound, and the end of every history
        width = 2**32
    body[place][name] = rng.choice((0, 1, 3, 99, width - 1)) if width else rng.choice((*ABSURD, 10**12))
    return head_group([body], payloads)


ACTIONS: dict[str, int] = {
    "order": 30,
    "quiet_head": 12,
    "busy_head": 12,
    "sign_all": 8,
    "withdraw": 6,
    "sweep": 5,
    "strange_head": 6,
    "clear_all_halts": 2,
    "recover": 2,
    "sign": 3,
    "release": 2,
    "repeat": 4,
    "wait": 3,
    "set_market": 2,
    "set_stage": 4,
    "set_halt": 2,
    "announce_funding": 2,
    "resolve_suspense": 4,
    "add_address": 2,
    "cancel": 1,
    "unexplained_head": 4,
    "idle_heads": 2,
    "broken_head": 6,
    "dissolve": 1,
    "open_account": 1,
    "add_api_key": 1,
    "add_chain_key": 1,
    "add_hotkey": 1,
    "list_market": 1,
    "unknown_command": 1,
}
"""What can happen, and how often beside the others."""
