"""Extrinsics that we ask for: sweeps, signatures, releases, and what finalised blocks made of them.

Source: ``execution`` sections 7 and 8.
"""

from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, TAO_ASSET, EventKind, Flag, Job, JobState, KeyRole, Outcome
from ledger.engine.parameters import PERIOD_MAX
from ledger.errors import Refusal
from tests.support.naive.cut import land, share_outcome
from tests.support.naive.exchange import Exchange, OpenJob, Record, Refused
from tests.support.naive.funds import asset_of
from tests.support.naive.sweep import move_mirror, resting


def sweep(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Ask for a deposit key's money to be moved to the hot key; one sweep of a position at a time."""
    key, hotkey, netuid, amount = (command[name] for name in ("key", "other", "netuid", "amount"))
    alpha = bool(command["flags"] & Flag.ALPHA)
    if exchange.money_halted:
        raise Refused(Refusal.MONEY_HALTED)
    ours = 1 <= key <= len(exchange.keys) and exchange.keys[key - 1][0] == KeyRole.DEPOSIT
    if not ours or not exchange.key_of(KeyRole.HOT):
        raise Refused(Refusal.UNKNOWN_KEY, key, len(exchange.keys))
    if alpha and not 1 <= hotkey <= exchange.hotkeys:
        raise Refused(Refusal.UNKNOWN_HOTKEY, hotkey, exchange.hotkeys)
    if alpha and netuid == NO_NETUID:
        raise Refused(Refusal.UNKNOWN_MARKET, netuid)
    if not 1 <= amount <= MAX_AMOUNT:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, amount, MAX_AMOUNT)
    owned = exchange.books.custody_stake(key, hotkey, netuid) if alpha else exchange.books.custody_free(key)
    if amount > owned:
        raise Refused(Refusal.INSUFFICIENT_FUNDS, amount, owned)
    place = (netuid, hotkey) if alpha else (NO_NETUID, 0)
    for job in exchange.jobs.values():
        if job.job == Job.SWEEP and (job.from_key, job.alpha, job.netuid, job.hotkey) == (key, alpha, *place):
            raise Refused(Refusal.JOB_STATE, job.job_id)
    event = exchange.emit(
        EventKind.SWEEP_REQUESTED,
        key=key,
        netuid=place[0],
        other=place[1],
        flags=command["flags"] & Flag.ALPHA,
        amount=amount,
    )
    event["order_id"] = event["seq"]
    exchange.jobs[event["seq"]] = OpenJob(
        event["seq"],
        Job.SWEEP,
        exchange.head,
        netuid=place[0],
        alpha=alpha,
        from_key=key,
        hotkey=place[1],
        amount=amount,
    )
    return exchange.answer(command, event)


def open_job(exchange: Exchange, command: Record) -> OpenJob:
    """Return the open job that a command names, or refuse."""
    job = exchange.jobs.get(command["order_id"])
    if job is None or job.job != command["code"]:
        raise Refused(Refusal.UNKNOWN_JOB, command["order_id"])
    return job


def signer_of(exchange: Exchange, job: OpenJob) -> int:
    """Return the key that signs a job: trading key, hot key, or the deposit key itself."""
    if job.job == Job.SWEEP:
        return job.from_key
    return exchange.key_of(KeyRole.TRADING if job.job == Job.SETTLEMENT else KeyRole.HOT)


def accept_signed(exchange: Exchange, command: Record, text: bytes) -> int:
    """Accept the one signature of a job."""
    if exchange.signer_halted or exchange.money_halted:
        raise Refused(Refusal.SIGNER_HALTED)
    if not exchange.spec_is_known():
        raise Refused(Refusal.SPEC_UNKNOWN, exchange.spec)
    job = open_job(exchange, command)
    if job.state != JobState.REQUESTED:
        raise Refused(Refusal.JOB_STATE, job.state, JobState.REQUESTED)
    key, nonce, birth, period = (command[name] for name in ("key", "amount", "tao", "limit"))
    if key != signer_of(exchange, job):
        raise Refused(Refusal.UNKNOWN_KEY, key, signer_of(exchange, job))
    if not 1 <= period <= PERIOD_MAX or not birth <= exchange.head < birth + period:
        raise Refused(Refusal.ERA_MALFORMED, birth, exchange.head)
    if nonce < 0:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, nonce, MAX_AMOUNT)
    for other in exchange.jobs.values():
        if other.state == JobState.SIGNED and (other.key, other.nonce) == (key, nonce):
            raise Refused(Refusal.NONCE_LIVE, nonce, other.job_id)
    job.state, job.key, job.nonce, job.birth, job.period = JobState.SIGNED, key, nonce, birth, period
    exchange.texts.signed[job.job_id] = text
    exchange.emit(
        EventKind.EXTRINSIC_SIGNED,
        order_id=job.job_id,
        code=job.job,
        key=key,
        amount=nonce,
        tao=birth,
        limit=period,
        payload=text,
    )
    return job.job_id


def release_job(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Give up a job that was not signed; the mirror may meet resting orders where a settlement's swaps leave it."""
    job = open_job(exchange, command)
    if job.state != JobState.REQUESTED:
        raise Refused(Refusal.JOB_STATE, job.state, JobState.REQUESTED)
    release(exchange, job)
    if job.job == Job.SETTLEMENT:
        for market in exchange.ascending():
            resting(exchange, market)
    return job.job_id


def release(exchange: Exchange, job: OpenJob) -> None:
    """Release an unsigned job and close it."""
    exchange.emit(EventKind.JOB_RELEASED, order_id=job.job_id, code=job.job)
    for market in exchange.ascending():
        if job.job == Job.SETTLEMENT and market.block_pending:
            market.block_pending = 0
            move_mirror(exchange, market)
    close(exchange, job, Outcome.RELEASED)


def close(exchange: Exchange, job: OpenJob, outcome: Outcome) -> None:
    """Close a job: its market items are void, what a customer did not get is refunded."""
    del exchange.jobs[job.job_id]
    exchange.texts.signed.pop(job.job_id, None)
    if job.job == Job.SETTLEMENT:
        exchange.settlement = 0
        for market in exchange.markets.values():
            if market.item:
                market.block_pending = 0
            market.item = None
        exchange.emit(EventKind.SETTLEMENT_CLOSED, order_id=job.job_id, code=outcome)
        if not exchange.ending:
            land(exchange)
    elif job.job == Job.SWEEP:
        exchange.emit(EventKind.SWEEP_CLOSED, order_id=job.job_id, code=outcome)
    else:
        total = job.amount + job.fee
        asset = job.netuid + 1 if job.alpha else TAO_ASSET
        exchange.emit(
            EventKind.WITHDRAWAL_REFUNDED,
            order_id=job.job_id,
            account=job.account,
            netuid=job.netuid,
            flags=int(Flag.ALPHA) if job.alpha else 0,
            amount=job.amount,
            fee=job.fee,
            code=outcome,
        )
        exchange.books.post(("withdrawing", 0, 0, asset, -total), ("free", job.account, 0, asset, total))


def dead(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Close a job whose extrinsic can never be included any more."""
    job = exchange.jobs[record["order_id"]]
    exchange.emit(EventKind.EXTRINSIC_DIED, order_id=job.job_id, code=job.job)
    close(exchange, job, Outcome.DEAD)


def outcome(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Book what a finalised block made of one item of ours."""
    job = exchange.jobs[record["order_id"]]
    failed = bool(record["flags"] & Flag.FAILED)
    if job.job == Job.SETTLEMENT:
        if failed:
            fail_swap(exchange, job, record)
        else:
            book_swap(exchange, job, record)
        job.items_done += 1
        if job.items_done == job.items:
            close(exchange, job, Outcome.BOOKED)
    elif failed:
        close(exchange, job, Outcome.FAILED)
    elif job.job == Job.SWEEP:
        book_sweep(exchange, job, record)
    else:
        book_withdrawal(exchange, job, record)


def fail_swap(exchange: Exchange, job: OpenJob, record: Record) -> None:
    """Note a failed item: it books nothing, and covers nothing."""
    fields = {name: record[name] for name in ("netuid", "aux")}
    exchange.emit(EventKind.SETTLEMENT_ITEM_FAILED, order_id=job.job_id, **fields)
    item = exchange.markets[record["netuid"]].item
    assert item is not None, "an outcome names an open item"
    item.done = True


def book_swap(exchange: Exchange, job: OpenJob, record: Record) -> None:
    """Book a swap: custody against the market's house account; the cut that it covers is final."""
    netuid, key, hotkey, alpha, tao = (record[name] for name in ("netuid", "key", "other", "amount", "tao"))
    sell = record["flags"] & Flag.SELL
    exchange.emit(
        EventKind.SETTLEMENT_BOOKED,
        order_id=job.job_id,
        netuid=netuid,
        aux=record["aux"],
        flags=sell,
        amount=alpha,
        tao=tao,
        key=key,
        other=hotkey,
    )
    spent, got = (-tao, -alpha) if sell else (tao, alpha)
    exchange.books.post(
        ("custody_free", key, 0, TAO_ASSET, spent),
        ("trading", netuid, 0, TAO_ASSET, -spent),
        ("custody_stake", key, hotkey, netuid + 1, -got),
        ("trading", netuid, 0, netuid + 1, got),
    )
    market = exchange.markets[netuid]
    assert market.item is not None, "an outcome names an open item"
    market.item.done = True
    market.final_cut = market.item.cut
    market.need_since = 0
    share_outcome(exchange, market, market.item, alpha=alpha, tao=tao)


def book_sweep(exchange: Exchange, job: OpenJob, record: Record) -> None:
    """Book a sweep: the customer keeps the whole, fee or rounding is the house's."""
    asset = job.netuid + 1 if job.alpha else TAO_ASSET
    key, hotkey, hot = record["key"], record["other"], exchange.key_of(KeyRole.HOT)
    left = record["amount"] if job.alpha else record["tao"]
    arrived = record["limit"] or left
    exchange.emit(
        EventKind.SWEEP_BOOKED,
        order_id=job.job_id,
        key=key,
        netuid=job.netuid,
        flags=int(Flag.ALPHA) if job.alpha else 0,
        other=hotkey,
        amount=left,
        tao=arrived,
        aux=hot,
    )
    exchange.books.post(
        (*exchange.books.custody(key, hotkey, asset), left),
        (*exchange.books.custody(hot, hotkey, asset), -arrived),
        ("rounding" if job.alpha else "chain_fees", 0, 0, asset, arrived - left),
    )
    close(exchange, job, Outcome.BOOKED)


def book_withdrawal(exchange: Exchange, job: OpenJob, record: Record) -> None:
    """Book a withdrawal that reached the chain; what the stake lost beyond the amount is the house's rounding."""
    asset = job.netuid + 1 if job.alpha else TAO_ASSET
    left = record["amount"] if job.alpha else record["tao"]
    exchange.emit(
        EventKind.WITHDRAWAL_BOOKED,
        order_id=job.job_id,
        account=job.account,
        key=record["key"],
        netuid=job.netuid,
        flags=int(Flag.ALPHA) if job.alpha else 0,
        other=record["other"],
        amount=job.amount,
        fee=job.fee,
        tao=left,
    )
    exchange.books.post(
        ("withdrawing", 0, 0, asset, -(job.amount + job.fee)),
        ("fees", 0, 0, asset, job.fee),
        (*exchange.books.custody(record["key"], record["other"], asset), left),
        ("rounding", 0, 0, asset, job.amount - left),
    )
    del exchange.jobs[job.job_id]
    exchange.texts.signed.pop(job.job_id, None)


def chain_fee(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Book what an extrinsic of ours cost."""
    asset, key, hotkey, fee = asset_of(record), record["key"], record["other"], record["amount"]
    fields = {name: record[name] for name in ("key", "amount", "netuid", "other", "order_id")}
    exchange.emit(EventKind.CHAIN_FEE_BOOKED, flags=record["flags"] & Flag.ALPHA, **fields)
    exchange.books.post((*exchange.books.custody(key, hotkey, asset), fee), ("chain_fees", 0, 0, asset, -fee))
