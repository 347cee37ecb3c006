r"""The signer's memory: an append-only file, written and synced before a signature leaves the signer.

Each line is ``<16 hex digits> <json>\n``; the digits are blake2b-64 of the digits before and this line's JSON, so a
line that was changed, lost or moved is noticed. The last line alone may be torn by a crash: it was never synced, so its
signature never left, and it is cut off. Anything else that does not fit stops the signer (``JournalBroken``).
"""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from app.custody.errors import JournalBroken
from app.custody.policy import DAY_MS, HOUR_MS

_HEADER = {"journal": "taobourse signer", "version": 1}
_DIGITS = 16
COMPACT_ABOVE = 50_000
"""Entries above which the file is rewritten without those that no rule can need any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One signature. ``job_id`` 0: an operator's set-up call. Without a payment ``asset`` is -1 and ``amount`` 0."""

    job_id: int
    role: int
    key: int
    nonce: int
    birth: int
    period: int
    call: str
    """Hex of the call: with it recipient and amount."""
    asset: int
    amount: int
    ts_ms: int
    extrinsic: str
    """Hex of the signed bytes, which are given out again while their era lives."""


class Journal:
    """What was signed, by job and by nonce, and how much left in the last hour and day."""

    def __init__(self, path: Path, *, compact_above: int = COMPACT_ABOVE) -> None:
        self._path = path
        self._entries: list[Entry] = []
        self._by_job: dict[int, Entry] = {}
        self._by_nonce: dict[tuple[int, int, int], Entry] = {}
        self._chain = ""
        self._compact_above = compact_above
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _lock(self._handle)
        self._load()
        self._bound()

    def close(self) -> None:
        """Close the file; nothing can be written afterwards."""
        os.close(self._handle)

    def of_job(self, job_id: int) -> Entry | None:
        """Return the last signature for a job."""
        return self._by_job.get(job_id)

    def of_nonce(self, role: int, key: int, nonce: int) -> Entry | None:
        """Return the last signature of a key with a nonce."""
        return self._by_nonce.get((role, key, nonce))

    def spent(self, asset: int, now_ms: int) -> tuple[int, int]:
        """Return rao of an asset signed for in the last hour and day; each job counts once."""
        hour = day = 0
        for entry in self._by_job.values():
            age = now_ms - entry.ts_ms
            if entry.asset == asset and age < DAY_MS:
                day += entry.amount
                hour += entry.amount if age < HOUR_MS else 0
        return hour, day

    def append(self, entry: Entry) -> None:
        """Write one signature and return once it is on the disk."""
        _write(self._handle, self._line(asdict(entry)))
        os.fdatasync(self._handle)
        self._keep(entry)
        self._bound()

    def _bound(self) -> None:
        """Drop what no rule needs once there is much of it; what must stay doubles the size of the next look."""
        if len(self._entries) > self._compact_above:
            self._rewrite(self._needed())
            self._compact_above = max(self._compact_above, 2 * len(self._entries))

    def _keep(self, entry: Entry) -> None:
        self._entries.append(entry)
        if entry.job_id:
            self._by_job[entry.job_id] = entry
        self._by_nonce[entry.role, entry.key, entry.nonce] = entry

    def _line(self, record: object) -> bytes:
        text = json.dumps(record, separators=(",", ":"), sort_keys=True)
        self._chain = _link(self._chain, text)
        return f"{self._chain} {text}\n".encode()

    def _load(self) -> None:
        content = b""
        while part := os.read(self._handle, 1 << 20):
            content += part
        good = 0
        lines = content.split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            chain, _, text = line.decode("utf-8", "replace").partition(" ")
            if chain != _link(self._chain, text):
                raise JournalBroken(number, "not the line that was written")
            self._chain = chain
            good += len(line) + 1
            record = json.loads(text)
            if number == 1:
                if record != _HEADER:
                    raise JournalBroken(number, "another kind or version of file")
            else:
                self._keep(Entry(**record))
        if good < len(content):
            os.ftruncate(self._handle, good)
            os.lseek(self._handle, 0, os.SEEK_END)
        if good == 0:
            _write(self._handle, self._line(_HEADER))
        os.fdatasync(self._handle)
        _sync_folder(self._path)

    def _needed(self) -> list[Entry]:
        """Return the entries that may still matter: their era may live, or they count into the limits.

        Birth blocks are finalised heads, so the greatest one seen is a height that the chain has certainly reached.
        """
        height = max(entry.birth for entry in self._entries)
        now_ms = max(entry.ts_ms for entry in self._entries)
        return [e for e in self._entries if e.birth + e.period > height or now_ms - e.ts_ms < 2 * DAY_MS]

    def _rewrite(self, entries: Iterable[Entry]) -> None:
        """Replace the file by one with ``entries`` alone, whole or not at all."""
        entries = list(entries)
        self._entries, self._by_job, self._by_nonce, self._chain = [], {}, {}, ""
        aside = self._path.with_suffix(".rewrite")
        handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        _write(handle, self._line(_HEADER))
        for entry in entries:
            _write(handle, self._line(asdict(entry)))
            self._keep(entry)
        os.fsync(handle)
        _lock(handle)
        aside.rename(self._path)
        _sync_folder(self._path)
        os.close(self._handle)
        self._handle = handle


def _lock(handle: int) -> None:
    """Keep a second signer out: two memories would sign the same payment twice. The lock ends with the process."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise JournalBroken(0, "in use by another signer", "journal_in_use") from error


def _link(chain: str, text: str) -> str:
    return blake2b(f"{chain} {text}".encode(), digest_size=_DIGITS // 2).hexdigest()


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
