"""The signer of another process, as the link calls it: from a thread, since an answer may take a while.

A connection that is lost is made anew once for each question: all of them may be asked again, since the signer gives
the same bytes for the same job. Without an answer they raise ``SignerAway``, and what waited for it is tried later.
"""

import socket
import threading
from pathlib import Path
from typing import Final

from app.custody.errors import SignerAway, SigningRefused
from app.custody.signer import Signed, SigningRequest
from app.serve.errors import FrameBroken
from app.serve.signing import (
    LENGTH,
    Bytes,
    Greet,
    Greeted,
    PublicKey,
    Question,
    Refusal,
    Remember,
    Reply,
    ShowKey,
    decode_reply,
    encode,
    length_of,
    sign_of,
    signed_of,
)
from ledger.engine.layout import KeyRole

TIMEOUT_S: Final = 10.0
PUBLICS_MAX: Final = 10_000


class RemoteSigner:
    """Speaks to the signer's process at ``path``; safe to call from several threads, every call may block."""

    def __init__(self, path: Path, *, name: str, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._name = name
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._publics: dict[tuple[int, int], bytes] = {}

    def sign(self, request: SigningRequest) -> Signed:
        """Return signed bytes that are in the signer's journal; raises ``SigningRefused`` and ``SignerAway``."""
        reply = self._ask(sign_of(request))
        if not isinstance(reply, Bytes):
            raise SignerAway(f"{type(reply).__name__} in place of signed bytes")
        return signed_of(reply)

    def remembered(self, job_id: int) -> Signed | None:
        """Return the last signature for a job; raises ``SignerAway``."""
        reply = self._ask(Remember(job_id))
        return signed_of(reply) if isinstance(reply, Bytes) else None

    def public(self, role: KeyRole, number: int) -> bytes:
        """Return a public key of ours, 32 bytes; raises ``SignerAway``."""
        known = self._publics.get((role, number))
        if known is None:
            reply = self._ask(ShowKey(int(role), number))
            if not isinstance(reply, PublicKey):
                raise SignerAway(f"{type(reply).__name__} in place of a key")
            known = reply.public
            if len(self._publics) >= PUBLICS_MAX:
                self._publics.clear()
            self._publics[role, number] = known
        return known

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._disconnect()

    def _ask(self, question: Question) -> Reply:
        data = encode(question)
        with self._lock:
            try:
                reply = self._exchange(data)
            except (OSError, EOFError, FrameBroken):
                self._disconnect()
                try:
                    reply = self._exchange(data)
                except (OSError, EOFError, FrameBroken) as error:
                    self._disconnect()
                    raise SignerAway(f"{type(error).__name__}: {error}") from error
        if isinstance(reply, Refusal):
            raise SigningRefused(reply.code, reply.detail, reply.value, reply.bound)
        return reply

    def _exchange(self, data: bytes) -> Reply:
        if self._socket is None:
            self._connect()
        assert self._socket is not None
        self._socket.sendall(data)
        return self._read()

    def _connect(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(self._timeout_s)
            self._socket.connect(str(self._path))
            self._socket.sendall(encode(Greet(self._name)))
            reply = self._read()
        except BaseException:
            self._disconnect()
            raise
        if not isinstance(reply, Greeted):
            self._disconnect()
            detail = reply.detail if isinstance(reply, Refusal) else type(reply).__name__
            raise SignerAway(detail)

    def _read(self) -> Reply:
        return decode_reply(self._read_exactly(length_of(self._read_exactly(LENGTH.size))))

    def _read_exactly(self, size: int) -> bytes:
        assert self._socket is not None
        content = bytearray()
        while len(content) < size:
            part = self._socket.recv(size - len(content))
            if not part:
                raise EOFError("the signer closed the connection")
            content += part
        return bytes(content)

    def _disconnect(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()
