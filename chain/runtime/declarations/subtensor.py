"""SubtensorModule: subnets, their pools, stake, neurons and emission."""

from chain.runtime.declarations.notation import constant
from chain.runtime.declarations.subtensor_calls import CALLS, EVENTS
from chain.runtime.declarations.subtensor_errors import ERRORS
from chain.runtime.declarations.subtensor_storage import STORAGE
from chain.runtime.pallet import Pallet

SUBTENSOR_MODULE = Pallet(
    name="SubtensorModule",
    index=7,
    storage=STORAGE,
    calls=CALLS,
    events=EVENTS,
    errors=ERRORS,
    constants=(
        constant("InitialTempo", "u16", 360),
        constant("InitialMinStake", "u64", 2_000_000),
        constant("MinTempo", "u16", 360),
        constant("MaxTempo", "u16", 50_400),
        constant("InitialNetworkMinLockCost", "u64", 1_000_000_000_000),
        constant("KeySwapCost", "u64", 100_000_000),
        constant("InitialStartCallDelay", "u64", 0),
    ),
)
