"""A step of the development set-up: the demo's customers with keys and deposits, once the link follows the chain."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.demo.setup import TESTER, fund_tester, open_customers
from app.gateway.vault import Vault, load_or_create_master_key
from app.serve.life import Told
from app.serve.orders import MASTER_KEY, Order
from app.serve.parts.house import open_house
from app.serve.world import WORLD

__all__ = ["WORLD", "open_part"]


@asynccontextmanager
async def open_part(order: Order) -> AsyncIterator[Told]:
    """Open and fund them where that is still to be done, and tell their keys."""
    async with AsyncExitStack() as stack:
        house = await open_house(stack, order)
        customers = await open_customers(house, Vault(load_or_create_master_key(order.folder / MASTER_KEY)))
        await fund_tester(house, next(customer for customer in customers if customer.name == TESTER))
        yield {"accounts": [customer.told() for customer in customers]}
