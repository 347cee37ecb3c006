"""A chain wallet of the demo: one open development key that signs calls and waits until they are final."""

import asyncio
from dataclasses import dataclass
from typing import Any

from app.link.blocks import BlockEvent
from app.link.connection import LinkError, NodeConnection, from_hex
from app.link.reader import BlockReader
from app.link.wire import to_hex
from chain.extrinsic import call_value, sign_extrinsic
from chain.keys import KeyPair
from chain.runtime.declarations import SPEC_VERSION, TRANSACTION_VERSION
from chain.scale.era import mortal_era

PERIOD = 64
POLL_S = 0.05


@dataclass(eq=False)
class CallFailed(LinkError):  # noqa: N818 - what happened
    """A call was included and failed, or was not included while its era lived."""

    detail: str
    code: str = "call_failed"

    def __str__(self) -> str:
        """Return the detail."""
        return f"{self.code}: {self.detail}"


def transfer(recipient: bytes, amount: int) -> Any:
    """Return a transfer of TAO, rao, that keeps the sender alive."""
    return call_value("Balances", "transfer_keep_alive", dest=("Id", recipient), value=amount)


def transfer_stake(recipient: bytes, *, hotkey: bytes, netuid: int, amount: int) -> Any:
    """Return a transfer of alpha, rao, to another coldkey under the same hotkey and subnet."""
    return call_value(
        "SubtensorModule",
        "transfer_stake",
        destination_coldkey=recipient,
        hotkey=hotkey,
        origin_netuid=netuid,
        destination_netuid=netuid,
        alpha_amount=amount,
    )


class Wallet:
    """Signs for one key; a call at a stated nonce is done once, however often it is asked for."""

    def __init__(self, node: NodeConnection, uri: str) -> None:
        self._node = node
        self._reader = BlockReader(node)
        self.key = KeyPair.from_uri(uri)

    @property
    def public(self) -> bytes:
        """Return the account, 32 bytes."""
        return self.key.public

    async def nonce(self) -> int:
        """Return the account's nonce at the finalised head: how many calls are done."""
        _, at = await self._reader.finalised()
        return (await self._reader.accounts([self.public], at))[self.public].nonce

    async def send(self, call: Any) -> list[BlockEvent]:
        """Sign a call with the next nonce, wait until it is final, and return its events; raises ``CallFailed``."""
        return (await self.send_all([call]))[0]

    async def send_all(self, calls: list[Any], *, first_nonce: int | None = None) -> list[list[BlockEvent]]:
        """Sign calls with consecutive nonces, wait until all are final, and return the events of each.

        With ``first_nonce`` those whose nonce is used already are left out: the list may be asked for again after a
        crash. Raises ``CallFailed``.
        """
        nonce = await self.nonce()
        start = nonce if first_nonce is None else first_nonce
        height, birth_hash = await self._reader.finalised()
        waiting: dict[bytes, int] = {}
        found: list[list[BlockEvent]] = [[] for _ in calls]
        for position, call in enumerate(calls):
            if start + position < nonce:
                continue
            extrinsic = sign_extrinsic(
                self.key,
                call,
                nonce=start + position,
                era=mortal_era(PERIOD, height),
                birth_hash=birth_hash,
                genesis_hash=self._node.genesis_hash,
                spec_version=SPEC_VERSION,
                transaction_version=TRANSACTION_VERSION,
            )
            waiting[from_hex(await self._node.request("author_submitExtrinsic", [to_hex(extrinsic)]))] = position
        await self._collect(waiting, found, after=height)
        return found

    async def _collect(self, waiting: dict[bytes, int], found: list[list[BlockEvent]], *, after: int) -> None:
        looked = after
        while waiting:
            height, _ = await self._reader.finalised()
            for number in range(looked + 1, height + 1):
                block = await self._reader.block(number, ())
                for extrinsic in block.extrinsics:
                    position = waiting.pop(extrinsic.hash, None)
                    if position is not None:
                        found[position] = [event for event in block.events if event.extrinsic == extrinsic.index]
                        _check(found[position])
            looked = height
            if height >= after + PERIOD:
                raise CallFailed(f"{len(waiting)} calls not included in {PERIOD} blocks")
            if waiting:
                await asyncio.sleep(POLL_S)


def _check(events: list[BlockEvent]) -> None:
    for event in events:
        if (event.pallet, event.name) == ("System", "ExtrinsicFailed"):
            raise CallFailed(str(event.fields))
