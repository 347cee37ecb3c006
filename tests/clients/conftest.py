"""The exchange that the harnesses of blocking clients talk to."""

from collections.abc import Iterator

import pytest
from kraken.spot import SpotClient

from tests.support.served_exchange import ServedExchange, served


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedExchange]:
    with served() as exchange:
        # Some clients of python-kraken-sdk build others inside and give them no URL.
        monkeypatch.setattr(SpotClient, "URL", exchange.rest)
        yield exchange
