"""What a quote is asked for: a market, a side, and an amount in alpha or in TAO."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from amm.errors import AmmError
from amm.units import parse_decimal
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.names import ALPHA_DECIMALS, TAO_DECIMALS, Pair
from app.gateway.kraken.prices import parse_price
from app.gateway.parts import Parts
from app.gateway.problems import Problem
from ledger.engine.layout import MAX_AMOUNT

Decimal = Annotated[str, Field(min_length=1, max_length=32)]


class Wanted(BaseModel):
    """``volume`` counts alpha, ``total`` the TAO to pay with all fees (buys only): one of them."""

    model_config = ConfigDict(extra="forbid")

    symbol: Annotated[str, Field(min_length=1, max_length=32)]
    side: Literal["buy", "sell"]
    volume: Decimal | None = None
    total: Decimal | None = None
    limit_price: Decimal | None = None


def pair_named(parts: Parts, symbol: str) -> Pair:
    """Return the market of a symbol, or raise ``Problem``."""
    pair = parts.replica.names.find_pair(symbol)
    if pair is None:
        raise Problem(404, "unknown_market", "No such market", value=symbol)
    return pair


def amounts_of(wanted: Wanted) -> tuple[int, int]:
    """Return ``(alpha rao, TAO rao)``, one of them 0, or raise ``Problem``."""
    if (wanted.volume is None) == (wanted.total is None) or (wanted.total is not None and wanted.side == "sell"):
        raise Problem(422, "malformed_request", "One amount: volume, or total for a buy", bound="volume or total")
    if wanted.volume is not None:
        return _amount("volume", wanted.volume, ALPHA_DECIMALS), 0
    return 0, _amount("total", wanted.total or "", TAO_DECIMALS)


def limit_of(wanted: Wanted, pair: Pair) -> int:
    """Return the limit price in rao per whole alpha, 0 without one; raises ``Refused``."""
    if wanted.limit_price is None:
        return 0
    return parse_price(Fields({"limit_price": wanted.limit_price}), "limit_price", pair)


def _amount(name: str, text: str, decimals: int) -> int:
    try:
        return parse_decimal(text, decimals=decimals, smallest=1, largest=MAX_AMOUNT)
    except AmmError as error:
        raise Problem(422, "malformed_request", f"{name}: not an amount", value=text) from error
