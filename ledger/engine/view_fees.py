"""Reads of fee tiers, and of what an account traded in 30 days; ``ledger/engine/views.py`` offers them."""

from typing import Final

from ledger.engine.parameters import DAY_MS
from ledger.engine.state import State
from ledger.engine.tables import TIERS, VOLUME_DAYS, VOLUME_UNIT
from ledger.engine.view_rows import FeeView, TierView

WHOLE_PPM: Final = 1_000_000
BASE: Final = TierView(tier=0, volume=0, taker_share=WHOLE_PPM, maker_share=WHOLE_PPM)
"""What holds while no tier is set: the market's own fees for everybody."""


def tier_views(state: State) -> list[TierView]:
    """Return the tiers that are set, from tier 0 on; the base alone where none is."""
    found: list[TierView] = []
    for tier in range(TIERS):
        row = state.tiers[tier]
        if int(row["taker_share"]) == 0 if tier == 0 else int(row["volume"]) == 0:
            break
        found.append(
            TierView(
                tier=tier,
                volume=int(row["volume"]),
                taker_share=int(row["taker_share"]),
                maker_share=int(row["maker_share"]),
            )
        )
    return found or [BASE]


def volume_30d(state: State, account: int, ts_ms: int) -> int:
    """Return the TAO that an account traded on the 30 days before that of ``ts_ms`` and on that day, rao.

    Rounded down per trade to whole units.
    """
    if not 1 <= account <= int(state.scalars[0]["accounts"]):
        return 0
    row = state.volumes[account - 1]
    newest = int(row[VOLUME_DAYS])
    first = max(ts_ms // DAY_MS - VOLUME_DAYS + 1, 0)
    return sum(int(row[day % VOLUME_DAYS]) for day in range(first, newest + 1)) * VOLUME_UNIT


def fee_view(state: State, account: int, ts_ms: int) -> FeeView:
    """Return the tier of an account at a time, with its volume."""
    volume = volume_30d(state, account, ts_ms)
    reached = [tier for tier in tier_views(state) if tier.volume <= volume]
    tier = reached[-1] if reached else BASE
    return FeeView(tier=tier.tier, volume=volume, taker_share=tier.taker_share, maker_share=tier.maker_share)
