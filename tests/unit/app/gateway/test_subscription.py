from dataclasses import replace

import pytest

from app.gateway.auth import ApiKey, Permission
from app.gateway.feeds.subscription import Asked, Stream, Subscriptions, Unreadable, read_frame

KNOWN = {"SN1/TAO", "SN64/TAO"}


def find(text: str) -> str | None:
    return text if text in KNOWN else None


def ask(subscriptions: Subscriptions, method: str = "subscribe", req_id: int | None = 7, **params: object) -> list:
    return list(subscriptions.answer(Asked(method, params, req_id), find))


def test_each_symbol_has_its_own_answer_with_the_request_id() -> None:
    replies = ask(Subscriptions(10), channel="ticker", symbol=["SN1/TAO", "SN9/TAO", "SN64/TAO"])

    assert [reply.req_id for reply in replies] == [7, 7, 7]
    assert [reply.error for reply in replies] == ["", "Currency pair not supported SN9/TAO", ""]
    assert replies[0].result == {
        "channel": "ticker",
        "symbol": "SN1/TAO",
        "event_trigger": "trades",
        "snapshot": True,
    }


def test_a_result_can_be_sent_again_as_parameters() -> None:
    subscriptions = Subscriptions(10)
    first = ask(subscriptions, channel="trade", symbol=["SN1/TAO"])[0]

    again = ask(subscriptions, **{**first.result, "symbol": [first.result["symbol"]]})[0]

    assert again.result == first.result
    assert again.result["snapshot"]
    assert subscriptions.streams == {Stream("trade", "SN1/TAO")}


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, "Subscription name invalid"),
        ({"channel": "level9", "symbol": ["SN1/TAO"]}, "Subscription name invalid"),
        ({"channel": ["ticker"], "symbol": ["SN1/TAO"]}, "Subscription name invalid"),
        ({"channel": "trade"}, "Symbol field must be an array"),
        ({"channel": "trade", "symbol": "SN1/TAO"}, "Symbol field must be an array"),
        ({"channel": "trade", "symbol": [1]}, "Symbol field must be an array"),
        ({"channel": "trade", "symbol": []}, "Symbol field must be an array"),
        (
            {"channel": "ticker", "symbol": ["SN1/TAO"], "event_trigger": "x"},
            "EGeneral:Invalid arguments:event_trigger",
        ),
        (
            {"channel": "ticker", "symbol": ["SN1/TAO"], "event_trigger": ["bbo"]},
            "EGeneral:Invalid arguments:event_trigger",
        ),
        ({"channel": "book", "symbol": ["SN1/TAO"], "depth": 11}, "Subscription depth not supported"),
        ({"channel": "book", "symbol": ["SN1/TAO"], "depth": "10"}, "Subscription depth not supported"),
        ({"channel": "ohlc", "symbol": ["SN1/TAO"], "interval": 2}, "Subscription ohlc interval not supported"),
        ({"channel": "ohlc", "symbol": ["SN1/TAO"], "interval": True}, "Subscription ohlc interval not supported"),
        ({"channel": "balances", "token": "made up"}, "ESession:Invalid session"),
        ({"channel": "executions"}, "ESession:Invalid session"),
        (
            {"channel": "trade", "symbol": ["SN1/TAO"] * 501},
            "EGeneral:Invalid arguments:too many subscriptions",
        ),
    ],
)
def test_a_subscription_that_cannot_be_is_refused_with_the_request_id(params: dict[str, object], error: str) -> None:
    (reply,) = ask(Subscriptions(10), **params)

    assert (reply.req_id, reply.error, reply.stream) == (7, error, None)


@pytest.mark.parametrize(
    ("channel", "member", "default", "other"),
    [("book", "depth", 10, 1_000), ("ohlc", "interval", 1, 21_600), ("ticker", "event_trigger", "trades", "bbo")],
)
def test_a_variant_is_a_stream_of_its_own_and_told_back(
    channel: str, member: str, default: object, other: object
) -> None:
    subscriptions = Subscriptions(10)

    (first,) = ask(subscriptions, channel=channel, symbol=["SN1/TAO"])
    (second,) = ask(subscriptions, channel=channel, symbol=["SN1/TAO"], **{member: other})

    assert (first.result[member], second.result[member]) == (default, other)
    assert {stream.variant for stream in subscriptions.streams} == {str(default), str(other)}


def test_a_private_channel_is_one_stream_of_the_account_behind_the_token() -> None:
    key = ApiKey("k", 5, Permission.QUERY_FUNDS, 0, "")
    subscriptions = Subscriptions(10, max_rate_count=60)
    asked = Asked("subscribe", {"channel": "balances", "token": "t"}, 1)

    (reply,) = subscriptions.answer(asked, find, {"t": key}.get)
    (refused,) = subscriptions.answer(
        replace(asked, params={"channel": "executions", "token": "t"}), find, {"t": key}.get
    )

    assert reply.stream == Stream("balances", variant="5")
    assert reply.result == {"channel": "balances", "snapshot": True}
    assert refused.error == "EGeneral:Permission denied"


def test_a_socket_has_so_many_streams_and_no_more() -> None:
    subscriptions = Subscriptions(1)

    assert ask(subscriptions, channel="trade", symbol=["SN1/TAO"])[0].error == ""
    assert "too many" in ask(subscriptions, channel="trade", symbol=["SN64/TAO"])[0].error
    assert ask(subscriptions, "unsubscribe", channel="trade", symbol=["SN1/TAO"])[0].error == ""
    assert ask(subscriptions, channel="trade", symbol=["SN64/TAO"])[0].error == ""


def test_ending_what_never_began_is_refused() -> None:
    assert ask(Subscriptions(1), "unsubscribe", channel="instrument")[0].error == "Subscription Not Found"


def test_a_frame_is_read() -> None:
    asked = read_frame('{"method": "ping", "req_id": 18446744073709551615}')

    assert (asked.method, asked.req_id, asked.params) == ("ping", 2**64 - 1, {})


@pytest.mark.parametrize(
    ("frame", "req_id"),
    [
        ("", None),
        ("[]", None),
        ("{", None),
        ('{"method": 5, "req_id": 3}', 3),
        ('{"method": "subscribe", "params": [], "req_id": 3}', 3),
        ('{"method": "ping", "req_id": "x"}', None),
        ('{"method": "ping", "req_id": -1}', None),
        ('{"method": "ping", "req_id": 1.5}', None),
        ('{"params": ' + "[" * 100_000 + "]" * 100_000 + "}", None),
        (b"\xff\xfe", None),
        ('{"a": NaN}', None),
    ],
)
def test_a_frame_that_is_no_request_is_unreadable_but_its_id_is_kept(frame: str | bytes, req_id: int | None) -> None:
    with pytest.raises(Unreadable) as error:
        read_frame(frame)

    assert error.value.req_id == req_id
