"""The metagraph: everything about a subnet and its neurons in one answer, whole or the parts a client names."""

from collections.abc import Callable
from typing import Any, Final

from chain.runtime.fixed_point import U64_MAX
from chain.runtime.state import State
from chain.runtime.subtensor import epoch_inputs, epochs, mechanisms, networks, neurons, pools, positions, subnets
from chain.runtime.view_shapes import fields_of, shaped
from chain.runtime.views_neurons import PRUNING_SCORE, RANK, TRUST, axon_of
from chain.runtime.views_parameters import parameters

_MODULE: Final = "SubtensorModule"
_PLAIN: Final = {
    "symbol": "TokenSymbol",
    "identity": "SubnetIdentitiesV3",
    "network_registered_at": "NetworkRegisteredAt",
    "owner_hotkey": "SubnetOwnerHotkey",
    "owner_coldkey": "SubnetOwner",
    "last_step": "LastMechansimStepBlock",
    "blocks_since_last_step": "BlocksSinceLastStep",
    "subnet_emission": "SubnetTaoInEmission",
    "alpha_in": "SubnetAlphaIn",
    "alpha_out": "SubnetAlphaOut",
    "tao_in": "SubnetTAO",
    "alpha_out_emission": "SubnetAlphaOutEmission",
    "alpha_in_emission": "SubnetAlphaInEmission",
    "tao_in_emission": "SubnetTaoInEmission",
    "subnet_volume": "SubnetVolume",
    "moving_price": "SubnetMovingPrice",
    "num_uids": "SubnetworkN",
    "max_uids": "MaxAllowedUids",
    "burn": "Burn",
}
_VECTORS: Final = {
    "active": "Active",
    "validator_permit": "ValidatorPermit",
    "emission": "Emission",
    "dividends": "Dividends",
    "consensus": "Consensus",
}
_BY_MECHANISM: Final = {"last_update": "LastUpdate", "incentives": "Incentive"}
_BY_HOTKEY: Final = {
    "tao_dividends_per_hotkey": "RootAlphaDividendsPerSubnet",
    "alpha_dividends_per_hotkey": "AlphaDividendsPerSubnet",
}


def metagraph(state: State, netuid: int, mecid: int = 0) -> dict[str, Any] | None:
    """Return a subnet as one of its mechanisms has it, ``None`` where there is none of that number."""
    found = _known(state, netuid, mecid)
    return None if found is None else shaped("Metagraph", found)


def _known(state: State, netuid: int, mecid: int) -> dict[str, Any] | None:
    """Return all of a subnet as one of its mechanisms has it, ``None`` where there is none of that number.

    ``netuid`` in the answer is the mechanism's storage number, as the reference has it.
    """
    if not mechanisms.exists(state, netuid, mecid):
        return None
    index = mechanisms.index_of(netuid, mecid)
    found = {field: state.get(f"{_MODULE}.{item}", netuid) for field, item in _PLAIN.items()}
    pending = state.get(epochs.PENDING_SERVER, netuid) + state.get(epochs.PENDING_VALIDATOR, netuid)
    return {
        **parameters(state, netuid),
        **found,
        "netuid": index,
        "name": found["identity"]["subnet_name"] if found["identity"] else b"",
        "block": state.get("System.Number"),
        "pending_alpha_emission": pending,
        "pending_root_emission": state.get(epochs.PENDING_ROOT, netuid),
        "pow_registration_allowed": False,
        **neuron_vectors(state, netuid, index),
    }


def neuron_vectors(state: State, netuid: int, index: int) -> dict[str, Any]:
    """Return what is known of all neurons, by field, each a list in order of their numbers."""
    size = neurons.count(state, netuid)
    hotkeys = [neurons.hotkey_at(state, netuid, uid) for uid in range(size)]
    coldkeys = [positions.owner_of(state, hotkey) for hotkey in hotkeys]
    stakes = [epoch_inputs.working_stake(state, hotkey, netuid) for hotkey in hotkeys]
    total = [min(epoch_inputs.stake_weight(state, hotkey, netuid), U64_MAX) for hotkey in hotkeys]
    found = {field: _fit(state.get(f"{_MODULE}.{item}", netuid), size) for field, item in _VECTORS.items()}
    for field in ("active", "validator_permit"):
        found[field] = [bool(value) for value in found[field]]
    return {
        **found,
        **{field: _fit(state.get(f"{_MODULE}.{item}", index), size) for field, item in _BY_MECHANISM.items()},
        **{
            field: [(hotkey, state.get(f"{_MODULE}.{item}", netuid, hotkey)) for hotkey in hotkeys]
            for field, item in _BY_HOTKEY.items()
        },
        "hotkeys": hotkeys,
        "coldkeys": coldkeys,
        "identities": [state.get(f"{_MODULE}.IdentitiesV2", coldkey) for coldkey in coldkeys],
        "axons": [axon_of(state, netuid, hotkey) for hotkey in hotkeys],
        "pruning_score": [PRUNING_SCORE] * size,
        "trust": [TRUST] * size,
        "rank": [RANK] * size,
        "block_at_registration": [state.get(f"{_MODULE}.BlockAtRegistration", netuid, uid) for uid in range(size)],
        "alpha_stake": [stake.alpha for stake in stakes],
        "tao_stake": [stake.tao for stake in stakes],
        "total_stake": total,
    }


def _selected(state: State, netuid: int, mecid: int, indexes: list[int]) -> dict[str, Any] | None:
    """Return the fields a client names by their place in the declared struct; the number is always told."""
    found = _known(state, netuid, mecid)
    if found is None:
        return None
    found |= {"validators": _validators(state, found), "commitments": []}
    fields = [field for field, _ in fields_of("SelectiveMetagraph")]
    asked = {fields[place] for place in indexes if place < len(fields)} | {"netuid"}
    # An option of an option: of a subnet without identity it is said that it has none, not that nobody asked.
    found["identity"] = (found["identity"],)
    return {field: found[field] if field in asked else None for field in fields}


def _validators(state: State, found: dict[str, Any]) -> list[int]:
    """Return the numbers of those who may validate: with a permit, and with enough stake."""
    threshold = state.get(f"{_MODULE}.StakeThreshold")
    pairs = zip(found["validator_permit"], found["total_stake"], strict=True)
    return [uid for uid, (permitted, stake) in enumerate(pairs) if permitted and stake >= threshold]


def _fit(vector: list[Any], size: int) -> list[Any]:
    """Return a vector of one entry for each neuron; what an epoch has not seen yet is 0."""
    return [*vector[:size], *[0] * (size - len(vector))]


def _subnet_state(state: State, netuid: int) -> dict[str, Any] | None:
    if not pools.exists(state, netuid):
        return None
    found = neuron_vectors(state, netuid, netuid)
    history = [_emissions_on(state, other, found["hotkeys"]) for other in subnets.netuids(state)]
    return shaped("SubnetState", {"netuid": netuid, "emission_history": history, **found})


def _emissions_on(state: State, netuid: int, hotkeys: list[bytes]) -> list[int]:
    """Return what each hotkey's last epoch on a subnet brought it, 0 where it has no slot."""
    emission, found = state.get(f"{_MODULE}.Emission", netuid), list[int]()
    for hotkey in hotkeys:
        uid = neurons.uid_of(state, netuid, hotkey)
        found.append(emission[uid] if uid is not None and uid < len(emission) else 0)
    return found


def _to_prune(state: State) -> int | None:
    """Return the subnet that a new one would replace now."""
    return networks.weakest(state, state.get("System.Number"))


_API: Final = "SubnetInfoRuntimeApi"
METAGRAPH_CALLS: Final[dict[str, Callable[..., Any]]] = {
    f"{_API}_get_metagraph": metagraph,
    f"{_API}_get_mechagraph": metagraph,
    f"{_API}_get_all_metagraphs": lambda state: [metagraph(state, netuid) for netuid in subnets.netuids(state)],
    f"{_API}_get_selective_metagraph": lambda state, netuid, indexes: _selected(state, netuid, 0, indexes),
    f"{_API}_get_selective_mechagraph": _selected,
    f"{_API}_get_subnet_state": _subnet_state,
    f"{_API}_get_subnet_to_prune": _to_prune,
}
