"""Known answers of the money flow: fills, mirror, windows, splits, and one story played on the real engine."""

from typing import Any

import numpy as np

from amm import shares, steps
from amm.pool import OK
from app.verify.exchange import HOT, HOTKEY, TRADING, Exchange, PoolShown
from app.verify.family import Case, Family, Mismatch, Runner, expect, recognises_ops, sections_by_op
from ledger.accounts import postings
from ledger.engine.api import Answer, Records
from ledger.engine.balances import uncovered_after
from ledger.engine.dissolution import share_of
from ledger.engine.heads import split_growth
from ledger.engine.layout import CommandKind, EventKind, Flag, Job
from ledger.engine.records import command
from ledger.engine.tables import MARKET

SN = 1
TAO = 10**9
LIMB = 2**64


def _figures(pool: Case) -> tuple[int, int, int, int]:
    return pool["tao"], pool["alpha"], pool["w"], pool["rate"]


def _after(pool: Case, tao: int, alpha: int) -> dict[str, int]:
    return {"tao": tao, "alpha": alpha, "w": pool["w"], "rate": pool["rate"]}


def _cost_within(case: Case) -> None:
    total, ppm = case["inputs"]["total"], case["inputs"]["fee_ppm"]
    cost = shares.cost_within(total, ppm)
    expect({"cost": cost, "fee": shares.trading_fee(cost, ppm)}, case["expected"])


def _cap(case: Case) -> None:
    given = case["inputs"]
    expect(shares.cap(given["k_ppm"], given["fee_rate"], given["tao_reserve"]), case["expected"])


def _jumped(case: Case) -> None:
    given = case["inputs"]
    old, new = int(given["old_bits"]), int(given["new_bits"])
    old_high, old_low, new_high, new_low = (np.uint64(part) for bits in (old, new) for part in divmod(bits, LIMB))
    expect(bool(shares.jumped(old_high, old_low, new_high, new_low, given["k_ppm"])), case["expected"])


def _buy_in(case: Case) -> None:
    pool = case["inputs"]["pool"]
    status, net, fee, out, tao, alpha = steps.buy_in(*_figures(pool), case["inputs"]["cost"])
    expect(status, OK, "status")
    answer = {"net": net, "pool_fee": fee, "alpha_out": out, "pool_after": _after(pool, tao, alpha)}
    expect(answer, case["expected"])


def _buy_out(case: Case) -> None:
    pool = case["inputs"]["pool"]
    status, cost, net, fee, tao, alpha = steps.buy_out(*_figures(pool), case["inputs"]["alpha"])
    expect(status, OK, "status")
    expect({"cost": cost, "net": net, "pool_fee": fee, "pool_after": _after(pool, tao, alpha)}, case["expected"])


def _sell_in(case: Case) -> None:
    pool = case["inputs"]["pool"]
    status, out, fee, author, tao, alpha = steps.sell_in(*_figures(pool), case["inputs"]["alpha"])
    expect(status, OK, "status")
    answer = {"tao_out": out, "pool_fee_alpha": fee, "author_tao": author, "pool_after": _after(pool, tao, alpha)}
    expect(answer, case["expected"])


def _mirror(case: Case) -> None:
    head = case["inputs"]["head"]
    status, tao, alpha = steps.mirror(head["tao"], head["alpha"], head["w"], case["inputs"]["pending"])
    expect(status, OK, "status")
    expect(_after(head, tao, alpha), case["expected"])


def _split(kernel: Any) -> Any:
    """Return a runner for one way to split a total by weights."""

    def run(case: Case) -> None:
        weights = np.array(case["inputs"]["weights"], np.int64)
        parts = np.zeros_like(weights)
        expect(kernel(case["inputs"]["total"], weights, parts), OK, "status")
        expect(parts.tolist(), case["expected"])

    return run


def _growth_split(case: Case) -> None:
    given = case["inputs"]
    customers, commission, house = split_growth(
        given["growth"], given["customer_claims"], given["stake_before"], given["commission_ppm"]
    )
    expect({"customers": customers, "commission": commission, "house": house}, case["expected"])


def _covered_alpha(case: Case) -> None:
    uncovered, cut = 0, 0
    for step in case["expected"]:
        final = step["final_cut"]
        if step["op"] == "read":
            told = uncovered if cut > final else 0
        else:
            change = step["amount"] if step["op"] == "buy" else -step["amount"]
            told = uncovered = uncovered_after(uncovered, cut, final, change)
            cut = step["open_cut"] if step["op"] == "buy" else cut
        expect(told, step["uncovered"], f"after {step['op']} of {step['amount']}")


def _dissolve(case: Case) -> None:
    given = case["inputs"]
    market = np.zeros(1, MARKET)[0]
    market["payout"], market["claims"] = given["payout"], given["stake"]
    paid = {}
    for account, claim in given["claims"]:
        paid[account] = int(share_of(market, 0, claim))
        market["claimed"] += claim
    expect({"paid": paid, "house": given["payout"] - sum(paid.values())}, case["expected"])


def _attack(case: Case) -> None:
    """Push the chain, buy the cap at the stale mirror, sell it here in the next window, unwind on the chain.

    What the next window's cap leaves is sold on the chain with the rest. No trading fee, exact integers.
    """
    pool, k_ppm, push = case["inputs"]["pool"], case["inputs"]["k_ppm"], case["inputs"]["push"]
    tao, alpha, w, rate = _figures(pool)
    _, _, _, pushed, chain_tao, chain_alpha = steps.buy_in(tao, alpha, w, rate, push)
    cost = steps.gross_for_net(shares.cap(k_ppm, rate, tao), rate)
    bought = steps.buy_in(tao, alpha, w, rate, cost)[3]
    _, mirror_tao, mirror_alpha = steps.mirror(chain_tao, chain_alpha, w, bought)
    here = _largest_sale((mirror_tao, mirror_alpha, w, rate), bought, shares.cap(k_ppm, rate, chain_tao))
    profits = {}
    for name, sold_here in (("profit_next_window_capped", here), ("profit_next_window_uncapped", bought)):
        received = steps.sell_in(mirror_tao, mirror_alpha, w, rate, sold_here)[1]
        unwound = steps.sell_in(chain_tao, chain_alpha, w, rate, pushed + bought - sold_here)[1]
        profits[name] = received + unwound - push - cost
    expect(profits, case["expected"])


def _largest_sale(pool: tuple[int, int, int, int], alpha_most: int, tao_most: int) -> int:
    """Return the most alpha, up to ``alpha_most``, whose sale moves at most ``tao_most`` out of a pool."""
    low, high = 0, alpha_most
    while low < high:
        middle = (low + high + 1) // 2
        if steps.sell_in(*pool, middle)[1] <= tao_most:
            low = middle
        else:
            high = middle - 1
    return low


class _Story:
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
        self.account_names = {f"c:{number}:free": f"c:{name}:free" for name, number in self.customers.items()}
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

    def outcome(self, told: Case) -> Records:
        """Return the record of the settlement's outcome as the story tells it."""
        place = {"job_id": self.settlement(), "job": Job.SETTLEMENT, "netuid": SN, "key": HOT, "hotkey": HOTKEY}
        if not told["ok"]:
            return command(CommandKind.OUTCOME_SEEN, flags=Flag.FAILED, **place)
        return command(CommandKind.OUTCOME_SEEN, tao_rao=told["tao"], alpha_rao=told["alpha"], **place)

    def check(self, answer: Answer, step: Case) -> None:
        """Compare events, balances, pools and the window after a step."""
        expect(answer.code, 0, "code")
        expect(self._told(answer), [self._sorted(event) for event in step["events"]], "events")
        after = step["after"]
        balances = {
            f"{self.account_names.get(name, name)}|{self.asset_names[asset]}": amount
            for (name, asset), amount in self.exchange.balances().items()
        }
        expect(balances, after["balances"], "balances")
        market = self.exchange.views.market(SN, self.exchange.ts_ms)
        if market is None:
            raise Mismatch("the market is gone")
        fixed = {"w": market.weight, "rate": market.fee_rate}
        expect({"tao": market.head_tao, "alpha": market.head_alpha, **fixed}, after["head"], "head")
        expect({"tao": market.mirror_tao, "alpha": market.mirror_alpha, **fixed}, after["mirror"], "mirror")
        expect(market.need, after["pending"], "pending")
        expect((market.used, market.cap), (after["window_used"], after["window_cap"]), "window")

    def _told(self, answer: Answer) -> list[Case]:
        told: list[Case] = []
        for event in answer.events:
            kind = int(event["kind"])
            if kind == EventKind.FILLED:
                side = "sell" if int(event["flags"]) & Flag.SELL else "buy"
                told.append({"event": f"Filled/instant/{side}", "postings": self._postings(event)})
            elif kind == EventKind.SETTLEMENT_BOOKED:
                told.append({"event": "SettlementBooked", "postings": self._postings(event)})
            elif kind == EventKind.SETTLEMENT_ITEM_REQUESTED:
                figures = {"amount": int(event["amount"]), "limit": int(event["limit"]), "house": int(event["hold"])}
                told.append({"event": "SettlementRequested", "side": "buy", **figures})
        return [self._sorted(event) for event in told]

    def _postings(self, event: Any) -> list[Any]:
        return [
            [self.account_names.get(name, name), self.asset_names[asset], amount]
            for name, asset, amount in postings(event)
        ]

    @staticmethod
    def _sorted(event: Case) -> Case:
        return event | ({"postings": sorted(event["postings"])} if "postings" in event else {})


def _story(case: Case) -> None:
    story = _Story(case["inputs"])
    steps_told = iter(case["expected"])

    def check(answer: Answer) -> None:
        step = next(steps_told)
        try:
            story.check(answer, step)
        except Mismatch as mismatch:
            raise Mismatch(f"{step['step']}: {mismatch}") from None

    check(story.order("alice", flags=Flag.IN_QUOTE, tao=2 * TAO))
    check(story.order("bob", alpha=30 * TAO))
    check(story.order("carol", flags=Flag.SELL, alpha=20 * TAO))
    check(story.order("carol", flags=Flag.SELL, alpha=1_000 * TAO))
    check(story.exchange.head())
    story.sign(nonce=0)
    check(story.order("alice", flags=Flag.IN_QUOTE, tao=TAO))
    check(story.exchange.head())
    late = case["expected"][7]
    story.show(late["after"]["head"])
    check(story.exchange.head([story.outcome(late["result"]["outcome"])]))
    story.sign(nonce=1)
    rest = case["expected"][8]
    story.show(rest["after"]["head"])
    check(story.exchange.head([story.outcome(rest["result"]["outcome"])]))
    check(story.exchange.head())
    expect(next(steps_told, None), None, "steps left")
    expect(story.exchange.replay().state_hash(), story.exchange.engine.state_hash(), "state after replay")


RUNNERS: dict[str, Runner] = {
    "cost_within": _cost_within,
    "cap": _cap,
    "jumped": _jumped,
    "buy_in": _buy_in,
    "buy_out": _buy_out,
    "sell_in": _sell_in,
    "mirror": _mirror,
    "largest_remainder": _split(shares.largest_remainder),
    "dissolve": _dissolve,
    "running_floor": _split(shares.running_floor),
    "growth_split": _growth_split,
    "covered_alpha": _covered_alpha,
    "attack": _attack,
    "story": _story,
}

NOT_BUILT = ("block_mode", "idle_rewards", "dissolve")
"""Sections of the file whose rules the engine does not have yet."""

FAMILY = Family(
    name="execution",
    recognises=recognises_ops(*RUNNERS, *NOT_BUILT),
    sections=sections_by_op,
    runners=RUNNERS,
)
