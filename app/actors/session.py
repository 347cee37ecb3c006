"""Plays the actors against one node: reads each head, signs what the strategy decides, and sends it in its order.

An actor whose last call still waits in the pool does nothing until that is in a block. What the node refuses is counted
and told, and decided anew at the next head; a lost connection ends the session.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import structlog

from app.actors.reading import read_nonces, read_scene
from app.actors.repeatable import RepeatableKey
from app.actors.scene import Scene
from app.actors.strategy import Deed, Strategy
from app.actors.wire import NodeSocket
from app.link.connection import LinkError, NodeRefused
from app.link.wire import to_hex
from chain.extrinsic import sign_extrinsic
from chain.runtime.declarations import SPEC_VERSION, TRANSACTION_VERSION
from chain.scale.era import mortal_era

PERIOD: Final = 64
"""Blocks that a signed call is good for."""

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class NobodyToPlay(LinkError):  # noqa: N818 - what was found
    """The node's chain has none of the development validators."""

    url: str
    code: str = "nobody_to_play"

    def __str__(self) -> str:
        """Return what is wrong."""
        return f"{self.code}: no subnet of {self.url} has a development validator; is it a development chain?"


@dataclass(slots=True)
class ActorsSession:
    """Actors on one connection; ``done`` counts what was sent, by kind, and what was refused."""

    node: NodeSocket
    strategy: Strategy
    done: Counter[str] = field(default_factory=Counter)
    _keys: dict[str, RepeatableKey] = field(default_factory=dict)

    async def netuids(self) -> list[int]:
        """Return the subnets on which a validator of ours is registered; raises ``NobodyToPlay``."""
        scene = await self._look(*await self.node.finalised())
        hotkeys = {validator.hotkey for validator in self.strategy.validators}
        found = [subnet.netuid for subnet in scene.subnets if hotkeys & set(subnet.hotkeys)]
        if not found:
            raise NobodyToPlay(self.node.url)
        return found

    async def play(self, *, blocks: int = 0, seal: bool = False) -> None:
        """Act on so many heads, 0 for as long as there are any; ``seal`` makes a block by hand after each.

        Heads that came while the actors were busy are passed over. Raises ``LinkError`` when the node goes away.
        """
        async with aclosing(self._heads(seal=seal)) as heads:
            async for height, at in heads:
                await self.act(height, at)
                if seal:
                    await self.node.request("dev_seal", [])
                self.done["blocks"] += 1
                if self.done["blocks"] == blocks:
                    return

    async def act(self, height: int, at: bytes) -> None:
        """Do what is to be done in the block after this one; raises ``LinkError``."""
        deeds = self.strategy.decide(await self._look(height, at))
        nonces = await self._free_signers(deeds, at)
        for deed in deeds:
            if deed.uri in nonces:
                nonces[deed.uri] += await self._send(deed, nonce=nonces[deed.uri], height=height, birth_hash=at)

    async def _look(self, height: int, at: bytes) -> Scene:
        hotkeys = [validator.hotkey for validator in self.strategy.validators]
        return await read_scene(self.node, height=height, at=at, validators=hotkeys, miners=self.strategy.miners)

    async def _heads(self, *, seal: bool) -> AsyncGenerator[tuple[int, bytes], None]:
        while seal:
            yield await self.node.finalised()
        await self.node.follow()
        last = -1
        while True:
            await self.node.news()
            height, at = await self.node.finalised()
            if height > last:
                last = height
                yield height, at

    async def _free_signers(self, deeds: Sequence[Deed], at: bytes) -> dict[str, int]:
        """Return the next nonce of every signer that has nothing waiting."""
        uris = list(dict.fromkeys(deed.uri for deed in deeds))
        if not uris:
            return {}
        keys = [self._key(uri) for uri in uris]
        nonces = await read_nonces(self.node, [key.public for key in keys], at)
        following = await self.node.requests([("account_nextIndex", [key.address]) for key in keys])
        return {uri: nonce for uri, nonce, after in zip(uris, nonces, following, strict=True) if nonce == int(after)}

    async def _send(self, deed: Deed, *, nonce: int, height: int, birth_hash: bytes) -> bool:
        """Sign and submit a call; return whether the node took it."""
        # A signature keeps the loop busy for a while; whoever wants to end gets in between.
        await asyncio.sleep(0)
        extrinsic = sign_extrinsic(
            self._key(deed.uri),
            deed.call,
            nonce=nonce,
            era=mortal_era(PERIOD, height),
            birth_hash=birth_hash,
            genesis_hash=self.node.genesis_hash,
            spec_version=SPEC_VERSION,
            transaction_version=TRANSACTION_VERSION,
        )
        try:
            await self.node.request("author_submitExtrinsic", [to_hex(extrinsic)])
        except NodeRefused as refused:
            self.done["refused"] += 1
            log.warning("refused", kind=deed.kind, actor=deed.uri, height=height, error=str(refused))
            return False
        self.done[deed.kind] += 1
        return True

    def _key(self, uri: str) -> RepeatableKey:
        if uri not in self._keys:
            self._keys[uri] = RepeatableKey.of(uri)
        return self._keys[uri]
