"""What the house stands to win or lose in each market, and where its result came from; a fold over the log.

The result of a market is what its house account holds beyond its funding, alpha at the head's spot price (``execution``
section 11). Its parts: *netting*, the pool fees that customers paid less those that settlements paid on the chain;
*rewards*, the growth of the inventory; *drift*, the rest: what the chain's price moved between a fill and the
settlement that covered it, and what the inventory gained or lost in price. What
extrinsics cost is booked to the whole house, and told here by market: a settlement's fee in even parts over its items.
Values in rao of TAO, alpha rounded down.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from amm.pool import pool_fee
from ledger.codec import Batch
from ledger.engine.balances import account_code
from ledger.engine.layout import NO_NETUID, TAO_ASSET, AccountClass, EventKind, Flag, Mode, Records
from ledger.engine.machine import Engine
from ledger.engine.state import ledger_amount
from ledger.engine.view_rows import MarketView
from ledger.engine.views import Views

RAO = 10**9


@dataclass(slots=True)
class MarketFlow:
    """What moved a market's house account, rao of TAO and of alpha."""

    funded_tao: int = 0
    funded_alpha: int = 0
    fees_tao: int = 0
    fees_alpha: int = 0
    rewards_alpha: int = 0
    chain_fees: int = 0
    fills: int = 0
    gross_tao: int = 0
    settled_tao: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One market as the house sees it; amounts in rao, ``need`` positive where the house must buy on the chain."""

    netuid: int
    need: int
    need_value: int
    window_used: int
    window_cap: int
    inventory: int
    target: int
    shortfall: int
    result: int
    netting: int
    drift: int
    rewards: int
    chain_fees: int
    gross_traded: int
    gross_settled: int


@dataclass(slots=True)
class HouseFold:
    """Collects the flows of every market from events, in log order."""

    flows: dict[int, MarketFlow] = field(default_factory=lambda: defaultdict(MarketFlow))
    rates: dict[int, int] = field(default_factory=dict)
    items: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def apply(self, events: Records) -> None:
        """Take in the events of one batch."""
        for event in events:
            rule = _RULES.get(int(event["kind"]))
            if rule:
                rule(self, event)

    def funded(self, event: Any) -> None:
        """Count what the operator paid in for a market."""
        self._fund(event, int(event["amount"]))

    def resolved(self, event: Any) -> None:
        """Count what suspense gave the house for a market."""
        if not int(event["account"]):
            self._fund(event, int(event["amount"]))

    def _fund(self, event: Any, amount: int) -> None:
        netuid = int(event["netuid"])
        if netuid == NO_NETUID:
            return
        if int(event["flags"]) & Flag.ALPHA:
            self.flows[netuid].funded_alpha += amount
        else:
            self.flows[netuid].funded_tao += amount

    def pool(self, event: Any) -> None:
        """Keep the pool's fee rate."""
        self.rates[int(event["netuid"])] = int(event["aux"])

    def filled(self, event: Any) -> None:
        """Count a fill against the house, with the pool fee in it."""
        flow = self.flows[int(event["netuid"])]
        flow.fills += 1
        flow.gross_tao += int(event["tao"])
        if int(event["code"]) != Mode.INSTANT:
            return
        if int(event["flags"]) & Flag.SELL:
            flow.fees_alpha += int(event["aux"])
        else:
            flow.fees_tao += int(event["aux"])

    def crossed(self, event: Any) -> None:
        """Count a trade that never reached the house or the chain."""
        self.flows[int(event["netuid"])].gross_tao += int(event["tao"])

    def requested(self, event: Any) -> None:
        """Keep which markets a settlement has items of."""
        self.items[int(event["order_id"])].append(int(event["netuid"]))

    def settled(self, event: Any) -> None:
        """Count a swap on the chain, with the pool fee that it paid."""
        netuid = int(event["netuid"])
        flow, rate = self.flows[netuid], self.rates.get(netuid, 0)
        flow.settled_tao += int(event["tao"])
        if int(event["flags"]) & Flag.SELL:
            flow.fees_alpha -= int(pool_fee(int(event["amount"]), rate))
        else:
            flow.fees_tao -= int(pool_fee(int(event["tao"]), rate))

    def grown(self, event: Any) -> None:
        """Count the growth of the house's own alpha."""
        self.flows[int(event["netuid"])].rewards_alpha += int(event["tao"])

    def fee(self, event: Any) -> None:
        """Count what an extrinsic cost, in even parts over its items; the first ones bear what is left."""
        netuids = self.items.get(int(event["order_id"]), [])
        if not netuids or int(event["flags"]) & Flag.ALPHA:
            return
        each, left = divmod(int(event["amount"]), len(netuids))
        for position, netuid in enumerate(netuids):
            self.flows[netuid].chain_fees += each + (position < left)


_RULES: dict[int, Callable[[HouseFold, Any], None]] = {
    EventKind.HOUSE_FUNDED: HouseFold.funded,
    EventKind.SUSPENSE_RESOLVED: HouseFold.resolved,
    EventKind.POOL_UPDATED: HouseFold.pool,
    EventKind.FILLED: HouseFold.filled,
    EventKind.QUOTE_TAKEN: HouseFold.filled,
    EventKind.CROSSED: HouseFold.crossed,
    EventKind.SETTLEMENT_ITEM_REQUESTED: HouseFold.requested,
    EventKind.SETTLEMENT_BOOKED: HouseFold.settled,
    EventKind.GROWTH_SHARED: HouseFold.grown,
    EventKind.CHAIN_FEE_BOOKED: HouseFold.fee,
}


def exposure_of(market: MarketView, flow: MarketFlow, house_tao: int) -> Exposure:
    """Return one market's exposure; ``house_tao`` is the TAO of its house account."""

    def value(alpha: int) -> int:
        return alpha * market.spot_rao // RAO

    result = house_tao - flow.funded_tao + value(market.position - flow.funded_alpha)
    netting = flow.fees_tao + value(flow.fees_alpha)
    rewards = value(flow.rewards_alpha)
    return Exposure(
        netuid=market.netuid,
        need=market.need,
        need_value=value(market.need),
        window_used=market.used,
        window_cap=market.cap,
        inventory=market.position,
        target=market.target,
        shortfall=max(0, -market.position),
        result=result,
        netting=netting,
        drift=result - netting - rewards,
        rewards=rewards,
        chain_fees=flow.chain_fees,
        gross_traded=flow.gross_tao,
        gross_settled=flow.settled_tao,
    )


async def read_exposure(batches: AsyncIterator[Batch]) -> list[Exposure]:
    """Return the exposure of every market at the log's end, by netuid."""
    engine, fold, ts_ms = Engine(), HouseFold(), 0
    async for batch in batches:
        engine.evolve(batch.ts_ms, batch.events, batch.payloads)
        fold.apply(batch.events)
        ts_ms = batch.ts_ms
    return [
        exposure_of(market, fold.flows[market.netuid], house_tao(engine, market.netuid))
        for market in Views(engine).markets(ts_ms)
    ]


def house_tao(engine: Engine, netuid: int) -> int:
    """Return the TAO of a market's house account, rao."""
    return int(ledger_amount(engine.state, account_code(AccountClass.HOUSE_TRADING, netuid, 0), TAO_ASSET))
