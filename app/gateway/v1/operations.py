"""What an operator or an auditor reads: markets with their windows, and what the ledger says custody holds."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from amm.units import format_decimal
from app.gateway.parts import Parts
from app.gateway.replica import Replica
from ledger.engine.views import MarketView, SolvencyView


class HeadModel(BaseModel):
    """The last finalised head that was imported, and what reconciliation found at it."""

    number: int
    hash: str
    block_time_ms: int
    differences: int
    positions_checked: int


class DifferenceModel(BaseModel):
    """One position that did not agree; ``amount`` is chain less ledger."""

    seq: int
    height: int
    key: int
    hotkey: int
    asset: str
    amount: str


class TotalsModel(BaseModel):
    """All of one asset: ``custody`` on the chain, and who it belongs to; the second part sums to the first."""

    asset: str
    custody: str
    customers_free: str
    customers_held: str
    earn: str
    rewards_idle: str
    withdrawing: str
    suspense: str
    house: str


class ReconciliationModel(BaseModel):
    """Ledger against chain as of ``seq``."""

    seq: int
    head: HeadModel
    is_reconciled: bool
    money_halted: bool
    differences: list[DifferenceModel]
    assets: list[TotalsModel]


class MarketModel(BaseModel):
    """One market: head pool, mirror, window and house position; amounts in whole TAO and alpha."""

    symbol: str
    netuid: int
    registered_at: int
    stage: str
    instant_open: bool
    gates: list[str]
    spot_price: str
    head_tao: str
    head_alpha: str
    mirror_tao: str
    mirror_alpha: str
    weight: str
    fee_rate: int
    pool_height: int
    window_cap_tao: str
    window_used_tao: str
    house_target_alpha: str
    house_position_alpha: str
    need_alpha: str
    taker_ppm: int
    maker_ppm: int


class MarketsModel(BaseModel):
    """All markets as of ``seq``."""

    seq: int
    markets: list[MarketModel]


def operations_router(parts: Parts) -> APIRouter:
    """Return the routes over these parts."""
    router = APIRouter(prefix="/v1", tags=["operations"])
    replica = parts.replica

    @router.get("/reconciliation")
    async def reconciliation() -> ReconciliationModel:
        """Return the last head, every known difference, and per asset what custody holds and whose it is."""
        return reconcile(replica)

    @router.get("/markets")
    async def markets() -> MarketsModel:
        """Return every market with its pool, mirror, window and house position."""
        now_ms = max(parts.now_ms(), replica.ts_ms)
        told = [_market_model(replica, market) for market in replica.reads.markets(now_ms)]
        return MarketsModel(seq=replica.seq, markets=told)

    return router


def reconcile(replica: Replica) -> ReconciliationModel:
    """Return the state of reconciliation as of the replica's seq."""
    head = replica.heads.current
    return ReconciliationModel(
        seq=replica.seq,
        head=HeadModel(
            number=head.number,
            hash=f"0x{head.hash.hex()}",
            block_time_ms=head.block_ms,
            differences=head.differences,
            positions_checked=head.checked,
        ),
        is_reconciled=head.number > 0 and head.differences == 0,
        money_halted=replica.reads.halts().money,
        differences=[
            DifferenceModel(
                seq=row.seq,
                height=row.height,
                key=row.key,
                hotkey=row.hotkey,
                asset=_asset_text(replica, row.netuid + 1 if row.is_alpha else 0),
                amount=format_decimal(row.amount),
            )
            for row in replica.heads.differences
        ],
        assets=[_totals_model(asset.id, replica.reads.accounts_total(asset.number)) for asset in replica.names.assets],
    )


def _asset_text(replica: Replica, number: int) -> str:
    asset = replica.names.asset_numbered(number)
    return asset.id if asset is not None else f"asset {number}"


def _totals_model(asset: str, totals: SolvencyView) -> TotalsModel:
    figures: dict[str, Any] = {
        name: format_decimal(getattr(totals, name)) for name in TotalsModel.model_fields if name != "asset"
    }
    return TotalsModel(asset=asset, **figures)


def _market_model(replica: Replica, market: MarketView) -> MarketModel:
    return MarketModel(
        symbol=replica.names.pair_of(market.netuid).wsname,
        netuid=market.netuid,
        registered_at=market.registered_at,
        stage=market.stage.name.lower(),
        instant_open=market.instant_open,
        gates=[gate.name.lower() for gate in market.gates if gate.name],
        spot_price=format_decimal(market.spot_rao),
        head_tao=format_decimal(market.head_tao),
        head_alpha=format_decimal(market.head_alpha),
        mirror_tao=format_decimal(market.mirror_tao),
        mirror_alpha=format_decimal(market.mirror_alpha),
        weight=format_decimal(market.weight, decimals=18),
        fee_rate=market.fee_rate,
        pool_height=market.pool_height,
        window_cap_tao=format_decimal(market.cap),
        window_used_tao=format_decimal(market.used),
        house_target_alpha=format_decimal(market.target),
        house_position_alpha=format_decimal(market.position),
        need_alpha=format_decimal(market.need),
        taker_ppm=market.taker_ppm,
        maker_ppm=market.maker_ppm,
    )
