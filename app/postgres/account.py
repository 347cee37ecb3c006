"""Which system user runs the server, and which folders that user can reach.

PostgreSQL refuses to run as root. As root the server therefore gets another user; modes of folders that are not ours
are never changed for it.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFERRED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """The user that runs the server; ``switch`` when this is not the user we run as."""

    uid: int
    gid: int
    switch: bool

    def popen_arguments(self) -> dict[str, Any]:
        """Return the arguments with which ``subprocess`` becomes this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def give(self, path: Path) -> None:
        """Make this user the owner of one path of ours."""
        if self.switch:
            os.chown(path, self.uid, self.gid)


def choose_account(cluster: Path) -> Account:
    """Return who runs the server of ``cluster``: ourselves, or as root its present owner, else an unprivileged user."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), switch=False)
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid, switch=True)
    for name in PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, switch=True)
    unprivileged = next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)
    return Account(uid=unprivileged.pw_uid, gid=unprivileged.pw_gid, switch=True)


def closed_parent(path: Path, account: Account) -> Path | None:
    """Return the first parent of ``path`` that the account cannot pass, or None when it reaches ``path``.

    Judged by mode bits alone: an access list could only make us careful without need.
    """
    if not account.switch:
        return None
    for parent in reversed(path.resolve().parents):
        if not _may(parent, account, stat.S_IXUSR):
            return parent
    return None


def may_read(path: Path, account: Account) -> bool:
    """Return whether the account may read this file, its parents aside."""
    return not account.switch or _may(path, account, stat.S_IRUSR)


def _may(path: Path, account: Account, owner_bit: int) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & owner_bit)
    if status.st_gid == account.gid:
        return bool(status.st_mode & (owner_bit >> 3))
    return bool(status.st_mode & (owner_bit >> 6))
