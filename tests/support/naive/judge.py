"""Whether a head group may be imported whole, judged before anything of it is (``execution`` section 3)."""

from collections import defaultdict
from collections.abc import Sequence

from ledger.engine.api import Request
from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, CommandKind, Flag, Job, JobState, KeyRole
from ledger.engine.parameters import DRIFT_PER_HEAD
from ledger.engine.records import group_digest, to_words
from ledger.errors import Refusal
from tests.support.naive.exchange import Exchange, OpenJob, Record, Refused

ORDER = (
    {CommandKind.HEAD_BEGIN},
    {CommandKind.OUTCOME_SEEN, CommandKind.EXTRINSIC_DEAD},
    {CommandKind.CHAIN_FEE_SEEN},
    {CommandKind.DISSOLVED_SEEN},
    {CommandKind.DEPOSIT_SEEN},
    {CommandKind.GROWTH_SEEN},
    {CommandKind.POOL_SEEN},
    {CommandKind.ACCOUNT_SEEN, CommandKind.STAKE_SEEN},
    {CommandKind.HEAD_END},
)
RECORDS_MAX = 100_000
HEIGHT_MAX = 2**32 - 1
RESERVE_MAX = 2**62
WEIGHT_SCALE = 10**18
FEE_BASE = 65_535
HASH = ("id_hi", "id_lo", "digest", "hold")
PARENT = ("order_id", "amount", "tao", "limit")


def words(record: Record, fields: Sequence[str]) -> tuple[int, ...]:
    """Return a hash out of a record."""
    return tuple(record[name] for name in fields)


def is_repeated(exchange: Exchange, first: Record) -> bool:
    """Tell whether a group is the head that was imported last, sent once more."""
    return (
        first["kind"] == CommandKind.HEAD_BEGIN
        and exchange.head != 0
        and first["other"] == exchange.head
        and words(first, HASH) == exchange.head_hash
    )


def judge(exchange: Exchange, request: Request, records: list[Record]) -> None:
    """Refuse a group that is not well formed, does not follow our head, or tells something impossible."""
    judge_form(request, records)
    judge_parent(exchange, records[0])
    Group(exchange, records).judge()


def judge_form(request: Request, records: list[Record]) -> None:
    """Refuse a group that is not begun and ended, counted, signed off and ordered as one."""
    kinds = [record["kind"] for record in records]
    ends = [place for place, kind in enumerate(kinds) if kind in {CommandKind.HEAD_BEGIN, CommandKind.HEAD_END}]
    whole = len(kinds) > 1 and ends == [0, len(kinds) - 1]
    if not whole or (kinds[0], kinds[-1]) != (CommandKind.HEAD_BEGIN, CommandKind.HEAD_END) or len(kinds) > RECORDS_MAX:
        raise Refused(Refusal.HEAD_MALFORMED, len(kinds))
    most = max(record["payload"] for record in records)
    if most > len(request.payloads):
        raise Refused(Refusal.HEAD_MALFORMED, most, len(request.payloads))
    if records[-1]["other"] != len(records):
        raise Refused(Refusal.HEAD_COUNT, records[-1]["other"], len(records))
    if words(records[-1], HASH) != to_words(group_digest(request.commands[:-1], request.payloads)):
        raise Refused(Refusal.HEAD_DIGEST)
    reached = 0
    for position, kind in enumerate(kinds):
        step = next((step for step, of in enumerate(ORDER) if kind in of), -1)
        if step < reached:
            raise Refused(Refusal.HEAD_ORDER, position)
        reached = step


def judge_parent(exchange: Exchange, first: Record) -> None:
    """Refuse a head that does not follow ours in height, hash and time."""
    number = first["other"]
    if not 1 <= number < HEIGHT_MAX or (exchange.head and number != exchange.head + 1):
        raise Refused(Refusal.HEAD_NUMBER, number, exchange.head + 1)
    if exchange.head and words(first, PARENT) != exchange.head_hash:
        raise Refused(Refusal.HEAD_PARENT, number)
    if first["aux"] < exchange.block_ts:
        raise Refused(Refusal.HEAD_RECORD, 0, exchange.block_ts)


class Group:
    """One group against the state: what its records name, and what custody would be after each."""

    def __init__(self, exchange: Exchange, records: list[Record]) -> None:
        self.exchange = exchange
        self.records = records
        self.number = records[0]["other"]
        self.moved: dict[tuple[str, int, int, int], int] = defaultdict(int)
        self.items: dict[int, set[int]] = defaultdict(set)
        self.dead: set[int] = set()
        self.deposits: set[int] = set()
        self.pools: set[int] = set()

    def judge(self) -> None:
        """Refuse the first record that is impossible, or that takes more than is there."""
        checks = {
            CommandKind.OUTCOME_SEEN: self.outcome,
            CommandKind.EXTRINSIC_DEAD: self.dies,
            CommandKind.CHAIN_FEE_SEEN: self.fee,
            CommandKind.DISSOLVED_SEEN: self.dissolved,
            CommandKind.DEPOSIT_SEEN: self.deposit,
            CommandKind.GROWTH_SEEN: self.growth,
            CommandKind.POOL_SEEN: self.pool,
            CommandKind.ACCOUNT_SEEN: self.account,
            CommandKind.STAKE_SEEN: self.stake,
        }
        for position, record in enumerate(self.records[1:-1], 1):
            if not checks[record["kind"]](record):
                raise Refused(Refusal.HEAD_RECORD, position)
            if any(self.left(place) < 0 for place in self.moved):
                raise Refused(Refusal.HEAD_CUSTODY, position)
        settlement = self.exchange.jobs.get(self.exchange.settlement)
        if settlement and len(self.items[settlement.job_id]) not in {0, settlement.items}:
            raise Refused(Refusal.HEAD_RECORD, len(self.items[settlement.job_id]), settlement.items)

    def left(self, place: tuple[str, int, int, int]) -> int:
        """Return what a custody account would hold by now."""
        name, key, hotkey, asset = place
        return -self.exchange.books.get(name, asset, key, hotkey) + self.moved[place]

    def move(self, record: Record, *, tao: int = 0, alpha: int = 0, key: int | None = None) -> None:
        """Change what a key's free balance and a position hold."""
        key = record["key"] if key is None else key
        if tao:
            self.moved["custody_free", key, 0, 0] += tao
        if alpha:
            self.moved["custody_stake", key, record["other"], record["netuid"] + 1] += alpha

    def knows_key(self, record: Record) -> bool:
        """Tell whether the record's key is ours."""
        return bool(1 <= record["key"] <= len(self.exchange.keys))

    def knows_position(self, record: Record) -> bool:
        """Tell whether the record names a possible position of ours."""
        return (
            self.knows_key(record) and 1 <= record["other"] <= self.exchange.hotkeys and record["netuid"] != NO_NETUID
        )

    def signed_job(self, record: Record) -> OpenJob | None:
        """Return the signed job that a record names."""
        job = self.exchange.jobs.get(record["order_id"])
        return job if job and job.job == record["code"] and job.state == JobState.SIGNED else None

    def outcome(self, record: Record) -> bool:
        """Judge an outcome: of a signed job, once per item, of what was asked for."""
        job, item = self.signed_job(record), record["aux"]
        if job is None or job.job_id in self.dead or item in self.items[job.job_id]:
            return False
        self.items[job.job_id].add(item)
        failed = bool(record["flags"] & Flag.FAILED)
        if job.job == Job.SETTLEMENT:
            return self.swap(record, job, item, failed=failed)
        return item == 0 and (failed or self.transfer(record, job))

    def swap(self, record: Record, job: OpenJob, item: int, *, failed: bool) -> bool:
        """Judge a swap against the market's item."""
        market = self.exchange.markets.get(record["netuid"])
        sell = bool(record["flags"] & Flag.SELL)
        if market is None or market.item is None or (market.item.number, market.item.sell) != (item, sell):
            return False
        if self.exchange.settlement != job.job_id:
            return False
        if failed:
            return True
        alpha, tao = record["amount"], record["tao"]
        if not (0 < alpha <= MAX_AMOUNT and 0 < tao <= MAX_AMOUNT and self.knows_position(record)):
            return False
        self.move(record, tao=tao if sell else -tao, alpha=-alpha if sell else alpha)
        return True

    def transfer(self, record: Record, job: OpenJob) -> bool:
        """Judge a withdrawal or a sweep: the amount that left, and for a sweep what arrived."""
        left = record["amount"] if job.alpha else record["tao"]
        known = self.knows_position(record) if job.alpha else self.knows_key(record)
        if not known or not 0 < left <= MAX_AMOUNT or (job.alpha and record["netuid"] != job.netuid):
            return False
        arrived = record["limit"] or left
        self.move(record, **({"alpha": -left} if job.alpha else {"tao": -left}))
        if job.job == Job.WITHDRAWAL:
            return bool(abs(left - job.amount) <= (DRIFT_PER_HEAD if job.alpha else 0))
        hot = self.exchange.key_of(KeyRole.HOT)
        self.move(record, key=hot, **({"alpha": arrived} if job.alpha else {"tao": arrived}))
        return bool(record["key"] == job.from_key and left - DRIFT_PER_HEAD <= arrived <= left)

    def dies(self, record: Record) -> bool:
        """Judge a death: only after the era, and not beside an outcome."""
        job = self.signed_job(record)
        if job is None or job.birth + job.period > self.number:
            return False
        if job.job_id in self.dead or self.items[job.job_id]:
            return False
        self.dead.add(job.job_id)
        return True

    def fee(self, record: Record) -> bool:
        """Judge a fee."""
        if not 0 <= record["amount"] <= MAX_AMOUNT:
            return False
        if record["flags"] & Flag.ALPHA:
            self.move(record, alpha=-record["amount"])
            return self.knows_position(record)
        self.move(record, tao=-record["amount"])
        return self.knows_key(record)

    def dissolved(self, record: Record) -> bool:
        """Judge a payout."""
        self.move(record, tao=record["tao"])
        return self.knows_key(record) and 0 <= record["tao"] <= MAX_AMOUNT

    def deposit(self, record: Record) -> bool:
        """Judge a deposit: its place in the block is its identity."""
        if record["aux"] in self.deposits or not 1 <= record["amount"] <= MAX_AMOUNT:
            return False
        self.deposits.add(record["aux"])
        if record["flags"] & Flag.ALPHA:
            self.move(record, alpha=record["amount"])
            return self.knows_position(record)
        self.move(record, tao=record["amount"])
        return self.knows_key(record)

    def growth(self, record: Record) -> bool:
        """Judge the growth of a position."""
        self.move(record, alpha=record["amount"])
        sound = 1 <= record["amount"] <= MAX_AMOUNT and 0 <= record["tao"] <= MAX_AMOUNT
        return sound and self.knows_position(record)

    def pool(self, record: Record) -> bool:
        """Judge a pool: each subnet once, with figures that the curve takes."""
        netuid = record["netuid"]
        if netuid in self.pools or netuid == NO_NETUID:
            return False
        self.pools.add(netuid)
        reserves = 0 <= record["tao"] < RESERVE_MAX and 0 <= record["amount"] < RESERVE_MAX
        return bool(reserves and 0 < record["limit"] < WEIGHT_SCALE and 0 <= record["aux"] < FEE_BASE)

    def account(self, record: Record) -> bool:
        """Judge a reading of a key's balances."""
        read = 0 <= record["amount"] <= MAX_AMOUNT and 0 <= record["tao"] <= MAX_AMOUNT
        return read and self.knows_key(record)

    def stake(self, record: Record) -> bool:
        """Judge a reading of a position."""
        return 0 <= record["amount"] <= MAX_AMOUNT and self.knows_position(record)
