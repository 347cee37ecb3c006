"""All that the client ever sent, and all that it was told: what an exchange that died must still know."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from amm.units import format_decimal, parse_decimal

PAIRS = ("SN1TAO", "SN2TAO", "SN4TAO", "SN5TAO")
FINAL = frozenset({"closed", "canceled", "expired"})
WITHDRAWAL = 300_000_000
"""About what one withdrawal asks for, rao; each asks for another amount, by which it is known again."""


class Broken(AssertionError):  # noqa: N818 - what happened
    """A promise was not kept."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of an order: alpha executed, TAO for it, fee, all rao."""

    status: str
    volume: int
    cost: int
    fee: int

    @classmethod
    def of(cls, told: Mapping[str, str]) -> "Figures":
        return cls(told["status"], rao(told["vol_exec"]), rao(told["cost"]), rao(told["fee"]))


@dataclass
class Memory:
    """By the client's own id of each order (``name``), by the exchange's (``txid``), by each withdrawal's amount."""

    start: dict[str, int] = field(default_factory=dict)
    sent: dict[str, dict[str, str]] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Figures] = field(default_factory=dict)
    cancels: dict[str, None] = field(default_factory=dict)
    cancelled: dict[str, None] = field(default_factory=dict)
    withdrawals: dict[int, bytes] = field(default_factory=dict)
    paid_out: dict[int, str] = field(default_factory=dict)
    resting: list[str] = field(default_factory=list)

    @property
    def unanswered(self) -> list[str]:
        return [name for name in self.sent if name not in self.answered and name not in self.refused]

    @property
    def answers(self) -> int:
        return len(self.answered) + len(self.refused) + len(self.cancelled) + len(self.paid_out)

    def take_answer(self, name: str, txid: str) -> None:
        """Remember the answer to an order; a second one must be the first again."""
        if name in self.refused:
            raise Broken(f"{name} was refused ({self.refused[name]}), and now answered {txid}")
        if self.answered.setdefault(name, txid) != txid:
            raise Broken(f"{name} was answered {self.answered[name]}, and now {txid}")

    def take_refusal(self, name: str, text: str) -> None:
        """Remember a refusal; what was accepted can never be refused."""
        if name in self.answered:
            raise Broken(f"{name} was answered {self.answered[name]}, and now refused: {text}")
        self.refused[name] = text

    def take_figures(self, txid: str, told: Mapping[str, str]) -> None:
        """Remember what became of an order; what is final never changes, and what was executed never shrinks."""
        now = Figures.of(told)
        before = self.figures.get(txid)
        if before is not None and (
            (before.status in FINAL and before != now) or now.volume < before.volume or now.fee < before.fee
        ):
            raise Broken(f"order {txid} was {before} and is {now}")
        if txid in self.cancelled and now.status not in FINAL:
            raise Broken(f"order {txid} was cancelled, and is {now}")
        self.figures[txid] = now

    def not_final(self) -> list[str]:
        """Return the orders of which more may become, and those never looked at."""
        return [t for t in self.answered.values() if t not in self.figures or self.figures[t].status not in FINAL]

    def expected_balances(self, withdrawn: int) -> dict[str, int]:
        """Return what all answers together come to; ``withdrawn``: amounts and fees that left, rao."""
        expected = dict(self.start)
        for name, txid in self.answered.items():
            order, done = self.sent[name], self.figures[txid]
            base, sign = order["pair"].removesuffix("TAO"), 1 if order["type"] == "buy" else -1
            expected[base] = expected.get(base, 0) + sign * done.volume
            expected["TAO"] -= sign * done.cost + done.fee
        expected["TAO"] -= withdrawn
        return {asset: amount for asset, amount in expected.items() if amount or asset == "TAO"}


def draw_order(rng: random.Random) -> dict[str, str]:
    """Return an order in the fields of AddOrder: most trade at once, some rest far from the price."""
    pair = rng.choice(PAIRS)
    volume = format_decimal(rng.randrange(2 * 10**8, 2 * 10**9) // 10 * 10)
    match rng.randrange(8):
        case 0 | 1:
            tao = format_decimal(rng.randrange(2 * 10**7, 2 * 10**8))
            return {"pair": pair, "type": "buy", "ordertype": "market", "oflags": "viqc", "volume": tao}
        case 2:
            return {"pair": pair, "type": "buy", "ordertype": "market", "volume": volume}
        case 3:
            return {"pair": pair, "type": "sell", "ordertype": "market", "volume": volume}
        case 4:
            terms = {"ordertype": "limit", "timeinforce": "IOC", "price": "0.00100000"}
            return {"pair": pair, "type": "sell", "volume": volume, **terms}
        case 5 | 6:
            price = format_decimal(rng.randrange(3_000_000, 5_000_000) // 10 * 10)
            return {"pair": pair, "type": "buy", "ordertype": "limit", "price": price, "volume": volume}
        case _:
            price = format_decimal(rng.randrange(500, 900) * 10**9)
            return {"pair": pair, "type": "sell", "ordertype": "limit", "price": price, "volume": volume}


def is_resting(order: Mapping[str, str]) -> bool:
    """Tell whether an order waits on the book for ever, until it is cancelled."""
    return order["ordertype"] == "limit" and "timeinforce" not in order


def draw_name(rng: random.Random) -> str:
    """Return a fresh id of the client's own."""
    return f"k{rng.getrandbits(60):015x}"


def rao(text: str) -> int:
    """Return an amount in rao."""
    return parse_decimal(text)
