"""Figures of the link, each with its unit and its reason."""

from dataclasses import dataclass

MILLI = 10**6
"""A thousandth of a TAO, rao."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """How the link follows and submits; heights and blocks are the chain's."""

    url: str
    block_interval_ms: int = 12_000
    start_height: int | None = None
    """First height to import where the ledger has none yet; ``None``: the finalised head at that time."""
    everything_every: int = 100
    """All balances and positions are read at heights that this divides, and at the first head after a start."""
    request_timeout_s: float = 20.0
    silent_intervals: int = 5
    silent_at_least_s: float = 5.0
    """A connection without a new head for longer than both is rebuilt."""
    backoff_min_s: float = 0.25
    backoff_max_s: float = 15.0

    hot_in_flight: int = 8
    """Withdrawals with consecutive nonces that wait for inclusion at one time."""
    hot_reserve: int = 50 * MILLI
    """TAO that withdrawals never touch: fees and the existential deposit of the hot key, rao."""
    trading_reserve: int = 5 * MILLI
    """TAO that the trading key must hold for a settlement to be signed: it pays the fee, rao."""

    deposit_reserve: int = 10 * MILLI
    """TAO that sweeps leave on a deposit key, so that it can pay for later sweeps of alpha, rao."""
    alpha_sweep_fee: int = 4 * MILLI
    """TAO that a deposit key must have for a sweep of alpha to be asked for, rao."""
    sweep_min: int = 50 * MILLI
    """Smallest sweep of TAO, and smallest value at spot of a sweep of alpha, rao."""
    sweeps_per_head: int = 16
    sweeps_open: int = 64

    anchor_every: int = 0
    """Heads between two anchors of the log's hash chain, 0: none."""

    @property
    def settlement_period(self) -> int:
        """Blocks that a signed settlement lives: the smallest power of two >= max(8, 30 s / block interval)."""
        least = max(8, -(-30_000 // self.block_interval_ms))
        return 1 << (least - 1).bit_length()

    @property
    def payment_period(self) -> int:
        """Blocks that a signed withdrawal or sweep lives."""
        return 64

    @property
    def silence_s(self) -> float:
        """Longest wait for a head, s."""
        return max(self.silent_at_least_s, self.silent_intervals * self.block_interval_ms / 1_000)
