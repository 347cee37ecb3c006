"""How the share-out of a dissolved subnet changes the ledger (``dissolution.py`` decides it)."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.balances import post, post_free
from ledger.engine.layout import TAO_ASSET, AccountClass, Dissolved, EventKind, Stage
from ledger.engine.listing import market_slot
from ledger.engine.state import Row, State, int64


@kernel
def apply_stage(state: State, event: Row) -> None:
    """Move a market to another stage; the last one ends the share-out of a dissolved subnet."""
    market = state.markets[market_slot(state, int64(event["netuid"]))]
    market["stage"] = event["code"]
    if event["code"] == Stage.DELISTED.value and market["dissolved"] != 0:
        market["dissolved"] = Dissolved.SHARED.value


@kernel
def apply_dissolution(state: State, event: Row) -> None:
    """Apply an event of this file."""
    kind = event["kind"]
    netuid = int64(event["netuid"])
    asset = netuid + 1
    market = state.markets[market_slot(state, netuid)]
    trading = AccountClass.HOUSE_TRADING.value
    amount, tao = event["amount"], event["tao"]
    if kind == EventKind.MARKET_DISSOLVED.value:
        post(state, AccountClass.CUSTODY_FREE.value, int64(event["key"]), 0, TAO_ASSET, -tao)
        post(state, trading, netuid, 0, TAO_ASSET, tao)
        market["dissolved"] = Dissolved.WAITING.value
        market["payout"] += tao
        market["item_house"] = market["item_amount"]
    elif kind == EventKind.STAKE_CLOSED.value:
        post(state, AccountClass.CUSTODY_STAKE.value, int64(event["key"]), int64(event["other"]), asset, amount)
        post(state, trading, netuid, 0, asset, -amount)
        market["claims"] += amount
    elif kind == EventKind.CLAIM_PAID.value:
        account = int64(event["account"])
        if account == 0:
            post(state, AccountClass.SUSPENSE.value, 0, 0, asset, -amount)
            post(state, AccountClass.SUSPENSE.value, 0, 0, TAO_ASSET, tao)
        else:
            post_free(state, account, asset, -amount)
            post_free(state, account, TAO_ASSET, tao)
        post(state, trading, netuid, 0, asset, amount)
        post(state, trading, netuid, 0, TAO_ASSET, -tao)
        market["dissolved"] = Dissolved.SHARING.value
        market["claimed"] += amount
        market["next_claim"] = account + 1
    else:
        account_class = int64(event["code"])
        first = netuid if account_class == AccountClass.REWARDS_IDLE.value else 0
        post(state, account_class, first, 0, asset, -amount)
        post(state, trading, netuid, 0, asset, amount)
