"""What every rule uses: appending an event, refusing a command, and the first answers to client ids."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.index import add_row, enter_row, mark_of
from ledger.engine.layout import CommandKind, EventKind, Flag
from ledger.engine.parameters import HORIZON_MS
from ledger.engine.state import Row, State, break_law, find_answer, int64
from ledger.engine.tables import CAPACITY


@kernel
def append(state: State, kind: int) -> Row:
    """Return a new event of this kind with its seq; the loop applies it once the rule has returned."""
    run = state.run[0]
    slot = run["count"]
    if slot >= len(state.out):
        break_law(state, CAPACITY, slot)
        return state.out[0]
    event = state.out[slot]
    event["kind"] = kind
    event["seq"] = state.scalars[0]["seq"] + 1 + slot - run["applied"]
    run["count"] = slot + 1
    return event


@kernel
def retract(state: State, count: int) -> None:
    """Take back events that were appended and not applied, down to a count: a plan that is not executed."""
    run = state.run[0]
    blank = state.blank[0]
    while run["count"] > count:
        run["count"] -= 1
        state.out[run["count"]] = blank


@kernel
def answer(state: State, event: Row, command: Row) -> None:
    """Make an event the answer to its command: it carries the client id, and names what was made."""
    event["id_hi"] = command["id_hi"]
    event["id_lo"] = command["id_lo"]
    event["digest"] = command["digest"]
    state.run[0]["reference"] = reference_of(event)


@kernel
def reject(state: State, command: Row, code: int, value: int, bound: int) -> None:
    """Refuse a command with a code, the offending figure and what would have been right."""
    event = append(state, EventKind.COMMAND_REJECTED.value)
    event["code"] = code
    event["account"] = command["account"]
    event["netuid"] = command["netuid"]
    event["other"] = command["kind"]
    event["amount"] = value
    event["limit"] = bound
    asked_only = command["kind"] == CommandKind.PLACE_ORDER.value and command["flags"] & Flag.VALIDATE_ONLY.value
    if has_client_id(command["kind"]) and not asked_only:
        event["id_hi"] = command["id_hi"]
        event["id_lo"] = command["id_lo"]
        event["digest"] = command["digest"]
    run = state.run[0]
    run["code"] = code
    run["value"] = value
    run["bound"] = bound


@kernel
def has_client_id(kind: int) -> bool:
    """Tell whether commands of this kind carry a client id; those of the link's head groups carry hashes there."""
    unsolicited = kind in (CommandKind.ACCEPT_SIGNED.value, CommandKind.RELEASE_JOB.value)
    of_a_head = CommandKind.HEAD_BEGIN.value <= kind <= CommandKind.REFUSE_HEAD.value
    return not of_a_head and not unsolicited


@kernel
def reference_of(event: Row) -> int:
    """Return what an accepted command made: the number of an account or key, else the seq of the event."""
    kind = event["kind"]
    if kind == EventKind.COMMAND_REJECTED.value:
        return 0
    if kind == EventKind.ACCOUNT_OPENED.value:
        return int64(event["account"])
    if kind == EventKind.CHAIN_KEY_ADDED.value:
        return int64(event["key"])
    if kind == EventKind.HOTKEY_ADDED.value:
        return int64(event["other"])
    if kind in (
        EventKind.ORDER_CLOSED.value,
        EventKind.ORDER_AMENDED.value,
        EventKind.CANCEL_NOTED.value,
        EventKind.QUOTE_TAKEN.value,
        EventKind.QUOTE_ENDED.value,
    ):
        return event["order_id"]
    return event["seq"]


@kernel
def known_answer(state: State, account: int, id_hi: int, id_lo: int) -> tuple[int, int]:
    """Return ``(generation parity, slot)`` of the first answer to a client id, slot -1 where there is none."""
    scalars = state.scalars[0]
    slot = find_answer(state.even_answers, state.even_index, scalars["answers_even"], account, id_hi, id_lo)
    if slot >= 0:
        return 0, slot
    slot = find_answer(state.odd_answers, state.odd_index, scalars["answers_odd"], account, id_hi, id_lo)
    return 1, slot


@kernel
def first_answer(state: State, parity: int, slot: int) -> Row:
    """Return a first answer."""
    return state.odd_answers[slot] if parity else state.even_answers[slot]


@kernel
def repeat_answer(state: State, parity: int, slot: int, digest: int) -> bool:
    """Give the first answer again, or tell by False that the id stands for another body."""
    row = first_answer(state, parity, slot)
    if row["digest"] != digest:
        return False
    run = state.run[0]
    run["code"] = row["code"]
    run["reference"] = row["reference"]
    run["value"] = row["value"]
    run["bound"] = row["bound"]
    run["duplicate"] = 1
    return True


@kernel
def carries_answer(kind: int) -> bool:
    """Tell whether events of this kind may be the answer to a client id; others keep hashes in those fields."""
    return kind <= EventKind.SUSPENSE_RESOLVED.value or kind in (
        EventKind.TIER_SET.value,
        EventKind.ORDER_ACCEPTED.value,
        EventKind.ORDER_CLOSED.value,
        EventKind.ORDER_AMENDED.value,
        EventKind.CANCEL_NOTED.value,
        EventKind.ORDERS_CANCELLED.value,
        EventKind.CANCEL_AFTER_SET.value,
        EventKind.QUOTE_ISSUED.value,
        EventKind.QUOTE_TAKEN.value,
        EventKind.QUOTE_ENDED.value,
        EventKind.WITHDRAWAL_HELD.value,
        EventKind.SWEEP_REQUESTED.value,
    )


@kernel
def remember_answer(state: State, event: Row) -> None:
    """Keep the first answer to a client id for at least the horizon.

    Answers live in two generations of one horizon each, so that forgetting is one clearing and needs no search: a new
    generation takes the place of the one before the last.
    """
    scalars = state.scalars[0]
    generation = state.run[0]["ts"] // HORIZON_MS
    if generation != scalars["generation"]:
        for parity in range(2):
            if generation % 2 == parity or generation > scalars["generation"] + 1:
                if parity == 0:
                    scalars["answers_even"] = 0
                else:
                    scalars["answers_odd"] = 0
        scalars["generation"] = generation
    parity = generation % 2
    slot = scalars["answers_odd"] if parity else scalars["answers_even"]
    if slot >= len(state.odd_answers if parity else state.even_answers):
        break_law(state, CAPACITY, slot)
        return
    if parity:
        scalars["answers_odd"] = slot + 1
    else:
        scalars["answers_even"] = slot + 1
    row = first_answer(state, parity, slot)
    row["account"] = 0 if event["kind"] == EventKind.ACCOUNT_OPENED.value else event["account"]
    row["id_hi"] = event["id_hi"]
    row["id_lo"] = event["id_lo"]
    row["digest"] = event["digest"]
    row["reference"] = reference_of(event)
    rejected = event["kind"] == EventKind.COMMAND_REJECTED.value
    row["code"] = event["code"] if rejected else 0
    row["value"] = event["amount"] if rejected else 0
    row["bound"] = event["limit"] if rejected else 0
    index = state.odd_index if parity else state.even_index
    add_row(index, slot)
    enter_row(index, slot + 1, slot, mark_of(row["id_hi"] ^ row["account"], row["id_lo"]))
