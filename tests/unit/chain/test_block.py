import json
from pathlib import Path
from typing import Any

import pytest

from chain.block import CONSENSUS_INFO_BYTES, EMPTY_HASH, Block, ConsensusInfo, Header, compute_slot, hash_commit
from chain.consensus.messages import Commit, Proposal, Vote, VoteType
from chain.errors import DecodeError
from chain.hashing import sign_digest
from chain.scale.compact import encode_compact

_FOLDER = Path(__file__).parents[2] / "vectors"
CRYPTO: dict[str, Any] = json.loads((_FOLDER / "crypto.json").read_text())
WIRE: dict[str, Any] = json.loads((_FOLDER / "substrate_wire.json").read_text())
HEADERS = CRYPTO["header"]["cases"]


def _block_one() -> Block:
    header = Header.decode(bytes.fromhex(HEADERS[1]["header"]))
    return Block(header=header, extrinsics=(b"\x0c\x04ab", b"\x00"))


def _commit(*indices: int) -> Commit:
    signatures = tuple((index, bytes([index]) * 64) for index in indices)
    return Commit(height=1, round=0, block_hash=b"h" * 32, signatures=signatures)


@pytest.mark.parametrize("case", HEADERS, ids=lambda case: case["name"])
def test_a_header_has_the_published_bytes_and_hash(case: dict[str, Any]) -> None:
    encoded = bytes.fromhex(case["header"])
    header = Header.decode(encoded)

    assert header.encode() == encoded
    assert header.hash.hex() == case["block_hash"]
    assert header.number == case["number"]
    assert [log.hex() for log in header.logs] == case["logs"]
    assert (header.info.encode().hex() if header.info else None) == case["consensus_info"]


def test_building_block_one_from_its_parts_gives_the_published_header() -> None:
    case = HEADERS[1]
    info = ConsensusInfo.decode(bytes.fromhex(case["consensus_info"]))
    header = Header.build(
        parent=bytes.fromhex(case["parent"]),
        number=1,
        state_root=bytes.fromhex(case["state_root"]),
        extrinsics_root=bytes.fromhex(case["extrinsics_root"]),
        slot=compute_slot(info.time_ms, 12_000),
        info=info,
    )

    assert len(info.encode()) == CONSENSUS_INFO_BYTES
    assert info.last_commit_hash == EMPTY_HASH == hash_commit(None)
    assert header.encode().hex() == case["header"]


def test_the_genesis_header_commits_to_the_state_alone() -> None:
    case = HEADERS[0]

    assert Header.genesis(bytes.fromhex(case["state_root"])).encode().hex() == case["header"]


def test_a_header_with_other_logs_hashes_as_substrate_does() -> None:
    case = WIRE["header"]
    header = Header(
        parent=bytes.fromhex(case["parent_hash"]),
        number=case["number"],
        state_root=bytes.fromhex(case["state_root"]),
        extrinsics_root=bytes.fromhex(case["extrinsics_root"]),
        logs=tuple(bytes.fromhex(log) for log in case["digest_logs"]),
    )

    assert header.encode().hex() == case["scale"]
    assert header.hash.hex() == case["hash"]


def test_a_client_is_shown_a_header_with_a_number_without_leading_zeros() -> None:
    shown = Header.decode(bytes.fromhex(HEADERS[1]["header"])).to_rpc()

    assert shown["number"] == "0x1"
    assert shown["parentHash"] == "0x" + HEADERS[1]["parent"]
    assert shown["digest"]["logs"] == ["0x" + log for log in HEADERS[1]["logs"]]


def test_a_block_reads_back_as_it_was_written_with_and_without_a_commit() -> None:
    first = _block_one()
    header = Header(
        parent=first.hash, number=2, state_root=bytes(32), extrinsics_root=bytes(32), logs=first.header.logs
    )
    second = Block(header=header, extrinsics=(), last_commit=_commit(0, 3))

    assert Block.decode(first.encode()) == first
    assert Block.decode(second.encode()) == second


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"\x00",
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: data[:32] + b"\x01\x00" + data[33:],
        lambda data: data[:32] + b"\x00" + data[33:],
        lambda data: data[:97] + b"\x04" + data[98:],
        lambda data: data[:98] + b"\x04" + data[99:],
        lambda data: data.replace(b"aura", b"babe"),
        lambda data: data.replace(b"BFTC\xb5\x03\x01", b"BFTC\xb5\x03\x02"),
        lambda data: data[:113] + b"BFTC" + data[117:118],
    ],
    ids=[
        "trailing",
        "truncated",
        "empty",
        "long compact",
        "logs on genesis",
        "one log",
        "other kind of log",
        "other engine",
        "other version",
        "short log",
    ],
)
def test_header_bytes_that_are_not_canonical_are_refused(spoil: Any) -> None:
    with pytest.raises(DecodeError):
        Header.decode(spoil(bytes.fromhex(HEADERS[1]["header"])))


def test_lengths_above_their_bound_are_refused_before_anything_is_read() -> None:
    header = bytes.fromhex(HEADERS[1]["header"])

    with pytest.raises(DecodeError, match="above the bound"):
        Block.decode(header + encode_compact(20_001))
    with pytest.raises(DecodeError, match="above the bound"):
        Block.decode(header + encode_compact(1) + encode_compact(64 * 1024 + 1))
    with pytest.raises(DecodeError, match="a block of"):
        Block.decode(bytes(2 * 1024 * 1024 + 1))


def test_commit_signatures_must_ascend_by_validator() -> None:
    good = _commit(0, 1, 5)

    assert Commit.decode(good.encode()) == good
    for indices in ((1, 0), (2, 2)):
        with pytest.raises(DecodeError, match="does not follow"):
            Commit.decode(_commit(*indices).encode())


@pytest.mark.parametrize("case", CRYPTO["sign_digests"]["votes"], ids=lambda case: case["body"][:12])
def test_a_vote_has_the_published_body_and_digest(case: dict[str, Any]) -> None:
    vote = Vote(
        type=VoteType(case["type"]),
        height=int(case["height"]),
        round=case["round"],
        block_hash=bytes.fromhex(case["block_hash"]),
    )
    genesis_hash = bytes.fromhex(CRYPTO["sign_digests"]["genesis_hash"])

    assert vote.encode().hex() == case["body"]
    assert Vote.decode(vote.encode()) == vote
    assert sign_digest("vote", genesis_hash, vote.encode()).hex() == case["digest"]


@pytest.mark.parametrize("case", CRYPTO["sign_digests"]["proposals"], ids=lambda case: case["body"][:12])
def test_a_proposal_has_the_published_body_and_digest(case: dict[str, Any]) -> None:
    proposal = Proposal(
        height=int(case["height"]),
        round=case["round"],
        pol_round=case["pol_round"],
        block_hash=bytes.fromhex(case["block_hash"]),
        time_ms=int(case["time_ms"]),
    )
    genesis_hash = bytes.fromhex(CRYPTO["sign_digests"]["genesis_hash"])

    assert proposal.encode().hex() == case["body"]
    assert Proposal.decode(proposal.encode()) == proposal
    assert sign_digest("proposal", genesis_hash, proposal.encode()).hex() == case["digest"]


def test_votes_of_unknown_type_and_proposals_of_impossible_rounds_are_refused() -> None:
    vote = Vote(type=VoteType.PREVOTE, height=1, round=0, block_hash=bytes(32)).encode()
    proposal = Proposal(height=1, round=0, pol_round=-2, block_hash=bytes(32), time_ms=0).encode()

    with pytest.raises(DecodeError, match="unknown vote type"):
        Vote.decode(b"\x03" + vote[1:])
    with pytest.raises(DecodeError, match="proof round"):
        Proposal.decode(proposal)
