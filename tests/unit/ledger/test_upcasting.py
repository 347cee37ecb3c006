"""Every released layout stays readable: its recorded log gives the state that it gave when it was written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.verify.exchange import Exchange
from ledger.codec import Batch, decode_body
from ledger.engine.layout import EVENT, LAYOUT_VERSION, EventKind
from ledger.log.errors import BatchMalformed
from ledger.upcasting import UPCASTERS, upcast, upcast_1
from tests.support.record_layout import facts, read

LOGS = Path(__file__).resolve().parents[2] / "vectors" / "logs"
LAYOUTS = range(1, LAYOUT_VERSION + 1)


def recorded(layout: int) -> tuple[list[Batch], dict[str, Any]]:
    told: dict[str, Any] = json.loads((LOGS / f"layout-{layout}.json").read_text(encoding="utf-8"))
    return read(LOGS / f"layout-{layout}.bin"), told


def kinds_of(batches: list[Batch]) -> set[int]:
    return {int(kind) for batch in batches for kind in batch.events["kind"]}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_log_of_every_released_layout_gives_its_state(layout: int) -> None:
    batches, told = recorded(layout)
    exchange = Exchange()

    for batch in batches:
        exchange.engine.evolve(batch.ts_ms, batch.events, batch.payloads)

    exchange.ts_ms = batches[-1].ts_ms
    found = {"layout": layout, "batches": len(batches), "head_hash": batches[-1].hash.hex(), **facts(exchange)}
    assert found == told


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_recorded_log_holds_what_its_layout_can_say(layout: int) -> None:
    kinds = kinds_of(recorded(layout)[0])

    assert {EventKind.FILLED, EventKind.SETTLEMENT_ITEM_REQUESTED, EventKind.WITHDRAWAL_HELD} < kinds
    assert (EventKind.CROSSED in kinds) == (EventKind.QUOTE_ISSUED in kinds) == (layout > 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_stored_bytes_say_their_layout(layout: int) -> None:
    for batch in recorded(layout)[0]:
        assert int.from_bytes(batch.body[4:6], "little") == layout


def test_there_is_a_way_from_every_older_layout() -> None:
    assert sorted(UPCASTERS) == list(LAYOUTS)[:-1]


def test_a_layout_to_come_is_refused() -> None:
    batches, _ = recorded(LAYOUT_VERSION)
    newer = batches[0].body[:4] + (LAYOUT_VERSION + 1).to_bytes(2, "little") + batches[0].body[6:]

    with pytest.raises(BatchMalformed, match="is unknown"):
        decode_body(newer)


def test_events_of_the_present_layout_are_left_alone() -> None:
    events = np.zeros(2, EVENT)
    events["kind"] = EventKind.SETTLEMENT_ITEM_REQUESTED

    assert upcast(LAYOUT_VERSION, events) is events


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_settlements_item_takes_the_mirror_that_stays_in_place(place: str) -> None:
    events = np.zeros(4, EVENT)
    item, window = (2, 1) if place == "before" else (1, 2)
    events["netuid"] = [7, 7, 7, 8]
    events["kind"][item] = EventKind.SETTLEMENT_ITEM_REQUESTED
    events["kind"][window] = EventKind.WINDOW_OPENED
    events["kind"][3] = EventKind.WINDOW_OPENED
    events["pool_tao"][window], events["pool_alpha"][window] = 11, 13
    events["pool_tao"][3], events["pool_alpha"][3] = 5, 6

    upcast_1(events)

    assert (events["pool_tao"][item], events["pool_alpha"][item]) == (11, 13)
