"""The signer's door: answers signing requests of other processes, one after another for each connection."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from app.custody.errors import CustodyError, JournalBroken, SealBroken, SigningRefused
from app.custody.signer import Signed, Signer, SigningRequest
from app.serve.errors import FrameBroken
from app.serve.frames import HELLO_TIMEOUT_S
from app.serve.signing import (
    LENGTH,
    PROTOCOL,
    Bytes,
    Greet,
    Greeted,
    Nothing,
    PublicKey,
    Question,
    Refusal,
    Remember,
    Reply,
    ShowKey,
    Sign,
    bytes_of,
    decode_question,
    encode,
    length_of,
    request_of,
)
from ledger.engine.layout import KeyRole

log = structlog.get_logger(__name__)

CONNECTIONS_MAX: Final = 64


class SignerServer:
    """Serves one signer on a local socket; whoever may open it may ask, and the signer's own rules decide."""

    def __init__(self, signer: Signer, *, on_fatal: Callable[[BaseException], None]) -> None:
        """``on_fatal`` ends the process: a journal that could not be written must be read again before it is used."""
        self._signer = signer
        self._on_fatal = on_fatal
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, path: Path) -> None:
        """Open the door; a socket file of a process that is gone must have been removed."""
        self._server = await asyncio.start_unix_server(self._accept, path)

    async def stop(self) -> None:
        """Close the door; a signature that is being made is finished first."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await self._serve(reader, writer)
        except (FrameBroken, TimeoutError) as error:
            log.warning("signer_peer_refused", error=str(error))
        finally:
            writer.transport.abort()
            self._connections.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            greeting = await _read(reader)
        if not isinstance(greeting, Greet) or greeting.protocol != PROTOCOL:
            writer.write(encode(Refusal("version_differs", f"the signer speaks {PROTOCOL}")))
            await writer.drain()
            return
        writer.write(encode(Greeted(self._signer.genesis_hash)))
        while True:
            reply = await self._reply(await _read(reader), greeting.name)
            writer.write(encode(reply))
            await writer.drain()

    async def _reply(self, question: Question, name: str) -> Reply:
        try:
            if isinstance(question, Sign):
                return await self._sign(question)
            if isinstance(question, Remember):
                found = self._signer.remembered(question.job_id)
                return Nothing() if found is None else bytes_of(found)
            if isinstance(question, ShowKey):
                return PublicKey(self._signer.keyring.public(KeyRole(question.role), question.number))
        except SigningRefused as error:
            log.warning("signing_refused", peer=name, code=error.code, detail=error.detail)
            return Refusal(error.code, error.detail, error.value, error.bound)
        except (SealBroken, CustodyError, ValueError) as error:
            return Refusal("question_malformed", f"{type(error).__name__}: {error}")
        return Refusal("question_unknown", type(question).__name__)

    async def _sign(self, question: Sign) -> Bytes:
        # In a thread, since it writes its journal through to the disk; and to its end, though the asker goes away.
        return bytes_of(await asyncio.shield(asyncio.to_thread(self._sign_now, request_of(question))))

    def _sign_now(self, request: SigningRequest) -> Signed:
        try:
            return self._signer.sign(request)
        except (OSError, JournalBroken) as error:
            self._on_fatal(error)
            raise


async def _read(reader: asyncio.StreamReader) -> Question:
    length = length_of(await reader.readexactly(LENGTH.size))
    return decode_question(await reader.readexactly(length))
