"""Every answer over HTTP tells the seq that it reflects at least, as the header ``X-Taobourse-Seq``.

History is read as of the moment when it was asked for, as far as it concerns who asks; everything else as of now.

Gateways of one exchange stand at slightly different seqs: a client that was told one seq and reads a smaller one at
another gateway knows that it must ask again.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.gateway.replica import Replica

HEADER: Final = b"x-taobourse-seq"
HISTORY: Final = frozenset(
    {
        *("ClosedOrders", "QueryOrders", "OpenOrders", "TradesHistory", "QueryTrades", "OrderAmends"),
        *("Ledgers", "QueryLedgers", "DepositStatus", "WithdrawStatus", "WithdrawCancel", "Trades"),
    }
)
"""Methods of ``/0`` that may read history."""


class SeqHeader:
    """Adds the header to each answer; WebSockets tell seqs in their frames."""

    def __init__(self, app: ASGIApp, replica: Replica) -> None:
        self._app = app
        self._replica = replica

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        asked_at = self._replica.seq
        path: str = scope["path"]
        is_history = path.rpartition("/")[2] in HISTORY or (path.startswith("/v1/") and scope["method"] == "GET")

        async def send_with_seq(message: Message) -> None:
            if message["type"] == "http.response.start":
                seq = asked_at if is_history else self._replica.seq
                message["headers"] = [*message["headers"], (HEADER, b"%d" % seq)]
            await send(message)

        await self._app(scope, receive, send_with_seq)
