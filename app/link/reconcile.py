"""Holds the whole of custody against the chain at one head: for demos, operators and tests.

The ledger does the same by itself at every head, with what was read there (``spec/execution.md`` section 11).
"""

from dataclasses import dataclass

from app.link.connection import LinkError, NodeConnection
from app.link.reader import BlockReader
from ledger.engine.views import Views

ATTEMPTS = 8
FREE, RESERVED, STAKE = "free", "reserved", "stake"


@dataclass(eq=False)
class HeadMoved(LinkError):  # noqa: N818 - what happened
    """Heads were imported faster than all of custody could be read."""

    code: str = "head_moved"

    def __str__(self) -> str:
        """Return the code."""
        return self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One balance on both sides, rao; ``hotkey`` and ``netuid`` are 0 for TAO."""

    what: str
    key: int
    hotkey: int
    netuid: int
    ledger: int
    chain: int

    @property
    def difference(self) -> int:
        """Chain less ledger, rao."""
        return self.chain - self.ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """All of custody at one head."""

    number: int
    hash: bytes
    balances: tuple[Compared, ...]

    @property
    def differences(self) -> tuple[Compared, ...]:
        """Those that are not equal."""
        return tuple(compared for compared in self.balances if compared.difference)


async def reconcile(node: NodeConnection, reads: Views) -> Reconciliation:
    """Return custody and chain side by side at the ledger's head, all keys and positions that the ledger knows.

    Raises ``HeadMoved`` when the head moves during every one of several attempts, and what the connection raises.
    """
    reader = BlockReader(node)
    for _ in range(ATTEMPTS):
        head, keys, hotkeys = reads.head(), reads.keys(), reads.hotkeys()
        custody = [reads.custody(key.key) for key in keys]
        publics = {key.key: key.public for key in keys}
        positions = {(publics[s.key], hotkeys[s.hotkey - 1], s.netuid): s for view in custody for s in view.stakes}
        accounts = await reader.accounts(list(publics.values()), head.hash)
        stakes = await reader.stakes(list(positions), head.hash)
        if reads.head().hash != head.hash:
            continue
        balances = []
        for view in custody:
            account = accounts[publics[view.key]]
            for what, ledger, chain in ((FREE, view.free, account.free), (RESERVED, view.reserved, account.reserved)):
                balances.append(Compared(what=what, key=view.key, hotkey=0, netuid=0, ledger=ledger, chain=chain))
        balances += [
            Compared(what=STAKE, key=s.key, hotkey=s.hotkey, netuid=s.netuid, ledger=s.amount, chain=stakes[position])
            for position, s in positions.items()
        ]
        return Reconciliation(number=head.number, hash=head.hash, balances=tuple(balances))
    raise HeadMoved
