"""Setting weights: how a validator scores the neurons of a subnet, openly or by revealing what it committed to.

The checks and their order are ``chain/runtime/yuma/weight_rules.py``; here they are asked about the state. Source:
``yuma`` section 5.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import DispatchFailed, failed
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import commits, epoch_inputs, mechanisms, neurons
from chain.runtime.subtensor.pools import ROOT_NETUID
from chain.runtime.yuma.weight_rules import Refusal, Setter, WeightRules, check_weights, max_upscale

_MODULE: Final = "SubtensorModule"
_HIDDEN: Final = f"{_MODULE}.CommitRevealWeightsEnabled"


def call_set_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set the signer's weights of the first mechanism openly; refused where weights have to be committed first."""
    _set_openly(context, signed(origin), args["netuid"], 0, args["dests"], args["weights"], args["version_key"])


def call_set_mechanism_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set the signer's weights of a mechanism openly; refused where weights have to be committed first."""
    hotkey, netuid, mecid = signed(origin), args["netuid"], args["mecid"]
    _set_openly(context, hotkey, netuid, mecid, args["dests"], args["weights"], args["version_key"])


def call_batch_set_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set the signer's weights on several subnets; what one subnet refuses does not hinder the others."""
    hotkey, netuids = signed(origin), args["netuids"]
    if not len(netuids) == len(args["weights"]) == len(args["version_keys"]):
        raise failed(_MODULE, "InputLengthsUnequal")

    def one(place: int) -> None:
        row = args["weights"][place]
        uids, values = [uid for uid, _ in row], [value for _, value in row]
        _set_openly(context, hotkey, netuids[place], 0, uids, values, args["version_keys"][place])

    _each(context, hotkey, netuids, one)


def call_batch_commit_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Commit to weights on several subnets; what one subnet refuses does not hinder the others."""
    hotkey, netuids, hashes = signed(origin), args["netuids"], args["commit_hashes"]
    if len(netuids) != len(hashes):
        raise failed(_MODULE, "InputLengthsUnequal")
    _each(context, hotkey, netuids, lambda place: commits.commit(context, hotkey, netuids[place], 0, hashes[place]))


def call_reveal_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Reveal what the signer committed to, and set it as its weights of the first mechanism."""
    _reveal(context, signed(origin), args["netuid"], 0, args)


def call_reveal_mechanism_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Reveal what the signer committed to, and set it as its weights of a mechanism."""
    _reveal(context, signed(origin), args["netuid"], args["mecid"], args)


def call_batch_reveal_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Reveal several commits of the signer on one subnet in their order; all of them or none."""
    hotkey, netuid = signed(origin), args["netuid"]
    lists = (args["uids_list"], args["values_list"], args["salts_list"], args["version_keys"])
    if len({len(entries) for entries in lists}) != 1:
        raise failed(_MODULE, "InputLengthsUnequal")
    hashes = [
        reveal(context, hotkey, netuid, 0, uids=uids, values=values, salt=salt, version=version)
        for uids, values, salt, version in zip(*lists, strict=True)
    ]
    context.emit(_MODULE, "WeightsBatchRevealed", (hotkey, netuid, hashes))


def reveal(
    context: Context,
    hotkey: bytes,
    netuid: int,
    mecid: int,
    *,
    uids: Sequence[int],
    values: Sequence[int],
    salt: Sequence[int],
    version: int,
) -> bytes:
    """Set revealed weights and return the hash they were committed with; raises ``DispatchFailed``."""
    overlay, block = context.overlay, context.number
    if not mechanisms.exists(overlay, netuid, mecid):
        raise failed(_MODULE, "MechanismDoesNotExist")
    if not overlay.get(_HIDDEN, netuid):
        raise failed(_MODULE, "CommitRevealDisabled")
    if neurons.uid_of(overlay, netuid, hotkey) is None:
        raise failed(_MODULE, "HotKeyNotRegisteredInSubNet")
    index = mechanisms.index_of(netuid, mecid)
    digest = commits.hash_weights(hotkey, index, uids=uids, values=values, salt=salt, version=version)
    place = commits.find_revealed(overlay, hotkey, netuid, index, digest, block)
    if isinstance(place, str):
        raise failed(_MODULE, place)
    commits.take_revealed(overlay, hotkey, netuid, index, place, block)
    _set(context, hotkey, netuid, mecid, uids, values, version)
    return digest


def refusal_of(
    view: Overlay | State,
    hotkey: bytes,
    netuid: int,
    mecid: int,
    *,
    uids: Sequence[int],
    values: Sequence[int],
    version: int,
    block: int,
) -> Refusal | None:
    """Return why a hotkey may not set these weights in this block, the first of all reasons, or ``None``."""

    def read(name: str) -> Any:
        return view.get(f"{_MODULE}.{name}", netuid)

    uid, index = neurons.uid_of(view, netuid, hotkey), mechanisms.index_of(netuid, mecid)
    permits, threshold = read("ValidatorPermit"), view.get(f"{_MODULE}.StakeThreshold")
    rules = WeightRules(
        n=neurons.count(view, netuid),
        stake_threshold=threshold,
        weights_version=read("WeightsVersionKey"),
        rate_limit=read("WeightsSetRateLimit"),
        commit_reveal=read("CommitRevealWeightsEnabled"),
        min_allowed_weights=read("MinAllowedWeights"),
        is_root=netuid == ROOT_NETUID,
        exists=mechanisms.exists(view, netuid, mecid),
    )
    setter = Setter(
        uid=uid,
        stake_weight=epoch_inputs.stake_weight(view, hotkey, netuid) if threshold else 0,
        is_owner=hotkey == read("SubnetOwnerHotkey"),
        has_permit=uid is not None and uid < len(permits) and permits[uid],
        last_update=commits.last_update_of(view, index, uid) if uid is not None else 0,
    )
    return check_weights(rules, setter, uids=uids, values=values, version=version, now=block)


def _set_openly(
    context: Context,
    hotkey: bytes,
    netuid: int,
    mecid: int,
    uids: Sequence[int],
    values: Sequence[int],
    version: int,
) -> None:
    # Only a subnet that is there can hide its weights: the item's default says yes for all others too.
    is_there = netuid != ROOT_NETUID and mechanisms.exists(context.overlay, netuid, mecid)
    if is_there and context.overlay.get(_HIDDEN, netuid):
        raise failed(_MODULE, "CommitRevealEnabled")
    _set(context, hotkey, netuid, mecid, uids, values, version)


def _set(
    context: Context,
    hotkey: bytes,
    netuid: int,
    mecid: int,
    uids: Sequence[int],
    values: Sequence[int],
    version: int,
) -> None:
    """Check weights and store them, the largest as 65 535; raises ``DispatchFailed``."""
    overlay, block = context.overlay, context.number
    refusal = refusal_of(overlay, hotkey, netuid, mecid, uids=uids, values=values, version=version, block=block)
    if refusal is not None:
        raise failed(_MODULE, refusal)
    uid, index = overlay.get(f"{_MODULE}.Uids", netuid, hotkey), mechanisms.index_of(netuid, mecid)
    overlay.put(f"{_MODULE}.Weights", index, uid, list(zip(uids, max_upscale(values), strict=True)))
    if not overlay.get(_HIDDEN, netuid):
        commits.set_last_update(overlay, index, uid, block)
    context.emit(_MODULE, "WeightsSet", (index, uid))


def _reveal(context: Context, hotkey: bytes, netuid: int, mecid: int, args: dict[str, Any]) -> None:
    digest = reveal(
        context,
        hotkey,
        netuid,
        mecid,
        uids=args["uids"],
        values=args["values"],
        salt=args["salt"],
        version=args["version_key"],
    )
    index = mechanisms.index_of(netuid, mecid)
    context.emit(_MODULE, "WeightsRevealed", (hotkey, index, digest))


def _each(context: Context, hotkey: bytes, netuids: Sequence[int], one: Callable[[int], None]) -> None:
    """Do something for each subnet of a batch, and tell of those that refused it."""
    is_whole = True
    for place, netuid in enumerate(netuids):
        try:
            with context.overlay.transaction():
                one(place)
        except DispatchFailed as refusal:
            is_whole = False
            context.emit(_MODULE, "BatchWeightItemFailed", (netuid, refusal.error))
    if is_whole:
        context.emit(_MODULE, "BatchWeightsCompleted", (list(netuids), hotkey))
    else:
        context.emit(_MODULE, "BatchCompletedWithErrors")


CALLS: Final = {
    (_MODULE, "set_weights"): call_set_weights,
    (_MODULE, "set_mechanism_weights"): call_set_mechanism_weights,
    (_MODULE, "batch_set_weights"): call_batch_set_weights,
    (_MODULE, "batch_commit_weights"): call_batch_commit_weights,
    (_MODULE, "reveal_weights"): call_reveal_weights,
    (_MODULE, "reveal_mechanism_weights"): call_reveal_mechanism_weights,
    (_MODULE, "batch_reveal_weights"): call_batch_reveal_weights,
}
