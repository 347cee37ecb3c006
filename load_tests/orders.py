"""What clients order in every scenario and baseline: market orders that buy and then sell the same again.

A client never sells what it did not buy before, so every order is funded and fills; each side of a comparison trades
the same orders on the same markets.
"""

import random
from dataclasses import dataclass

LOT_RAO = 10
SMALLEST_LOTS, LARGEST_LOTS = 10**7, 10**8
"""Volumes: 0.1 to 1 alpha, in lots of 10 rao, the eight decimals a client may give."""


@dataclass(frozen=True, slots=True)
class MarketOrder:
    """Buy or sell exactly ``volume`` rao of alpha at the market; ``account`` counts from 1, ``netuid`` from 1."""

    account: int
    netuid: int
    is_sell: bool
    volume: int


def draw_orders(accounts: int, markets: int, count: int, seed: int) -> list[list[MarketOrder]]:
    """Return ``count`` orders for each account, to be sent in order: a buy on some market, the sale of it, and on."""
    draw = random.Random(seed)
    return [
        [order for _ in range((count + 1) // 2) for order in _there_and_back(draw, account, markets)][:count]
        for account in range(1, accounts + 1)
    ]


def _there_and_back(draw: random.Random, account: int, markets: int) -> tuple[MarketOrder, MarketOrder]:
    netuid = draw.randint(1, markets)
    volume = LOT_RAO * draw.randint(SMALLEST_LOTS, LARGEST_LOTS)
    return MarketOrder(account, netuid, False, volume), MarketOrder(account, netuid, True, volume)
