"""The client: orders, cancels and withdrawals over REST and over sockets at once, each remembered before it is sent."""

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from amm.units import format_decimal
from app.demo.client import sign_request
from tests.campaigns.crash.memory import WITHDRAWAL, Broken, Memory, draw_name, draw_order, is_resting

ADDRESS_NAME = "friend"
UNKNOWN_OUTCOME = ("EService:", "EGeneral:Internal error")
"""Refusals that say nothing about what happened: the same as no answer."""
INVALID_NONCE = "EAPI:Invalid nonce"
UNKNOWN_ORDER = "EOrder:Unknown order"
SOCKETS = 2
IN_FLIGHT = 4
BATCH = 4
RESTING_MAX = 120
LOST = (httpx.HTTPError, WebSocketException, OSError, TimeoutError, EOFError)
"""What a client sees of an exchange that dies."""


QUICK_COMMANDS = 150
"""So many commands of one load are sent as fast as they are answered, the rest one every ``PAUSE_S``."""
PAUSE_S = 0.03


class Pace:
    """How fast one load sends: what comes first must press, and what comes later need not fill the log."""

    def __init__(self) -> None:
        self._sent = 0

    async def wait(self) -> None:
        """Wait until the next command may be sent."""
        self._sent += 1
        if self._sent > QUICK_COMMANDS:
            await asyncio.sleep(PAUSE_S)


class NoAnswer(Exception):  # noqa: N818 - what happened
    """The exchange answered that it cannot tell what happened."""


class Said(Exception):  # noqa: N818 - an answer
    """The exchange refused; the message is its word."""


class Rest:
    """One API key over REST; a call is made of bytes that may be sent again as they are."""

    def __init__(self, base: str, key: tuple[str, str], nonces: Callable[[], int]) -> None:
        self.base = base
        self._http = httpx.AsyncClient(base_url=base, timeout=30.0)
        self._key, self._secret = key
        self._nonces = nonces

    async def close(self) -> None:
        await self._http.aclose()

    def body(self, **params: object) -> bytes:
        """Return the body of a call, with a nonce of its own."""
        return urlencode({"nonce": self._nonces(), **params}).encode()

    async def send(self, method: str, body: bytes) -> Any:
        """Sign and send a body; return the result, or raise ``Said``, ``NoAnswer`` and what is in ``LOST``."""
        nonce = body.partition(b"&")[0].removeprefix(b"nonce=").decode()
        path = f"/0/private/{method}"
        answer = await self._http.post(
            path,
            content=body,
            headers={
                "API-Key": self._key,
                "API-Sign": sign_request(path, nonce, body, self._secret),
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        if answer.status_code != 200:
            raise NoAnswer(str(answer.status_code))
        told = answer.json()
        if told["error"]:
            if told["error"][0].startswith(UNKNOWN_OUTCOME):
                raise NoAnswer(told["error"][0])
            raise Said(told["error"][0])
        return told["result"]

    async def seq(self) -> int:
        """Return the seq that the gateway behind this connection reflects."""
        return int((await self._http.get("/readyz")).json()["seq"])

    async def call(self, method: str, **params: object) -> Any:
        """Sign and send a call with a fresh nonce."""
        return await self.send(method, self.body(**params))


async def ask_token(rest: Rest) -> str:
    """Return a token for sockets; nothing where the exchange died meanwhile."""
    try:
        return str((await rest.call("GetWebSocketsToken"))["token"])
    except (*LOST, NoAnswer):
        return ""


def begin_load(rest: Rest, payer: Rest, token: str, memory: Memory, rng: random.Random) -> "list[asyncio.Task[None]]":
    """Begin to trade over REST and sockets and to withdraw, each until the exchange is gone; two keys, two clients."""
    pace, url = Pace(), rest.base.replace("http", "ws", 1) + "/v2"
    seeds = [random.Random(rng.getrandbits(64)) for _ in range(2 + SOCKETS)]
    tasks = [trade_over_rest(rest, memory, seeds[0], pace), pay_out(payer, memory, seeds[1])]
    if token:
        tasks += [trade_over_socket(url, token, memory, seed, pace) for seed in seeds[2:]]
    return [asyncio.create_task(task) for task in tasks]


async def place(rest: Rest, memory: Memory, name: str) -> None:
    """Send an order, for the first time or again, and remember the answer."""
    try:
        told = await rest.call("AddOrder", **memory.sent[name], cl_ord_id=name)
    except Said as said:
        memory.take_refusal(name, str(said))
        return
    memory.take_answer(name, told["txid"][0])


async def cancel(rest: Rest, memory: Memory, txid: str) -> None:
    """Cancel an order; one that is not open any more was cancelled before, since it rests far from the price."""
    memory.cancels[txid] = None
    try:
        await rest.call("CancelOrder", txid=txid)
    except Said as said:
        if str(said) != UNKNOWN_ORDER:
            raise Broken(f"cancelling {txid}: {said}") from said
    memory.cancelled[txid] = None


async def withdraw(rest: Rest, memory: Memory) -> None:
    """Ask for a withdrawal of an amount that no other has."""
    amount = WITHDRAWAL + len(memory.withdrawals)
    body = rest.body(asset="TAO", key=ADDRESS_NAME, amount=format_decimal(amount))
    memory.withdrawals[amount] = body
    await send_withdrawal(rest, memory, amount)


async def send_withdrawal(rest: Rest, memory: Memory, amount: int) -> bool:
    """Send a withdrawal, first or again, bytes and all; False where its nonce is used up, which tells nothing else."""
    try:
        refid = (await rest.send("Withdraw", memory.withdrawals[amount]))["refid"]
    except Said as said:
        if str(said) == INVALID_NONCE:
            return False
        raise Broken(f"a withdrawal was refused: {said}") from said
    if memory.paid_out.setdefault(amount, refid) != refid:
        raise Broken(f"withdrawal {amount} was answered {memory.paid_out[amount]}, and now {refid}")
    return True


async def withdraw_anew(rest: Rest, memory: Memory, amount: int) -> None:
    """Ask once more for a withdrawal that is known not to have happened, as a new call."""
    memory.withdrawals[amount] = rest.body(asset="TAO", key=ADDRESS_NAME, amount=format_decimal(amount))
    if not await send_withdrawal(rest, memory, amount):
        raise Broken(f"withdrawal {amount}: a fresh nonce was refused")


async def trade_over_rest(rest: Rest, memory: Memory, rng: random.Random, pace: Pace) -> None:
    """Place and cancel, one call after another, until the exchange is gone."""
    with suppress(*LOST, NoAnswer):
        while True:
            await pace.wait()
            if memory.resting and (len(memory.resting) > RESTING_MAX or rng.random() < 0.2):
                await cancel(rest, memory, memory.resting.pop(rng.randrange(len(memory.resting))))
                continue
            name = draw_name(rng)
            memory.sent[name] = draw_order(rng)
            await place(rest, memory, name)
            note_resting(memory, name)


async def pay_out(rest: Rest, memory: Memory, rng: random.Random) -> None:
    """Withdraw once at some moment, and look at the balance before and after, until the exchange is gone."""
    with suppress(*LOST, NoAnswer):
        for _ in range(rng.randrange(6)):
            await rest.call("Balance")
        await withdraw(rest, memory)
        while True:
            await rest.call("OpenOrders")
            await asyncio.sleep(0.05)


def note_resting(memory: Memory, name: str) -> None:
    """Note an order that was just answered as one to cancel later, if it is one that waits."""
    if name in memory.answered and is_resting(memory.sent[name]):
        memory.resting.append(memory.answered[name])


async def trade_over_socket(url: str, token: str, memory: Memory, rng: random.Random, pace: Pace) -> None:
    """Keep several requests in flight on one socket until the exchange is gone."""
    with suppress(*LOST):
        async with connect(url, open_timeout=10, close_timeout=0.1, ping_interval=None) as socket:
            await _Socket(socket, token, memory, rng, pace).run()


class _Socket:
    """One socket's requests in flight."""

    def __init__(self, socket: ClientConnection, token: str, memory: Memory, rng: random.Random, pace: Pace) -> None:
        self._socket = socket
        self._pace = pace
        self._token = token
        self._memory = memory
        self._rng = rng
        self._open: dict[int, list[str]] = {}
        self._count = 0

    async def run(self) -> None:
        while True:
            while len(self._open) < IN_FLIGHT:
                await self._pace.wait()
                await self._send_next()
            told = json.loads(await self._socket.recv())
            names = self._open.pop(told.get("req_id"), None) if "method" in told else None
            if names is not None:
                self._take(told, names)

    async def _send_next(self) -> None:
        self._count += 1
        if self._rng.random() < 0.25:
            pair = draw_order(self._rng)["pair"]
            orders = [draw_order(self._rng) | {"pair": pair} for _ in range(BATCH)]
        else:
            orders = [draw_order(self._rng)]
        names = [draw_name(self._rng) for _ in orders]
        self._memory.sent.update(zip(names, orders, strict=True))
        self._open[self._count] = names
        if len(orders) == 1:
            method, params = "add_order", _socket_order(orders[0]) | {"cl_ord_id": names[0]}
        else:
            told = [_socket_order(order) | {"cl_ord_id": name} for order, name in zip(orders, names, strict=True)]
            symbols = {order.pop("symbol") for order in told}
            method, params = "batch_add", {"symbol": symbols.pop(), "orders": told}
        frame = {"method": method, "req_id": self._count, "params": params | {"token": self._token}}
        await self._socket.send(json.dumps(frame))

    def _take(self, told: dict[str, Any], names: list[str]) -> None:
        if not told["success"]:
            if told["error"].startswith(UNKNOWN_OUTCOME):
                return
            # One order of a batch that cannot be read keeps all of them out; alone each might be taken.
            text = told["error"] if len(names) == 1 else f"batch: {told['error']}"
            for name in names:
                self._memory.take_refusal(name, text)
            return
        results = told["result"] if isinstance(told["result"], list) else [told["result"]]
        for name, result in zip(names, results, strict=True):
            if "error" in result:
                self._memory.take_refusal(name, result["error"])
            else:
                self._memory.take_answer(name, result["order_id"])
                note_resting(self._memory, name)


def _socket_order(order: dict[str, str]) -> dict[str, Any]:
    """Return an order of AddOrder in the words of the socket."""
    told: dict[str, Any] = {
        "order_type": order["ordertype"],
        "side": order["type"],
        "symbol": order["pair"].removesuffix("TAO") + "/TAO",
        "cash_order_qty" if order.get("oflags") == "viqc" else "order_qty": order["volume"],
    }
    if "price" in order:
        told["limit_price"] = order["price"]
    if "timeinforce" in order:
        told["time_in_force"] = order["timeinforce"].lower()
    return told
