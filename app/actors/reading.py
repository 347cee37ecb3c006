"""Reads the scene of the actors from a node at one block hash, in a handful of requests."""

from collections.abc import Sequence
from typing import Any, Final

from app.actors.scene import MechanismSeen, Scene, SubnetSeen
from app.actors.wire import NodeSocket
from app.link.connection import NodeLost, from_hex
from app.link.wire import to_hex
from chain.errors import DecodeError, NotDeclared
from chain.runtime.items import item

SUBNETS_MAX: Final = 16
"""Subnets that are played, the first ones; root is not among them."""
KEYS_PER_QUERY: Final = 500
_MODULE: Final = "SubtensorModule"
_MECHANISM_STRIDE: Final = 4_096
_RULES: Final = (
    "Tempo",
    "LastEpochBlock",
    "PendingEpochAt",
    "SubnetEpochIndex",
    "WeightsSetRateLimit",
    "CommitRevealWeightsEnabled",
    "RevealPeriodEpochs",
    "MaxAllowedUids",
    "ImmunityPeriod",
    "Burn",
    "MaxBurn",
    "SubnetOwner",
    "ValidatorPermit",
    "SubnetworkN",
    "MechanismCountCurrent",
)

Entry = tuple[str, tuple[Any, ...]]
"""Name of a storage item with its keys."""


async def read_scene(node: NodeSocket, *, height: int, at: bytes, validators: Sequence[bytes], miners: bytes) -> Scene:
    """Return what the actors see at a block.

    ``validators`` are the hotkeys whose commits are looked for, ``miners`` is the coldkey that pays. Raises
    ``LinkError``.
    """
    netuids = await _netuids(node, at)
    (account,) = await read_storage(node, [("System.Account", (miners,))], at)
    values = await read_storage(node, [(name, (netuid,)) for netuid in netuids for name in _RULES], at)
    rules = [
        dict(zip(_RULES, values[start : start + len(_RULES)], strict=True))
        for start in range(0, len(values), len(_RULES))
    ]
    asked: list[Entry] = []
    for netuid, rule in zip(netuids, rules, strict=True):
        asked += [("Keys", (netuid, uid)) for uid in range(rule["SubnetworkN"])]
        for index in _indices(netuid, rule):
            asked.append(("LastUpdate", (index,)))
            if rule["CommitRevealWeightsEnabled"]:
                asked += [("WeightCommits", (index, hotkey)) for hotkey in validators]
    found = iter(await read_storage(node, asked, at))
    subnets = [_subnet(netuid, rule, found, validators=validators) for netuid, rule in zip(netuids, rules, strict=True)]
    return Scene(height=height, purse=int(account["data"]["free"]), subnets=tuple(subnets))


async def read_nonces(node: NodeSocket, accounts: Sequence[bytes], at: bytes) -> list[int]:
    """Return the nonces of accounts at a block; raises ``LinkError``."""
    entries = [("System.Account", (account,)) for account in accounts]
    return [int(account["nonce"]) for account in await read_storage(node, entries, at)]


async def read_storage(node: NodeSocket, entries: Sequence[Entry], at: bytes) -> list[Any]:
    """Return the values of storage entries at a block, in order; a bare name is one of SubtensorModule."""
    values = []
    for start in range(0, len(entries), KEYS_PER_QUERY):
        items = [(item(_full(name)), keys) for name, keys in entries[start : start + KEYS_PER_QUERY]]
        keys = [to_hex(declared.key(parts)) for declared, parts in items]
        groups = await node.request("state_queryStorageAt", [keys, to_hex(at)])
        try:
            raw = {key: value for group in groups for key, value in group["changes"]}
            for (declared, _), key in zip(items, keys, strict=True):
                data = raw.get(key)
                values.append(declared.default if data is None else declared.decode(from_hex(data)))
        except (DecodeError, KeyError, TypeError, ValueError) as error:
            raise NodeLost(f"{node.url}: not the storage of this chain: {error}") from error
    return values


async def _netuids(node: NodeSocket, at: bytes) -> list[int]:
    networks = item(_full("NetworksAdded"))
    keys = await node.request("state_getKeysPaged", [to_hex(networks.prefix), SUBNETS_MAX * 8, None, to_hex(at)])
    try:
        netuids = sorted(int(networks.keys(from_hex(key))[0]) for key in keys)
    except (NotDeclared, TypeError) as error:
        raise NodeLost(f"{node.url}: not keys of this chain: {error}") from error
    return [netuid for netuid in netuids if netuid][:SUBNETS_MAX]


def _subnet(netuid: int, rule: dict[str, Any], found: Any, *, validators: Sequence[bytes]) -> SubnetSeen:
    """Return a subnet of its rules, and of what comes next of what was asked for."""
    hotkeys = tuple(next(found) for _ in range(rule["SubnetworkN"]))
    mechanisms = []
    for mecid, index in enumerate(_indices(netuid, rule)):
        last_update = tuple(next(found))
        commits = {}
        if rule["CommitRevealWeightsEnabled"]:
            commits = {hotkey: _commits(next(found)) for hotkey in validators}
        mechanisms.append(MechanismSeen(mecid=mecid, index=index, last_update=last_update, commits=commits))
    return SubnetSeen(
        netuid=netuid,
        tempo=rule["Tempo"],
        last_epoch=rule["LastEpochBlock"],
        pending_at=rule["PendingEpochAt"],
        epochs=rule["SubnetEpochIndex"],
        interval=rule["WeightsSetRateLimit"],
        hides=rule["CommitRevealWeightsEnabled"],
        reveal_period=rule["RevealPeriodEpochs"],
        slots=rule["MaxAllowedUids"],
        immunity=rule["ImmunityPeriod"],
        burn=rule["Burn"],
        max_burn=rule["MaxBurn"],
        owner=rule["SubnetOwner"],
        hotkeys=hotkeys,
        permits=tuple(rule["ValidatorPermit"]),
        mechanisms=tuple(mechanisms),
    )


def _commits(entries: Any) -> tuple[tuple[bytes, int], ...]:
    return tuple((bytes(digest), int(epoch)) for digest, epoch, _, _ in entries or ())


def _indices(netuid: int, rule: dict[str, Any]) -> range:
    count = rule["MechanismCountCurrent"]
    return range(netuid, netuid + _MECHANISM_STRIDE * count, _MECHANISM_STRIDE)


def _full(name: str) -> str:
    return name if "." in name else f"{_MODULE}.{name}"
