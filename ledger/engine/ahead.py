"""Looking ahead in a batch: the rows that come next are asked for while one command is decided or one event applied.

With a million customers hardly any row is in the processor's caches, and a command waits for ten or more of them, one
after the other. A few commands ahead their places are known from the command alone; what stands there tells the next.
Nothing is decided here and nothing changes: a place that is wrong by then costs a moment.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.index import bucket_place, mark_of
from ledger.engine.layout import TAO_ASSET, CommandKind, EventKind, Records
from ledger.engine.prefetch import prefetch
from ledger.engine.state import State, int64
from ledger.engine.tables import ASSET_BITS, BY_ACCOUNT, BY_PRICE

INDEXES, ROWS, NEIGHBOURS = 12, 8, 4
"""How many commands or events ahead each kind of place is asked for, in the order in which one tells the next."""


@kernel
def look_ahead(state: State, commands: Records, at: int) -> None:
    """Ask for what the commands after one will need."""
    last = len(commands) - 1
    if at + INDEXES <= last:
        command = commands[at + INDEXES]
        ask_answer(state, command["account"], command["id_hi"], command["id_lo"])
        ask_indexes(state, command["account"], command["netuid"], named_order(command["kind"], command["order_id"]))
    if at + ROWS <= last:
        command = commands[at + ROWS]
        ask_rows(state, command["account"], command["netuid"], named_order(command["kind"], command["order_id"]))
    if at + NEIGHBOURS <= last:
        command = commands[at + NEIGHBOURS]
        ask_neighbours(state, named_order(command["kind"], command["order_id"]))


@kernel
def look_ahead_of_events(state: State, events: Records, at: int) -> None:
    """Ask for what the events after one will need; those of orders are nearly all."""
    last = len(events) - 1
    if at + INDEXES <= last:
        event = events[at + INDEXES]
        if is_trade(event["kind"]):
            if event["id_hi"] != 0 or event["id_lo"] != 0:
                ask_answer(state, event["account"], event["id_hi"], event["id_lo"])
            ask_indexes(state, event["account"], event["netuid"], event["order_id"])
    if at + ROWS <= last:
        event = events[at + ROWS]
        if is_trade(event["kind"]):
            ask_rows(state, event["account"], event["netuid"], event["order_id"])
    if at + NEIGHBOURS <= last:
        event = events[at + NEIGHBOURS]
        if is_trade(event["kind"]):
            ask_neighbours(state, event["order_id"])


@kernel
def is_trade(kind: int) -> bool:
    """Tell whether events of this kind are about an order."""
    return EventKind.ORDER_ACCEPTED.value <= kind <= EventKind.ORDER_SENT.value


@kernel
def named_order(kind: int, order_id: int) -> int:
    """Return the live order that a command is about, or 0: that field of others tells something else."""
    return order_id if kind in (CommandKind.CANCEL_ORDER.value, CommandKind.AMEND_ORDER.value) else 0


@kernel
def ask_answer(state: State, account: int, id_hi: int, id_lo: int) -> None:
    """Ask for the buckets of a first answer."""
    scalars = state.scalars[0]
    mark = mark_of(id_hi ^ account, id_lo)
    if scalars["answers_even"] != 0:
        prefetch(state.even_index, bucket_place(scalars["answers_even"], mark))
    if scalars["answers_odd"] != 0:
        prefetch(state.odd_index, bucket_place(scalars["answers_odd"], mark))


@kernel
def balance_place(state: State, account: int, asset: int) -> int:
    """Return where the bucket of a balance stands."""
    return bucket_place(state.scalars[0]["balances"], mark_of((account << ASSET_BITS) | asset, 0))


@kernel
def order_place(state: State, order_id: int) -> int:
    """Return where the bucket of an order stands."""
    return bucket_place(state.scalars[0]["orders"], mark_of(order_id, 0))


@kernel
def is_known(state: State, account: int) -> bool:
    """Tell whether an account's row may be read."""
    return 1 <= account <= state.scalars[0]["accounts"]


@kernel
def ask_indexes(state: State, account: int, netuid: int, order_id: int) -> None:
    """Ask for the places of the indexes, and for the customer."""
    if is_known(state, account):
        prefetch(state.customers, account - 1)
        prefetch(state.balance_index, balance_place(state, account, TAO_ASSET))
        prefetch(state.balance_index, balance_place(state, account, netuid + 1))
    if order_id != 0:
        prefetch(state.order_index, order_place(state, order_id))


@kernel
def ask_balance(state: State, account: int, asset: int) -> None:
    """Ask for the balance row that stands first in its bucket."""
    slot = int64(state.balance_index[balance_place(state, account, asset)]) - 1
    if slot >= 0:
        prefetch(state.balances, slot)


@kernel
def likely_order(state: State, order_id: int) -> int:
    """Return the slot of what stands first in the bucket of an order, or -1."""
    return int64(state.order_index[order_place(state, order_id)]) - 1


@kernel
def ask_rows(state: State, account: int, netuid: int, order_id: int) -> None:
    """Ask for the rows that the indexes point to, and for the newest order of the customer."""
    if is_known(state, account):
        ask_balance(state, account, TAO_ASSET)
        ask_balance(state, account, netuid + 1)
        newest = int64(state.customers[account - 1]["last"]) - 1
        if newest >= 0:
            prefetch(state.links, 3 * newest + BY_ACCOUNT)
    if order_id != 0:
        slot = likely_order(state, order_id)
        if slot >= 0:
            prefetch(state.orders, slot)
            prefetch(state.links, 3 * slot + BY_PRICE)
            prefetch(state.links, 3 * slot + BY_ACCOUNT)


@kernel
def ask_neighbours(state: State, order_id: int) -> None:
    """Ask for what stands beside an order in its lists."""
    slot = likely_order(state, order_id) if order_id != 0 else -1
    if slot < 0:
        return
    price, account = state.links[3 * slot + BY_PRICE], state.links[3 * slot + BY_ACCOUNT]
    if price["level"] != 0:
        prefetch(state.levels, int64(price["level"]) - 1)
    for neighbour in (int64(account["prev"]), int64(account["next"])):
        if neighbour != 0:
            prefetch(state.links, 3 * (neighbour - 1) + BY_ACCOUNT)
