"""Bytes from anywhere: accepted ones are written back exactly, all others are refused with a typed error."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import Block, ConsensusInfo, Header
from chain.consensus.messages import Commit, Proposal, Vote, VoteType
from chain.consensus.validators import ValidatorSet
from chain.errors import DecodeError

_HEADERS = json.loads((Path(__file__).parents[1] / "vectors" / "crypto.json").read_text())["header"]["cases"]
_HEADER = bytes.fromhex(_HEADERS[1]["header"])
_COMMIT = Commit(height=1, round=0, block_hash=b"h" * 32, signatures=((0, b"s" * 64), (4, b"t" * 64)))
_SECOND = Header(
    parent=b"p" * 32, number=2, state_root=bytes(32), extrinsics_root=bytes(32), logs=Header.decode(_HEADER).logs
)
KINDS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "header": (Header.decode, _HEADER),
    "info": (ConsensusInfo.decode, bytes.fromhex(_HEADERS[1]["consensus_info"])),
    "block": (
        Block.decode,
        Block(header=_SECOND, extrinsics=(b"\x04a", b"\x08bc"), evidence=(b"e",), last_commit=_COMMIT).encode(),
    ),
    "commit": (Commit.decode, _COMMIT.encode()),
    "vote": (Vote.decode, Vote(type=VoteType.PREVOTE, height=1, round=2, block_hash=b"b" * 32).encode()),
    "proposal": (
        Proposal.decode,
        Proposal(height=1, round=2, pol_round=-1, block_hash=b"b" * 32, time_ms=3).encode(),
    ),
    "validators": (ValidatorSet.decode, ValidatorSet(((b"a" * 32, 1), (b"b" * 32, 5))).encode()),
}


def _check(kind: str, data: bytes) -> None:
    decode, _ = KINDS[kind]
    try:
        accepted = decode(data)
    except DecodeError:
        return
    assert accepted.encode() == data


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_mutated_bytes_are_written_back_exactly_or_refused(kind: str, data: st.DataObject) -> None:
    spoiled = bytearray(KINDS[kind][1])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(spoiled) - 1))
        action = data.draw(st.sampled_from(("set", "insert", "delete", "cut")))
        if action == "set":
            spoiled[at] = data.draw(st.integers(0, 255))
        elif action == "insert":
            spoiled.insert(at, data.draw(st.integers(0, 255)))
        elif action == "delete" and len(spoiled) > 1:
            del spoiled[at]
        elif at:
            del spoiled[at:]

    _check(kind, bytes(spoiled))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_are_written_back_exactly_or_refused(kind: str, data: bytes) -> None:
    _check(kind, data)
