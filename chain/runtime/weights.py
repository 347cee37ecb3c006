"""What each call weighs: picoseconds of reference execution, from which its fee follows at 0.0005 rao each.

The figures of staking are those of the reference chain (``economics`` section 6), all multiples of 2 000, so that a
weight's fee is a whole number of rao and no rounding is needed.
"""

from typing import Any, Final

from chain.extrinsic import split_call

BASE: Final = 108_000_000
"""Of every signed extrinsic: 54 000 rao."""
_PER_RAO: Final = 2_000
_DEFAULT: Final = 71_000 * _PER_RAO
"""Also of calls that the chain refuses."""

_RAO: Final = {
    ("System", "remark"): 2_000,
    ("System", "remark_with_event"): 4_000,
    ("SubtensorModule", "add_stake"): 1_532_032,
    ("SubtensorModule", "add_stake_limit"): 1_626_502,
    ("SubtensorModule", "remove_stake"): 1_284_599,
    ("SubtensorModule", "remove_stake_limit"): 1_357_848,
    ("SubtensorModule", "remove_stake_full_limit"): 1_364_646,
    ("SubtensorModule", "move_stake"): 695_530,
    ("SubtensorModule", "transfer_stake"): 666_770,
    ("SubtensorModule", "swap_stake"): 2_158_509,
    ("SubtensorModule", "swap_stake_limit"): 2_259_757,
    ("SubtensorModule", "unstake_all"): 8 * 1_284_599,
    ("SubtensorModule", "unstake_all_alpha"): 8 * 1_284_599 + 1_532_032,
    ("SubtensorModule", "recycle_alpha"): 548_569,
    ("SubtensorModule", "burn_alpha"): 548_569,
    ("SubtensorModule", "try_associate_hotkey"): 35_000,
    ("SubtensorModule", "burned_register"): 2_043_407,
    ("SubtensorModule", "register_limit"): 2_043_407,
    ("SubtensorModule", "root_register"): 135_000,
    ("SubtensorModule", "register_network"): 3_038_562,
    ("SubtensorModule", "dissolve_network"): 3_038_562,
    ("SubtensorModule", "claim_root"): 469_499,
    ("SubtensorModule", "swap_hotkey"): 3_000_000,
    ("SubtensorModule", "swap_coldkey_announced"): 3_000_000,
    ("SubtensorModule", "set_children"): 119_000,
}
_BATCH: Final = 5_000 * _PER_RAO
_PER_ITEM: Final = 2_000 * _PER_RAO
_PROXY: Final = 12_000 * _PER_RAO
_SUDO: Final = 10_000 * _PER_RAO


def weight_of(call: Any) -> int:
    """Return the weight of a call with all calls inside it, without the extrinsic's base."""
    pallet, name, args = split_call(call)
    if pallet == "Utility":
        return _BATCH + sum(_PER_ITEM + weight_of(item) for item in args["calls"])
    if (pallet, name) == ("Proxy", "proxy"):
        return _PROXY + weight_of(args["call"])
    if pallet == "Sudo":
        return _SUDO + weight_of(args["call"])
    rao = _RAO.get((pallet, name))
    return _DEFAULT if rao is None else rao * _PER_RAO
