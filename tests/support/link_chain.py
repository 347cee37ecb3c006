"""What strangers do on the chain in the link's tests: named development accounts that pay and stake."""

from typing import Any

from app.link.connection import NodeConnection
from app.link.reader import BlockReader
from app.link.wire import to_hex
from chain.extrinsic import call_value, sign_extrinsic
from chain.keys import KeyPair
from chain.node import Node

TAO = 10**9
NETUID = 1
ALICE, BOB = KeyPair.from_uri("//Alice"), KeyPair.from_uri("//Bob")
VALIDATOR = KeyPair.from_uri("//Charlie//hotkey").public


class Person:
    """A development account that signs calls by names and has them put into the next block."""

    def __init__(self, node: Node, uri: str) -> None:
        self.node = node
        self.pair = KeyPair.from_uri(uri)

    @property
    def public(self) -> bytes:
        return self.pair.public

    def call(self, pallet: str, name: str, **arguments: Any) -> None:
        """Sign a call and give it to the node's pool."""
        extrinsic = sign_extrinsic(
            self.pair,
            call_value(pallet, name, **arguments),
            nonce=self.node.next_nonce(self.public),
            genesis_hash=self.node.genesis_hash,
        )
        self.node.submit(extrinsic)

    def pay(self, recipient: bytes, amount: int) -> None:
        """Send TAO, rao."""
        self.call("Balances", "transfer_keep_alive", dest=("Id", recipient), value=amount)

    def pay_alpha(self, recipient: bytes, amount: int, netuid: int = NETUID) -> None:
        """Send alpha under the development validator, alpha rao."""
        self.call(
            "SubtensorModule",
            "transfer_stake",
            destination_coldkey=recipient,
            hotkey=VALIDATOR,
            origin_netuid=netuid,
            destination_netuid=netuid,
            alpha_amount=amount,
        )


async def free_of(node: NodeConnection, public: bytes) -> int:
    """Return the free balance at the finalised head, rao."""
    reader = BlockReader(node)
    _, at = await reader.finalised()
    return (await reader.accounts([public], at))[public].free


async def stake_of(node: NodeConnection, coldkey: bytes, netuid: int = NETUID) -> int:
    """Return the stake under the development validator at the finalised head, alpha rao."""
    reader = BlockReader(node)
    _, at = await reader.finalised()
    position = (coldkey, VALIDATOR, netuid)
    return (await reader.stakes([position], at))[position]


async def pending(node: NodeConnection) -> list[str]:
    """Return what waits in the node's pool, as hex."""
    return [str(text) for text in await node.request("author_pendingExtrinsics", [])]


__all__ = ["ALICE", "BOB", "NETUID", "TAO", "VALIDATOR", "Person", "free_of", "pending", "stake_of", "to_hex"]
