"""The book of keys grows with the ledger's events and can be read from its state at any time."""

from typing import Any

import numpy as np

from app.link.keybook import KeyBook, Listed
from ledger.engine.layout import EVENT, EventKind, Flag, KeyRole
from tests.support.link_blocks import ALICE, HOT, IDLE


def events(*rows: dict[str, Any]) -> Any:
    records = np.zeros(len(rows), EVENT)
    for record, row in zip(records, rows, strict=True):
        for name, value in row.items():
            record[name] = value
    return records


def test_keys_hotkeys_and_listings_come_from_events_and_payloads() -> None:
    book = KeyBook()
    book.apply(
        events(
            {"kind": EventKind.CHAIN_KEY_ADDED, "key": 1, "code": KeyRole.HOT, "payload": 1},
            {"kind": EventKind.HEAD_ENDED, "other": 9},
            {"kind": EventKind.CHAIN_KEY_ADDED, "key": 2, "code": KeyRole.DEPOSIT, "account": 7, "payload": 3},
            {"kind": EventKind.HOTKEY_ADDED, "other": 1, "payload": 2},
            {"kind": EventKind.MARKET_LISTED, "netuid": 5, "other": 1},
        ),
        (HOT, IDLE, ALICE),
    )

    assert book.hot is not None
    assert (book.hot.public, book.trading) == (HOT, None)
    assert book.by_public[ALICE].account == 7
    assert book.listed == {5: Listed(netuid=5, hotkey=1)}
    assert book.public_position((1, 1, 5)) == (HOT, IDLE, 5)
    assert book.numbered((ALICE, IDLE, 5)) == (2, 1, 5)
    assert book.numbered((ALICE, HOT, 5)) is None
    assert book.numbered((IDLE, IDLE, 5)) is None


def test_every_event_that_may_leave_stake_with_a_key_adds_its_position() -> None:
    book = KeyBook()
    alpha = int(Flag.ALPHA)
    book.apply(
        events(
            {"kind": EventKind.DEPOSIT_CREDITED, "flags": alpha, "key": 3, "other": 2, "netuid": 1},
            {"kind": EventKind.DEPOSIT_CREDITED, "key": 4, "netuid": 65_535},
            {"kind": EventKind.SETTLEMENT_BOOKED, "key": 1, "other": 1, "netuid": 1},
            {"kind": EventKind.SWEEP_BOOKED, "flags": alpha, "key": 3, "aux": 1, "other": 2, "netuid": 1},
            {"kind": EventKind.SWEEP_BOOKED, "key": 3, "aux": 1},
            {"kind": EventKind.HOUSE_FUNDED, "flags": alpha, "key": 1, "other": 3, "netuid": 2},
        ),
        (),
    )

    assert book.positions == {(3, 2, 1), (1, 1, 1), (1, 2, 1), (1, 3, 2)}
