"""The version that every signature carries and that clients compare: changed metadata needs a new spec version."""

from hashlib import blake2b
from typing import Any

from chain.scale.compact import encode_compact

SPEC_NAME = "node-subtensor"
SPEC_VERSION = 424
IMPL_VERSION = 1
AUTHORING_VERSION = 1
TRANSACTION_VERSION = 1
SYSTEM_VERSION = 1

API_VERSIONS = (
    ("Core", 5),
    ("Metadata", 2),
    ("BlockBuilder", 6),
    ("GenesisBuilder", 1),
    ("TaggedTransactionQueue", 3),
    ("OffchainWorkerApi", 2),
    ("AuraApi", 1),
    ("SessionKeys", 1),
    ("GrandpaApi", 3),
    ("AccountNonceApi", 1),
    ("TransactionPaymentApi", 4),
    ("TransactionPaymentCallApi", 3),
    ("EthereumRuntimeRPCApi", 6),
    ("ConvertTransactionRuntimeApi", 2),
    ("ContractsApi", 2),
    ("DelegateInfoRuntimeApi", 1),
    ("NeuronInfoRuntimeApi", 1),
    ("SubnetInfoRuntimeApi", 2),
    ("StakeInfoRuntimeApi", 1),
    ("SubnetRegistrationRuntimeApi", 1),
    ("ProxyFilterRuntimeApi", 1),
    ("BabeApi", 2),
    ("SwapRuntimeApi", 1),
    ("ShieldApi", 1),
)
"""Names and versions as the public network announces them under this spec version, served here or not."""


def api_id(name: str) -> bytes:
    """Return the 8 bytes that stand for a runtime API in a version: blake2b-64 of its name."""
    return blake2b(name.encode(), digest_size=8).digest()


def version_bytes() -> bytes:
    """Return the SCALE bytes of ``RUNTIME_VERSION``; they stand in a constant, so no codec exists yet."""
    name = encode_compact(len(SPEC_NAME)) + SPEC_NAME.encode()
    numbers = (AUTHORING_VERSION, SPEC_VERSION, IMPL_VERSION)
    apis = b"".join(api_id(api) + version.to_bytes(4, "little") for api, version in API_VERSIONS)
    return b"".join(
        (
            name,
            name,
            *(number.to_bytes(4, "little") for number in numbers),
            encode_compact(len(API_VERSIONS)),
            apis,
            TRANSACTION_VERSION.to_bytes(4, "little"),
            bytes((SYSTEM_VERSION,)),
        )
    )


RUNTIME_VERSION: dict[str, Any] = {
    "spec_name": SPEC_NAME,
    "impl_name": SPEC_NAME,
    "authoring_version": AUTHORING_VERSION,
    "spec_version": SPEC_VERSION,
    "impl_version": IMPL_VERSION,
    "apis": [(api_id(name), version) for name, version in API_VERSIONS],
    "transaction_version": TRANSACTION_VERSION,
    "system_version": SYSTEM_VERSION,
}
"""The value of the declared type ``RuntimeVersion``."""
