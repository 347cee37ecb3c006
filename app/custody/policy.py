"""What each key may sign, and how much may leave: the signer's own rules, which know nothing of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.custody.calls import (
    STAKING_PROXY,
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
from ledger.engine.layout import MAX_AMOUNT, TAO_ASSET, KeyRole

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of one asset may leave the hot key, rao; each figure is included."""

    payment: int = MAX_AMOUNT
    hour: int = MAX_AMOUNT
    day: int = MAX_AMOUNT


@dataclass(frozen=True, slots=True)
class Payment:
    """What leaves custody by a call: asset number (TAO 0, alpha of n: n + 1), rao, and to whom."""

    asset: int
    amount: int
    recipient: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The allow-list of each role, with the accounts that calls may name, and the limits of payments."""

    hot: bytes
    trading: bytes
    limits: Mapping[int, Limits] = field(default_factory=dict)
    other_assets: Limits = field(default_factory=Limits)
    max_swaps: int = 256

    def check(self, role: KeyRole, call: Call) -> Payment | None:
        """Return the payment that a call makes to the outside, or ``None`` where it makes none.

        Hot: ``transfer_keep_alive``, ``transfer_stake`` within one subnet, and the staking proxy of the trading key.
        Trading: ``force_batch`` of limit swaps and moves within one subnet, proxied for the hot key, and ``remark``.
        Deposit: both transfers, to the hot key only. Raises ``SigningRefused`` (``call_not_allowed`` and the codes
        below) for all else.
        """
        if role is KeyRole.HOT:
            return self._check_hot(call)
        if role is KeyRole.TRADING:
            self._check_trading(call)
            return None
        self._check_deposit(call)
        return None

    def limits_of(self, asset: int) -> Limits:
        """Return the limits of an asset."""
        return self.limits.get(asset, self.other_assets)

    def check_amount(self, payment: Payment, *, last_hour: int, last_day: int) -> None:
        """Raise ``SigningRefused`` (``limit_payment``, ``limit_hour``, ``limit_day``) where a payment passes a limit.

        ``last_hour`` and ``last_day``: rao of the asset signed for in these times, this payment not counted.
        """
        limits = self.limits_of(payment.asset)
        steps = (
            ("limit_payment", payment.amount, limits.payment),
            ("limit_hour", last_hour + payment.amount, limits.hour),
            ("limit_day", last_day + payment.amount, limits.day),
        )
        for code, value, bound in steps:
            if value > bound:
                raise SigningRefused(code, f"asset {payment.asset}", value, bound)

    def _check_hot(self, call: Call) -> Payment | None:
        if isinstance(call, Transfer):
            self._check_positive(call.amount)
            return Payment(TAO_ASSET, call.amount, call.destination)
        if isinstance(call, TransferStake):
            self._check_transfer_stake(call)
            return Payment(call.origin_netuid + 1, call.amount, call.destination)
        if isinstance(call, ChangeProxy):
            if call.delegate != self.trading or call.proxy_type != STAKING_PROXY or call.delay:
                raise SigningRefused("proxy_not_allowed", "only the staking proxy of the trading key")
            return None
        raise SigningRefused("call_not_allowed", f"hot key: {type(call).__name__}")

    def _check_trading(self, call: Call) -> None:
        if isinstance(call, Remark):
            return
        if not isinstance(call, ForceBatch):
            raise SigningRefused("call_not_allowed", f"trading key: {type(call).__name__}")
        if not 0 < len(call.calls) <= self.max_swaps:
            raise SigningRefused("batch_size", "", len(call.calls), self.max_swaps)
        for item in call.calls:
            if not isinstance(item, Proxied) or item.real != self.hot or item.force not in {None, STAKING_PROXY}:
                raise SigningRefused("call_not_allowed", "trading key: not proxied for the hot key")
            self._check_swap(item.call)

    def _check_swap(self, call: Call) -> None:
        if isinstance(call, LimitSwap):
            self._check_positive(call.amount)
            self._check_positive(call.limit)
            return
        if isinstance(call, MoveStake):
            self._check_positive(call.amount)
            if call.origin_netuid != call.destination_netuid:
                raise SigningRefused("netuids_differ", "", call.destination_netuid, call.origin_netuid)
            return
        raise SigningRefused("call_not_allowed", f"trading key, proxied: {type(call).__name__}")

    def _check_deposit(self, call: Call) -> None:
        if isinstance(call, Transfer):
            self._check_positive(call.amount)
        elif isinstance(call, TransferStake):
            self._check_transfer_stake(call)
        else:
            raise SigningRefused("call_not_allowed", f"deposit key: {type(call).__name__}")
        if call.destination != self.hot:
            raise SigningRefused("recipient_not_allowed", "a deposit key pays the hot key only")

    def _check_transfer_stake(self, call: TransferStake) -> None:
        self._check_positive(call.amount)
        if call.origin_netuid != call.destination_netuid:
            raise SigningRefused("netuids_differ", "", call.destination_netuid, call.origin_netuid)

    @staticmethod
    def _check_positive(amount: int) -> None:
        if not 0 < amount <= MAX_AMOUNT:
            raise SigningRefused("amount_range", "", amount, MAX_AMOUNT)
