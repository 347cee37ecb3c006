"""Pages of a batch as PostgreSQL's binary COPY wants them, laid out by numpy in one piece."""

import struct

import numpy as np

from ledger.codec import PAGE_BYTES, Batch

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
COLUMNS = ("seq", "page", "body")

# Each field has its length in front; integers are big-endian, as the protocol wants them.
FULL_PAGE = np.dtype(
    [
        ("fields", ">i2"),
        ("seq_length", ">i4"),
        ("seq", ">i8"),
        ("page_length", ">i4"),
        ("page", ">i4"),
        ("body_length", ">i4"),
        ("body", f"V{PAGE_BYTES}"),
    ]
)
LAST_PAGE = struct.Struct(">hiqiii")


def encode_copy(batch: Batch) -> bytes:
    """Return the rows ``(seq, page, body)`` of all pages of the batch."""
    full, rest = divmod(len(batch.body), PAGE_BYTES)
    rows = np.empty(full, dtype=FULL_PAGE)
    rows["fields"] = len(COLUMNS)
    rows["seq_length"] = 8
    rows["seq"] = batch.first_seq
    rows["page_length"] = 4
    rows["page"] = np.arange(full)
    rows["body_length"] = PAGE_BYTES
    rows["body"] = np.frombuffer(batch.body, dtype=f"V{PAGE_BYTES}", count=full)
    parts = [SIGNATURE, rows.tobytes()]
    if rest:
        parts += (LAST_PAGE.pack(len(COLUMNS), 8, batch.first_seq, 4, full, rest), batch.body[full * PAGE_BYTES :])
    parts.append(TRAILER)
    return b"".join(parts)
