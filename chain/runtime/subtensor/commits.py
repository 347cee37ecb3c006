"""Weights that are committed first and revealed later: by hash and salt, or sealed until a beacon's round.

A commit belongs to the epoch it was made in; its hash is revealed in the epoch that comes ``RevealPeriodEpochs`` later,
neither before nor after. Entries of ``WeightCommits`` are ``(hash, epoch, block, 0)``, in the order they were made.

What is sealed until a round of the public beacon could be opened only with that round's signature, and no beacon speaks
to this chain. So sealed commits are taken and kept in ``TimelockedWeightCommits`` as long as the reference would try to
open them, and they mask their sender's weights meanwhile (``yuma`` section 6), but they are never opened: at the end of
their time they are dropped, as the reference drops those whose round never came.
"""

from collections.abc import Sequence
from typing import Any, Final

from chain.hashing import blake2b_256
from chain.runtime.context import Context, Origin, signed
from chain.runtime.declarations import codec
from chain.runtime.errors import failed
from chain.runtime.fixed_point import U64_MAX
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import mechanisms, neurons, tempo
from chain.runtime.yuma import weight_rules

UNREVEALED_MAX: Final = 10
"""Commits of one hotkey that wait to be revealed, by mechanism."""
SEALED_MAX_BYTES: Final = 5_000
"""Size of a sealed commit at most."""
_MODULE: Final = "SubtensorModule"
HASHED: Final = f"{_MODULE}.WeightCommits"
SEALED: Final = f"{_MODULE}.TimelockedWeightCommits"
_LAST_UPDATE: Final = f"{_MODULE}.LastUpdate"
_PREIMAGE: Final = "(AccountId32, u16, Vec<u16>, Vec<u16>, Vec<u16>, u64)"

Commit = tuple[bytes, int, int, int]
"""Hash, epoch, block, and a number that is not used."""


def call_commit_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Commit to weights of the first mechanism by their hash."""
    commit(context, signed(origin), args["netuid"], 0, args["commit_hash"])


def call_commit_mechanism_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Commit to weights of a mechanism by their hash."""
    commit(context, signed(origin), args["netuid"], args["mecid"], args["commit_hash"])


def call_commit_timelocked_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Commit to weights of the first mechanism, sealed until a beacon's round."""
    _seal(context, signed(origin), args["netuid"], 0, args)


def call_commit_timelocked_mechanism_weights(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Commit to weights of a mechanism, sealed until a beacon's round."""
    _seal(context, signed(origin), args["netuid"], args["mecid"], args)


def commit(context: Context, hotkey: bytes, netuid: int, mecid: int, digest: bytes) -> None:
    """Take a hash; raises ``DispatchFailed``."""
    overlay, block = context.overlay, context.number
    uid = _require_may_commit(overlay, hotkey, netuid, mecid, block)
    index, epoch = mechanisms.index_of(netuid, mecid), tempo.epoch_now(overlay, netuid, block)
    waiting = unexpired(overlay, netuid, overlay.get(HASHED, index, hotkey) or (), epoch)
    if len(waiting) >= UNREVEALED_MAX:
        raise failed(_MODULE, "TooManyUnrevealedCommits")
    overlay.put(HASHED, index, hotkey, [*waiting, (digest, epoch, block, 0)])
    set_last_update(overlay, index, uid, block)
    context.emit(_MODULE, "WeightsCommitted", (hotkey, index, digest))


def hash_weights(
    hotkey: bytes, index: int, *, uids: Sequence[int], values: Sequence[int], salt: Sequence[int], version: int
) -> bytes:
    """Return the hash that a reveal of these weights has to have been committed with; ``index`` names the mechanism."""
    return blake2b_256(codec().encode(_PREIMAGE, (hotkey, index, list(uids), list(values), list(salt), version)))


def find_revealed(
    view: Overlay | State, hotkey: bytes, netuid: int, index: int, digest: bytes, block: int
) -> int | str:
    """Return the place among the unexpired commits of the one that may be revealed now, or the name of the refusal."""
    commits = view.get(HASHED, index, hotkey)
    if commits is None:
        return "NoWeightsCommitFound"
    epoch = tempo.epoch_now(view, netuid, block)
    waiting = unexpired(view, netuid, commits, epoch)
    for place, (known, committed, _, _) in enumerate(waiting):
        if known == digest:
            due = committed + _period(view, netuid)
            return place if epoch == due else "RevealTooEarly"
    if any(known == digest for known, *_ in commits[: len(commits) - len(waiting)]):
        return "ExpiredWeightCommit"
    return "InvalidRevealCommitHashNotMatch" if waiting else "NoWeightsCommitFound"


def take_revealed(overlay: Overlay, hotkey: bytes, netuid: int, index: int, place: int, block: int) -> None:
    """Remove a commit that is revealed, and all that were made before it."""
    epoch = tempo.epoch_now(overlay, netuid, block)
    left = unexpired(overlay, netuid, overlay.get(HASHED, index, hotkey) or (), epoch)[place + 1 :]
    if left:
        overlay.put(HASHED, index, hotkey, left)
    else:
        overlay.delete(HASHED, index, hotkey)


def unexpired(view: Overlay | State, netuid: int, commits: Sequence[Commit], epoch: int) -> list[Commit]:
    """Return the commits without those at the front that are expired in an epoch."""
    period, first = _period(view, netuid), 0
    while first < len(commits) and epoch > commits[first][1] + period:
        first += 1
    return list(commits[first:])


def earliest_blocks(view: Overlay | State, netuid: int, index: int, hotkeys: Sequence[bytes], block: int) -> list[int]:
    """Return the block of each neuron's first unexpired commit to a mechanism, 2^64 - 1 where it has none."""
    epoch = tempo.epoch_now(view, netuid, block)
    sealed: dict[bytes, int] = {}
    for made in range(max(epoch - _period(view, netuid), 0), epoch + 1):
        for hotkey, at, _, _ in view.get(SEALED, index, made):
            sealed[hotkey] = min(at, sealed.get(hotkey, U64_MAX))
    found = []
    for hotkey in hotkeys:
        hashed = unexpired(view, netuid, view.get(HASHED, index, hotkey) or (), epoch)
        found.append(min(hashed[0][2] if hashed else U64_MAX, sealed.get(hotkey, U64_MAX)))
    return found


def drop_expired_seals(overlay: Overlay, netuid: int, block: int) -> None:
    """Forget the sealed commits of epochs whose time to be opened is over."""
    oldest = tempo.epoch_now(overlay, netuid, block) - _period(overlay, netuid)
    for index in mechanisms.indices(overlay, netuid):
        for keys in sorted(overlay.entries(SEALED, (index,))):
            if keys[1] < oldest:
                overlay.delete(SEALED, *keys)


def set_last_update(overlay: Overlay, index: int, uid: int, block: int) -> None:
    """Write down that a neuron set or committed its weights in this block."""
    updates = list(overlay.get(_LAST_UPDATE, index))
    updates += [0] * (uid + 1 - len(updates))
    updates[uid] = block
    overlay.put(_LAST_UPDATE, index, updates)


def last_update_of(view: Overlay | State, index: int, uid: int) -> int:
    """Return the block in which a neuron set or committed weights of a mechanism last, 0 for never."""
    updates = view.get(_LAST_UPDATE, index)
    return int(updates[uid]) if uid < len(updates) else 0


def _seal(context: Context, hotkey: bytes, netuid: int, mecid: int, args: dict[str, Any]) -> None:
    overlay, block, sealed = context.overlay, context.number, args["commit"]
    if len(sealed) > SEALED_MAX_BYTES:
        raise failed(_MODULE, "InvalidValue")
    version = args["commit_reveal_version"]
    uid = _require_may_commit(overlay, hotkey, netuid, mecid, block, version=version)
    index, epoch = mechanisms.index_of(netuid, mecid), tempo.epoch_now(overlay, netuid, block)
    waiting = overlay.get(SEALED, index, epoch)
    if sum(who == hotkey for who, *_ in waiting) >= UNREVEALED_MAX:
        raise failed(_MODULE, "TooManyUnrevealedCommits")
    overlay.put(SEALED, index, epoch, [*waiting, (hotkey, block, sealed, args["reveal_round"])])
    set_last_update(overlay, index, uid, block)
    digest = blake2b_256(codec().encode("Vec<u8>", sealed))
    context.emit(_MODULE, "TimelockedWeightsCommitted", (hotkey, index, digest, args["reveal_round"]))


def _require_may_commit(
    overlay: Overlay, hotkey: bytes, netuid: int, mecid: int, block: int, *, version: int | None = None
) -> int:
    """Return the committer's number, or raise ``DispatchFailed``; ``version`` is that of a sealed commit."""
    if not mechanisms.exists(overlay, netuid, mecid):
        raise failed(_MODULE, "MechanismDoesNotExist")
    if not overlay.get(f"{_MODULE}.CommitRevealWeightsEnabled", netuid):
        raise failed(_MODULE, "CommitRevealDisabled")
    if version is not None and version != overlay.get(f"{_MODULE}.CommitRevealWeightsVersion"):
        raise failed(_MODULE, "IncorrectCommitRevealVersion")
    uid = neurons.uid_of(overlay, netuid, hotkey)
    if uid is None:
        raise failed(_MODULE, "HotKeyNotRegisteredInSubNet")
    last = last_update_of(overlay, mechanisms.index_of(netuid, mecid), uid)
    if weight_rules.is_too_fast(last, now=block, limit=overlay.get(f"{_MODULE}.WeightsSetRateLimit", netuid)):
        raise failed(_MODULE, "CommittingWeightsTooFast")
    return uid


def _period(view: Overlay | State, netuid: int) -> int:
    period: int = view.get(f"{_MODULE}.RevealPeriodEpochs", netuid)
    return period


CALLS: Final = {
    (_MODULE, "commit_weights"): call_commit_weights,
    (_MODULE, "commit_mechanism_weights"): call_commit_mechanism_weights,
    (_MODULE, "commit_timelocked_weights"): call_commit_timelocked_weights,
    (_MODULE, "commit_timelocked_mechanism_weights"): call_commit_timelocked_mechanism_weights,
}
