"""What must be known before a block can be translated: state of the chain, and hotkeys in the ledger. Pure."""

from collections.abc import Iterable

from app.link.blocks import FinalisedBlock, Reads, positions_named
from app.link.effects import GrowthCauses, is_over
from app.link.keybook import KeyBook
from ledger.engine.layout import KeyRole
from ledger.engine.views import AnyJob


def reads_for(block: FinalisedBlock, book: KeyBook, jobs: Iterable[AnyJob], *, everything: bool) -> Reads:
    """Return what of the state the translation of a block needs.

    The hot and trading key are read at every head, other keys and positions when an event names them, a subnet's epoch
    ran or an era is over; with ``everything`` all keys and all positions that the ledger ever had.
    """
    named = {value for event in block.events for value in event.fields.values() if isinstance(value, bytes)}
    signers = {extrinsic.signer for extrinsic in block.extrinsics if extrinsic.signer}
    over = [(book.keys[job.key].public, job.nonce, job.birth) for job in jobs if is_over(block, job)]
    ended = {signer for signer, _, _ in over}
    accounts = {
        key.public
        for key in book.keys.values()
        if everything or key.role is not KeyRole.DEPOSIT or key.public in named | signers | ended
    }
    moved = {p for event in block.events for p in positions_named(event) if p[0] in book.by_public}
    known = {book.public_position(numbered) for numbered in book.positions}
    causes = GrowthCauses.of(block)
    payers = {
        (f.fields["who"], f.fields["netuid"]) for f in block.named("SubtensorModule", "TransactionFeePaidWithAlpha")
    }
    moved |= {p for p in known if causes.cover(p) or (p[0], p[2]) in payers}
    positions = moved | known if everything else moved
    if everything and book.hot is not None:
        hot = book.hot.public
        positions |= {(hot, book.hotkeys[listed.hotkey], listed.netuid) for listed in book.listed.values()}
    gone = {event.fields["netuid"] for event in block.named("SubtensorModule", "NetworkRemoved")}
    paid = {key for key, _, netuid in book.positions if netuid in gone}
    return Reads(
        accounts=tuple(sorted(accounts | {book.keys[key].public for key in paid})),
        accounts_before=tuple(sorted(book.keys[key].public for key in paid)),
        positions=tuple(sorted(positions)),
        positions_before=tuple(sorted(moved)),
        nonces=tuple(sorted(over)),
    )


def hotkeys_needed(block: FinalisedBlock, book: KeyBook) -> tuple[bytes, ...]:
    """Return hotkeys of a block's positions of ours that the ledger does not know yet, in order of appearance."""
    found: dict[bytes, None] = {}
    for event in block.events:
        for coldkey, hotkey, _ in positions_named(event):
            if coldkey in book.by_public and hotkey not in book.hotkey_numbers:
                found[hotkey] = None
    return tuple(found)
