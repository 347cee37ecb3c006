"""Epochs on a chain with any parameters, weights, links and stakes: no alpha appears, and vectors keep their shapes."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.runtime.genesis_accounts import named
from chain.runtime.invariants import check_state
from chain.runtime.subtensor import mechanisms
from chain.runtime.yuma import reference
from chain.runtime.yuma.epoch import run_epoch
from tests.support.dev_chain import HOTKEY, OTHER_HOTKEY, TAO, DevChain

MODULE = "SubtensorModule"
NETUID = 1
SIZE = 7
THIRD = named("//Eve//hotkey")

u16 = st.one_of(st.sampled_from((0, 1, 32_767, 65_535)), st.integers(0, 65_535))
rows = st.lists(st.tuples(st.integers(0, SIZE - 1), u16), max_size=SIZE, unique_by=lambda entry: entry[0])
matrix = st.lists(rows, min_size=SIZE, max_size=SIZE)
blocks = st.lists(st.integers(0, 4), min_size=SIZE, max_size=SIZE)
proportions = st.one_of(st.just(0), st.sampled_from((2**62, 2**63, 2**64 - 1)))
settings_of_a_subnet = st.fixed_dictionaries(
    {
        "Kappa": u16,
        "BondsPenalty": u16,
        "BondsMovingAverage": st.sampled_from((0, 900_000, 975_000, 1_000_000)),
        "Yuma3On": st.booleans(),
        "LiquidAlphaOn": st.booleans(),
        "AlphaSigmoidSteepness": st.sampled_from((-32_768, -1, 0, 1_000, 32_767)),
        "MaxAllowedValidators": st.sampled_from((0, 1, 2, 64)),
        "CommitRevealWeightsEnabled": st.booleans(),
        "MechanismCountCurrent": st.integers(1, 3),
        "ValidatorPermit": st.lists(st.booleans(), max_size=SIZE + 1),
        "ActivityCutoffFactorMilli": st.sampled_from((1_000, 13_889)),
        "Tempo": st.integers(1, 4),
    }
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    rules=settings_of_a_subnet,
    weights=st.lists(matrix, min_size=3, max_size=3),
    updates=blocks,
    registered=blocks,
    lent=proportions,
    split=st.none() | st.sampled_from(([65_535], [1, 65_534], [0, 65_535])),
    root=st.sampled_from((0, 1, 50_000 * TAO)),
)
def test_whatever_is_scored_no_alpha_appears_and_the_compiled_epoch_is_the_plain_one(
    rules: dict[str, Any],
    weights: list[Any],
    updates: list[int],
    registered: list[int],
    lent: int,
    split: list[int] | None,
    root: int,
) -> None:
    chain = DevChain()
    changes: dict[Any, Any] = {(f"{MODULE}.{name}", (NETUID,)): value for name, value in rules.items()}
    count = rules["MechanismCountCurrent"]
    for mecid in range(count):
        index = mechanisms.index_of(NETUID, mecid)
        changes[f"{MODULE}.LastUpdate", (index,)] = updates
        for uid, row in enumerate(weights[mecid]):
            changes[f"{MODULE}.Weights", (index, uid)] = row
    for uid, block in enumerate(registered):
        changes[f"{MODULE}.BlockAtRegistration", (NETUID, uid)] = block
    if split is not None and len(split) <= count:
        changes[f"{MODULE}.MechanismEmissionSplit", (NETUID,)] = split
    if lent:
        changes[f"{MODULE}.ChildKeys", (HOTKEY, NETUID)] = [(lent, OTHER_HOTKEY)]
        changes[f"{MODULE}.ParentKeys", (OTHER_HOTKEY, NETUID)] = [(lent, HOTKEY)]
        changes[f"{MODULE}.ChildkeyTake", (OTHER_HOTKEY, NETUID)] = 9_999
    if root == 0:
        changes[f"{MODULE}.TotalHotkeyAlpha", (THIRD, 0)] = 0
    chain.state = chain.state.commit(changes)

    for _ in range(9):
        chain.apply()
        check_state(chain.state)
        for record in chain.result.epochs if chain.result else ():
            assert run_epoch(record.inputs) == reference.run_epoch(record.inputs)
        for name in ("Active", "Emission", "Consensus", "Dividends", "ValidatorTrust", "StakeWeight"):
            assert len(chain.state.get(f"{MODULE}.{name}", NETUID)) in {0, SIZE}
    assert chain.state.get(f"{MODULE}.SubnetEpochIndex", NETUID) > 0
