"""The methods that clients call, by name; each reads its parameters, asks the node, and shapes the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from chain.epoch_records import describe
from chain.hashing import blake2b_256
from chain.mempool import PoolEvent
from chain.rpc.jsonrpc import CLIENT_ERROR, UNKNOWN_METHOD, RpcError, invalid_params
from chain.rpc.params import (
    param,
    read_account,
    read_bytes,
    read_count,
    read_height,
    read_keys,
    read_text,
    to_hex,
    to_hex_or_none,
)
from chain.rpc.session import Session, Topic
from chain.rpc.views import ChainView, runtime_version
from chain.runtime.declarations import codec
from chain.scale.metadata import metadata

KEYS_MAX: Final = 4_096
"""Keys in one query or subscription."""

PAGE_MAX: Final = 1_000
"""Keys in one page."""

ALL_KEYS_MAX: Final = 100_000
"""Keys that ``state_getKeys`` answers at most; more is an error, never a shortened answer."""

HEIGHTS_MAX: Final = 4_096
"""Heights in one question for block hashes."""

NETUID_MAX: Final = 65_535

_METADATA_VERSION: Final = 14


class Backend(Protocol):
    """What methods need of the node behind them."""

    view: ChainView
    chain_name: str
    is_dev: bool

    def submit(self, data: bytes) -> list[PoolEvent]:
        """Put an extrinsic into the pool; raises ``RpcError``."""
        ...

    def pending(self) -> list[bytes]:
        """Return the extrinsics that wait."""
        ...

    def next_nonce(self, account: bytes) -> int:
        """Return an account's next nonce, its waiting extrinsics counted."""
        ...

    async def seal(self) -> bytes:
        """Make a block now and return its hash; raises ``RpcError`` unless seals are manual."""
        ...

    def advance_time(self, milliseconds: int) -> int:
        """Move a development chain's clock and return its new time; raises ``RpcError`` unless seals are manual."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """A call with everything it may use."""

    node: Backend
    session: Session
    params: list[Any]

    @property
    def view(self) -> ChainView:
        """The committed chain."""
        return self.node.view

    def param(self, index: int) -> Any:
        """Return a parameter, ``None`` where it is missing."""
        return param(self.params, index)

    def height(self, index: int) -> int:
        """Return the height of the block hash at a place, the head for null."""
        return self.view.resolve(self.param(index))


Method = Callable[[Request], Any]


async def call_method(node: Backend, session: Session, name: str, params: list[Any]) -> Any:
    """Answer one call; raises ``RpcError``."""
    method = METHODS.get(name)
    if method is None or (name in DEV_METHODS and not node.is_dev):
        raise RpcError(UNKNOWN_METHOD, f"Method not found: {name}")
    result = method(Request(node, session, params))
    return await result if isinstance(result, Awaitable) else result


# chain_*


def _block_hash(request: Request) -> Any:
    asked = request.param(0)
    if asked is None:
        return to_hex(request.view.hash)
    if isinstance(asked, list):
        if len(asked) > HEIGHTS_MAX:
            raise invalid_params(f"at most {HEIGHTS_MAX} heights")
        return [to_hex_or_none(request.view.hash_at(read_height(item, "number"))) for item in asked]
    return to_hex_or_none(request.view.hash_at(read_height(asked, "number")))


def _head(request: Request) -> str:
    return to_hex(request.view.hash)


def _header(request: Request) -> dict[str, Any] | None:
    height = request.view.find(request.param(0))
    return None if height is None else request.view.header(height).to_rpc()


def _block(request: Request) -> dict[str, Any] | None:
    height = request.view.find(request.param(0))
    if height is None:
        return None
    block = request.view.block(height).block
    shown = {"header": block.header.to_rpc(), "extrinsics": [to_hex(data) for data in block.extrinsics]}
    return {"block": shown, "justifications": None}


def _subscribe_heads(request: Request, topic: Topic) -> str:
    subscription = request.session.subscribe(topic)
    # Read before the answer is sent: a block in between would be told of twice or not at all.
    shown = request.view.header(request.view.height).to_rpc()
    request.session.after_answer(partial(request.session.notify, subscription, shown))
    return subscription.id


def _unsubscribe(request: Request) -> bool:
    request.session.unsubscribe(read_text(request.param(0), "subscription"))
    return True


# state_*


def _runtime_version(request: Request) -> dict[str, Any]:
    request.height(0)
    return runtime_version()


def _metadata(request: Request) -> str:
    request.height(0)
    return to_hex(metadata(_METADATA_VERSION) or b"")


def _call(request: Request) -> str:
    name = read_text(request.param(0), "name")
    arguments = request.param(1)
    data = b"" if arguments is None else read_bytes(arguments, "arguments")
    return to_hex(request.view.call(name, data, request.height(2)))


def _storage(request: Request) -> str | None:
    key = read_bytes(request.param(0), "key")
    return to_hex_or_none(request.view.storage(key, request.height(1)))


def _storage_hash(request: Request) -> str | None:
    value = request.view.storage(read_bytes(request.param(0), "key"), request.height(1))
    return None if value is None else to_hex(blake2b_256(value))


def _storage_size(request: Request) -> int | None:
    value = request.view.storage(read_bytes(request.param(0), "key"), request.height(1))
    return None if value is None else len(value)


def _query_storage(request: Request) -> list[dict[str, Any]]:
    keys = read_keys(request.param(0), "keys", maximum=KEYS_MAX)
    return [_storage_changes(request.view, keys, request.height(1))]


def _storage_changes(view: ChainView, keys: list[bytes], height: int) -> dict[str, Any]:
    changes = [[to_hex(key), to_hex_or_none(view.storage(key, height))] for key in keys]
    return {"block": to_hex_or_none(view.hash_at(height)), "changes": changes}


def _keys_paged(request: Request) -> list[str]:
    prefix = b"" if request.param(0) is None else read_bytes(request.param(0), "prefix")
    count = read_count(request.param(1), "count", maximum=PAGE_MAX)
    after = b"" if request.param(2) is None else read_bytes(request.param(2), "start key")
    keys = request.view.keys(prefix, height=request.height(3), after=after, limit=count)
    return [to_hex(key) for key in keys]


def _all_keys(request: Request) -> list[str]:
    prefix = read_bytes(request.param(0), "prefix")
    keys = request.view.keys(prefix, height=request.height(1), after=b"", limit=ALL_KEYS_MAX + 1)
    if len(keys) > ALL_KEYS_MAX:
        raise RpcError(CLIENT_ERROR, f"Client error: more than {ALL_KEYS_MAX} keys; use state_getKeysPaged")
    return [to_hex(key) for key in keys]


def _subscribe_storage(request: Request) -> str:
    keys = read_keys(request.param(0), "keys", maximum=KEYS_MAX)
    subscription = request.session.subscribe(Topic.STORAGE, keys=frozenset(keys))
    now = _storage_changes(request.view, keys, request.view.height)
    request.session.after_answer(partial(request.session.notify, subscription, now))
    return subscription.id


def _subscribe_runtime_version(request: Request) -> str:
    subscription = request.session.subscribe(Topic.RUNTIME_VERSION)
    request.session.after_answer(partial(request.session.notify, subscription, runtime_version()))
    return subscription.id


# author_*, account_*, payment_*


def _submit(request: Request) -> str:
    data = read_bytes(request.param(0), "extrinsic")
    request.node.submit(data)
    return to_hex(blake2b_256(data))


def _submit_and_watch(request: Request) -> str:
    data = read_bytes(request.param(0), "extrinsic")
    # The room for the subscription comes first: an extrinsic that was taken must also be watched.
    subscription = request.session.subscribe(Topic.EXTRINSIC, extrinsic=blake2b_256(data))
    try:
        events = request.node.submit(data)
    except BaseException:
        request.session.unsubscribe(subscription.id)
        raise
    for event in events:
        if event.hash == subscription.extrinsic:
            request.session.after_answer(partial(request.session.notify, subscription, event.status))
    return subscription.id


def _pending(request: Request) -> list[str]:
    return [to_hex(data) for data in request.node.pending()]


def _next_index(request: Request) -> int:
    return request.node.next_nonce(read_account(request.param(0), "account"))


def _fee_argument(data: bytes) -> bytes:
    """Return the arguments of both fee calls: the extrinsic as it stands, then its length."""
    return data + len(data).to_bytes(4, "little")


def _query_info(request: Request) -> dict[str, Any]:
    data = read_bytes(request.param(0), "extrinsic")
    output = request.view.call("TransactionPaymentApi_query_info", _fee_argument(data), request.height(1))
    info = codec().decode("RuntimeDispatchInfo", output)
    return {
        "weight": info["weight"],
        "class": info["class"].lower(),
        "partialFee": str(info["partial_fee"]),
    }


def _query_fee_details(request: Request) -> dict[str, Any]:
    data = read_bytes(request.param(0), "extrinsic")
    output = request.view.call("TransactionPaymentApi_query_fee_details", _fee_argument(data), request.height(1))
    fee = codec().decode("FeeDetails", output)["inclusion_fee"]
    shown = fee and {
        "baseFee": hex(fee["base_fee"]),
        "lenFee": hex(fee["len_fee"]),
        "adjustedWeightFee": hex(fee["adjusted_weight_fee"]),
    }
    return {"inclusionFee": shown}


# system_*, rpc_*


def _properties(_: Request) -> dict[str, Any]:
    return {"isEthereum": False, "ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO"}


def _health(_: Request) -> dict[str, Any]:
    return {"peers": 0, "isSyncing": False, "shouldHavePeers": False}


def _sync_state(request: Request) -> dict[str, Any]:
    height = request.view.height
    return {"startingBlock": 0, "currentBlock": height, "highestBlock": height}


def _peer_id(request: Request) -> str:
    return request.view.genesis_hash.hex()[:16]


def _rpc_methods(request: Request) -> dict[str, Any]:
    return {"methods": sorted(name for name in METHODS if request.node.is_dev or name not in DEV_METHODS)}


def _chain_name(request: Request) -> str:
    return request.node.chain_name


def _chain_type(request: Request) -> str:
    return "Development" if request.node.is_dev else "Live"


# taobourse_*


def _epoch(request: Request) -> dict[str, Any] | None:
    """Answer what an epoch was told and everything it computed: ``[netuid, mechanism, height, names]``.

    Without a height the subnet's last epoch is meant, without names all fields.
    """
    netuid = read_count(request.param(0), "netuid", maximum=NETUID_MAX)
    mecid = 0 if request.param(1) is None else read_height(request.param(1), "mechanism")
    names = request.param(3)
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise invalid_params("names must be a list of texts")
    asked = request.param(2)
    if asked is None:
        asked = request.view.state.get("SubtensorModule.LastMechansimStepBlock", netuid)
    record = request.view.epoch(netuid, mecid, read_height(asked, "height"))
    return None if record is None else describe(record, names)


# dev_*


async def _seal(request: Request) -> str:
    return to_hex(await request.node.seal())


def _advance_time(request: Request) -> int:
    return request.node.advance_time(read_count(request.param(0), "milliseconds", maximum=10**12))


DEV_METHODS: Final = frozenset({"dev_seal", "dev_advance_time"})
"""Offered by development chains only."""

METHODS: Final[dict[str, Method]] = {
    "chain_getBlockHash": _block_hash,
    "chain_getHead": _head,
    "chain_getFinalizedHead": _head,
    "chain_getFinalisedHead": _head,
    "chain_getHeader": _header,
    "chain_getBlock": _block,
    "chain_subscribeNewHeads": partial(_subscribe_heads, topic=Topic.NEW_HEADS),
    "chain_subscribeNewHead": partial(_subscribe_heads, topic=Topic.NEW_HEADS),
    "chain_unsubscribeNewHeads": _unsubscribe,
    "chain_unsubscribeNewHead": _unsubscribe,
    "chain_subscribeFinalizedHeads": partial(_subscribe_heads, topic=Topic.FINALIZED_HEADS),
    "chain_subscribeFinalisedHeads": partial(_subscribe_heads, topic=Topic.FINALIZED_HEADS),
    "chain_unsubscribeFinalizedHeads": _unsubscribe,
    "chain_unsubscribeFinalisedHeads": _unsubscribe,
    "state_getRuntimeVersion": _runtime_version,
    "chain_getRuntimeVersion": _runtime_version,
    "state_getMetadata": _metadata,
    "state_call": _call,
    "state_getStorage": _storage,
    "state_getStorageAt": _storage,
    "state_getStorageHash": _storage_hash,
    "state_getStorageSize": _storage_size,
    "state_queryStorageAt": _query_storage,
    "state_getKeysPaged": _keys_paged,
    "state_getKeysPagedAt": _keys_paged,
    "state_getKeys": _all_keys,
    "state_subscribeStorage": _subscribe_storage,
    "state_unsubscribeStorage": _unsubscribe,
    "state_subscribeRuntimeVersion": _subscribe_runtime_version,
    "state_unsubscribeRuntimeVersion": _unsubscribe,
    "account_nextIndex": _next_index,
    "system_accountNextIndex": _next_index,
    "author_submitExtrinsic": _submit,
    "author_submitAndWatchExtrinsic": _submit_and_watch,
    "author_unwatchExtrinsic": _unsubscribe,
    "author_pendingExtrinsics": _pending,
    "payment_queryInfo": _query_info,
    "payment_queryFeeDetails": _query_fee_details,
    "system_chain": _chain_name,
    "system_name": lambda _: "taobourse-chain",
    "system_version": lambda _: "0.1.0",
    "system_chainType": _chain_type,
    "system_properties": _properties,
    "system_health": _health,
    "system_syncState": _sync_state,
    "system_peers": lambda _: [],
    "system_localPeerId": _peer_id,
    "system_nodeRoles": lambda _: ["Authority"],
    "rpc_methods": _rpc_methods,
    "taobourse_epoch": _epoch,
    "dev_seal": _seal,
    "dev_advance_time": _advance_time,
}
