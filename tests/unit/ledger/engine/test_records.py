import pytest

from ledger.engine.command_fields import COMMAND_FIELDS
from ledger.engine.event_fields import EVENT_FIELDS
from ledger.engine.layout import CommandKind, EventKind, Flag
from ledger.engine.records import (
    COMMAND_NAMES,
    EVENT_NAMES,
    body_digest,
    client_id,
    command,
    describe,
    from_words,
    hash_of,
    hash_words,
    head_group,
    to_words,
)
from ledger.errors import UnknownMeaning
from tests.support.builders import TAO, buy, trading_exchange


def test_every_kind_has_meanings_and_no_name_stands_twice() -> None:
    for kinds, fields, names in (
        (CommandKind, COMMAND_FIELDS, COMMAND_NAMES),
        (EventKind, EVENT_FIELDS, EVENT_NAMES),
    ):
        assert set(fields) == set(kinds)
        for kind in kinds:
            assert len(names[kind]) == len([field for field in fields[kind] if field != "flags"]), kind


def test_a_name_is_one_plain_word() -> None:
    assert all(name.isidentifier() for names in (COMMAND_NAMES, EVENT_NAMES) for kind in names for name in names[kind])


def test_a_command_is_built_by_meaning_or_by_field() -> None:
    by_meaning = command(CommandKind.SET_MARKET, netuid=7, target=5, k_ppm=9)
    by_field = command(CommandKind.SET_MARKET, netuid=7, amount=5, limit=9)

    assert by_meaning.tobytes() == by_field.tobytes()


def test_a_name_that_the_kind_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownMeaning, match="SET_STAGE has no target"):
        command(CommandKind.SET_STAGE, target=5)


def test_words_and_bytes_are_inverse() -> None:
    digest = bytes(range(224, 256))

    assert from_words(to_words(digest)) == digest
    assert hash_of(command(CommandKind.HEAD_BEGIN, **hash_words(digest))[0]) == digest


def test_client_ids_differ_and_are_never_empty() -> None:
    ids = {client_id(text) for text in ("", "a", "b", "ab")}

    assert len(ids) == 4
    assert (0, 0) not in ids
    assert body_digest(b"a") != body_digest(b"b")


def test_a_head_group_states_its_own_length_and_digest() -> None:
    begin = command(CommandKind.HEAD_BEGIN, number=1)

    group = head_group([begin, begin], [b"payload"])
    other = head_group([begin, begin], [b"payloae"])

    assert int(group.commands[-1]["other"]) == 3
    assert hash_of(group.commands[-1]) != hash_of(other.commands[-1])


def test_an_event_is_told_by_names_with_amounts_as_text() -> None:
    exchange, numbers = trading_exchange({"alice": (10 * TAO, 0)})
    filled = buy(exchange, numbers["alice"], tao=2 * TAO).events[1]

    told = describe(filled)

    assert told["kind"] == "FILLED"
    assert told["tao_rao"] == "1994813485"
    assert told["mode"] == 2
    assert told["account"] == numbers["alice"]
    assert told["flags"] & Flag.SELL == 0
