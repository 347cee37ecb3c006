"""A slice of the attack campaign: no window costs the house more than the published bound."""

import pytest

from tests.campaigns.attack import STRATEGIES, run


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_window_costs_more_than_its_bound_whatever_the_trader_knows(strategy: str) -> None:
    tally = run(strategy, range(4), 12)

    assert tally.breaches == []
    assert tally.fills > 10, "the trader traded"
    assert 0 < tally.worst <= 1 or strategy == "silent", "the bound was put to the test"
