"""A block is its commands one by one: same events, same answers, same state, whatever stands around it."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.verify.exchange import Exchange
from ledger.engine.api import Answer, Block, BlockAnswer, Request
from ledger.engine.layout import COMMAND, EVENT, CommandKind, Flag, Records
from ledger.engine.records import client_id, command, request
from ledger.errors import Refusal
from tests.support.builders import SN, TAO, trading_exchange

LIMIT = 10**7


def a_market() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})[0]


def order(account: int, number: int, *, payload: int = 0, **meanings: int) -> Records:
    """Return an order with an id of its own; a market buy where nothing else is said."""
    high, low = client_id(f"order {number}")
    figures = meanings or {"flags": int(Flag.IN_QUOTE), "tao_rao": TAO // 100, "slippage_ppm": 9_000}
    return command(
        CommandKind.PLACE_ORDER, account=account, netuid=SN, payload=payload, id_hi=high, id_lo=low, **figures
    )


def mixed_orders() -> tuple[list[Records], tuple[bytes, ...]]:
    """Return fills, resting orders, refusals of all sorts, a repetition and a cancel of nothing; and their texts."""
    resting = {"flags": int(Flag.LIMIT), "alpha_rao": TAO, "limit": LIMIT}
    commands = [
        order(1, 1),
        order(2, 2, payload=1, **resting),
        order(1, 3, payload=2),
        order(1, 4, flags=int(Flag.SELL), alpha_rao=99_999 * TAO),
        order(1, 1),
        order(2, 5, payload=3),
        order(2, 6, payload=9),
        command(CommandKind.CANCEL_ORDER, account=2, order_id=77),
        order(77, 7),
        order(1, 8, payload=4, **resting),
        command(CommandKind.CANCEL_ALL, account=2, netuid=SN),
    ]
    return commands, (b"one", b"two", b"x" * 257, b"four")


def answers_of(answer: Answer | BlockAnswer) -> list[Answer]:
    return [answer] if isinstance(answer, Answer) else [answer.one(at) for at in range(len(answer.decisions))]


def same(ours: Sequence[Answer], theirs: Sequence[Answer]) -> bool:
    """Tell whether answers are equal, the texts that events point to aside."""
    return [(answer.events.tobytes(), *answer[1:]) for answer in ours] == [
        (answer.events.tobytes(), *answer[1:]) for answer in theirs
    ]


def decide_both(around: Sequence[Request] = ()) -> tuple[Exchange, Exchange]:
    """Decide the mixed orders as a block and one by one, between the same other requests, and compare everything."""
    commands, texts = mixed_orders()
    singles = [request(one, payloads=texts) for one in commands]
    blocks: list[Request | Block] = [Block(np.concatenate(commands), texts)]
    ours, theirs = a_market(), a_market()

    decided = ours.engine.decide(ours.ts_ms, [*around, *blocks, *around])
    expected = theirs.engine.decide(theirs.ts_ms, [*around, *singles, *around])

    assert decided.events.tobytes() == expected.events.tobytes()
    assert decided.payloads == expected.payloads
    assert same([one for answer in decided.answers for one in answers_of(answer)], expected.answers)
    assert ours.engine.state_hash() == theirs.engine.state_hash()
    return ours, theirs


def test_a_block_is_decided_like_its_commands_one_by_one() -> None:
    decide_both()


def test_a_block_keeps_its_place_between_requests_of_every_kind() -> None:
    poor = request(command(CommandKind.PLACE_ORDER, flags=Flag.SELL, account=1, netuid=SN, alpha_rao=9_999 * TAO))
    opened = request(command(CommandKind.OPEN_ACCOUNT, payload=1), payloads=[b"carol"])
    decide_both([poor, request(order(2, 50, payload=1), payloads=[b"mine"]), opened, poor])


def test_a_block_that_was_answered_before_appends_nothing() -> None:
    exchange = a_market()
    block = Block(np.concatenate([order(1, 1), order(2, 2), order(1, 3, flags=int(Flag.SELL), alpha_rao=99 * TAO)]))
    first = exchange.engine.decide(exchange.ts_ms, [block]).answers[0]

    again = exchange.engine.decide(exchange.ts_ms, [block])

    assert isinstance(first, BlockAnswer)
    assert isinstance(again.answers[0], BlockAnswer)
    assert len(again.events) == 0
    assert again.answers[0].decisions["duplicate"].tolist() == [1, 1, 1]
    for name in ("code", "reference", "value", "bound"):
        assert again.answers[0].decisions[name].tolist() == first.decisions[name].tolist()


def test_a_text_that_cannot_be_is_refused_and_the_others_of_the_block_stand() -> None:
    exchange = a_market()
    block = Block(
        np.concatenate([order(1, 1, payload=1), order(1, 2, payload=2), order(1, 3, payload=3)]), (b"a", b"b" * 257)
    )

    answer = exchange.engine.decide(exchange.ts_ms, [block]).answers[0]

    assert isinstance(answer, BlockAnswer)
    assert answer.decisions["code"].tolist() == [0, Refusal.PAYLOAD_MALFORMED, Refusal.PAYLOAD_MALFORMED]


@pytest.mark.parametrize(
    "commands",
    [
        np.zeros(0, COMMAND),
        np.zeros(3, EVENT),
        np.zeros((2, 2), COMMAND),
        command(CommandKind.OPEN_ACCOUNT, payload=1),
        command(CommandKind.LIST_MARKET, payload=1),
        command(CommandKind.ACCEPT_SIGNED, payload=1),
        command(CommandKind.HEAD_BEGIN),
        command(CommandKind.REFUSE_HEAD),
    ],
)
def test_a_block_holds_plain_commands_and_nothing_else(commands: Records) -> None:
    with pytest.raises(ValueError, match="block"):
        Block(commands)
