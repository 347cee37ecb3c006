import base64

import msgspec
import pytest

from app.gateway.auth import TRADER, ApiKey, Authenticator, Permission, Tokens, sign
from app.gateway.kraken.errors import Refused
from app.gateway.limits import LOCKOUT_FAILURES, LOCKOUT_MS, Limits
from app.gateway.nonces import MemoryNonces
from app.gateway.vault import SealBroken, SealedKey, Vault, load_or_create_master_key

PATH = "/0/private/Balance"
VAULT = Vault(bytes(range(32)))
NEW = VAULT.new_key()
SECRET = base64.b64decode(NEW.secret)


class OneKey:
    def __init__(self, permissions: Permission = TRADER) -> None:
        sealed = msgspec.json.decode(NEW.payload, type=SealedKey).sealed
        self.key = ApiKey(NEW.key, 1, permissions, 0, sealed)

    def find_key(self, key: str) -> ApiKey | None:
        return self.key if key == NEW.key else None


def authenticator(permissions: Permission = TRADER, limits: Limits | None = None) -> Authenticator:
    return Authenticator(OneKey(permissions), VAULT, MemoryNonces(), limits or Limits())


async def check(checks: Authenticator, nonce: str, *, signature: str | None = None, body: bytes | None = None) -> None:
    raw = f"nonce={nonce}".encode() if body is None else body
    signed = sign(PATH, nonce, raw, SECRET) if signature is None else signature
    await checks.check(
        checks.find_key(NEW.key, "a", 0),
        path=PATH,
        nonce=nonce,
        raw_body=raw,
        signature=signed,
        permission=Permission.QUERY_FUNDS,
    )


async def refusal(checks: Authenticator, nonce: str, *, signature: str | None = None) -> str:
    with pytest.raises(Refused) as refused:
        await check(checks, nonce, signature=signature)
    return refused.value.error


async def test_a_good_call_passes_once() -> None:
    checks = authenticator()

    await check(checks, "100")

    assert await refusal(checks, "100") == "EAPI:Invalid nonce"
    assert await refusal(checks, "99") == "EAPI:Invalid nonce"
    await check(checks, "101")


@pytest.mark.parametrize("signature", ["", "x", "AAAA", base64.b64encode(bytes(64)).decode(), "ÄÖ", "=" * 100])
async def test_a_bad_signature_is_refused_and_burns_no_nonce(signature: str) -> None:
    checks = authenticator()

    assert await refusal(checks, "100", signature=signature) == "EAPI:Invalid signature"
    await check(checks, "100")


async def test_a_signature_over_other_bytes_is_refused() -> None:
    checks = authenticator()
    right = sign(PATH, "100", b"nonce=100", SECRET)

    with pytest.raises(Refused, match="invalid_signature"):
        await check(checks, "100", signature=right, body=b"nonce=100&pair=SN1TAO")


@pytest.mark.parametrize("nonce", ["", "abc", "-5", "1.5", str(2**64)])
async def test_a_nonce_that_is_none_is_refused_though_signed(nonce: str) -> None:
    assert await refusal(authenticator(), nonce) == "EAPI:Invalid nonce"


async def test_a_key_without_the_right_is_denied() -> None:
    assert await refusal(authenticator(Permission.CANCEL_ORDERS), "1") == "EGeneral:Permission denied"


def test_unknown_keys_in_a_row_lock_their_address_out_but_known_keys_are_served() -> None:
    checks = authenticator()
    told = []
    for attempt in range(LOCKOUT_FAILURES + 1):
        with pytest.raises(Refused) as refused:
            checks.find_key("nobody", "10.0.0.1", attempt)
        told.append(refused.value.error)

    assert told[:-1] == ["EAPI:Invalid key"] * LOCKOUT_FAILURES
    assert told[-1] == "EGeneral:Temporary lockout"
    with pytest.raises(Refused, match="invalid_key"):
        checks.find_key("nobody", "10.0.0.2", 0)
    with pytest.raises(Refused, match="invalid_key"):
        checks.find_key("nobody", "10.0.0.1", LOCKOUT_FAILURES + LOCKOUT_MS)
    assert checks.find_key(NEW.key, "10.0.0.1", LOCKOUT_FAILURES).account == 1


def test_a_sealed_secret_opens_with_its_own_master_key_only() -> None:
    sealed = msgspec.json.decode(NEW.payload, type=SealedKey).sealed

    assert VAULT.open(sealed) == SECRET
    assert NEW.secret not in NEW.payload.decode()
    with pytest.raises(SealBroken):
        Vault(bytes(32)).open(sealed)


def test_the_master_key_is_drawn_once_and_is_its_owners_alone(tmp_path) -> None:
    path = tmp_path / "master.key"

    first = load_or_create_master_key(path)

    assert load_or_create_master_key(path) == first
    assert len(first) == 32
    assert path.stat().st_mode & 0o077 == 0


def test_a_token_expires_and_only_so_many_are_kept() -> None:
    tokens = Tokens(tokens_max=2)
    key = OneKey().key
    first, second, third = (tokens.issue(key, 0) for _ in range(3))

    assert tokens.find(first, 0) is None
    assert tokens.find(second, 0) is key
    assert tokens.find(third, 900_000) is None
