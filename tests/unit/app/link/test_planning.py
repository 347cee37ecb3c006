"""What is signed next, and what is swept."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.link.planning import next_nonce, signable, sweep_wish, sweeps
from app.link.settings import LinkSettings
from ledger.engine.layout import JobState
from ledger.engine.views import AnyJob, CustodyView, HaltView, StakeView
from tests.support.link_blocks import (
    ALICE_KEY,
    BOB_KEY,
    HOT_KEY,
    IDLE_HOTKEY,
    NETUID,
    RAO,
    TRADING_KEY,
    item,
    make_book,
    settlement,
    sweep,
    withdrawal,
)

SETTINGS = LinkSettings(url="ws://unused", hot_reserve=RAO, deposit_reserve=RAO, sweep_min=RAO, alpha_sweep_fee=RAO)


@dataclass
class Market:
    netuid: int
    spot_rao: int


@dataclass
class Ledger:
    """The reads that planning uses, set by hand."""

    custody_of: dict[int, CustodyView] = field(default_factory=dict)
    open_jobs: list[AnyJob] = field(default_factory=list)
    halted: dict[str, bool] = field(default_factory=dict)

    def custody(self, key: int) -> CustodyView:
        return self.custody_of.get(key, CustodyView(key=key, free=0, reserved=0, stakes=()))

    def jobs(self) -> list[AnyJob]:
        return self.open_jobs

    def halts(self) -> HaltView:
        plain: dict[str, Any] = {"money": False, "signer": False, "instant": False}
        return HaltView(withdrawals=(), instant_markets=(), **{**plain, **self.halted})

    def markets(self, ts_ms: int) -> list[Market]:
        return [Market(NETUID, RAO // 20)]

    def hold(self, key: int, free: int, **stakes: int) -> None:
        rows = tuple(
            StakeView(key=key, hotkey=IDLE_HOTKEY, netuid=int(name[1:]), amount=a) for name, a in stakes.items()
        )
        self.custody_of[key] = CustodyView(key=key, free=free, reserved=0, stakes=rows)


def requested(job: Any, job_id: int) -> Any:
    return replace(job, job_id=job_id, state=JobState.REQUESTED, signed=b"", key=0)


def chosen(ledger: Ledger, *jobs: Any) -> list[int]:
    return [job.job_id for job in signable(jobs, make_book(), ledger, SETTINGS)]  # type: ignore[arg-type]


def test_the_next_nonce_fills_gaps_that_would_hold_up_all_behind_them() -> None:
    assert next_nonce(5, []) == 5
    assert next_nonce(5, [5, 6]) == 7
    assert next_nonce(5, [6, 7]) == 5
    assert next_nonce(5, [3, 4]) == 5


@given(st.integers(0, 50), st.sets(st.integers(0, 60)))
def test_the_next_nonce_is_the_least_that_is_free(account: int, used: set[int]) -> None:
    nonce = next_nonce(account, used)

    assert nonce >= account
    assert nonce not in used
    assert all(lower in used for lower in range(account, nonce))


def test_withdrawals_are_signed_oldest_first_as_far_as_custody_covers_them() -> None:
    ledger = Ledger()
    ledger.hold(HOT_KEY, 11 * RAO)
    jobs = [requested(withdrawal(amount=amount * RAO), n) for n, amount in ((30, 2), (10, 6), (20, 5), (40, 2))]

    assert chosen(ledger, *jobs) == [10, 30, 40]


def test_what_is_signed_already_counts_against_custody_swaps_too() -> None:
    ledger = Ledger()
    ledger.hold(HOT_KEY, 11 * RAO, n1=9 * RAO)
    in_flight = [
        replace(withdrawal(amount=2 * RAO), job_id=1),
        replace(settlement(item(amount=3 * RAO), item(number=1, sell=True, amount=4 * RAO)), job_id=2),
    ]

    assert chosen(ledger, *in_flight, requested(withdrawal(amount=5 * RAO), 3)) == [3]
    assert chosen(ledger, *in_flight, requested(withdrawal(amount=5 * RAO + 1), 3)) == []
    assert chosen(ledger, *in_flight, requested(withdrawal(netuid=NETUID, amount=5 * RAO), 3)) == [3]
    assert chosen(ledger, *in_flight, requested(withdrawal(netuid=NETUID, amount=5 * RAO + 1), 3)) == []


def test_no_more_withdrawals_are_in_flight_than_allowed() -> None:
    ledger = Ledger()
    ledger.hold(HOT_KEY, 1_000 * RAO)
    jobs = [replace(withdrawal(), job_id=n) for n in range(1, 4)]
    jobs += [requested(withdrawal(), n) for n in range(4, 20)]

    assert chosen(ledger, *jobs) == list(range(4, 4 + SETTINGS.hot_in_flight - 3))


def test_a_settlement_waits_until_the_trading_key_can_pay_its_fee() -> None:
    ledger = Ledger()
    job = requested(settlement(item()), 1)
    assert chosen(ledger, job) == []

    ledger.hold(TRADING_KEY, SETTINGS.trading_reserve)
    assert chosen(ledger, job) == [1]


def test_a_deposit_key_has_one_sweep_in_flight() -> None:
    ledger = Ledger()

    assert chosen(ledger, requested(sweep(), 1), requested(sweep(netuid=NETUID), 2)) == [1]
    assert chosen(ledger, sweep(), requested(sweep(netuid=NETUID), 4000)) == []


@pytest.mark.parametrize("halt", ["money", "signer"])
def test_nothing_is_signed_while_money_or_signer_is_halted(halt: str) -> None:
    ledger = Ledger(halted={halt: True})
    ledger.hold(HOT_KEY, 100 * RAO)

    assert chosen(ledger, requested(withdrawal(), 1), requested(sweep(), 2)) == []


def wish(ledger: Ledger, number: int = ALICE_KEY) -> Any:
    return sweep_wish(number, make_book(), ledger, SETTINGS)  # type: ignore[arg-type]


def test_tao_is_swept_down_to_the_reserve_once_that_is_worth_a_call() -> None:
    ledger = Ledger()
    ledger.hold(ALICE_KEY, 2 * RAO - 1)
    assert wish(ledger) is None

    ledger.hold(ALICE_KEY, 2 * RAO)
    assert (wish(ledger).netuid, wish(ledger).amount) == (None, RAO)


def test_alpha_is_swept_whole_once_the_key_can_pay_and_it_is_worth_a_call() -> None:
    ledger = Ledger()
    ledger.hold(ALICE_KEY, RAO - 1, n1=30 * RAO)
    assert wish(ledger) is None

    ledger.hold(ALICE_KEY, RAO, n1=20 * RAO - 1)
    assert wish(ledger) is None

    ledger.hold(ALICE_KEY, RAO, n1=20 * RAO)
    assert (wish(ledger).netuid, wish(ledger).hotkey, wish(ledger).amount) == (NETUID, IDLE_HOTKEY, 20 * RAO)


def test_only_deposit_keys_are_swept_and_none_twice_at_once() -> None:
    ledger = Ledger(open_jobs=[sweep()])
    for key in (HOT_KEY, ALICE_KEY, BOB_KEY):
        ledger.hold(key, 100 * RAO)

    found = sweeps([HOT_KEY, ALICE_KEY, BOB_KEY, 99], make_book(), ledger, SETTINGS)  # type: ignore[arg-type]

    assert [one.key for one in found] == [BOB_KEY]


def test_sweeps_asked_for_at_once_are_bounded() -> None:
    ledger = Ledger()
    ledger.hold(ALICE_KEY, 100 * RAO)
    ledger.hold(BOB_KEY, 100 * RAO)
    settings = replace(SETTINGS, sweeps_per_head=1)

    assert len(sweeps([ALICE_KEY, BOB_KEY], make_book(), ledger, settings)) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("interval_ms", "period"), [(250, 128), (1_000, 32), (2_000, 16), (6_000, 8), (12_000, 8), (3_750, 8), (3_700, 16)]
)
def test_a_settlement_lives_the_smallest_power_of_two_above_thirty_seconds(interval_ms: int, period: int) -> None:
    assert replace(SETTINGS, block_interval_ms=interval_ms).settlement_period == period
