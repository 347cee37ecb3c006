"""The signer behind its socket: its bytes and its refusals arrive, and one that was away can be asked again."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.custody.calls import Transfer, encode_call
from app.custody.errors import SignerAway, SigningRefused
from app.custody.signer import Signer
from app.serve.remote_signer import RemoteSigner
from app.serve.signer_server import SignerServer
from app.serve.signing import LENGTH, Greet, Remember, decode_reply, encode
from app.serve.sockets import clear_socket
from ledger.engine.layout import KeyRole
from tests.support.link_custody import HOT, RAO, RING, make_signer, request

PAY = encode_call(Transfer(b"\x55" * 32, RAO))


@pytest.fixture
def door() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tb-"))  # paths of sockets are short
    yield folder / "signer.sock"
    shutil.rmtree(folder)


@pytest.fixture
def fatal() -> list[BaseException]:
    return []


@pytest.fixture
async def signer(tmp_path: Path, door: Path, fatal: list[BaseException]) -> AsyncIterator[Signer]:
    made = make_signer(tmp_path / "journal")
    server = SignerServer(made, on_fatal=fatal.append)
    await server.start(door)
    yield made
    await server.stop()
    made.journal.close()


@pytest.fixture
def remote(door: Path) -> Iterator[RemoteSigner]:
    made = RemoteSigner(door, name="test")
    yield made
    made.close()


async def ask(work: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(work, *arguments)


async def test_signed_bytes_are_those_of_the_signer_and_in_its_journal(signer: Signer, remote: RemoteSigner) -> None:
    signed = await ask(remote.sign, request(PAY, nonce=3))

    assert signed == signer.remembered(request(PAY).job_id)
    assert await ask(remote.remembered, request(PAY).job_id) == signed
    assert await ask(remote.sign, request(PAY, nonce=9)) == signed
    assert await ask(remote.remembered, 12_345) is None


async def test_public_keys_are_told_and_seeds_are_not(signer: Signer, remote: RemoteSigner) -> None:
    assert await ask(remote.public, KeyRole.HOT, 1) == HOT
    assert await ask(remote.public, KeyRole.DEPOSIT, 77) == signer.keyring.public(KeyRole.DEPOSIT, 77)
    with pytest.raises(SigningRefused, match="question_malformed"):
        await ask(remote.public, KeyRole.HOT, 1 << 40)


async def test_a_refusal_arrives_with_its_figures_and_the_connection_goes_on(
    signer: Signer, remote: RemoteSigner
) -> None:
    with pytest.raises(SigningRefused) as refused:
        await ask(remote.sign, request(PAY, spec_version=7))

    assert (refused.value.code, refused.value.value, refused.value.bound) == ("version_unknown", 7, 424)
    assert (await ask(remote.sign, request(PAY))).nonce == request(PAY).nonce
    assert signer.remembered(request(PAY).job_id) is not None


async def test_a_signer_that_is_away_signs_once_it_is_back_and_never_twice(
    tmp_path: Path, door: Path, remote: RemoteSigner
) -> None:
    with pytest.raises(SignerAway):
        await ask(remote.sign, request(PAY))
    told = []
    for _ in range(2):
        made = make_signer(tmp_path / "journal")
        server = SignerServer(made, on_fatal=told.append)
        clear_socket(door)
        await server.start(door)
        told.append(await ask(remote.sign, request(PAY)))
        await server.stop()
        made.journal.close()
        with pytest.raises(SignerAway):
            await ask(remote.sign, request(PAY))

    assert told[0] == told[1]


async def test_a_journal_that_cannot_be_written_ends_the_process(
    signer: Signer, remote: RemoteSigner, fatal: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("app.custody.journal.os.fdatasync", full)
        with pytest.raises(SignerAway):
            await ask(remote.sign, request(PAY))

    assert fatal
    assert all(isinstance(error, OSError) for error in fatal)
    assert signer.genesis_hash


async def test_another_version_is_told_so(signer: Signer, door: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(door)

    writer.write(encode(Greet("other", protocol=99)))
    (length,) = LENGTH.unpack(await reader.readexactly(4))
    reply = decode_reply(await reader.readexactly(length))

    assert getattr(reply, "code", "") == "version_differs"
    assert await reader.read() == b""
    assert signer.keyring == RING
    writer.close()


@pytest.mark.parametrize("bad", [b"\xff\xff\xff\xff", b"\x03\0\0\0abc", encode(Remember(1)), b"\x01\0"])
async def test_bytes_that_are_no_question_end_that_connection_alone(
    signer: Signer, door: Path, remote: RemoteSigner, bad: bytes
) -> None:
    reader, writer = await asyncio.open_unix_connection(door)
    writer.write(bad)
    writer.write_eof()
    async with asyncio.timeout(10):
        while await reader.read(1_000):
            pass

    assert await ask(remote.public, KeyRole.HOT, 1) == signer.keyring.public(KeyRole.HOT, 1)
    writer.close()
