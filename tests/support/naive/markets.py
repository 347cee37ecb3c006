"""What a market's pool allows now."""

from amm.reference import MIN_RESERVE
from ledger.engine.layout import Stage
from tests.support.naive.exchange import Exchange, Market


def is_tradable(exchange: Exchange, market: Market) -> bool:
    """Tell whether the chain would take a swap in the market's pool now."""
    return (
        market.pool is not None
        and market.pool_height == exchange.head
        and not market.closed
        and min(market.pool.tao, market.pool.alpha) >= MIN_RESERVE
        and market.stage < Stage.DELISTING
    )
