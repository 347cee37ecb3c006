"""API keys and address books, found by what a client sends."""

from dataclasses import dataclass

import msgspec

from app.gateway.auth import ApiKey, Permission
from app.gateway.folds.funding import asset_of
from app.gateway.folds.rows import Row
from app.gateway.vault import SealedKey


class AddressBody(msgspec.Struct, frozen=True):
    """The payload of ``ADD_ADDRESS``: the customer's name of it, and the 32-byte account in hex."""

    name: str
    public: str


@dataclass(frozen=True, slots=True)
class Address:
    """One entry of an address book; ``hotkey`` 0 means the market's idle hotkey."""

    address_id: int
    account: int
    asset: int
    name: str
    public: bytes
    usable_from_ms: int
    hotkey: int


class Customers:
    """The read model; later entries of one name replace earlier ones."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._books: dict[int, dict[tuple[int, str], Address]] = {}
        self._by_id: dict[int, Address] = {}

    def key_added(self, row: Row, payload: bytes) -> None:
        """Fold ``API_KEY_ADDED``."""
        body = msgspec.json.decode(payload, type=SealedKey)
        self._keys[body.key] = ApiKey(
            key=body.key,
            account=row.account,
            permissions=Permission(row.aux),
            nonce_window=row.limit,
            sealed=body.sealed,
            name=str(body.name),
        )

    def address_added(self, row: Row, payload: bytes) -> None:
        """Fold ``ADDRESS_ADDED``."""
        body = msgspec.json.decode(payload, type=AddressBody)
        address = Address(
            address_id=row.seq,
            account=row.account,
            asset=asset_of(row),
            name=body.name,
            public=bytes.fromhex(body.public.removeprefix("0x")),
            usable_from_ms=row.aux,
            hotkey=row.other,
        )
        self._books.setdefault(row.account, {})[address.asset, address.name] = address
        self._by_id[address.address_id] = address

    def find_key(self, key: str) -> ApiKey | None:
        """Return a known key."""
        return self._keys.get(key)

    def find_address(self, account: int, asset: int, name: str) -> Address | None:
        """Return the entry of a name in an account's book."""
        return self._books.get(account, {}).get((asset, name))

    def address_numbered(self, address_id: int) -> Address | None:
        """Return an entry by its id."""
        return self._by_id.get(address_id)

    def addresses_of(self, account: int) -> list[Address]:
        """Return the book of an account, oldest first."""
        return sorted(self._books.get(account, {}).values(), key=lambda address: address.address_id)
