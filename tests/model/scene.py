"""The stage of a history: both engines, the chain, the clock, what was sent, and how heads arrive."""

import copy
from collections.abc import Callable
from random import Random

from amm.reference import Pool
from ledger.engine.api import Request
from ledger.engine.layout import (
    MAX_AMOUNT,
    NO_NETUID,
    CommandKind,
    Records,
)
from ledger.engine.records import client_id, command, request
from tests.model.chain import Block, Chain
from tests.model.laws import check_laws, custody_is_the_chain
from tests.model.twin import Twin, kind_of
from tests.support.naive_engine import NaiveAnswer

ABSURD = (0, -1, 1, 2, MAX_AMOUNT, MAX_AMOUNT + 1, -(2**63), 2**63 - 1)
NETUIDS = (1, 2, 7)
HOT, TRADING = 1, 2
CUSTOMERS = (1, 2, 3, 4, 5)
DEPOSIT_KEYS = (3, 4, 5, 6, 7)
START_MS = 1_800_000_000_000


class Scene:
    """One history: both engines, the chain, the clock, and what was sent so far."""

    def __init__(self, rng: Random) -> None:
        self.twin = Twin()
        self.exchange = self.twin.exchange
        self.chain = Chain()
        self.backlog: list[tuple[Request, Chain, bool]] = []
        self.outbox: list[Request] = []
        self.sent: list[Request] = []
        self.trace: list[str] = []
        self.ts = START_MS
        self.texts = 0
        self.trouble = rng.choice((0.0, 0.05, 0.05, 0.2, 1.0))

    def send(self, *requests: Request) -> list[NaiveAnswer]:
        """Send what waits and these, as one batch, and hold the result against the laws."""
        batch = [*self.outbox, *requests]
        self.outbox = []
        self.trace.append(f"ts {self.ts}: " + ", ".join(map(kind_of, batch)))
        before = self.exchange.seq
        answers = self.twin.decide(self.ts, batch)
        events = [*self.twin.naive.early, *(event for answer in answers for event in answer.events)]
        check_laws(self.exchange, events)
        assert self.exchange.seq == before + len(events), "seq has no gaps"
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

    def command_of(self, kind: CommandKind, *, flags: int = 0, **figures: int) -> Records:
        """Build a command."""
        return command(kind, flags=flags, **figures)

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
        self.backlog.append((block.group(**reading), chain, reading.get("everything", True) is True))  # type: ignore[arg-type]
        self.catch_up()

    def catch_up(self) -> None:
        """Import the block that waits."""
        group, chain, everything = self.backlog[0]
        answer = self.send(group)[0]
        if answer.code == 0:
            del self.backlog[0]
            self.chain = chain
            if everything:
                custody_is_the_chain(self.exchange, chain)
        else:
            assert self.exchange.money_halted, f"a sound head was refused: {answer.code} {answer.value} {answer.bound}"

    def settle_heads(self, rng: Random, count: int) -> None:
        """Import quiet heads."""
        for _ in range(count):
            self.import_block(rng, Block.play_jobs)

    def is_troubled(self, rng: Random) -> bool:
        """Tell whether something goes wrong now: in some histories often, in others never."""
        return rng.random() < self.trouble

    def any_account(self, rng: Random) -> int:
        """Return an account, mostly an open one."""
        return rng.choice(
            (*CUSTOMERS, 1, 2, self.exchange.accounts, rng.choice((0, self.exchange.accounts + 1, 2**32 - 1)))
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
