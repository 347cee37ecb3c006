"""API keys and address books, found by what a client sends."""

from dataclasses import dataclass

import msgspec

from app.gateway.auth import ApiKey, Permission
from app.gateway.vault import SealedKey
from ledger.engine.layout import TAO_ASSET
from ledger.engine.views import AddressView, Views


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
    """Keys by their text, kept ready; address books are read where the engine keeps them."""

    def __init__(self, reads: Views) -> None:
        self._reads = reads
        self._keys: dict[str, ApiKey] = {}
        self._known = 0

    def refresh(self) -> None:
        """Take up the API keys that were added since the last time; a later key of one text replaces the earlier."""
        for key in self._reads.engine.directory.api_keys[self._known :]:
            self._known += 1
            body = msgspec.json.decode(key.body, type=SealedKey)
            self._keys[body.key] = ApiKey(
                key=body.key,
                account=key.account,
                permissions=Permission(key.permissions),
                nonce_window=key.nonce_window,
                sealed=body.sealed,
                name=str(body.name),
            )

    def find_key(self, key: str) -> ApiKey | None:
        """Return a known key."""
        return self._keys.get(key)

    def find_address(self, account: int, asset: int, name: str) -> Address | None:
        """Return the entry of a name in an account's book, the newest of that name."""
        found = [entry for entry in self._book(account) if (entry.asset, entry.name) == (asset, name)]
        return found[-1] if found else None

    def address_numbered(self, address_id: int) -> Address | None:
        """Return an entry by its id."""
        view = self._reads.address(address_id)
        return None if view is None else _address(view)

    def addresses_of(self, account: int) -> list[Address]:
        """Return the book of an account, oldest first; of one name the newest entry alone."""
        newest = {(entry.asset, entry.name): entry for entry in self._book(account)}
        return sorted(newest.values(), key=lambda entry: entry.address_id)

    def _book(self, account: int) -> list[Address]:
        return [_address(view) for view in self._reads.addresses(account)]


def _address(view: AddressView) -> Address:
    body = msgspec.json.decode(view.body, type=AddressBody)
    return Address(
        address_id=view.address_id,
        account=view.account,
        asset=TAO_ASSET if view.netuid is None else view.netuid + 1,
        name=body.name,
        public=bytes.fromhex(body.public.removeprefix("0x")),
        usable_from_ms=view.usable_from_ms,
        hotkey=view.hotkey,
    )
