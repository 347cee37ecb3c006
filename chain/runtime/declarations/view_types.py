"""Types that runtime calls answer with."""

from chain.runtime.declarations.notation import enum, struct

VIEWS = (
    struct(
        "DelegateInfo",
        "pallet_subtensor::rpc_info::delegate_info::DelegateInfo",
        "delegate_ss58: AccountId32, take: Compact<u16>, nominators: Vec<(AccountId32, Vec<(Compact<u16>,"
        " Compact<u64>)>)>, owner_ss58: AccountId32, registrations: Vec<Compact<u16>>, validator_permits:"
        " Vec<Compact<u16>>, return_per_1000: Compact<u64>, total_daily_return: Compact<u64>",
    ),
    struct(
        "DynamicInfo",
        "pallet_subtensor::rpc_info::dynamic_info::DynamicInfo",
        "netuid: Compact<u16>, owner_hotkey: AccountId32, owner_coldkey: AccountId32, subnet_name: "
        "Vec<Compact<u8>>, token_symbol: Vec<Compact<u8>>, tempo: Compact<u16>, last_step: Compact<u64>, "
        "blocks_since_last_step: Compact<u64>, emission: Compact<u64>, alpha_in: Compact<u64>, alpha_out:"
        " Compact<u64>, tao_in: Compact<u64>, alpha_out_emission: Compact<u64>, alpha_in_emission: "
        "Compact<u64>, tao_in_emission: Compact<u64>, pending_alpha_emission: Compact<u64>, "
        "pending_root_emission: Compact<u64>, subnet_volume: Compact<u128>, network_registered_at: "
        "Compact<u64>, subnet_identity: Option<SubnetIdentityV3>, moving_price: FixedI128",
    ),
    struct(
        "FeeDetails",
        "pallet_transaction_payment::types::FeeDetails",
        "inclusion_fee: Option<InclusionFee>, tip: u64",
    ),
    struct(
        "HyperparamEntry",
        "pallet_subtensor::rpc_info::subnet_info::HyperparamEntry",
        "name: Vec<u8>, value: HyperparamValue",
    ),
    enum(
        "HyperparamValue",
        "pallet_subtensor::rpc_info::subnet_info::HyperparamValue",
        "0 Bool (bool), 1 U16 (Compact<u16>), 2 U32 (Compact<u32>), 3 U64 (Compact<u64>), 4 U128 "
        "(Compact<u128>), 5 TaoBalance (Compact<u64>), 6 I32F32 (FixedI64), 7 U64F64 (FixedU128)",
    ),
    struct(
        "InclusionFee",
        "pallet_transaction_payment::types::InclusionFee",
        "base_fee: u64, len_fee: u64, adjusted_weight_fee: u64",
    ),
    struct(
        "Metagraph",
        "pallet_subtensor::rpc_info::metagraph::Metagraph",
        "netuid: Compact<u16>, name: Vec<Compact<u8>>, symbol: Vec<Compact<u8>>, identity: "
        "Option<SubnetIdentityV3>, network_registered_at: Compact<u64>, owner_hotkey: AccountId32, "
        "owner_coldkey: AccountId32, block: Compact<u64>, tempo: Compact<u16>, last_step: Compact<u64>, "
        "blocks_since_last_step: Compact<u64>, subnet_emission: Compact<u64>, alpha_in: Compact<u64>, "
        "alpha_out: Compact<u64>, tao_in: Compact<u64>, alpha_out_emission: Compact<u64>, "
        "alpha_in_emission: Compact<u64>, tao_in_emission: Compact<u64>, pending_alpha_emission: "
        "Compact<u64>, pending_root_emission: Compact<u64>, subnet_volume: Compact<u128>, moving_price: "
        "FixedI128, rho: Compact<u16>, kappa: Compact<u16>, min_allowed_weights: Compact<u16>, "
        "max_weights_limit: Compact<u16>, weights_version: Compact<u64>, weights_rate_limit: "
        "Compact<u64>, activity_cutoff: Compact<u64>, max_validators: Compact<u16>, num_uids: "
        "Compact<u16>, max_uids: Compact<u16>, burn: Compact<u64>, difficulty: Compact<u64>, "
        "registration_allowed: bool, pow_registration_allowed: bool, immunity_period: Compact<u16>, "
        "min_difficulty: Compact<u64>, max_difficulty: Compact<u64>, min_burn: Compact<u64>, max_burn: "
        "Compact<u64>, adjustment_alpha: Compact<u64>, adjustment_interval: Compact<u16>, "
        "target_regs_per_interval: Compact<u16>, max_regs_per_block: Compact<u16>, serving_rate_limit: "
        "Compact<u64>, commit_reveal_weights_enabled: bool, commit_reveal_period: Compact<u64>, "
        "liquid_alpha_enabled: bool, alpha_high: Compact<u16>, alpha_low: Compact<u16>, bonds_moving_avg:"
        " Compact<u64>, hotkeys: Vec<AccountId32>, coldkeys: Vec<AccountId32>, identities: "
        "Vec<Option<ChainIdentityV2>>, axons: Vec<AxonInfo>, active: Vec<bool>, validator_permit: "
        "Vec<bool>, pruning_score: Vec<Compact<u16>>, last_update: Vec<Compact<u64>>, emission: "
        "Vec<Compact<u64>>, dividends: Vec<Compact<u16>>, incentives: Vec<Compact<u16>>, consensus: "
        "Vec<Compact<u16>>, trust: Vec<Compact<u16>>, rank: Vec<Compact<u16>>, block_at_registration: "
        "Vec<Compact<u64>>, alpha_stake: Vec<Compact<u64>>, tao_stake: Vec<Compact<u64>>, total_stake: "
        "Vec<Compact<u64>>, tao_dividends_per_hotkey: Vec<(AccountId32, Compact<u64>)>, "
        "alpha_dividends_per_hotkey: Vec<(AccountId32, Compact<u64>)>",
    ),
    struct(
        "NeuronInfo",
        "pallet_subtensor::rpc_info::neuron_info::NeuronInfo",
        "hotkey: AccountId32, coldkey: AccountId32, uid: Compact<u16>, netuid: Compact<u16>, active: "
        "bool, axon_info: AxonInfo, prometheus_info: PrometheusInfo, stake: Vec<(AccountId32, "
        "Compact<u64>)>, rank: Compact<u16>, emission: Compact<u64>, incentive: Compact<u16>, consensus: "
        "Compact<u16>, trust: Compact<u16>, validator_trust: Compact<u16>, dividends: Compact<u16>, "
        "last_update: Compact<u64>, validator_permit: bool, weights: Vec<(Compact<u16>, Compact<u16>)>, "
        "bonds: Vec<(Compact<u16>, Compact<u16>)>, pruning_score: Compact<u16>",
    ),
    struct(
        "NeuronInfoLite",
        "pallet_subtensor::rpc_info::neuron_info::NeuronInfoLite",
        "hotkey: AccountId32, coldkey: AccountId32, uid: Compact<u16>, netuid: Compact<u16>, active: "
        "bool, axon_info: AxonInfo, prometheus_info: PrometheusInfo, stake: Vec<(AccountId32, "
        "Compact<u64>)>, rank: Compact<u16>, emission: Compact<u64>, incentive: Compact<u16>, consensus: "
        "Compact<u16>, trust: Compact<u16>, validator_trust: Compact<u16>, dividends: Compact<u16>, "
        "last_update: Compact<u64>, validator_permit: bool, pruning_score: Compact<u16>",
    ),
    struct(
        "ProxyTypeInfo",
        "subtensor_runtime_common::ProxyTypeInfo",
        "name: Vec<u8>, index: u8, deprecated: bool",
    ),
    struct(
        "RuntimeDispatchInfo",
        "pallet_transaction_payment::types::RuntimeDispatchInfo",
        "weight: Weight, class: DispatchClass, partial_fee: u64",
    ),
    struct(
        "SimSwapResult",
        "pallet_subtensor_swap_runtime_api::SimSwapResult",
        "tao_amount: u64, alpha_amount: u64, tao_fee: u64, alpha_fee: u64, tao_slippage: u64, alpha_slippage: u64",
    ),
    struct(
        "StakeAvailability",
        "pallet_subtensor::rpc_info::stake_info::StakeAvailability",
        "total: Compact<u64>, locked: Compact<u64>, available: Compact<u64>",
    ),
    struct(
        "StakeInfo",
        "pallet_subtensor::rpc_info::stake_info::StakeInfo",
        "hotkey: AccountId32, coldkey: AccountId32, netuid: Compact<u16>, stake: Compact<u64>, locked: "
        "Compact<u64>, emission: Compact<u64>, tao_emission: Compact<u64>, drain: Compact<u64>, "
        "is_registered: bool",
    ),
    struct(
        "SubnetHyperparams",
        "pallet_subtensor::rpc_info::subnet_info::SubnetHyperparams",
        "rho: Compact<u16>, kappa: Compact<u16>, immunity_period: Compact<u16>, min_allowed_weights: "
        "Compact<u16>, max_weights_limit: Compact<u16>, tempo: Compact<u16>, min_difficulty: "
        "Compact<u64>, max_difficulty: Compact<u64>, weights_version: Compact<u64>, weights_rate_limit: "
        "Compact<u64>, adjustment_interval: Compact<u16>, activity_cutoff: Compact<u64>, "
        "registration_allowed: bool, target_regs_per_interval: Compact<u16>, min_burn: Compact<u64>, "
        "max_burn: Compact<u64>, bonds_moving_avg: Compact<u64>, max_regs_per_block: Compact<u16>, "
        "serving_rate_limit: Compact<u64>, max_validators: Compact<u16>, adjustment_alpha: Compact<u64>, "
        "difficulty: Compact<u64>, commit_reveal_period: Compact<u64>, commit_reveal_weights_enabled: "
        "bool, alpha_high: Compact<u16>, alpha_low: Compact<u16>, liquid_alpha_enabled: bool",
    ),
    struct(
        "SubnetHyperparamsV2",
        "pallet_subtensor::rpc_info::subnet_info::SubnetHyperparamsV2",
        "rho: Compact<u16>, kappa: Compact<u16>, immunity_period: Compact<u16>, min_allowed_weights: "
        "Compact<u16>, max_weights_limit: Compact<u16>, tempo: Compact<u16>, min_difficulty: "
        "Compact<u64>, max_difficulty: Compact<u64>, weights_version: Compact<u64>, weights_rate_limit: "
        "Compact<u64>, adjustment_interval: Compact<u16>, activity_cutoff: Compact<u64>, "
        "registration_allowed: bool, target_regs_per_interval: Compact<u16>, min_burn: Compact<u64>, "
        "max_burn: Compact<u64>, bonds_moving_avg: Compact<u64>, max_regs_per_block: Compact<u16>, "
        "serving_rate_limit: Compact<u64>, max_validators: Compact<u16>, adjustment_alpha: Compact<u64>, "
        "difficulty: Compact<u64>, commit_reveal_period: Compact<u64>, commit_reveal_weights_enabled: "
        "bool, alpha_high: Compact<u16>, alpha_low: Compact<u16>, liquid_alpha_enabled: bool, "
        "alpha_sigmoid_steepness: FixedI64, yuma_version: Compact<u16>, subnet_is_active: bool, "
        "transfers_enabled: bool, bonds_reset_enabled: bool, user_liquidity_enabled: bool",
    ),
    struct(
        "SubnetInfo",
        "pallet_subtensor::rpc_info::subnet_info::SubnetInfo",
        "netuid: Compact<u16>, rho: Compact<u16>, kappa: Compact<u16>, difficulty: Compact<u64>, "
        "immunity_period: Compact<u16>, max_allowed_validators: Compact<u16>, min_allowed_weights: "
        "Compact<u16>, max_weights_limit: Compact<u16>, scaling_law_power: Compact<u16>, subnetwork_n: "
        "Compact<u16>, max_allowed_uids: Compact<u16>, blocks_since_last_step: Compact<u64>, tempo: "
        "Compact<u16>, network_modality: Compact<u16>, network_connect: Vec<[u16;2]>, emission_values: "
        "Compact<u64>, burn: Compact<u64>, owner: AccountId32",
    ),
    struct(
        "SubnetInfov2",
        "pallet_subtensor::rpc_info::subnet_info::SubnetInfov2",
        "netuid: Compact<u16>, rho: Compact<u16>, kappa: Compact<u16>, difficulty: Compact<u64>, "
        "immunity_period: Compact<u16>, max_allowed_validators: Compact<u16>, min_allowed_weights: "
        "Compact<u16>, max_weights_limit: Compact<u16>, scaling_law_power: Compact<u16>, subnetwork_n: "
        "Compact<u16>, max_allowed_uids: Compact<u16>, blocks_since_last_step: Compact<u64>, tempo: "
        "Compact<u16>, network_modality: Compact<u16>, network_connect: Vec<[u16;2]>, emission_value: "
        "Compact<u64>, burn: Compact<u64>, owner: AccountId32, identity: Option<SubnetIdentityV3>",
    ),
    struct("SubnetPrice", "pallet_subtensor_swap_runtime_api::SubnetPrice", "netuid: u16, price: u64"),
    struct(
        "SubnetState",
        "pallet_subtensor::rpc_info::show_subnet::SubnetState",
        "netuid: Compact<u16>, hotkeys: Vec<AccountId32>, coldkeys: Vec<AccountId32>, active: Vec<bool>, "
        "validator_permit: Vec<bool>, pruning_score: Vec<Compact<u16>>, last_update: Vec<Compact<u64>>, "
        "emission: Vec<Compact<u64>>, dividends: Vec<Compact<u16>>, incentives: Vec<Compact<u16>>, "
        "consensus: Vec<Compact<u16>>, trust: Vec<Compact<u16>>, rank: Vec<Compact<u16>>, "
        "block_at_registration: Vec<Compact<u64>>, alpha_stake: Vec<Compact<u64>>, tao_stake: "
        "Vec<Compact<u64>>, total_stake: Vec<Compact<u64>>, emission_history: Vec<Vec<Compact<u64>>>",
    ),
)
