"""Holds a whole head group against itself and against the state before anything of it is applied.

A group is imported as one or refused as one. What passes here cannot fail in the rules: every key, job and market that
a record names exists, and no record moves more than custody holds (``execution`` section 3).
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from ledger.engine.api import Request
from ledger.engine.balances import custody_free, custody_stake
from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, CommandKind, Flag, Job, JobState, Records
from ledger.engine.parameters import DRIFT_PER_HEAD
from ledger.engine.records import from_words, group_digest, hash_of
from ledger.engine.state import State, find_job
from ledger.errors import Refusal

STEPS = {
    CommandKind.HEAD_BEGIN: 1,
    CommandKind.OUTCOME_SEEN: 2,
    CommandKind.EXTRINSIC_DEAD: 2,
    CommandKind.CHAIN_FEE_SEEN: 3,
    CommandKind.DISSOLVED_SEEN: 4,
    CommandKind.DEPOSIT_SEEN: 5,
    CommandKind.GROWTH_SEEN: 6,
    CommandKind.POOL_SEEN: 7,
    CommandKind.ACCOUNT_SEEN: 8,
    CommandKind.STAKE_SEEN: 8,
    CommandKind.HEAD_END: 9,
}
"""The order of a group's records."""

RECORDS_MAX = 100_000
RESERVE_MAX = 2**62
WEIGHT_SCALE = 10**18
FEE_BASE = 65_535
HEIGHT_MAX = 2**32 - 1


class Verdict(NamedTuple):
    """``code`` 0 or a ``Refusal``, with the offending figure and what would have been right."""

    code: int
    value: int = 0
    bound: int = 0


SOUND = Verdict(0)


def hash_of_head(state: State) -> bytes:
    """Return the hash of the last imported head; zeros before the first."""
    scalars = state.scalars[0]
    return from_words([scalars[f"hash_{i}"] for i in range(4)])


def is_known_head(state: State, request: Request) -> bool:
    """Tell whether a group is the head that was imported last, sent once more."""
    first = request.commands[0]
    head = int(state.scalars[0]["head"])
    return (
        int(first["kind"]) == CommandKind.HEAD_BEGIN
        and head != 0
        and int(first["other"]) == head
        and hash_of(first) == hash_of_head(state)
    )


def judge(state: State, request: Request) -> Verdict:
    """Return whether a head group may be imported, and if not, why: form, then order, then parent, then each record."""
    return _judge_form(request) or _judge_parent(state, request.commands[0]) or _Group(state, request).judge() or SOUND


def _judge_form(request: Request) -> Verdict | None:
    commands = request.commands
    count = len(commands)
    kinds = [int(kind) for kind in commands["kind"]]
    inner = {CommandKind.HEAD_BEGIN, CommandKind.HEAD_END}
    framed = count > 1 and kinds[0] == CommandKind.HEAD_BEGIN and kinds[-1] == CommandKind.HEAD_END
    if not framed or count > RECORDS_MAX or inner.intersection(kinds[1:-1]):
        return Verdict(Refusal.HEAD_MALFORMED, count)
    if int(commands["payload"].max()) > len(request.payloads):
        return Verdict(Refusal.HEAD_MALFORMED, int(commands["payload"].max()), len(request.payloads))
    if int(commands[-1]["other"]) != count:
        return Verdict(Refusal.HEAD_COUNT, int(commands[-1]["other"]), count)
    if hash_of(commands[-1]) != group_digest(commands[:-1], request.payloads):
        return Verdict(Refusal.HEAD_DIGEST)
    step = 0
    for position, kind in enumerate(kinds):
        following = STEPS.get(kind, 0)  # type: ignore[call-overload]  # an int finds its IntEnum
        if following < step or following == 0:
            return Verdict(Refusal.HEAD_ORDER, position)
        step = following
    return None


def _judge_parent(state: State, first: Any) -> Verdict | None:
    scalars = state.scalars[0]
    number, head = int(first["other"]), int(scalars["head"])
    if (head != 0 and number != head + 1) or not 1 <= number < HEIGHT_MAX:
        return Verdict(Refusal.HEAD_NUMBER, number, head + 1)
    parent = from_words([first["order_id"], first["amount"], first["tao"], first["limit"]])
    if head != 0 and parent != hash_of_head(state):
        return Verdict(Refusal.HEAD_PARENT, number)
    if int(first["aux"]) < int(scalars["block_ts"]):
        return Verdict(Refusal.HEAD_RECORD, 0, int(scalars["block_ts"]))
    return None


class _Group:
    """One group against the state: what its records name, and what custody would be after each."""

    def __init__(self, state: State, request: Request) -> None:
        self.state = state
        self.commands: Records = request.commands
        self.number = int(request.commands[0]["other"])
        self.free: dict[int, int] = {}
        self.stakes: dict[tuple[int, int, int], int] = {}
        self.deposits: set[int] = set()
        self.pools: set[int] = set()
        self.dead: set[int] = set()
        self.items: dict[int, set[int]] = defaultdict(set)
        self.checks: dict[int, Callable[[Any], bool]] = {
            CommandKind.OUTCOME_SEEN: self._outcome,
            CommandKind.EXTRINSIC_DEAD: self._dead,
            CommandKind.CHAIN_FEE_SEEN: self._fee,
            CommandKind.DISSOLVED_SEEN: self._dissolved,
            CommandKind.DEPOSIT_SEEN: self._deposit,
            CommandKind.GROWTH_SEEN: self._growth,
            CommandKind.POOL_SEEN: self._pool,
            CommandKind.ACCOUNT_SEEN: self._account,
            CommandKind.STAKE_SEEN: self._stake,
        }
        self.overdrawn = False

    def judge(self) -> Verdict | None:
        for position, record in enumerate(self.commands[1:-1], 1):
            if not self.checks[int(record["kind"])](record):
                return Verdict(Refusal.HEAD_RECORD, position)
            if self.overdrawn:
                return Verdict(Refusal.HEAD_CUSTODY, position)
        settlement = int(self.state.scalars[0]["settlement"])
        seen, wanted = len(self.items.get(settlement, ())), int(self.state.scalars[0]["items"])
        if settlement and seen not in (0, wanted):
            return Verdict(Refusal.HEAD_RECORD, seen, wanted)
        return None

    def _move(self, record: Any, *, tao: int = 0, alpha: int = 0, key: int = 0) -> None:
        """Change what a record's key (or another) and its position hold; note when one is less than nothing."""
        key, hotkey, netuid = key or int(record["key"]), int(record["other"]), int(record["netuid"])
        if tao:
            left = self.free.get(key)
            left = int(custody_free(self.state, key)) if left is None else left
            self.free[key] = left + tao
            self.overdrawn |= left + tao < 0
        if alpha:
            place = (key, hotkey, netuid)
            left = self.stakes.get(place)
            left = int(custody_stake(self.state, key, hotkey, netuid)) if left is None else left
            self.stakes[place] = left + alpha
            self.overdrawn |= left + alpha < 0

    def _knows_key(self, record: Any) -> bool:
        return 1 <= int(record["key"]) <= int(self.state.scalars[0]["keys"])

    def _knows_position(self, record: Any) -> bool:
        hotkeys = int(self.state.scalars[0]["hotkeys"])
        return self._knows_key(record) and 1 <= int(record["other"]) <= hotkeys and int(record["netuid"]) != NO_NETUID

    def _job(self, record: Any) -> Any:
        slot = find_job(self.state, int(record["order_id"]))
        if slot < 0:
            return None
        job = self.state.jobs[slot]
        return job if int(job["job"]) == int(record["code"]) and int(job["state"]) == JobState.SIGNED else None

    def _outcome(self, record: Any) -> bool:
        job = self._job(record)
        if job is None:
            return False
        job_id, item = int(job["job_id"]), int(record["aux"])
        if job_id in self.dead or item in self.items[job_id]:
            return False
        self.items[job_id].add(item)
        failed = bool(int(record["flags"]) & Flag.FAILED)
        if int(job["job"]) == Job.SETTLEMENT:
            return self._swap(record, job_id, item, failed=failed)
        return item == 0 and (failed or self._transfer(record, job))

    def _swap(self, record: Any, job_id: int, item: int, *, failed: bool) -> bool:
        slot = int(self.state.market_slots[int(record["netuid"])]) - 1
        if slot < 0:
            return False
        market = self.state.markets[slot]
        sell = bool(int(record["flags"]) & Flag.SELL)
        if int(market["item_job"]) != job_id or int(market["item"]) != item or bool(market["item_sell"]) != sell:
            return False
        if failed:
            return True
        alpha, tao = int(record["amount"]), int(record["tao"])
        if not (0 < alpha <= MAX_AMOUNT and 0 < tao <= MAX_AMOUNT and self._knows_position(record)):
            return False
        sign = 1 if sell else -1
        self._move(record, tao=sign * tao, alpha=-sign * alpha)
        return True

    def _transfer(self, record: Any, job: Any) -> bool:
        alpha = bool(job["alpha"])
        left = int(record["amount"] if alpha else record["tao"])
        known = self._knows_position(record) if alpha else self._knows_key(record)
        if not known or not 0 < left <= MAX_AMOUNT or (alpha and int(record["netuid"]) != int(job["netuid"])):
            return False
        self._move(record, alpha=-left) if alpha else self._move(record, tao=-left)
        wanted = int(job["amount"])
        if int(job["job"]) == Job.WITHDRAWAL:
            return abs(left - wanted) <= (DRIFT_PER_HEAD if alpha else 0)
        arrived = int(record["limit"]) or left
        hot = int(self.state.scalars[0]["hot_key"])  # what arrives may pay for what follows in the same block
        self._move(record, alpha=arrived, key=hot) if alpha else self._move(record, tao=arrived, key=hot)
        return int(record["key"]) == int(job["from_key"]) and left - DRIFT_PER_HEAD <= arrived <= left

    def _dead(self, record: Any) -> bool:
        job = self._job(record)
        if job is None or int(job["birth"]) + int(job["period"]) > self.number:
            return False
        job_id = int(job["job_id"])
        if job_id in self.items or job_id in self.dead:
            return False
        self.dead.add(job_id)
        return True

    def _fee(self, record: Any) -> bool:
        amount = int(record["amount"])
        if not 0 <= amount <= MAX_AMOUNT:
            return False
        if int(record["flags"]) & Flag.ALPHA:
            self._move(record, alpha=-amount)
            return self._knows_position(record)
        self._move(record, tao=-amount)
        return self._knows_key(record)

    def _dissolved(self, record: Any) -> bool:
        self._move(record, tao=int(record["tao"]))
        return self._knows_key(record) and 0 <= int(record["tao"]) <= MAX_AMOUNT

    def _deposit(self, record: Any) -> bool:
        identity = int(record["aux"])
        if identity in self.deposits or not 1 <= int(record["amount"]) <= MAX_AMOUNT:
            return False
        self.deposits.add(identity)
        if int(record["flags"]) & Flag.ALPHA:
            self._move(record, alpha=int(record["amount"]))
            return self._knows_position(record)
        self._move(record, tao=int(record["amount"]))
        return self._knows_key(record)

    def _growth(self, record: Any) -> bool:
        self._move(record, alpha=int(record["amount"]))
        sound = 1 <= int(record["amount"]) <= MAX_AMOUNT and 0 <= int(record["tao"]) <= MAX_AMOUNT
        return sound and self._knows_position(record)

    def _pool(self, record: Any) -> bool:
        netuid = int(record["netuid"])
        if netuid in self.pools or netuid == NO_NETUID:
            return False
        self.pools.add(netuid)
        reserves = 0 <= int(record["tao"]) < RESERVE_MAX and 0 <= int(record["amount"]) < RESERVE_MAX
        return reserves and 0 < int(record["limit"]) < WEIGHT_SCALE and 0 <= int(record["aux"]) < FEE_BASE

    def _account(self, record: Any) -> bool:
        held = 0 <= int(record["amount"]) <= MAX_AMOUNT and 0 <= int(record["tao"]) <= MAX_AMOUNT
        return held and self._knows_key(record)

    def _stake(self, record: Any) -> bool:
        return 0 <= int(record["amount"]) <= MAX_AMOUNT and self._knows_position(record)
