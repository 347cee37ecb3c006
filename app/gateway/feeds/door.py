"""The server's side of a ``/v2`` socket: frames are read from and written to the transport in as few steps as can be.

The websockets library, through uvicorn's protocol, makes the handshake and takes every frame that is out of the
ordinary: fragments, pings, pongs, closes, and what breaks the rules. A whole unfragmented message, which is what
clients send, is taken here without it, and all frames that wait leave in one write. Other paths are uvicorn's alone.
"""

import struct
from http import HTTPStatus
from typing import Any, Final, Protocol, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.speedups import apply_mask

PATH: Final = "/v2"
CLOSE_SECONDS: Final = 2.0

_TEXT, _BINARY = 0x81, 0x82
_MASKED: Final = 0x80
_MASK_BYTES: Final = 4
_SHORT, _LONG = 126, 127
_SHORT_MAX: Final = 2**16


class Visitor(Protocol):
    """Whoever is spoken to through a socket."""

    def hear(self, message: bytes, *, is_text: bool) -> None:
        """Take one message."""

    def take_frames(self) -> list[str | bytes]:
        """Return what is to be sent, and forget it; called while the peer keeps up."""

    def left(self) -> None:
        """Know that the socket is gone."""


class Host(Protocol):
    """Whoever receives visitors; ``app.state.sockets`` of the application."""

    def receive(self, address: str, door: "Door") -> Visitor | None:
        """Return who will be spoken to through this door, or None to turn it away."""


class Door(WebSocketsSansIOProtocol):
    """One connection that asked for a socket."""

    _visitor: Visitor | None = None
    _rest = b""
    _is_held = False
    _is_flush_due = False

    def handle_connect(self, event: Request) -> None:
        """Answer the handshake: those for ``/v2`` here, others as uvicorn does."""
        host: Host | None = getattr(cast("Any", self.config.app).state, "sockets", None)
        if host is None or event.path.partition("?")[0] != PATH:
            super().handle_connect(event)
            return
        self.response = self.conn.accept(event)
        self.handshake_initiated = self.handshake_complete = True
        visitor = None
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            visitor = host.receive(self.client[0] if self.client else "", self)
            if visitor is None:
                self.response = self.conn.reject(HTTPStatus.FORBIDDEN, "")
        self.conn.send_response(self.response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        if visitor is None:
            self.close_sent = True
            self.transport.close()
            return
        self._visitor = visitor
        self.start_keepalive()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        if self._visitor is None:
            super().data_received(data)
        else:
            self._rest = self._rest + data if self._rest else data
            if not self._is_held:
                self._read()

    def hold(self) -> None:
        """Read no more until ``go_on``: the visitor has enough to do."""
        if not self._is_held:
            self._is_held = True
            self.transport.pause_reading()

    def go_on(self) -> None:
        """Read on."""
        if self._is_held:
            self._is_held = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
            self.loop.call_soon(self._read)

    def _read(self) -> None:
        """Take the whole frames that are there, one after the other."""
        visitor = self._visitor
        assert visitor is not None
        data, position, size = self._rest, 0, len(self._rest)
        while size - position > 1 and not self._is_held and not self.disconnected:
            first, second = data[position], data[position + 1]
            length, start = second & 0x7F, position + 2
            if length == _SHORT:
                start += 2
                length = int.from_bytes(data[position + 2 : start], "big")
            elif length == _LONG:
                start += 8
                length = int.from_bytes(data[position + 2 : start], "big")
            is_masked = second & _MASKED
            end = start + length + (_MASK_BYTES if is_masked else 0)
            is_bad = start <= size and (length > self.config.ws_max_size or not is_masked)
            if end > size and not is_bad:
                break
            if (
                (first in (_TEXT, _BINARY))
                and not is_bad
                and self.conn.current_size is None  # no fragments are gathered
                and self.conn.state is OPEN
            ):
                mask_end = start + _MASK_BYTES
                position = end
                visitor.hear(apply_mask(data[mask_end:end], data[start:mask_end]), is_text=first == _TEXT)
            else:
                end = size if is_bad else end
                frame, position = data[position:end], end
                super().data_received(frame)
        self._rest = data[position:] if position < size else b""

    def send_receive_event_to_app(self) -> None:
        """Hand on a message that the library put together."""
        if self._visitor is None:
            super().send_receive_event_to_app()
            return
        message, self.frames = b"".join(self.frames), []
        if not self.close_sent:
            self._visitor.hear(message, is_text=self.curr_msg_data_type == "text")

    def wake(self) -> None:
        """Know that frames wait: they leave at the end of this turn of the loop, all together."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self.loop.call_soon(self.flush)

    @property
    def is_writable(self) -> bool:
        """Tell whether the peer keeps up."""
        return self.writable.is_set()

    def flush(self) -> None:
        """Send what waits, unless the peer does not keep up."""
        self._is_flush_due = False
        if self._visitor is None or self.close_sent or self.disconnected or not self.writable.is_set():
            return
        frames = self._visitor.take_frames()
        if frames and self.conn.state is OPEN and not self.transport.is_closing():
            self.transport.write(b"".join(framed(frames)))

    def resume_writing(self) -> None:
        """Send what gathered while the peer did not keep up."""
        super().resume_writing()
        self.flush()

    def refuse_text(self) -> None:
        """End the socket of a peer whose text is no UTF-8."""
        self.conn.fail(1007, "invalid UTF-8")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def shut(self, code: int) -> bool:
        """Close the socket with a code, and tell whether it was open; a peer that does not answer is given a moment."""
        if self.close_sent or self.disconnected or self.conn.state is not OPEN:
            return False
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self._is_held:
            self._is_held = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the visitor."""
        super().connection_lost(exc)
        if self._visitor is not None:
            self._visitor.left()


def framed(frames: list[str | bytes]) -> list[bytes]:
    """Return text frames as they travel, each a header and its payload."""
    parts: list[bytes] = []
    for frame in frames:
        payload = frame.encode() if isinstance(frame, str) else frame
        length = len(payload)
        if length < _SHORT:
            parts.append(_HEADERS[length])
        elif length < _SHORT_MAX:
            parts.append(struct.pack("!BBH", _TEXT, _SHORT, length))
        else:
            parts.append(struct.pack("!BBQ", _TEXT, _LONG, length))
        parts.append(payload)
    return parts


_HEADERS: Final = [bytes([_TEXT, length]) for length in range(_SHORT)]
