"""An engine's state as one would write it first: balances and orders in Python dictionaries, the books sorted.

``python -m load_tests.baselines.engine_in_dicts CUSTOMERS BALANCES_EACH ORDERS`` says what the process takes before and
with them, as one line of JSON. It keeps client ids with their answers, and nothing else: no texts, volumes or limits.
"""

import json
import random
import sys
from bisect import insort
from dataclasses import dataclass

from load_tests.memory import resident_mb
from load_tests.opening import MARKETS, POOL_ALPHA, POOL_TAO, TAO

PRICE = POOL_TAO * 10**9 // POOL_ALPHA


@dataclass(slots=True)
class Balance:
    """What a customer has of one asset, rao."""

    free: int
    held: int


@dataclass(slots=True)
class Order:
    """A resting order, with the figures that an answer tells; rao, and rao per alpha."""

    account: int
    netuid: int
    price: int
    amount: int
    filled: int
    paid: int
    fee: int
    held: int


class DictState:
    """Balances by (account, asset), orders by id, and by market a sorted list of (price, id)."""

    def __init__(self) -> None:
        self.balances: dict[tuple[int, int], Balance] = {}
        self.orders: dict[int, Order] = {}
        self.books: list[list[tuple[int, int]]] = [[] for _ in range(MARKETS + 1)]
        self.answers: dict[tuple[int, int], int] = {}

    def fill(self, customers: int, balances_each: int, orders: int, draw: random.Random) -> None:
        """Add the rows."""
        for account in range(1, customers + 1):
            for place in range(balances_each):
                asset = (account * 31 + place * 17) % MARKETS + 1 if place else 0
                self.balances[account, asset] = Balance(TAO + draw.getrandbits(30), 0)
        for order_id in range(1, orders + 1):
            account, netuid = order_id % customers + 1, draw.randint(1, MARKETS)
            amount, price = draw.randint(TAO, 10 * TAO), PRICE * draw.randint(600_000, 998_000) // 1_000_000
            held = amount * price // TAO
            self.orders[order_id] = Order(account, netuid, price, amount, 0, 0, 0, held)
            self.balances[account, 0].held += held
            insort(self.books[netuid], (price, order_id))
            self.answers[account, draw.getrandbits(128)] = order_id


def main() -> None:
    """Build, and print one line of JSON."""
    customers, balances_each, orders = (int(argument) for argument in sys.argv[1:])
    state = DictState()
    program_mb = resident_mb()
    state.fill(customers, balances_each, orders, random.Random(11))
    told = {"customers": customers, "program_mb": round(program_mb, 1), "resident_mb": round(resident_mb(), 1)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
