"""Weights on a development chain: rows set by its validators, and what came of them."""

from collections.abc import Sequence
from typing import Any

from chain.keys import KeyPair
from chain.runtime.genesis import DEV_VALIDATORS
from chain.runtime.transition import BlockResult
from tests.support.dev_chain import DevChain, stake

VALIDATORS = tuple(KeyPair.from_uri(uri) for uri, _ in DEV_VALIDATORS)
"""Hotkeys of the development chain's validators, with the numbers 1 to 3."""
FIRST_MINER = 4
"""Number of the first of three miners on every subnet."""
EQUAL = ((4, 1), (5, 1), (6, 1))
"""A row that scores all miners alike."""

Row = Sequence[tuple[int, int]]


def set_weights(netuid: int, row: Row = EQUAL, *, version: int = 0, mecid: int | None = None) -> Any:
    """Return a call that sets a row openly."""
    args: dict[str, Any] = {
        "netuid": netuid,
        "dests": [uid for uid, _ in row],
        "weights": [value for _, value in row],
        "version_key": version,
    }
    if mecid is None:
        return stake("set_weights", **args)
    return stake("set_mechanism_weights", mecid=mecid, **args)


def score(chain: DevChain, netuid: int, rows: Sequence[Row] = (EQUAL,) * 3) -> BlockResult:
    """Add a block in which the validators set these rows; every one of them has to be accepted."""
    result = chain.run(*((key, set_weights(netuid, row)) for key, row in zip(VALIDATORS, rows, strict=False)))
    assert all(receipt.success for receipt in result.receipts)
    return result
