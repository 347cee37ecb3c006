import pytest

from app.gateway.feeds.requests import order_fields, request_fields, socket_error
from app.gateway.kraken import errors
from app.gateway.kraken.errors import Refused


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.1", "0.1"),
        ("1e-05", "0.00001"),
        ("2.5E-7", "0.00000025"),
        ("1e2", "100"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("123456789.12345678", "123456789.12345678"),
        ('"0.5"', "0.5"),
        ("1e400", "1e400"),
        ("1e999999999", "1e999999999"),
    ],
)
def test_numbers_keep_their_text_and_exponents_are_spelled_out(number: str, text: str) -> None:
    assert request_fields(b'{"order_qty": %s}' % number.encode())["order_qty"] == text


def test_an_order_is_told_in_the_fields_of_rest() -> None:
    raw = b"""{"order_type": "limit", "side": "buy", "symbol": "SN1/TAO", "order_qty": 1.25, "limit_price": 0.02,
        "time_in_force": "ioc", "order_userref": -3, "cl_ord_id": "a", "stp_type": "cancel_newest", "token": "t",
        "post_only": true, "validate": true, "no_mpp": true}"""

    assert dict(order_fields(request_fields(raw))) == {
        "ordertype": "limit",
        "type": "buy",
        "pair": "SN1/TAO",
        "volume": "1.25",
        "price": "0.02",
        "timeinforce": "ioc",
        "userref": "-3",
        "cl_ord_id": "a",
        "stptype": "cancel-newest",
        "oflags": "post",
        "validate": "true",
    }


def test_an_order_for_an_amount_of_tao_is_one_in_quote_units() -> None:
    fields = order_fields(request_fields(b'{"symbol": "SN1/TAO", "cash_order_qty": 2.5}'))

    assert (fields["volume"], fields["oflags"]) == ("2.5", "viqc")


@pytest.mark.parametrize(
    ("params", "name"),
    [
        (b'{"symbol": "SN1/TAO", "order_qty": 1, "cash_order_qty": 1}', "cash_order_qty"),
        (b'{"symbol": "SN1/TAO", "order_qty": 1, "margin": true}', "margin"),
        (b'{"symbol": "SN1/TAO", "order_qty": 1, "limit_price_type": "pct"}', "limit_price_type"),
        (b'{"symbol": "SN1/TAO", "order_qty": 1, "triggers": {"price": 1}}', "triggers"),
        (b'{"symbol": "SN1/TAO", "order_qty": 1, "conditional": {"order_type": "limit"}}', "conditional"),
        (b'{"symbol": "SN1TAO", "order_qty": 1}', "symbol"),
        (b'{"order_qty": 1}', "symbol"),
    ],
)
def test_what_would_change_the_order_and_is_not_offered_is_refused(params: bytes, name: str) -> None:
    with pytest.raises(Refused) as caught:
        order_fields(request_fields(params))

    assert caught.value.name == name


def test_errors_have_the_long_forms_of_sockets() -> None:
    short = socket_error(Refused(errors.INSUFFICIENT_FUNDS, "insufficient_funds"))
    pair = socket_error(Refused(errors.UNKNOWN_PAIR, "unknown_pair", value="SN9/TAO"))

    assert "EOrder:Insufficient funds (insufficient user funds)" in short
    assert "EOrder:Insufficient funds(insufficient user funds)" in short
    assert pair == "Currency pair not supported SN9/TAO"
    assert socket_error(Refused(errors.UNKNOWN_ORDER, "unknown_order")) == "EOrder:Unknown order"
