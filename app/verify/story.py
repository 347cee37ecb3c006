"""The story of the vectors: three customers and one market on the real engine, and how their events are told."""

from typing import Any

from app.verify.exchange import HOT, HOTKEY, TRADING, Exchange, PoolShown
from app.verify.family import Case, Mismatch, expect
from ledger.accounts import postings
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, EventKind, Flag, Job, Records
from ledger.engine.records import command

SN = 1
TAO = 10**9
LIMB = 2**64

STORY: Case = {
    "house_tao": 2_000 * TAO,
    "house_alpha": 20_000 * TAO,
    "target": 20_000 * TAO,
    "fee_ppm": 2_600,
    "k_ppm": 500_000,
    "min_settle": 10_000_000,
    "tol_ppm": 10_000,
}
"""What the entries of block mode share with the story and do not repeat."""


class Story:
    """The story of the vectors on the real engine: three customers, one market, heads one to six."""

    def __init__(self, given: Case) -> None:
        pool = given["pool"]
        self.exchange = Exchange()
        self.exchange.set_up()
        self.exchange.list_market(SN, PoolShown(pool["tao"], pool["alpha"], pool["w"], pool["rate"]))
        self.exchange.configure(
            SN,
            target=given["target"],
            min_settle=given["min_settle"],
            k_ppm=given["k_ppm"],
            taker_ppm=given["fee_ppm"],
            tolerance_ppm=given["tol_ppm"],
        )
        self.customers = {name: self.exchange.open_account(name) for name in ("alice", "bob", "carol")}
        self._fund(given)
        self.asset_names = {0: "TAO", SN + 1: "SN1"}
        self.account_names = {
            f"c:{number}:{part}": f"c:{name}:{part}"
            for name, number in self.customers.items()
            for part in ("free", "held")
        }
        self.account_names |= {
            f"custody:free:{HOT}": "custody:free:hot",
            f"custody:stake:{HOT}:{HOTKEY}": "custody:stake:hot",
        }

    def _fund(self, given: Case) -> None:
        """Bring the house's and the customers' money in as deposits, and sweep it all to the hot key."""
        exchange = self.exchange
        exchange.head()
        arrivals = exchange.fund_house(SN, tao=given["house_tao"], alpha=given["house_alpha"])
        keys = [exchange.deposit_key(number) for number in self.customers.values()]
        for key in keys:
            arrivals.append(exchange.deposit_record(key, tao=1_000 * TAO))
            arrivals.append(exchange.deposit_record(key, netuid=SN, alpha=50_000 * TAO))
        exchange.head(arrivals)
        moved: list[Records] = []
        for key in keys:
            tao = exchange.ask(CommandKind.REQUEST_SWEEP, key=key, amount=1_000 * TAO).reference
            alpha = exchange.ask(
                CommandKind.REQUEST_SWEEP, flags=Flag.ALPHA, key=key, netuid=SN, hotkey=HOTKEY, amount=50_000 * TAO
            ).reference
            for nonce, job in enumerate((tao, alpha)):
                expect(exchange.sign(job, Job.SWEEP, key, nonce).code, 0, "sweep")
            place = {"key": key, "hotkey": HOTKEY}
            moved.append(command(CommandKind.OUTCOME_SEEN, job_id=tao, job=Job.SWEEP, tao_rao=1_000 * TAO, **place))
            moved.append(
                command(
                    CommandKind.OUTCOME_SEEN,
                    flags=Flag.ALPHA,
                    job_id=alpha,
                    job=Job.SWEEP,
                    netuid=SN,
                    alpha_rao=50_000 * TAO,
                    **place,
                )
            )
        expect(exchange.head(moved).code, 0, "sweeps")

    def order(self, name: str, *, flags: int = 0, tao: int = 0, alpha: int = 0) -> Answer:
        """Place a market order that accepts any price."""
        return self.exchange.ask(
            CommandKind.PLACE_ORDER,
            flags=flags,
            account=self.customers[name],
            netuid=SN,
            tao_rao=tao,
            alpha_rao=alpha,
            slippage_ppm=500_000,
        )

    def settlement(self) -> int:
        """Return the id of the open settlement."""
        return next(job.job_id for job in self.exchange.views.jobs() if job.job == Job.SETTLEMENT)

    def sign(self, nonce: int) -> None:
        """Sign the open settlement."""
        expect(self.exchange.sign(self.settlement(), Job.SETTLEMENT, TRADING, nonce).code, 0, "signature")

    def show(self, pool: Case) -> None:
        """Let heads from now on show this pool."""
        self.exchange.pools[SN] = PoolShown(pool["tao"], pool["alpha"], pool["w"], pool["rate"])

    def outcome(self, told: Case, *, sell: bool = False) -> Records:
        """Return the record of the settlement's outcome as the story tells it."""
        place = {"job_id": self.settlement(), "job": Job.SETTLEMENT, "netuid": SN, "key": HOT, "hotkey": HOTKEY}
        side = Flag.SELL if sell else Flag(0)
        if not told["ok"]:
            return command(CommandKind.OUTCOME_SEEN, flags=Flag.FAILED | side, **place)
        return command(CommandKind.OUTCOME_SEEN, flags=side, tao_rao=told["tao"], alpha_rao=told["alpha"], **place)

    def check(self, answer: Answer, step: Case) -> None:
        """Compare events, balances, pools and the window after a step."""
        expect(answer.code, 0, "code")
        expect(self._told(answer), [self._sorted(event) for event in step["events"]], "events")
        after = step["after"]
        expect(self.balances(), after["balances"], "balances")
        market = self.exchange.views.market(SN, self.exchange.ts_ms)
        if market is None:
            raise Mismatch("the market is gone")
        fixed = {"w": market.weight, "rate": market.fee_rate}
        expect({"tao": market.head_tao, "alpha": market.head_alpha, **fixed}, after["head"], "head")
        expect({"tao": market.mirror_tao, "alpha": market.mirror_alpha, **fixed}, after["mirror"], "mirror")
        expect(market.need, after["pending"], "pending")
        expect((market.used, market.cap), (after["window_used"], after["window_cap"]), "window")

    def balances(self) -> dict[str, int]:
        """Return every balance that is not zero, by the names of the file."""
        return {
            f"{self.account_names.get(name, name)}|{self.asset_names[asset]}": amount
            for (name, asset), amount in self.exchange.balances().items()
        }

    def items(self, answer: Answer) -> list[Case]:
        """Return the swaps that an answer requests."""
        return [
            {
                "side": "sell" if int(event["flags"]) & Flag.SELL else "buy",
                "amount": int(event["amount"]),
                "limit": int(event["limit"]),
                "house": int(event["hold"]),
            }
            for event in answer.events
            if int(event["kind"]) == EventKind.SETTLEMENT_ITEM_REQUESTED
        ]

    def _told(self, answer: Answer) -> list[Case]:
        told: list[Case] = []
        for event in answer.events:
            kind = int(event["kind"])
            if kind == EventKind.FILLED:
                side = "sell" if int(event["flags"]) & Flag.SELL else "buy"
                told.append({"event": f"Filled/instant/{side}", "postings": self.postings(event)})
            elif kind == EventKind.SETTLEMENT_BOOKED:
                told.append({"event": "SettlementBooked", "postings": self.postings(event)})
        told.extend({"event": "SettlementRequested", **item} for item in self.items(answer))
        return [self._sorted(event) for event in told]

    def postings(self, event: Any) -> list[Any]:
        """Return the postings of an event by the names of the file."""
        return [
            [self.account_names.get(name, name), self.asset_names[asset], amount]
            for name, asset, amount in postings(event)
        ]

    @staticmethod
    def _sorted(event: Case) -> Case:
        return event | ({"postings": sorted(event["postings"])} if "postings" in event else {})


def story(case: Case) -> None:
    """Play the story step by step."""
    played = Story(case["inputs"])
    steps_told = iter(case["expected"])

    def check(answer: Answer) -> None:
        step = next(steps_told)
        try:
            played.check(answer, step)
        except Mismatch as mismatch:
            raise Mismatch(f"{step['step']}: {mismatch}") from None

    check(played.order("alice", flags=Flag.IN_QUOTE, tao=2 * TAO))
    check(played.order("bob", alpha=30 * TAO))
    check(played.order("carol", flags=Flag.SELL, alpha=20 * TAO))
    check(played.order("carol", flags=Flag.SELL | Flag.FOK, alpha=1_000 * TAO))
    check(played.exchange.head())
    played.sign(nonce=0)
    check(played.order("alice", flags=Flag.IN_QUOTE, tao=TAO))
    check(played.exchange.head())
    late = case["expected"][7]
    played.show(late["after"]["head"])
    check(played.exchange.head([played.outcome(late["result"]["outcome"])]))
    played.sign(nonce=1)
    rest = case["expected"][8]
    played.show(rest["after"]["head"])
    check(played.exchange.head([played.outcome(rest["result"]["outcome"])]))
    check(played.exchange.head())
    expect(next(steps_told, None), None, "steps left")
    expect(played.exchange.replay().state_hash(), played.exchange.engine.state_hash(), "state after replay")
