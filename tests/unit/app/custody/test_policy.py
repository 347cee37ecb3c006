"""Each key signs what its role allows, and nothing else."""

import pytest

from app.custody.calls import (
    Call,
    ChangeProxy,
    ForceBatch,
    LimitSwap,
    MoveStake,
    Proxied,
    Remark,
    Transfer,
    TransferStake,
)
from app.custody.errors import SigningRefused
from app.custody.policy import Payment, Policy
from ledger.engine.layout import MAX_AMOUNT, KeyRole
from tests.support.link_custody import HOT, RAO, TRADING

POLICY = Policy(hot=HOT, trading=TRADING, max_swaps=3)
ANYONE, HOTKEY = b"\x33" * 32, b"\x44" * 32
BUY = LimitSwap(False, HOTKEY, 1, RAO, RAO, True)
SELL = LimitSwap(True, HOTKEY, 1, RAO, RAO, True)


def proxied(call: Call, *, real: bytes = HOT, force: int | None = 8) -> Proxied:
    return Proxied(real, force, call)


def test_the_hot_key_pays_anyone_and_tells_how_much_of_what() -> None:
    assert POLICY.check(KeyRole.HOT, Transfer(ANYONE, RAO)) == Payment(0, RAO, ANYONE)
    assert POLICY.check(KeyRole.HOT, TransferStake(ANYONE, HOTKEY, 7, 7, RAO)) == Payment(8, RAO, ANYONE)
    assert POLICY.check(KeyRole.HOT, ChangeProxy(True, TRADING, 8, 0)) is None


def test_the_trading_key_swaps_for_the_hot_key_and_pays_nobody() -> None:
    batch = ForceBatch((proxied(BUY), proxied(SELL, force=None), proxied(MoveStake(HOTKEY, ANYONE, 1, 1, RAO))))

    assert POLICY.check(KeyRole.TRADING, batch) is None
    assert POLICY.check(KeyRole.TRADING, Remark(b"gap")) is None


def test_a_deposit_key_pays_the_hot_key() -> None:
    assert POLICY.check(KeyRole.DEPOSIT, Transfer(HOT, RAO)) is None
    assert POLICY.check(KeyRole.DEPOSIT, TransferStake(HOT, HOTKEY, 1, 1, RAO)) is None


@pytest.mark.parametrize(
    ("role", "call", "code"),
    [
        (KeyRole.HOT, BUY, "call_not_allowed"),
        (KeyRole.HOT, ForceBatch((Transfer(ANYONE, 1),)), "call_not_allowed"),
        (KeyRole.HOT, Remark(b""), "call_not_allowed"),
        (KeyRole.HOT, MoveStake(HOTKEY, ANYONE, 1, 1, 1), "call_not_allowed"),
        (KeyRole.HOT, ChangeProxy(True, ANYONE, 8, 0), "proxy_not_allowed"),
        (KeyRole.HOT, ChangeProxy(True, TRADING, 0, 0), "proxy_not_allowed"),
        (KeyRole.HOT, ChangeProxy(True, TRADING, 8, 1), "proxy_not_allowed"),
        (KeyRole.HOT, Transfer(ANYONE, 0), "amount_range"),
        (KeyRole.HOT, Transfer(ANYONE, MAX_AMOUNT + 1), "amount_range"),
        (KeyRole.HOT, TransferStake(ANYONE, HOTKEY, 1, 2, 1), "netuids_differ"),
        (KeyRole.TRADING, Transfer(ANYONE, 1), "call_not_allowed"),
        (KeyRole.TRADING, BUY, "call_not_allowed"),
        (KeyRole.TRADING, proxied(BUY), "call_not_allowed"),
        (KeyRole.TRADING, ForceBatch(()), "batch_size"),
        (KeyRole.TRADING, ForceBatch((proxied(BUY),) * 4), "batch_size"),
        (KeyRole.TRADING, ForceBatch((proxied(BUY), Transfer(ANYONE, 1))), "call_not_allowed"),
        (KeyRole.TRADING, ForceBatch((proxied(Transfer(ANYONE, 1)),)), "call_not_allowed"),
        (KeyRole.TRADING, ForceBatch((proxied(TransferStake(ANYONE, HOTKEY, 1, 1, 1)),)), "call_not_allowed"),
        (KeyRole.TRADING, ForceBatch((proxied(BUY, real=ANYONE),)), "call_not_allowed"),
        (KeyRole.TRADING, ForceBatch((proxied(BUY, force=0),)), "call_not_allowed"),
        (KeyRole.TRADING, ForceBatch((proxied(proxied(BUY)),)), "call_not_allowed"),
        (KeyRole.TRADING, ForceBatch((proxied(MoveStake(HOTKEY, ANYONE, 1, 2, 1)),)), "netuids_differ"),
        (KeyRole.TRADING, ForceBatch((proxied(LimitSwap(False, HOTKEY, 1, RAO, 0, True)),)), "amount_range"),
        (KeyRole.DEPOSIT, Transfer(ANYONE, 1), "recipient_not_allowed"),
        (KeyRole.DEPOSIT, TransferStake(ANYONE, HOTKEY, 1, 1, 1), "recipient_not_allowed"),
        (KeyRole.DEPOSIT, TransferStake(HOT, HOTKEY, 1, 2, 1), "netuids_differ"),
        (KeyRole.DEPOSIT, ChangeProxy(True, ANYONE, 0, 0), "call_not_allowed"),
        (KeyRole.DEPOSIT, Remark(b""), "call_not_allowed"),
    ],
)
def test_everything_else_is_refused_by_code(role: KeyRole, call: Call, code: str) -> None:
    with pytest.raises(SigningRefused) as caught:
        POLICY.check(role, call)

    assert caught.value.code == code
