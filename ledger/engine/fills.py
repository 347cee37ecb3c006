"""How fills and holds change balances, the mirror, the window and what the next cut must cover."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.balances import post, post_free, post_held, uncovered_after
from ledger.engine.layout import TAO_ASSET, AccountClass, EventKind, Flag, Mode
from ledger.engine.listing import market_slot
from ledger.engine.state import Row, State, balance_slot, int64


@kernel
def given_asset(event: Row) -> int:
    """Return the asset that the side of an order gives away."""
    return int64(event["netuid"]) + 1 if event["flags"] & Flag.SELL.value else TAO_ASSET


@kernel
def apply_trade(state: State, event: Row) -> None:
    """Apply the acceptance, a fill or the closing of an order."""
    kind = event["kind"]
    account = int64(event["account"])
    if kind == EventKind.FILLED.value:
        apply_fill(state, event)
    elif kind == EventKind.ORDER_ACCEPTED.value:
        post_free(state, account, given_asset(event), -event["hold"])
        post_held(state, account, given_asset(event), event["hold"])
    else:
        post_held(state, account, given_asset(event), -event["hold"])
        post_free(state, account, given_asset(event), event["hold"])


@kernel
def apply_fill(state: State, event: Row) -> None:
    """Post a fill against the market's house account, move the mirror, use the window.

    A buy in instant mode is uncovered until the open cut is final; a sale takes uncovered alpha first.
    """
    account = int64(event["account"])
    netuid = int64(event["netuid"])
    asset = netuid + 1
    alpha, tao, fee, released = event["amount"], event["tao"], event["fee"], event["hold"]
    trading = AccountClass.HOUSE_TRADING.value
    market = state.markets[market_slot(state, netuid)]
    post(state, AccountClass.HOUSE_FEES.value, 0, 0, TAO_ASSET, fee)
    if event["flags"] & Flag.SELL.value:
        post_held(state, account, asset, -released)
        post_free(state, account, asset, released - alpha)
        post(state, trading, netuid, 0, asset, alpha)
        post(state, trading, netuid, 0, TAO_ASSET, -tao)
        post_free(state, account, TAO_ASSET, tao - fee)
        change = -alpha
    else:
        post_held(state, account, TAO_ASSET, -released)
        post_free(state, account, TAO_ASSET, released - tao - fee)
        post(state, trading, netuid, 0, TAO_ASSET, tao)
        post(state, trading, netuid, 0, asset, -alpha)
        post_free(state, account, asset, alpha)
        change = alpha
    row = state.balances[balance_slot(state, account, asset)]
    if change < 0 or event["code"] == Mode.INSTANT.value:
        row["uncovered"] = uncovered_after(row["uncovered"], row["cut"], market["final_cut"], change)
    if change > 0 and event["code"] == Mode.INSTANT.value:
        row["cut"] = market["open_cut"]
        market["bought"] = market["open_cut"]
    market["used"] += event["limit"]
    market["mirror_tao"] = event["pool_tao"]
    market["mirror_alpha"] = event["pool_alpha"]
