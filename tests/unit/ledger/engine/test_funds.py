import pytest

from app.verify.exchange import Exchange
from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, CommandKind, EventKind, Flag, Halt, Stage
from ledger.engine.parameters import MIN_DEPOSIT_TAO, MIN_WITHDRAWAL_TAO, WITHDRAWAL_FEE_TAO
from ledger.errors import Refusal
from tests.support.builders import DEEP, HOT, SN, TAO, buy, kinds, public_key, trading_exchange, withdraw


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})[0]


def suspended(exchange: Exchange, asset: int = 0) -> int:
    return exchange.views.accounts_total(asset).suspense


def test_a_deposit_is_credited_to_the_owner_of_the_key(exchange: Exchange) -> None:
    answer = exchange.head([exchange.deposit_record(exchange.deposit_key(1), tao=5 * TAO)])

    credited = next(event for event in answer.events if event["kind"] == EventKind.DEPOSIT_CREDITED)
    assert (int(credited["account"]), int(credited["amount"]), int(credited["tao"])) == (1, 5 * TAO, 3)
    assert exchange.views.balance(1, 0).free == 105 * TAO
    assert exchange.views.custody(exchange.deposit_key(1)).free == 105 * TAO


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"tao": MIN_DEPOSIT_TAO - 1}, Refusal.BELOW_MINIMUM),
        ({"netuid": SN, "alpha": TAO // 4}, Refusal.BELOW_MINIMUM),
        ({"netuid": 9, "alpha": TAO}, Refusal.UNKNOWN_MARKET),
    ],
)
def test_a_deposit_that_cannot_be_credited_waits_in_suspense(
    exchange: Exchange, what: dict[str, int], code: Refusal
) -> None:
    answer = exchange.head([exchange.deposit_record(exchange.deposit_key(1), **what)])

    event = next(event for event in answer.events if event["kind"] == EventKind.DEPOSIT_SUSPENDED)
    assert (int(event["code"]), int(event["account"])) == (code, 1)
    assert suspended(exchange, what.get("netuid", -1) + 1) == what.get("tao", what.get("alpha"))


def test_alpha_of_a_market_that_takes_no_deposits_waits_in_suspense(exchange: Exchange) -> None:
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.ANNOUNCED)

    answer = exchange.head([exchange.deposit_record(exchange.deposit_key(1), netuid=SN, alpha=TAO)])

    assert EventKind.DEPOSIT_SUSPENDED in kinds(answer)
    assert suspended(exchange, SN + 1) == TAO


def test_what_reaches_the_hot_key_unannounced_waits_in_suspense(exchange: Exchange) -> None:
    exchange.head([exchange.deposit_record(HOT, tao=5 * TAO)])

    assert suspended(exchange) == 5 * TAO


def test_announced_funding_is_taken_once_and_only_for_its_amount(exchange: Exchange) -> None:
    house = exchange.views.accounts_total(0).house
    records = exchange.fund_house(NO_NETUID, tao=7 * TAO)

    exchange.head([*records, exchange.deposit_record(HOT, tao=7 * TAO), exchange.deposit_record(HOT, tao=8 * TAO)])

    assert exchange.views.accounts_total(0).house == house + 7 * TAO
    assert suspended(exchange) == 15 * TAO


@pytest.mark.parametrize(
    ("flags", "changes", "code"),
    [
        (0, {"netuid": 9}, Refusal.UNKNOWN_MARKET),
        (Flag.ALPHA, {"netuid": NO_NETUID}, Refusal.UNKNOWN_MARKET),
        (0, {"amount": 0}, Refusal.AMOUNT_OUT_OF_RANGE),
        (0, {"amount": MAX_AMOUNT + 1}, Refusal.AMOUNT_OUT_OF_RANGE),
    ],
)
def test_an_announcement_is_refused(exchange: Exchange, flags: int, changes: dict[str, int], code: Refusal) -> None:
    meanings = {"netuid": SN, "amount": TAO} | changes

    assert exchange.ask(CommandKind.ANNOUNCE_FUNDING, flags=flags, **meanings).code == code


def test_two_operators_move_suspense_to_a_customer_or_to_the_house(exchange: Exchange) -> None:
    exchange.head([exchange.deposit_record(HOT, tao=5 * TAO), exchange.deposit_record(HOT, netuid=SN, alpha=6 * TAO)])
    operators = {"first_operator": 1, "second_operator": 2}

    to_alice = exchange.ask(CommandKind.RESOLVE_SUSPENSE, netuid=NO_NETUID, amount=3 * TAO, account=1, **operators)
    to_market = exchange.ask(CommandKind.RESOLVE_SUSPENSE, flags=Flag.ALPHA, netuid=SN, amount=6 * TAO, **operators)
    to_capital = exchange.ask(CommandKind.RESOLVE_SUSPENSE, netuid=NO_NETUID, amount=2 * TAO, **operators)

    assert [answer.code for answer in (to_alice, to_market, to_capital)] == [0, 0, 0]
    assert suspended(exchange) == suspended(exchange, SN + 1) == 0
    assert exchange.views.balance(1, 0).free == 103 * TAO
    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    assert market.need == -6 * TAO
    assert market.mirror_alpha == DEEP.alpha + 6 * TAO


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"second_operator": 1}, Refusal.SAME_OPERATOR),
        ({"second_operator": 0}, Refusal.SAME_OPERATOR),
        ({"amount": 0}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"amount": -1, "account": 1}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"amount": 6 * TAO}, Refusal.SUSPENSE_SHORT),
        ({"amount": -1}, Refusal.SUSPENSE_SHORT),
        ({"account": 9}, Refusal.UNKNOWN_ACCOUNT),
        ({"netuid": 9}, Refusal.UNKNOWN_MARKET),
    ],
)
def test_a_resolution_is_refused(exchange: Exchange, changes: dict[str, int], code: Refusal) -> None:
    exchange.head([exchange.deposit_record(HOT, tao=5 * TAO)])
    meanings = {"netuid": NO_NETUID, "amount": TAO, "first_operator": 1, "second_operator": 2} | changes

    assert exchange.ask(CommandKind.RESOLVE_SUSPENSE, **meanings).code == code


def test_a_withdrawal_holds_the_amount_and_the_fee(exchange: Exchange) -> None:
    answer = withdraw(exchange, 1, 10 * TAO)

    total = exchange.views.accounts_total(0)
    assert kinds(answer) == [EventKind.WITHDRAWAL_HELD]
    assert exchange.views.balance(1, 0).free == 90 * TAO - WITHDRAWAL_FEE_TAO
    assert total.withdrawing == 10 * TAO + WITHDRAWAL_FEE_TAO
    (job,) = exchange.views.jobs()
    assert (job.job_id, job.amount, job.address.account) == (answer.reference, 10 * TAO, 1)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, Refusal.AMOUNT_OUT_OF_RANGE),
        (-5, Refusal.AMOUNT_OUT_OF_RANGE),
        (MAX_AMOUNT + 1, Refusal.AMOUNT_OUT_OF_RANGE),
        (MIN_WITHDRAWAL_TAO - 1, Refusal.BELOW_MINIMUM),
        (100 * TAO, Refusal.INSUFFICIENT_FUNDS),
    ],
)
def test_a_withdrawal_of_a_wrong_amount_is_refused(exchange: Exchange, amount: int, code: Refusal) -> None:
    before = exchange.balances()

    assert withdraw(exchange, 1, amount).code == code
    assert exchange.balances() == before


def test_a_withdrawal_goes_only_to_a_usable_address_of_the_account_and_asset(exchange: Exchange) -> None:
    other = exchange.open_account("bob")
    body = b'{"name": "n", "public": "%s"}' % public_key("n").hex().encode()
    cooling = {"usable_from": exchange.ts_ms + 1_000}
    strange = exchange.ask(CommandKind.ADD_ADDRESS, body, account=other, netuid=NO_NETUID).reference
    later = exchange.ask(CommandKind.ADD_ADDRESS, body, account=1, netuid=NO_NETUID, **cooling).reference
    alpha = exchange.ask(CommandKind.ADD_ADDRESS, body, flags=Flag.ALPHA, account=1, netuid=SN).reference

    codes = [withdraw(exchange, 1, TAO, address=address).code for address in (strange, 999_999, alpha, later)]
    exchange.ts_ms += 1_000
    usable = withdraw(exchange, 1, TAO, address=later).code

    assert codes == [
        Refusal.UNKNOWN_ADDRESS,
        Refusal.UNKNOWN_ADDRESS,
        Refusal.ADDRESS_ASSET,
        Refusal.ADDRESS_COOLING,
    ]
    assert usable == 0


def test_a_withdrawal_is_refused_above_the_fee_that_was_accepted(exchange: Exchange) -> None:
    withdraw(exchange, 1, TAO)
    address = exchange.views.addresses(1)[0].address_id
    meanings = {"account": 1, "netuid": NO_NETUID, "amount": TAO, "address_id": address}

    tight = exchange.ask(CommandKind.REQUEST_WITHDRAWAL, max_fee=WITHDRAWAL_FEE_TAO - 1, **meanings)
    enough = exchange.ask(CommandKind.REQUEST_WITHDRAWAL, max_fee=WITHDRAWAL_FEE_TAO, **meanings)

    assert (tight.code, tight.value) == (Refusal.FEE_ABOVE_MAXIMUM, WITHDRAWAL_FEE_TAO)
    assert enough.code == 0


@pytest.mark.parametrize(
    ("halt", "netuid", "code"),
    [
        (Halt.MONEY, NO_NETUID, Refusal.MONEY_HALTED),
        (Halt.WITHDRAWALS, NO_NETUID, Refusal.WITHDRAWALS_HALTED),
        (Halt.WITHDRAWALS, SN, 0),
    ],
)
def test_a_halt_stops_withdrawals_of_its_asset(exchange: Exchange, halt: Halt, netuid: int, code: int) -> None:
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=netuid, halt=halt)
    tao = withdraw(exchange, 1, TAO)
    alpha = withdraw(exchange, 1, 100 * TAO, alpha=True)
    exchange.ask(CommandKind.SET_HALT, netuid=netuid, halt=halt)

    assert tao.code == code
    assert alpha.code == (0 if code == Refusal.WITHDRAWALS_HALTED else code or Refusal.WITHDRAWALS_HALTED)
    assert withdraw(exchange, 1, TAO).code == 0


def test_alpha_that_was_just_bought_is_withdrawable_once_it_is_covered(exchange: Exchange) -> None:
    bought = int(buy(exchange, 1, tao=TAO).events[1]["amount"])

    before = exchange.views.balance(1, SN + 1)
    refused = withdraw(exchange, 1, before.free, alpha=True)
    exchange.head()
    after = exchange.views.balance(1, SN + 1)

    assert (refused.code, refused.bound) == (Refusal.NOT_COVERED, 1_000 * TAO)
    assert (before.withdrawable, after.withdrawable) == (1_000 * TAO, 1_000 * TAO + bought)
    assert withdraw(exchange, 1, after.free, alpha=True).code == 0


def test_a_market_on_its_way_out_still_pays_out(exchange: Exchange) -> None:
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.DELISTING)
    assert withdraw(exchange, 1, 100 * TAO, alpha=True).code == 0

    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.DELISTED)
    assert withdraw(exchange, 1, 100 * TAO, alpha=True).code == Refusal.MARKET_STAGE
