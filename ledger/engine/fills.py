"""How trades change balances, the order that traded, the mirror, the window and what the next cut must cover."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.fixed_point import mul_div_floor
from amm.kernel_cache import kernel
from ledger.engine.balances import post, post_free, post_held, uncovered_after
from ledger.engine.layout import TAO_ASSET, AccountClass, Flag, Mode
from ledger.engine.listing import market_slot
from ledger.engine.pools import RAO, SATURATED
from ledger.engine.slab import find_order
from ledger.engine.state import Row, State, balance_slot, break_law, int64
from ledger.engine.tables import REFERENCE


@kernel
def note_trade(state: State, market: Row, alpha: int, tao: int) -> None:
    """Keep the price of a trade as the market's last."""
    price = mul_div_floor(tao, RAO, alpha) if alpha > 0 else 0
    market["last"] = price if price >= 0 else SATURATED
    market["traded"] = state.scalars[0]["seq"] + 1
    state.run[0]["traded"] = market["netuid"] + 1


@kernel
def note_part(state: State, order_id: int, alpha: int, tao: int, fee: int, released: int) -> None:
    """Add a part to an order: what it has traded, paid in fees, and what is still held for it."""
    slot = find_order(state, order_id)
    if slot < 0:
        break_law(state, REFERENCE, order_id)
        return
    order = state.orders[slot]
    order["alpha"] += alpha
    order["tao"] += tao
    order["fee"] += fee
    order["held"] -= released


@kernel
def apply_fill(state: State, event: Row) -> None:
    """Apply a fill of an order on the curve or at the cut: money, mirror, window, order."""
    trade_with_house(state, event, event["id_hi"])
    state.markets[market_slot(state, int64(event["netuid"]))]["used"] += event["limit"]
    note_part(state, event["order_id"], event["amount"], event["tao"], event["fee"], event["hold"])


@kernel
def trade_with_house(state: State, event: Row, rounding: int) -> None:
    """Post a trade against the market's house account and move the mirror; ``rounding`` is the house's gift, rao.

    A buy in instant mode is uncovered until the open cut is final; a sale takes uncovered alpha first.
    """
    account = int64(event["account"])
    netuid = int64(event["netuid"])
    asset = netuid + 1
    alpha, tao, fee, released = event["amount"], event["tao"], event["fee"], event["hold"]
    trading = AccountClass.HOUSE_TRADING.value
    market = state.markets[market_slot(state, netuid)]
    post(state, AccountClass.HOUSE_FEES.value, 0, 0, TAO_ASSET, fee)
    post(state, AccountClass.HOUSE_ROUNDING.value, 0, 0, TAO_ASSET, -rounding)
    if event["flags"] & Flag.SELL.value:
        post_held(state, account, asset, -released)
        post_free(state, account, asset, released - alpha)
        post(state, trading, netuid, 0, asset, alpha)
        post(state, trading, netuid, 0, TAO_ASSET, -tao)
        post_free(state, account, TAO_ASSET, tao - fee + rounding)
        change = -alpha
    else:
        post_held(state, account, TAO_ASSET, -released)
        post_free(state, account, TAO_ASSET, released - tao - fee + rounding)
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
    market["mirror_tao"] = event["pool_tao"]
    market["mirror_alpha"] = event["pool_alpha"]
    note_trade(state, market, alpha, tao)


@kernel
def apply_cross(state: State, event: Row) -> None:
    """Post a trade between two customers; the house has no part in it but the fees.

    Alpha that no settlement covers yet stays uncovered in the hands of its buyer, so that two accounts of one person
    cannot withdraw what one could not.
    """
    netuid = int64(event["netuid"])
    asset = netuid + 1
    taker, maker = int64(event["account"]), int64(event["other"])
    alpha, tao = event["amount"], event["tao"]
    taker_fee, maker_fee = event["fee"], event["limit"]
    taker_sells = event["flags"] & Flag.SELL.value != 0
    if taker_sells:
        buyer, buyer_fee, buyer_released = maker, maker_fee, event["pool_tao"]
        seller, seller_fee, seller_released = taker, taker_fee, event["hold"]
    else:
        buyer, buyer_fee, buyer_released = taker, taker_fee, event["hold"]
        seller, seller_fee, seller_released = maker, maker_fee, event["pool_tao"]
    market = state.markets[market_slot(state, netuid)]
    post_held(state, buyer, TAO_ASSET, -buyer_released)
    post_held(state, seller, asset, -seller_released)
    post_free(state, buyer, TAO_ASSET, buyer_released - tao - buyer_fee)
    post_free(state, seller, asset, seller_released - alpha)
    post_free(state, seller, TAO_ASSET, tao - seller_fee)
    post_free(state, buyer, asset, alpha)
    post(state, AccountClass.HOUSE_FEES.value, 0, 0, TAO_ASSET, taker_fee + maker_fee)
    pass_uncovered(state, market, seller, buyer, asset, alpha)
    note_trade(state, market, alpha, tao)
    note_part(state, event["order_id"], alpha, tao, taker_fee, event["hold"])
    note_part(state, event["aux"], alpha, tao, maker_fee, event["pool_tao"])


@kernel
def pass_uncovered(state: State, market: Row, seller: int, buyer: int, asset: int, alpha: int) -> None:
    """Pass the uncovered part of sold alpha on: the seller gives it first, and it waits for the same cut."""
    final = market["final_cut"]
    given = state.balances[balance_slot(state, seller, asset)]
    uncovered = given["uncovered"] if given["cut"] > final else 0
    passed = min(uncovered, alpha)
    given["uncovered"] = uncovered - passed
    if passed == 0:
        return
    taken = state.balances[balance_slot(state, buyer, asset)]
    taken["uncovered"] = (taken["uncovered"] if taken["cut"] > final else 0) + passed
    taken["cut"] = max(taken["cut"], given["cut"])
