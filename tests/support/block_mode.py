"""Block mode for tests: an exchange whose orders wait for the cut, and a chain that fills swaps up to their limit."""

from amm.pool import BUY, OK, SELL, swap
from amm.reference import Pool
from app.verify.exchange import Exchange, PoolShown
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, EventKind, Flag, Halt, Job, Records
from ledger.engine.records import command
from ledger.engine.views import ItemView, SettlementJob
from tests.support.builders import DEEP, HOT, HOTKEY, SN, TRADING, trading_exchange

__all__ = [
    "BlockChain",
    "custody_of",
    "halt_instant",
    "live",
    "of_kind",
    "place",
    "settlement",
    "sign",
    "waiting_exchange",
]

FEE_PPM = 2_600


def waiting_exchange(
    customers: dict[str, tuple[int, int]] | None = None, pool: PoolShown = DEEP
) -> tuple[Exchange, dict[str, int]]:
    """Return a trading exchange, its customers' money swept to the hot key, whose instant mode is halted."""
    exchange, numbers = trading_exchange(customers, pool)
    records, nonce = [], 0
    for name, (tao, alpha) in (customers or {}).items():
        key = exchange.deposit_key(numbers[name])
        place = {"key": key, "hotkey": HOTKEY}
        if tao:
            job = exchange.ask(CommandKind.REQUEST_SWEEP, key=key, amount=tao).reference
            exchange.sign(job, Job.SWEEP, key, nonce)
            records.append(command(CommandKind.OUTCOME_SEEN, job_id=job, job=Job.SWEEP, tao_rao=tao, **place))
        if alpha:
            more = {"netuid": SN, "flags": Flag.ALPHA}
            job = exchange.ask(CommandKind.REQUEST_SWEEP, key=key, hotkey=HOTKEY, amount=alpha, **more).reference
            exchange.sign(job, Job.SWEEP, key, nonce + 1)
            records.append(
                command(CommandKind.OUTCOME_SEEN, job_id=job, job=Job.SWEEP, alpha_rao=alpha, **more, **place)
            )
    assert exchange.head(records).code == 0
    halt_instant(exchange)
    return exchange, numbers


def halt_instant(exchange: Exchange, *, on: bool = True) -> None:
    """Halt instant mode of the market, or clear that."""
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM if on else 0, netuid=SN, halt=Halt.INSTANT)


def place(
    exchange: Exchange, account: int, *, tao: int = 0, alpha: int = 0, limit: int = 0, sell: bool = False, **more: int
) -> int:
    """Place an order and return its id: ``tao`` to spend before fees, or ``alpha``; without a limit a market order."""
    flags = more.pop("flags", 0) | (Flag.SELL if sell else 0) | (Flag.LIMIT if limit else 0)
    meanings = {"account": account, "netuid": SN, "alpha_rao": alpha, "limit": limit}
    if tao:
        flags |= Flag.IN_QUOTE
        meanings["tao_rao"] = tao + (tao * FEE_PPM + 500_000) // 10**6
    if not limit:
        meanings["slippage_ppm"] = 50_000
    answer = exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **(meanings | more))
    assert answer.code == 0, answer
    return answer.reference


def settlement(exchange: Exchange) -> SettlementJob:
    """Return the settlement that is not closed."""
    return next(job for job in exchange.views.jobs() if isinstance(job, SettlementJob))


def sign(exchange: Exchange, nonce: int = 0, period: int = 8) -> SettlementJob:
    """Sign the open settlement and return it."""
    job = settlement(exchange)
    assert exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, nonce, period).code == 0
    return job


def of_kind(answer: Answer, kind: EventKind) -> Records:
    """Return the events of one kind."""
    found: Records = answer.events[answer.events["kind"] == kind]
    return found


def live(exchange: Exchange) -> dict[int, Records]:
    """Return copies of the rows of all live orders by id."""
    state = exchange.engine.state
    return {int(row["order_id"]): row.copy() for row in state.orders[: state.scalars[0]["orders"]] if row["order_id"]}


def custody_of(exchange: Exchange) -> tuple[int, int]:
    """Return what the hot key holds: free TAO, and stake in the market."""
    custody = exchange.views.custody(HOT)
    return custody.free, sum(stake.amount for stake in custody.stakes if stake.netuid == SN)


class BlockChain:
    """One pool that strangers may push and that swaps for us, in part where the limit stops it."""

    def __init__(self, pool: PoolShown = DEEP) -> None:
        self.pool = Pool(pool.tao, pool.alpha, weight=pool.weight, fee_rate=pool.rate)

    @property
    def shown(self) -> PoolShown:
        """Return the pool as a head shows it."""
        return PoolShown(self.pool.tao, self.pool.alpha, self.pool.weight, self.pool.fee_rate)

    def fill(self, job: SettlementJob, item: ItemView, place: int = 0) -> Records:
        """Swap as the chain does and return the record of the outcome."""
        told = {"job_id": job.job_id, "job": Job.SETTLEMENT, "netuid": item.netuid, "item": place}
        flags = Flag.SELL if item.sell else Flag(0)
        pool = self.pool
        side = SELL if item.sell else BUY
        status, net, out, fee, _ = swap(side, pool.tao, pool.alpha, pool.weight, pool.fee_rate, item.amount, item.limit)
        if status != OK or out == 0:
            return command(CommandKind.OUTCOME_SEEN, flags=flags | Flag.FAILED, **told)
        told |= {"key": HOT, "hotkey": HOTKEY}
        if item.sell:
            self.move(tao=-out, alpha=net)
            if fee:
                pool = self.pool
                author = swap(SELL, pool.tao, pool.alpha, pool.weight, 0, fee, 0)[2]
                self.move(tao=-author, alpha=fee)
            return command(CommandKind.OUTCOME_SEEN, flags=flags, alpha_rao=net + fee, tao_rao=out, **told)
        self.move(tao=net, alpha=-out)
        return command(CommandKind.OUTCOME_SEEN, flags=flags, alpha_rao=out, tao_rao=net + fee, **told)

    def move(self, *, tao: int, alpha: int) -> None:
        """Change the reserves."""
        pool = self.pool
        self.pool = Pool(pool.tao + tao, pool.alpha + alpha, weight=pool.weight, fee_rate=pool.fee_rate)

    def push(self, amount: int) -> None:
        """Let a stranger buy with so much TAO, or sell the alpha it buys where the amount is negative."""
        pool = self.pool
        side, given = (BUY, amount) if amount > 0 else (SELL, -amount * pool.alpha // pool.tao)
        limit = 2**62 if amount > 0 else 0
        _, net, out, _, _ = swap(side, pool.tao, pool.alpha, pool.weight, pool.fee_rate, given, limit)
        self.move(tao=net, alpha=-out) if amount > 0 else self.move(tao=-out, alpha=net)
