"""The runtime calls that clients reach through ``state_call``."""

from chain.runtime.declarations.notation import api

RUNTIME_CALLS = (
    *api(
        "Core",
        ("version", "", "RuntimeVersion"),
    ),
    *api(
        "Metadata",
        ("metadata", "", "Vec<u8>"),
        ("metadata_at_version", "version: u32", "Option<Vec<u8>>"),
        ("metadata_versions", "", "Vec<u32>"),
    ),
    *api(
        "AccountNonceApi",
        ("account_nonce", "account: AccountId32", "u32"),
    ),
    *api(
        "TransactionPaymentApi",
        ("query_info", "uxt: UncheckedExtrinsic, len: u32", "RuntimeDispatchInfo"),
        ("query_fee_details", "uxt: UncheckedExtrinsic, len: u32", "FeeDetails"),
    ),
    *api(
        "DelegateInfoRuntimeApi",
        ("get_delegates", "", "Vec<DelegateInfo>"),
        ("get_delegate", "delegate_account: AccountId32", "Option<DelegateInfo>"),
        ("get_delegated", "delegatee_account: AccountId32", "Vec<(DelegateInfo, (Compact<u16>, Compact<u64>))>"),
    ),
    *api(
        "NeuronInfoRuntimeApi",
        ("get_neurons", "netuid: u16", "Vec<NeuronInfo>"),
        ("get_neuron", "netuid: u16, uid: u16", "Option<NeuronInfo>"),
        ("get_neurons_lite", "netuid: u16", "Vec<NeuronInfoLite>"),
        ("get_neuron_lite", "netuid: u16, uid: u16", "Option<NeuronInfoLite>"),
    ),
    *api(
        "SubnetInfoRuntimeApi",
        ("get_subnet_info", "netuid: u16", "Option<SubnetInfo>"),
        ("get_subnets_info", "", "Vec<Option<SubnetInfo>>"),
        ("get_subnet_info_v2", "netuid: u16", "Option<SubnetInfov2>"),
        ("get_subnets_info_v2", "", "Vec<Option<SubnetInfov2>>"),
        ("get_subnet_hyperparams", "netuid: u16", "Option<SubnetHyperparams>"),
        ("get_subnet_hyperparams_v2", "netuid: u16", "Option<SubnetHyperparamsV2>"),
        ("get_all_dynamic_info", "", "Vec<Option<DynamicInfo>>"),
        ("get_all_metagraphs", "", "Vec<Option<Metagraph>>"),
        ("get_metagraph", "netuid: u16", "Option<Metagraph>"),
        ("get_mechagraph", "netuid: u16, mecid: u8", "Option<Metagraph>"),
        ("get_dynamic_info", "netuid: u16", "Option<DynamicInfo>"),
        ("get_subnet_state", "netuid: u16", "Option<SubnetState>"),
        ("get_selective_metagraph", "netuid: u16, metagraph_indexes: Vec<u16>", "Option<SelectiveMetagraph>"),
        ("get_coldkey_auto_stake_hotkey", "coldkey: AccountId32, netuid: u16", "Option<AccountId32>"),
        (
            "get_selective_mechagraph",
            "netuid: u16, subid: u8, metagraph_indexes: Vec<u16>",
            "Option<SelectiveMetagraph>",
        ),
        ("get_subnet_to_prune", "", "Option<u16>"),
        ("get_subnet_account_id", "netuid: u16", "Option<AccountId32>"),
        ("get_next_epoch_start_block", "netuid: u16", "Option<u64>"),
        ("get_subnet_hyperparams_v3", "netuid: u16", "Option<Vec<HyperparamEntry>>"),
    ),
    *api(
        "StakeInfoRuntimeApi",
        ("get_stake_info_for_coldkey", "coldkey_account: AccountId32", "Vec<StakeInfo>"),
        ("get_stake_info_for_coldkeys", "coldkey_accounts: Vec<AccountId32>", "Vec<(AccountId32, Vec<StakeInfo>)>"),
        (
            "get_stake_info_for_hotkey_coldkey_netuid",
            "hotkey_account: AccountId32, coldkey_account: AccountId32, netuid: u16",
            "Option<StakeInfo>",
        ),
        (
            "get_stake_availability_for_coldkeys",
            "coldkey_accounts: Vec<AccountId32>, netuids: Option<Vec<u16>>",
            "BTreeMap<AccountId32, BTreeMap<u16, StakeAvailability>>",
        ),
        (
            "get_stake_fee",
            (
                "origin: Option<(AccountId32, u16)>, origin_coldkey_account: AccountId32, "
                "destination: Option<(AccountId32, u16)>, destination_coldkey_account: AccountId32, amount: u64"
            ),
            "u64",
        ),
        ("get_coldkey_lock", "coldkey: AccountId32, netuid: u16", "Option<LockState>"),
        ("get_hotkey_conviction", "hotkey: AccountId32, netuid: u16", "FixedU128"),
        ("get_most_convicted_hotkey_on_subnet", "netuid: u16", "Option<AccountId32>"),
    ),
    *api(
        "SubnetRegistrationRuntimeApi",
        ("get_network_registration_cost", "", "u64"),
    ),
    *api(
        "ProxyFilterRuntimeApi",
        ("get_proxy_types", "", "Vec<ProxyTypeInfo>"),
    ),
    *api(
        "SwapRuntimeApi",
        ("current_alpha_price", "netuid: u16", "u64"),
        ("current_alpha_price_all", "", "Vec<SubnetPrice>"),
        ("sim_swap_tao_for_alpha", "netuid: u16, tao: u64", "SimSwapResult"),
        ("sim_swap_alpha_for_tao", "netuid: u16, alpha: u64", "SimSwapResult"),
    ),
)
