"""What clients ask of a state through ``state_call``: each answer a pure function of one committed state.

A method that is declared but not answered here is refused as unknown, never answered wrongly.
"""

from collections.abc import Callable
from typing import Any, Final

from chain.errors import DecodeError, NotDeclared
from chain.extrinsic import decode_extrinsic
from chain.runtime import balances, fees
from chain.runtime.admission import parameters_of
from chain.runtime.declarations import RUNTIME_VERSION, codec, runtime_call
from chain.runtime.state import State
from chain.runtime.views_delegates import DELEGATE_CALLS
from chain.runtime.views_metagraph import METAGRAPH_CALLS
from chain.runtime.views_neurons import NEURON_CALLS
from chain.runtime.views_parameters import PARAMETER_CALLS
from chain.runtime.views_stake import STAKE_CALLS
from chain.runtime.views_subnets import SUBNET_CALLS
from chain.scale.compact import encode_compact
from chain.scale.metadata import METADATA_VERSIONS, metadata

RuntimeMethod = Callable[..., Any]


def call_runtime(state: State, name: str, data: bytes) -> bytes:
    """Return the encoded answer to a runtime call.

    Raises ``NotDeclared`` for a name that is not answered here, and ``DecodeError`` for wrong arguments.
    """
    method = RUNTIME_API.get(name)
    if method is None:
        raise NotDeclared(name)
    declared = runtime_call(name)
    arguments, offset = [], 0
    for _, type_text in declared.inputs:
        value, offset = codec().decode_prefix(type_text, data, offset)
        arguments.append(value)
    if offset != len(data):
        raise DecodeError("trailing_bytes", offset, name)
    return codec().encode(declared.output, method(state, *arguments))


def _core_version(state: State) -> Any:  # noqa: ARG001 - as all methods
    return RUNTIME_VERSION


def _metadata(state: State) -> bytes:  # noqa: ARG001
    return metadata(METADATA_VERSIONS[0]) or b""


def _metadata_at_version(state: State, version: int) -> bytes | None:  # noqa: ARG001
    return metadata(version)


def _metadata_versions(state: State) -> list[int]:  # noqa: ARG001
    return list(METADATA_VERSIONS)


def _account_nonce(state: State, account: bytes) -> int:
    return balances.nonce_of(state, account)


def _query_info(state: State, uxt: bytes, length: int) -> dict[str, Any]:
    """Return the fee without tip; the signature is not looked at, since clients ask with an empty one."""
    call, fee = _fee(state, uxt, length)
    return {
        "weight": {"ref_time": fees.total_weight(call), "proof_size": 0},
        "class": "Normal",
        "partial_fee": fee.total,
    }


def _query_fee_details(state: State, uxt: bytes, length: int) -> dict[str, Any]:
    _, fee = _fee(state, uxt, length)
    parts = {"base_fee": fee.base, "len_fee": fee.length, "adjusted_weight_fee": fee.weight}
    return {"inclusion_fee": parts, "tip": 0}


def _fee(state: State, uxt: bytes, length: int) -> tuple[Any, fees.Fee]:
    call = decode_extrinsic(encode_compact(len(uxt)) + uxt).call
    return call, fees.fee_of(parameters_of(state), call, length)


RUNTIME_API: Final[dict[str, RuntimeMethod]] = {
    "Core_version": _core_version,
    "Metadata_metadata": _metadata,
    "Metadata_metadata_at_version": _metadata_at_version,
    "Metadata_metadata_versions": _metadata_versions,
    "AccountNonceApi_account_nonce": _account_nonce,
    "TransactionPaymentApi_query_info": _query_info,
    "TransactionPaymentApi_query_fee_details": _query_fee_details,
    **DELEGATE_CALLS,
    **STAKE_CALLS,
    **SUBNET_CALLS,
    **NEURON_CALLS,
    **PARAMETER_CALLS,
    **METAGRAPH_CALLS,
}
"""Methods by their ``state_call`` name: the state first, then the declared inputs."""
