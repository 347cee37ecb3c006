"""Types that pallets store or take as arguments."""

from chain.runtime.declarations.notation import enum, struct

PALLET_TYPES = (
    struct(
        "AxonInfo",
        "pallet_subtensor::pallet::AxonInfo",
        "block: u64, version: u32, ip: u128, port: u16, ip_type: u8, protocol: u8, placeholder1: u8, placeholder2: u8",
    ),
    struct(
        "PrometheusInfo",
        "pallet_subtensor::pallet::PrometheusInfo",
        "block: u64, version: u32, ip: u128, port: u16, ip_type: u8",
    ),
    struct(
        "ChainIdentityV2",
        "pallet_subtensor::pallet::ChainIdentityV2",
        "name: Vec<u8>, url: Vec<u8>, github_repo: Vec<u8>, image: Vec<u8>, discord: Vec<u8>, "
        "description: Vec<u8>, additional: Vec<u8>",
    ),
    struct(
        "SubnetIdentityV3",
        "pallet_subtensor::pallet::SubnetIdentityV3",
        "subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8>, subnet_url: Vec<u8>, "
        "discord: Vec<u8>, description: Vec<u8>, logo_url: Vec<u8>, additional: Vec<u8>",
    ),
    struct(
        "LockState",
        "pallet_subtensor::staking::lock::LockState",
        "locked_mass: u64, conviction: FixedU128, last_update: u64",
    ),
    struct("Balancer", "pallet_subtensor_swap::pallet::balancer::Balancer", "quote: u64"),
    struct("SafeFloat", "share_pool::SafeFloat", "mantissa: u128, exponent: i64"),
    enum(
        "RootClaimTypeEnum",
        "pallet_subtensor::pallet::RootClaimTypeEnum",
        "0 Swap, 1 Keep, 2 KeepSubnets (subnets: BTreeSet<u16>)",
    ),
    struct(
        "Announcement",
        "pallet_subtensor_proxy::Announcement",
        "real: AccountId32, call_hash: H256, height: u32",
    ),
    struct(
        "ProxyDefinition",
        "pallet_subtensor_proxy::ProxyDefinition",
        "delegate: AccountId32, proxy_type: ProxyType, delay: u32",
    ),
    enum(
        "ProxyType",
        "subtensor_runtime_common::ProxyType",
        "0 Any, 1 Owner, 2 NonCritical, 3 NonTransfer, 4 Senate, 5 NonFungible, 6 Triumvirate, 7 "
        "Governance, 8 Staking, 9 Registration, 10 Transfer, 11 SmallTransfer, 12 RootWeights, 13 "
        "ChildKeys, 14 SudoUncheckedSetCode, 15 SwapHotkey, 16 SubnetLeaseBeneficiary, 17 RootClaim",
    ),
    struct(
        "Multisig",
        "pallet_multisig::Multisig",
        "when: Timepoint, deposit: u64, depositor: AccountId32, approvals: Vec<AccountId32>",
    ),
    struct("Timepoint", "pallet_multisig::Timepoint", "height: u32, index: u32"),
    struct("CommitmentInfo", "pallet_commitments::types::CommitmentInfo", "fields: Vec<Data>"),
    struct(
        "Registration",
        "pallet_commitments::types::Registration",
        "deposit: u64, block: u32, info: CommitmentInfo",
    ),
    struct(
        "AccountData",
        "pallet_balances::types::AccountData",
        "free: u64, reserved: u64, frozen: u64, flags: u128",
    ),
    struct(
        "AccountInfo",
        "frame_system::AccountInfo",
        "nonce: u32, consumers: u32, providers: u32, sufficients: u32, data: AccountData",
    ),
    struct(
        "BalanceLock",
        "pallet_balances::types::BalanceLock",
        "id: [u8;8], amount: u64, reasons: Reasons",
    ),
    struct("ReserveData", "pallet_balances::types::ReserveData", "id: [u8;8], amount: u64"),
    struct("IdAmount", "frame_support::traits::tokens::misc::IdAmount", "id: RuntimeHoldReason, amount: u64"),
    struct(
        "IdAmount<RuntimeFreezeReason>",
        "frame_support::traits::tokens::misc::IdAmount",
        "id: RuntimeFreezeReason, amount: u64",
    ),
    enum(
        "RuntimeFreezeReason",
        "node_subtensor_runtime::RuntimeFreezeReason",
        "",
    ),
    enum(
        "RuntimeHoldReason",
        "node_subtensor_runtime::RuntimeHoldReason",
        "",
    ),
    enum(
        "Reasons",
        "pallet_balances::types::Reasons",
        "0 Fee, 1 Misc, 2 All",
    ),
    struct(
        "LastRuntimeUpgradeInfo",
        "frame_system::LastRuntimeUpgradeInfo",
        "spec_version: Compact<u32>, spec_name: str",
    ),
    struct(
        "RuntimeVersion",
        "sp_version::RuntimeVersion",
        "spec_name: str, impl_name: str, authoring_version: u32, spec_version: u32, impl_version: u32, "
        "apis: Vec<([u8;8], u32)>, transaction_version: u32, system_version: u8",
    ),
    struct("FixedI128", "substrate_fixed::FixedI128", "bits: i128"),
    struct("FixedI64", "substrate_fixed::FixedI64", "bits: i64"),
    struct("FixedU128", "substrate_fixed::FixedU128", "bits: u128"),
)
