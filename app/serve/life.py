"""The life of a part as a process: takes its order, comes up, tells that it is ready, and ends when asked or orphaned.

Exit codes: 0 asked to end, 3 something of the world was missing, 70 the state in memory may not be trusted.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import msgspec
import structlog
import uvloop

from app.collector import spare_the_collector
from app.custody.errors import CustodyError
from app.ending import EXIT_FATAL
from app.exits import UNAVAILABLE, USAGE
from app.observability import configure_logging
from app.serve.errors import ServeError
from app.serve.orders import Order, decode_order

log = structlog.get_logger(__name__)

ORDER_BYTES_MAX: Final = 2**20
WORLD: Final = (OSError, TimeoutError, CustodyError, ServeError)
World = tuple[type[Exception], ...]

Part = Callable[[Order], AbstractAsyncContextManager["Told"]]
Told = dict[str, Any]
"""What a part tells of itself once it is ready; ``ended`` may hold a future that is done when it ends by itself."""


def live(part: Part, world: World = ()) -> int:
    """Run a part with the order on stdin until it is asked to end, and return the exit code.

    ``world``: what it may meet beside ``WORLD`` that is no fault of its own.
    """
    line = sys.stdin.buffer.readline(ORDER_BYTES_MAX)
    try:
        order = decode_order(line)
    except msgspec.MsgspecError as error:
        sys.stderr.write(f"no order on stdin: {error}\n")
        return USAGE
    configure_logging(order.log_level)
    structlog.contextvars.bind_contextvars(part=order.name, pid=os.getpid())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_live(part, order, (*WORLD, *world)))


async def _live(part: Part, order: Order, world: World) -> int:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, asked.set)
    loop.add_reader(sys.stdin.fileno(), _look_for_parent, asked)
    up = asyncio.Event()
    running = asyncio.create_task(_run(part, order, asked, up), name=order.name)
    ending = asyncio.create_task(asked.wait())
    await asyncio.wait([running, ending], return_when=asyncio.FIRST_COMPLETED)
    if not running.done() and not up.is_set():
        running.cancel()  # asked to end while it came up
    try:
        await running
    except asyncio.CancelledError:
        return 0
    except world as error:
        log.error("part_failed", error=f"{type(error).__name__}: {error}")  # noqa: TRY400 - the world's doing, not ours
        return UNAVAILABLE
    except Exception:
        log.exception("part_broken")
        return EXIT_FATAL
    finally:
        ending.cancel()
    return 0


async def _run(part: Part, order: Order, asked: asyncio.Event, up: asyncio.Event) -> None:
    async with part(order) as told:
        spare_the_collector()
        ended: asyncio.Future[Any] | None = told.pop("ended", None)
        up.set()
        sys.stdout.write(json.dumps({"part": order.name, "pid": os.getpid(), **told}) + "\n")
        sys.stdout.flush()
        log.info("part_ready")  # what is told may hold secrets
        ending = asyncio.create_task(asked.wait())
        await asyncio.wait([ending] if ended is None else [ending, ended], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if ended is not None and ended.done():
            ended.result()
            if not asked.is_set():
                raise ConnectionAbortedError(f"{order.name} ended by itself")


def _look_for_parent(asked: asyncio.Event) -> None:
    """End when stdin does: whoever started this part is gone."""
    try:
        data = os.read(sys.stdin.fileno(), 4_096)
    except BlockingIOError:
        return
    if not data:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        asked.set()
