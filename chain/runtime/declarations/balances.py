"""Balances and TransactionPayment: TAO, its issuance, and what a transaction costs."""

from chain.runtime.declarations.notation import call, constant, event, names, stored
from chain.runtime.pallet import Pallet

BALANCES = Pallet(
    name="Balances",
    index=5,
    storage=(
        stored("TotalIssuance", "", "u64", 0),
        stored("Account", "Blake2_128Concat(AccountId32)", "AccountData", "00" * 39 + "80"),
        stored("Locks", "Blake2_128Concat(AccountId32)", "Vec<BalanceLock>", "00"),
        stored("Reserves", "Blake2_128Concat(AccountId32)", "Vec<ReserveData>", "00"),
        stored("Holds", "Blake2_128Concat(AccountId32)", "Vec<IdAmount>", "00"),
        stored("Freezes", "Blake2_128Concat(AccountId32)", "Vec<IdAmount<RuntimeFreezeReason>>", "00"),
    ),
    calls=(
        call(0, "transfer_allow_death", "dest: MultiAddress, value: Compact<u64>"),
        call(3, "transfer_keep_alive", "dest: MultiAddress, value: Compact<u64>"),
        call(4, "transfer_all", "dest: MultiAddress, keep_alive: bool"),
    ),
    events=(
        event(0, "Endowed", "account: AccountId32, free_balance: u64"),
        event(1, "DustLost", "account: AccountId32, amount: u64"),
        event(2, "Transfer", "from: AccountId32, to: AccountId32, amount: u64"),
        event(4, "Reserved", "who: AccountId32, amount: u64"),
        event(5, "Unreserved", "who: AccountId32, amount: u64"),
        event(7, "Deposit", "who: AccountId32, amount: u64"),
        event(8, "Withdraw", "who: AccountId32, amount: u64"),
        event(11, "Burned", "who: AccountId32, amount: u64"),
        event(15, "Issued", "amount: u64"),
        event(16, "Rescinded", "amount: u64"),
    ),
    errors=names(
        """
    VestingBalance LiquidityRestrictions InsufficientBalance ExistentialDeposit Expendability
    ExistingVestingSchedule DeadAccount TooManyReserves TooManyHolds TooManyFreezes IssuanceDeactivated
    DeltaZero
    """
    ),
    constants=(constant("ExistentialDeposit", "u64", 500),),
)

TRANSACTION_PAYMENT = Pallet(
    name="TransactionPayment",
    index=6,
    storage=(stored("NextFeeMultiplier", "", "u128", 1_000_000_000_000_000_000),),
    events=(event(0, "TransactionFeePaid", "who: AccountId32, actual_fee: u64, tip: u64"),),
    constants=(constant("OperationalFeeMultiplier", "u8", 5),),
)
