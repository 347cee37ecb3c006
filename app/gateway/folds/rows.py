"""Events as the read models take them: one typed row each, with the time and the payload of its batch."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from ledger.engine.layout import EVENT, EventKind, Records


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

FOLDED: Final = np.array(
    sorted(
        (
            EventKind.ACCOUNT_OPENED,
            EventKind.SUSPENSE_RESOLVED,
            EventKind.API_KEY_ADDED,
            EventKind.ADDRESS_ADDED,
            EventKind.MARKET_LISTED,
            EventKind.STAGE_CHANGED,
            EventKind.ORDER_ACCEPTED,
            EventKind.FILLED,
            EventKind.ORDER_CLOSED,
            EventKind.CROSSED,
            EventKind.ORDER_RESTED,
            EventKind.ORDER_QUEUED,
            EventKind.STOP_ARMED,
            EventKind.STOP_TRIGGERED,
            EventKind.ORDER_AMENDED,
            EventKind.CANCEL_NOTED,
            EventKind.ORDER_SENT,
            EventKind.CUT_MATCHED,
            EventKind.MIRROR_MOVED,
            EventKind.QUOTE_ISSUED,
            EventKind.QUOTE_TAKEN,
            EventKind.QUOTE_ENDED,
            EventKind.MARKET_CONFIGURED,
            EventKind.SETTLEMENT_ITEM_REQUESTED,
            EventKind.CLAIM_PAID,
            EventKind.REWARD_POSTED,
            EventKind.HEAD_BEGAN,
            EventKind.HEAD_ENDED,
            EventKind.POOL_UPDATED,
            EventKind.WINDOW_OPENED,
            EventKind.DEPOSIT_CREDITED,
            EventKind.DEPOSIT_SUSPENDED,
            EventKind.WITHDRAWAL_HELD,
            EventKind.WITHDRAWAL_BOOKED,
            EventKind.WITHDRAWAL_REFUNDED,
            EventKind.EXTRINSIC_SIGNED,
            EventKind.RECONCILIATION_BROKEN,
        )
    ),
    dtype=np.uint16,
)
"""Kinds that some read model looks at."""


def rows_of(events: Records) -> Iterator[Row]:
    """Yield the events that some read model looks at, in order."""
    wanted = events[np.isin(events["kind"], FOLDED)]
    return map(Row._make, wanted.tolist())


def payload_of(row: Row, payloads: Sequence[bytes]) -> bytes:
    """Return the side payload of an event, empty where it has none."""
    return payloads[row.payload - 1] if row.payload else b""
