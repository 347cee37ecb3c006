"""How frames of the ``/v2`` socket are written: numbers in plain decimals, times in RFC 3339."""

from typing import Any, Final

import msgspec

from app.gateway.feeds.subscription import Reply
from app.gateway.kraken.envelope import rfc3339

VERSION: Final = "2.0.0"
HEARTBEAT: Final = '{"channel":"heartbeat"}'

_encoder = msgspec.json.Encoder()


def encode(frame: object) -> str:
    """Return a frame as text."""
    return _encoder.encode(frame).decode()


def reply_frame(reply: Reply, *, in_ms: int, out_ms: int) -> str:
    """Return the answer to one request."""
    frame: dict[str, Any] = {"method": reply.method}
    if reply.req_id is not None:
        frame["req_id"] = reply.req_id
    if reply.error:
        frame |= {"success": False, "error": reply.error}
        if reply.symbol:
            frame["symbol"] = reply.symbol
        if reply.reason:
            frame["reason"] = reply.reason
    elif reply.beside is not None:
        frame |= {"success": True, **reply.beside}
    else:
        frame |= {"success": True, "result": reply.result}
    return encode(frame | {"time_in": rfc3339(in_ms), "time_out": rfc3339(out_ms)})


def pong_frame(req_id: int | None, *, in_ms: int, out_ms: int) -> str:
    """Return the answer to a ping."""
    frame: dict[str, Any] = {"method": "pong"}
    if req_id is not None:
        frame["req_id"] = req_id
    return encode(frame | {"time_in": rfc3339(in_ms), "time_out": rfc3339(out_ms)})


def data_frame(channel: str, kind: str, data: Any) -> str:
    """Return a frame of a channel; ``kind`` is snapshot or update."""
    return encode({"channel": channel, "type": kind, "data": data})


def status_frame(system: str, connection_id: int) -> str:
    """Return what a socket is told when it connects."""
    data = {"api_version": "v2", "connection_id": connection_id, "system": system, "version": VERSION}
    return data_frame("status", "update", [data])
