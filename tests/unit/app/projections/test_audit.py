import pytest

from app.projections.audit import HALT, OPERATOR, RECONCILIATION, REFUSAL, category_of, details_of
from ledger.engine.layout import CommandKind, EventKind, Flag
from tests.support.history import event, step


@pytest.mark.parametrize(
    ("verb", "category"),
    [(CommandKind.SET_STAGE, REFUSAL), (CommandKind.REFUSE_HEAD, REFUSAL), (CommandKind.PLACE_ORDER, "")],
)
def test_refusals_are_kept_where_the_verb_is_an_operators(verb: CommandKind, category: str) -> None:
    (row,) = step(event(EventKind.COMMAND_REJECTED, code=3, command_kind=verb)).rows

    assert category_of(row) == category


def test_a_head_is_kept_where_it_did_not_agree() -> None:
    sound, broken = step(event(EventKind.HEAD_ENDED, differences=0), event(EventKind.HEAD_ENDED, differences=2)).rows

    assert (category_of(sound), category_of(broken)) == ("", RECONCILIATION)


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        (EventKind.HALT_CHANGED, HALT),
        (EventKind.HEAD_REFUSED, HALT),
        (EventKind.API_KEY_ADDED, OPERATOR),
        (EventKind.RECONCILIATION_BROKEN, RECONCILIATION),
        (EventKind.ORDER_ACCEPTED, ""),
    ],
)
def test_each_kind_has_its_place(kind: EventKind, category: str) -> None:
    assert category_of(step(event(kind)).rows[0]) == category


def test_details_name_the_figures_and_amounts_are_text() -> None:
    configured = event(EventKind.MARKET_CONFIGURED, flags=Flag.FIRST, netuid=4, target=2**60, taker_ppm=2_600)

    told = details_of(step(configured).rows[0])

    assert (told["netuid"], told["target"], told["taker_ppm"]) == (4, str(2**60), 2_600)
    assert told["flags"] == Flag.FIRST
