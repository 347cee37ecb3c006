"""System, Timestamp and Aura: accounts, blocks, time; of Aura only the slot length is declared."""

from chain.runtime.declarations.notation import call, constant, event, names, optional, stored
from chain.runtime.declarations.version import version_bytes
from chain.runtime.pallet import Constant, Pallet

SYSTEM = Pallet(
    name="System",
    index=0,
    storage=(
        stored("Account", "Blake2_128Concat(AccountId32)", "AccountInfo", "00" * 55 + "80"),
        optional("ExtrinsicCount", "", "u32"),
        stored("BlockHash", "Twox64Concat(u32)", "H256", "00" * 32),
        stored("Number", "", "u32", 0),
        stored("ParentHash", "", "H256", "00" * 32),
        stored("Digest", "", "Digest", "00"),
        stored("Events", "", "Vec<EventRecord>", "00"),
        stored("EventCount", "", "u32", 0),
        optional("LastRuntimeUpgrade", "", "LastRuntimeUpgradeInfo"),
    ),
    calls=(
        call(0, "remark", "remark: Vec<u8>"),
        call(7, "remark_with_event", "remark: Vec<u8>"),
    ),
    events=(
        event(0, "ExtrinsicSuccess", "dispatch_info: DispatchEventInfo"),
        event(1, "ExtrinsicFailed", "dispatch_error: DispatchError, dispatch_info: DispatchEventInfo"),
        event(3, "NewAccount", "account: AccountId32"),
        event(4, "KilledAccount", "account: AccountId32"),
        event(5, "Remarked", "sender: AccountId32, hash: H256"),
    ),
    errors=names(
        """
    InvalidSpecName SpecVersionNeedsToIncrease FailedToExtractRuntimeVersion NonDefaultComposite
    NonZeroRefCount CallFiltered MultiBlockMigrationsOngoing NothingAuthorized Unauthorized
    """
    ),
    constants=(
        constant("BlockHashCount", "u32", 2400),
        Constant(name="Version", type="RuntimeVersion", value=version_bytes()),
        constant("SS58Prefix", "u16", 42),
    ),
)

TIMESTAMP = Pallet(
    name="Timestamp",
    index=2,
    storage=(stored("Now", "", "u64", 0),),
    calls=(call(0, "set", "now: Compact<u64>"),),
    constants=(constant("MinimumPeriod", "u64", 6000),),
)

AURA = Pallet(
    name="Aura",
    index=3,
    constants=(constant("SlotDuration", "u64", 12_000),),
)
