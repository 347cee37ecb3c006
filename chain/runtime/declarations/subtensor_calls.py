"""Calls and events of SubtensorModule."""

from chain.runtime.declarations.notation import call, event

CALLS = (
    call(0, "set_weights", "netuid: u16, dests: Vec<u16>, weights: Vec<u16>, version_key: u64"),
    call(2, "add_stake", "hotkey: AccountId32, netuid: u16, amount_staked: u64"),
    call(3, "remove_stake", "hotkey: AccountId32, netuid: u16, amount_unstaked: u64"),
    call(
        4,
        "serve_axon",
        "netuid: u16, version: u32, ip: u128, port: u16, ip_type: u8, protocol: u8, placeholder1: u8, placeholder2: u8",
    ),
    call(7, "burned_register", "netuid: u16, hotkey: AccountId32"),
    call(59, "register_network", "hotkey: AccountId32"),
    call(61, "dissolve_network", "coldkey: AccountId32, netuid: u16"),
    call(62, "root_register", "hotkey: AccountId32"),
    call(65, "decrease_take", "hotkey: AccountId32, take: u16"),
    call(66, "increase_take", "hotkey: AccountId32, take: u16"),
    call(67, "set_children", "hotkey: AccountId32, netuid: u16, children: Vec<(u64, AccountId32)>"),
    call(
        68,
        "set_identity",
        "name: Vec<u8>, url: Vec<u8>, github_repo: Vec<u8>, image: Vec<u8>, discord: Vec<u8>, "
        "description: Vec<u8>, additional: Vec<u8>",
    ),
    call(70, "swap_hotkey", "hotkey: AccountId32, new_hotkey: AccountId32, netuid: Option<u16>"),
    call(75, "set_childkey_take", "hotkey: AccountId32, netuid: u16, take: u16"),
    call(
        78,
        "set_subnet_identity",
        "netuid: u16, subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8>, subnet_url: "
        "Vec<u8>, discord: Vec<u8>, description: Vec<u8>, logo_url: Vec<u8>, additional: Vec<u8>",
    ),
    call(
        80,
        "batch_set_weights",
        "netuids: Vec<Compact<u16>>, weights: Vec<Vec<(Compact<u16>, Compact<u16>)>>, version_keys: Vec<Compact<u64>>",
    ),
    call(83, "unstake_all", "hotkey: AccountId32"),
    call(84, "unstake_all_alpha", "hotkey: AccountId32"),
    call(
        85,
        "move_stake",
        "origin_hotkey: AccountId32, destination_hotkey: AccountId32, origin_netuid: u16, "
        "destination_netuid: u16, alpha_amount: u64",
    ),
    call(
        86,
        "transfer_stake",
        "destination_coldkey: AccountId32, hotkey: AccountId32, origin_netuid: u16, destination_netuid: "
        "u16, alpha_amount: u64",
    ),
    call(87, "swap_stake", "hotkey: AccountId32, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64"),
    call(
        88,
        "add_stake_limit",
        "hotkey: AccountId32, netuid: u16, amount_staked: u64, limit_price: u64, allow_partial: bool",
    ),
    call(
        89,
        "remove_stake_limit",
        "hotkey: AccountId32, netuid: u16, amount_unstaked: u64, limit_price: u64, allow_partial: bool",
    ),
    call(
        90,
        "swap_stake_limit",
        "hotkey: AccountId32, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64, "
        "limit_price: u64, allow_partial: bool",
    ),
    call(91, "try_associate_hotkey", "hotkey: AccountId32"),
    call(92, "start_call", "netuid: u16"),
    call(96, "commit_weights", "netuid: u16, commit_hash: H256"),
    call(97, "reveal_weights", "netuid: u16, uids: Vec<u16>, values: Vec<u16>, salt: Vec<u16>, version_key: u64"),
    call(
        98,
        "batch_reveal_weights",
        "netuid: u16, uids_list: Vec<Vec<u16>>, values_list: Vec<Vec<u16>>, salts_list: Vec<Vec<u16>>, "
        "version_keys: Vec<u64>",
    ),
    call(100, "batch_commit_weights", "netuids: Vec<Compact<u16>>, commit_hashes: Vec<H256>"),
    call(101, "recycle_alpha", "hotkey: AccountId32, amount: u64, netuid: u16"),
    call(102, "burn_alpha", "hotkey: AccountId32, amount: u64, netuid: u16"),
    call(103, "remove_stake_full_limit", "hotkey: AccountId32, netuid: u16, limit_price: Option<u64>"),
    call(
        113, "commit_timelocked_weights", "netuid: u16, commit: Vec<u8>, reveal_round: u64, commit_reveal_version: u16"
    ),
    call(114, "set_coldkey_auto_stake_hotkey", "netuid: u16, hotkey: AccountId32"),
    call(115, "commit_mechanism_weights", "netuid: u16, mecid: u8, commit_hash: H256"),
    call(
        116,
        "reveal_mechanism_weights",
        "netuid: u16, mecid: u8, uids: Vec<u16>, values: Vec<u16>, salt: Vec<u16>, version_key: u64",
    ),
    call(
        118,
        "commit_timelocked_mechanism_weights",
        "netuid: u16, mecid: u8, commit: Vec<u8>, reveal_round: u64, commit_reveal_version: u16",
    ),
    call(119, "set_mechanism_weights", "netuid: u16, mecid: u8, dests: Vec<u16>, weights: Vec<u16>, version_key: u64"),
    call(121, "claim_root", "subnets: BTreeSet<u16>"),
    call(122, "set_root_claim_type", "new_root_claim_type: RootClaimTypeEnum"),
    call(125, "announce_coldkey_swap", "new_coldkey_hash: H256"),
    call(126, "swap_coldkey_announced", "new_coldkey: AccountId32"),
    call(127, "dispute_coldkey_swap"),
    call(134, "register_limit", "netuid: u16, hotkey: AccountId32, limit_price: u64"),
    call(136, "lock_stake", "hotkey: AccountId32, netuid: u16, amount: u64"),
    call(137, "move_lock", "destination_hotkey: AccountId32, netuid: u16"),
    call(139, "set_tempo", "netuid: u16, tempo: u16"),
    call(140, "set_activity_cutoff_factor", "netuid: u16, factor_milli: u32"),
    call(141, "trigger_epoch", "netuid: u16"),
)

EVENTS = (
    event(0, "NetworkAdded", "u16, u16"),
    event(1, "NetworkRemoved", "u16"),
    event(2, "StakeAdded", "AccountId32, AccountId32, u64, u64, u16, u64"),
    event(3, "StakeRemoved", "AccountId32, AccountId32, u64, u64, u16, u64"),
    event(4, "StakeMoved", "AccountId32, AccountId32, u16, AccountId32, u16, u64"),
    event(5, "WeightsSet", "u16, u16"),
    event(6, "NeuronRegistered", "u16, u16, AccountId32"),
    event(30, "DelegateAdded", "AccountId32, AccountId32, u16"),
    event(64, "TakeDecreased", "AccountId32, AccountId32, u16"),
    event(65, "TakeIncreased", "AccountId32, AccountId32, u16"),
    event(69, "ColdkeySwapAnnounced", "who: AccountId32, new_coldkey_hash: H256"),
    event(71, "ColdkeySwapped", "old_coldkey: AccountId32, new_coldkey: AccountId32"),
    event(85, "WeightsCommitted", "AccountId32, u16, H256"),
    event(86, "WeightsRevealed", "AccountId32, u16, H256"),
    event(87, "WeightsBatchRevealed", "AccountId32, u16, Vec<H256>"),
    event(88, "BatchWeightsCompleted", "Vec<Compact<u16>>, AccountId32"),
    event(89, "BatchCompletedWithErrors"),
    event(90, "BatchWeightItemFailed", "u16, DispatchError"),
    event(91, "StakeTransferred", "AccountId32, AccountId32, AccountId32, u16, u16, u64"),
    event(92, "StakeSwapped", "AccountId32, AccountId32, u16, u16, u64"),
    event(96, "AlphaRecycled", "AccountId32, AccountId32, u64, u16"),
    event(97, "AlphaBurned", "AccountId32, AccountId32, u64, u16"),
    event(107, "TimelockedWeightsCommitted", "AccountId32, u16, H256, u64"),
    event(112, "AutoStakeDestinationSet", "coldkey: AccountId32, netuid: u16, hotkey: AccountId32"),
    event(114, "RootClaimed", "coldkey: AccountId32"),
    event(123, "TransactionFeePaidWithAlpha", "who: AccountId32, netuid: u16, alpha_fee: u64, tao_amount: u64"),
    event(127, "StakeLocked", "coldkey: AccountId32, hotkey: AccountId32, netuid: u16, amount: u64"),
    event(131, "EpochTriggered", "netuid: u16, by: AccountId32, fires_at: u64"),
    event(132, "EpochDeferred", "netuid: u16, from_block: u64, to_block: u64"),
    event(133, "EpochSkipped", "netuid: u16, block: u64"),
)
