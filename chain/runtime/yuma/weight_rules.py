"""Which weights a validator may set, and how its row is stored.

``check_weights`` asks in the order of the reference and names the first refusal by the chain's error. Source:
``spec/yuma`` section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chain.runtime.yuma import fixed, rows

U16_MAX: Final = 2**16 - 1
_UPSCALE_BORDER: Final = 32_768 << 32


class Refusal(StrEnum):
    """The pallet's errors, by name."""

    ROOT_NETWORK = "CanNotSetRootNetworkWeights"
    UNEQUAL_LENGTHS = "WeightVecNotEqualSize"
    NO_SUCH_MECHANISM = "MechanismDoesNotExist"
    TOO_MANY_UIDS = "UidsLengthExceedUidsInSubNet"
    NOT_REGISTERED = "HotKeyNotRegisteredInSubNet"
    STAKE_TOO_LOW = "NotEnoughStakeToSetWeights"
    OLD_VERSION = "IncorrectWeightVersionKey"
    TOO_FAST = "SettingWeightsTooFast"
    NO_PERMIT = "NeuronNoValidatorPermit"
    DUPLICATE_UIDS = "DuplicateUids"
    UNKNOWN_UID = "UidVecContainInvalidOne"
    TOO_FEW = "WeightVecLengthIsLow"
    ABOVE_LIMIT = "MaxWeightExceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRules:
    """What the subnet asks of a row of weights.

    ``n`` uids; the threshold in rao; ``weights_version`` 0 takes every version; ``rate_limit`` in blocks, which holds
    only while ``commit_reveal`` is off; ``max_weight_limit`` is a proportion of 65 535.
    """

    n: int
    stake_threshold: int
    weights_version: int
    rate_limit: int
    commit_reveal: bool
    min_allowed_weights: int
    max_weight_limit: int = U16_MAX
    is_root: bool = False
    exists: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Setter:
    """Who sets the row: its uid (None where it has none), stake weight in rao, and standing in the subnet."""

    uid: int | None
    stake_weight: int
    is_owner: bool
    has_permit: bool
    last_update: int


def check_weights(
    rules: WeightRules, setter: Setter, *, uids: Sequence[int], values: Sequence[int], version: int, now: int
) -> Refusal | None:
    """Return why the row is refused, the first of all reasons, or None."""
    if rules.is_root:
        return Refusal.ROOT_NETWORK
    if len(uids) != len(values):
        return Refusal.UNEQUAL_LENGTHS
    if not rules.exists:
        return Refusal.NO_SUCH_MECHANISM
    if not has_no_more_uids(uids, n=rules.n):
        return Refusal.TOO_MANY_UIDS
    if setter.uid is None:
        return Refusal.NOT_REGISTERED
    if setter.stake_weight < rules.stake_threshold and not setter.is_owner:
        return Refusal.STAKE_TOO_LOW
    if not is_version_accepted(version, network=rules.weights_version):
        return Refusal.OLD_VERSION
    if not rules.commit_reveal and is_too_fast(setter.last_update, now=now, limit=rules.rate_limit):
        return Refusal.TOO_FAST
    if not (setter.has_permit or setter.is_owner or is_self_weight(setter.uid, uids, values)):
        return Refusal.NO_PERMIT
    if len(set(uids)) != len(uids):
        return Refusal.DUPLICATE_UIDS
    if any(uid >= rules.n for uid in uids):
        return Refusal.UNKNOWN_UID
    if not is_long_enough(setter.uid, uids, values, n=rules.n, minimum=rules.min_allowed_weights):
        return Refusal.TOO_FEW
    if not is_within_limit(setter.uid, uids, max_upscale(values), limit=rules.max_weight_limit):
        return Refusal.ABOVE_LIMIT
    return None


def has_no_more_uids(uids: Sequence[int], *, n: int) -> bool:
    """Tell whether a row names at most as many uids as the subnet has."""
    return len(uids) <= n


def is_version_accepted(supplied: int, *, network: int) -> bool:
    """Tell whether a weights version is recent enough; a network version of 0 takes all."""
    return network == 0 or supplied >= network


def is_too_fast(last_update: int, *, now: int, limit: int) -> bool:
    """Tell whether the last update was less than ``limit`` blocks ago; never for the first."""
    return last_update != 0 and now - last_update < limit


def is_self_weight(uid: int, uids: Sequence[int], values: Sequence[int]) -> bool:
    """Tell whether the row is exactly one value, on the caller itself."""
    return len(values) == 1 and len(uids) > 0 and uids[0] == uid


def is_long_enough(uid: int, uids: Sequence[int], values: Sequence[int], *, n: int, minimum: int) -> bool:
    """Tell whether a row has enough values, or is a lone weight on the caller itself."""
    return is_self_weight(uid, uids, values) or len(values) >= min(n, minimum)


def is_within_limit(uid: int, uids: Sequence[int], values: Sequence[int], *, limit: int) -> bool:
    """Tell whether no value is above ``limit`` of the row; always for a lone self-weight and a limit of 65 535."""
    if is_self_weight(uid, uids, values) or limit == U16_MAX:
        return True
    return is_each_below(values, limit=limit)


def is_each_below(values: Sequence[int], *, limit: int) -> bool:
    """Tell whether the largest share of the sum is at most ``limit`` of 65 535; always for no values."""
    shares = rows.normalize([value << 32 for value in values])
    return max(shares, default=0) <= fixed.u16_to_proportion(limit)


def max_upscale(values: Sequence[int]) -> list[int]:
    """Return u16 values scaled so that the largest is 65 535, rounded half away from zero; zeros stay as they are."""
    return max_upscale_fixed([value << 32 for value in values])


def max_upscale_fixed(values: Sequence[int]) -> list[int]:
    """Return I32F32 values as u16, scaled so that the largest is 65 535, rounded half away from zero."""
    largest, scale = max(values, default=0), U16_MAX << 32
    if largest == 0:
        return [fixed.to_u16(fixed.mul(value, scale)) for value in values]
    if largest > _UPSCALE_BORDER:
        factor = fixed.div(scale, largest)
        return [fixed.rounded_u16(fixed.mul(value, factor)) for value in values]
    return [fixed.rounded_u16(fixed.div(fixed.mul(value, scale), largest)) for value in values]
