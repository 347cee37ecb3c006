"""All named types: the listed ones, those that follow a rule, and the outer enums that the pallets make."""

from collections.abc import Callable, Iterable

from chain.runtime.declarations.core_types import CORE
from chain.runtime.declarations.pallet_types import PALLET_TYPES
from chain.runtime.declarations.view_types import VIEWS
from chain.runtime.pallet import Pallet
from chain.scale.types import Definition, Enum, Struct, Variant

RUNTIME_PATH = "node_subtensor_runtime"

_CRATES = {
    "System": "frame_system",
    "SubtensorModule": "pallet_subtensor",
    "TransactionPayment": "pallet_transaction_payment",
    "Utility": "pallet_subtensor_utility",
    "Proxy": "pallet_subtensor_proxy",
    "AdminUtils": "pallet_admin_utils",
    "Swap": "pallet_subtensor_swap::pallet",
    "MevShield": "pallet_shield",
}

ERA = Enum(
    "Era",
    "sp_runtime::generic::era::Era",
    (Variant(0, "Immortal"), *(Variant(index, f"Mortal{index}", (("", "u8"),)) for index in range(1, 256))),
)

DATA = Enum(
    "Data",
    "pallet_commitments::types::Data",
    (
        Variant(0, "None"),
        *(Variant(length + 1, f"Raw{length}", (("", f"[u8;{length}]"),)) for length in range(129)),
        Variant(130, "BlakeTwo256", (("", "[u8;32]"),)),
        Variant(131, "Sha256", (("", "[u8;32]"),)),
        Variant(132, "Keccak256", (("", "[u8;32]"),)),
        Variant(133, "ShaThree256", (("", "[u8;32]"),)),
        Variant(134, "TimelockEncrypted", (("encrypted", "Vec<u8>"), ("reveal_round", "u64"))),
        Variant(135, "ResetBondsFlag"),
        Variant(136, "BigRaw", (("", "Vec<u8>"),)),
    ),
)

MULTI_ADDRESS = Enum(
    "MultiAddress",
    "sp_runtime::multiaddress::MultiAddress",
    (
        Variant(0, "Id", (("", "AccountId32"),)),
        Variant(1, "Index", (("", "Compact<()>"),)),
        Variant(2, "Raw", (("", "Vec<u8>"),)),
        Variant(3, "Address32", (("", "[u8;32]"),)),
        Variant(4, "Address20", (("", "[u8;20]"),)),
    ),
    (("AccountId", "AccountId32"), ("AccountIndex", "()")),
)

EXTENSIONS = (
    ("CheckNonZeroSender", "()", "()"),
    ("CheckSpecVersion", "()", "u32"),
    ("CheckTxVersion", "()", "u32"),
    ("CheckGenesis", "()", "H256"),
    ("CheckMortality", "Era", "H256"),
    ("CheckNonce", "Compact<u32>", "()"),
    ("CheckWeight", "()", "()"),
    ("ChargeTransactionPayment", "Compact<u64>", "()"),
    ("SudoTransactionExtension", "()", "()"),
    ("CheckShieldedTxValidity", "()", "()"),
    ("SubtensorTransactionExtension", "()", "()"),
    ("DrandPriority", "()", "()"),
    ("CheckMetadataHash", "CheckMetadataHash", "Option<[u8;32]>"),
)
"""Extensions of a signed extrinsic, in order: name, type in the extrinsic, type in the signed payload only."""

EXTRA = "(" + ", ".join(in_extrinsic for _, in_extrinsic, _ in EXTENSIONS) + ")"
"""The type of all that the extensions put into an extrinsic."""

UNCHECKED_EXTRINSIC = Struct(
    "UncheckedExtrinsic",
    "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic",
    (("", "Vec<u8>"),),
    (("Address", "MultiAddress"), ("Call", "RuntimeCall"), ("Signature", "MultiSignature"), ("Extra", EXTRA)),
)


def selective_metagraph() -> Struct:
    """Return the metagraph whose fields may be left out: all but the netuid, and two more."""
    metagraph = next(view for view in VIEWS if view.name == "Metagraph")
    if not isinstance(metagraph, Struct):
        raise TypeError("Metagraph is a struct")
    first, *others = metagraph.fields
    return Struct(
        "SelectiveMetagraph",
        "pallet_subtensor::rpc_info::metagraph::SelectiveMetagraph",
        (
            first,
            *((name, f"Option<{type_text}>") for name, type_text in others),
            ("validators", "Option<Vec<Compact<u16>>>"),
            ("commitments", "Option<Vec<(AccountId32, Vec<Compact<u8>>)>>"),
        ),
    )


def declared_types(pallets: Iterable[Pallet]) -> tuple[Definition, ...]:
    """Return every named type, those of the pallets' calls, events and errors included."""
    pallets = tuple(pallets)
    fixed = (*CORE, *PALLET_TYPES, *VIEWS, selective_metagraph(), ERA, DATA, MULTI_ADDRESS, UNCHECKED_EXTRINSIC)
    inner = [definition for pallet in pallets for definition in _pallet_types(pallet)]
    return (
        *fixed,
        *inner,
        _outer(pallets, "Call", lambda pallet: bool(pallet.calls), recursive=True),
        _outer(pallets, "Event", lambda pallet: bool(pallet.events)),
        _outer(pallets, "Error", lambda pallet: bool(pallet.errors)),
    )


def _pallet_types(pallet: Pallet) -> list[Definition]:
    crate = _CRATES.get(pallet.name, f"pallet_{pallet.name.lower()}")
    variants = {
        "Call": tuple(Variant(call.index, call.name, call.args) for call in pallet.calls),
        "Event": tuple(Variant(event.index, event.name, event.fields) for event in pallet.events),
        "Error": tuple(Variant(index, name) for index, name in enumerate(pallet.errors)),
    }
    return [
        Enum(f"{pallet.name}::{kind}", f"{crate}::pallet::{kind}", listed)
        for kind, listed in variants.items()
        if listed
    ]


def _outer(pallets: tuple[Pallet, ...], kind: str, has: Callable[[Pallet], bool], *, recursive: bool = False) -> Enum:
    variants = tuple(
        Variant(pallet.index, pallet.name, (("", f"{pallet.name}::{kind}"),)) for pallet in pallets if has(pallet)
    )
    return Enum(f"Runtime{kind}", f"{RUNTIME_PATH}::Runtime{kind}", variants, recursive=recursive)
