"""Fee tiers by the volume of 30 days."""

from amm.exchange_reference import PPM
from ledger.engine.layout import MAX_AMOUNT, EventKind
from ledger.engine.parameters import DAY_MS
from ledger.engine.tables import TIERS, VOLUME_UNIT
from ledger.errors import Refusal
from tests.support.naive.exchange import Exchange, Market, Record, Refused

DAYS = 30


def volume(exchange: Exchange, account: int) -> int:
    """Return what an account traded today and on the 29 days before, rao, in whole units."""
    today = exchange.now // DAY_MS
    days = exchange.volumes.get(account, {})
    return VOLUME_UNIT * sum(units for day, units in days.items() if today - DAYS < day <= today)


def fees(exchange: Exchange, market: Market, account: int) -> tuple[int, int]:
    """Return what an account pays as taker and as maker, ppm, rounded down; no maker more than a taker."""
    traded = volume(exchange, account)
    taker, maker = PPM, PPM
    for _, (least, taker_share, maker_share) in sorted(exchange.tiers.items()):
        if traded >= least:
            taker, maker = taker_share, maker_share
    taker_ppm, maker_ppm = market.taker_ppm * taker // PPM, market.maker_ppm * maker // PPM
    return taker_ppm, min(taker_ppm, maker_ppm)


def set_tier(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Set a tier, or add the next one; volumes ascend, and tier 0 holds for everybody."""
    tier, least, taker, maker = (command[name] for name in ("code", "tao", "aux", "limit"))
    next_tier = min(len(exchange.tiers), TIERS - 1)
    if tier > next_tier:
        raise Refused(Refusal.TIER_OUT_OF_RANGE, tier, next_tier)
    check_volume(exchange, tier, least)
    if not 0 <= taker <= PPM or (tier == 0 and taker == 0):
        raise Refused(Refusal.TIER_OUT_OF_RANGE, taker, PPM)
    if not 0 <= maker <= taker:
        raise Refused(Refusal.TIER_OUT_OF_RANGE, maker, taker)
    exchange.tiers[tier] = (least, taker, maker)
    event = exchange.emit(EventKind.TIER_SET, code=tier, tao=least, aux=taker, limit=maker)
    return exchange.answer(command, event)


def check_volume(exchange: Exchange, tier: int, least: int) -> None:
    """Refuse a volume that is not between those of the neighbours."""
    if tier == 0:
        if least != 0:
            raise Refused(Refusal.TIER_OUT_OF_RANGE, least, 0)
        return
    below = exchange.tiers[tier - 1][0]
    above = exchange.tiers[tier + 1][0] if tier + 1 in exchange.tiers else MAX_AMOUNT + 1
    if not below < least < above:
        raise Refused(Refusal.TIER_OUT_OF_RANGE, least, below)
