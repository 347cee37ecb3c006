"""Types of the frame around all pallets: accounts, events, errors, digests, extrinsics."""

from chain.runtime.declarations.notation import enum, struct

CORE = (
    struct("AccountId32", "sp_core::crypto::AccountId32", "[u8;32]"),
    enum(
        "ArithmeticError",
        "sp_arithmetic::ArithmeticError",
        "0 Underflow, 1 Overflow, 2 DivisionByZero",
    ),
    struct("CheckMetadataHash", "frame_metadata_hash_extension::CheckMetadataHash", "mode: Mode"),
    struct("Digest", "sp_runtime::generic::digest::Digest", "logs: Vec<DigestItem>"),
    enum(
        "DigestItem",
        "sp_runtime::generic::digest::DigestItem",
        "0 Other (Vec<u8>), 4 Consensus ([u8;4], Vec<u8>), 5 Seal ([u8;4], Vec<u8>), 6 PreRuntime "
        "([u8;4], Vec<u8>), 8 RuntimeEnvironmentUpdated",
    ),
    enum(
        "DispatchClass",
        "frame_support::dispatch::DispatchClass",
        "0 Normal, 1 Operational, 2 Mandatory",
    ),
    enum(
        "DispatchError",
        "sp_runtime::DispatchError",
        "0 Other, 1 CannotLookup, 2 BadOrigin, 3 Module (ModuleError), 4 ConsumerRemaining, 5 "
        "NoProviders, 6 TooManyConsumers, 7 Token (TokenError), 8 Arithmetic (ArithmeticError), 9 "
        "Transactional (TransactionalError), 10 Exhausted, 11 Corruption, 12 Unavailable, 13 "
        "RootNotAllowed, 14 Trie (TrieError)",
    ),
    struct(
        "DispatchEventInfo",
        "frame_system::DispatchEventInfo",
        "weight: Weight, class: DispatchClass, pays_fee: Pays",
    ),
    struct(
        "EventRecord",
        "frame_system::EventRecord",
        "phase: Phase, event: RuntimeEvent, topics: Vec<H256>",
    ),
    struct("H256", "primitive_types::H256", "[u8;32]"),
    enum(
        "Mode",
        "frame_metadata_hash_extension::Mode",
        "0 Disabled, 1 Enabled",
    ),
    struct("ModuleError", "sp_runtime::ModuleError", "index: u8, error: [u8;4]"),
    enum(
        "MultiSignature",
        "sp_runtime::MultiSignature",
        "0 Ed25519 ([u8;64]), 1 Sr25519 ([u8;64]), 2 Ecdsa ([u8;65])",
    ),
    enum(
        "Pays",
        "frame_support::dispatch::Pays",
        "0 Yes, 1 No",
    ),
    enum(
        "Phase",
        "frame_system::Phase",
        "0 ApplyExtrinsic (u32), 1 Finalization, 2 Initialization",
    ),
    enum(
        "TokenError",
        "sp_runtime::TokenError",
        "0 FundsUnavailable, 1 OnlyProvider, 2 BelowMinimum, 3 CannotCreate, 4 UnknownAsset, 5 Frozen, 6 "
        "Unsupported, 7 CannotCreateHold, 8 NotExpendable, 9 Blocked",
    ),
    enum(
        "TransactionalError",
        "sp_runtime::TransactionalError",
        "0 LimitReached, 1 NoLayer",
    ),
    enum(
        "TrieError",
        "sp_runtime::proving_trie::TrieError",
        "0 InvalidStateRoot, 1 IncompleteDatabase, 2 ValueAtIncompleteKey, 3 DecoderError, 4 InvalidHash,"
        " 5 DuplicateKey, 6 ExtraneousNode, 7 ExtraneousValue, 8 ExtraneousHashReference, 9 "
        "InvalidChildReference, 10 ValueMismatch, 11 IncompleteProof, 12 RootMismatch, 13 DecodeError",
    ),
    struct(
        "Weight",
        "sp_weights::weight_v2::Weight",
        "ref_time: Compact<u64>, proof_size: Compact<u64>",
    ),
)
