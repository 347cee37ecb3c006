"""Fee tiers by the volume of 30 days."""

from amm.exchange_reference import PPM
from ledger.engine.layout import MAX_AMOUNT, EventKind
from ledger.engine.parameters import DAY_MS
from ledger.engine.tables import TIERS, VOLUME_UNIT
from ledger.errors import Refusal
from tests.support.naive.exchange import Exchange, Market, Record, Refused



def volume(exchange: Exchange, account: int) -> int:
    """Return what an account traded in the last 30 days, rao, in whole units."""
    today = exchange.now // DAY_MS
    days = exchange.volumes.get(account, {})
    return VOLUME_UNIT * sum(units for day, units in days.items() if today - 30 < day <= today)


def fees(exchange: Exchange, market: Market, account: int) -> tuple[int, int]:
    """Return what an account pays as taker and as maker, ppm, rounded down."""
    traded = volume(exchange, account)
    taker, maker = PPM, PPM
    for tier, (least, taker_share, maker_share) in sorted(exchange.tiers.items()):
        if tier == 0 or traded >= least:
            taker, maker = taker_share, maker_share
    return market.taker_ppm * taker // PPM, market.maker_ppm * maker // PPM


def set_tier(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Set one tier; volumes ascend."""
    tier, least, shares = command["code"], command["tao"], (command["aux"], command["limit"])
    if not 0 <= tier < TIERS:
        raise Refused(Refusal.TIER_OUT_OF_RANGE, tier, TIERS - 1)
    for share in shares:
        if not 0 <= share <= PPM:
            raise Refused(Refusal.TIER_OUT_OF_RANGE, share, PPM)
    if not 0 <= least <= MAX_AMOUNT or (tier == 0 and least != 0):
        raise Refused(Refusal.TIER_OUT_OF_RANGE, least, 0)
    exchange.tiers[tier] = (least, *shares)
    event = exchange.emit(EventKind.TIER_SET, code=tier, tao=least, aux=shares[0], limit=shares[1])
    return exchange.answer(command, event)
