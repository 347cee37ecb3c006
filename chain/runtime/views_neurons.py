"""Neurons as clients see them: keys, where they can be reached, stake, and what the last epoch made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chain.runtime.state import State
from chain.runtime.subtensor import neurons, pools, positions
from chain.runtime.view_shapes import fields_of

_MODULE: Final = "SubtensorModule"
RANK: Final = 0
TRUST: Final = 0
PRUNING_SCORE: Final = 65_535
"""What clients are told of three figures that epochs do not compute any more (``yuma`` section 3.7)."""
_VECTORS: Final = {
    "active": "Active",
    "emission": "Emission",
    "incentive": "Incentive",
    "consensus": "Consensus",
    "validator_trust": "ValidatorTrust",
    "dividends": "Dividends",
    "last_update": "LastUpdate",
    "validator_permit": "ValidatorPermit",
}


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of a subnet's first mechanism, read once for all of its neurons."""

    netuid: int
    found: dict[str, list[Any]]

    @classmethod
    def of(cls, state: State, netuid: int) -> "Vectors":
        """Read them."""
        return cls(netuid, {field: state.get(f"{_MODULE}.{item}", netuid) for field, item in _VECTORS.items()})

    def at(self, uid: int) -> dict[str, Any]:
        """Return what they say of one neuron, nothing where a vector is too short."""
        return {field: vector[uid] if uid < len(vector) else 0 for field, vector in self.found.items()}


def axon_of(state: State, netuid: int, hotkey: bytes) -> dict[str, int]:
    """Return where a hotkey can be reached; all zeros where it did not say."""
    return state.get(f"{_MODULE}.Axons", netuid, hotkey) or _zeros("AxonInfo")


def _zeros(name: str) -> dict[str, int]:
    return dict.fromkeys((field for field, _ in fields_of(name)), 0)


def _lite(state: State, vectors: Vectors, uid: int) -> dict[str, Any]:
    netuid, hotkey = vectors.netuid, neurons.hotkey_at(state, vectors.netuid, uid)
    coldkey, told = positions.owner_of(state, hotkey), vectors.at(uid)
    return {
        "hotkey": hotkey,
        "coldkey": coldkey,
        "uid": uid,
        "netuid": netuid,
        "axon_info": axon_of(state, netuid, hotkey),
        "prometheus_info": state.get(f"{_MODULE}.Prometheus", netuid, hotkey) or _zeros("PrometheusInfo"),
        "stake": [(coldkey, positions.pool_value(state, hotkey, netuid))],
        "rank": RANK,
        "trust": TRUST,
        "pruning_score": PRUNING_SCORE,
        **told,
        "active": bool(told["active"]),
        "validator_permit": bool(told["validator_permit"]),
    }


def _whole(state: State, vectors: Vectors, uid: int) -> dict[str, Any]:
    rows = {
        field: [(column, value) for column, value in state.get(f"{_MODULE}.{item}", vectors.netuid, uid) if value]
        for field, item in (("weights", "Weights"), ("bonds", "Bonds"))
    }
    return {**_lite(state, vectors, uid), **rows}


def _all(shape: Callable[[State, Vectors, int], dict[str, Any]]) -> Callable[..., list[dict[str, Any]]]:
    def call(state: State, netuid: int) -> list[dict[str, Any]]:
        if not pools.exists(state, netuid):
            return []
        vectors = Vectors.of(state, netuid)
        return [shape(state, vectors, uid) for uid in range(neurons.count(state, netuid))]

    return call


def _one(shape: Callable[[State, Vectors, int], dict[str, Any]]) -> Callable[..., dict[str, Any] | None]:
    def call(state: State, netuid: int, uid: int) -> dict[str, Any] | None:
        if not pools.exists(state, netuid) or uid >= neurons.count(state, netuid):
            return None
        return shape(state, Vectors.of(state, netuid), uid)

    return call


NEURON_CALLS: Final[dict[str, Callable[..., Any]]] = {
    "NeuronInfoRuntimeApi_get_neurons": _all(_whole),
    "NeuronInfoRuntimeApi_get_neuron": _one(_whole),
    "NeuronInfoRuntimeApi_get_neurons_lite": _all(_lite),
    "NeuronInfoRuntimeApi_get_neuron_lite": _one(_lite),
}
