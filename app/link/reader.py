"""Reads finalised blocks, and what of the state their translation needs, from a node at one block hash."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from async_substrate_interface.utils.decoding import scale_decode
from async_substrate_interface.utils.storage import StorageKey
from scalecodec import ScaleBytes

from app.link.blocks import (
    ACCOUNT,
    EVENT_FIELDS,
    AccountRead,
    BlockEvent,
    BlockExtrinsic,
    FinalisedBlock,
    PoolRead,
    Position,
    ProxyRead,
    Reads,
)
from app.link.connection import NodeConnection, NodeLost, from_hex
from app.link.wire import extrinsic_hash, open_envelope, to_hex
from chain.keys import ss58_decode

KEYS_PER_QUERY = 500
MECHANISM_DYNAMIC = 1
STAKE_CALL = ("StakeInfoRuntimeApi", "get_stake_info_for_hotkey_coldkey_netuid")
_POOL_ITEMS = (
    ("SubtensorModule", "NetworksAdded"),
    ("SubtensorModule", "SubtokenEnabled"),
    ("SubtensorModule", "SubnetMechanism"),
    ("SubtensorModule", "SubnetTAO"),
    ("SubtensorModule", "SubnetAlphaIn"),
    ("SubtensorModule", "LastEpochBlock"),
    ("Swap", "SwapBalancer"),
    ("Swap", "FeeRate"),
)

Key = tuple[str, str, tuple[Any, ...]]
"""A storage item: pallet, name, keys."""


class BlockReader:
    """Reads through one connection; knows nothing of the ledger."""

    def __init__(self, node: NodeConnection) -> None:
        self._node = node
        self._runtime: Any = None

    async def finalised(self) -> tuple[int, bytes]:
        """Return height and hash of the finalised head."""
        head = await self._node.request("chain_getFinalizedHead", [])
        header = await self._node.request("chain_getHeader", [head])
        if header is None:
            raise NodeLost("the finalised head has no header")
        return int(header["number"], 16), from_hex(head)

    async def hash_at(self, number: int) -> bytes | None:
        """Return the block hash of a height, ``None`` above the head."""
        answer = await self._node.request("chain_getBlockHash", [number])
        return None if answer is None else from_hex(answer)

    async def block(self, number: int, netuids: Sequence[int]) -> FinalisedBlock:
        """Return a block with its events and the pools of ``netuids``, without the other reads; raises ``NodeLost``."""
        block_hash = await self.hash_at(number)
        if block_hash is None:
            raise NodeLost(f"no block {number}")
        answer, version = await self._node.requests(
            [("chain_getBlock", [to_hex(block_hash)]), ("state_getRuntimeVersion", [to_hex(block_hash)])]
        )
        if answer is None:
            raise NodeLost(f"no body of block {number}")
        header = answer["block"]["header"]
        parent = from_hex(header["parentHash"])
        if int(header["number"], 16) != number:
            raise NodeLost(f"asked for block {number}, got {header['number']}")
        before = await self._node.request("state_getRuntimeVersion", [to_hex(parent)]) if number > 1 else version
        self._runtime = await self._node.runtime(block_hash, int(before["specVersion"]))
        pool_keys: list[Key] = [(pallet, name, (netuid,)) for netuid in netuids for pallet, name in _POOL_ITEMS]
        timestamp, events, *items = await self._storage(
            [("Timestamp", "Now", ()), ("System", "Events", ()), *pool_keys], block_hash
        )
        pools = {}
        for at, netuid in enumerate(netuids):
            pool = _pool(number, items[at * len(_POOL_ITEMS) : (at + 1) * len(_POOL_ITEMS)])
            if pool is not None:
                pools[netuid] = pool
        return FinalisedBlock(
            number=number,
            hash=block_hash,
            parent=parent,
            ts_ms=int(timestamp),
            spec_version=int(version["specVersion"]),
            extrinsics=tuple(_extrinsic(at, from_hex(text)) for at, text in enumerate(answer["block"]["extrinsics"])),
            events=tuple(_event(at, raw) for at, raw in enumerate(events)),
            pools=pools,
        )

    async def extrinsics_at(self, block_hash: bytes) -> list[BlockExtrinsic] | None:
        """Return the extrinsics of a block, ``None`` where the node does not know it."""
        answer = await self._node.request("chain_getBlock", [to_hex(block_hash)])
        if answer is None:
            return None
        return [_extrinsic(at, from_hex(text)) for at, text in enumerate(answer["block"]["extrinsics"])]

    async def fill(self, block: FinalisedBlock, reads: Reads) -> FinalisedBlock:
        """Return the block with the state that ``reads`` asks for."""
        accounts = await self.accounts(reads.accounts, block.hash)
        used = {}
        for signer, nonce, birth in reads.nonces:
            if accounts[signer].nonce > nonce:
                found = await self._find_nonce(signer, nonce, after=birth, until=block.number)
                if found is not None:
                    used[signer, nonce] = found
        return block.with_state(
            accounts=accounts,
            accounts_before=await self.accounts(reads.accounts_before, block.parent),
            stakes=await self.stakes(reads.positions, block.hash),
            stakes_before=await self.stakes(reads.positions_before, block.parent),
            used_nonces=used,
        )

    async def _find_nonce(self, signer: bytes, nonce: int, *, after: int, until: int) -> bytes | None:
        """Return the hash of the extrinsic that used a nonce between two heights; rare, since ours is seen at once."""
        for number in range(after + 1, until + 1):
            block_hash = await self.hash_at(number)
            if block_hash is None:
                return None
            body = await self._node.request("chain_getBlock", [to_hex(block_hash)])
            for text in body["block"]["extrinsics"]:
                extrinsic = _extrinsic(0, from_hex(text))
                if (extrinsic.signer, extrinsic.nonce) == (signer, nonce):
                    return extrinsic.hash
        return None

    async def accounts(self, publics: Sequence[bytes], at: bytes) -> dict[bytes, AccountRead]:
        """Return balances and nonces at a block."""
        values = await self._storage([("System", "Account", (to_hex(public),)) for public in publics], at)
        return {
            public: AccountRead(
                free=int(value["data"]["free"]), reserved=int(value["data"]["reserved"]), nonce=int(value["nonce"])
            )
            for public, value in zip(publics, values, strict=True)
        }

    async def stakes(self, positions: Sequence[Position], at: bytes) -> dict[Position, int]:
        """Return the stake of positions at a block, alpha rao; 0 where there is none."""
        if not positions:
            return {}
        runtime = await self._codec(at)
        api, method = STAKE_CALL
        output = f"scale_info::{runtime.runtime_api_map[api][method]['output']}"
        calls = [
            ("state_call", [f"{api}_{method}", to_hex(hotkey + coldkey + netuid.to_bytes(2, "little")), to_hex(at)])
            for coldkey, hotkey, netuid in positions
        ]
        answers = await self._node.requests(calls)
        infos = [scale_decode(output, from_hex(answer), runtime=runtime).value for answer in answers]
        return {
            position: 0 if info is None else int(info["stake"]) for position, info in zip(positions, infos, strict=True)
        }

    async def proxies(self, public: bytes, at: bytes) -> list[ProxyRead]:
        """Return who may act for an account at a block."""
        granted, _deposit = (await self._storage([("Proxy", "Proxies", (to_hex(public),))], at))[0]
        return [
            ProxyRead(
                delegate=_account(proxy["delegate"]), proxy_type=str(proxy["proxy_type"]), delay=int(proxy["delay"])
            )
            for proxy in granted
        ]

    async def registered_at(self, netuid: int, at: bytes) -> int:
        """Return the block at which a subnet was registered: with its netuid the identity of its alpha."""
        return int((await self._storage([("SubtensorModule", "NetworkRegisteredAt", (netuid,))], at))[0])

    async def _codec(self, at: bytes) -> Any:
        if self._runtime is None:
            version = await self._node.request("state_getRuntimeVersion", [to_hex(at)])
            self._runtime = await self._node.runtime(at, int(version["specVersion"]))
        return self._runtime

    async def _storage(self, items: Sequence[Key], at: bytes) -> list[Any]:
        """Return the decoded values of storage items at a block, in order; defaults are those of the metadata."""
        values: list[Any] = []
        runtime = await self._codec(at)
        for start in range(0, len(items), KEYS_PER_QUERY):
            keys = [_storage_key(runtime, item) for item in items[start : start + KEYS_PER_QUERY]]
            answer = await self._node.request("state_queryStorageAt", [[key.to_hex() for key in keys], to_hex(at)])
            raw = {name: value for group in answer for name, value in group["changes"]}
            for key in keys:
                data = raw.get(key.to_hex())
                values.append(key.decode_scale_value(None if data is None else ScaleBytes(data)).value)
        return values


def _storage_key(runtime: Any, item: Key) -> Any:
    pallet, name, keys = item
    return StorageKey.create_from_storage_function(
        pallet, name, list(keys), runtime_config=runtime.runtime_config, metadata=runtime.metadata
    )


def _pool(number: int, values: Iterable[Any]) -> PoolRead | None:
    added, enabled, mechanism, tao, alpha, last_epoch, balancer, fee_rate = values
    if not added:
        return None
    return PoolRead(
        tao=int(tao),
        alpha=int(alpha),
        weight=int(balancer["quote"]),
        fee_rate=int(fee_rate),
        closed=not enabled or int(mechanism) != MECHANISM_DYNAMIC,
        epoch_ran=int(last_epoch) == number,
    )


def _extrinsic(index: int, data: bytes) -> BlockExtrinsic:
    envelope = open_envelope(data)
    return BlockExtrinsic(
        index=index,
        signer=envelope.signer,
        nonce=envelope.nonce,
        hash=extrinsic_hash(data),
        remark=envelope.remark,
    )


def _event(index: int, raw: Any) -> BlockEvent:
    pallet, name = str(raw["module_id"]), str(raw["event_id"])
    return BlockEvent(
        index=index,
        extrinsic=raw["extrinsic_idx"] if raw["phase"] == "ApplyExtrinsic" else None,
        pallet=pallet,
        name=name,
        fields=_fields(pallet, name, raw["attributes"]),
    )


def _fields(pallet: str, name: str, attributes: Any) -> dict[str, Any]:
    """Return the fields of an event by our names: the chain gives some by name, some by position, a lone one bare."""
    layout = EVENT_FIELDS.get((pallet, name))
    if layout is None:
        return {}
    if isinstance(attributes, dict) and all(field in attributes for field, _ in layout):
        values = [attributes[field] for field, _ in layout]
    elif isinstance(attributes, list | tuple):
        values = list(attributes)
    else:
        values = [attributes]
    if len(values) != len(layout):
        raise NodeLost(f"{pallet}.{name} has {len(values)} fields instead of {len(layout)}")
    return {
        field: _account(value) if kind == ACCOUNT else value
        for (field, kind), value in zip(layout, values, strict=True)
    }


@lru_cache(maxsize=65_536)
def _account(address: str) -> bytes:
    return ss58_decode(address)
