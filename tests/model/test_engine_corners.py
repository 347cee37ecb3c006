"""Corners of the rules that long histories reach rarely, each on both engines."""

import copy
import json
from random import Random

import pytest

from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, Halt, KeyRole, Stage
from ledger.engine.records import command, request
from ledger.errors import Refusal
from tests.model.chain import TAO, Block
from tests.model.scene import HOT
from tests.model.world import World

MARKET = 1


class Quiet(Random):
    """Chance that always takes the first of some things, and nothing unlikely: a world without surprises."""

    def random(self):
        return 0.5

    def choice(self, things):
        return things[0]

    def randrange(self, start, stop=None, step=1):
        low, high = (0, start) if stop is None else (start, stop)
        return (low + high) // 2 if step == 1 else low


@pytest.fixture
def world():
    """Return a world with two funded customers and an open market of netuid 1."""
    world = World(Quiet())
    configure(world, target=world.exchange.books.position(MARKET))
    head(world)
    return world


def send(world, kind, *, flags=0, texts=(), **figures):
    return world.send(request(command(kind, flags=int(flags), **figures), payloads=texts))[0]


def head(world, play=lambda _block: None):
    chain = copy.deepcopy(world.chain)
    block = Block(chain, world.exchange, Quiet())
    play(block)
    answer = world.send(block.group())[0]
    if answer.code == 0:
        world.chain = chain
    return answer


def configure(world, target):
    return send(
        world,
        CommandKind.SET_MARKET,
        netuid=MARKET,
        target=target,
        min_settle=10_000_000,
        k_ppm=500_000,
        taker_ppm=2_600,
        maker_ppm=1_600,
        tolerance_ppm=10_000,
        backed=1,
    )


def buy(world, tao, account=1):
    return send(
        world,
        CommandKind.PLACE_ORDER,
        flags=Flag.IN_QUOTE,
        account=account,
        netuid=MARKET,
        tao_rao=tao,
        slippage_ppm=50_000,
    )


def sign(world, job):
    key = world.exchange.key_of(KeyRole.TRADING) if job.job == 1 else HOT if job.job == 2 else job.from_key
    figures = {"job_id": job.job_id, "job": int(job.job), "key": key, "nonce": job.job_id}
    era = {"birth": world.exchange.head, "period": 2}
    assert send(world, CommandKind.ACCEPT_SIGNED, texts=[b"signed"], signed=1, **figures, **era).code == 0


def kinds(answer):
    return [EventKind(event["kind"]) for event in answer.events]


def test_the_world_of_these_tests_trades(world):
    answer = buy(world, world.exchange.markets[MARKET].cap // 2)

    assert kinds(answer) == [EventKind.ORDER_ACCEPTED, EventKind.FILLED, EventKind.ORDER_CLOSED]


def test_alpha_of_a_dead_settlement_is_covered_once_the_house_needs_nothing(world):
    answer = buy(world, world.exchange.markets[MARKET].cap // 2)
    bought = answer.events[1]["amount"]
    head(world)
    sign(world, world.exchange.jobs[world.exchange.settlement])
    head(world)
    configure(world, target=world.exchange.books.position(MARKET))

    answer = head(world, Block.play_jobs)

    assert EventKind.EXTRINSIC_DIED in kinds(answer)
    assert EventKind.CUT_ADVANCED in kinds(answer)
    assert world.exchange.uncovered[1, MARKET + 1][0] == bought
    assert world.exchange.markets[MARKET].final_cut >= world.exchange.uncovered[1, MARKET + 1][1]


def test_a_sweep_pays_for_what_follows_it_in_the_same_head(world):
    hot, amount = world.exchange.books.custody_free(HOT), world.exchange.books.custody_free(3)
    send(world, CommandKind.REQUEST_SWEEP, key=3, netuid=NO_NETUID, amount=amount)
    sign(world, list(world.exchange.jobs.values())[-1])

    def play(block):
        block.play_jobs()
        block.add_free(HOT, -(hot + 1))
        block.fees.append(command(CommandKind.CHAIN_FEE_SEEN, key=HOT, fee=hot + 1, netuid=NO_NETUID))

    class Eager(Quiet):
        def random(self):
            return 0.2

    chain = copy.deepcopy(world.chain)
    block = Block(chain, world.exchange, Eager())
    play(block)
    answer = world.send(block.group())[0]

    assert answer.code == 0
    assert world.exchange.books.custody_free(HOT) == amount - 1


@pytest.mark.parametrize("kind", [0, 13, 19, 29, 39, 52, 99, 65_535])
def test_a_command_of_an_unknown_kind_is_refused_and_halts_nothing(world, kind):
    record = command(CommandKind.CANCEL_ORDER, account=1)
    record["kind"] = kind

    answer = world.send(request(record))[0]

    assert answer.code == Refusal.UNKNOWN_KIND
    assert not world.exchange.money_halted


@pytest.mark.parametrize("kind", [40, 41, 50, 51])
def test_a_lone_record_of_a_head_is_a_malformed_head(world, kind):
    record = command(CommandKind.HEAD_END)
    record["kind"] = kind

    answer = world.send(request(record))[0]

    assert answer.code == Refusal.HEAD_MALFORMED
    assert world.exchange.money_halted


def test_a_market_that_comes_back_trades_at_the_present_head(world):
    send(world, CommandKind.SET_STAGE, netuid=MARKET, stage=int(Stage.DELISTED))

    def move(block):
        pool = block.chain.pools[MARKET]
        block.chain.pools[MARKET] = type(pool)(pool.tao + pool.tao // 10, pool.alpha, pool.weight, pool.fee_rate)

    head(world, move)
    send(world, CommandKind.SET_STAGE, netuid=MARKET, stage=int(Stage.ONLINE))

    buy(world, TAO)

    mirror = world.exchange.markets[MARKET].mirror
    assert mirror.alpha == world.chain.pools[MARKET].alpha - world.exchange.need(world.exchange.markets[MARKET])


@pytest.mark.parametrize("amount", [-(2**63), 2**63 - 1, 0])
def test_an_absurd_amount_of_suspense_is_out_of_range(world, amount):
    figures = {"netuid": NO_NETUID, "first_operator": 1, "second_operator": 2}

    assert send(world, CommandKind.RESOLVE_SUSPENSE, amount=amount, **figures).code == Refusal.AMOUNT_OUT_OF_RANGE


def test_a_need_of_cheap_alpha_is_valued_at_the_exact_price(world):
    """At 1.5 rao a whole alpha, a price in whole rao would be a third too low and the need too small to settle."""
    configure(world, target=world.exchange.books.position(MARKET) + 8 * 10**15)

    def cheapen(block):
        pool = block.chain.pools[MARKET]
        block.chain.pools[MARKET] = type(pool)(15 * 10**8, 10**18, pool.weight, pool.fee_rate)

    answer = head(world, cheapen)

    assert EventKind.SETTLEMENT_REQUESTED in kinds(answer)


def test_a_market_buy_at_the_highest_price_keeps_a_limit(world):
    configure(world, target=world.exchange.books.position(MARKET))

    def inflate(block):
        pool = block.chain.pools[MARKET]
        block.chain.pools[MARKET] = type(pool)(2**61, 10**6, pool.weight, pool.fee_rate)

    head(world, inflate)

    accepted = buy(world, TAO).events[0]

    assert accepted["limit"] == 2**63 - 1


def test_a_head_of_the_far_future_is_as_fresh_as_any(world):
    def leap(block):
        block.chain.ts = 2**61

    assert head(world, leap).code == 0

    world.ts += 3_600_000

    assert kinds(buy(world, TAO))[1] == EventKind.FILLED


def test_a_key_whose_balances_both_differ_halts_once(world):
    def take(block):
        block.chain.free[HOT] -= 1
        block.chain.reserved[HOT] = block.chain.reserved.get(HOT, 0) + 1

    answer = head(world, take)

    assert kinds(answer).count(EventKind.RECONCILIATION_BROKEN) == 2
    assert kinds(answer).count(EventKind.HALT_CHANGED) == 1


def test_a_stray_flag_does_not_make_an_operators_refusal_forgotten(world):
    figures = {"netuid": MARKET, "halt": 0, "client_id_hi": 1, "client_id_lo": 2, "body_digest": 3}
    first = send(world, CommandKind.SET_HALT, flags=Flag.VALIDATE_ONLY, **figures)

    again = send(world, CommandKind.SET_HALT, flags=Flag.VALIDATE_ONLY, **figures)

    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.code == first.code == Refusal.PARAMETER_OUT_OF_RANGE


def test_a_text_of_many_brackets_is_a_malformed_payload(world):
    answer = send(world, CommandKind.ADD_API_KEY, account=1, body=1, texts=[b"[" * 4_000])

    assert answer.code == Refusal.PAYLOAD_MALFORMED


def test_one_body_twice_in_a_batch_is_decided_once_and_another_is_refused(world):
    figures = {"netuid": NO_NETUID, "halt": int(Halt.SIGNER), "client_id_hi": 7, "client_id_lo": 8}
    one = request(command(CommandKind.SET_HALT, flags=int(Flag.ARM), body_digest=1, **figures))
    other = request(command(CommandKind.SET_HALT, body_digest=2, **figures))

    answers = world.send(one, one, other, one)

    assert [answer.duplicate for answer in answers] == [False, True, False, True]
    assert answers[2].code == Refusal.ID_REUSED
    assert world.exchange.signer_halted


def test_a_refused_text_does_not_take_the_place_of_a_later_one(world):
    public = bytes(range(32))
    wrong = request(command(CommandKind.ADD_HOTKEY, hotkey=99, public=1), payloads=[public])
    right = request(command(CommandKind.ADD_HOTKEY, hotkey=3, public=1), payloads=[public])

    answers = world.send(wrong, right, right)

    assert [answer.code for answer in answers] == [Refusal.NUMBER_OUT_OF_ORDER, 0, Refusal.PUBLIC_KEY_TAKEN]


def test_two_addresses_of_one_name_are_refused_for_one_asset_only(world):
    text = json.dumps({"name": "home", "public": "ab" * 32}).encode()
    figures = {"account": 1, "usable_from": 0, "body": 1, "texts": [text]}

    tao = send(world, CommandKind.ADD_ADDRESS, netuid=NO_NETUID, **figures)
    alpha = send(world, CommandKind.ADD_ADDRESS, netuid=MARKET, flags=Flag.ALPHA, **figures)
    again = send(world, CommandKind.ADD_ADDRESS, netuid=5, **figures)

    assert (tao.code, alpha.code, again.code) == (0, 0, Refusal.NAME_TAKEN)
