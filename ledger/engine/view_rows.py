"""Rows that tell others of an engine's state; ``views.py`` fills them.

Amounts are rao; an asset number is 0 for TAO and netuid + 1 for alpha; ``None`` stands for "does not exist".
"""

from dataclasses import dataclass

from ledger.engine.layout import Flag, Gate, Job, JobState, KeyRole, Mode, OrderState, Stage, Trait


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceView:
    """One account's balance of one asset; ``withdrawable`` is the free part that the chain covers already."""

    asset: int
    netuid: int | None
    registered_at: int
    free: int
    held: int
    withdrawable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """One market: head pool, mirror, window, house position and parameters.

    ``gates``: everything that closes instant mode at the time asked for, none of it when ``instant_open``; ``need`` is
    ``target - position`` (positive: the house must buy on the chain); ``used`` of ``cap`` is the window; prices in rao
    of TAO per whole alpha; ``pool_height``: head at which the pool was last seen; ``body``: the listing's json.
    """

    netuid: int
    registered_at: int
    stage: Stage
    hotkey: int
    head_tao: int
    head_alpha: int
    weight: int
    fee_rate: int
    pool_height: int
    spot_rao: int
    mirror_tao: int
    mirror_alpha: int
    cap: int
    used: int
    target: int
    position: int
    need: int
    instant_open: bool
    gates: Gate
    taker_ppm: int
    maker_ppm: int
    k_ppm: int
    min_settle: int
    tolerance_ppm: int
    backed: bool
    open_cut: int
    final_cut: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadView:
    """The last imported head; ``number`` 0 and a zero hash before the first. ``imported_ms`` is log time."""

    number: int
    hash: bytes
    ts_ms: int
    spec: int
    imported_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One customer account; ``deposit_key`` is the number of its deposit key, 0 before it has one."""

    account: int
    name: str
    deposit_key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyView:
    """One API key as it was added; ``body`` is json {key, sealed}."""

    account: int
    permissions: int
    nonce_window: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """One of our chain keys."""

    key: int
    role: KeyRole
    account: int
    public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressView:
    """One entry of an account's address book; ``netuid`` is None for TAO; ``body`` is json {name, public}."""

    address_id: int
    account: int
    netuid: int | None
    usable_from_ms: int
    hotkey: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One swap of a settlement; ``amount`` is TAO to spend (buy) or alpha to sell, ``done``: its outcome was seen."""

    item: int
    netuid: int
    sell: bool
    amount: int
    limit: int
    house_part: int
    hotkey: int
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementJob:
    """A settlement that is not closed; ``requested_at`` is a height; signer, nonce, era and bytes once signed."""

    job_id: int
    state: JobState
    requested_at: int
    key: int
    nonce: int
    birth: int
    period: int
    signed: bytes
    items: tuple[ItemView, ...]
    job: Job = Job.SETTLEMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalJob:
    """A withdrawal that is not closed; ``amount`` shall arrive at ``address``; ``netuid`` is None for TAO.

    ``hotkey``: the position it is paid from (alpha), the market's idle hotkey.
    """

    job_id: int
    state: JobState
    requested_at: int
    key: int
    nonce: int
    birth: int
    period: int
    signed: bytes
    account: int
    netuid: int | None
    hotkey: int
    amount: int
    fee: int
    address: AddressView
    job: Job = Job.WITHDRAWAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepJob:
    """A sweep that is not closed: ``amount`` of ``deposit_key`` (alpha under ``hotkey``) moves to the hot key.

    ``key`` is the signer, once signed.
    """

    job_id: int
    state: JobState
    requested_at: int
    key: int
    nonce: int
    birth: int
    period: int
    signed: bytes
    deposit_key: int
    netuid: int | None
    hotkey: int
    amount: int
    job: Job = Job.SWEEP


AnyJob = SettlementJob | WithdrawalJob | SweepJob


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeView:
    """What the ledger says one stake position holds, alpha rao, 0 or more."""

    key: int
    hotkey: int
    netuid: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyView:
    """What the ledger says one of our keys holds on the chain, rao, 0 or more."""

    key: int
    free: int
    reserved: int
    stakes: tuple[StakeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvencyView:
    """All of one asset by class; the positive ``custody`` is the sum of all the others."""

    asset: int
    custody: int
    customers_free: int
    customers_held: int
    earn: int
    rewards_idle: int
    withdrawing: int
    suspense: int
    house: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltView:
    """What is halted until an operator clears it; asset numbers and netuids ascending."""

    money: bool
    signer: bool
    instant: bool
    withdrawals: tuple[int, ...]
    instant_markets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """One live order; amounts in rao, prices in rao per whole alpha, ``expires_ms`` 0 for never.

    ``amount`` is alpha, or with ``Flag.IN_QUOTE`` TAO to spend before fees; ``open`` what of it is still to trade;
    ``cancel``: the reason that closes it once its settlement is over, 0 for none.
    """

    order_id: int
    account: int
    netuid: int
    flags: Flag
    traits: Trait
    state: OrderState
    limit: int
    trigger: int
    amount: int
    open: int
    alpha: int
    tao: int
    fee: int
    held: int
    taker_ppm: int
    maker_ppm: int
    expires_ms: int
    cancel: int
    priority: int
    userref: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """One firm quote that lives: exact amounts in rao, ``tao`` before the trading ``fee``; ``expires_ms`` log time."""

    quote_id: int
    account: int
    netuid: int
    sell: bool
    alpha: int
    tao: int
    fee: int
    held: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class LevelView:
    """One price of a book: rao per whole alpha, and the alpha that its ``orders`` offer or want, rao."""

    price: int
    alpha: int
    orders: int


@dataclass(frozen=True, slots=True)
class BookView:
    """The resting orders of a market by price, best first."""

    asks: tuple[LevelView, ...]
    bids: tuple[LevelView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierView:
    """One fee tier: the 30-day volume from which it holds, rao, and its shares of a market's fees, ppm."""

    tier: int
    volume: int
    taker_share: int
    maker_share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeView:
    """What an account pays: its tier, and the TAO it traded in 30 days, rao, rounded down by day."""

    tier: int
    volume: int
    taker_share: int
    maker_share: int


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of a plan: ``tao`` rao before the trading ``fee``, the pool's fee inside."""

    mode: Mode
    alpha: int
    tao: int
    fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """What a taker would be filled with now; amounts in rao, ``tao`` before the trading ``fee``.

    ``reason``: the refusal code that keeps it from being filled at once (it would wait for the block), 0 for none;
    ``is_whole``: all of the amount within the limit; ``window``: what it uses of the window.
    """

    alpha: int
    tao: int
    fee: int
    is_whole: bool
    window: int
    reason: int
    pool_after: tuple[int, int]
    parts: tuple[PartView, ...]
