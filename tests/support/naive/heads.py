"""What a head brings and what its end does: pools, growth, reconciliation, windows, overdue jobs, the cut.

Source: ``execution`` sections 3, 5, 7, 9 and 11.
"""

from collections.abc import Callable

from amm.exchange_reference import PPM, cap, jumped
from amm.reference import MIN_RESERVE, Pool, price_bits, spot_rao
from ledger.engine.layout import (
    NO_NETUID,
    TAO_ASSET,
    CommandKind,
    EventKind,
    Flag,
    Gate,
    Halt,
    Job,
    JobState,
    Stage,
)
from ledger.engine.parameters import (
    CALM_HEADS,
    COMMISSION_PPM,
    DAY_MS,
    DRIFT_PER_DAY,
    DRIFT_PER_HEAD,
    FUNDED_CAPS,
    UNSIGNED_HEADS,
    UNSIGNED_WITHDRAWAL_HEADS,
    WEIGHT_MAX,
    WEIGHT_MIN,
)
from tests.support.naive import dissolution, funds, jobs, stops, sweep
from tests.support.naive.cut import cut, land
from tests.support.naive.exchange import INT64_MAX, Exchange, Market, OpenJob, Record
from tests.support.naive.judge import HASH, words
from tests.support.naive.setup import mirror_fields

CLAIMS = {"free", "held", "earn_in", "rewards_idle", "withdrawing"}


def begin(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Begin a head."""
    exchange.interval = record["aux"] - exchange.block_ts if exchange.head else 0
    exchange.head, exchange.spec, exchange.block_ts = record["other"], record["key"], record["aux"]
    exchange.head_hash = tuple(words(record, HASH))  # type: ignore[assignment]  # four words
    exchange.first_head = exchange.first_head or exchange.head
    exchange.imported = exchange.now
    exchange.checked = exchange.differences = 0
    exchange.emit(EventKind.HEAD_BEGAN, **{name: record[name] for name in ("other", "key", "aux", *HASH)})


def growth(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Share a position's growth: customers' part less commission, the rest to the house."""
    netuid, asset, grown, before = record["netuid"], record["netuid"] + 1, record["amount"], record["tao"]
    claims = exchange.books.total(CLAIMS, asset)
    part = grown * min(claims, before) // before if before else 0
    commission = part * COMMISSION_PPM // PPM
    exchange.emit(
        EventKind.GROWTH_SHARED,
        key=record["key"],
        other=record["other"],
        netuid=netuid,
        flags=int(Flag.ALPHA),
        amount=part - commission,
        fee=commission,
        tao=grown - part,
    )
    exchange.books.post(
        ("custody_stake", record["key"], record["other"], asset, -grown),
        ("rewards_idle", netuid, 0, asset, part - commission),
        ("earn", 0, 0, asset, commission),
        ("trading", netuid, 0, asset, grown - part),
    )


def pool_seen(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Take over a listed subnet's pool and judge the step of its price."""
    market = exchange.markets.get(record["netuid"])
    if market is None:
        return
    pool = Pool(record["tao"], record["amount"], record["limit"], record["aux"])
    before = market.pool
    jump = before is not None and jumped(old=price_bits(before), new=price_bits(pool), k_ppm=market.k_ppm)
    if jump:
        market.base = market.base if market.calm else before
        market.calm = CALM_HEADS
    elif market.calm:
        market.calm -= 1
    market.spots = [min(spot_rao(pool), INT64_MAX), *market.spots[:4]]
    market.pool, market.pool_height, market.closed = pool, exchange.head, bool(record["flags"] & Flag.CLOSED)
    exchange.emit(
        EventKind.POOL_UPDATED,
        netuid=market.netuid,
        pool_tao=pool.tao,
        pool_alpha=pool.alpha,
        limit=pool.weight,
        aux=pool.fee_rate,
        flags=record["flags"] & (Flag.CLOSED | Flag.EPOCH),
        amount=market.spot,
        code=int(jump),
    )


def account_seen(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Hold a key's free and reserved balance against the chain."""
    key = record["key"]
    compare(exchange, record, 0, record["amount"] - exchange.books.custody_free(key))
    compare(exchange, record, Flag.CLOSED, record["tao"] - exchange.books.custody_reserved(key))


def stake_seen(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Hold a position against the chain; a few rao a day are rounding of the chain's share pools."""
    key, hotkey, netuid = record["key"], record["other"], record["netuid"]
    difference = record["amount"] - exchange.books.custody_stake(key, hotkey, netuid)
    known = (("custody_stake", key, hotkey), netuid + 1) in exchange.books.amounts
    today = exchange.block_ts // DAY_MS
    day, spent = exchange.drifted.get((key, hotkey, netuid), (today, 0))
    spent = spent if day == today else 0
    small = abs(difference) <= DRIFT_PER_HEAD and spent + abs(difference) <= DRIFT_PER_DAY
    if difference == 0 or not known or not small:
        compare(exchange, record, Flag.ALPHA, difference)
        return
    exchange.checked += 1
    exchange.drifted[key, hotkey, netuid] = today, spent + abs(difference)
    exchange.emit(
        EventKind.STAKE_DRIFTED, key=key, other=hotkey, netuid=netuid, flags=int(Flag.ALPHA), amount=difference
    )
    exchange.books.post(
        ("custody_stake", key, hotkey, netuid + 1, -difference), ("rounding", 0, 0, netuid + 1, difference)
    )


def compare(exchange: Exchange, record: Record, flags: int, difference: int) -> None:
    """Book an unexplained difference: what was there at the first head is the house's, else suspense and a halt."""
    exchange.checked += 1
    if difference == 0:
        return
    alpha = bool(flags & Flag.ALPHA)
    netuid = record["netuid"] if alpha else NO_NETUID
    asset = netuid + 1 if alpha else TAO_ASSET
    name = "custody_stake" if alpha else "custody_reserved" if flags & Flag.CLOSED else "custody_free"
    custody = (name, record["key"], record["other"] if alpha else 0, asset, -difference)
    fields = {"key": record["key"], "other": record["other"], "netuid": netuid, "amount": difference}
    if difference > 0 and exchange.head == exchange.first_head:
        exchange.emit(EventKind.HOUSE_FUNDED, flags=flags | Flag.FIRST, **fields)
        exchange.books.post(custody, (*funds.house_account(netuid), 0, asset, difference))
        return
    exchange.differences += 1
    exchange.emit(EventKind.RECONCILIATION_BROKEN, flags=flags, **fields)
    exchange.books.post(custody, ("suspense", 0, 0, asset, difference))
    target = exchange.markets.get(netuid) if alpha else exchange
    if target and not (target.withdrawals_halted and target.instant_halted):
        bits = Halt.WITHDRAWALS | Halt.INSTANT
        exchange.emit(EventKind.HALT_CHANGED, netuid=netuid, code=bits, flags=int(Flag.ARM))
        exchange.halt(netuid, bits, on=True)


def end(exchange: Exchange, _record: Record, _text: bytes | None) -> None:
    """End a head: new windows, overdue jobs, queue and book at the new prices, stops, the cut."""
    before = exchange.seq
    open_windows(exchange)
    exchange.ending = True
    for job in [job for job in exchange.jobs.values() if is_overdue(exchange, job)]:
        jobs.release(exchange, job)
    exchange.ending = False
    if not exchange.settlement:
        land(exchange)
    dissolution.at_head_end(exchange)
    for market in exchange.ascending():
        sweep.leave_queue(exchange, market)
    for market in exchange.ascending():
        sweep.resting(exchange, market)
    stops.run_all(exchange)
    cut(exchange)
    assert exchange.seq >= before, "a head ends with events"
    exchange.emit(
        EventKind.HEAD_ENDED,
        other=exchange.head,
        aux=exchange.differences,
        amount=exchange.checked,
        **dict(zip(HASH, exchange.head_hash, strict=True)),
    )


def is_overdue(exchange: Exchange, job: OpenJob) -> bool:
    """Tell whether a job waited too long for its signature."""
    heads = UNSIGNED_WITHDRAWAL_HEADS if job.job == Job.WITHDRAWAL else UNSIGNED_HEADS
    return job.state == JobState.REQUESTED and exchange.head - job.height >= heads


def window_cap(market: Market) -> int:
    """Return the cap that the head pool allows."""
    assert market.pool is not None, "the market was seen"
    return cap(tao_reserve=market.pool.tao, fee_rate=market.pool.fee_rate, k_ppm=market.k_ppm)


def open_windows(exchange: Exchange) -> None:
    """Open a new window in every market that was seen."""
    seen = [market for market in exchange.ascending() if market.pool]
    caps = sum(window_cap(market) for market in seen if market.stage == Stage.ONLINE)
    for market in seen:
        need = exchange.need(market)
        if need == 0:
            market.need_since = 0
        elif market.need_since == 0 or (need > 0) != (market.need > 0):
            market.need_since = exchange.head
        market.need, market.cap = need, window_cap(market)
        market.used = market.opened = market.firm_used
        exchange.rebuild(market)
        market.gates = head_gates(exchange, market, caps)
        exchange.emit(
            EventKind.WINDOW_OPENED,
            netuid=market.netuid,
            limit=market.cap,
            amount=need,
            aux=market.gates,
            **mirror_fields(market),
        )


def head_gates(exchange: Exchange, market: Market, caps: int) -> int:
    """Return the gates that hold until the next head."""
    pool = market.pool
    assert pool is not None, "the market was seen"
    target_is_worth = market.value(market.target) >= FUNDED_CAPS * market.cap
    closed = {
        Gate.JUMP: market.calm > 0,
        Gate.WEIGHT: not WEIGHT_MIN <= pool.weight <= WEIGHT_MAX,
        Gate.SPEC: not exchange.spec_is_known(),
        Gate.CLOSED: market.closed or market.pool_height != exchange.head,
        Gate.RESERVE: min(pool.tao, pool.alpha) < MIN_RESERVE,
        Gate.MIRROR: market.mirror is None or market.mirror.alpha == 0,
        Gate.FUNDING: not target_is_worth or exchange.books.house(TAO_ASSET) < FUNDED_CAPS * caps,
    }
    return sum(int(gate) for gate, shut in closed.items() if shut)


RULES: dict[CommandKind, Callable[[Exchange, Record, bytes | None], None]] = {
    CommandKind.HEAD_BEGIN: begin,
    CommandKind.OUTCOME_SEEN: jobs.outcome,
    CommandKind.EXTRINSIC_DEAD: jobs.dead,
    CommandKind.CHAIN_FEE_SEEN: jobs.chain_fee,
    CommandKind.DISSOLVED_SEEN: dissolution.seen,
    CommandKind.DEPOSIT_SEEN: funds.deposit,
    CommandKind.GROWTH_SEEN: growth,
    CommandKind.POOL_SEEN: pool_seen,
    CommandKind.ACCOUNT_SEEN: account_seen,
    CommandKind.STAKE_SEEN: stake_seen,
    CommandKind.HEAD_END: end,
}
