import pytest

from app.gateway.kraken.names import TAO, Names, Pair, result_key
from ledger.engine.layout import Stage


@pytest.fixture
def names() -> Names:
    directory = Names()
    directory.put(Pair(netuid=1, registered_at=5, stage=Stage.ONLINE))
    directory.put(Pair(netuid=64, registered_at=9, stage=Stage.DEPOSITS))
    return directory


@pytest.mark.parametrize("text", ["SN1TAO", "SN1/TAO", "sn1/tao", " SN1TAO "])
def test_a_pair_is_found_by_each_of_its_spellings(names: Names, text: str) -> None:
    pair = names.find_pair(text)

    assert pair is not None
    assert (pair.key, pair.wsname, pair.base) == ("SN1TAO", "SN1/TAO", "SN1")


@pytest.mark.parametrize("text", ["", "SN2TAO", "TAOSN1", "SN1-TAO", "SN1//TAO", "1", "SN1TAO\x00"])
def test_a_text_that_names_no_listed_pair_finds_none(names: Names, text: str) -> None:
    assert names.find_pair(text) is None


def test_a_result_is_keyed_by_the_slash_form_only_where_it_was_asked_so(names: Names) -> None:
    pair = names.pair_of(1)

    assert result_key(pair, "SN1/TAO") == "SN1/TAO"
    assert result_key(pair, "SN1TAO") == "SN1TAO"


def test_assets_are_tao_and_one_alpha_per_pair(names: Names) -> None:
    assert [(asset.id, asset.number, asset.status) for asset in names.assets] == [
        ("TAO", 0, "enabled"),
        ("SN1", 2, "enabled"),
        ("SN64", 65, "deposit_only"),
    ]
    assert names.find_asset("tao") is TAO
    assert names.find_asset("SN2") is None


def test_a_delisted_pair_stays_listed_with_its_status(names: Names) -> None:
    names.set_stage(1, Stage.DELISTED)

    assert [pair.status for pair in names.pairs] == ["delisted", "work_in_progress"]
    assert names.find_pair("SN1TAO") is not None


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_a_status_word(stage: Stage) -> None:
    assert Pair(netuid=1, registered_at=1, stage=stage).status
