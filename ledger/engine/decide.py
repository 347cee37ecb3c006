"""``decide_all``: a whole batch in one call. Rules read the state and append events; the loop applies them at once."""

from amm.kernel_cache import kernel
from ledger.engine.ahead import look_ahead
from ledger.engine.allocation import decide_outcome, decide_overdue, return_flight
from ledger.engine.amend import decide_amend
from ledger.engine.cancel import decide_cancel, decide_cancel_all
from ledger.engine.dissolution import decide_dissolutions, decide_dissolved
from ledger.engine.evolve import apply_out
from ledger.engine.funds import decide_deposit, decide_resolve, decide_withdrawal
from ledger.engine.guards import decide_cancel_after
from ledger.engine.heads import (
    decide_account_seen,
    decide_begin,
    decide_end,
    decide_growth,
    decide_pool,
    decide_refused,
    decide_stake_seen,
    decide_windows,
)
from ledger.engine.jobs import (
    decide_chain_fee,
    decide_dead,
    decide_signed,
    decide_sweep,
)
from ledger.engine.layout import CommandKind, Records
from ledger.engine.listing import decide_configure, decide_halt, decide_list, decide_stage, market_slot
from ledger.engine.orders import decide_order
from ledger.engine.queue import decide_given_up, decide_uncrossed, reach_all
from ledger.engine.quotes import decide_issue_quote, decide_release_quote, decide_take_quote
from ledger.engine.reach import reach_resting
from ledger.engine.room import room_for_timers, room_needed
from ledger.engine.rules import first_answer, has_client_id, known_answer, reject, repeat_answer
from ledger.engine.settlement import decide_cover, decide_cut
from ledger.engine.setup import (
    decide_address,
    decide_api_key,
    decide_chain_key,
    decide_funding,
    decide_hotkey,
    decide_open_account,
)
from ledger.engine.state import Row, State
from ledger.engine.stops import run_stops, trigger_stops
from ledger.engine.tiers import decide_tier
from ledger.engine.timers import decide_timers
from ledger.errors import Refusal


@kernel
def is_answered(state: State, command: Row) -> bool:
    """Give the first answer again where the client id is known; refuse it with another body."""
    if not has_client_id(command["kind"]) or (command["id_hi"] == 0 and command["id_lo"] == 0):
        return False
    account = 0 if command["kind"] == CommandKind.OPEN_ACCOUNT.value else command["account"]
    parity, slot = known_answer(state, account, command["id_hi"], command["id_lo"])
    if slot < 0:
        return False
    if not repeat_answer(state, parity, slot, command["digest"]):
        # The refusal must not take the place of the first answer, so it carries no client id.
        command["id_hi"] = 0
        command["id_lo"] = 0
        reject(state, command, Refusal.ID_REUSED.value, command["digest"], first_answer(state, parity, slot)["digest"])
    return True


@kernel
def decide_setup(state: State, command: Row) -> None:
    """Decide what an operator asks for."""
    kind = command["kind"]
    if kind == CommandKind.OPEN_ACCOUNT.value:
        decide_open_account(state, command)
    elif kind == CommandKind.ADD_API_KEY.value:
        decide_api_key(state, command)
    elif kind == CommandKind.ADD_CHAIN_KEY.value:
        decide_chain_key(state, command)
    elif kind == CommandKind.ADD_HOTKEY.value:
        decide_hotkey(state, command)
    elif kind == CommandKind.LIST_MARKET.value:
        decide_list(state, command)
    elif kind == CommandKind.SET_STAGE.value:
        decide_stage(state, command)
    elif kind == CommandKind.SET_MARKET.value:
        decide_configure(state, command)
    elif kind == CommandKind.SET_HALT.value:
        decide_halt(state, command)
    elif kind == CommandKind.ADD_ADDRESS.value:
        decide_address(state, command)
    elif kind == CommandKind.ANNOUNCE_FUNDING.value:
        decide_funding(state, command)
    elif kind == CommandKind.RESOLVE_SUSPENSE.value:
        decide_resolve(state, command)
    elif kind == CommandKind.SET_TIER.value:
        decide_tier(state, command)
    else:
        reject(state, command, Refusal.UNKNOWN_KIND.value, kind, 0)


@kernel
def decide_head_record(state: State, command: Row) -> None:
    """Decide a record of a head group that the shell has judged."""
    kind = command["kind"]
    if kind == CommandKind.HEAD_BEGIN.value:
        decide_begin(state, command)
    elif kind == CommandKind.OUTCOME_SEEN.value:
        decide_outcome(state, command)
    elif kind == CommandKind.EXTRINSIC_DEAD.value:
        decide_dead(state, command)
        apply_out(state)
        return_flight(state)
    elif kind == CommandKind.CHAIN_FEE_SEEN.value:
        decide_chain_fee(state, command)
    elif kind == CommandKind.DISSOLVED_SEEN.value:
        decide_dissolved(state, command)
    elif kind == CommandKind.DEPOSIT_SEEN.value:
        decide_deposit(state, command)
    elif kind == CommandKind.GROWTH_SEEN.value:
        decide_growth(state, command)
    elif kind == CommandKind.POOL_SEEN.value:
        decide_pool(state, command)
    elif kind == CommandKind.ACCOUNT_SEEN.value:
        decide_account_seen(state, command)
    elif kind == CommandKind.STAKE_SEEN.value:
        decide_stake_seen(state, command)
    else:
        decide_refused(state, command)


@kernel
def decide_wait(state: State, command: Row) -> None:
    """Decide what a customer asks for that ends by itself: cancel-after and firm quotes."""
    kind = command["kind"]
    if kind == CommandKind.CANCEL_AFTER.value:
        decide_cancel_after(state, command)
    elif kind == CommandKind.ISSUE_QUOTE.value:
        decide_issue_quote(state, command)
    elif kind == CommandKind.TAKE_QUOTE.value:
        decide_take_quote(state, command)
    else:
        decide_release_quote(state, command)


@kernel
def decide_one(state: State, command: Row) -> None:
    """Decide one command that may change something."""
    kind = command["kind"]
    if kind == CommandKind.PLACE_ORDER.value:
        decide_order(state, command)
    elif kind == CommandKind.CANCEL_ORDER.value:
        decide_cancel(state, command)
    elif kind == CommandKind.AMEND_ORDER.value:
        decide_amend(state, command)
    elif kind == CommandKind.CANCEL_ALL.value:
        decide_cancel_all(state, command)
    elif CommandKind.CANCEL_AFTER.value <= kind <= CommandKind.RELEASE_QUOTE.value:
        decide_wait(state, command)
    elif kind == CommandKind.REQUEST_WITHDRAWAL.value:
        decide_withdrawal(state, command)
    elif kind == CommandKind.REQUEST_SWEEP.value:
        decide_sweep(state, command)
    elif kind == CommandKind.ACCEPT_SIGNED.value:
        decide_signed(state, command)
    elif kind == CommandKind.RELEASE_JOB.value:
        decide_given_up(state, command)
    elif CommandKind.HEAD_BEGIN.value <= kind <= CommandKind.REFUSE_HEAD.value:
        decide_head_record(state, command)
    else:
        decide_setup(state, command)


@kernel
def decide_head_end(state: State, step: int) -> None:
    """Take one step of the end of a head; each sees what the one before has changed."""
    if step == 0:
        decide_windows(state)
    elif step == 1:
        decide_overdue(state)
        decide_dissolutions(state)
    elif step == 2:
        decide_uncrossed(state)
    elif step == 3:
        reach_all(state)
    elif step == 4:
        run_stops(state)
    elif step == 5:
        decide_cut(state)
    elif step == 6:
        decide_cover(state)
    else:
        decide_end(state)


HEAD_END_STEPS = 8


@kernel
def has_room(state: State, needed: int) -> bool:
    """Tell whether ``out`` has room for so many events more, and note what is needed where it has not."""
    run = state.run[0]
    run["needed"] = 0 if needed <= len(state.out) - run["count"] else needed
    return bool(run["needed"] == 0)


@kernel
def run_timers(state: State) -> bool:
    """Run the timers that are due; False, with nothing done, where ``out`` must grow first."""
    if not has_room(state, room_for_timers(state)):
        return False
    decide_timers(state)
    apply_out(state)
    return True


@kernel
def follow_up(state: State, command: Row) -> None:
    """Let resting orders trade that a moved mirror has come to, and trigger the stops that trades have passed.

    Of a head's trades in every market, once the head is complete; of a settlement's release, too: it moves all mirrors
    that it was in.
    """
    run = state.run[0]
    if run["code"] == 0 and command["kind"] in (CommandKind.SET_MARKET.value, CommandKind.RESOLVE_SUSPENSE.value):
        slot = market_slot(state, command["netuid"])
        if slot >= 0:
            reach_resting(state, slot)
    everywhere = command["kind"] == CommandKind.RELEASE_JOB.value and run["traded"] != 0
    if everywhere or command["kind"] == CommandKind.HEAD_END.value:
        run_stops(state)
    elif run["traded"] != 0:
        trigger_stops(state, market_slot(state, run["traded"] - 1))
    apply_out(state)


@kernel
def decide_all(state: State, commands: Records, refusals: Records, decisions: Records, begin: int) -> int:
    """Decide commands (``WIDE_COMMAND[n]``) in order from ``begin`` on, and return where it stopped.

    ``refusals[i]`` is what the shell found wrong with the payload, or 0. ``decisions[i]`` is the answer, whose
    events are ``out[first : first + count]``. Stops before a command for which ``out`` has no room (``run.needed``),
    and where a law is broken.
    """
    run = state.run[0]
    is_compiled = run["evolver"] != 0
    for i in range(begin, len(commands)):
        command = commands[i]
        if is_compiled:
            look_ahead(state, commands, i)
        if not has_room(state, room_needed(state, command)):
            return i
        in_head = CommandKind.HEAD_BEGIN.value <= command["kind"] <= CommandKind.HEAD_END.value
        run["traded"] = 0
        run["stops"] = 0
        run["code"] = 0
        run["reference"] = 0
        run["value"] = 0
        run["bound"] = 0
        run["duplicate"] = 0
        first = run["count"]
        steps = HEAD_END_STEPS if command["kind"] == CommandKind.HEAD_END.value else 1
        for step in range(steps):
            if steps > 1:
                decide_head_end(state, step)
            elif not is_answered(state, command):
                if refusals[i] != 0:
                    reject(state, command, refusals[i], 0, 0)
                else:
                    decide_one(state, command)
            apply_out(state)
            if run["law"] != 0:
                return i
        if not in_head or steps > 1:
            follow_up(state, command)
        decision = decisions[i]
        decision["code"] = run["code"]
        decision["reference"] = run["reference"]
        decision["value"] = run["value"]
        decision["bound"] = run["bound"]
        decision["duplicate"] = run["duplicate"]
        decision["first"] = first
        decision["count"] = run["count"] - first
        if run["law"] != 0:
            return i
    return len(commands)
