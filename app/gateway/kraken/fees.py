"""What a fee tier makes of a market's fees, by the engine's own rule."""

from typing import Final

from ledger.engine.views import TierView

_PPM: Final = 1_000_000


def taker_ppm(market_taker: int, tier: TierView) -> int:
    """Return the taker fee of a tier, ppm, rounded down for the customer."""
    return market_taker * tier.taker_share // _PPM


def maker_ppm(market_taker: int, market_maker: int, tier: TierView) -> int:
    """Return the maker fee of a tier, ppm, rounded down; never more than the taker's."""
    return min(market_maker * tier.maker_share // _PPM, taker_ppm(market_taker, tier))
