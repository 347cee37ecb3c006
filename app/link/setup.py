"""What an operator does on the chain once: the hot key lets the trading key swap, and nothing more, in its name."""

import asyncio
from dataclasses import dataclass

from app.custody.signer import Signed, SigningRequest, SigningService
from app.link.calls import add_staking_proxy
from app.link.connection import LinkError, NodeConnection, NodeRefused
from app.link.keybook import OurKey
from app.link.reader import BlockReader
from app.link.wire import CallSpec, to_hex
from ledger.engine.layout import KeyRole

PERIOD = 64


@dataclass(eq=False)
class SetupFailed(LinkError):  # noqa: N818 - what happened
    """A set-up extrinsic was not included while its era lived, or failed."""

    detail: str
    code: str = "setup_failed"

    def __str__(self) -> str:
        """Return the detail."""
        return f"{self.code}: {self.detail}"


async def ensure_staking_proxy(
    node: NodeConnection, signer: SigningService, hot: OurKey, trading: OurKey, *, poll_s: float = 0.1
) -> bool:
    """Have the hot key grant the staking proxy to the trading key; ``False`` where it stands already.

    To be done once the hot key has TAO and before the ledger imports its first head: the proxy's deposit is reserved
    from the hot key's balance, which the ledger would later find unexplained. Raises ``SetupFailed``, and what
    connection and signer raise.
    """
    if await has_staking_proxy(node, hot, trading):
        return False
    signed = await sign_operator_call(node, signer, hot, add_staking_proxy(trading.public))
    reader = BlockReader(node)
    while not await has_staking_proxy(node, hot, trading):
        height, _ = await reader.finalised()
        if height >= signed.birth + signed.period:
            raise SetupFailed(f"no staking proxy at height {height}")
        await resend(node, signed.extrinsic)
        await asyncio.sleep(poll_s)
    return True


async def has_staking_proxy(node: NodeConnection, hot: OurKey, trading: OurKey) -> bool:
    """Return whether the finalised state has the trading key as a staking proxy of the hot key, without delay."""
    reader = BlockReader(node)
    _, at = await reader.finalised()
    return any(
        proxy.delegate == trading.public and proxy.proxy_type == "Staking" and proxy.delay == 0
        for proxy in await reader.proxies(hot.public, at)
    )


async def sign_operator_call(node: NodeConnection, signer: SigningService, key: OurKey, call: CallSpec) -> Signed:
    """Return a set-up call signed by the hot or trading key at the finalised head; the signer decides on it."""
    reader = BlockReader(node)
    height, at = await reader.finalised()
    version = await node.request("state_getRuntimeVersion", [to_hex(at)])
    runtime = await node.runtime(at, int(version["specVersion"]))
    nonce = (await reader.accounts([key.public], at))[key.public].nonce
    signing = SigningRequest(
        job=None,
        job_id=0,
        role=KeyRole(key.role),
        key=key.number,
        nonce=nonce,
        call=node.compose(runtime, call),
        birth=height,
        birth_hash=at,
        period=PERIOD,
        genesis_hash=node.genesis_hash,
        spec_version=int(version["specVersion"]),
        transaction_version=int(version["transactionVersion"]),
    )
    return await asyncio.to_thread(signer.sign, signing)


async def resend(node: NodeConnection, extrinsic: bytes) -> None:
    """Give bytes to the node again; that it has them already is no failure, the state tells what became of them."""
    try:
        await node.request("author_submitExtrinsic", [to_hex(extrinsic)])
    except NodeRefused:
        return
