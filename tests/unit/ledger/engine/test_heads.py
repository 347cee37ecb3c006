from collections.abc import Callable

import numpy as np
import pytest

from app.verify.exchange import Exchange, PoolShown, block_hash
from ledger.engine.api import Request
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, Halt
from ledger.engine.records import command, head_group
from ledger.errors import Refusal
from tests.support.builders import DEEP, HOT, HOTKEY, SN, TAO, booked_balances, buy, kinds, trading_exchange, withdraw


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})[0]


def altered(change: Callable[[np.ndarray], object]) -> Callable[[Exchange], Request]:
    """Return a maker of a group whose records were changed after it was closed."""

    def make(exchange: Exchange) -> Request:
        group = exchange.group([exchange.deposit_record(exchange.deposit_key(1), tao=TAO)])
        change(group.commands)
        return group

    return make


def with_records(*kinds_and_meanings: tuple[CommandKind, dict[str, int]]) -> Callable[[Exchange], Request]:
    """Return a maker of a well-closed group with these records."""

    def make(exchange: Exchange) -> Request:
        return exchange.group([command(kind, **meanings) for kind, meanings in kinds_and_meanings])

    return make


def swapped(exchange: Exchange) -> Request:
    commands = list(exchange.group([exchange.deposit_record(HOT, tao=TAO)]).commands[:-1].reshape(-1, 1))
    return head_group([commands[0], commands[2], commands[1]])


def two_heads_later(exchange: Exchange) -> Request:
    exchange.height += 1
    group = exchange.group()
    exchange.height -= 1
    return group


def headless(exchange: Exchange) -> Request:
    return Request(exchange.group().commands[1:])


def lone(exchange: Exchange) -> Request:
    return Request(exchange.group().commands[:1])


def with_payload_missing(exchange: Exchange) -> Request:
    record = exchange.deposit_record(HOT, tao=TAO)
    record["payload"] = 1
    return exchange.group([record])


DEPOSIT = {"key": HOT, "netuid": NO_NETUID, "amount": TAO, "event_index": 5}
POOL = {"netuid": 9, "tao_reserve": TAO, "alpha_reserve": TAO, "weight": 5 * 10**17, "fee_rate": 33}
OUTCOME = {"job_id": 5, "job": 1, "netuid": SN, "key": HOT, "hotkey": HOTKEY, "tao_rao": 5, "alpha_rao": 5}
GROWTH = {"key": HOT, "hotkey": HOTKEY, "netuid": SN, "growth": 5, "stake_before": 5}

BAD_GROUPS = {
    "count": (altered(lambda commands: commands["other"].__setitem__(-1, 2)), Refusal.HEAD_COUNT),
    "amount": (altered(lambda commands: commands["amount"].__setitem__(1, 2 * TAO)), Refusal.HEAD_DIGEST),
    "digest": (altered(lambda commands: commands["digest"].__setitem__(-1, 2)), Refusal.HEAD_DIGEST),
    "order": (swapped, Refusal.HEAD_ORDER),
    "foreign kind": (with_records((CommandKind.PLACE_ORDER, {"account": 1})), Refusal.HEAD_ORDER),
    "height": (two_heads_later, Refusal.HEAD_NUMBER),
    "parent": (lambda exchange: exchange.group(parent=block_hash(77)), Refusal.HEAD_PARENT),
    "no beginning": (headless, Refusal.HEAD_MALFORMED),
    "one record": (lone, Refusal.HEAD_MALFORMED),
    "no payload": (with_payload_missing, Refusal.HEAD_MALFORMED),
    "unknown key": (with_records((CommandKind.DEPOSIT_SEEN, DEPOSIT | {"key": 99})), Refusal.HEAD_RECORD),
    "no amount": (with_records((CommandKind.DEPOSIT_SEEN, DEPOSIT | {"amount": 0})), Refusal.HEAD_RECORD),
    "twice": (with_records(*[(CommandKind.DEPOSIT_SEEN, DEPOSIT)] * 2), Refusal.HEAD_RECORD),
    "unknown job": (with_records((CommandKind.OUTCOME_SEEN, OUTCOME)), Refusal.HEAD_RECORD),
    "unknown death": (with_records((CommandKind.EXTRINSIC_DEAD, {"job_id": 5})), Refusal.HEAD_RECORD),
    "fee above custody": (with_records((CommandKind.CHAIN_FEE_SEEN, {"key": 2, "fee": 1})), Refusal.HEAD_CUSTODY),
    "growth of nothing": (with_records((CommandKind.GROWTH_SEEN, GROWTH | {"growth": 0})), Refusal.HEAD_RECORD),
    "payout below 0": (with_records((CommandKind.DISSOLVED_SEEN, {"key": HOT, "payout": -1})), Refusal.HEAD_RECORD),
    "weight": (with_records((CommandKind.POOL_SEEN, POOL | {"weight": 0})), Refusal.HEAD_RECORD),
    "fee rate": (with_records((CommandKind.POOL_SEEN, POOL | {"fee_rate": 65_535})), Refusal.HEAD_RECORD),
    "reserve": (with_records((CommandKind.POOL_SEEN, POOL | {"alpha_reserve": -1})), Refusal.HEAD_RECORD),
    "free": (with_records((CommandKind.ACCOUNT_SEEN, {"key": HOT, "free": -1})), Refusal.HEAD_RECORD),
    "stake": (with_records((CommandKind.STAKE_SEEN, {"key": HOT, "netuid": SN})), Refusal.HEAD_RECORD),
}


@pytest.mark.parametrize(("make", "code"), list(BAD_GROUPS.values()), ids=list(BAD_GROUPS))
def test_a_bad_group_is_refused_whole_and_halts_money(
    exchange: Exchange, make: Callable[[Exchange], Request], code: Refusal
) -> None:
    exchange.ts_ms += 12_000
    request = make(exchange)
    before = exchange.balances()

    answer = exchange.decide([request]).answers[0]

    assert answer.code == code
    assert kinds(answer) == [EventKind.HEAD_REFUSED, EventKind.HALT_CHANGED]
    assert exchange.balances() == before
    assert exchange.views.head().number == 2
    assert exchange.views.halts().money
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_while_money_is_halted_no_head_is_imported_and_then_the_right_one_is(exchange: Exchange) -> None:
    exchange.head(parent=block_hash(77))

    waiting = exchange.head()
    exchange.ask(CommandKind.SET_HALT, netuid=NO_NETUID, halt=Halt.MONEY)

    assert (waiting.code, kinds(waiting)) == (Refusal.MONEY_HALTED, [EventKind.COMMAND_REJECTED])
    assert exchange.head().code == 0
    assert exchange.views.head().number == 3


def test_the_same_head_once_more_is_answered_and_changes_nothing(exchange: Exchange) -> None:
    exchange.ts_ms += 12_000
    group = exchange.group([exchange.deposit_record(exchange.deposit_key(1), tao=TAO)])

    first, again = exchange.decide([group, group]).answers

    assert (first.code, first.duplicate) == (0, False)
    assert (again.code, again.duplicate, len(again.events)) == (0, True, 0)
    assert exchange.views.balance(1, 0).free == 101 * TAO


def test_the_first_head_may_have_any_height() -> None:
    exchange = Exchange(height=1_000)

    assert exchange.head().code == 0
    assert exchange.views.head().number == 1_001


def test_what_is_there_at_the_first_head_is_what_the_house_began_with() -> None:
    exchange = Exchange()
    exchange.set_up()
    exchange.list_market(SN, DEEP)
    seen = [
        command(CommandKind.ACCOUNT_SEEN, key=HOT, free=7 * TAO, reserved=TAO),
        command(CommandKind.STAKE_SEEN, key=HOT, hotkey=HOTKEY, netuid=SN, stake=9 * TAO),
    ]

    exchange.head(seen)
    second = exchange.head(seen)

    assert exchange.balances() == {
        ("house:capital", 0): 8 * TAO,
        ("custody:free:1", 0): -7 * TAO,
        ("custody:reserved:1", 0): -TAO,
        ("house:trading:SN1", SN + 1): 9 * TAO,
        (f"custody:stake:{HOT}:{HOTKEY}", SN + 1): -9 * TAO,
    }
    ended = second.events[-1]
    assert (int(ended["kind"]), int(ended["aux"]), int(ended["amount"])) == (EventKind.HEAD_ENDED, 0, 3)
    assert booked_balances(exchange) == exchange.balances()


def test_an_unexplained_difference_goes_to_suspense_and_halts_its_asset(exchange: Exchange) -> None:
    answer = exchange.head([command(CommandKind.ACCOUNT_SEEN, key=HOT, free=2_001 * TAO)])

    broken = [event for event in answer.events if event["kind"] == EventKind.RECONCILIATION_BROKEN]
    assert [int(event["amount"]) for event in broken] == [TAO]
    assert exchange.views.accounts_total(0).suspense == TAO
    assert exchange.views.custody(HOT).free == 2_001 * TAO
    halts = exchange.views.halts()
    assert (halts.withdrawals, halts.instant) == ((0,), True)
    assert withdraw(exchange, 1, TAO).code == Refusal.WITHDRAWALS_HALTED
    assert int(buy(exchange, 1, tao=TAO).events[-1]["code"]) == Refusal.INSTANT_HALTED
    assert int(answer.events[-1]["aux"]) == 1
    assert booked_balances(exchange) == exchange.balances()


def test_missing_stake_goes_to_suspense_as_a_debt(exchange: Exchange) -> None:
    exchange.head([command(CommandKind.STAKE_SEEN, key=HOT, hotkey=HOTKEY, netuid=SN, stake=19_000 * TAO)])

    assert exchange.views.accounts_total(SN + 1).suspense == -1_000 * TAO
    halts = exchange.views.halts()
    assert (halts.withdrawals, halts.instant, halts.instant_markets) == ((SN + 1,), False, (SN,))


@pytest.mark.parametrize("difference", [4, -4])
def test_a_few_rao_of_stake_are_rounding(exchange: Exchange, difference: int) -> None:
    seen = command(CommandKind.STAKE_SEEN, key=HOT, hotkey=HOTKEY, netuid=SN, stake=20_000 * TAO + difference)

    answer = exchange.head([seen])

    assert EventKind.STAKE_DRIFTED in kinds(answer)
    assert exchange.balances()["house:rounding", SN + 1] == difference


@pytest.mark.parametrize("difference", [5, -5])
def test_more_than_a_few_rao_of_stake_are_no_rounding(exchange: Exchange, difference: int) -> None:
    seen = command(CommandKind.STAKE_SEEN, key=HOT, hotkey=HOTKEY, netuid=SN, stake=20_000 * TAO + difference)

    assert EventKind.RECONCILIATION_BROKEN in kinds(exchange.head([seen]))
    assert exchange.views.accounts_total(SN + 1).suspense == difference


def test_rounding_is_bounded_per_day(exchange: Exchange) -> None:
    stake = 20_000 * TAO
    row = exchange.engine.state.ledger
    place = next(i for i in range(len(row)) if row[i]["asset"] == SN + 1 and row[i]["amount"] == -stake)
    row[place]["drift_day"], row[place]["drift"] = exchange.ts_ms // 86_400_000, 9_997

    first = exchange.head([command(CommandKind.STAKE_SEEN, key=HOT, hotkey=HOTKEY, netuid=SN, stake=stake + 3)])
    second = exchange.head([command(CommandKind.STAKE_SEEN, key=HOT, hotkey=HOTKEY, netuid=SN, stake=stake + 4)])

    assert EventKind.STAKE_DRIFTED in kinds(first)
    assert EventKind.RECONCILIATION_BROKEN in kinds(second)


def test_growth_goes_to_the_house_while_it_keeps_rewards(exchange: Exchange) -> None:
    exchange.head(
        [command(CommandKind.GROWTH_SEEN, key=HOT, hotkey=HOTKEY, netuid=SN, growth=21_000, stake_before=21_000 * TAO)]
    )

    balances = exchange.balances()
    assert balances["house:earn", SN + 1] == 1_000
    assert balances["house:trading:SN1", SN + 1] == 20_000 * TAO + 20_000
    assert booked_balances(exchange) == balances


def test_pools_of_unlisted_subnets_are_passed_over(exchange: Exchange) -> None:
    exchange.pools[9] = PoolShown(TAO, TAO)

    answer = exchange.head()

    assert answer.code == 0
    assert {int(event["netuid"]) for event in answer.events if event["kind"] == EventKind.POOL_UPDATED} == {SN}


def test_a_group_may_name_its_senders(exchange: Exchange) -> None:
    record = exchange.deposit_record(exchange.deposit_key(1), tao=TAO)
    record["payload"] = 2
    exchange.ts_ms += 12_000
    plain = exchange.group([record])
    named = head_group(list(plain.commands[:-1].reshape(-1, 1)), [b"unused", b"s" * 32])

    decided = exchange.decide([named])

    credited = next(event for event in decided.events if event["kind"] == EventKind.DEPOSIT_CREDITED)
    assert decided.payloads == (b"s" * 32,)
    assert int(credited["payload"]) == 1


def test_withdrawals_halt_per_asset_by_an_operator(exchange: Exchange) -> None:
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=SN, halt=Halt.WITHDRAWALS)

    assert exchange.views.halts().withdrawals == (SN + 1,)
    unknown = exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=9, halt=Halt.INSTANT)
    assert unknown.code == Refusal.UNKNOWN_MARKET
