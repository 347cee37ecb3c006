"""Private methods about what the account is worth and which fees it pays (``kraken_api`` section 8).

There is no margin here: nothing is borrowed, so every margin figure is 0 and the whole equity is free.
"""

from collections.abc import Mapping
from typing import Any, Final

from amm.units import format_decimal
from app.gateway.auth import Permission
from app.gateway.kraken.account import rows_of
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.envelope import tao_text
from app.gateway.kraken.fees import maker_ppm, taker_ppm
from app.gateway.kraken.names import PAIRS_ASKED_MAX, QUOTE, TAO, Asset, Pair, result_key
from ledger.engine.views import TierView

_RAO: Final = 10**9
_ZERO: Final = "0.000000000"
_PERCENT_DECIMALS: Final = 4


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    return {
        "TradeBalance": Method(trade_balance, Permission.QUERY_FUNDS),
        "TradeVolume": Method(trade_volume, Permission.QUERY_FUNDS),
        "OpenPositions": Method(open_positions, Permission.QUERY_OPEN_ORDERS),
    }


def worth_of(call: PrivateCall, asset: Asset, amount: int) -> int:
    """Return what an amount is worth at the last head's price, rao of TAO rounded down; 0 without one."""
    if asset.netuid is None:
        return amount
    market = call.replica.market(asset.netuid, call.now_ms)
    return amount * market.spot_rao // _RAO if market is not None else 0


async def trade_balance(call: PrivateCall) -> dict[str, str]:
    """Return what everything the account owns is worth, in an alpha asked for, else in TAO."""
    total = sum(worth_of(call, asset, free + held) for asset, free, held in rows_of(call))
    shown = call.names.find_asset(call.fields.text("asset", TAO.id)) or TAO
    if shown is not TAO:
        price = worth_of(call, shown, _RAO)
        total = total * _RAO // price if price else 0
    worth = tao_text(total)
    return {
        "eb": worth,
        "tb": worth,
        "m": _ZERO,
        "uv": _ZERO,
        "n": _ZERO,
        "c": _ZERO,
        "v": _ZERO,
        "e": worth,
        "mf": worth,
    }


async def trade_volume(call: PrivateCall) -> dict[str, Any]:
    """Return what the account traded in 30 days, in TAO, and its own fees of the pairs asked for."""
    now_ms = max(call.now_ms, call.replica.ts_ms)
    fees = call.replica.reads.fees(call.account, now_ms)
    told: dict[str, Any] = {"currency": QUOTE, "volume": tao_text(fees.volume)}
    asked = _asked_pairs(call)
    if asked:
        tiers = call.replica.reads.tiers()
        following = next((tier for tier in tiers if tier.tier > fees.tier), None)
        held = tiers[fees.tier] if fees.tier < len(tiers) else tiers[0]
        told["fees"], told["fees_maker"] = {}, {}
        for key, pair in asked.items():
            market = call.replica.market(pair.netuid, call.now_ms)
            taker, maker = (market.taker_ppm, market.maker_ppm) if market is not None else (0, 0)
            told["fees"][key] = _fee_object([taker_ppm(taker, tier) for tier in tiers], held, following)
            told["fees_maker"][key] = _fee_object([maker_ppm(taker, maker, tier) for tier in tiers], held, following)
    return told


def _asked_pairs(call: PrivateCall) -> dict[str, Pair]:
    """Return the pairs of a comma list, an array, or an array of objects that name an ``asset``."""
    texts = call.fields.words("pair")
    if any(name.startswith("pair[") and name.endswith("[asset]") for name in call.fields):
        texts = [call.fields[name] for name in call.fields if name.startswith("pair[") and name.endswith("[asset]")]
    return {result_key(pair, text): pair for text in texts[:PAIRS_ASKED_MAX] for pair in [call.pair(text)]}


def _fee_object(fees: list[int], held: TierView, following: TierView | None) -> dict[str, Any]:
    """Return one fee row; ``fees``: of every tier, ppm."""
    return {
        "fee": _percent(fees[held.tier]),
        "minfee": _percent(min(fees)),
        "maxfee": _percent(max(fees)),
        "nextfee": None if following is None else _percent(fees[following.tier]),
        "tiervolume": tao_text(held.volume),
        "nextvolume": None if following is None else tao_text(following.volume),
    }


def _percent(ppm: int) -> str:
    return format_decimal(ppm, decimals=_PERCENT_DECIMALS)


async def open_positions(call: PrivateCall) -> list[Any] | dict[str, Any]:
    """Return the positions on margin: there are none."""
    return [] if call.fields.text("consolidation") else {}
