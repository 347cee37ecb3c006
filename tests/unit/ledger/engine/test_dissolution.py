"""The share-out of a dissolved subnet: who gets what, when it waits, and that every account ends at 0."""

import numpy as np
import pytest

from app.verify.exchange import BLOCK_MS, HOT, TRADING, Exchange
from ledger.engine.api import Answer
from ledger.engine.dissolution import share_of
from ledger.engine.layout import CommandKind, Dissolved, EventKind, Flag, Job, Stage
from ledger.engine.records import command
from ledger.engine.tables import MARKET
from ledger.errors import Refusal
from tests.support.builders import SN, TAO, booked_balances, buy, kinds, outcome, trading_exchange, withdraw

ALPHA = SN + 1


def shared(payout: int, claims: list[int], house: int) -> tuple[list[int], int]:
    """Return what each claim gets, and what is the house's."""
    market = np.zeros(1, MARKET)[0]
    market["payout"], market["claims"] = payout, sum(claims) + house
    parts = []
    for claim in claims:
        parts.append(int(share_of(market, 0, claim)))
        market["claimed"] += claim
    return parts, payout - sum(parts)


@pytest.mark.parametrize(
    ("payout", "claims", "house", "expected"),
    [
        (10**12, [5_000, 7_001, 3], 0, ([416_527_824_058, 583_222_259_247, 249_916_695], 0)),
        (999_999_999, [10, 20, 33], 37, ([99_999_999, 200_000_000, 330_000_000], 370_000_000)),
        (1_000_000, [600, 500], -100, ([600_000, 500_000], -100_000)),
        (0, [600, 500], 7, ([0, 0], 0)),
    ],
)
def test_a_payout_is_shared_by_cumulative_floors(
    payout: int, claims: list[int], house: int, expected: tuple[list[int], int]
) -> None:
    assert shared(payout, claims, house) == expected


def dissolve(exchange: Exchange, payout: int) -> Answer:
    record = command(CommandKind.DISSOLVED_SEEN, netuid=SN, payout=payout, key=HOT)
    return exchange.head([record])


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (50 * TAO, 3_000 * TAO)})[0]


def test_a_dissolution_pays_every_claim_and_leaves_no_alpha_anywhere(exchange: Exchange) -> None:
    before = booked_balances(exchange)
    alice, bob = (before[f"c:{account}:free", ALPHA] for account in (1, 2))
    whole = -sum(amount for (name, asset), amount in before.items() if asset == ALPHA and name.startswith("custody"))
    payout = 777 * TAO + 13

    answer = dissolve(exchange, payout)

    after = booked_balances(exchange)
    assert EventKind.CLAIM_PAID in kinds(answer)
    assert not any(amount for (_, asset), amount in after.items() if asset == ALPHA)
    paid_alice = after["c:1:free", 0] - before["c:1:free", 0]
    paid_bob = after["c:2:free", 0] - before["c:2:free", 0]
    assert paid_alice == payout * alice // whole
    assert paid_bob == payout * (alice + bob) // whole - paid_alice
    assert after[f"custody:free:{HOT}", 0] == before[f"custody:free:{HOT}", 0] - payout
    market = exchange.engine.state.markets[0]
    assert (market["stage"], market["dissolved"]) == (Stage.DELISTED, Dissolved.SHARED)


def test_a_signed_withdrawal_of_the_alpha_holds_the_share_out_back_until_it_has_failed(exchange: Exchange) -> None:
    held = withdraw(exchange, 1, 10 * TAO, alpha=True)
    exchange.sign(held.reference, Job.WITHDRAWAL, HOT, 0, period=64)

    waiting = dissolve(exchange, 500 * TAO)

    assert EventKind.CLAIM_PAID not in kinds(waiting)
    assert exchange.engine.state.markets[0]["dissolved"] == Dissolved.WAITING
    done = exchange.head([outcome(held.reference, Job.WITHDRAWAL, flags=Flag.FAILED | Flag.ALPHA, netuid=SN)])
    assert EventKind.WITHDRAWAL_REFUNDED in kinds(done)
    assert EventKind.CLAIM_PAID in kinds(done)
    assert not any(amount for (_, asset), amount in booked_balances(exchange).items() if asset == ALPHA)


def test_an_unsigned_withdrawal_is_refunded_in_alpha_and_shares(exchange: Exchange) -> None:
    withdraw(exchange, 1, 10 * TAO, alpha=True)

    answer = dissolve(exchange, 500 * TAO)

    assert EventKind.WITHDRAWAL_REFUNDED in kinds(answer)
    assert not any(amount for (_, asset), amount in booked_balances(exchange).items() if asset == ALPHA)


def test_nothing_can_be_done_with_the_alpha_of_a_dissolved_subnet(exchange: Exchange) -> None:
    dissolve(exchange, 500 * TAO)

    assert buy(exchange, 1, tao=TAO).code == Refusal.MARKET_STAGE
    assert withdraw(exchange, 1, TAO, alpha=True).code in (Refusal.MARKET_STAGE, Refusal.MARKET_DISSOLVED)
    assert exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.ONLINE).code == Refusal.MARKET_DISSOLVED


def test_a_second_payout_for_a_shared_market_waits_in_suspense(exchange: Exchange) -> None:
    dissolve(exchange, 500 * TAO)

    answer = dissolve(exchange, 3 * TAO)

    assert EventKind.DEPOSIT_SUSPENDED in kinds(answer)
    assert booked_balances(exchange)["suspense", 0] == 3 * TAO


def place(exchange: Exchange, account: int, flags: Flag, **meanings: int) -> int:
    """Place a limit order and return its id."""
    figures = {"account": account, "netuid": SN}
    return exchange.ask(CommandKind.PLACE_ORDER, flags=Flag.LIMIT | flags, **(figures | meanings)).reference


def test_orders_and_quotes_of_every_kind_end_and_their_alpha_shares(exchange: Exchange) -> None:
    price = int(exchange.engine.state.markets[0]["spot"])
    resting = place(exchange, 1, Flag.SELL, alpha_rao=100 * TAO, limit=2 * price)
    bid = place(exchange, 2, Flag(0), alpha_rao=100 * TAO, limit=price // 2)
    queued = place(exchange, 2, Flag.SELL, alpha_rao=2_500 * TAO, limit=price // 2)
    quote = exchange.ask(CommandKind.ISSUE_QUOTE, flags=Flag.SELL, account=1, netuid=SN, alpha_rao=TAO, life_ms=12_000)
    assert quote.code == 0

    exchange.ts_ms -= BLOCK_MS  # the head comes while the quote lives
    answer = dissolve(exchange, 500 * TAO)

    ended = answer.events[answer.events["code"] == Refusal.ORDER_OF_DISSOLVED]
    assert set(ended["order_id"].tolist()) == {resting, bid, queued, quote.reference}
    after = booked_balances(exchange)
    assert not any(amount for (_, asset), amount in after.items() if asset == ALPHA)
    assert not any(amount for (name, _), amount in after.items() if name.endswith(":held"))
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_an_item_in_flight_fails_and_then_the_payout_is_shared(exchange: Exchange) -> None:
    price = int(exchange.engine.state.markets[0]["spot"])
    place(exchange, 2, Flag.SELL, alpha_rao=2_500 * TAO, limit=price // 2)
    exchange.head()
    job = exchange.views.jobs()[0].job_id
    exchange.sign(job, Job.SETTLEMENT, TRADING, 0)

    waiting = dissolve(exchange, 500 * TAO)
    assert EventKind.CLAIM_PAID not in kinds(waiting)
    done = exchange.head([outcome(job, Job.SETTLEMENT, flags=Flag.FAILED | Flag.SELL, netuid=SN)])

    assert EventKind.CLAIM_PAID in kinds(done)
    assert not any(amount for (_, asset), amount in booked_balances(exchange).items() if asset == ALPHA)
    assert exchange.replay().state_hash() == exchange.engine.state_hash()
