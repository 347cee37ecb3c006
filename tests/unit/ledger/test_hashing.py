"""The hash chain equals the known answers."""

import json
from pathlib import Path

import pytest

from ledger.hashing import GENESIS_HASH, batch_hash

VECTORS = Path(__file__).parents[2] / "vectors/crypto.json"
CASES = json.loads(VECTORS.read_text(encoding="utf-8"))["event_log_chain"]["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["seq"]))
def test_the_chain_equals_the_known_answers(case: dict[str, str | int]) -> None:
    body, previous = bytes.fromhex(str(case["body"])), bytes.fromhex(str(case["prev"]))

    assert batch_hash(previous, int(case["seq"]), body).hex() == case["hash"]


def test_the_first_batch_follows_zeros() -> None:
    assert CASES[0]["prev"] == GENESIS_HASH.hex()
