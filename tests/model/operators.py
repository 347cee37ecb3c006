"""What operators do in a history: set-up, parameters, halts, funding, suspense."""

import json
from random import Random

from amm.reference import Pool
from ledger.engine.layout import (
    NO_NETUID,
    CommandKind,
    Flag,
    Halt,
    KeyRole,
    Records,
    Stage,
)
from tests.model.chain import TAO
from tests.model.scene import ABSURD, NETUIDS, Scene


class Operators(Scene):
    """Everything that operators ask for."""

    def open_account(self, rng: Random) -> None:
        """Open an account, sometimes with a bad name."""
        self.texts += 1
        name = rng.choice(
            (f"customer {self.texts}".encode(), b"", b"customer 1", b"\xff", b"x" * 65, "ä".encode(), b"a\n")
        )
        payloads = rng.choice(((name,), (name,), (name,), ()))
        self.post(rng, self.command_of(CommandKind.OPEN_ACCOUNT, name=1), *payloads)

    def add_api_key(self, rng: Random) -> None:
        """Add an API key."""
        self.texts += 1
        body = rng.choice(
            (
                json.dumps({"key": f"k{rng.randrange(5)}", "sealed": "s"}).encode(),
                json.dumps({"key": f"k{self.texts}", "sealed": "s"}).encode(),
                *(b"{}", b"[]", b"", b"\xff{", b'{"key": 1, "sealed": "s"}', b'{"key": "", "sealed": "s"}'),
            )
        )
        figures = {
            "account": self.any_account(rng),
            "permissions": rng.choice(ABSURD),
            "nonce_window": rng.choice(ABSURD),
        }
        self.post(rng, self.command_of(CommandKind.ADD_API_KEY, body=1, **figures), body)

    def add_chain_key(self, rng: Random) -> None:
        """Add a chain key."""
        role = rng.choice((KeyRole.DEPOSIT, KeyRole.DEPOSIT, KeyRole.HOT, KeyRole.TRADING, 0, 4, 65_535))
        number = rng.choice((len(self.exchange.keys) + 1,) * 3 + (0, 1, 2**32 - 1))
        public = rng.choice((rng.randbytes(32), rng.randbytes(32), bytes([1]) * 32, b"short"))
        account = rng.choice((self.any_account(rng), 0))
        self.post(
            rng,
            self.command_of(CommandKind.ADD_CHAIN_KEY, key=number, role=int(role), account=account, public=1),
            public,
        )

    def add_hotkey(self, rng: Random) -> None:
        """Add a hotkey."""
        number = rng.choice((self.exchange.hotkeys + 1,) * 3 + (0, 1))
        public = rng.choice((rng.randbytes(32), rng.randbytes(32), bytes([101]) * 32, b""))
        self.post(rng, self.command_of(CommandKind.ADD_HOTKEY, hotkey=number, public=1), public)

    def list_market(self, rng: Random) -> None:
        """List a market."""
        record = self.command_of(
            CommandKind.LIST_MARKET,
            netuid=rng.choice((*NETUIDS, 0, NO_NETUID - 1, NO_NETUID)),
            stage=rng.choice((*Stage, 0, 10, 65_535)),
            hotkey=rng.choice((0, 1, 1, 1, self.exchange.hotkeys, self.exchange.hotkeys + 1)),
            registered_at=rng.choice((0, 5, -1)),
            body=rng.choice((0, 1, 1, 1, 2)),
        )
        self.post(rng, record, rng.choice((b"{}", b'{"symbol": "SN"}', b"1", b"")))

    def set_stage(self, rng: Random) -> None:
        """Move a market to a stage, mostly to the one where things happen."""
        if not self.is_troubled(rng):
            return
        stage = rng.choice((*[Stage.ONLINE] * 20, *Stage, 0, 10))
        self.post(rng, self.command_of(CommandKind.SET_STAGE, netuid=self.any_netuid(rng), stage=int(stage)))

    def recover(self, rng: Random) -> None:
        """Bring everything back to where trading is possible."""
        self.clear_all_halts(rng)
        for netuid in self.exchange.markets:
            self.post(rng, self.command_of(CommandKind.SET_STAGE, netuid=netuid, stage=int(Stage.ONLINE)))

    def configuration(self, rng: Random, netuid: int, *, sound: bool) -> Records:
        """Build a market's configuration."""
        pool = self.chain.pools.get(netuid, Pool(TAO, TAO))
        figures = {
            "target": self.any_target(rng, netuid, pool),
            "min_settle": rng.choice((0, 10_000_000, 10**10)),
            "k_ppm": rng.choice((500_000, 500_000, 500_000, 999_999, 20_000, 0 if self.is_troubled(rng) else 100_000)),
            "taker_ppm": rng.choice((2_600, 2_600, 0, 999_999)),
            "maker_ppm": rng.choice((1_600, 0)),
            "tolerance_ppm": rng.choice((10_000, 0, 999_999)),
            "backed": rng.choice((1, 1, 1, 0)),
        }
        if rng.random() < 0.95:
            figures["maker_ppm"] = min(figures["maker_ppm"], figures["taker_ppm"])
        if not sound:
            figures[rng.choice(list(figures))] = rng.choice((2, 7, 10**6))
            figures[rng.choice(("target", "min_settle", "k_ppm", "taker_ppm", "tolerance_ppm"))] = rng.choice(ABSURD)
        return self.command_of(CommandKind.SET_MARKET, netuid=netuid, **figures)

    def any_target(self, rng: Random, netuid: int, pool: Pool) -> int:
        """Return a target: near what the house has, or a share of the pool."""
        if rng.random() < 0.6:
            return max(self.exchange.books.position(netuid) + rng.randrange(-(10**9), 10**9), 0)
        return pool.alpha // rng.choice((5, 20, 100, 500, 10**5 if self.is_troubled(rng) else 50))

    def set_market(self, rng: Random) -> None:
        """Configure a market."""
        self.post(rng, self.configuration(rng, self.any_netuid(rng), sound=not self.is_troubled(rng)))

    def set_halt(self, rng: Random) -> None:
        """Halt something, or clear it; mostly clear."""
        if not self.is_troubled(rng):
            return
        bits = rng.choice((Halt.MONEY, Halt.WITHDRAWALS, Halt.INSTANT, Halt.SIGNER, 15, 0, 16, 65_535))
        netuid = rng.choice((NO_NETUID, self.any_netuid(rng)))
        flags = Flag.ARM if rng.random() < 0.3 else 0
        self.post(rng, self.command_of(CommandKind.SET_HALT, netuid=netuid, halt=int(bits), flags=int(flags)))
        self.mostly_recover(rng)

    def mostly_recover(self, rng: Random) -> None:
        """Let trouble be short, most of the time."""
        if rng.random() < 0.7:
            self.recover(rng)

    def clear_all_halts(self, rng: Random) -> None:
        """Clear every halt, as an operator does when the reason is understood."""
        for netuid in (NO_NETUID, *self.exchange.markets):
            self.post(rng, self.command_of(CommandKind.SET_HALT, netuid=netuid, halt=15))

    def address(self, rng: Random, account: int, netuid: int) -> tuple[Records, bytes]:
        """Build a sound address."""
        self.texts += 1
        body = json.dumps({"name": f"a{self.texts}", "public": rng.randbytes(32).hex()}).encode()
        flags = int(Flag.ALPHA) if netuid != NO_NETUID else 0
        usable = self.ts + rng.choice((-1, 0, 0, 1_000))
        figures = {"account": account, "netuid": netuid, "usable_from": usable, "hotkey": rng.choice((0, 1)), "body": 1}
        return self.command_of(CommandKind.ADD_ADDRESS, flags=flags, **figures), body

    def add_address(self, rng: Random) -> None:
        """Add an address, sometimes a bad one."""
        record, body = self.address(rng, self.any_account(rng), rng.choice((NO_NETUID, self.any_netuid(rng))))
        if rng.random() < 0.3:
            record["other"] = rng.choice((2, 3, 2**32 - 1))
        if rng.random() < 0.3:
            body = rng.choice(
                (b"", b"{}", b'{"name": "a1"}', b'{"name": "", "public": "00"}', b'{"name": "n", "public": "XY"}')
            )
        self.post(rng, record, body)

    def announce_funding(self, rng: Random) -> None:
        """Announce house money; it may arrive later."""
        alpha = rng.random() < 0.5
        netuid = rng.choice((self.any_netuid(rng), self.any_netuid(rng), NO_NETUID))
        amount = rng.choice((5 * TAO, 7 * TAO, 100 * TAO, *ABSURD))
        flags = int(Flag.ALPHA) if alpha else 0
        self.post(rng, self.command_of(CommandKind.ANNOUNCE_FUNDING, netuid=netuid, amount=amount, flags=flags))

    def resolve_suspense(self, rng: Random) -> None:
        """Resolve suspense: all of it, a part, too much, by too few."""
        alpha = rng.random() < 0.5
        netuid = self.any_netuid(rng) if alpha else rng.choice((NO_NETUID, self.any_netuid(rng)))
        suspended = self.exchange.books.suspense(netuid + 1 if alpha else 0)
        amount = rng.choice((suspended, suspended, suspended // 2, suspended + 1, *ABSURD))
        record = self.command_of(
            CommandKind.RESOLVE_SUSPENSE,
            flags=int(Flag.ALPHA) if alpha else 0,
            netuid=netuid,
            amount=amount,
            account=rng.choice((0, 0, self.any_account(rng))),
            first_operator=rng.choice((1, 1, 1, 0)),
            second_operator=rng.choice((2, 2, 2, 1, 0)),
        )
        self.post(rng, record)

    def unknown_command(self, rng: Random) -> None:
        """Send a kind that does not exist."""
        record = self.command_of(CommandKind.CANCEL_ORDER, account=self.any_account(rng))
        record["kind"] = rng.choice((0, 13, 19, 29, 33, 39, 52, 99, 65_535))
        self.post(rng, record)
