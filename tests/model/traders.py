"""What traders ask for in a history: orders of every kind near the mirror, amendments, cancels, firm quotes."""

from random import Random

from amm.reference import spot_rao
from ledger.engine.layout import NO_NETUID, CommandKind, Flag, OrderState, Trait
from tests.model.chain import TAO
from tests.model.scene import ABSURD, CUSTOMERS, Scene
from tests.support.naive.exchange import Market, Order

NEAR_PPM = (0, 0, 1, 100, 300, 503, 504, 600, 1_000, 2_000, 5_000, 20_000, 100_000)
"""Distances from the mirror's price; the chain's own fee is about 504 ppm."""

ROWS = (OrderState.QUOTE, OrderState.GUARD)


class Traders(Scene):
    """Everything that traders ask for."""

    def price_near(self, rng: Random, market: Market | None, *, sell: bool) -> int:
        """Return a limit: near the mirror, at an order of the other side, or absurd."""
        if market is None or market.mirror is None:
            return rng.choice((TAO // 20, TAO, 1))
        price = max(spot_rao(market.mirror), 1)
        others = [order.limit for order in self.exchange.in_state(market, OrderState.RESTING) if order.sell != sell]
        if others and rng.random() < 0.3:
            return max(rng.choice(others) + rng.choice((0, 0, 1, -1)), 1)
        away = rng.choice(NEAR_PPM) * rng.choice((1, -1))
        return max(min(price, TAO * TAO) * (1_000_000 + away) // 1_000_000, 1)

    def size(self, rng: Random, market: Market | None, account: int, netuid: int) -> int:
        """Return how much TAO an order is worth: a part of the window, of what is owned, a little dust."""
        room = market.cap - market.used if market else 0
        owned = self.exchange.books.free(account, 0)
        parts = [room // rng.randrange(2, 40) for _ in range(6)]
        return max(rng.choice((room, room + 1, 3 * room, *parts, owned // 7, owned, rng.randrange(1, 50))), 1)

    def order(self, rng: Random) -> None:
        """Place an order of any size and shape; most make sense."""
        account, netuid = self.any_account(rng), self.any_netuid(rng)
        if rng.random() < 0.9:
            account, netuid = rng.choice(CUSTOMERS), rng.choice(list(self.exchange.markets))
        self.place(rng, account, netuid)

    def place(self, rng: Random, account: int, netuid: int) -> None:
        """Place an order of an account in a market."""
        market = self.exchange.markets.get(netuid)
        sell, quote, limited = rng.random() < 0.5, rng.random() < 0.3, rng.random() < 0.75
        flags = (Flag.SELL if sell else 0) | (Flag.LIMIT if limited else 0)
        tao = min(self.size(rng, market, account, netuid), 10**16)
        price = self.price_near(rng, market, sell=sell)
        if rng.random() < 0.8:
            tao = max(min(tao, self.exchange.books.free(account, 0) * 9 // 10), 1)
        alpha = max(tao * TAO // price, 1)
        if sell and rng.random() < 0.9:
            alpha = max(min(alpha, self.exchange.books.free(account, netuid + 1)), 1)
        figures = {"alpha_rao": alpha}
        if quote and (not sell or rng.random() < 0.03):
            flags |= Flag.IN_QUOTE
            figures = {"tao_rao": tao}
        if limited:
            figures["limit"] = price
            flags |= rng.choice((0, 0, 0, 0, Flag.IOC, Flag.FOK, Flag.POST_ONLY))
        else:
            figures["slippage_ppm"] = rng.choice((*[5_000] * 4, 0, 600, 1_000_000, 100_000, 50_000))
        figures |= self.extras(rng, market, flags)
        figures = {name: min(figure, 2**63 - 1) for name, figure in figures.items()}
        self.spoil_order(rng, figures)
        if rng.random() < 0.06:
            flags ^= rng.choice(
                (Flag.VALIDATE_ONLY, Flag.VALIDATE_ONLY, Flag.FOK, Flag.POST_ONLY, Flag.IOC, Flag.LIMIT, Flag.IN_QUOTE)
            )
        record = self.command_of(CommandKind.PLACE_ORDER, flags=int(flags), account=account, netuid=netuid, **figures)
        texts: tuple[bytes, ...] = ()
        if rng.random() < 0.15:
            record["payload"] = 1
            texts = rng.choice((*[(b"my order",)] * 5, (b"x" * 257,), (), (b"",)))
        self.post(rng, record, *texts)

    def extras(self, rng: Random, market: Market | None, flags: int) -> dict[str, int]:
        """Return trigger, traits and expiry of an order."""
        figures: dict[str, int] = {}
        traits = rng.choice((0, 0, 0, Trait.STP_OLDEST, Trait.STP_BOTH))
        if rng.random() < 0.2:
            traits |= rng.choice((Trait.STOP_LOSS, Trait.TAKE_PROFIT)) | rng.choice((0, 0, Trait.ON_INDEX))
            figures["trigger"] = self.price_near(rng, market, sell=rng.random() < 0.5)
        if rng.random() < 0.01:
            traits = rng.randrange(65_536)
        if traits:
            figures["traits"] = int(traits)
        if rng.random() < 0.15 and not flags & (Flag.IOC | Flag.FOK):
            figures["expires_s"] = self.ts // 1_000 + rng.choice((0, 1, 2, 5, 20, 100_000))
        return figures

    def spoil_order(self, rng: Random, figures: dict[str, int]) -> None:
        """Make an order's figures absurd, rarely."""
        if rng.random() < 0.04:
            name = rng.choice(("alpha_rao", "tao_rao", "limit", "slippage_ppm", "deadline", "trigger"))
            figures[name] = rng.choice((*ABSURD, self.ts, self.ts - 1))
        if rng.random() < 0.1:
            figures["userref"] = rng.choice((1, 2**32 - 1))

    def ladder(self, rng: Random) -> None:
        """Let several accounts post and take near one price, in one batch."""
        netuid = rng.choice(list(self.exchange.markets))
        for _ in range(rng.randrange(2, 8)):
            self.place(rng, rng.choice(CUSTOMERS), netuid)

    def any_live(self, rng: Random, *states: OrderState) -> Order | None:
        """Return a live row in one of some states, in any when none is named."""
        live = [order for order in self.exchange.orders.values() if (order.state in states if states else True)]
        return rng.choice(live) if live else None

    def cancel(self, rng: Random) -> None:
        """Cancel an order, mostly one that lives."""
        order = self.any_live(rng)
        account = order.account if order and rng.random() < 0.95 else self.any_account(rng)
        order_id = order.order_id if order and rng.random() < 0.95 else rng.choice((self.exchange.seq, 0, -1))
        self.post(rng, self.command_of(CommandKind.CANCEL_ORDER, account=account, order_id=order_id))

    def cancel_all(self, rng: Random) -> None:
        """Cancel all orders of an account."""
        netuid = rng.choice((NO_NETUID, self.any_netuid(rng)))
        self.post(rng, self.command_of(CommandKind.CANCEL_ALL, account=self.any_account(rng), netuid=netuid))

    def cancel_after(self, rng: Random) -> None:
        """Set, renew or switch off a cancel-after."""
        timeout = rng.choice((0, 1, 1_000, 5_000, 60_000, 86_400_000, *ABSURD))
        self.post(rng, self.command_of(CommandKind.CANCEL_AFTER, account=self.any_account(rng), timeout_ms=timeout))

    def amend(self, rng: Random) -> None:
        """Amend an order: smaller, larger, to another price, or absurdly."""
        states = (OrderState.RESTING, OrderState.QUEUED, OrderState.ARMED, OrderState.IN_FLIGHT)
        order = self.any_live(rng, *states)
        if order is None:
            return
        market = self.exchange.markets.get(order.netuid)
        figures: dict[str, int] = {}
        if rng.random() < 0.7:
            figures["alpha_rao"] = max(order.amount * rng.choice((1, 50, 99, 100, 101, 200)) // 100, 1)
        if rng.random() < 0.5:
            figures["limit"] = self.price_near(rng, market, sell=order.sell)
        if rng.random() < (0.5 if order.trigger else 0.03):
            figures["trigger"] = self.price_near(rng, market, sell=order.sell)
        if rng.random() < 0.05:
            figures[rng.choice(("alpha_rao", "limit", "trigger", "deadline"))] = rng.choice(ABSURD)
        figures = {name: min(figure, 2**63 - 1) for name, figure in figures.items()}
        account = order.account if rng.random() < 0.97 else self.any_account(rng)
        flags = int(Flag.POST_ONLY) if rng.random() < 0.1 else 0
        order_id = order.order_id
        self.post(
            rng, self.command_of(CommandKind.AMEND_ORDER, account=account, order_id=order_id, flags=flags, **figures)
        )

    def issue_quote(self, rng: Random) -> None:
        """Ask for a firm quote."""
        account, netuid = rng.choice(CUSTOMERS), rng.choice(list(self.exchange.markets))
        if rng.random() < 0.1:
            account, netuid = self.any_account(rng), self.any_netuid(rng)
        market = self.exchange.markets.get(netuid)
        sell, quote = rng.random() < 0.5, rng.random() < 0.4
        tao = min(self.size(rng, market, account, netuid), 10**16)
        figures = {"alpha_rao": max(tao * TAO // self.price_near(rng, market, sell=sell), 1)}
        flags = Flag.SELL if sell else 0
        if quote and (not sell or rng.random() < 0.03):
            figures, flags = {"tao_rao": tao}, flags | Flag.IN_QUOTE
        if rng.random() < 0.3:
            figures["limit"] = self.price_near(rng, market, sell=sell)
        figures["life_ms"] = rng.choice((0, 500, 1_000, 3_000, 12_000, 60_000))
        if rng.random() < 0.05:
            figures[rng.choice(list(figures))] = rng.choice(ABSURD)
        figures = {name: min(figure, 2**63 - 1) for name, figure in figures.items()}
        self.post(
            rng, self.command_of(CommandKind.ISSUE_QUOTE, account=account, netuid=netuid, flags=int(flags), **figures)
        )

    def use_quote(self, rng: Random) -> None:
        """Take a firm quote, or give it back."""
        order = self.any_live(rng, OrderState.QUOTE) or self.any_live(rng)
        account = order.account if order and rng.random() < 0.95 else self.any_account(rng)
        order_id = order.order_id if order and rng.random() < 0.95 else rng.choice((self.exchange.seq, 0, -1))
        kind = rng.choice((CommandKind.TAKE_QUOTE, CommandKind.TAKE_QUOTE, CommandKind.RELEASE_QUOTE))
        self.post(rng, self.command_of(kind, account=account, quote_id=order_id))

    def set_tier(self, rng: Random) -> None:
        """Set a fee tier."""
        tier = rng.choice((0, 1, 2, 3, 15, 16, 65_535))
        figures = {
            "volume": rng.choice((0, tier * TAO, tier * 50 * TAO, *ABSURD)),
            "taker_share": rng.choice((1_000_000, 800_000, 500_000, 0, *ABSURD)),
            "maker_share": rng.choice((1_000_000, 500_000, 0, *ABSURD)),
        }
        self.post(rng, self.command_of(CommandKind.SET_TIER, tier=tier, **figures))

    def tick(self, rng: Random) -> None:
        """Let a little time pass, and the batch come in which timers run."""
        self.ts += rng.choice((100, 900, 1_000, 2_500, 10_000))
        self.send()
