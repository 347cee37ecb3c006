"""Known answers of hashes, signatures, addresses, encodings, trees and identities: what all stands on."""

from collections.abc import Iterator
from typing import Any

from app.verify.family import Case, Family, Mismatch, expect
from chain.block import ConsensusInfo, Header
from chain.consensus.messages import Proposal, Vote, VoteType
from chain.errors import AddressInvalid, DecodeError
from chain.extrinsic import decode_extrinsic, intent_id, join_signed, message_to_sign
from chain.hashing import blake2b_256, blake2b_512, sign_digest
from chain.keys import KeyPair, Scheme, verify
from chain.merkle import StateProof, StateTree, compute_list_root, prove_list_item, verify_list_item, verify_state_proof
from chain.scale.compact import decode_compact, encode_compact
from chain.scale.era import Era, decode_era, mortal_era
from chain.ss58 import ss58_decode, ss58_encode
from ledger.hashing import batch_hash

_HEX = bytes.fromhex


def _signs(case: Case) -> None:
    pair = KeyPair.from_seed(_HEX(case["seed"]))
    message, signature = _HEX(case["message"]), _HEX(case["signature"])
    expect(pair.public.hex(), case["public"], "public")
    expect(pair.sign(message).hex(), case["signature"], "signature")
    expect(verify(Scheme.ED25519, pair.public, message, signature), True, "verdict")


def _verifies(case: Case) -> None:
    verdict = verify(Scheme.ED25519, _HEX(case["public"]), _HEX(case["message"]), _HEX(case["signature"]))
    expect(verdict, case["valid"], "verdict")


def _hashes_512(case: Case) -> None:
    expect(blake2b_512(_HEX(case["in"])).hex(), case["out"], "digest")


def _hashes_256(case: Case) -> None:
    expect(blake2b_256(_HEX(case["in"])).hex(), case["out"], "digest")


def _addresses(case: Case) -> None:
    if "why" in case:
        _refuses_address(case["address"])
        return
    if "seed" in case:
        expect(KeyPair.from_seed(_HEX(case["seed"])).public.hex(), case["public"], "public")
    expect(ss58_encode(_HEX(case["public"]), case["format"]), case["address"], "address")
    expect(ss58_decode(case["address"], case["format"]).hex(), case["public"], "account")


def _refuses_address(address: str) -> None:
    try:
        account = ss58_decode(address)
    except AddressInvalid:
        return
    raise Mismatch(f"accepted as {account.hex()}")


def _compacts(case: Case) -> None:
    data = _HEX(case["hex"])
    if "why" in case:
        _refuses_compact(data)
        return
    value = int(case["n"])
    expect(encode_compact(value).hex(), case["hex"], "encoding")
    expect(decode_compact(data), (value, len(data)), "value")


def _refuses_compact(data: bytes) -> None:
    try:
        value, _ = decode_compact(data)
    except DecodeError:
        return
    raise Mismatch(f"accepted as {value}")


def _eras(case: Case) -> None:
    era = Era(case["period"], case["phase"])
    expect(era.encode().hex(), case["hex"], "encoding")
    expect(decode_era(_HEX(case["hex"])), (era, len(case["hex"]) // 2), "era")
    for moment in case["birth_at"]:
        current = moment["current"]
        expect(era.birth(current), moment["birth"], f"birth at {current}")
        expect(era.death(current), moment["death"], f"death at {current}")
        expect(mortal_era(era.period, era.birth(current)), era, f"era born at {moment['birth']}")


def _signs_digest(case: Case) -> None:
    given, body = case["of"], _consensus_body(case)
    pair = KeyPair.from_seed(_HEX(case["seed"]))
    expect(pair.public.hex(), case["public"], "public")
    expect(body.hex(), given["body"], "body")
    digest = sign_digest(case["tag"], _HEX(case["genesis_hash"]), body)
    expect(digest.hex(), given["digest"], "digest")
    expect(pair.sign(digest).hex(), given["signature"], "signature")
    expect(verify(Scheme.ED25519, pair.public, digest, _HEX(given["signature"])), True, "verdict")


def _consensus_body(case: Case) -> bytes:
    given = case["of"]
    height, round_number, block_hash = int(given["height"]), int(given["round"]), _HEX(given["block_hash"])
    if case["kind"] == "vote":
        return Vote(type=VoteType(given["type"]), height=height, round=round_number, block_hash=block_hash).encode()
    return Proposal(
        height=height,
        round=round_number,
        pol_round=given["pol_round"],
        block_hash=block_hash,
        time_ms=int(given["time_ms"]),
    ).encode()


def _commits_to_list(case: Case) -> None:
    items = [_HEX(item) for item in case["items"][: case["n"]]]
    root = compute_list_root(items)
    if "root" in case:
        expect(root.hex(), case["root"], "root")
        return
    path = prove_list_item(items, case["index"])
    expect([[side, sibling.hex()] for side, sibling in path], case["path"], "path")
    expect(verify_list_item(root, items[case["index"]], path), True, "verdict")


def _commits_to_state(case: Case) -> None:
    tree = StateTree()
    for position, step in enumerate(case["steps"]):
        tree = tree.update(_changes(step["op"]))
        expect(tree.root.hex(), step["root"], f"root after step {position}")
    expect(tree.root.hex(), case["final_root"], "final root")
    for proof in case["proofs"]:
        _proves_state(tree, proof)


def _changes(op: Any) -> dict[bytes, bytes | None]:
    match op:
        case "empty":
            return {}
        case ["set", key, value]:
            return {_HEX(key): _HEX(value)}
        case ["delete", key]:
            return {_HEX(key): None}
        case ["set_many", pairs]:
            return {_HEX(key): _HEX(value) for key, value in pairs}
    raise Mismatch(f"unknown step {op!r}")


def _proves_state(tree: StateTree, case: Case) -> None:
    key, value = _HEX(case["key"]), None if case["value"] is None else _HEX(case["value"])
    terminal = case["terminal"] and tuple(map(_HEX, case["terminal"]))
    known = StateProof(siblings=tuple(map(_HEX, case["siblings"])), terminal=terminal)
    expect(tree.prove(key), known, f"proof of {case['key']}")
    expect(verify_state_proof(tree.root, key, value, known), True, f"verdict on {case['key']}")


def _chains_batches(case: Case) -> None:
    digest = batch_hash(_HEX(case["prev"]), int(case["seq"]), _HEX(case["body"]))
    expect(digest.hex(), case["hash"], "hash")


def _identifies(case: Case) -> None:
    given = case["of"]
    pair = KeyPair.from_seed(_HEX(case["seed"]))
    call, extra, implicit = _HEX(given["call"]), _HEX(given["extra"]), _HEX(given["implicit"])
    payload = call + extra + implicit
    message = message_to_sign(payload)
    signature = pair.sign(message)
    raw = join_signed(pair.public, pair.scheme, signature, extra, call)
    expect(pair.public.hex(), given["signer"], "signer")
    expect(len(payload), given["payload_length"], "payload length")
    expect(message.hex(), given["signed_message"], "signed message")
    expect(signature.hex(), given["ed25519_signature"], "signature")
    expect(raw.hex(), given["extrinsic"], "extrinsic")
    expect(blake2b_256(raw).hex(), given["ext_hash"], "ext_hash")
    expect(intent_id(pair.public, payload).hex(), given["intent_id"], "intent_id")
    # The calls are examples of shape only, so just those that the runtime knows are read back.
    try:
        extrinsic = decode_extrinsic(raw)
    except DecodeError:
        return
    genesis_hash, birth_hash = implicit[8:40], implicit[40:72]
    expect(extrinsic.ext_hash.hex(), given["ext_hash"], "hash of what was read")
    expect(extrinsic.payload(genesis_hash=genesis_hash, birth_hash=birth_hash), payload, "payload of what was read")


def _heads(case: Case) -> None:
    header = Header(
        parent=_HEX(case["parent"]),
        number=case["number"],
        state_root=_HEX(case["state_root"]),
        extrinsics_root=_HEX(case["extrinsics_root"]),
        logs=tuple(map(_HEX, case["logs"])),
    )
    expect(header.encode().hex(), case["header"], "header")
    expect(header.hash.hex(), case["block_hash"], "block hash")
    expect(Header.decode(_HEX(case["header"])), header, "header read back")
    info = case["consensus_info"]
    expect(header.info, None if info is None else ConsensusInfo.decode(_HEX(info)), "consensus information")


_RUNNERS = {
    "ed25519_rfc8032": _signs,
    "ed25519_wycheproof": _verifies,
    "ed25519_strictness": _verifies,
    "blake2b_512": _hashes_512,
    "blake2b_256": _hashes_256,
    "ss58": _addresses,
    "compact": _compacts,
    "era": _eras,
    "sign_digests": _signs_digest,
    "merkle_list": _commits_to_list,
    "state_tree": _commits_to_state,
    "event_log_chain": _chains_batches,
    "extrinsic_intent": _identifies,
    "header": _heads,
}
_OTHER_SECTIONS = frozenset({"liability_sum_tree"})
_MARKS = frozenset({"rule", "source"})


def _recognises(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    sections = document.keys() - {"about"}
    return (
        bool(sections)
        and sections <= _RUNNERS.keys() | _OTHER_SECTIONS
        and all(isinstance(document[name], dict) and document[name].keys() & _MARKS for name in sections)
    )


def _sections(document: Any) -> Iterator[tuple[str, list[Case]]]:
    for name, section in document.items():
        if name != "about":
            yield name, _cases(name, section)


def _cases(name: str, section: Any) -> list[Case]:
    match name:
        case "sign_digests":
            return [
                {**section, "kind": kind, "tag": section[f"{kind}s_tag"], "of": given}
                for kind in ("vote", "proposal")
                for given in section.get(f"{kind}s", ())
            ]
        case "merkle_list":
            return [{"items": section["items"], **given} for given in [*section["roots"], *section["proofs"]]]
        case "extrinsic_intent":
            return [{"seed": section["seed"], "of": given} for given in section["cases"]]
        case "state_tree":
            return [section]
    return [*section.get("cases", (section,)), *section.get("invalid", ())]


FAMILY = Family(name="crypto", recognises=_recognises, sections=_sections, runners=_RUNNERS)
