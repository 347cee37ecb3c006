"""Where the processes of one exchange meet: sockets in a private folder with a short name; and locks of their work.

Paths of sockets are limited to about 107 bytes, so the folder lies below ``/tmp``; it is open to its owner alone.
"""

import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.postgres.errors import FolderTaken
from app.postgres.files import is_private_to, private_descriptor, short_temporary_folder
from app.serve.errors import AlreadyServed

ENGINE = "engine.sock"
SIGNER = "signer.sock"


def socket_folder(data_dir: Path) -> Path:
    """Return the folder for the sockets of a data folder, made if absent; raises ``FolderTaken``."""
    name = hashlib.blake2b(f"{os.geteuid()} {data_dir.resolve()}".encode(), digest_size=8).hexdigest()
    folder = short_temporary_folder() / f"taobourse-serve-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not is_private_to(folder, os.geteuid()):
        raise FolderTaken(folder=folder)
    return folder


@contextmanager
def held(path: Path, part: str) -> Iterator[None]:
    """Hold a lock file, with our process id in it, while the body runs; raises ``AlreadyServed``.

    The lock ends with the process, however that ends: a file that is left says nothing.
    """
    descriptor = private_descriptor(path, os.O_RDWR)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyServed(part, path) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def clear_socket(path: Path) -> None:
    """Remove the socket file of a process that is gone; who holds the part's lock may do so."""
    path.unlink(missing_ok=True)


def shared_port(host: str, port: int) -> socket.socket:
    """Return a socket bound to a port that other processes of ours may bind as well; the system spreads connections.

    One that does not listen takes no connections and only holds the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
        bound.setblocking(False)
    except BaseException:
        bound.close()
        raise
    return bound
