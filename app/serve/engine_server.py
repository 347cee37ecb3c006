"""The engine's door: takes requests of other processes into the sequencer, and tells them answers and every batch.

A client gets each batch before the answers that came with it, as a subscriber in the same process would. What was
published before it came, and what its buffer could not hold, it takes from the log.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from app.serve.bodies import (
    decode_block,
    decode_requests,
    encode_batch,
    encode_left_out,
    next_number,
    numbers_from,
    requests_of,
)
from app.serve.errors import FrameBroken, PeerRefused
from app.serve.frames import (
    FRAME_BYTES_MAX,
    HELLO_TIMEOUT_S,
    PROTOCOL,
    READ_AHEAD_BYTES,
    Hello,
    Kind,
    Reason,
    Welcome,
    frame,
    message,
    read_frame,
    read_hello,
)
from app.serve.peer import BUFFER_BYTES_MAX, Peer, failed
from ledger.codec import Batch
from ledger.engine.api import Answer, Block, Request
from ledger.engine.layout import LAYOUT_VERSION
from ledger.sequencer import Overloaded, Sequencer, Unavailable

log = structlog.get_logger(__name__)

PEERS_MAX: Final = 64
ALIVE_S: Final = 1.0
BATCH_BYTES_MAX: Final = FRAME_BYTES_MAX // 2
"""A larger batch is left out of the stream; whoever needs it takes it from the log."""


class EngineServer:
    """Serves one started sequencer on a local socket.

    ``hash_of(number)`` returns the hash of a stored batch, by which a client of another log is told apart; ``on_fatal``
    ends the process;
    ``buffer_max``: bytes that may wait for one client before it is dropped. Whoever may open the socket is trusted: the
    folder around it is private.
    """

    def __init__(
        self,
        sequencer: Sequencer,
        *,
        hash_of: Callable[[int], Awaitable[bytes | None]],
        on_fatal: Callable[[BaseException], None],
        writer_epoch: int = 0,
        buffer_max: int = BUFFER_BYTES_MAX,
        batch_max: int = BATCH_BYTES_MAX,
    ) -> None:
        self._sequencer = sequencer
        self._hash_of = hash_of
        self._on_fatal = on_fatal
        self._writer_epoch = writer_epoch
        self._buffer_max = buffer_max
        self._batch_max = batch_max
        self._peers: set[Peer] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._last: Batch | None = None
        self._is_due = False
        self._server: asyncio.Server | None = None
        self._alive: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def peers(self) -> list[str]:
        """Return the names of those who are connected."""
        return sorted(peer.name for peer in self._peers)

    async def start(self, path: Path) -> None:
        """Open the door; a socket file of a process that is gone must have been removed."""
        self._unsubscribe = self._sequencer.subscribe(self._publish)
        self._server = await asyncio.start_unix_server(self._accept, path, limit=READ_AHEAD_BYTES)
        self._alive = asyncio.create_task(self._tell_alive(), name="alive")

    async def stop(self) -> None:
        """Close the door once what was taken is decided and told; the sequencer has stopped then too."""
        if self._server is not None:
            self._server.close()
        await self._sequencer.stop()
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._answer()
        for peer in self._peers:
            peer.end("stopping")
        if self._alive is not None:
            self._alive.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _publish(self, batch: Batch) -> None:
        """Queue a batch for everybody; its answers follow once they are set, before the next batch in any case."""
        if self._is_due:
            self._answer()
        self._last = batch
        if self._peers:
            fits = len(batch.body) <= self._batch_max
            data = frame(Kind.BATCH, *encode_batch(batch)) if fits else frame(Kind.LEFT_OUT, encode_left_out(batch))
            for peer in self._peers:
                peer.put(data)
            self._schedule_answers()

    def _schedule_answers(self, _: object = None) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._answer)

    def _answer(self) -> None:
        self._is_due = False
        try:
            for peer in self._peers:
                peer.answer(self._last)
        except Exception as error:  # noqa: BLE001 - answers that cannot be told are a bug of ours: a start tells what is true
            self._on_fatal(error)

    async def _tell_alive(self) -> None:
        data = frame(Kind.ALIVE)
        while True:
            await asyncio.sleep(ALIVE_S)
            for peer in self._peers:
                peer.put(data)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, TimeoutError) as error:
            log.debug("peer_lost", error=f"{type(error).__name__}: {error}")
        except FrameBroken as error:
            log.warning("peer_refused", code=error.code, detail=error.detail)
        finally:
            writer.transport.abort()
            self._connections.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            kind, body = await read_frame(reader)
            if kind is not Kind.HELLO:
                raise FrameBroken(f"{kind.name} in place of a greeting")
            hello = read_hello(body)
            try:
                await self._check(hello)
            except PeerRefused as refused:
                log.warning("peer_refused", peer=hello.name, code=refused.code, detail=refused.detail)
                writer.write(message(Kind.REFUSED, Reason(refused.code, refused.detail)))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
                return
        peer = Peer(hello.name, writer, buffer_max=self._buffer_max)
        # Welcomed and added without a pause between: the batch after this head is the first that it is sent.
        head = self._sequencer.head
        peer.put(message(Kind.WELCOME, Welcome(head.number, head.seq, head.hash, head.ts_ms, self._writer_epoch)))
        self._peers.add(peer)
        log.info("peer_connected", peer=peer.name, behind=head.number - hello.number)
        writing = asyncio.create_task(peer.write(), name=f"to {peer.name}")
        reading = asyncio.create_task(self._take_requests(reader, peer), name=f"from {peer.name}")
        try:
            await asyncio.wait([writing, reading], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._peers.discard(peer)
            for task in (writing, reading):
                task.cancel()
            for task in (writing, reading):
                with suppress(asyncio.CancelledError, OSError, EOFError):
                    await task
            log.info("peer_gone", peer=peer.name)

    async def _check(self, hello: Hello) -> None:
        """Raise ``PeerRefused`` for another version, another log, or one client too many."""
        if hello.protocol != PROTOCOL:
            raise PeerRefused("version_differs", f"protocol {hello.protocol}, the engine speaks {PROTOCOL}")
        if hello.layout != LAYOUT_VERSION:
            raise PeerRefused("layout_differs", f"layout {hello.layout}, the engine writes {LAYOUT_VERSION}")
        if len(self._peers) >= PEERS_MAX:
            raise PeerRefused("too_many_peers", f"{len(self._peers)} are connected")
        if hello.number < 0:
            return
        head = self._sequencer.head
        known = head.hash if hello.number == head.number else await self._hash_of(hello.number)
        if known != hello.hash:
            raise PeerRefused("log_differs", f"batch {hello.number} has another hash in the engine's log")

    async def _take_requests(self, reader: asyncio.StreamReader, peer: Peer) -> None:
        while True:
            kind, body = await read_frame(reader)
            if kind is Kind.REQUESTS:
                self._enqueue(peer, *decode_requests(body))
            elif kind in {Kind.RUN, Kind.BLOCK}:
                self._enqueue_block(peer, *decode_block(body), is_divisible=kind is Kind.RUN)
            else:
                raise FrameBroken(f"{kind.name} of a client")

    def _enqueue_block(self, peer: Peer, number: int, block: Block, *, is_divisible: bool) -> None:
        """Queue a block; a run for which there is no room is taken request by request, as far as there is."""
        try:
            future = self._sequencer.enqueue_block(block)
        except Overloaded as error:
            if is_divisible:
                self._enqueue(peer, number, requests_of(block))
            else:
                peer.send_rows([failed(number, error)])
        except Unavailable as error:
            count = len(block.commands) if is_divisible else 1
            peer.send_rows([failed(place, error) for place in numbers_from(number, count)])
        else:
            peer.waiting.append((number, future))
            future.add_done_callback(self._schedule_answers)

    def _enqueue(self, peer: Peer, number: int, requests: list[Request]) -> None:
        """Queue requests in order; one that is not taken is answered at once and overtakes those that wait."""
        refused: list[bytes] = []
        last: asyncio.Future[Answer] | None = None
        enqueue, waiting = self._sequencer.enqueue, peer.waiting
        for request in requests:
            try:
                last = enqueue(request)
            except Unavailable as error:
                refused.append(failed(number, error))
            else:
                waiting.append((number, last))
            number = next_number(number)
        peer.send_rows(refused)
        if last is not None:
            # Answers go out after each published batch; a batch of duplicates alone publishes none.
            last.add_done_callback(self._schedule_answers)
