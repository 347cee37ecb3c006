"""Which projections there are."""

from collections.abc import Callable, Mapping
from typing import Final

from app.projections.audit import AuditFold
from app.projections.base import Fold
from app.projections.candles import CandlesFold
from app.projections.chain import ChainFold
from app.projections.entries import EntriesFold
from app.projections.orders import OrdersFold
from app.projections.rewards import RewardsFold
from app.projections.trades import TradesFold

FOLDS: Final[Mapping[str, Callable[[], Fold]]] = {
    fold.name: fold for fold in (OrdersFold, TradesFold, EntriesFold, CandlesFold, RewardsFold, AuditFold, ChainFold)
}
"""By name; calling makes a fresh one."""
