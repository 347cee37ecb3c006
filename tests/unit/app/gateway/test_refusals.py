import numpy as np
import pytest

from app.gateway.kraken.refusals import STRINGS, closing_reason, refused_by
from ledger.engine.api import Answer, empty_records
from ledger.engine.layout import EVENT, Stage
from ledger.errors import Refusal


def answer(code: Refusal, value: int = 0, bound: int = 0) -> Answer:
    return Answer(events=empty_records(np.dtype(EVENT)), code=code, reference=0, value=value, bound=bound)


def test_every_refusal_of_the_ledger_has_a_string() -> None:
    assert set(STRINGS) == set(Refusal)


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_is_told_in_the_grammar_of_the_interface(refusal: Refusal) -> None:
    told = refused_by(answer(refusal, value=7))

    category, text = told.error.split(":", 1)
    assert category in {"EAPI", "EGeneral", "EQuery", "EService", "EOrder", "EFunding"}
    assert text
    assert told.code == refusal.name.lower()
    assert told.reason()["value"] in {"7", "0.000000007"}


def test_funds_that_are_missing_are_another_string_for_a_withdrawal() -> None:
    short = answer(Refusal.INSUFFICIENT_FUNDS, value=100, bound=20)

    assert refused_by(short).error == "EOrder:Insufficient funds"
    assert refused_by(short, funding=True).error == "EFunding:Invalid amount"
    assert refused_by(short).reason()["value"] == "0.000000100"
    assert "0.000000020" in refused_by(short).reason()["bound"]


def test_the_mode_of_a_market_is_named() -> None:
    refused = refused_by(answer(Refusal.MARKET_STAGE), stage=Stage.POST_ONLY)

    assert refused.error == "EService:Market in post_only mode"


def test_an_order_type_the_engine_lacks_blames_the_field_that_asked_for_it() -> None:
    refused = refused_by(answer(Refusal.ORDER_TYPE_UNSUPPORTED), name="timeinforce")

    assert refused.error == "EGeneral:Invalid arguments:timeinforce"


@pytest.mark.parametrize(
    ("refusal", "name", "error"),
    [
        (Refusal.POST_ONLY_WOULD_TRADE, "oflags", "EOrder:Invalid order:Post only order"),
        (Refusal.TOO_MANY, "orders", "EOrder:Orders limit exceeded"),
        (Refusal.TOO_MANY, "", "EService:Busy"),
        (Refusal.LIMIT_OUT_OF_RANGE, "price2", "EGeneral:Invalid arguments:price2"),
        (Refusal.TRIGGER_OUT_OF_RANGE, "trigger_price", "EGeneral:Invalid arguments:trigger_price"),
        (Refusal.AMEND_NOT_POSSIBLE, "txid", "EOrder:Invalid order"),
    ],
)
def test_refusals_of_orders_are_told_in_strings_that_clients_know(refusal: Refusal, name: str, error: str) -> None:
    assert refused_by(answer(refusal), name=name).error == error


def test_a_filled_order_has_no_closing_reason_and_every_other_has_one() -> None:
    assert closing_reason(0) is None
    assert all(closing_reason(refusal) for refusal in Refusal)
