import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.kraken.errors import Refused
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.names import Names, Pair
from app.gateway.kraken.tickets import Ticket, parse_ticket
from ledger.engine.layout import Flag, Stage, Trait

NOW_MS = 1_763_776_800_000
GOOD = {"pair": "SN1TAO", "type": "buy", "ordertype": "limit", "volume": "2.5", "price": "0.0123", "timeinforce": "IOC"}


def find_pair(text: str) -> Pair:
    names = Names()
    names.put(Pair(netuid=1, registered_at=1, stage=Stage.ONLINE))
    pair = names.find_pair(text)
    if pair is None:
        raise Refused("EQuery:Unknown asset pair", "unknown_pair", name="pair", value=text)
    return pair


def parse(**changed: str) -> Ticket:
    fields = {name: value for name, value in (GOOD | changed).items() if value != "-"}
    return parse_ticket(Fields(fields), find_pair, slippage_ppm=5_000, now_ms=NOW_MS)


def test_a_limit_order_becomes_integers() -> None:
    ticket = parse()

    assert (ticket.volume, ticket.limit, ticket.flags) == (2_500_000_000, 12_300_000, Flag.LIMIT | Flag.IOC)


def test_a_market_sell_carries_the_slippage_and_no_limit() -> None:
    ticket = parse(type="SELL", ordertype="market", price="-", timeinforce="-")

    assert (ticket.flags, ticket.limit, ticket.slippage_ppm) == (Flag.SELL, 0, 5_000)


def test_a_market_buy_in_quote_counts_tao() -> None:
    ticket = parse(ordertype="market", price="-", timeinforce="-", oflags="viqc,fciq", volume="10.000000001")

    assert (ticket.flags, ticket.volume, ticket.quote) == (Flag.IN_QUOTE, 0, 10_000_000_001)


def test_what_the_sdk_adds_to_every_order_changes_nothing() -> None:
    plain = parse()

    full = parse(validate="False", reduce_only="False", starttm="0", expiretm="0", stptype="cancel-newest", userref="0")

    assert full == plain


@pytest.mark.parametrize(
    ("changed", "error", "code", "value"),
    [
        ({"pair": "SN9TAO"}, "EQuery:Unknown asset pair", "unknown_pair", "SN9TAO"),
        ({"pair": "-"}, "EGeneral:Invalid arguments:pair", "missing_field", None),
        ({"type": "hold"}, "EGeneral:Invalid arguments:type", "invalid_argument", "hold"),
        ({"ordertype": "iceberg"}, "EGeneral:Invalid arguments:ordertype", "order_type_unsupported", "iceberg"),
        ({"ordertype": "trailing-stop"}, "EGeneral:Invalid arguments:ordertype", "order_type_unsupported", None),
        ({"ordertype": "stop-loss-limit"}, "EGeneral:Invalid arguments:price2", "missing_field", ""),
        ({"ordertype": "stop-loss", "price": "-"}, "EGeneral:Invalid arguments:price", "missing_field", ""),
        ({"ordertype": "stop-loss", "oflags": "viqc"}, "EGeneral:Invalid arguments:viqc", "invalid_argument", "viqc"),
        ({"price2": "0.02"}, "EGeneral:Invalid arguments:price2", "invalid_argument", "0.02"),
        ({"trigger": "index"}, "EGeneral:Invalid arguments:trigger", "invalid_argument", "index"),
        ({"stptype": "cancel-all"}, "EGeneral:Invalid arguments:stptype", "invalid_argument", "cancel-all"),
        ({"oflags": "post"}, "EOrder:Invalid order", "post_only_needs_time", "post"),
        ({"timeinforce": "GTX"}, "EGeneral:Invalid arguments:timeinforce", "invalid_argument", "gtx"),
        (
            {"timeinforce": "GTD", "expiretm": "+0"},
            "EGeneral:Invalid arguments:expiretm",
            "missing_field",
            "+0",
        ),
        (
            {"timeinforce": "GTD", "expiretm": "+3000000"},
            "EGeneral:Invalid arguments:expiretm",
            "out_of_range",
            "+3000000",
        ),
        ({"timeinforce": "GTD", "expiretm": "5"}, "EGeneral:Invalid arguments:expiretm", "out_of_range", "5"),
        (
            {"timeinforce": "GTD", "expiretm": "tomorrow"},
            "EGeneral:Invalid arguments:expiretm",
            "invalid_argument",
            "tomorrow",
        ),
        ({"ordertype": "settle-position"}, "EGeneral:Invalid arguments:ordertype", "order_type_unsupported", None),
        ({"price": "-"}, "EGeneral:Invalid arguments:price", "missing_field", None),
        ({"price": "0"}, "EGeneral:Invalid arguments:price", "amount_out_of_range", "0"),
        ({"price": "-0.1"}, "EGeneral:Invalid arguments:price", "malformed_amount", "-0.1"),
        ({"price": "+5%"}, "EGeneral:Invalid arguments:price", "malformed_amount", "+5%"),
        ({"price": "NaN"}, "EGeneral:Invalid arguments:price", "malformed_amount", "NaN"),
        ({"price": "9" * 20}, "EGeneral:Invalid arguments:price", "amount_out_of_range", "9" * 20),
        (
            {"price": "0.123456789"},
            "EOrder:Invalid price:SN1TAO price can only be specified up to 8 decimals.",
            "too_many_decimals",
            "0.123456789",
        ),
        ({"volume": "0"}, "EGeneral:Invalid arguments:volume", "amount_out_of_range", "0"),
        ({"volume": "-5"}, "EGeneral:Invalid arguments:volume", "malformed_amount", "-5"),
        ({"volume": "1.123456789"}, "EGeneral:Invalid arguments:volume", "too_many_decimals", "1.123456789"),
        ({"volume": "1" + "0" * 30}, "EGeneral:Invalid arguments:volume", "amount_out_of_range", "1" + "0" * 30),
        ({"volume": "1e3"}, "EGeneral:Invalid arguments:volume", "malformed_amount", "1e3"),
        ({"volume": "0.05"}, "EOrder:Order minimum not met", "below_order_minimum", "0.05"),
        ({"volume": "0.2", "price": "0.0001"}, "EOrder:Cost minimum not met", "below_cost_minimum", "0.2"),
        ({"oflags": "viqc"}, "EGeneral:Invalid arguments:viqc", "invalid_argument", "viqc"),
        ({"oflags": "fcib"}, "EGeneral:Invalid arguments:oflags", "invalid_argument", "fcib"),
        (
            {"oflags": "post", "ordertype": "market"},
            "EOrder:Invalid order",
            "post_only_needs_limit",
            "post",
        ),
        ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:expiretm", "missing_field", "0"),
        ({"leverage": "2"}, "EGeneral:Invalid arguments:leverage", "invalid_argument", "2"),
        ({"reduce_only": "True"}, "EGeneral:Invalid arguments:leverage", "invalid_argument", None),
        ({"validate": "maybe"}, "EGeneral:Invalid arguments:validate", "invalid_argument", "maybe"),
        ({"close[ordertype]": "limit"}, "EGeneral:Invalid arguments:close", "invalid_argument", "limit"),
        ({"expiretm": "+60"}, "EGeneral:Invalid arguments:expiretm", "invalid_argument", "+60"),
        ({"userref": str(2**31)}, "EGeneral:Invalid arguments:userref", "out_of_range", str(2**31)),
        ({"cl_ord_id": "x" * 19}, "EGeneral:Invalid arguments:cl_ord_id", "invalid_argument", "x" * 19),
        ({"deadline": "soon"}, "EGeneral:Invalid arguments:deadline", "invalid_argument", "soon"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "EService:Deadline elapsed", "deadline_passed", None),
        ({"deadline": "2999-01-01T00:00:00Z"}, "EGeneral:Invalid arguments:deadline", "invalid_argument", None),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_its_value(
    changed: dict[str, str], error: str, code: str, value: str | None
) -> None:
    with pytest.raises(Refused) as refused:
        parse(**changed)

    assert (refused.value.error, refused.value.code) == (error, code)
    if value is not None:
        assert refused.value.value == value


@pytest.mark.parametrize(
    ("ordertype", "traits", "is_limit"),
    [
        ("stop-loss", Trait.STOP_LOSS, False),
        ("stop-loss-limit", Trait.STOP_LOSS, True),
        ("take-profit", Trait.TAKE_PROFIT, False),
        ("take-profit-limit", Trait.TAKE_PROFIT, True),
    ],
)
def test_a_triggered_order_has_its_trigger_first_and_its_limit_second(
    ordertype: str, traits: Trait, *, is_limit: bool
) -> None:
    price2 = "0.0125" if is_limit else "-"
    ticket = parse(ordertype=ordertype, timeinforce="-", price2=price2, trigger="index", stptype="cancel-both")

    assert (ticket.traits, ticket.trigger) == (traits | Trait.ON_INDEX | Trait.STP_BOTH, 12_300_000)
    assert (ticket.limit, Flag.LIMIT in ticket.flags) == (12_500_000 * is_limit, is_limit)
    assert (ticket.slippage_ppm, ticket.ordertype) == (0 if is_limit else 5_000, ordertype)


@pytest.mark.parametrize(
    "text", ["+60", str(NOW_MS // 1_000 + 60), "2025-11-22T02:01:00Z"], ids=["relative", "unix", "rfc3339"]
)
def test_an_expiry_of_every_form_is_taken(text: str) -> None:
    ticket = parse(timeinforce="GTD", expiretm=text)

    assert (ticket.expires_s, ticket.flags) == (NOW_MS // 1_000 + 60, Flag.LIMIT)


@pytest.mark.parametrize(("word", "flag"), [("GTC", Flag(0)), ("fok", Flag.FOK), ("Ioc", Flag.IOC), ("-", Flag(0))])
def test_a_time_in_force_is_one_flag(word: str, flag: Flag) -> None:
    assert parse(timeinforce=word).flags == Flag.LIMIT | flag


def test_the_same_relative_expiry_asked_again_is_the_same_order() -> None:
    fields = GOOD | {"timeinforce": "GTD", "expiretm": "+60"}
    first, later = (
        parse_ticket(Fields(fields), find_pair, slippage_ppm=0, now_ms=NOW_MS + wait) for wait in (0, 3_000)
    )

    assert first.to_command(1, "o:a")[0]["digest"] == later.to_command(1, "o:a")[0]["digest"]
    assert later.expires_s == first.expires_s + 3


@pytest.mark.parametrize(
    "text", ["6d1b345e-2821-40e2-ad83-4ecb18a06876", "6d1b345e282140e2ad834ecb18a06876", "arb-20240509-00010", "a"]
)
def test_client_ids_of_every_documented_form_are_taken(text: str) -> None:
    assert parse(cl_ord_id=text).cl_ord_id == text


@given(volume=st.decimals("0.1", 10**6, places=8), price=st.decimals("0.01", 10**5, places=8))
def test_figures_survive_exactly(volume: object, price: object) -> None:
    ticket = parse(volume=f"{volume:f}", price=f"{price:f}")

    assert (ticket.volume, ticket.limit) == (int(volume * 10**9), int(price * 10**9))


def test_the_same_order_has_the_same_digest_and_another_one_another() -> None:
    first, _ = parse(cl_ord_id="a").to_command(1, "o:a")
    again, _ = parse(cl_ord_id="a", deadline="2025-11-22T02:00:05Z").to_command(1, "o:a")
    other, _ = parse(cl_ord_id="a", volume="2.6").to_command(1, "o:a")

    assert first["digest"] == again["digest"] != other["digest"]
    assert first["id_hi"] == again["id_hi"] == other["id_hi"]


def test_an_order_that_is_only_validated_uses_up_no_id() -> None:
    record, payloads = parse(validate="true", cl_ord_id="a").to_command(1, "o:a")

    assert (record["id_hi"][0], record["id_lo"][0]) == (0, 0)
    assert record["flags"][0] & Flag.VALIDATE_ONLY
    assert payloads == (b"a",)
