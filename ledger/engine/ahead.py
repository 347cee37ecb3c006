"""Looking ahead in a batch: the rows that the next commands will touch are asked for while this one is decided.

With a million customers hardly any row is in the processor's caches, and a command waits for ten or more of them, one
after the other. A few commands ahead their places are known from the command alone; what stands there tells the next.
Nothing is decided here and nothing changes: a place that is wrong by then costs a moment.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.layout import TAO_ASSET, CommandKind, Records
from ledger.engine.parameters import HORIZON_MS
from ledger.engine.prefetch import prefetch
from ledger.engine.state import Row, State, int64, spread
from ledger.engine.tables import ASSET_BITS, BY_ACCOUNT, BY_PRICE

INDEXES, ROWS, NEIGHBOURS = 12, 8, 4
"""How many commands ahead each kind of place is asked for, in the order in which one tells the next."""


@kernel
def look_ahead(state: State, commands: Records, at: int) -> None:
    """Ask for what the commands after one will need."""
    last = len(commands) - 1
    if at + INDEXES <= last:
        ask_indexes(state, commands[at + INDEXES])
    if at + ROWS <= last:
        ask_rows(state, commands[at + ROWS])
    if at + NEIGHBOURS <= last:
        ask_neighbours(state, commands[at + NEIGHBOURS])


@kernel
def names_order(kind: int) -> bool:
    """Tell whether commands of this kind are about a live order."""
    return kind in (CommandKind.CANCEL_ORDER.value, CommandKind.AMEND_ORDER.value)


@kernel
def answer_place(state: State, command: Row) -> int:
    """Return where the index of first answers is searched for a command."""
    return spread(command["id_hi"] ^ command["account"], command["id_lo"], state.answer_index.shape[1])


@kernel
def balance_place(state: State, account: int, asset: int) -> int:
    """Return where the index of balances is searched."""
    return spread((account << ASSET_BITS) | asset, 0, len(state.balance_index))


@kernel
def is_known(state: State, account: int) -> bool:
    """Tell whether an account's row may be read."""
    return 1 <= account <= state.scalars[0]["accounts"]


@kernel
def ask_indexes(state: State, command: Row) -> None:
    """Ask for the places of the indexes, and for the customer."""
    kind, account = command["kind"], command["account"]
    scalars = state.scalars[0]
    place = answer_place(state, command)
    parity = (state.run[0]["ts"] // HORIZON_MS) % 2
    prefetch(state.answer_index[parity], place)
    if scalars["answers_even"] != 0 and scalars["answers_odd"] != 0:
        prefetch(state.answer_index[1 - parity], place)
    if is_known(state, account):
        prefetch(state.customers, account - 1)
    if kind == CommandKind.PLACE_ORDER.value:
        prefetch(state.balance_index, balance_place(state, account, TAO_ASSET))
        prefetch(state.balance_index, balance_place(state, account, command["netuid"] + 1))
    elif names_order(kind):
        prefetch(state.order_index, spread(command["order_id"], 0, len(state.order_index)))


@kernel
def ask_balance(state: State, account: int, asset: int) -> None:
    """Ask for the balance row to which the first place of its search points."""
    slot = int64(state.balance_index[balance_place(state, account, asset)]) - 1
    if slot >= 0:
        prefetch(state.balances, slot)


@kernel
def likely_order(state: State, order_id: int) -> int:
    """Return the slot to which the first place of an order's search points, or -1."""
    return int64(state.order_index[spread(order_id, 0, len(state.order_index))]) - 1


@kernel
def ask_rows(state: State, command: Row) -> None:
    """Ask for the rows that the indexes point to, and for the newest order of the customer."""
    kind, account = command["kind"], command["account"]
    if kind == CommandKind.PLACE_ORDER.value:
        ask_balance(state, account, TAO_ASSET)
        ask_balance(state, account, command["netuid"] + 1)
        if is_known(state, account):
            newest = int64(state.customers[account - 1]["last"]) - 1
            if newest >= 0:
                prefetch(state.links, 3 * newest + BY_ACCOUNT)
    elif names_order(kind):
        slot = likely_order(state, command["order_id"])
        if slot >= 0:
            prefetch(state.orders, slot)
            prefetch(state.links, 3 * slot + BY_PRICE)
            prefetch(state.links, 3 * slot + BY_ACCOUNT)


@kernel
def ask_neighbours(state: State, command: Row) -> None:
    """Ask for what stands beside an order in its lists, and for the balance that it holds."""
    if not names_order(command["kind"]):
        return
    slot = likely_order(state, command["order_id"])
    if slot < 0:
        return
    price, account = state.links[3 * slot + BY_PRICE], state.links[3 * slot + BY_ACCOUNT]
    if price["level"] != 0:
        prefetch(state.levels, int64(price["level"]) - 1)
    for neighbour in (int64(account["prev"]), int64(account["next"])):
        if neighbour != 0:
            prefetch(state.links, 3 * (neighbour - 1) + BY_ACCOUNT)
    ask_balance(state, command["account"], TAO_ASSET)
