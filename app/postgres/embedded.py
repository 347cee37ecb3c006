"""Starts, adopts and stops the embedded PostgreSQL of one data folder.

In the data folder: ``postgres/`` (the cluster, 0700, owned by the server's user), ``postgres.password`` and
``postgres.lock`` (0600, ours), ``postgres.log``. The socket lies in a private folder below ``/tmp``, since socket paths
are limited to about 107 bytes; nothing listens on the network.

A server outlives a parent that was killed with SIGKILL. It holds no truth that is not on disk, and the next start on
the same folder adopts it, or stops it first when its settings are of another version; ``stop_left_over`` ends it
without a start.

As root the server runs as another user. Where a parent of the cluster is closed to that user, the server is started
with the cluster as its working folder, entered while still root, and is told ``/proc/self/cwd`` as its data folder:
Linux resolves that link without walking the parents, so the data stays where it was asked for and no parent is opened.
"""

import asyncio
import fcntl
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import asyncpg

from app.postgres.account import Account, choose_account, closed_parent
from app.postgres.binaries import reachable_binaries
from app.postgres.errors import DataFolderInUse, FolderTaken, FolderUnreachable, LeftOverUnclear, ServerDidNotStart
from app.postgres.files import (
    is_private_to,
    private_descriptor,
    short_temporary_folder,
    sync_folder,
    write_private,
)
from app.postgres.process import POLL_S, has_ended, is_running, read_pid_file, stop_process, works_in
from app.postgres.settings import server_settings

OWNER = "taobourse"
DATABASE = "postgres"
START_TIMEOUT_S = 120.0
CONNECT_TIMEOUT_S = 5.0
ENDING_S = 3.0
LOG_MAX_BYTES = 1_000_000
LOG_TAIL_BYTES = 2_000
MEMORY_HELD = b"pre-existing shared memory block"
"""The server's words while children of a killed server still end; worth another try."""
PID_HELD = b'lock file "postmaster.pid" already exists'
"""Its words while the killed server itself is still listed by the system."""
RECOVERING = (asyncpg.CannotConnectNowError, asyncpg.CrashShutdownError, asyncpg.ConnectionDoesNotExistError)
"""What a client meets of a server that starts over because one of its processes died."""
HELD_TRIES = 50
HELD_PAUSE_S = 0.1
# One syncfs in place of a thousand fsyncs: seconds on a busy disk. The sizes are for initdb's own short-lived servers;
# the real one gets its settings on the command line.
INITDB_SPEED = (
    *(("--sync-method=syncfs",) if sys.platform == "linux" else ()),
    "--set=shared_buffers=16MB",
    "--set=max_connections=20",
)
OWN_FOLDER = "/proc/self/cwd"


class EmbeddedPostgres:
    """The database of one data folder; use ``start`` and ``stop``, or ``async with``.

    ``wal_mb`` is the WAL kept for reuse (at least 80), ``shared_buffers_mb`` the server's own cache.
    """

    def __init__(self, data_dir: Path, *, wal_mb: int = 256, shared_buffers_mb: int = 128) -> None:
        self.data_dir = data_dir.absolute()
        self.cluster = self.data_dir / "postgres"
        self.was_adopted = False
        self.pid: int | None = None
        self._wal_mb = wal_mb
        self._shared_buffers_mb = shared_buffers_mb
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._account = Account(uid=os.geteuid(), gid=os.getegid(), switch=False)
        self._password = ""
        self._socket_dir = Path()
        self._holds_sockets = False

    @property
    def url(self) -> str:
        """Return the URL of the default database, password included."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the URL of another database of this server."""
        return f"postgresql://{OWNER}:{quote(self._password)}@/{database}?host={quote(str(self._socket_dir), safe='/')}"

    async def __aenter__(self) -> Self:
        """Start the server."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        await self.stop()

    async def start(self) -> str:
        """Make the cluster where there is none, adopt or replace a left-over server, and return the URL.

        Raises ``DataFolderInUse``, ``FolderUnreachable``, ``FolderTaken``, ``LeftOverUnclear``, ``ServerDidNotStart``.
        """
        try:
            self._take_folder()
            settings = self._settings()
            self._make_socket_dir()
            if not self.cluster.exists():
                await self._make_cluster()
            if not await self._adopt(settings["taobourse.settings"]):
                await self._spawn(settings)
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def stop(self) -> None:
        """Shut the server down cleanly, whoever started it, and let go of the folder."""
        if self.pid is not None:
            await stop_process(self.pid, self._child)
            self.pid = self._child = None
        if self._holds_sockets:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._holds_sockets = False
        self._release_folder()

    async def stop_left_over(self) -> bool:
        """End a server that a killed parent left behind; return whether there was one."""
        if not self.cluster.exists():
            return False
        try:
            self._take_folder()
            if not await self._adopt(None):
                return False
        finally:
            await self.stop()
        return True

    def url_of_running(self) -> str | None:
        """Return the URL of the server that another process runs on this folder, or None where none is ready."""
        found = read_pid_file(self.cluster) if self.cluster.exists() else None
        if found is None or not found.is_ready or not is_running(found.pid):
            return None
        self._account = choose_account(self.cluster)
        self._read_secrets()
        return self.url

    def _take_folder(self) -> None:
        """Lock the folder for this process, and read or make the password."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = private_descriptor(self.data_dir / "postgres.lock", os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise DataFolderInUse(data_dir=self.data_dir) from error
        self._lock = lock
        self._account = choose_account(self.cluster)
        self._read_secrets()

    def _release_folder(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read_secrets(self) -> None:
        self._password = self._load_password()
        # Keyed by the password, so that nobody else can know the name in advance and take it.
        name = hashlib.blake2b(str(self.cluster).encode(), key=self._password.encode(), digest_size=8).hexdigest()
        self._socket_dir = short_temporary_folder() / f"taobourse-{name}"

    def _settings(self) -> dict[str, str]:
        return server_settings(
            socket_dir=str(self._socket_dir), wal_mb=self._wal_mb, shared_buffers_mb=self._shared_buffers_mb
        )

    def _load_password(self) -> str:
        path = self.data_dir / "postgres.password"
        if not path.exists():
            write_private(path, secrets.token_hex(32))
        return path.read_text(encoding="ascii").strip()

    def _make_socket_dir(self) -> None:
        try:
            self._socket_dir.mkdir(mode=0o700)
            self._account.give(self._socket_dir)
        except FileExistsError:
            if not is_private_to(self._socket_dir, self._account.uid, os.geteuid()):
                raise FolderTaken(folder=self._socket_dir) from None
            self._account.give(self._socket_dir)
        self._holds_sockets = True

    def _address(self, folder: Path) -> str:
        """Return how the server is told its data folder (see the module's text)."""
        closed = closed_parent(folder, self._account)
        if closed is None:
            return str(folder)
        if not Path(OWN_FOLDER).exists():
            raise FolderUnreachable(folder=folder, parent=closed, user=self._account.uid)
        return OWN_FOLDER

    async def _make_cluster(self) -> None:
        """Run ``initdb`` in a scratch folder, which takes its place by a rename once it is whole and synced."""
        scratch = self.data_dir / "postgres.new"
        if scratch.exists():
            shutil.rmtree(scratch)
        scratch.mkdir(mode=0o700)
        self._account.give(scratch)
        password_file = self._socket_dir / "password"
        write_private(password_file, self._password)
        self._account.give(password_file)
        try:
            child = self._popen("initdb", scratch, [
                f"--pgdata={self._address(scratch)}", f"--username={OWNER}", f"--pwfile={password_file}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions",
                *INITDB_SPEED,
            ])  # fmt: skip
            deadline = time.monotonic() + START_TIMEOUT_S
            while child.poll() is None:
                if time.monotonic() > deadline:
                    child.kill()
                await asyncio.sleep(POLL_S)
        finally:
            password_file.unlink()
        if child.returncode != 0:
            raise ServerDidNotStart(step="make the cluster", detail=self._log_tail())
        scratch.rename(self.cluster)
        sync_folder(self.data_dir)

    async def _adopt(self, settings_digest: str | None) -> bool:
        """Take over a running server; stop one that is mute or has other settings. Return whether one runs."""
        found = read_pid_file(self.cluster)
        if found is None or not is_running(found.pid):
            return False
        answered = await self._settings_of_running() if found.socket_dir == str(self._socket_dir) else None
        is_ours = True if answered is not None else works_in(found.pid, self.cluster)
        if is_ours is None:
            if await has_ended(found.pid, None, ENDING_S):
                return False  # it was just dying
            self._holds_sockets = False  # they may be in use
            raise LeftOverUnclear(pid=found.pid)
        if not is_ours:
            # The number was given to somebody else's process after our server had died with the machine.
            (self.cluster / "postmaster.pid").unlink()
            return False
        if answered is None or (settings_digest is not None and answered != settings_digest):
            await stop_process(found.pid)
            return False
        self.pid = found.pid
        self._holds_sockets = True
        self.was_adopted = True
        return True

    async def _settings_of_running(self) -> str | None:
        """Return the settings digest of the server behind our socket, or None when nobody with our password answers.

        SCRAM proves both sides: a server that does not know the password cannot complete the exchange. One that starts
        over after the death of one of its processes cuts or refuses connections meanwhile, and is waited for.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                return await self._ask_settings()
            except RECOVERING:
                await asyncio.sleep(POLL_S)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return None
        return None

    async def _ask_settings(self) -> str:
        connection = await asyncpg.connect(self.url, timeout=CONNECT_TIMEOUT_S)
        try:
            return str(await connection.fetchval("SELECT current_setting('taobourse.settings', true)"))
        finally:
            connection.terminate()

    async def _spawn(self, settings: dict[str, str]) -> None:
        """Start the server, and wait until it takes connections; recovery after a crash is waited for."""
        arguments = ["-D", self._address(self.cluster)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        for entry in self._socket_dir.iterdir():
            entry.unlink()  # of a killed server; no living one was found
        for _ in range(HELD_TRIES):
            log_from = self._log_size()
            self._child = self._popen("postgres", self.cluster, arguments)
            self.pid = self._child.pid
            if await self._wait_ready():
                return
            self.pid = self._child = None
            told = self._log_since(log_from)
            if PID_HELD in told:
                self._forget_zombie()
            elif MEMORY_HELD not in told:
                break
            await asyncio.sleep(HELD_PAUSE_S)
        raise ServerDidNotStart(step="start the server", detail=self._log_tail())

    def _forget_zombie(self) -> None:
        """Remove the pid file of a dead server that nobody collects, as in a container whose first process does not.

        The server itself still refuses to start beside living children: it knows their memory by the cluster's inode.
        """
        found = read_pid_file(self.cluster)
        if found is not None and not is_running(found.pid):
            (self.cluster / "postmaster.pid").unlink()

    async def _wait_ready(self) -> bool:
        """Return whether the child became ready; False when it ended or took too long, and is gone."""
        assert self._child is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._child.poll() is None:
            found = read_pid_file(self.cluster)
            if found is not None and found.pid == self._child.pid and found.is_ready:
                return True
            if time.monotonic() > deadline:
                await stop_process(self._child.pid, self._child)
                return False
            await asyncio.sleep(POLL_S)
        return False

    def _popen(self, program: str, folder: Path, arguments: list[str]) -> "subprocess.Popen[bytes]":
        """Run one of the wheel's programs as the server's user, in ``folder``, apart from our terminal's signals."""
        path = self.data_dir / "postgres.log"
        if self._log_size() > LOG_MAX_BYTES:
            path.rename(path.with_suffix(".log.1"))
        log = private_descriptor(path, os.O_WRONLY | os.O_APPEND)
        try:
            return subprocess.Popen(
                [str(reachable_binaries(self._account) / program), *arguments],
                cwd=folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._account.popen_arguments(),
            )
        finally:
            os.close(log)

    def _log_size(self) -> int:
        path = self.data_dir / "postgres.log"
        return path.stat().st_size if path.exists() else 0

    def _log_since(self, offset: int) -> bytes:
        with (self.data_dir / "postgres.log").open("rb") as file:
            file.seek(offset)
            return file.read(LOG_MAX_BYTES)

    def _log_tail(self) -> str:
        return self._log_since(max(self._log_size() - LOG_TAIL_BYTES, 0)).decode(errors="replace").strip()
