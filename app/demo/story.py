"""The story that the demo plays: deposit, trade, settlement, withdrawal; each step checks what it promised, to the rao.

It knows the exchange and the chain only from outside: REST with a customer's key, and the node's websocket.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from amm.units import RAO_PER_TAO, format_decimal, parse_decimal
from app.demo.client import ExchangeClient
from app.demo.wallet import Wallet, transfer
from app.link.connection import NodeConnection
from app.link.reader import BlockReader
from chain.keys import KeyPair, ss58_decode, ss58_encode

PAIR: Final = "SN1TAO"
BASE: Final = "SN1"
DEPOSIT: Final = 25 * RAO_PER_TAO
SPEND: Final = 10 * RAO_PER_TAO
SELL_PART: Final = 4
"""The sale gives back one part in so many of what was bought."""

WITHDRAW: Final = 5 * RAO_PER_TAO
DEPOSITOR: Final = "//Bob"
ADDRESS_NAME: Final = "cold wallet"
DUST: Final = 10_000_000
"""Worth of a need that is not settled, rao: its fee would cost more."""

LOT: Final = 10
"""Volumes of orders have 8 decimals, rao have 9."""

POLL_S: Final = 0.25
TIMEOUT_S: Final = 120.0

Say = Callable[[str], None]


class StoryBroken(Exception):  # noqa: N818 - what happened
    """A step did not come out as promised."""


@dataclass(slots=True)
class Expected:
    """What the customer must own, rao."""

    tao: int = 0
    alpha: int = 0


class Story:
    """One customer's way through the exchange; ``client`` may be replaced when the exchange was started again."""

    def __init__(self, client: ExchangeClient, node_url: str, *, cold_uri: str, say: Say) -> None:
        self.client = client
        self.node_url = node_url
        self.expected = Expected()
        self.settled_from = 0
        self.bought_order = ""
        self.withdrawal = ""
        self._say = say
        self._cold = KeyPair.from_uri(cold_uri).public
        self._cold_before = 0

    async def begin(self) -> None:
        """Note what is there before the first step."""
        balances = await self.client.private("Balance")
        self.expected = Expected(tao=_rao(balances, "TAO"), alpha=_rao(balances, BASE))

    async def deposit(self) -> None:
        """Send TAO from a chain key to the customer's deposit address, and wait until it is credited."""
        address = (await self.client.private("DepositAddresses", asset="TAO"))[0]["address"]
        self._say(f"deposit address of the customer: {address}")
        async with NodeConnection(self.node_url) as node:
            await Wallet(node, DEPOSITOR).send(transfer(ss58_decode(address), DEPOSIT))
        self._say(f"{DEPOSITOR} sent {format_decimal(DEPOSIT)} TAO to it on the chain")
        self.expected.tao += DEPOSIT
        await self.until(self._is_as_expected, "the deposit is credited")
        self._say("credited, after finality")

    async def buy(self) -> None:
        """Buy alpha at the chain's price for a stated sum of TAO."""
        answer = await self.client.private(
            "AddOrder", pair=PAIR, type="buy", ordertype="market", oflags="viqc", volume=format_decimal(SPEND)
        )
        self.bought_order = answer["txid"][0]
        order = await self._filled(self.bought_order)
        cost, fee, volume = (_rao(order, name) for name in ("cost", "fee", "vol_exec"))
        self.expected.tao -= cost + fee
        self.expected.alpha += volume
        self._say(
            f"bought {format_decimal(volume)} {BASE} for {format_decimal(cost)} TAO and a fee of {format_decimal(fee)},"
            " filled at once"
        )
        await self.check_balances()

    async def sell_part(self) -> None:
        """Sell a part with a limit a little below the best bid, at once or not at all."""
        volume = self.expected.alpha // SELL_PART // LOT * LOT
        bid = (await self.client.public("Ticker", pair=PAIR))[PAIR]["b"][0]
        limit = _decimal(bid) * 99 // 100 // LOT * LOT
        answer = await self.client.private(
            "AddOrder",
            pair=PAIR,
            type="sell",
            ordertype="limit",
            timeinforce="IOC",
            volume=format_decimal(volume),
            price=format_decimal(limit),
        )
        order = await self._filled(answer["txid"][0])
        cost, fee, sold = (_rao(order, name) for name in ("cost", "fee", "vol_exec"))
        if sold != volume:
            raise StoryBroken(f"sold {sold} of {volume}")
        self.expected.tao += cost - fee
        self.expected.alpha -= sold
        self._say(f"sold {format_decimal(sold)} {BASE} by limit IOC for {format_decimal(cost)} TAO")
        await self.check_balances()

    async def settle(self) -> None:
        """Wait until the house need of the market went to the chain and came back final."""
        await self.until(self._is_settled, "the need is settled on the chain")
        self._say("the need of the house was settled in one limit swap on the chain")

    async def reconcile(self) -> None:
        """Wait for a head at which ledger and chain agree in everything that was looked at."""

        async def agrees() -> bool:
            told = await self.client.get("/v1/reconciliation")
            if told["differences"] or told["money_halted"]:
                raise StoryBroken(f"ledger and chain differ: {told}")
            return bool(told["is_reconciled"])

        await self.until(agrees, "a head is reconciled")
        head = (await self.client.get("/v1/reconciliation"))["head"]
        self._say(f"reconciled at height {head['number']}: no difference")

    async def request_withdrawal(self) -> None:
        """Ask for TAO to be paid to a chain address of the customer."""
        self._cold_before = await self.chain_free(self._cold)
        await self.client.add_address(asset="TAO", name=ADDRESS_NAME, address=ss58_encode(self._cold))
        answer = await self.client.private("Withdraw", asset="TAO", key=ADDRESS_NAME, amount=format_decimal(WITHDRAW))
        self.withdrawal = answer["refid"]
        self.expected.tao -= WITHDRAW
        self._say(f"asked to withdraw {format_decimal(WITHDRAW)} TAO to {ss58_encode(self._cold)}")
        await self.check_balances()

    async def receive_withdrawal(self) -> None:
        """Wait until the withdrawal is booked, and check that the chain paid exactly once."""
        await self.until(self._is_paid, "the withdrawal is paid")
        row = await self._withdrawal_row()
        paid = await self.chain_free(self._cold) - self._cold_before
        if paid != _rao(row, "amount"):
            raise StoryBroken(f"the chain paid {paid}, the exchange says {row}")
        self._say(f"{format_decimal(paid)} TAO reached the address on the chain, fee {row['fee']}")

    async def check_balances(self) -> None:
        """Compare the customer's balances with what the answers so far add up to."""
        if not await self._is_as_expected():
            raise StoryBroken(f"balances {await self.client.private('Balance')}, expected {self.expected}")

    async def chain_free(self, account: bytes) -> int:
        """Return the free balance of an account at the finalised head, rao."""
        async with NodeConnection(self.node_url) as node:
            reader = BlockReader(node)
            _, at = await reader.finalised()
            return (await reader.accounts([account], at))[account].free

    async def until(self, is_true: Callable[[], Awaitable[bool]], what: str) -> None:
        """Look until a condition holds; raises ``StoryBroken`` naming it."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not await is_true():  # noqa: ASYNC110 - the other side is a process of its own
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            raise StoryBroken(f"not in {TIMEOUT_S:.0f} s: {what}") from error

    async def _is_as_expected(self) -> bool:
        balances = await self.client.private("Balance")
        return Expected(tao=_rao(balances, "TAO"), alpha=_rao(balances, BASE)) == self.expected

    async def _filled(self, txid: str) -> dict[str, Any]:
        order: dict[str, Any] = (await self.client.private("QueryOrders", txid=txid))[txid]
        if order["status"] != "closed":
            raise StoryBroken(f"order {txid} was not filled: {order}")
        return order

    async def _is_settled(self) -> bool:
        markets = (await self.client.get("/v1/markets"))["markets"]
        market = next(market for market in markets if market["symbol"] == "SN1/TAO")
        need = abs(parse_decimal(market["need_alpha"].removeprefix("-")))
        worth: int = need * _decimal(market["spot_price"]) // RAO_PER_TAO
        return worth < DUST

    async def _is_paid(self) -> bool:
        row = await self._withdrawal_row()
        if row["status"] == "Failure":
            raise StoryBroken(f"the withdrawal failed: {row}")
        return bool(row["status"] == "Success")

    async def _withdrawal_row(self) -> dict[str, Any]:
        rows: list[dict[str, Any]] = await self.client.private("WithdrawStatus", asset="TAO")
        return next(row for row in rows if row["refid"] == self.withdrawal)


def _rao(row: dict[str, Any], name: str) -> int:
    return _decimal(row.get(name, "0"))


def _decimal(text: str) -> int:
    """Return 10^9 times a decimal text; prices too, as rao per whole alpha."""
    return parse_decimal(text)
