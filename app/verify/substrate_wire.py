"""Known bytes of the Substrate interface: accounts, storage keys, calls, extrinsics, events, answers, headers."""

from collections.abc import Iterator
from typing import Any

from app.verify.family import Case, Family, expect
from chain.block import Header
from chain.extrinsic import decode_extrinsic, encode_extra, encode_implicit, encode_inherent, message_to_sign
from chain.keys import KeyPair, verify
from chain.runtime.declarations import TYPES, codec, runtime_call, storage
from chain.runtime.declarations.notation import HASHER_NAMES
from chain.scale.compact import decode_compact, encode_compact
from chain.scale.era import IMMORTAL, Era, decode_era, mortal_era
from chain.scale.plain import from_plain, to_plain
from chain.ss58 import ss58_decode, ss58_encode
from chain.storage_keys import prefix, split_key, storage_key

_HEX = bytes.fromhex


def _accounts(case: Case) -> None:
    public = _HEX(case["public_key"])
    expect(ss58_encode(public), case["ss58"], "address")
    expect(ss58_decode(case["ss58"]).hex(), case["public_key"], "account")
    name = case["name"]
    if name.startswith("//"):
        expect(KeyPair.from_uri(name, case["scheme"]).public.hex(), case["public_key"], "public key")
    elif name.startswith("seed 0x"):
        byte, _, count = name.removeprefix("seed 0x").partition("*")
        seed = _HEX(byte) * int(count or 1)
        expect(KeyPair.from_seed(seed, case["scheme"]).public.hex(), case["public_key"], "public key")


def _storage_keys(case: Case) -> None:
    pallet, item = case["pallet"], case["item"]
    declared = storage(pallet, item)
    args = [from_plain(TYPES, key.type, arg) for key, arg in zip(declared.keys, case["args"], strict=True)]
    expect([key.hasher for key in declared.keys], [HASHER_NAMES[name] for name in case["hashers"]], "hashers")
    expect(prefix(pallet, item).hex(), case["prefix"], "prefix")
    expect(storage_key(pallet, item, *args).hex(), case["key"], "key")
    expect(split_key(_HEX(case["key"])), (pallet, item, tuple(args)), "key read back")
    expect("Optional" if declared.optional else "Default", case["modifier"], "modifier")
    expect(declared.default.hex(), case["default"], "default")


def _compacts(case: Case) -> None:
    data = _HEX(case["scale"])
    expect(encode_compact(int(case["value"])).hex(), case["scale"], "encoding")
    expect(decode_compact(data), (int(case["value"]), len(data)), "value")


def _eras(case: Case) -> None:
    era = mortal_era(case["period"], case["current"])
    data = _HEX(case["encoded"])
    expect(era.encode().hex(), case["encoded"], "encoding")
    expect(decode_era(data), (era, len(data)), "era")
    expect(era.birth(case["current"]), case["birth"], "birth")


def _calls(case: Case) -> None:
    plain = {case["pallet"]: {case["call"]: case["args"]}}
    _same_bytes("RuntimeCall", from_plain(TYPES, "RuntimeCall", plain), case["scale"])


def _signed_extrinsics(case: Case) -> None:
    era = _era(case["era"])
    genesis_hash, birth_hash = _HEX(case["genesis_hash"]), _HEX(case["era_block_hash"])
    versions = {"spec_version": case["spec_version"], "transaction_version": case["transaction_version"]}
    extra = encode_extra(era, case["nonce"], case["tip"])
    implicit = encode_implicit(genesis_hash, birth_hash, **versions)
    payload = _HEX(case["call"]) + extra + implicit
    expect(extra.hex(), case["included_in_extrinsic"], "extra")
    expect(implicit.hex(), case["included_in_signed_data"], "implicit")
    expect(message_to_sign(payload).hex(), case["payload"], "signed message")

    extrinsic = decode_extrinsic(_HEX(case["extrinsic"]))
    signer = (extrinsic.signer or b"").hex()
    expect((signer, ss58_encode(_HEX(signer))), (case["public_key"], case["signer"]), "signer")
    expect((extrinsic.era, extrinsic.nonce, extrinsic.tip), (era, case["nonce"], case["tip"]), "era, nonce, tip")
    expect(extrinsic.call_bytes.hex(), case["call"], "call")
    expect(codec().encode("RuntimeCall", extrinsic.call).hex(), case["call"], "call written back")
    expect((str(extrinsic.scheme), extrinsic.signature.hex()), (case["scheme"], case["signature"]), "signature")
    expect(extrinsic.ext_hash.hex(), case["extrinsic_hash"], "hash")
    good = {"genesis_hash": genesis_hash, "birth_hash": birth_hash, **versions}
    expect(extrinsic.verify_signature(**good), True, "verdict")
    expect(extrinsic.verify_signature(**{**good, "birth_hash": bytes(32)}), False, "verdict for another fork")
    changed = bytes((payload[0] ^ 1,)) + payload[1:]
    expect(
        verify(case["scheme"], _HEX(signer), message_to_sign(changed), extrinsic.signature),
        False,
        "verdict for another call",
    )


def _era(given: Any) -> Era:
    if isinstance(given, dict):
        return mortal_era(given["period"], given["current"])
    era, _ = decode_era(_HEX(given))
    expect(era, IMMORTAL, "era")
    return era


def _inherents(case: Case) -> None:
    extrinsic = decode_extrinsic(_HEX(case["extrinsic"]))
    expect(extrinsic.is_signed, False, "whether it is signed")
    expect(encode_inherent(extrinsic.call).hex(), case["extrinsic"], "inherent written back")


def _events(case: Case) -> None:
    _same_bytes("Vec<EventRecord>", from_plain(TYPES, "Vec<EventRecord>", case["records"]), case["scale"])
    plain = to_plain(TYPES, "Vec<EventRecord>", codec().decode("Vec<EventRecord>", _HEX(case["scale"])))
    expect(plain, case["records"], "records in plain form")


def _runtime_answers(case: Case) -> None:
    declared = runtime_call(case["call"])
    names = [name for name, _ in declared.inputs]
    expect(names, [name for name, _ in case["inputs"]], "names of inputs")
    for (name, ours), (_, known) in zip(declared.inputs, case["inputs"], strict=True):
        # Types that only the public metadata numbers carry no name to compare.
        if not known.startswith("scale_info::"):
            expect(ours, known, f"type of {name}")
    _same_bytes(declared.output, from_plain(TYPES, declared.output, case["value"]), case["scale"])


def _accounts_info(case: Case) -> None:
    _same_bytes("AccountInfo", from_plain(TYPES, "AccountInfo", case["value"]), case["scale"])


def _heads(case: Case) -> None:
    header = Header(
        parent=_HEX(case["parent_hash"]),
        number=case["number"],
        state_root=_HEX(case["state_root"]),
        extrinsics_root=_HEX(case["extrinsics_root"]),
        logs=tuple(map(_HEX, case["digest_logs"])),
    )
    expect(header.encode().hex(), case["scale"], "header")
    expect(header.hash.hex(), case["hash"], "hash")
    for log in header.logs:
        expect(codec().encode("DigestItem", codec().decode("DigestItem", log)), log, "log written back")


def _same_bytes(type_text: str, value: Any, scale: str) -> None:
    expect(codec().encode(type_text, value).hex(), scale, "bytes")
    expect(codec().decode(type_text, _HEX(scale)), value, "value")


_RUNNERS = {
    "accounts": _accounts,
    "storage_keys": _storage_keys,
    "compact": _compacts,
    "era": _eras,
    "calls": _calls,
    "signed_extrinsics": _signed_extrinsics,
    "inherent": _inherents,
    "event_vectors": _events,
    "runtime_api": _runtime_answers,
    "account_info": _accounts_info,
    "header": _heads,
}
_SINGLE = frozenset({"inherent", "account_info", "header"})


def _recognises(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    sections = document.keys() - {"about"}
    return (
        bool(sections)
        and sections <= _RUNNERS.keys()
        and all(isinstance(document[name], dict if name in _SINGLE else list) for name in sections)
        and not any("rule" in document[name] for name in sections & _SINGLE)
    )


def _sections(document: Any) -> Iterator[tuple[str, list[Case]]]:
    for name, section in document.items():
        if name != "about":
            yield name, [section] if name in _SINGLE else section


FAMILY = Family(name="substrate_wire", recognises=_recognises, sections=_sections, runners=_RUNNERS)
