import json

import pytest

from app.verify.exchange import HOT, HOTKEY, TRADING, Exchange, public_key
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, KeyRole, Stage
from ledger.errors import TEXTS, Refusal
from tests.support.builders import DEEP, SN, kinds


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.set_up()
    return exchange


def test_every_refusal_says_what_it_means_and_what_would_be_right() -> None:
    assert set(TEXTS) == set(Refusal)
    assert all(text.meaning and text.right for text in TEXTS.values())


def test_accounts_are_numbered_from_one(exchange: Exchange) -> None:
    assert [exchange.ask(CommandKind.OPEN_ACCOUNT, name).reference for name in (b"alice", b"bob")] == [1, 2]
    assert [account.name for account in exchange.views.accounts()] == ["alice", "bob"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (b"alice", Refusal.NAME_TAKEN),
        (b"", Refusal.NAME_MALFORMED),
        (b"x" * 65, Refusal.NAME_MALFORMED),
        (b"\xff\xfe", Refusal.NAME_MALFORMED),
        (b"a\nb", Refusal.NAME_MALFORMED),
    ],
)
def test_a_name_must_be_plain_and_free(exchange: Exchange, name: bytes, code: Refusal) -> None:
    exchange.open_account("alice")

    answer = exchange.ask(CommandKind.OPEN_ACCOUNT, name)

    assert (answer.code, kinds(answer)) == (code, [EventKind.COMMAND_REJECTED])


@pytest.mark.parametrize(
    ("changes", "public", "code"),
    [
        ({"key": 4}, "new", Refusal.NUMBER_OUT_OF_ORDER),
        ({"role": 0}, "new", Refusal.ROLE_MALFORMED),
        ({"role": 9}, "new", Refusal.ROLE_MALFORMED),
        ({"role": KeyRole.HOT}, "new", Refusal.ROLE_TAKEN),
        ({"role": KeyRole.TRADING}, "new", Refusal.ROLE_TAKEN),
        ({"account": 9}, "new", Refusal.UNKNOWN_ACCOUNT),
        ({}, "hot", Refusal.PUBLIC_KEY_TAKEN),
    ],
)
def test_a_chain_key_is_refused(exchange: Exchange, changes: dict[str, int], public: str, code: Refusal) -> None:
    exchange.ask(CommandKind.OPEN_ACCOUNT, b"alice")
    meanings = {"key": 3, "role": KeyRole.DEPOSIT, "account": 1} | changes

    assert exchange.ask(CommandKind.ADD_CHAIN_KEY, public_key(public), **meanings).code == code


def test_a_chain_key_has_32_bytes(exchange: Exchange) -> None:
    exchange.ask(CommandKind.OPEN_ACCOUNT, b"alice")

    answer = exchange.ask(CommandKind.ADD_CHAIN_KEY, b"short", key=3, role=KeyRole.DEPOSIT, account=1)

    assert answer.code == Refusal.PUBLIC_KEY_MALFORMED


def test_keys_are_found_by_number_and_by_public_key(exchange: Exchange) -> None:
    found = exchange.views.find_key(public_key("trading"))

    assert found is not None
    assert (found.key, found.role) == (TRADING, KeyRole.TRADING)
    assert exchange.views.keys()[HOT - 1].public == public_key("hot")
    assert exchange.views.hotkeys() == [public_key("hotkey")]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"netuid": SN}, Refusal.MARKET_EXISTS),
        ({"netuid": NO_NETUID}, Refusal.UNKNOWN_MARKET),
        ({"stage": 0}, Refusal.STAGE_MALFORMED),
        ({"stage": 10}, Refusal.STAGE_MALFORMED),
        ({"hotkey": 0}, Refusal.UNKNOWN_HOTKEY),
        ({"hotkey": HOTKEY + 1}, Refusal.UNKNOWN_HOTKEY),
    ],
)
def test_a_listing_is_refused(exchange: Exchange, changes: dict[str, int], code: Refusal) -> None:
    exchange.list_market(SN, DEEP)
    meanings = {"netuid": 2, "stage": Stage.ONLINE, "hotkey": HOTKEY, "registered_at": 5} | changes

    assert exchange.ask(CommandKind.LIST_MARKET, b"{}", **meanings).code == code


def test_a_listing_needs_a_json_object(exchange: Exchange) -> None:
    meanings = {"netuid": 2, "stage": Stage.ONLINE, "hotkey": HOTKEY}

    assert exchange.ask(CommandKind.LIST_MARKET, b"[]", **meanings).code == Refusal.PAYLOAD_MALFORMED
    assert exchange.ask(CommandKind.LIST_MARKET, **meanings).code == Refusal.PAYLOAD_MALFORMED


def test_markets_are_told_in_the_order_of_their_netuids(exchange: Exchange) -> None:
    for netuid in (9, 2, 65_534, 5):
        assert exchange.list_market(netuid, DEEP).code == 0

    assert [market.netuid for market in exchange.views.markets(exchange.ts_ms)] == [2, 5, 9, 65_534]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"netuid": 3}, Refusal.UNKNOWN_MARKET),
        ({"target": -1}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"min_settle": 2**62}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"k_ppm": 1_000_000}, Refusal.PARAMETER_OUT_OF_RANGE),
        ({"taker_ppm": -1}, Refusal.PARAMETER_OUT_OF_RANGE),
        ({"tolerance_ppm": 1_000_000}, Refusal.PARAMETER_OUT_OF_RANGE),
        ({"maker_ppm": 1_000_000}, Refusal.PARAMETER_OUT_OF_RANGE),
        ({"backed": 2}, Refusal.PARAMETER_OUT_OF_RANGE),
    ],
)
def test_a_configuration_is_refused(exchange: Exchange, changes: dict[str, int], code: Refusal) -> None:
    exchange.list_market(SN, DEEP)
    netuid = changes.pop("netuid", SN) if "netuid" in changes else SN

    assert exchange.configure(netuid, **changes).code == code


def test_a_stage_moves_only_where_a_market_and_a_stage_exist(exchange: Exchange) -> None:
    exchange.list_market(SN, DEEP)

    assert exchange.ask(CommandKind.SET_STAGE, netuid=2, stage=1).code == Refusal.UNKNOWN_MARKET
    assert exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=0).code == Refusal.STAGE_MALFORMED
    assert exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.CANCEL_ONLY).code == 0
    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    assert market.stage == Stage.CANCEL_ONLY


def test_api_keys_are_kept_with_their_texts(exchange: Exchange) -> None:
    account = exchange.open_account("alice")
    body = json.dumps({"key": "k", "sealed": "s"}).encode()

    first = exchange.ask(CommandKind.ADD_API_KEY, body, account=account, permissions=3, nonce_window=10)
    again = exchange.ask(CommandKind.ADD_API_KEY, body, account=account)
    bare = exchange.ask(CommandKind.ADD_API_KEY, b'{"key": "k2"}', account=account)
    stranger = exchange.ask(CommandKind.ADD_API_KEY, body.replace(b'"k"', b'"j"'), account=77)

    codes = [answer.code for answer in (first, again, bare, stranger)]
    assert codes == [0, Refusal.PUBLIC_KEY_TAKEN, Refusal.PAYLOAD_MALFORMED, Refusal.UNKNOWN_ACCOUNT]
    assert [(key.account, key.permissions, key.body) for key in exchange.views.api_keys()] == [(account, 3, body)]


def test_an_address_names_32_bytes_and_is_named_once_per_asset(exchange: Exchange) -> None:
    exchange.list_market(SN, DEEP)
    account = exchange.open_account("alice")
    body = b'{"name": "home", "public": "%s"}' % (b"ab" * 32)
    meanings = {"account": account, "netuid": NO_NETUID}

    codes = [
        exchange.ask(CommandKind.ADD_ADDRESS, body, **meanings).code,
        exchange.ask(CommandKind.ADD_ADDRESS, body, **meanings).code,
        exchange.ask(CommandKind.ADD_ADDRESS, body, flags=Flag.ALPHA, account=account, netuid=SN).code,
        exchange.ask(CommandKind.ADD_ADDRESS, b'{"name": "x", "public": "zz"}', **meanings).code,
        exchange.ask(CommandKind.ADD_ADDRESS, b'{"public": "zz"}', **meanings).code,
        exchange.ask(CommandKind.ADD_ADDRESS, body.replace(b"home", b"new"), account=9, netuid=NO_NETUID).code,
    ]

    assert codes == [
        0,
        Refusal.NAME_TAKEN,
        0,
        Refusal.PUBLIC_KEY_MALFORMED,
        Refusal.PAYLOAD_MALFORMED,
        Refusal.UNKNOWN_ACCOUNT,
    ]
    assert [address.netuid for address in exchange.views.addresses(account)] == [None, SN]


def test_an_unknown_kind_is_refused(exchange: Exchange) -> None:
    answer = exchange.ask(CommandKind.SET_HALT, halt=0)
    assert answer.code == Refusal.PARAMETER_OUT_OF_RANGE

    record = exchange.group().commands[:1].copy()
    record["kind"] = 17
    from ledger.engine.records import request

    assert exchange.decide([request(record)]).answers[0].code == Refusal.UNKNOWN_KIND
