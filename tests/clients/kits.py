"""The clients of the harnesses as their documentation builds them, only their URLs changed."""

from dataclasses import dataclass
from typing import Any

from kraken.spot import Funding, Market, Trade, User

from app.gateway.vault import NewKey
from tests.support.served_exchange import ServedExchange


def options(rest: str, key: NewKey) -> dict[str, Any]:
    """Return the options of ccxt."""
    return {
        "apiKey": key.key,
        "secret": key.secret,
        # Its nonces are milliseconds: two calls within one would be refused.
        "rateLimit": 2,
        "urls": {"api": {"public": rest, "private": rest}},
    }


@dataclass
class Clients:
    """Every client of python-kraken-sdk of one customer."""

    market: Market
    user: User
    trade: Trade
    funding: Funding


def sdk_clients(shop: ServedExchange, account: int) -> Clients:
    """Return the clients of python-kraken-sdk with a key of their own."""
    key = shop.new_key(account)
    figures = {"key": key.key, "secret": key.secret, "url": shop.rest}
    return Clients(Market(url=shop.rest), User(**figures), Trade(**figures), Funding(**figures))
