"""The instrument channel: assets and pairs with the very figures of AssetPairs."""

from typing import Any

from app.gateway.kraken.envelope import lot_text, number, tao_text
from app.gateway.kraken.names import (
    COST_DECIMALS,
    DISPLAY_DECIMALS,
    LOT_DECIMALS,
    LOT_RAO,
    PAIR_DECIMALS,
    PRICE_TICK_RAO,
    QUOTE,
    Names,
)


def instrument_data(names: Names) -> dict[str, Any]:
    """Return the data of a snapshot or update, which is an object and not a list."""
    return {
        "assets": [
            {
                "id": asset.id,
                "status": asset.status,
                "precision": asset.decimals,
                "precision_display": DISPLAY_DECIMALS,
                "borrowable": False,
                "collateral_value": 0,
                "margin_rate": 0,
            }
            for asset in names.assets
        ],
        "pairs": [
            {
                "symbol": pair.wsname,
                "base": pair.base,
                "quote": QUOTE,
                "status": pair.status,
                "qty_precision": LOT_DECIMALS,
                "qty_increment": number(lot_text(LOT_RAO)),
                "qty_min": number(lot_text(pair.order_min_rao)),
                "price_precision": PAIR_DECIMALS,
                "price_increment": number(tao_text(PRICE_TICK_RAO)),
                "cost_precision": COST_DECIMALS,
                "cost_min": number(tao_text(pair.cost_min_rao)),
                "marginable": False,
                "has_index": False,
            }
            for pair in names.pairs
        ],
    }
