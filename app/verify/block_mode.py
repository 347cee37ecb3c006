"""Known answers of block mode: orders that wait for a cut, the cut, its settlement and what the chain made of it.

Each entry is played on the real engine, in the market of the story: orders are placed while instant mode is halted, so
that they queue; a head makes the cut; the next one brings the outcome.
"""

from typing import Any

from amm.pool import spot_bits
from app.verify.exchange import Exchange, PoolShown
from app.verify.family import Case, Mismatch, expect
from app.verify.story import LIMB, SN, STORY, TAO, Story
from ledger.engine.api import Answer
from ledger.engine.balances import position
from ledger.engine.cut_arithmetic import bound_of, house_buys, house_sells
from ledger.engine.layout import CommandKind, EventKind, Flag, Halt, Mode
from ledger.engine.pools import pending_of
from ledger.engine.views import SettlementJob
from ledger.errors import Refusal

FEE_PPM = STORY["fee_ppm"]
CALMER_PPM = 980_000
"""Where an order's limit lies within the pool fee of the head, it was placed while the price was this much better."""


class _Block:
    """One entry on the real engine."""

    def __init__(self, case: Case) -> None:
        self.given, self.told = case["inputs"], case["expected"]
        self.story = Story(STORY | {"pool": self.given["pool"]})
        self.orders: dict[int, Case] = {}

    @property
    def exchange(self) -> Exchange:
        """Return the exchange of the story."""
        return self.story.exchange

    @property
    def market(self) -> Any:
        """Return the market's row."""
        return self.exchange.engine.state.markets[0]

    @property
    def need(self) -> int:
        """Return what the house lacks of its target, alpha rao; negative: has too much."""
        return int(self.market["target"]) - int(position(self.exchange.engine.state, SN))

    def make_need(self) -> None:
        """Let a customer who has no order trade at once, so that the house needs what the entry says."""
        idle = sorted(set(self.story.customers) - {order["account"] for order in self.given["orders"]})
        if self.told["cut"]["need"] < 0:
            self.story.order(idle[-1], flags=Flag.SELL, alpha=-self.told["cut"]["need"])
        elif self.told["cut"]["need"] > 0:
            after = self.told["after_cut"]["balances"][f"c:{idle[-1]}:free|TAO"]
            self.story.order(idle[-1], flags=Flag.IN_QUOTE, tao=1_000 * TAO - after)
        expect(self.need, self.told["cut"]["need"], "need")

    def queue(self) -> None:
        """Place the orders; each must wait for the cut."""
        exchange, pool = self.exchange, self.given["pool"]
        for order in self.given["orders"]:
            bound = bound_of(0, order["limit"], pool["rate"]) * LIMB // TAO
            if order["side"] == "buy" and bound <= self.p0:
                better = PoolShown(pool["tao"] * CALMER_PPM // 10**6, pool["alpha"], pool["w"], pool["rate"])
                exchange.pools[SN] = better
                exchange.head()
        halted = exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=SN, halt=Halt.INSTANT)
        expect(halted.code, 0, "halt")
        for order, told in zip(self.given["orders"], self.told["queued"], strict=True):
            answer = self.place(order)
            expect((answer.code, answer.reference > 0), (0, True), "order")
            self.orders[answer.reference] = order
            queued = [event for event in answer.events if int(event["kind"]) == EventKind.ORDER_QUEUED]
            expect([int(event["code"]) for event in queued], [Refusal.INSTANT_HALTED], "reasons to queue")
            expect(self.postings(answer.events), sorted(told["postings"]), "queued")
        self.story.show(pool)

    def place(self, order: Case) -> Answer:
        """Place one order: a buy with TAO to spend before the trading fee, a sale of alpha."""
        buys = order["side"] == "buy"
        fee = (order["amount"] * FEE_PPM + 500_000) // 10**6
        return self.exchange.ask(
            CommandKind.PLACE_ORDER,
            flags=Flag.LIMIT | (Flag.IN_QUOTE if buys else Flag.SELL),
            account=self.story.customers[order["account"]],
            netuid=SN,
            tao_rao=order["amount"] + fee if buys else 0,
            alpha_rao=0 if buys else order["amount"],
            limit=order["limit"],
        )

    def cut(self) -> None:
        """Import a head that makes the cut, and compare every figure of it."""
        before = self.need
        answer = self.exchange.head()
        expect(answer.code, 0, "head")
        expect(self.cut_figures(answer, before), self.told["cut"], "cut")
        expect(self.events(answer), self.sorted(self.told["cut_events"]), "cut events")
        self.check(self.told["after_cut"], "after the cut")

    def cut_figures(self, answer: Answer, need: int) -> Case:
        """Return the figures of a cut in the words of the file."""
        matched = [event for event in answer.events if int(event["kind"]) == EventKind.CUT_MATCHED]
        tao, alpha = (int(matched[0]["tao"]), int(matched[0]["amount"])) if matched else (0, 0)
        sums = self.sums(need)
        figures: Case = {
            "p0_bits": str(self.p0),
            "need": need,
            "X": sums["buy"],
            "Y": sums["sell"],
            "matched_tao": tao,
            "matched_alpha": alpha,
        }
        if matched:
            pay, get = self.parts(answer, sell=False, totals=(tao, alpha), house=need > 0)
            recv, give = self.parts(answer, sell=True, totals=(tao, alpha), house=need < 0)
            figures |= {"pay": pay, "get": get, "give": give, "recv": recv}
        items = self.story.items(answer)
        sent = {"buy": 0, "sell": 0}
        for event in answer.events:
            if int(event["kind"]) == EventKind.ORDER_SENT:
                sent["sell" if int(event["flags"]) & Flag.SELL else "buy"] += int(event["amount"])
        return figures | {
            "residual_buy_tao": sent["buy"],
            "residual_sell_alpha": sent["sell"],
            "need_after": self.need,
            "settle": items[0] if items else None,
        }

    @property
    def p0(self) -> int:
        """Return the Q64 spot price of the head pool."""
        pool = self.given["pool"]
        high, low = spot_bits(pool["tao"], pool["alpha"], pool["w"])
        return int(high) * LIMB + int(low)

    def sums(self, need: int) -> dict[str, int]:
        """Return what each side brings to the match, the house included where a customer takes part."""
        pool = self.given["pool"]
        high, low = spot_bits(pool["tao"], pool["alpha"], pool["w"])
        room = int(self.market["cap"])
        sums = {"buy": int(house_buys(need, room, high, low)), "sell": int(house_sells(need, room, high, low))}
        for order in self.given["orders"]:
            sums[order["side"]] += order["amount"]
        return sums

    def parts(self, answer: Answer, *, sell: bool, totals: tuple[int, int], house: bool) -> tuple[list[int], list[int]]:
        """Return the TAO and the alpha of each part of one side of a match, the house's own last."""
        fills = [
            (int(event["tao"]), int(event["amount"]))
            for event in answer.events
            if int(event["kind"]) == EventKind.FILLED and bool(int(event["flags"]) & Flag.SELL) == sell
        ]
        tao, alpha = [part[0] for part in fills], [part[1] for part in fills]
        if house:
            tao.append(totals[0] - sum(tao))
            alpha.append(totals[1] - sum(alpha))
        expect((sum(tao), sum(alpha)), totals, "parts of a match")
        return tao, alpha

    def outcome(self) -> None:
        """Import the head that brings the settlement's outcome."""
        told = self.told["outcome"]
        if told is not None:
            self.story.sign(nonce=0)
            (item,) = next(job.items for job in self.exchange.views.jobs() if isinstance(job, SettlementJob))
            record = self.story.outcome(told, sell=item.sell)
            self.story.show(self.told["after"]["head"])
            answer = self.exchange.head([record])
            expect(answer.code, 0, "outcome")
            expect(self.events(answer), self.sorted(self.told["outcome_events"]), "outcome events")
        self.check(self.told["after"], "after the outcome")
        expect(self.unfilled(), self.told["unfilled"], "unfilled")
        expect(self.exchange.replay().state_hash(), self.exchange.engine.state_hash(), "state after replay")

    def unfilled(self) -> list[Case]:
        """Return what is left of the orders, in the order in which they were placed."""
        state = self.exchange.engine.state
        rows = {int(row["order_id"]): row for row in state.orders[: state.scalars[0]["orders"]] if row["order_id"]}
        left = []
        for order_id, order in self.orders.items():
            if order_id in rows:
                row = rows[order_id]
                done = int(row["alpha"] if order["side"] == "sell" else row["tao"])
                amount = int(row["amount"]) - done
                left.append({"account": order["account"], "side": order["side"], "amount": amount})
        return left

    def check(self, told: Case, when: str) -> None:
        """Compare balances, pools, what waits, and the window."""
        market, state = self.market, self.exchange.engine.state
        fixed = {"w": int(market["weight"]), "rate": int(market["rate"])}
        expect(self.story.balances(), told["balances"], f"balances {when}")
        expect({"tao": int(market["head_tao"]), "alpha": int(market["head_alpha"]), **fixed}, told["head"], when)
        expect({"tao": int(market["mirror_tao"]), "alpha": int(market["mirror_alpha"]), **fixed}, told["mirror"], when)
        expect(int(pending_of(market, position(state, SN))), told["pending"], f"pending {when}")
        used = int(market["used"]), int(market["cap"])
        expect(used, (told["window_used"], told["window_cap"]), f"window {when}")

    def events(self, answer: Answer) -> list[Case]:
        """Return what an answer tells of block mode in the words of the file: all fills of a kind as one event."""
        fills = [event for event in answer.events if int(event["kind"]) == EventKind.FILLED]
        expect({int(event["code"]) for event in fills} <= {Mode.BLOCK}, True, "mode of the fills")
        kinds = {int(event["kind"]): event for event in answer.events}
        told: list[Case] = []
        if EventKind.CUT_MATCHED in kinds:
            told.append({"event": "BlockMatched", "postings": self.postings(fills)})
        if EventKind.SETTLEMENT_BOOKED in kinds:
            booked = [kinds[EventKind.SETTLEMENT_BOOKED]]
            told.append({"event": "SettlementBooked", "postings": self.postings(booked)})
            told.append({"event": "BlockFilled", "postings": self.postings(fills)})
        told.extend({"event": "SettlementRequested", **item} for item in self.story.items(answer))
        return told

    def postings(self, events: Any) -> list[Any]:
        """Return the postings of events, sorted, with those of one account and asset in one event as they stand."""
        return sorted(posting for event in events for posting in self.story.postings(event) if posting[2])

    @staticmethod
    def sorted(events: list[Case]) -> list[Case]:
        """Return events with their postings in a fixed order."""
        return [event | ({"postings": sorted(event["postings"])} if "postings" in event else {}) for event in events]


def block_mode(case: Case) -> None:
    """Play one entry."""
    block = _Block(case)
    for step in (block.make_need, block.queue, block.cut, block.outcome):
        try:
            step()
        except Mismatch as mismatch:
            raise Mismatch(f"{step.__name__}: {mismatch}") from None
