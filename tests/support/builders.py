"""The exchange in the domain's words, for tests: an online market with funds, customers, orders, settlements."""

from app.verify.exchange import BLOCK_MS, HOT, HOTKEY, TRADING, Exchange, PoolShown, block_hash, public_key
from ledger.accounts import postings
from ledger.engine.api import Answer
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, Job, Records
from ledger.engine.records import command

__all__ = [
    "BLOCK_MS",
    "DEEP",
    "HOT",
    "HOTKEY",
    "SN",
    "TAO",
    "TRADING",
    "Booked",
    "Exchange",
    "PoolShown",
    "block_hash",
    "booked_balances",
    "buy",
    "dead",
    "failed_item",
    "kinds",
    "outcome",
    "public_key",
    "sell",
    "trading_exchange",
    "withdraw",
]

TAO = 10**9
SN = 1
DEEP = PoolShown(20_000 * TAO, 600_000 * TAO)


def trading_exchange(
    customers: dict[str, tuple[int, int]] | None = None, pool: PoolShown = DEEP
) -> tuple[Exchange, dict[str, int]]:
    """Return an exchange with one funded online market after two heads, and the numbers of its customers.

    ``customers``: name -> (rao of TAO, rao of alpha), deposited at the second head.
    """
    exchange = Exchange()
    exchange.set_up()
    exchange.list_market(SN, pool)
    exchange.configure(SN)
    numbers = {name: exchange.open_account(name) for name in customers or {}}
    exchange.head(exchange.fund_house(SN, tao=2_000 * TAO, alpha=20_000 * TAO))
    arrivals: list[Records] = []
    for name, (tao, alpha) in (customers or {}).items():
        key = exchange.deposit_key(numbers[name])
        if tao:
            arrivals.append(exchange.deposit_record(key, tao=tao))
        if alpha:
            arrivals.append(exchange.deposit_record(key, netuid=SN, alpha=alpha))
    exchange.head(arrivals)
    return exchange, numbers


def buy(exchange: Exchange, account: int, *, tao: int = 0, alpha: int = 0, limit: int = 0, **more: int) -> Answer:
    """Buy with ``tao`` rao in all, or exactly ``alpha`` rao; ``limit`` makes it a limit IOC order."""
    flags = (Flag.IN_QUOTE if tao else 0) | (Flag.LIMIT | Flag.IOC if limit else 0)
    meanings = {"account": account, "netuid": SN, "tao_rao": tao, "alpha_rao": alpha, "limit": limit}
    if not limit:
        meanings["slippage_ppm"] = 5_000
    return exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **(meanings | more))


def sell(exchange: Exchange, account: int, *, alpha: int, limit: int = 0, **more: int) -> Answer:
    """Sell ``alpha`` rao; ``limit`` makes it a limit IOC order."""
    flags = Flag.SELL | (Flag.LIMIT | Flag.IOC if limit else 0)
    meanings = {"account": account, "netuid": SN, "alpha_rao": alpha, "limit": limit}
    if not limit:
        meanings["slippage_ppm"] = 5_000
    return exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **(meanings | more))


def withdraw(exchange: Exchange, account: int, amount: int, *, alpha: bool = False, address: int = 0) -> Answer:
    """Ask for a withdrawal, to a new address of the account unless one is given."""
    flags = Flag.ALPHA if alpha else 0
    netuid = SN if alpha else NO_NETUID
    if not address:
        name = f"a{len(exchange.views.addresses(account))}"
        body = b'{"name": "%s", "public": "%s"}' % (name.encode(), public_key(name).hex().encode())
        made = exchange.ask(CommandKind.ADD_ADDRESS, body, flags=flags, account=account, netuid=netuid)
        address = made.reference
    meanings = {"account": account, "netuid": netuid, "amount": amount, "max_fee": -1, "address_id": address}
    return exchange.ask(CommandKind.REQUEST_WITHDRAWAL, flags=flags, **meanings)


def outcome(
    job_id: int, job: Job, *, key: int = HOT, tao: int = 0, alpha: int = 0, flags: int = 0, **more: int
) -> Records:
    """Return the record of what a block made of one of our extrinsics."""
    netuid = SN if alpha else NO_NETUID
    meanings = {"job_id": job_id, "job": job, "key": key, "hotkey": HOTKEY, "netuid": netuid}
    return command(CommandKind.OUTCOME_SEEN, flags=flags, tao_rao=tao, alpha_rao=alpha, **(meanings | more))


def failed_item(job_id: int, *, sell: bool = False) -> Records:
    """Return the record of a settlement's only item that the chain refused."""
    flags = Flag.FAILED | (Flag.SELL if sell else 0)
    return outcome(job_id, Job.SETTLEMENT, flags=flags, netuid=SN)


def dead(job_id: int, job: Job) -> Records:
    """Return the record of an extrinsic whose era passed."""
    return command(CommandKind.EXTRINSIC_DEAD, job_id=job_id, job=job)


def kinds(answer: Answer) -> list[EventKind]:
    """Return the kinds of an answer's events."""
    return [EventKind(int(kind)) for kind in answer.events["kind"]]


def booked_balances(exchange: Exchange) -> dict[tuple[str, int], int]:
    """Return the balances that the listed postings of all events add up to."""
    return Booked(exchange).balances()


class Booked:
    """The sums of an exchange's listed postings; each look adds the batches since the last one."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._batches = 0
        self._sums: dict[tuple[str, int], int] = {}

    def balances(self) -> dict[tuple[str, int], int]:
        """Return what the postings of all events so far add up to, where it is not zero."""
        for _, events, _ in self._exchange.log[self._batches :]:
            for event in events:
                for name, asset, amount in postings(event):
                    self._sums[name, asset] = self._sums.get((name, asset), 0) + amount
        self._batches = len(self._exchange.log)
        return {place: amount for place, amount in self._sums.items() if amount}
