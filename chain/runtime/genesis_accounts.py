"""Accounts of a genesis: named keys with funds, and the books that keep the issuance equal to what they hold."""

from functools import lru_cache
from typing import Final

from chain.keys import KeyPair
from chain.runtime.state import Overlay

_FLAGS: Final = 1 << 127


@lru_cache(maxsize=64)
def named(uri: str) -> bytes:
    """Return the account of a development key such as ``//Alice``, sr25519."""
    return KeyPair.from_uri(uri).public


def endow(overlay: Overlay, account: bytes, amount: int) -> None:
    """Give an account TAO in rao that did not exist before."""
    found = overlay.get("System.Account", account)
    data = {**found["data"], "free": found["data"]["free"] + amount, "flags": _FLAGS}
    overlay.put("System.Account", account, {**found, "providers": 1, "data": data})
    for item in ("Balances.TotalIssuance", "SubtensorModule.TotalIssuance"):
        overlay.put(item, overlay.get(item) + amount)
