"""The compiled engine and the oracle say the same, whatever happens: short histories that shrink, and long ones."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.model.histories import play
from tests.model.world import ACTIONS, World

CHANCE = st.randoms(use_true_random=False)
LONG_HISTORIES = (11, 4_001, 90_210, 1_000_003, 2_718_281)
LONG_STEPS = 400


class EngineModel(RuleBasedStateMachine):
    """Anything may follow anything; each step compares events, answers and states, and holds the laws."""

    @initialize(rng=CHANCE)
    def found(self, rng):
        self.world = World(rng)

    @rule(action=st.sampled_from(sorted(ACTIONS)), rng=CHANCE)
    def act(self, action, rng):
        getattr(self.world, action)(rng)


TestEngineModel = EngineModel.TestCase
TestEngineModel.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,  # a world with its first head is large before anything happens
    ],
)


@pytest.mark.parametrize("seed", LONG_HISTORIES)
def test_a_long_history_has_no_difference(seed):
    _, failure = play(seed, LONG_STEPS)

    assert not failure, failure
