"""What finalised blocks of every shape become."""

import pytest

from app.link.blocks import AccountRead
from app.link.effects import effects_of
from app.link.translate import (
    dead_of,
    deposits_of,
    dissolved_of,
    fees_of,
    growth_of,
    hotkeys_needed,
    outcomes_of,
    pools_of,
    reads_for,
    translate_head,
)
from app.link.wire import extrinsic_hash
from chain.keys import subnet_account
from ledger.engine.layout import NO_NETUID, Flag, Job
from ledger.engine.records import group_digest, hash_of
from tests.support.link_blocks import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    HOT,
    HOT_KEY,
    IDLE,
    IDLE_HOTKEY,
    NETUID,
    OTHER_HOTKEY,
    POT,
    RAO,
    STRANGER,
    TRADING,
    TRADING_KEY,
    BlockMaker,
    item,
    make_book,
    make_pool,
    public,
    settlement,
    signed_bytes,
    sweep,
    told,
    withdrawal,
)

POSITION = (HOT, IDLE, NETUID)
STAKING = "SubtensorModule"


def swap_events(maker: BlockMaker, extrinsic: int, *, tao: int, alpha: int, sell: bool = False, fee: int = 0) -> None:
    """Add what one proxied swap of the hot key leaves: the TAO leg, the stake event, the proxy's and the item's end."""
    maker.transfer(POT if sell else HOT, HOT if sell else POT, tao, extrinsic)
    maker.event(
        STAKING, "StakeRemoved" if sell else "StakeAdded", HOT, IDLE, tao, alpha, NETUID, fee, extrinsic=extrinsic
    )
    maker.event("Proxy", "ProxyExecuted", {"Ok": ()}, extrinsic=extrinsic)
    maker.event("Utility", "ItemCompleted", extrinsic=extrinsic)


def test_a_settled_buy_tells_what_left_the_coldkey_and_what_reached_the_position() -> None:
    job, maker = settlement(item(amount=2 * RAO)), BlockMaker()
    at = maker.sign_job(job, TRADING)
    swap_events(maker, at, tao=2 * RAO, alpha=59 * RAO, fee=1_000)
    maker.event("Utility", "BatchCompleted", extrinsic=at)
    maker.fee(TRADING, 1_700_000, at)
    maker.stake(POSITION, 170_000 * RAO, 170_059 * RAO - 1)

    group = told(translate_head(maker.block(), make_book(), [job]))

    assert group[1] == (
        "OUTCOME_SEEN",
        {
            "job_id": 1000,
            "job": Job.SETTLEMENT,
            "netuid": NETUID,
            "alpha_rao": 59 * RAO - 1,
            "tao_rao": 2 * RAO,
            "key": HOT_KEY,
            "hotkey": IDLE_HOTKEY,
        },
    )
    assert group[2] == (
        "CHAIN_FEE_SEEN",
        {"key": TRADING_KEY, "fee": 1_700_000, "netuid": NO_NETUID, "job_id": 1000},
    )


def test_a_sale_filled_in_part_takes_what_the_position_lost_and_not_what_the_event_took_before_the_refund() -> None:
    job, maker = settlement(item(sell=True, amount=100 * RAO)), BlockMaker()
    at = maker.sign_job(job, TRADING)
    swap_events(maker, at, tao=RAO, alpha=100 * RAO, sell=True, fee=20_000_000)
    maker.stake(POSITION, 170_000 * RAO, 169_960 * RAO)

    outcome = effects_of(maker.block(), make_book(), [job]).outcomes[0]

    assert (outcome.sell, outcome.failed, outcome.tao) == (True, False, RAO)
    assert outcome.change is not None
    assert outcome.change.delta == -40 * RAO


def test_a_sale_filled_in_part_in_an_epoch_block_is_told_by_its_fee() -> None:
    job, maker = settlement(item(sell=True, amount=100 * RAO)), BlockMaker(pools={NETUID: make_pool(epoch_ran=True)})
    at = maker.sign_job(job, TRADING)
    swap_events(maker, at, tao=RAO, alpha=100 * RAO, sell=True, fee=40 * RAO * 33 // 65_535)
    maker.stake(POSITION, 170_000 * RAO, 170_000 * RAO - 40 * RAO + 7 * RAO)
    book = make_book()

    effects = effects_of(maker.block(), book, [job])
    growth = growth_of(maker.block(), book, effects)

    assert effects.outcomes[0].change is not None
    assert effects.outcomes[0].change.delta == pytest.approx(-40 * RAO, abs=2_000)
    assert growth[0].amount == pytest.approx(7 * RAO, abs=2_000)
    assert growth[0].amount - effects.outcomes[0].change.delta * -1 == 7 * RAO - 40 * RAO


def test_items_of_a_batch_are_parted_by_their_ends_and_a_failed_one_books_nothing() -> None:
    job, maker = settlement(item(number=0), item(number=1), item(number=2, sell=True)), BlockMaker()
    at = maker.sign_job(job, TRADING)
    maker.event("Utility", "ItemFailed", {"Module": {"index": 28, "error": "0x03000000"}}, extrinsic=at)
    swap_events(maker, at, tao=RAO, alpha=30 * RAO)
    maker.event("Proxy", "ProxyExecuted", {"Err": {"Module": {"index": 7, "error": "0x54000000"}}}, extrinsic=at)
    maker.event("Utility", "ItemCompleted", extrinsic=at)
    maker.stake(POSITION, 0, 30 * RAO)

    outcomes = effects_of(maker.block(), make_book(), [job]).outcomes

    assert [(o.item, o.failed, o.tao) for o in outcomes] == [(0, True, 0), (1, False, RAO), (2, True, 0)]


def test_an_extrinsic_that_failed_as_a_whole_fails_every_item() -> None:
    job, maker = settlement(item(number=0), item(number=1)), BlockMaker()
    at = maker.sign_job(job, TRADING)
    maker.event("System", "ExtrinsicFailed", {"BadOrigin": None}, {}, extrinsic=at)

    assert [o.failed for o in outcomes_of(maker.block(), job, make_book())] == [True, True]


def test_two_buys_of_one_position_share_the_rounding_and_nothing_is_left_over() -> None:
    job, maker = settlement(item(number=0), item(number=1)), BlockMaker()
    at = maker.sign_job(job, TRADING)
    swap_events(maker, at, tao=RAO, alpha=30 * RAO)
    swap_events(maker, at, tao=RAO, alpha=29 * RAO)
    maker.stake(POSITION, 0, 59 * RAO - 2)

    effects = effects_of(maker.block(), make_book(), [job])

    assert sum(o.change.delta for o in effects.outcomes if o.change) == 59 * RAO - 2
    assert effects.rest[POSITION] == 0


def test_a_difference_beyond_rounding_is_left_for_reconciliation_to_find() -> None:
    job, maker = settlement(item()), BlockMaker()
    at = maker.sign_job(job, TRADING)
    swap_events(maker, at, tao=RAO, alpha=30 * RAO)
    maker.stake(POSITION, 0, 31 * RAO)

    effects = effects_of(maker.block(), make_book(), [job])

    assert effects.outcomes[0].change is not None
    assert effects.outcomes[0].change.delta == 30 * RAO + 4
    assert effects.rest[POSITION] == RAO - 4


def test_the_same_nonce_with_other_bytes_is_not_ours_and_kills_the_job_when_its_era_is_over() -> None:
    job, remark = settlement(item()), signed_bytes(TRADING, 5, "a remark")
    early, late = BlockMaker(), BlockMaker(number=106)
    swap_events(early, early.sign(remark, TRADING, job.nonce), tao=RAO, alpha=30 * RAO)
    for maker in (early, late):
        maker.account(TRADING, RAO, nonce=6)
    book = make_book()

    assert outcomes_of(early.block(), job, book) == []
    assert dead_of(early.block(), book, [job]) == []
    assert reads_for(late.block(), book, [job], everything=False).nonces == ((TRADING, 5, 90),)
    assert dead_of(late.block(), book, [job]) == []
    late.used_nonces[TRADING, 5] = extrinsic_hash(remark)
    assert [death.job.job_id for death in dead_of(late.block(), book, [job])] == [job.job_id]
    late.used_nonces[TRADING, 5] = extrinsic_hash(job.signed)
    assert dead_of(late.block(), book, [job]) == []


@pytest.mark.parametrize(
    ("height", "nonce", "dead"),
    [(105, 5, False), (106, 5, True), (106, 6, False), (200, 5, True)],
)
def test_a_job_is_dead_when_its_era_is_over_and_its_nonce_unused(height: int, nonce: int, *, dead: bool) -> None:
    job, maker = settlement(item(), birth=90, period=16), BlockMaker(number=height)
    maker.account(TRADING, RAO, nonce=nonce)

    assert bool(dead_of(maker.block(), make_book(), [job])) is dead


def test_an_unsigned_job_can_neither_be_found_nor_die() -> None:
    job, maker = settlement(item(), signed=False), BlockMaker(number=500)
    maker.account(TRADING, RAO, nonce=0)

    assert dead_of(maker.block(), make_book(), [job]) == []
    assert outcomes_of(maker.block(), job, make_book()) == []


def test_deposits_are_transfer_events_whatever_extrinsic_caused_them() -> None:
    maker = BlockMaker()
    plain = maker.sign(signed_bytes(STRANGER, 1), STRANGER, 1)
    first = maker.transfer(STRANGER, ALICE, 5 * RAO, plain)
    batch = maker.sign(signed_bytes(STRANGER, 2), STRANGER, 2)
    second = maker.transfer(STRANGER, BOB, 3 * RAO, batch)
    maker.event("Utility", "ItemCompleted", extrinsic=batch)
    third = maker.transfer(public("proxied"), ALICE, 2 * RAO, batch)
    maker.event("Proxy", "ProxyExecuted", {"Ok": ()}, extrinsic=batch)
    scheduled = maker.transfer(STRANGER, ALICE, RAO, None)
    maker.transfer(STRANGER, public("someone else"), RAO, None)
    book, block = make_book(), maker.block()

    deposits = deposits_of(block, book, effects_of(block, book, []))

    assert [(d.key, d.amount, d.event_index) for d in deposits] == [
        (ALICE_KEY, 5 * RAO, first),
        (BOB_KEY, 3 * RAO, second),
        (ALICE_KEY, 2 * RAO, third),
        (ALICE_KEY, RAO, scheduled),
    ]
    assert {d.netuid for d in deposits} == {NO_NETUID}


def test_what_our_own_extrinsics_pay_the_hot_key_is_no_deposit_but_a_strangers_gift_to_it_is() -> None:
    job, maker = sweep(amount=5 * RAO), BlockMaker()
    at = maker.sign_job(job, ALICE)
    maker.transfer(ALICE, HOT, 5 * RAO, at)
    other = maker.sign(signed_bytes(STRANGER, 1), STRANGER, 1)
    gift = maker.transfer(STRANGER, HOT, RAO, other)
    book, block = make_book(), maker.block()

    effects = effects_of(block, book, [job])

    assert [(d.key, d.event_index) for d in deposits_of(block, book, effects)] == [(HOT_KEY, gift)]
    assert [(o.key, o.tao, o.failed) for o in effects.outcomes] == [(ALICE_KEY, 5 * RAO, False)]


def test_a_withdrawal_to_a_deposit_address_is_an_outcome_and_a_deposit() -> None:
    job, maker = withdrawal(amount=2 * RAO), BlockMaker()
    at = maker.sign_job(job, HOT)
    maker.transfer(HOT, BOB, 2 * RAO, at)
    book, block = make_book(), maker.block()

    effects = effects_of(block, book, [job])

    assert [(o.job, o.tao) for o in effects.outcomes] == [(Job.WITHDRAWAL, 2 * RAO)]
    assert [(d.key, d.amount) for d in deposits_of(block, book, effects)] == [(BOB_KEY, 2 * RAO)]


def test_a_failed_withdrawal_is_told_as_failed_with_its_fee() -> None:
    job, maker = withdrawal(), BlockMaker()
    at = maker.sign_job(job, HOT)
    maker.fee(HOT, 125_000, at)
    maker.event("System", "ExtrinsicFailed", {"Token": "FundsUnavailable"}, {}, extrinsic=at)

    group = told(translate_head(maker.block(), make_book(), [job]))

    assert group[1] == (
        "OUTCOME_SEEN",
        {"job_id": 2000, "job": Job.WITHDRAWAL, "netuid": NO_NETUID, "key": HOT_KEY, "flags": int(Flag.FAILED)},
    )
    assert group[2][1]["fee"] == 125_000


def test_an_alpha_withdrawal_tells_what_left_the_position() -> None:
    job, maker = withdrawal(netuid=NETUID, amount=10 * RAO), BlockMaker()
    at = maker.sign_job(job, HOT)
    maker.event(STAKING, "StakeTransferred", HOT, STRANGER, IDLE, NETUID, NETUID, RAO, extrinsic=at)
    maker.stake(POSITION, 100 * RAO, 90 * RAO - 1)

    group = told(translate_head(maker.block(), make_book(), [job]))

    assert group[1][1]["alpha_rao"] == 10 * RAO + 1
    assert group[1][1]["flags"] == Flag.ALPHA


def test_an_alpha_sweep_tells_what_left_and_what_arrived() -> None:
    job, maker = sweep(netuid=NETUID, amount=10 * RAO), BlockMaker()
    at = maker.sign_job(job, ALICE)
    maker.event(STAKING, "StakeTransferred", ALICE, HOT, IDLE, NETUID, NETUID, RAO, extrinsic=at)
    maker.stake((ALICE, IDLE, NETUID), 10 * RAO, 0)
    maker.stake(POSITION, 100 * RAO, 110 * RAO - 1)
    book, block = make_book(), maker.block()

    group = told(translate_head(block, book, [job]))

    assert (group[1][1]["alpha_rao"], group[1][1]["arrived_rao"]) == (10 * RAO, 10 * RAO - 1)
    assert not deposits_of(block, book, effects_of(block, book, [job]))


def test_an_alpha_deposit_is_the_difference_of_the_position_less_our_own_outcomes() -> None:
    job, maker = settlement(item()), BlockMaker()
    at = maker.sign_job(job, TRADING)
    swap_events(maker, at, tao=RAO, alpha=30 * RAO)
    other = maker.sign(signed_bytes(STRANGER, 1), STRANGER, 1)
    gift = maker.event(STAKING, "StakeTransferred", STRANGER, HOT, IDLE, NETUID, NETUID, 1, extrinsic=other)
    credited = maker.event(STAKING, "StakeTransferred", STRANGER, ALICE, IDLE, NETUID, NETUID, 1, extrinsic=other)
    maker.stake(POSITION, 100 * RAO, 137 * RAO)
    maker.stake((ALICE, IDLE, NETUID), 0, 12 * RAO)
    book, block = make_book(), maker.block()

    deposits = deposits_of(block, book, effects_of(block, book, [job]))

    assert [(d.key, d.amount, d.event_index, d.sender) for d in deposits] == [
        (HOT_KEY, 7 * RAO, gift, STRANGER),
        (ALICE_KEY, 12 * RAO, credited, STRANGER),
    ]


def test_several_alpha_transfers_to_one_position_are_one_deposit_of_the_whole_difference() -> None:
    maker = BlockMaker()
    maker.event(STAKING, "StakeTransferred", STRANGER, ALICE, IDLE, NETUID, NETUID, 1)
    last = maker.event(STAKING, "StakeTransferred", BOB, ALICE, IDLE, NETUID, NETUID, 1)
    maker.stake((ALICE, IDLE, NETUID), 2 * RAO, 9 * RAO)
    book, block = make_book(), maker.block()

    deposits = deposits_of(block, book, effects_of(block, book, []))

    assert [(d.amount, d.event_index, d.sender) for d in deposits] == [(7 * RAO, last, b"")]


def test_in_an_epoch_block_deposit_and_growth_of_one_position_are_parted_by_the_events_value() -> None:
    maker = BlockMaker(pools={NETUID: make_pool(epoch_ran=True)})
    value = 12 * RAO * 20_000 // 600_000
    maker.event(STAKING, "StakeTransferred", STRANGER, ALICE, IDLE, NETUID, NETUID, value)
    maker.stake((ALICE, IDLE, NETUID), 100 * RAO, 113 * RAO)
    book, block = make_book(), maker.block()
    effects = effects_of(block, book, [])

    assert [d.amount for d in deposits_of(block, book, effects)] == [12 * RAO]
    assert [(g.amount, g.stake_before) for g in growth_of(block, book, effects)] == [(RAO, 100 * RAO)]


def test_in_an_epoch_block_a_deposit_is_what_stake_added_tells() -> None:
    maker = BlockMaker(pools={NETUID: make_pool(epoch_ran=True)})
    at = maker.sign(signed_bytes(STRANGER, 1), STRANGER, 1)
    maker.event(STAKING, "StakeAdded", ALICE, IDLE, 1, 12 * RAO, NETUID, 0, extrinsic=at)
    maker.event(STAKING, "StakeTransferred", STRANGER, ALICE, IDLE, NETUID, NETUID, 1, extrinsic=at)
    maker.stake((ALICE, IDLE, NETUID), 100 * RAO, 113 * RAO)
    book, block = make_book(), maker.block()
    effects = effects_of(block, book, [])

    assert [d.amount for d in deposits_of(block, book, effects)] == [12 * RAO]
    assert [g.amount for g in growth_of(block, book, effects)] == [RAO]


def test_growth_is_told_only_where_an_epoch_ran_or_root_dividends_were_claimed() -> None:
    quiet = BlockMaker()
    quiet.stake(POSITION, 100 * RAO, 101 * RAO)
    claimed = BlockMaker()
    claimed.event(STAKING, "RootClaimed", HOT)
    claimed.stake(POSITION, 100 * RAO, 101 * RAO)
    book = make_book()

    assert growth_of(quiet.block(), book, effects_of(quiet.block(), book, [])) == []
    assert [g.amount for g in growth_of(claimed.block(), book, effects_of(claimed.block(), book, []))] == [RAO]


def test_a_fee_paid_in_alpha_is_told_for_the_position_that_paid_it() -> None:
    job, maker = sweep(netuid=NETUID, amount=10 * RAO), BlockMaker()
    book = make_book()
    book.positions.add((ALICE_KEY, IDLE_HOTKEY, NETUID))
    at = maker.sign_job(job, ALICE)
    maker.event(STAKING, "TransactionFeePaidWithAlpha", ALICE, NETUID, 900, 30, extrinsic=at)
    maker.fee(ALICE, 30, at)
    maker.event(STAKING, "StakeTransferred", ALICE, HOT, IDLE, NETUID, NETUID, RAO, extrinsic=at)
    maker.stake((ALICE, IDLE, NETUID), 10 * RAO + 900, 0)
    maker.stake(POSITION, 0, 10 * RAO)

    fees = fees_of(maker.block(), book, [job])
    effects = effects_of(maker.block(), book, [job])

    assert [(f.key, f.amount, f.netuid, f.hotkey) for f in fees] == [(ALICE_KEY, 900, NETUID, IDLE_HOTKEY)]
    assert effects.outcomes[0].change is not None
    assert effects.outcomes[0].change.delta == -10 * RAO


def test_a_strangers_fee_is_not_ours() -> None:
    maker = BlockMaker()
    maker.fee(STRANGER, 5, maker.sign(signed_bytes(STRANGER, 1), STRANGER, 1))

    assert fees_of(maker.block(), make_book(), []) == []


def test_the_payout_of_a_removed_subnet_is_told_once_and_is_no_deposit() -> None:
    maker = BlockMaker(pools={NETUID: make_pool(closed=True)})
    maker.event(STAKING, "NetworkRemoved", NETUID)
    maker.transfer(subnet_account(NETUID), HOT, 40 * RAO)
    maker.transfer(STRANGER, HOT, RAO)
    maker.accounts_before[HOT] = AccountRead(free=100 * RAO, reserved=0, nonce=0)
    maker.account(HOT, 141 * RAO)
    book, block = make_book(), maker.block()

    assert [(p.key, p.netuid, p.payout) for p in dissolved_of(block, book)] == [(HOT_KEY, NETUID, 40 * RAO)]
    assert [d.amount for d in deposits_of(block, book, effects_of(block, book, []))] == [RAO]


def test_what_a_swap_brought_before_the_subnet_was_removed_in_the_same_block_is_no_payout() -> None:
    maker = BlockMaker(pools={NETUID: make_pool(closed=True)})
    swap = maker.sign(signed_bytes(STRANGER, 1), STRANGER, 1)
    maker.event("Balances", "Transfer", subnet_account(NETUID), HOT, 7 * RAO, extrinsic=swap)
    maker.event(STAKING, "NetworkRemoved", NETUID)
    maker.transfer(subnet_account(NETUID), HOT, 40 * RAO)
    maker.accounts_before[HOT] = AccountRead(free=100 * RAO, reserved=0, nonce=0)
    maker.account(HOT, 147 * RAO)

    assert [p.payout for p in dissolved_of(maker.block(), make_book())] == [40 * RAO]


def test_a_removed_subnet_that_paid_nothing_is_told_all_the_same() -> None:
    maker = BlockMaker(pools={NETUID: make_pool(closed=True)})
    maker.event(STAKING, "NetworkRemoved", NETUID)

    told = dissolved_of(maker.block(), make_book())

    assert [(p.key, p.netuid, p.payout) for p in told] == [(HOT_KEY, NETUID, 0)]


def test_a_position_under_an_unknown_hotkey_asks_for_the_hotkey_first() -> None:
    maker = BlockMaker()
    maker.event(STAKING, "StakeTransferred", STRANGER, ALICE, OTHER_HOTKEY, NETUID, NETUID, 1)
    maker.event(STAKING, "StakeTransferred", STRANGER, ALICE, public("elsewhere"), 99, 99, 1)
    maker.stake((ALICE, OTHER_HOTKEY, NETUID), 0, RAO)
    book, block = make_book(), maker.block()

    assert hotkeys_needed(block, book) == (OTHER_HOTKEY, public("elsewhere"))
    assert deposits_of(block, book, effects_of(block, book, [])) == []

    book.add_hotkey(2, OTHER_HOTKEY)
    book.add_hotkey(3, public("elsewhere"))
    assert hotkeys_needed(block, book) == ()
    assert [(d.hotkey, d.amount) for d in deposits_of(block, book, effects_of(block, book, []))] == [(2, RAO)]


def test_a_subnet_that_is_gone_is_told_as_closed_and_empty() -> None:
    record = pools_of(BlockMaker(pools={NETUID: make_pool()}).block(), make_book())[0]
    maker = BlockMaker()
    maker.pools.clear()
    gone = pools_of(maker.block(), make_book())[0]

    assert (int(record["tao"][0]), int(record["flags"][0])) == (20_000 * RAO, 0)
    assert (int(gone["tao"][0]), int(gone["flags"][0])) == (0, Flag.CLOSED)
    assert 0 < int(gone["limit"][0]) < 10**18


def test_only_what_a_block_touched_is_read_and_everything_when_asked() -> None:
    maker = BlockMaker()
    maker.transfer(STRANGER, ALICE, RAO)
    book = make_book()
    book.positions.add((BOB_KEY, IDLE_HOTKEY, NETUID))

    little = reads_for(maker.block(), book, [], everything=False)
    much = reads_for(maker.block(), book, [], everything=True)

    assert set(little.accounts) == {HOT, TRADING, ALICE}
    assert little.positions == ()
    assert much.positions_before == ()
    assert set(much.accounts) == {HOT, TRADING, ALICE, BOB}
    assert set(much.positions) == {POSITION, (BOB, IDLE, NETUID)}


def test_an_epoch_reads_every_position_of_its_subnet_and_an_ended_era_its_signer() -> None:
    job = sweep()
    maker = BlockMaker(number=job.birth + job.period, pools={NETUID: make_pool(epoch_ran=True)})

    reads = reads_for(maker.block(), make_book(), [job], everything=False)

    assert reads.positions == (POSITION,)
    assert ALICE in reads.accounts


def test_a_group_stands_in_the_exact_order_and_closes_with_count_and_digest() -> None:
    job, maker = settlement(item()), BlockMaker(pools={NETUID: make_pool(epoch_ran=True)})
    dying = withdrawal(job_id=999, birth=36)
    at = maker.sign_job(job, TRADING)
    swap_events(maker, at, tao=RAO, alpha=30 * RAO)
    maker.fee(TRADING, 7, at)
    maker.transfer(STRANGER, ALICE, RAO)
    maker.stake(POSITION, 100 * RAO, 131 * RAO)
    maker.account(HOT, RAO)
    maker.account(ALICE, 2 * RAO)

    request = translate_head(maker.block(), make_book(), [job, dying])

    names = [name for name, _ in told(request)]
    assert names == [
        "HEAD_BEGIN",
        "OUTCOME_SEEN",
        "EXTRINSIC_DEAD",
        "CHAIN_FEE_SEEN",
        "DEPOSIT_SEEN",
        "GROWTH_SEEN",
        "POOL_SEEN",
        "ACCOUNT_SEEN",
        "ACCOUNT_SEEN",
        "STAKE_SEEN",
        "HEAD_END",
    ]
    assert hash_of(request.commands[0]) == maker.block().hash
    assert int(request.commands[-1]["other"]) == len(names)
    assert hash_of(request.commands[-1]) == group_digest(request.commands[:-1], request.payloads)
    assert request.payloads == (STRANGER,)


def test_the_first_head_tells_what_custody_holds_and_not_how_it_came_but_credits_customers() -> None:
    maker = BlockMaker(pools={NETUID: make_pool(epoch_ran=True)})
    maker.fee(HOT, 7, maker.sign(signed_bytes(HOT, 0), HOT, 0))
    maker.transfer(STRANGER, HOT, 5 * RAO)
    maker.transfer(STRANGER, ALICE, RAO)
    maker.stake(POSITION, 100 * RAO, 131 * RAO)
    maker.account(HOT, RAO)

    names = [name for name, _ in told(translate_head(maker.block(), make_book(), [], first=True))]

    assert names == ["HEAD_BEGIN", "DEPOSIT_SEEN", "POOL_SEEN", "ACCOUNT_SEEN", "STAKE_SEEN", "HEAD_END"]
