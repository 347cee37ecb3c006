"""The laws of supply, checked after every block on what the block changed, so the cost does not grow with the state."""

from struct import Struct
from typing import Any, Final

from chain.errors import InvariantBroken
from chain.keys import subnet_account
from chain.runtime.state import DELETED, Changes, Overlay, State
from chain.runtime.subtensor import epochs, root_claims, subnets
from chain.runtime.subtensor.emission import SUPPLY_MAX

_ACCOUNT: Final = "System.Account"
_ISSUANCE: Final = "Balances.TotalIssuance"
_ALPHA_OUT: Final = "SubtensorModule.SubnetAlphaOut"
_FREE_AND_RESERVED: Final = Struct("<16x2Q")
"""Where they stand behind the four counters of an ``AccountInfo``."""
_OWNED: Final = (
    "SubtensorModule.SubnetProtocolAlpha",
    epochs.PENDING_OWNER,
    epochs.PENDING_SERVER,
    epochs.PENDING_VALIDATOR,
    epochs.PENDING_ROOT,
    root_claims.UNCLAIMED,
)
"""Items by subnet whose alpha is part of what is outstanding, beside the pools of hotkeys."""
_REGISTERED_AT: Final = "SubtensorModule.NetworkRegisteredAt"
"""Changes where a subnet begins or ends."""
_POOLS: Final = "SubtensorModule.TotalHotkeyAlpha"


def check_block(overlay: Overlay, changes: Changes) -> None:
    """Raise ``InvariantBroken`` where a block made or lost TAO or alpha, or left a pool without its TAO."""
    base = overlay.base
    issued = overlay.get(_ISSUANCE) - base.get(_ISSUANCE)
    held = 0
    alpha: dict[int, int] = {}
    reborn = {keys[0] for item, keys in changes if item == _REGISTERED_AT}
    pots = {subnet_account(netuid): netuid for netuid in subnets.netuids(overlay)}
    touched = set[int]()
    for (item, keys), value in changes.items():
        if item == _ACCOUNT:
            held += _tao(value) - _tao(base.lookup(item, keys))
            if keys[0] in pots:
                touched.add(pots[keys[0]])
        elif item == "SubtensorModule.SubnetTAO":
            touched.add(keys[0])
        elif item == _ALPHA_OUT:
            alpha[keys[0]] = alpha.get(keys[0], 0) + _change(base, item, keys, value, reborn)
        elif item == _POOLS:
            alpha[keys[1]] = alpha.get(keys[1], 0) - _change(base, item, keys, value, reborn)
        elif item in _OWNED:
            alpha[keys[0]] = alpha.get(keys[0], 0) - _change(base, item, keys, value, reborn)
    if issued != held:
        raise InvariantBroken(f"accounts changed by {held} rao, the issuance by {issued}")
    if overlay.get(_ISSUANCE) > SUPPLY_MAX:
        raise InvariantBroken(f"issuance of {overlay.get(_ISSUANCE)} rao is above the maximum")
    for netuid, change in sorted(alpha.items()):
        # Alpha that is outstanding and nobody's may grow (rounding, burned parts), never shrink.
        if change < 0:
            raise InvariantBroken(f"subnet {netuid}: {-change} rao of alpha came from nowhere")
    for netuid in sorted(touched):
        _check_pot(overlay, netuid)


def check_state(state: State) -> None:
    """Recompute the whole supply of a state, once per consensus epoch; raises ``InvariantBroken``."""
    held = sum(map(_encoded_tao, state.encoded_values(_ACCOUNT)))
    if held != state.get(_ISSUANCE):
        raise InvariantBroken(f"accounts hold {held} rao, the issuance is {state.get(_ISSUANCE)}")
    owned: dict[int, int] = {}
    for (_, netuid), value in state.entries(_POOLS).items():
        owned[netuid] = owned.get(netuid, 0) + value
    for netuid in subnets.netuids(state):
        total = owned.get(netuid, 0) + sum(state.get(item, netuid) for item in _OWNED)
        if total > state.get(_ALPHA_OUT, netuid):
            raise InvariantBroken(f"subnet {netuid}: {total} rao of alpha are owned, fewer are outstanding")
        _check_pot(state, netuid)


def _check_pot(view: Overlay | State, netuid: int) -> None:
    reserve = view.get("SubtensorModule.SubnetTAO", netuid)
    held = view.get(_ACCOUNT, subnet_account(netuid))["data"]["free"]
    if held < reserve:
        raise InvariantBroken(f"subnet {netuid}: reserve of {reserve} rao, its account holds {held}")


def _tao(account: Any) -> int:
    if account is DELETED:
        return 0
    total: int = account["data"]["free"] + account["data"]["reserved"]
    return total


def _encoded_tao(account: bytes) -> int:
    """Return the same for an ``AccountInfo`` as it is stored, since there may be a million of them."""
    free, reserved = _FREE_AND_RESERVED.unpack_from(account)
    total: int = free + reserved
    return total


def _change(base: State, item: str, keys: tuple[Any, ...], value: Any, reborn: set[int]) -> int:
    """Return by how much an amount changed; alpha of a subnet that ended in this block is gone and does not count."""
    netuid = keys[1] if item == _POOLS else keys[0]
    old = 0 if netuid in reborn else _number(base.lookup(item, keys))
    return _number(value) - old


def _number(value: Any) -> int:
    return 0 if value is DELETED else int(value)
