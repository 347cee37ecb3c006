"""AdminUtils: calls of subnet owners and the root key that change hyperparameters."""

from chain.runtime.declarations.notation import call, names
from chain.runtime.pallet import Pallet

ADMIN_UTILS = Pallet(
    name="AdminUtils",
    index=19,
    calls=(
        call(2, "sudo_set_tx_rate_limit", "tx_rate_limit: u64"),
        call(3, "sudo_set_serving_rate_limit", "netuid: u16, serving_rate_limit: u64"),
        call(6, "sudo_set_weights_version_key", "netuid: u16, weights_version_key: u64"),
        call(7, "sudo_set_weights_set_rate_limit", "netuid: u16, weights_set_rate_limit: u64"),
        call(13, "sudo_set_immunity_period", "netuid: u16, immunity_period: u16"),
        call(14, "sudo_set_min_allowed_weights", "netuid: u16, min_allowed_weights: u16"),
        call(15, "sudo_set_max_allowed_uids", "netuid: u16, max_allowed_uids: u16"),
        call(16, "sudo_set_kappa", "netuid: u16, kappa: u16"),
        call(17, "sudo_set_rho", "netuid: u16, rho: u16"),
        call(18, "sudo_set_activity_cutoff", "netuid: u16, activity_cutoff: u16"),
        call(19, "sudo_set_network_registration_allowed", "netuid: u16, registration_allowed: bool"),
        call(22, "sudo_set_min_burn", "netuid: u16, min_burn: u64"),
        call(23, "sudo_set_max_burn", "netuid: u16, max_burn: u64"),
        call(24, "sudo_set_difficulty", "netuid: u16, difficulty: u64"),
        call(25, "sudo_set_max_allowed_validators", "netuid: u16, max_allowed_validators: u16"),
        call(26, "sudo_set_bonds_moving_average", "netuid: u16, bonds_moving_average: u64"),
        call(30, "sudo_set_tempo", "netuid: u16, tempo: u16"),
        call(42, "sudo_set_stake_threshold", "min_stake: u64"),
        call(43, "sudo_set_nominator_min_required_stake", "min_stake: u64"),
        call(49, "sudo_set_commit_reveal_weights_enabled", "netuid: u16, enabled: bool"),
        call(50, "sudo_set_liquid_alpha_enabled", "netuid: u16, enabled: bool"),
        call(51, "sudo_set_alpha_values", "netuid: u16, alpha_low: u16, alpha_high: u16"),
        call(57, "sudo_set_commit_reveal_weights_interval", "netuid: u16, interval: u64"),
        call(60, "sudo_set_bonds_penalty", "netuid: u16, bonds_penalty: u16"),
        call(61, "sudo_set_toggle_transfer", "netuid: u16, toggle: bool"),
        call(66, "sudo_set_subtoken_enabled", "netuid: u16, subtoken_enabled: bool"),
        call(67, "sudo_set_sn_owner_hotkey", "netuid: u16, hotkey: AccountId32"),
        call(68, "sudo_set_alpha_sigmoid_steepness", "netuid: u16, steepness: i16"),
        call(69, "sudo_set_yuma3_enabled", "netuid: u16, enabled: bool"),
        call(70, "sudo_set_bonds_reset_enabled", "netuid: u16, enabled: bool"),
        call(72, "sudo_set_owner_immune_neuron_limit", "netuid: u16, immune_neurons: u16"),
        call(76, "sudo_set_mechanism_count", "netuid: u16, mechanism_count: u8"),
        call(77, "sudo_set_mechanism_emission_split", "netuid: u16, maybe_split: Option<Vec<u16>>"),
        call(78, "sudo_trim_to_max_allowed_uids", "netuid: u16, max_n: u16"),
        call(84, "sudo_set_min_non_immune_uids", "netuid: u16, min: u16"),
    ),
    errors=names(
        """
    SubnetDoesNotExist MaxValidatorsLargerThanMaxUIds MaxAllowedUIdsLessThanCurrentUIds
    BondsMovingAverageMaxReached NegativeSigmoidSteepness ValueNotInBounds
    MinAllowedUidsGreaterThanCurrentUids MinAllowedUidsGreaterThanMaxAllowedUids
    MaxAllowedUidsLessThanMinAllowedUids MaxAllowedUidsGreaterThanDefaultMaxAllowedUids InvalidValue
    NotPermittedOnRootSubnet POWRegistrationDisabled Deprecated
    """
    ),
)
