"""A slice of the soak: a real chain with emission, every order type, and a dissolution at the end."""

from pathlib import Path

from tests.campaigns.soak import soak


async def test_custody_equals_the_chain_through_trading_emission_and_the_end_of_a_subnet(tmp_path: Path) -> None:
    told = await soak(tmp_path, seed=3, blocks=25)

    assert told.breaches == []
    assert told.growth > 0
    assert told.settlements > 0
    assert told.claims > 0
    assert told.fills["instant"] > 0
    assert told.fills["block"] > 0
