"""The life of a part as a real process, by the example of the signer: its order, its readiness and its end."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.custody.keys import HOT_NUMBER, seal
from app.postgres.files import write_private
from app.serve.child import PartDied, start_part
from app.serve.errors import AlreadyServed
from app.serve.orders import ChainOrder, Order, SnapshotOrder, decode_order, encode_order
from app.serve.remote_signer import RemoteSigner
from app.serve.sockets import held, shared_port, socket_folder
from ledger.engine.layout import KeyRole
from tests.support.link_custody import GENESIS, HOT, SEED

WAIT_S = 60.0
PASSPHRASE = "a passphrase"


@pytest.fixture
async def order(tmp_path: Path) -> AsyncIterator[Order]:
    sealed = seal(SEED, PASSPHRASE.encode(), passes=1, memory_bytes=46 * 2**20)
    write_private(tmp_path / "custody.seed", sealed.decode())
    folder = socket_folder(tmp_path)
    yield Order(
        name="signer",
        data_dir=str(tmp_path),
        database_url="",
        socket_dir=str(folder),
        chain=ChainOrder(url="", block_ms=1, anchor_every=0, genesis=GENESIS.hex()),
        snapshots=SnapshotOrder(every_events=1, every_s=1.0, keep=1),
        gateway={},
        passphrase=PASSPHRASE,
        log_level="error",
    )
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def test_an_order_comes_back_from_its_line(tmp_path: Path) -> None:
    asked = Order(
        name="gateway-2",
        data_dir=str(tmp_path),
        database_url="postgresql://x",
        socket_dir="/tmp/x",
        chain=ChainOrder(url="ws://x", block_ms=250, anchor_every=7, genesis="00"),
        snapshots=SnapshotOrder(every_events=1, every_s=2.5, keep=3),
        gateway={"port": 1},
    )

    line = encode_order(asked)

    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert decode_order(line) == asked


async def test_a_part_takes_its_order_tells_that_it_is_ready_and_ends_when_asked(order: Order) -> None:
    part = await start_part(order)
    remote = RemoteSigner(order.signer_socket, name="test")
    try:
        assert part.told["part"] == "signer"
        assert part.told["pid"] == part.process.pid
        assert await asyncio.to_thread(remote.public, KeyRole.HOT, HOT_NUMBER) == HOT
        # A second one would have a memory of its own: the journal keeps it out.
        with pytest.raises(PartDied, match="ended with 3"):
            await start_part(order)
        assert await asyncio.to_thread(remote.public, KeyRole.DEPOSIT, 3)
    finally:
        remote.close()
        await part.stop()
    assert part.process.returncode == 0


async def test_a_part_ends_when_its_supervisor_is_gone(order: Order) -> None:
    part = await start_part(order)
    assert part.process.stdin is not None

    part.process.stdin.close()
    async with asyncio.timeout(WAIT_S):
        code = await part.process.wait()

    assert code == 0


async def test_a_part_that_is_asked_to_end_while_it_comes_up_does(order: Order) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.serve", "link"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    # Its engine never comes, and its database neither.
    process.stdin.write(encode_order(order))
    with suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            await process.wait()
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)

    output, _ = await asyncio.wait_for(process.communicate(), WAIT_S)

    assert process.returncode in {0, 3, -signal.SIGTERM}
    assert output == b""


@pytest.mark.parametrize(("part", "line"), [("signer", b"{}\n"), ("signer", b""), ("nobody", b"")])
async def test_a_part_without_an_order_says_so(part: str, line: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.serve", part), stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )

    _, words = await asyncio.wait_for(process.communicate(line), WAIT_S)

    assert process.returncode == 2
    assert words.startswith((b"no order on stdin", b"usage"))


async def test_the_signers_process_loads_nothing_that_reaches_the_world() -> None:
    code = "import json, sys, app.serve.life, app.serve.parts.signer; print(json.dumps(sorted(sys.modules)))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)

    output, _ = await asyncio.wait_for(process.communicate(), WAIT_S)

    loaded = {name.partition(".")[0] for name in json.loads(output)}
    assert not loaded & {"asyncpg", "sqlalchemy", "websockets", "httpx", "fastapi", "uvicorn", "numba", "requests"}
    assert {"nacl", "app"} <= loaded


def test_one_holds_a_lock_and_the_next_is_told_who_it_is_not(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"

    with held(path, "engine"), pytest.raises(AlreadyServed) as refused, held(path, "engine"):
        pass

    assert refused.value.part == "engine"
    with held(path, "engine"):
        assert path.read_text().strip().isdigit()


def test_several_may_bind_one_port() -> None:
    first = shared_port("127.0.0.1", 0)
    second = shared_port("127.0.0.1", first.getsockname()[1])

    assert first.getsockname() == second.getsockname()
    first.close()
    second.close()
