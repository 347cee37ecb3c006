"""Extrinsics we ask for: sweeps, signatures, releases, and what the chain made of each.

Source: ``execution`` sections 7 and 8.
A job is open from its request to its closing event. Exactly one signature is accepted for it, and no (key, nonce) is
used by two open jobs, so that nothing can be paid twice.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.balances import custody_free, custody_stake, position, post, post_free
from ledger.engine.funds import asset_of, post_custody
from ledger.engine.layout import (
    MAX_AMOUNT,
    NO_NETUID,
    TAO_ASSET,
    AccountClass,
    EventKind,
    Flag,
    Job,
    JobState,
    KeyRole,
    Outcome,
)
from ledger.engine.listing import market_slot
from ledger.engine.parameters import JOBS_MAX, PERIOD_MAX
from ledger.engine.pools import mirror_of, spec_is_known
from ledger.engine.rules import answer, append, reject
from ledger.engine.state import Row, State, break_law, close_job, find_job, int64, open_job
from ledger.engine.tables import REFERENCE
from ledger.errors import Refusal


@kernel
def decide_sweep(state: State, command: Row) -> None:
    """Ask for a deposit key's money to be moved to the hot key.

    Refuses: MONEY_HALTED, UNKNOWN_KEY, UNKNOWN_HOTKEY, AMOUNT_OUT_OF_RANGE, INSUFFICIENT_FUNDS, JOB_STATE (a sweep of
    this position is open), TOO_MANY.
    """
    scalars = state.scalars[0]
    alpha = 1 if command["flags"] & Flag.ALPHA.value else 0
    key = command["key"]
    amount = command["amount"]
    if scalars["money_halted"]:
        return reject(state, command, Refusal.MONEY_HALTED.value, 0, 0)
    if (
        not 1 <= key <= scalars["keys"]
        or state.keys[key - 1]["role"] != KeyRole.DEPOSIT.value
        or scalars["hot_key"] == 0
    ):
        return reject(state, command, Refusal.UNKNOWN_KEY.value, key, scalars["keys"])
    if alpha and not 1 <= command["other"] <= scalars["hotkeys"]:
        return reject(state, command, Refusal.UNKNOWN_HOTKEY.value, command["other"], scalars["hotkeys"])
    if alpha and command["netuid"] == NO_NETUID:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, command["netuid"], 0)
    if not 1 <= amount <= MAX_AMOUNT:
        return reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, amount, MAX_AMOUNT)
    owned = custody_stake(state, key, command["other"], command["netuid"]) if alpha else custody_free(state, key)
    if amount > owned:
        return reject(state, command, Refusal.INSUFFICIENT_FUNDS.value, amount, owned)
    for slot in range(scalars["jobs"]):
        job = state.jobs[slot]
        if (
            job["from_key"] == key
            and job["alpha"] == alpha
            and (alpha == 0 or (job["netuid"] == command["netuid"] and job["hotkey"] == command["other"]))
        ):
            return reject(state, command, Refusal.JOB_STATE.value, job["job_id"], 0)
    if scalars["jobs"] >= JOBS_MAX:
        return reject(state, command, Refusal.TOO_MANY.value, scalars["jobs"], JOBS_MAX)
    event = append(state, EventKind.SWEEP_REQUESTED.value)
    event["order_id"] = event["seq"]
    event["key"] = key
    event["netuid"] = command["netuid"] if alpha else NO_NETUID
    event["flags"] = command["flags"] & Flag.ALPHA.value
    event["other"] = command["other"] if alpha else 0
    event["amount"] = amount
    return answer(state, event, command)


@kernel
def signer_of(state: State, job: Row) -> int:
    """Return the number of the key that signs a job."""
    if job["job"] == Job.SETTLEMENT.value:
        return state.scalars[0]["trading_key"]
    if job["job"] == Job.WITHDRAWAL.value:
        return state.scalars[0]["hot_key"]
    return job["from_key"]


@kernel
def decide_signed(state: State, command: Row) -> None:
    """Accept the one signed extrinsic of a job.

    Refuses: SIGNER_HALTED, SPEC_UNKNOWN, UNKNOWN_JOB, JOB_STATE (signed already), UNKNOWN_KEY (another key signs it),
    ERA_MALFORMED, NONCE_LIVE.
    """
    scalars = state.scalars[0]
    if scalars["signer_halted"] or scalars["money_halted"]:
        return reject(state, command, Refusal.SIGNER_HALTED.value, 0, 0)
    if not spec_is_known(scalars["spec"]):
        return reject(state, command, Refusal.SPEC_UNKNOWN.value, scalars["spec"], 0)
    slot = find_job(state, command["order_id"])
    if slot < 0 or state.jobs[slot]["job"] != command["code"]:
        return reject(state, command, Refusal.UNKNOWN_JOB.value, command["order_id"], 0)
    job = state.jobs[slot]
    if job["state"] != JobState.REQUESTED.value:
        return reject(state, command, Refusal.JOB_STATE.value, job["state"], JobState.REQUESTED.value)
    if command["key"] != signer_of(state, job):
        return reject(state, command, Refusal.UNKNOWN_KEY.value, command["key"], signer_of(state, job))
    birth, period = command["tao"], command["limit"]
    if not 1 <= period <= PERIOD_MAX or birth > scalars["head"] or birth + period <= scalars["head"]:
        return reject(state, command, Refusal.ERA_MALFORMED.value, birth, scalars["head"])
    if command["amount"] < 0:
        return reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, command["amount"], MAX_AMOUNT)
    for other in range(scalars["jobs"]):
        row = state.jobs[other]
        if row["state"] == JobState.SIGNED.value and row["key"] == command["key"] and row["nonce"] == command["amount"]:
            return reject(state, command, Refusal.NONCE_LIVE.value, command["amount"], row["job_id"])
    event = append(state, EventKind.EXTRINSIC_SIGNED.value)
    event["order_id"] = command["order_id"]
    event["code"] = command["code"]
    event["key"] = command["key"]
    event["amount"] = command["amount"]
    event["tao"] = birth
    event["limit"] = period
    event["payload"] = command["payload"]
    state.run[0]["reference"] = command["order_id"]
    return None


@kernel
def decide_release(state: State, command: Row) -> None:
    """Give up a job that was not signed. Refuses: UNKNOWN_JOB, JOB_STATE."""
    slot = find_job(state, command["order_id"])
    if slot < 0 or state.jobs[slot]["job"] != command["code"]:
        return reject(state, command, Refusal.UNKNOWN_JOB.value, command["order_id"], 0)
    if state.jobs[slot]["state"] != JobState.REQUESTED.value:
        return reject(state, command, Refusal.JOB_STATE.value, state.jobs[slot]["state"], JobState.REQUESTED.value)
    append_release(state, state.jobs[slot])
    state.run[0]["reference"] = command["order_id"]
    return None


@kernel
def append_release(state: State, job: Row) -> None:
    """Release a job and close it; a settlement's customers wait for nothing then, so their mirrors move back."""
    event = append(state, EventKind.JOB_RELEASED.value)
    event["order_id"] = job["job_id"]
    event["code"] = job["job"]
    if job["job"] == Job.SETTLEMENT.value:
        slot = state.scalars[0]["first_market"] - 1
        while slot >= 0:
            market = state.markets[slot]
            slot = market["next"] - 1
            if market["block_pending"] != 0:
                append_mirror(state, market, 0)
    append_close(state, job, Outcome.RELEASED.value)


@kernel
def append_mirror(state: State, market: Row, block_pending: int) -> None:
    """Build a market's mirror anew, with this much alpha that customers wait for."""
    held = position(state, market["netuid"])
    pending = market["target"] - held + block_pending + market["firm_pending"]
    tao, alpha = mirror_of(market, pending)
    event = append(state, EventKind.MIRROR_MOVED.value)
    event["netuid"] = market["netuid"]
    event["pool_tao"] = tao
    event["pool_alpha"] = alpha
    event["amount"] = block_pending
    event["aux"] = market["firm_pending"]


@kernel
def append_close(state: State, job: Row, outcome: int) -> None:
    """Close a job: the settlement, the refund of a withdrawal, the sweep."""
    if job["job"] == Job.SETTLEMENT.value:
        event = append(state, EventKind.SETTLEMENT_CLOSED.value)
    elif job["job"] == Job.SWEEP.value:
        event = append(state, EventKind.SWEEP_CLOSED.value)
    else:
        event = append(state, EventKind.WITHDRAWAL_REFUNDED.value)
        event["account"] = job["account"]
        event["netuid"] = job["netuid"]
        event["flags"] = Flag.ALPHA.value if job["alpha"] else 0
        event["amount"] = job["amount"]
        event["fee"] = job["fee"]
    event["order_id"] = job["job_id"]
    event["code"] = outcome


@kernel
def decide_dead(state: State, command: Row) -> None:
    """Close a job whose signed extrinsic can never be included any more."""
    job = state.jobs[find_job(state, command["order_id"])]
    event = append(state, EventKind.EXTRINSIC_DIED.value)
    event["order_id"] = job["job_id"]
    event["code"] = job["job"]
    append_close(state, job, Outcome.DEAD.value)


@kernel
def append_outcome(state: State, command: Row, job: Row) -> None:
    """Book what a finalised block made of one item of the settlement, before its orders get their parts."""
    failed = command["flags"] & Flag.FAILED.value
    event = append(state, EventKind.SETTLEMENT_ITEM_FAILED.value if failed else EventKind.SETTLEMENT_BOOKED.value)
    event["order_id"] = job["job_id"]
    event["netuid"] = command["netuid"]
    event["aux"] = command["aux"]
    if not failed:
        event["flags"] = command["flags"] & Flag.SELL.value
        event["amount"] = command["amount"]
        event["tao"] = command["tao"]
        event["key"] = command["key"]
        event["other"] = command["other"]


@kernel
def decide_transfer(state: State, command: Row, job: Row) -> None:
    """Book what a finalised block made of a sweep or a withdrawal."""
    if command["flags"] & Flag.FAILED.value:
        append_close(state, job, Outcome.FAILED.value)
        return
    left = command["amount"] if job["alpha"] else command["tao"]
    sweep = job["job"] == Job.SWEEP.value
    event = append(state, EventKind.SWEEP_BOOKED.value if sweep else EventKind.WITHDRAWAL_BOOKED.value)
    event["order_id"] = job["job_id"]
    event["key"] = command["key"]
    event["netuid"] = job["netuid"]
    event["flags"] = Flag.ALPHA.value if job["alpha"] else 0
    event["other"] = command["other"]
    if sweep:
        event["amount"] = left
        event["tao"] = command["limit"] if command["limit"] != 0 else left
        event["aux"] = state.scalars[0]["hot_key"]
        append_close(state, job, Outcome.BOOKED.value)
    else:
        event["account"] = job["account"]
        event["amount"] = job["amount"]
        event["fee"] = job["fee"]
        event["tao"] = left


@kernel
def decide_chain_fee(state: State, command: Row) -> None:
    """Book what an extrinsic of ours cost."""
    event = append(state, EventKind.CHAIN_FEE_BOOKED.value)
    event["key"] = command["key"]
    event["amount"] = command["amount"]
    event["netuid"] = command["netuid"]
    event["flags"] = command["flags"] & Flag.ALPHA.value
    event["other"] = command["other"]
    event["order_id"] = command["order_id"]


@kernel
def apply_job(state: State, event: Row) -> None:
    """Apply an event of this file."""
    kind = event["kind"]
    key = int64(event["key"])
    hotkey = int64(event["other"])
    netuid = int64(event["netuid"])
    if kind == EventKind.SWEEP_REQUESTED.value:
        job = open_job(state, event["order_id"], Job.SWEEP.value)
        job["netuid"] = event["netuid"]
        job["alpha"] = 1 if event["flags"] & Flag.ALPHA.value else 0
        job["from_key"] = event["key"]
        job["hotkey"] = event["other"]
        job["amount"] = event["amount"]
    elif kind == EventKind.EXTRINSIC_SIGNED.value:
        slot = find_job(state, event["order_id"])
        if slot < 0:
            break_law(state, REFERENCE, event["order_id"])
            return
        job = state.jobs[slot]
        job["state"] = JobState.SIGNED.value
        job["key"] = event["key"]
        job["nonce"] = event["amount"]
        job["birth"] = event["tao"]
        job["period"] = event["limit"]
    elif kind == EventKind.SETTLEMENT_REQUESTED.value:
        open_job(state, event["order_id"], Job.SETTLEMENT.value)
        state.scalars[0]["settlement"] = event["order_id"]
        state.scalars[0]["items"] = event["amount"]
        state.scalars[0]["items_done"] = 0
    elif kind == EventKind.SETTLEMENT_ITEM_REQUESTED.value:
        apply_item(state, event)
    elif kind == EventKind.SETTLEMENT_BOOKED.value:
        apply_booked(state, event)
    elif kind == EventKind.SETTLEMENT_ITEM_FAILED.value:
        market = state.markets[market_slot(state, netuid)]
        market["item_done"] = 1
        state.scalars[0]["items_done"] += 1
    elif kind == EventKind.SETTLEMENT_CLOSED.value:
        for slot in range(state.scalars[0]["markets"]):
            state.markets[slot]["item_job"] = 0
            state.markets[slot]["block_pending"] = 0
        state.scalars[0]["settlement"] = 0
        close_job(state, event["order_id"])
    elif kind == EventKind.CHAIN_FEE_BOOKED.value:
        asset = asset_of(event)
        post_custody(state, key, hotkey, asset, 0, event["amount"])
        post(state, AccountClass.HOUSE_CHAIN_FEES.value, 0, 0, asset, -event["amount"])
    elif kind == EventKind.SWEEP_BOOKED.value:
        asset = asset_of(event)
        post_custody(state, key, hotkey, asset, 0, event["amount"])
        post_custody(state, event["aux"], hotkey, asset, 0, -event["tao"])
        lost = event["tao"] - event["amount"]
        if asset == TAO_ASSET:
            post(state, AccountClass.HOUSE_CHAIN_FEES.value, 0, 0, asset, lost)
        else:
            post(state, AccountClass.HOUSE_ROUNDING.value, 0, 0, asset, lost)
    elif kind == EventKind.SWEEP_CLOSED.value:
        close_job(state, event["order_id"])
    elif kind in (EventKind.WITHDRAWAL_BOOKED.value, EventKind.WITHDRAWAL_REFUNDED.value):
        asset = asset_of(event)
        total = event["amount"] + event["fee"]
        post(state, AccountClass.WITHDRAWING.value, 0, 0, asset, -total)
        if kind == EventKind.WITHDRAWAL_REFUNDED.value:
            post_free(state, int64(event["account"]), asset, total)
        else:
            post(state, AccountClass.HOUSE_FEES.value, 0, 0, asset, event["fee"])
            post_custody(state, key, hotkey, asset, 0, event["tao"])
            post(state, AccountClass.HOUSE_ROUNDING.value, 0, 0, asset, event["amount"] - event["tao"])
        close_job(state, event["order_id"])


@kernel
def apply_item(state: State, event: Row) -> None:
    """Enter a market's item of the settlement; its cut is closed, what is bought from now on waits for the next."""
    market = state.markets[market_slot(state, int64(event["netuid"]))]
    market["item_job"] = event["order_id"]
    market["item"] = event["aux"]
    market["item_sell"] = 1 if event["flags"] & Flag.SELL.value else 0
    market["item_amount"] = event["amount"]
    market["item_limit"] = event["limit"]
    market["item_house"] = event["hold"]
    market["item_hotkey"] = event["other"]
    market["item_cut"] = event["tao"]
    market["item_done"] = 0
    market["open_cut"] = event["tao"] + 1
    market["block_pending"] = event["fee"]
    market["mirror_tao"] = event["pool_tao"]
    market["mirror_alpha"] = event["pool_alpha"]


@kernel
def apply_booked(state: State, event: Row) -> None:
    """Book a swap of ours: custody against the market's house account; its cut is covered now."""
    netuid = int64(event["netuid"])
    key = int64(event["key"])
    market = state.markets[market_slot(state, netuid)]
    alpha, tao = event["amount"], event["tao"]
    if event["flags"] & Flag.SELL.value:
        alpha, tao = -alpha, -tao
    post(state, AccountClass.CUSTODY_FREE.value, key, 0, TAO_ASSET, tao)
    post(state, AccountClass.HOUSE_TRADING.value, netuid, 0, TAO_ASSET, -tao)
    post(state, AccountClass.CUSTODY_STAKE.value, key, int64(event["other"]), netuid + 1, -alpha)
    post(state, AccountClass.HOUSE_TRADING.value, netuid, 0, netuid + 1, alpha)
    market["item_done"] = 1
    market["final_cut"] = market["item_cut"]
    market["need_since"] = 0
    state.scalars[0]["items_done"] += 1
