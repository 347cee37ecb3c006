"""Execution reports: what the same fill alone on the chain would have brought, by the chain's own arithmetic.

The comparison is with the pool at the last finalised head before the fill, the chain's fee for its extrinsic left out.
"""

from dataclasses import dataclass

from amm.pool import OK
from amm.steps import buy_in, buy_out, sell_in
from app.gateway.folds.pools import PoolAt


@dataclass(frozen=True, slots=True)
class Alone:
    """A swap alone on a head's pool: ``tao`` for the same alpha, ``alpha`` for the same TAO (buys), rao.

    ``improvement``: rao of TAO that the customer was better off by; negative: worse.
    """

    tao: int
    alpha: int
    improvement: int


def alone_on_chain(pool: PoolAt, *, is_sell: bool, volume: int, cost: int) -> Alone | None:
    """Return what the chain would have done with a fill of ``volume`` alpha and ``cost`` TAO, None where it refuses."""
    reserves = (pool.tao, pool.alpha, pool.weight, pool.fee_rate)
    if volume <= 0 or cost <= 0:
        return None
    if is_sell:
        status, out, *_ = sell_in(*reserves, volume)
        return Alone(int(out), volume, cost - int(out)) if status == OK else None
    status, asked, *_ = buy_out(*reserves, volume)
    status_in, _, _, got, *_ = buy_in(*reserves, cost)
    if status != OK or status_in != OK:
        return None
    return Alone(int(asked), int(got), int(asked) - cost)
