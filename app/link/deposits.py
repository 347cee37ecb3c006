"""Our chain keys in the ledger: the hot and the trading key, and one deposit key for each customer account."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from app.custody.keys import HOT_NUMBER, TRADING_NUMBER
from app.link.connection import LinkError
from app.link.keybook import OurKey
from app.link.submitter import Submit
from chain.keys import ss58_encode
from ledger.engine.layout import CommandKind, KeyRole
from ledger.engine.records import body_digest, client_id, command, request
from ledger.engine.views import KeyView, Views
from ledger.errors import Refusal

ATTEMPTS = 16


@dataclass(eq=False)
class KeyRefused(LinkError):  # noqa: N818 - an answer
    """The ledger did not take a key, or has another one under its number; ``refusal`` is the ledger's code, or 0."""

    number: int
    refusal: int
    detail: str = ""
    code: str = "key_refused"

    def __str__(self) -> str:
        """Return number, code and detail."""
        return f"{self.code}: key {self.number}, refusal {self.refusal} {self.detail}"


class PublicKeys(Protocol):
    """Who knows the public keys of custody: the keyring, or the signer's process."""

    def public(self, role: KeyRole, number: int) -> bytes:
        """Return a key, 32 bytes; may block."""


def custody_keys(keyring: PublicKeys) -> tuple[OurKey, OurKey]:
    """Return hot and trading key as the seed gives them: known before any ledger is."""
    hot = keyring.public(KeyRole.HOT, HOT_NUMBER)
    trading = keyring.public(KeyRole.TRADING, TRADING_NUMBER)
    return (
        OurKey(number=HOT_NUMBER, role=KeyRole.HOT, account=0, public=hot),
        OurKey(number=TRADING_NUMBER, role=KeyRole.TRADING, account=0, public=trading),
    )


@dataclass(slots=True)
class ChainKeys:
    """Derives keys from the custody seed and enters them into the ledger, in which a key's number is its derivation."""

    reads: Views
    submit: Submit
    keyring: PublicKeys
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ensure_custody(self) -> tuple[KeyView, KeyView]:
        """Return hot and trading key, entering them first into an empty ledger; raises ``KeyRefused``.

        A ledger that knows other keys than the seed gives was made with another seed: nothing could ever be signed.
        """
        async with self._lock:
            hot = await self._ensure(HOT_NUMBER, KeyRole.HOT, 0)
            return hot, await self._ensure(TRADING_NUMBER, KeyRole.TRADING, 0)

    async def assign_deposit_key(self, account: int) -> str:
        """Return the deposit address (SS58) of an account, deriving the next key at the first time.

        Raises ``KeyRefused``, with ``UNKNOWN_ACCOUNT`` for an account that is not open.
        """
        async with self._lock:
            for _ in range(ATTEMPTS):
                view = self.reads.account(account)
                if view is None:
                    raise KeyRefused(0, Refusal.UNKNOWN_ACCOUNT, f"account {account}")
                if view.deposit_key:
                    return ss58_encode((await self._existing(view.deposit_key, KeyRole.DEPOSIT)).public)
                number = len(self.reads.keys()) + 1
                code = await self._add(number, KeyRole.DEPOSIT, account)
                if code not in {0, Refusal.NUMBER_OUT_OF_ORDER}:
                    raise KeyRefused(number, code)
        raise KeyRefused(number, code, f"after {ATTEMPTS} attempts")

    async def _ensure(self, number: int, role: KeyRole, account: int) -> KeyView:
        if len(self.reads.keys()) < number:
            code = await self._add(number, role, account)
            if code:
                raise KeyRefused(number, code)
        return await self._existing(number, role)

    async def _existing(self, number: int, role: KeyRole) -> KeyView:
        key = self.reads.keys()[number - 1]
        if key.role is not role or key.public != await self._public(role, number):
            raise KeyRefused(number, 0, "the ledger has another key under this number: another custody seed")
        return key

    async def _public(self, role: KeyRole, number: int) -> bytes:
        return await asyncio.to_thread(self.keyring.public, role, number)

    async def _add(self, number: int, role: KeyRole, account: int) -> int:
        public = await self._public(role, number)
        hi, lo = client_id(f"chain-key/{number}/{public.hex()}")
        answer = await self.submit(
            request(
                command(
                    CommandKind.ADD_CHAIN_KEY,
                    key=number,
                    role=role,
                    account=account,
                    public=1,
                    client_id_hi=hi,
                    client_id_lo=lo,
                    body_digest=body_digest(public + account.to_bytes(4, "little")),
                ),
                payloads=[public],
            )
        )
        return answer.code
