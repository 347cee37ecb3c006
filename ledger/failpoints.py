"""Named places at which a process can be told to die, as a power cut would end it: a means of testing, nothing else.

``TAOBOURSE_FAIL_AT=sequencer.decided:17`` sends SIGKILL to the own process when that place is passed for the 17th time;
without a number the first time counts, and several places stand separated by commas. The variable is read once, when
this module is imported; where it is not set, passing a place costs one look at an empty table.

Nothing here can change what is decided or written: the process runs on unchanged, or it is gone.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VARIABLE: Final = "TAOBOURSE_FAIL_AT"

POINTS: Final[Mapping[str, str]] = {
    "sequencer.decided": "a batch is decided and in memory, nothing of it is written",
    "log.append.row": "the transaction of a large batch is begun, nothing of its pages is sent",
    "log.append.pages": "the pages are sent within an open transaction, their end and the batch's row are not",
    "log.append.committed": "the database said that the batch is committed, nobody else knows",
    "sequencer.committed": "the append returned, the batch is not published and nobody is answered",
    "sequencer.answered": "the batch is published and its answers are set, none has left yet",
    "gateway.answered": "an answer was given to the client's socket",
    "snapshot.begun": "a snapshot's transaction is open and empty",
    "snapshot.parts": "a snapshot's parts are written, the header that makes it one is not",
    "snapshot.written": "a snapshot is committed, nobody was told",
    "projection.rows": "a projection's rows are written in an open transaction, its checkpoint is not",
    "projection.checkpoint": "rows and checkpoint are written and not committed",
    "projection.committed": "rows and checkpoint are committed, the projector does not know yet",
    "link.read": "a finalised block was read and is not in the log",
    "link.imported": "a finalised block is in the log, nothing that follows from it was done",
    "link.signed": "an extrinsic is signed, the ledger does not know its bytes",
    "link.accepted": "the signed bytes are in the log and were not sent",
    "link.sent": "the node has the extrinsic, nothing else was done",
    "signer.journalled": "a signature is in the signer's journal and was not given out",
}
"""Name -> how things stand there. A point is passed by ``fail_point`` with one of these names."""


@dataclass(eq=False)
class FailPointRefused(Exception):  # noqa: N818 - an answer
    """``TAOBOURSE_FAIL_AT`` names a point that does not exist, or no number of a pass; the process does not start."""

    text: str
    code: str = "fail_point_refused"

    def __str__(self) -> str:
        """Return what is wrong and what would be right."""
        return f"{self.code}: {VARIABLE} holds {self.text!r}; it takes name or name:pass, of {', '.join(POINTS)}"


_passes_left: dict[str, int] = {}


def arm(text: str) -> None:
    """Arm the points that ``text`` names and no others; an empty text disarms all. Raises ``FailPointRefused``."""
    wanted: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, passes = part.partition(":")
        if name not in POINTS or not (passes or "1").isdecimal() or int(passes or "1") < 1:
            raise FailPointRefused(part)
        wanted[name] = int(passes or "1")
    _passes_left.clear()
    _passes_left.update(wanted)


def fail_point(name: str) -> None:
    """Pass a point: nothing happens, or this is where the process ends."""
    if _passes_left:
        _pass(name)


def _pass(name: str) -> None:
    """Count a pass of an armed point and die at the one that was asked for, saying so on stderr."""
    if name not in POINTS:
        raise FailPointRefused(name)
    if name not in _passes_left:
        return
    _passes_left[name] -= 1
    if _passes_left[name] == 0:
        os.write(2, f"fail point {name}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get(VARIABLE, ""))
