"""Events as the read models take them: one typed row each, with the time and the payload of its batch."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from ledger.engine.layout import EVENT, Records

KINDS_MAX: Final = 1 << 16


class Row(NamedTuple):
    """One event; fields as in ``ledger/engine/layout.py``, meanings in ``meanings.py``."""

    seq: int
    kind: int
    flags: int
    netuid: int
    code: int
    account: int
    other: int
    key: int
    payload: int
    order_id: int
    amount: int
    tao: int
    fee: int
    limit: int
    hold: int
    pool_tao: int
    pool_alpha: int
    aux: int
    id_hi: int
    id_lo: int
    digest: int


if Row._fields != EVENT.names:
    raise TypeError("rows must have the fields of EVENT, in their order")


def kinds_table(*kinds: int) -> Any:
    """Return a table that tells of each kind, as an index, whether it is one of these."""
    table = np.zeros(KINDS_MAX, np.bool_)
    table[list(kinds)] = True
    return table


def rows_at(events: Records, chosen: Any) -> list[Row]:
    """Return the chosen events, in order."""
    return list(map(Row._make, events[chosen].tolist()))


def payload_of(row: Row, payloads: Sequence[bytes]) -> bytes:
    """Return the side payload of an event, empty where it has none."""
    return payloads[row.payload - 1] if row.payload else b""
