"""What the pool asks of calls that set weights: they cost nothing, so only a neuron with a say may send them.

The numbers are those of ``substrate_rpc`` section 12. What they have no number for, say a row with a number twice, is
an error of the call in its block: by its name, and free of charge for a registered neuron.
"""

from collections.abc import Callable
from typing import Any, Final

from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import commits, epoch_inputs, mechanisms, neurons

NO_SUBNET: Final = 3
STAKE_TOO_LOW: Final = 1
NOT_REGISTERED: Final = 10
COMMIT_NOT_FOUND: Final = 16
NOT_IN_REVEAL_RANGE: Final = 17
LENGTHS_UNEQUAL: Final = 18
BAD_REQUEST: Final = 255

_MODULE: Final = "SubtensorModule"
_REVEALS: Final = {
    "NoWeightsCommitFound": COMMIT_NOT_FOUND,
    "InvalidRevealCommitHashNotMatch": COMMIT_NOT_FOUND,
    "RevealTooEarly": NOT_IN_REVEAL_RANGE,
    "ExpiredWeightCommit": NOT_IN_REVEAL_RANGE,
}

View = Overlay | State
Args = dict[str, Any]


def _has_say(view: View, hotkey: bytes, netuid: int, mecid: int) -> int | None:
    if not mechanisms.exists(view, netuid, mecid):
        return NO_SUBNET
    if neurons.uid_of(view, netuid, hotkey) is None:
        return NOT_REGISTERED
    threshold = view.get(f"{_MODULE}.StakeThreshold")
    if threshold == 0 or hotkey == view.get(f"{_MODULE}.SubnetOwnerHotkey", netuid):
        return None
    return STAKE_TOO_LOW if epoch_inputs.stake_weight(view, hotkey, netuid) < threshold else None


def _one(view: View, hotkey: bytes, args: Args, block: int) -> int | None:  # noqa: ARG001 - as all checks
    return _has_say(view, hotkey, args["netuid"], args.get("mecid", 0))


def _batch(view: View, hotkey: bytes, args: Args, block: int) -> int | None:  # noqa: ARG001
    """Refuse a batch of which no item can succeed."""
    netuids = args["netuids"]
    if len({len(value) for value in args.values()}) != 1:
        return LENGTHS_UNEQUAL
    numbers = [_has_say(view, hotkey, netuid, 0) for netuid in netuids]
    return None if None in numbers else next(iter(numbers), BAD_REQUEST)


def _sealed(view: View, hotkey: bytes, args: Args, block: int) -> int | None:
    return BAD_REQUEST if len(args["commit"]) > commits.SEALED_MAX_BYTES else _one(view, hotkey, args, block)


def _reveal(view: View, hotkey: bytes, args: Args, block: int) -> int | None:
    number = _one(view, hotkey, args, block)
    if number is not None:
        return number
    row = (args["uids"], args["values"], args["salt"], args["version_key"])
    return _revealed(view, hotkey, args["netuid"], args.get("mecid", 0), row, block)


def _reveals(view: View, hotkey: bytes, args: Args, block: int) -> int | None:
    lists = [args[name] for name in ("uids_list", "values_list", "salts_list", "version_keys")]
    if len({len(entries) for entries in lists}) != 1:
        return LENGTHS_UNEQUAL
    if not lists[0]:
        return BAD_REQUEST
    number = _one(view, hotkey, args, block)
    if number is not None:
        return number
    numbers = (_revealed(view, hotkey, args["netuid"], 0, row, block) for row in zip(*lists, strict=True))
    return next((refused for refused in numbers if refused is not None), None)


def _revealed(view: View, hotkey: bytes, netuid: int, mecid: int, row: Any, block: int) -> int | None:
    uids, values, salt, version = row
    index = mechanisms.index_of(netuid, mecid)
    digest = commits.hash_weights(hotkey, index, uids=uids, values=values, salt=salt, version=version)
    place = commits.find_revealed(view, hotkey, netuid, index, digest, block)
    return _REVEALS[place] if isinstance(place, str) else None


CHECKS: Final[dict[str, Callable[[View, bytes, Args, int], int | None]]] = {
    "set_weights": _one,
    "set_mechanism_weights": _one,
    "batch_set_weights": _batch,
    "commit_weights": _one,
    "commit_mechanism_weights": _one,
    "batch_commit_weights": _batch,
    "reveal_weights": _reveal,
    "reveal_mechanism_weights": _reveal,
    "batch_reveal_weights": _reveals,
    "commit_timelocked_weights": _sealed,
    "commit_timelocked_mechanism_weights": _sealed,
}
"""By call: the number of the refusal, or ``None``."""
