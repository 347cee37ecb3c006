"""Every answer over HTTP tells the seq that this gateway's reads reflect, as the header ``X-Taobourse-Seq``.

Gateways of one exchange stand at slightly different seqs: a client that was told one seq and reads a smaller one at
another gateway knows that it must ask again.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.gateway.replica import Replica

HEADER: Final = b"x-taobourse-seq"


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

        async def send_with_seq(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, b"%d" % self._replica.seq)]
            await send(message)

        await self._app(scope, receive, send_with_seq)
