"""Utility, Sudo, Multisig and Proxy: calls that carry other calls."""

from chain.runtime.declarations.notation import call, constant, event, names, optional, stored
from chain.runtime.pallet import Pallet

UTILITY = Pallet(
    name="Utility",
    index=11,
    calls=(
        call(0, "batch", "calls: Vec<RuntimeCall>"),
        call(2, "batch_all", "calls: Vec<RuntimeCall>"),
        call(4, "force_batch", "calls: Vec<RuntimeCall>"),
    ),
    events=(
        event(0, "BatchInterrupted", "index: u32, error: DispatchError"),
        event(1, "BatchCompleted"),
        event(2, "BatchCompletedWithErrors"),
        event(3, "ItemCompleted"),
        event(4, "ItemFailed", "error: DispatchError"),
    ),
    errors=names("TooManyCalls InvalidDerivedAccount"),
    constants=(constant("batched_calls_limit", "u32", 10_922),),
)

SUDO = Pallet(
    name="Sudo",
    index=12,
    storage=(optional("Key", "", "AccountId32"),),
    calls=(call(0, "sudo", "call: RuntimeCall"),),
    events=(event(0, "Sudid", "sudo_result: Result<(), DispatchError>"),),
    errors=names("RequireSudo"),
)

MULTISIG = Pallet(
    name="Multisig",
    index=13,
    storage=(optional("Multisigs", "Twox64Concat(AccountId32); Blake2_128Concat([u8;32])", "Multisig"),),
    calls=(
        call(0, "as_multi_threshold_1", "other_signatories: Vec<AccountId32>, call: RuntimeCall"),
        call(
            1,
            "as_multi",
            "threshold: u16, other_signatories: Vec<AccountId32>, maybe_timepoint: Option<Timepoint>, call: "
            "RuntimeCall, max_weight: Weight",
        ),
        call(
            2,
            "approve_as_multi",
            "threshold: u16, other_signatories: Vec<AccountId32>, maybe_timepoint: Option<Timepoint>, "
            "call_hash: [u8;32], max_weight: Weight",
        ),
        call(
            3,
            "cancel_as_multi",
            "threshold: u16, other_signatories: Vec<AccountId32>, timepoint: Timepoint, call_hash: [u8;32]",
        ),
    ),
    events=(
        event(0, "NewMultisig", "approving: AccountId32, multisig: AccountId32, call_hash: [u8;32]"),
        event(
            1,
            "MultisigApproval",
            "approving: AccountId32, timepoint: Timepoint, multisig: AccountId32, call_hash: [u8;32]",
        ),
        event(
            2,
            "MultisigExecuted",
            "approving: AccountId32, timepoint: Timepoint, multisig: AccountId32, call_hash: [u8;32], result:"
            " Result<(), DispatchError>",
        ),
        event(
            3,
            "MultisigCancelled",
            "cancelling: AccountId32, timepoint: Timepoint, multisig: AccountId32, call_hash: [u8;32]",
        ),
    ),
    errors=names(
        """
    MinimumThreshold AlreadyApproved NoApprovalsNeeded TooFewSignatories TooManySignatories
    SignatoriesOutOfOrder SenderInSignatories NotFound NotOwner NoTimepoint WrongTimepoint
    UnexpectedTimepoint MaxWeightTooLow AlreadyStored
    """
    ),
    constants=(
        constant("DepositBase", "u64", 132_000_000),
        constant("DepositFactor", "u64", 32_000_000),
        constant("MaxSignatories", "u32", 100),
    ),
)

PROXY = Pallet(
    name="Proxy",
    index=16,
    storage=(
        stored("Proxies", "Twox64Concat(AccountId32)", "(Vec<ProxyDefinition>, u64)", "000000000000000000"),
        stored("Announcements", "Twox64Concat(AccountId32)", "(Vec<Announcement>, u64)", "000000000000000000"),
    ),
    calls=(
        call(0, "proxy", "real: MultiAddress, force_proxy_type: Option<ProxyType>, call: RuntimeCall"),
        call(1, "add_proxy", "delegate: MultiAddress, proxy_type: ProxyType, delay: u32"),
        call(2, "remove_proxy", "delegate: MultiAddress, proxy_type: ProxyType, delay: u32"),
        call(3, "remove_proxies"),
        call(4, "create_pure", "proxy_type: ProxyType, delay: u32, index: u16"),
        call(
            5,
            "kill_pure",
            "spawner: MultiAddress, proxy_type: ProxyType, index: u16, height: Compact<u32>, ext_index: Compact<u32>",
        ),
        call(6, "announce", "real: MultiAddress, call_hash: H256"),
        call(7, "remove_announcement", "real: MultiAddress, call_hash: H256"),
        call(8, "reject_announcement", "delegate: MultiAddress, call_hash: H256"),
        call(
            9,
            "proxy_announced",
            "delegate: MultiAddress, real: MultiAddress, force_proxy_type: Option<ProxyType>, call: RuntimeCall",
        ),
    ),
    events=(
        event(0, "ProxyExecuted", "result: Result<(), DispatchError>"),
        event(
            1, "PureCreated", "pure: AccountId32, who: AccountId32, proxy_type: ProxyType, disambiguation_index: u16"
        ),
        event(
            2, "PureKilled", "pure: AccountId32, spawner: AccountId32, proxy_type: ProxyType, disambiguation_index: u16"
        ),
        event(3, "Announced", "real: AccountId32, proxy: AccountId32, call_hash: H256"),
        event(4, "ProxyAdded", "delegator: AccountId32, delegatee: AccountId32, proxy_type: ProxyType, delay: u32"),
        event(5, "ProxyRemoved", "delegator: AccountId32, delegatee: AccountId32, proxy_type: ProxyType, delay: u32"),
    ),
    errors=names(
        """
    TooMany NotFound NotProxy Unproxyable Duplicate NoPermission Unannounced NoSelfProxy
    AnnouncementDepositInvariantViolated InvalidDerivedAccountId
    """
    ),
    constants=(
        constant("ProxyDepositBase", "u64", 60_000_000),
        constant("ProxyDepositFactor", "u64", 33_000_000),
        constant("MaxProxies", "u32", 20),
        constant("MaxPending", "u32", 75),
        constant("AnnouncementDepositBase", "u64", 36_000_000),
        constant("AnnouncementDepositFactor", "u64", 68_000_000),
    ),
)
