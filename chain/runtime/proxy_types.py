"""What each type of proxy may call on behalf of an account, and which types include which."""

from typing import Any, Final

from chain.extrinsic import split_call

_STAKING: Final = frozenset(
    {
        "add_stake",
        "add_stake_limit",
        "remove_stake",
        "remove_stake_limit",
        "remove_stake_full_limit",
        "unstake_all",
        "unstake_all_alpha",
        "move_stake",
        "swap_stake",
        "swap_stake_limit",
        "set_root_claim_type",
    }
)
_NOT_NON_TRANSFER: Final = frozenset(
    {
        "transfer_stake",
        "announce_coldkey_swap",
        "swap_coldkey_announced",
        "dispute_coldkey_swap",
    }
)
_TRANSFERS: Final = frozenset({"transfer_allow_death", "transfer_keep_alive", "transfer_all"})
_REGISTRATION: Final = frozenset({"burned_register", "register", "register_limit"})
_CHILD_KEYS: Final = frozenset({"set_children", "set_childkey_take"})
_ROOT_CLAIM: Final = frozenset({"claim_root"})
SMALL_TRANSFER_MAX: Final = 500_000_000
"""Rao below which a ``SmallTransfer`` proxy may move: half a TAO."""


def allows(proxy_type: str, call: Any) -> bool:
    """Tell whether a proxy of this type may make this call; nested calls are asked about one by one."""
    pallet, name, args = split_call(call)
    module = pallet == "SubtensorModule"
    match proxy_type:
        case "Any":
            return True
        case "NonTransfer":
            return pallet != "Balances" and not (module and name in _NOT_NON_TRANSFER)
        case "Staking":
            return module and name in _STAKING
        case "Transfer":
            return (pallet == "Balances" and name in _TRANSFERS) or (module and name == "transfer_stake")
        case "SmallTransfer":
            if pallet == "Balances":
                return name in {"transfer_allow_death", "transfer_keep_alive"} and args["value"] < SMALL_TRANSFER_MAX
            return module and name == "transfer_stake" and args["alpha_amount"] < SMALL_TRANSFER_MAX
        case "Registration":
            return module and name in _REGISTRATION
        case "ChildKeys":
            return module and name in _CHILD_KEYS
        case "SwapHotkey":
            return module and name == "swap_hotkey"
        case "RootClaim":
            return module and name in _ROOT_CLAIM
        case _:
            return False


def includes(proxy_type: str, other: str) -> bool:
    """Tell whether one type may do all that the other may; only such a proxy may add or remove the other."""
    if proxy_type in {other, "Any"}:
        return True
    if other == "Any":
        return False
    if proxy_type == "NonTransfer":
        return other not in {"Transfer", "SmallTransfer"}
    return (proxy_type, other) == ("Transfer", "SmallTransfer")
