"""Prices as clients write them, turned into rao of TAO per whole alpha."""

from typing import Final

from amm.errors import AmmError, TooManyDecimals
from amm.units import parse_decimal
from app.gateway.kraken.errors import price_decimals
from app.gateway.kraken.fields import Fields, amount_refusal
from app.gateway.kraken.names import PAIR_DECIMALS, PRICE_TICK_RAO, Pair

PRICE_MAX_RAO: Final = 10**15


def parse_price(fields: Fields, name: str, pair: Pair) -> int:
    """Return a required price, rao per whole alpha; absolute prices only."""
    text = fields.required(name)
    try:
        ticks = parse_decimal(text, decimals=PAIR_DECIMALS, smallest=1, largest=PRICE_MAX_RAO // PRICE_TICK_RAO)
    except TooManyDecimals as error:
        raise price_decimals(pair.key, text, PAIR_DECIMALS, name=name) from error
    except AmmError as error:
        raise amount_refusal(name, text, error, decimals=PAIR_DECIMALS) from error
    return ticks * PRICE_TICK_RAO
