from dataclasses import replace

import pytest

from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.mechanisms import aggregate_mechanisms, split_mechanism_emission
from tests.unit.chain.yuma.builders import epoch


def test_an_even_split_gives_the_remainder_to_the_first() -> None:
    assert split_mechanism_emission(10, mechanisms=4) == [4, 2, 2, 2]
    assert split_mechanism_emission(10, mechanisms=0) == []


def test_a_configured_split_is_padded_with_nothing_and_cut_off() -> None:
    assert split_mechanism_emission(100, mechanisms=3, split=[32_768, 32_767]) == [51, 49, 0]
    assert split_mechanism_emission(100, mechanisms=1, split=[0, 65_535]) == [100]


def test_one_mechanism_is_stored_as_it_is() -> None:
    outputs = run_epoch(epoch())
    result = aggregate_mechanisms([outputs], emissions=[10**9])

    assert result.consensus == outputs.consensus
    assert result.emission == outputs.emission
    assert result.server_emission == outputs.server_emission
    assert result.raw_stake == outputs.trace.raw_stake


def test_terms_are_weighted_and_floored_after_each_mechanism_while_amounts_add_up() -> None:
    first = replace(run_epoch(epoch()), dividends=[3, 10, 0, 0], emission=[100, 3, 0, 0])
    second = replace(first, dividends=[2, 1, 0, 0], active=[False] * 4, permits=[True] * 4)

    result = aggregate_mechanisms([first, second], emissions=[1, 1])

    assert result.dividends == [3 // 2 + 2 // 2, 5, 0, 0]
    assert result.emission == [100, 2, 0, 0]
    assert result.server_emission == [2 * amount for amount in first.server_emission]
    assert result.active == first.active
    assert result.permits == [True] * 4
    assert result.raw_stake == [6 * 10**12, 2 * 10**12, 0, 0]


def test_without_emission_the_first_mechanism_is_all() -> None:
    first = run_epoch(epoch(emission=0))
    second = run_epoch(epoch(emission=0, weights=[[], [], [], []]))

    assert aggregate_mechanisms([first, second], emissions=[0, 0]).consensus == first.consensus


def test_every_mechanism_needs_its_emission() -> None:
    outputs = run_epoch(epoch())
    for given, emissions in (([], []), ([outputs], []), ([outputs], [1, 2])):
        with pytest.raises(ValueError, match="one emission for each"):
            aggregate_mechanisms(given, emissions=emissions)
