"""Traders who know more than the mirror, against the real engine; ``python -m tests.campaigns.attack``.

A chain pool is moved by strangers and by the attacker; the exchange sees it at heads only. No trading fee is charged,
so that the pool fee and the window's cap are all that protects the house. Three strategies, each over many seeds:

* ``informed`` knows the next head's price and fills the window in its direction at the stale mirror;
* ``pusher`` moves the chain himself, fills the window at the stale mirror, sells here what the next window takes and
  unwinds the rest on the chain;
* ``silent`` trades while heads stay away, until the gate for the age of a head closes.

The house may lose at most ``cap * |P' / P - 1|`` in a window (``execution`` section 5), where ``P`` is the price at
which the window opened and ``P'`` the next head's, and on a pool of equal weights a pusher must not gain where the
house does not settle between his steps. A run above either bound ends with exit code 7. ``sandwich`` is a pusher who
unwinds only after the house has bought on the chain at the price that he made: the bound on a window holds for him too,
but within it he can gain, and the run tells how much.
"""

import argparse
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

from amm import steps
from amm.errors import SwapRefused
from amm.reference import SCALE, Pool, Side, apply_swap, swap
from app.verify.exchange import BLOCK_MS, HOT, HOTKEY, TRADING, Exchange, PoolShown
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, EventKind, Flag, Job, Mode, Records
from ledger.engine.parameters import STALE_AFTER_MS
from ledger.engine.records import command

TAO = 10**9
SN = 1
PPM = 1_000_000
ROUNDING = 16
"""Rao by which floors and ceilings of one window's fills may differ from the exact price."""
FAILED = 7


@dataclass
class Tally:
    """What one strategy came to: windows played, the worst share of the bound, the house's and the trader's result."""

    windows: int = 0
    fills: int = 0
    worst: Fraction = Fraction(0)
    house: int = 0
    trader: Fraction = Fraction(0)
    best_trader: Fraction | None = None
    breaches: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add another run of the same strategy."""
        self.windows += other.windows
        self.fills += other.fills
        self.worst = max(self.worst, other.worst)
        self.house += other.house
        self.trader += other.trader
        if other.best_trader is not None:
            best = other.best_trader if self.best_trader is None else max(self.best_trader, other.best_trader)
            self.best_trader = best
        self.breaches.extend(other.breaches)


def price_of(pool: Pool) -> Fraction:
    """Return the exact spot price of a pool, rao of TAO per rao of alpha."""
    return Fraction(pool.tao * (SCALE - pool.weight), pool.alpha * pool.weight)


class Venue:
    """One market of the exchange, its chain pool, and one trader with deep pockets on both."""

    def __init__(self, draw: random.Random, *, settles: bool = True) -> None:
        self.settles = settles
        depth = draw.choice((50, 2_000, 20_000, 400_000)) * TAO
        weight = draw.choice((SCALE // 2, SCALE // 2, SCALE * 3 // 10, SCALE * 7 // 10))
        self.pool = Pool(tao=depth, alpha=depth * draw.randrange(2, 90), weight=weight, fee_rate=33)
        self.k_ppm = draw.choice((250_000, 500_000, 750_000))
        self.exchange = Exchange()
        self.exchange.set_up()
        self.exchange.list_market(SN, self._shown())
        self.exchange.configure(SN, k_ppm=self.k_ppm, taker_ppm=0, maker_ppm=0, target=self.pool.alpha)
        self.trader = self.exchange.open_account("trader")
        self.exchange.head(self.exchange.fund_house(SN, tao=2 * self.pool.tao, alpha=self.pool.alpha))
        key = self.exchange.deposit_key(self.trader)
        tao = self.exchange.deposit_record(key, tao=2 * self.pool.tao)
        alpha = self.exchange.deposit_record(key, netuid=SN, alpha=self.pool.alpha)
        self.exchange.head([tao, alpha])
        self.nonce = 0
        self.signed = 0
        self.chain_tao = Fraction(0)
        self.chain_alpha = 0
        self.fills = 0

    def _shown(self) -> PoolShown:
        return PoolShown(self.pool.tao, self.pool.alpha, self.pool.weight, self.pool.fee_rate)

    # the chain

    def stranger(self, side: Side, amount: int) -> None:
        """Move the chain pool by a stranger's trade, if the chain takes it."""
        self._swap(side, amount)

    def _swap(self, side: Side, amount: int) -> tuple[int, int]:
        """Return what went in, fee included, and what came out."""
        try:
            swapped = swap(self.pool, side, amount)
        except SwapRefused:
            return 0, 0
        self.pool = apply_swap(self.pool, side, amount_in=swapped.amount_in, amount_out=swapped.amount_out)
        return swapped.amount_in + swapped.fee, swapped.amount_out

    def chain_trade(self, side: Side, amount: int) -> int:
        """Trade on the chain on the trader's own account; return what came out."""
        spent, got = self._swap(side, amount)
        if side is Side.BUY:
            self.chain_tao -= spent
            self.chain_alpha += got
        else:
            self.chain_alpha -= spent
            self.chain_tao += got
        return got

    def head(self) -> None:
        """Finalise a block with what happened since the last: the settlement of ours comes after everybody else."""
        outcomes = self._settle()
        self.exchange.pools[SN] = self._shown()
        self.exchange.head(outcomes)
        for job in self.exchange.views.jobs():
            if self.settles and job.job_id > self.signed and type(job).__name__ == "SettlementJob":
                self.exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, self.nonce)
                self.nonce += 1
                self.signed = job.job_id

    def _settle(self) -> list[Records]:
        market = self.exchange.engine.state.markets[0]
        if market["item_job"] == 0 or market["item_job"] != self.signed:
            return []
        sell = bool(market["item_sell"])
        figures = {"job_id": int(market["item_job"]), "job": Job.SETTLEMENT, "netuid": SN, "item": 0}
        flags = Flag.SELL if sell else Flag(0)
        spent, got = self._swap(Side.SELL if sell else Side.BUY, int(market["item_amount"]))
        if got == 0:
            return [command(CommandKind.OUTCOME_SEEN, flags=flags | Flag.FAILED, **figures)]
        alpha, tao = (spent, got) if sell else (got, spent)
        moved = {"key": HOT, "hotkey": HOTKEY, "alpha_rao": alpha, "tao_rao": tao}
        return [command(CommandKind.OUTCOME_SEEN, flags=flags, **(figures | moved))]

    # the exchange

    def house(self) -> tuple[int, int]:
        """Return ``(TAO, alpha)`` of the market's house account."""
        balances = self.exchange.balances()
        return balances.get(("house:trading:SN1", 0), 0), balances.get(("house:trading:SN1", SN + 1), 0)

    def owned(self) -> tuple[int, int]:
        """Return ``(TAO, alpha)`` of the trader on the exchange."""
        balances = self.exchange.balances()
        return sum(balances.get((f"c:{self.trader}:{part}", 0), 0) for part in ("free", "held")), sum(
            balances.get((f"c:{self.trader}:{part}", SN + 1), 0) for part in ("free", "held")
        )

    @property
    def mirror(self) -> Pool:
        """Return the pool that the exchange prices by: the head with the house's position, where it can be."""
        market = self.exchange.engine.state.markets[0]
        if market["mirror_alpha"] == 0:
            return self.pool
        tao, alpha = int(market["mirror_tao"]), int(market["mirror_alpha"])
        return Pool(tao=tao, alpha=alpha, weight=self.pool.weight, fee_rate=self.pool.fee_rate)

    @property
    def room(self) -> int:
        """Return what is left of the window, rao of TAO."""
        market = self.exchange.engine.state.markets[0]
        return int(market["cap"] - market["used"])

    def buy_here(self) -> int:
        """Buy for all that the window lets through; return the alpha bought."""
        cost = steps.gross_for_net(self.room, self.pool.fee_rate) - 1
        if cost <= 0:
            return 0
        return self._filled(self._order(Flag.IN_QUOTE, tao_rao=cost))

    def sell_here(self, most: int) -> int:
        """Sell at most ``most`` alpha, as far as the window lets it through; return the alpha sold."""
        market = self.exchange.engine.state.markets[0]
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            mirror = int(market["mirror_tao"]), int(market["mirror_alpha"]), int(market["weight"]), int(market["rate"])
            status, out, *_ = steps.sell_in(*mirror, middle)
            low, high = (middle, high) if status == 0 and out <= self.room else (low, middle - 1)
        return self._filled(self._order(Flag.SELL, alpha_rao=low)) if low else 0

    def _order(self, flags: Flag, **amounts: int) -> Answer:
        figures = {"account": self.trader, "netuid": SN, "slippage_ppm": PPM // 2}
        return self.exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **(figures | amounts))

    def _filled(self, answer: Answer) -> int:
        fills = answer.events[(answer.events["kind"] == EventKind.FILLED) & (answer.events["code"] == Mode.INSTANT)]
        self.fills += len(fills)
        return int(fills["amount"].sum())


def judge_window(tally: Tally, moved: tuple[int, int], cap: int, price: Fraction, now: Fraction) -> None:
    """Hold what a window's fills moved in the house's account, at the next head's price, against the bound."""
    result = moved[0] + moved[1] * now
    bound = cap * abs(now / price - 1)
    tally.windows += 1
    tally.house += int(result)
    if -result > bound + ROUNDING:
        tally.breaches.append(f"a window lost {int(-result)} rao, bound {int(bound)}")
    if bound > PPM:
        tally.worst = max(tally.worst, -result / bound)


def play_window(venue: Venue, tally: Tally, trade: Callable[[], int], between: Callable[[], object]) -> int:
    """Trade at the stale mirror, let the chain move, import the head, judge; return what the trade brought."""
    price = price_of(venue.mirror)
    cap = int(venue.exchange.engine.state.markets[0]["cap"])
    before = venue.house()
    brought = trade()
    after = venue.house()
    between()
    venue.head()
    judge_window(tally, (after[0] - before[0], after[1] - before[1]), cap, price, price_of(venue.pool))
    return brought


def informed(seed: int, windows: int) -> Tally:
    """Know the next head's price, and fill every window in its direction."""
    draw = random.Random(f"informed {seed}")
    venue, tally = Venue(draw), Tally()
    for _ in range(windows):
        side = draw.choice((Side.BUY, Side.SELL))
        reserve = venue.pool.tao if side is Side.BUY else venue.pool.alpha
        push = max(reserve * draw.randrange(1, draw.choice((100, 1_000, 10_000, 100_000, 2 * PPM))) // PPM, 1)
        trade = venue.buy_here if side is Side.BUY else partial(venue.sell_here, venue.pool.alpha // 10)
        play_window(venue, tally, trade, partial(venue.stranger, side, push))
    tally.fills = venue.fills
    return tally


def push_and_unwind(draw: random.Random, rounds: int, *, settles: bool) -> Tally:
    """Push the chain, buy here at the stale mirror, sell back what the next window takes, unwind on the chain."""
    tally = Tally()
    for _ in range(rounds):
        venue = Venue(draw, settles=settles)
        push = venue.pool.tao * draw.choice((1, 10, 50, 100, 500, 1_000, 2_000, 4_000)) // 1_000
        wallet = {"tao": 0, "alpha": 0}

        def note(trade: Callable[[], int], venue: Venue = venue, wallet: dict[str, int] = wallet) -> Callable[[], int]:
            def noted() -> int:
                before = venue.owned()
                brought = trade()
                after = venue.owned()
                wallet["tao"] += after[0] - before[0]
                wallet["alpha"] += after[1] - before[1]
                return brought

            return noted

        pushed = []
        bought = play_window(
            venue,
            tally,
            note(venue.buy_here),
            lambda: pushed.append(venue.chain_trade(Side.BUY, push)),  # noqa: B023
        )
        play_window(venue, tally, note(partial(venue.sell_here, bought)), lambda: None)
        venue.chain_trade(Side.SELL, pushed[0] + wallet["alpha"])
        result = venue.chain_tao + wallet["tao"]
        tally.trader += result
        tally.best_trader = result if tally.best_trader is None else max(tally.best_trader, result)
        if result > 0 and not settles and 2 * venue.pool.weight == SCALE:
            tally.breaches.append(f"a push of {push} of {venue.pool.tao} gained {int(result)} rao")
        tally.fills += venue.fills
    return tally


def pusher(seed: int, rounds: int) -> Tally:
    """Manipulate while the house waits with its settlement."""
    return push_and_unwind(random.Random(f"pusher {seed}"), rounds, settles=False)


def sandwich(seed: int, rounds: int) -> Tally:
    """Manipulate, and let the house settle at the pushed price before unwinding."""
    return push_and_unwind(random.Random(f"sandwich {seed}"), rounds, settles=True)


def silent(seed: int, windows: int) -> Tally:
    """Trade while no head comes: what is filled after the gate has closed is a breach."""
    draw = random.Random(f"silent {seed}")
    venue, tally = Venue(draw), Tally()
    for _ in range(windows):
        late = draw.choice((0, BLOCK_MS, 2 * BLOCK_MS, 3 * BLOCK_MS, 10 * BLOCK_MS))

        closes = max(5 * int(venue.exchange.engine.state.scalars[0]["interval"]) // 2, STALE_AFTER_MS)

        def trade(late: int = late, closes: int = closes) -> int:
            venue.exchange.ts_ms += late
            brought = venue.buy_here()
            if brought and late > closes:
                tally.breaches.append(f"an instant fill {late} ms after the head")
            return brought

        push = max(venue.pool.tao * draw.randrange(1, 10_000) // PPM, 1)
        play_window(venue, tally, trade, partial(venue.stranger, Side.BUY, push))
    tally.fills = venue.fills
    return tally


STRATEGIES: dict[str, Callable[[int, int], Tally]] = {
    "informed": informed,
    "pusher": pusher,
    "sandwich": sandwich,
    "silent": silent,
}


def run(strategy: str, seeds: range, windows: int) -> Tally:
    """Play a strategy over some seeds."""
    total = Tally()
    for seed in seeds:
        total.add(STRATEGIES[strategy](seed, windows))
    return total


def main() -> int:
    """Play all strategies, print what each came to, and return 0, or 7 above a bound."""
    parser = argparse.ArgumentParser(description="informed traders against the house")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--windows", type=int, default=50)
    options = parser.parse_args()
    broken = False
    for strategy in STRATEGIES:
        tally = run(strategy, range(options.seeds), options.windows)
        told = f"{strategy}: {tally.windows} windows, {tally.fills} fills, house {tally.house / TAO:+.3f} TAO, "
        told += f"worst window {float(tally.worst):.3f} of its bound"
        if tally.best_trader is not None:
            told += f", trader at best {float(tally.best_trader) / TAO:+.6f} TAO"
        print(told)  # noqa: T201 - its output
        for breach in tally.breaches[:10]:
            print(f"  {breach}")  # noqa: T201 - its output
        broken |= bool(tally.breaches)
    return FAILED if broken else 0


if __name__ == "__main__":
    sys.exit(main())
