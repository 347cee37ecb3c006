"""Sealed seeds open for the right passphrase only, and derive the same keys for ever."""

import json
import stat
from pathlib import Path

import pytest

from app.custody.errors import SealBroken
from app.custody.keys import LEAST_MEMORY_BYTES, Keyring, load_or_create_seed, new_seed, save_sealed, seal, unseal
from ledger.engine.layout import KeyRole

CHEAP = {"passes": 1, "memory_bytes": LEAST_MEMORY_BYTES}


def test_a_sealed_seed_opens_with_its_passphrase_and_with_no_other() -> None:
    seed = new_seed()
    content = seal(seed, b"correct horse", **CHEAP)

    assert unseal(content, b"correct horse") == seed
    with pytest.raises(SealBroken, match="seal_closed"):
        unseal(content, b"battery staple")


def test_no_two_seals_are_alike_and_none_shows_the_seed() -> None:
    seed = new_seed()
    first, second = seal(seed, b"p", **CHEAP), seal(seed, b"p", **CHEAP)

    assert first != second
    assert seed.hex().encode() not in first
    assert repr(Keyring(seed)).find(seed.hex()) == -1


@pytest.mark.parametrize("field", ["salt", "box"])
def test_a_changed_byte_is_noticed(field: str) -> None:
    record = json.loads(seal(new_seed(), b"p", **CHEAP))
    changed = bytearray(bytes.fromhex(record[field]))
    changed[-1] ^= 1
    record[field] = changed.hex()

    with pytest.raises(SealBroken, match="seal_closed"):
        unseal(json.dumps(record).encode(), b"p")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": 2}, "seal_version"),
        ({"format": "something else"}, "seal_format"),
        ({"kdf": "scrypt"}, "seal_format"),
        ({"salt": "00"}, "seal_format"),
        ({"box": "not hex"}, "seal_format"),
        ({"memory_bytes": 1}, "kdf_bounds"),
        ({"passes": 10**9}, "kdf_bounds"),
        ({"memory_bytes": 2**40}, "kdf_bounds"),
    ],
)
def test_a_file_of_another_form_is_refused_by_code(change: dict[str, object], code: str) -> None:
    record = {**json.loads(seal(new_seed(), b"p", **CHEAP)), **change}

    with pytest.raises(SealBroken) as caught:
        unseal(json.dumps(record).encode(), b"p")

    assert caught.value.code == code


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b'"text"'])
def test_garbage_is_no_sealed_file(content: bytes) -> None:
    with pytest.raises(SealBroken, match="seal_format"):
        unseal(content, b"p")


def test_weak_sealing_is_refused() -> None:
    with pytest.raises(SealBroken, match="kdf_bounds"):
        seal(new_seed(), b"p", passes=1, memory_bytes=2**20)
    with pytest.raises(SealBroken, match="passphrase_empty"):
        seal(new_seed(), b"", **CHEAP)
    with pytest.raises(SealBroken, match="seed_length"):
        seal(b"short", b"p", **CHEAP)


def test_a_seed_file_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "custody.sealed"
    seed = load_or_create_seed(path, b"p", **CHEAP)

    assert load_or_create_seed(path, b"p", **CHEAP) == seed
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        save_sealed(path, b"another")
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_of_a_seed_file_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "custody.sealed"
    path.with_name("custody.sealed.new").write_bytes(b'{"format": "taob')

    seed = load_or_create_seed(path, b"p", **CHEAP)

    assert unseal(path.read_bytes(), b"p") == seed


def test_every_role_and_number_has_its_own_key_and_always_the_same() -> None:
    ring = Keyring(bytes(range(32)))
    publics = {ring.public(role, number) for role in KeyRole for number in range(1, 50)}

    assert len(publics) == 3 * 49
    assert ring.public(KeyRole.HOT, 1) == Keyring(bytes(range(32))).public(KeyRole.HOT, 1)
    assert ring.public(KeyRole.HOT, 1) != Keyring(bytes(32)).public(KeyRole.HOT, 1)
    assert ring.public(KeyRole.DEPOSIT, 3).hex() == KNOWN_DEPOSIT_3


KNOWN_DEPOSIT_3 = "c7711a4df6a42b4b3d93ed5a07d034ec6b8e4922c550f780311d74519571e886"
"""Frozen: a change of derivation would lose every deposit address."""


@pytest.mark.parametrize("number", [0, -1, 2**32])
def test_a_key_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(SealBroken, match="key_number"):
        Keyring(bytes(32)).public(KeyRole.HOT, number)
