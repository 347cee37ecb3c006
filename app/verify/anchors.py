"""Holds the log against its anchors in the chain: what was anchored must be in the log still, at the same batch.

The table of anchors tells where to look, and the chain is believed: with a node each is looked up in its block, and
with ``scan_from`` the blocks themselves are searched, so that a table with gaps hides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.link.blocks import BlockExtrinsic
from app.link.connection import NodeConnection
from app.link.reader import BlockReader
from ledger.codec import Batch
from ledger.engine.layout import EventKind, KeyRole
from ledger.log.anchors import Anchor, PostgresAnchors, decode_text, encode_text
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.postgres import PostgresLog


@dataclass(frozen=True, slots=True)
class AnchoredLog:
    """The head of a log that holds, and how many anchors it was held against."""

    head: Head
    anchors: int


@dataclass(eq=False)
class AnchorDiffers(Exception):  # noqa: N818 - what was found
    """The first anchor that does not agree with log or chain."""

    batch: int
    detail: str
    code: str = "anchor_differs"

    def __str__(self) -> str:
        """Return code, batch and detail."""
        return f"{self.code}: batch {self.batch}: {self.detail}"


async def verify_anchored_log(url: str, *, node_url: str | None = None, scan_from: int | None = None) -> AnchoredLog:
    """Read the whole log and hold it against every anchor.

    Raises ``ChainBroken``, ``AnchorDiffers``, and ``LinkError`` where the node fails.
    """
    anchors = await PostgresAnchors(url).read()
    signers, scanned = set(), list[tuple[int, BlockExtrinsic]]()
    if node_url is not None:
        async with NodeConnection(node_url) as node:
            signers = await _check_in_chain(node, anchors)
            if scan_from is not None:
                scanned = await _scan(node, scan_from)
    wanted = {anchor.batch: anchor.hash for anchor in anchors}
    told = [(extrinsic.signer, decoded) for _, extrinsic in scanned if (decoded := decode_text(extrinsic.remark))]
    wanted |= dict.fromkeys((batch for _, (batch, _) in told), b"")
    found: dict[int, bytes] = {}
    ours: set[bytes] = set()
    head = EMPTY_HEAD
    async for batch in PostgresLog(url).read():
        head = Head.of(batch)
        ours |= trading_keys(batch)
        if batch.number in wanted:
            found[batch.number] = batch.hash
    for anchor in anchors:
        _compare(anchor.batch, anchor.hash, found)
    for signer, (number, batch_hash) in told:
        if signer in ours:  # anybody may write such a remark
            _compare(number, batch_hash, found)
    if strange := signers - ours:
        raise AnchorDiffers(anchors[0].batch, f"signed by {min(strange).hex()}, which is no trading key of the log")
    pairs = {(anchor.batch, anchor.hash) for anchor in anchors} | {pair for signer, pair in told if signer in ours}
    return AnchoredLog(head, len(pairs))


def trading_keys(batch: Batch) -> set[bytes]:
    """Return the public keys that a batch names as trading keys."""
    events = batch.events
    added = events[(events["kind"] == EventKind.CHAIN_KEY_ADDED) & (events["code"] == KeyRole.TRADING)]
    return {batch.payloads[int(event["payload"]) - 1] for event in added}


def _compare(number: int, batch_hash: bytes, found: dict[int, bytes]) -> None:
    if number not in found:
        raise AnchorDiffers(number, "anchored on the chain, and not in the log")
    if found[number] != batch_hash:
        raise AnchorDiffers(number, f"anchored as {batch_hash.hex()}, in the log {found[number].hex()}")


async def _check_in_chain(node: NodeConnection, anchors: Sequence[Anchor]) -> set[bytes]:
    """Look each anchor up in its block; return who signed them."""
    reader, signers = BlockReader(node), set()
    for anchor in anchors:
        if await reader.hash_at(anchor.height) != anchor.block_hash:
            raise AnchorDiffers(anchor.batch, f"the chain has another block {anchor.height}")
        extrinsics = await reader.extrinsics_at(anchor.block_hash) or []
        same = [extrinsic for extrinsic in extrinsics if extrinsic.hash == anchor.extrinsic_hash]
        if not same or same[0].remark != encode_text(anchor.batch, anchor.hash) or same[0].signer is None:
            raise AnchorDiffers(anchor.batch, f"block {anchor.height} of the chain does not say so")
        signers.add(same[0].signer)
    return signers


async def _scan(node: NodeConnection, scan_from: int) -> list[tuple[int, BlockExtrinsic]]:
    """Return every anchor in the final blocks from a height on, with its height."""
    reader = BlockReader(node)
    end, _ = await reader.finalised()
    found = []
    for height in range(scan_from, end + 1):
        block_hash = await reader.hash_at(height)
        extrinsics = await reader.extrinsics_at(block_hash) if block_hash is not None else None
        found += [(height, extrinsic) for extrinsic in extrinsics or () if decode_text(extrinsic.remark)]
    return found
