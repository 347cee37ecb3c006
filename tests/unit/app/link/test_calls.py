"""Calls by names, for each kind of job."""

from dataclasses import replace

import pytest

from app.link.calls import add_staking_proxy, calls_for, recipient_of, signer_of
from app.link.keybook import KeyBook
from ledger.engine.layout import KeyRole
from tests.support.link_blocks import (
    ALICE_KEY,
    HOT,
    HOT_KEY,
    IDLE,
    NETUID,
    RAO,
    STRANGER,
    TRADING,
    TRADING_KEY,
    item,
    make_book,
    settlement,
    sweep,
    withdrawal,
)


def test_a_settlement_is_a_batch_of_swaps_proxied_for_the_hot_key_in_order() -> None:
    call = calls_for(settlement(item(number=0, amount=7), item(number=1, sell=True, amount=9)), make_book())

    assert (call["call_module"], call["call_function"]) == ("Utility", "force_batch")
    inner = [one["call_args"]["call"] for one in call["call_args"]["calls"]]
    assert {one["call_args"]["real"] for one in call["call_args"]["calls"]} == {"0x" + HOT.hex()}
    assert {one["call_args"]["force_proxy_type"] for one in call["call_args"]["calls"]} == {"Staking"}
    assert inner == [
        {
            "call_module": "SubtensorModule",
            "call_function": "add_stake_limit",
            "call_args": {
                "hotkey": "0x" + IDLE.hex(),
                "netuid": NETUID,
                "amount_staked": 7,
                "limit_price": RAO,
                "allow_partial": True,
            },
        },
        {
            "call_module": "SubtensorModule",
            "call_function": "remove_stake_limit",
            "call_args": {
                "hotkey": "0x" + IDLE.hex(),
                "netuid": NETUID,
                "amount_unstaked": 9,
                "limit_price": RAO,
                "allow_partial": True,
            },
        },
    ]


def test_withdrawals_and_sweeps_of_tao_are_plain_transfers_that_keep_the_sender_alive() -> None:
    book = make_book()

    assert calls_for(withdrawal(amount=5), book) == {
        "call_module": "Balances",
        "call_function": "transfer_keep_alive",
        "call_args": {"dest": "0x" + STRANGER.hex(), "value": 5},
    }
    assert calls_for(sweep(amount=5), book)["call_args"]["dest"] == "0x" + HOT.hex()


def test_withdrawals_and_sweeps_of_alpha_stay_in_their_subnet_and_under_their_hotkey() -> None:
    call = calls_for(withdrawal(netuid=NETUID, amount=5), make_book())

    assert call["call_function"] == "transfer_stake"
    assert call["call_args"] == {
        "destination_coldkey": "0x" + STRANGER.hex(),
        "hotkey": "0x" + IDLE.hex(),
        "origin_netuid": NETUID,
        "destination_netuid": NETUID,
        "alpha_amount": 5,
    }


def test_each_job_is_signed_by_the_key_of_its_role() -> None:
    book = make_book()

    assert signer_of(settlement(item()), book) == (KeyRole.TRADING, TRADING_KEY)
    assert signer_of(withdrawal(), book) == (KeyRole.HOT, HOT_KEY)
    assert signer_of(sweep(), book) == (KeyRole.DEPOSIT, ALICE_KEY)
    with pytest.raises(LookupError):
        signer_of(withdrawal(), KeyBook())


def test_an_address_that_holds_no_account_is_never_paid() -> None:
    job = withdrawal()
    for body in (b"{}", b'{"public":"00"}', b'{"public":"zz"}', b"not json"):
        with pytest.raises((LookupError, ValueError)):
            recipient_of(replace(job, address=replace(job.address, body=body)))


def test_the_hot_key_grants_the_staking_proxy_and_no_other() -> None:
    assert add_staking_proxy(TRADING)["call_args"] == {
        "delegate": "0x" + TRADING.hex(),
        "proxy_type": "Staking",
        "delay": 0,
    }
