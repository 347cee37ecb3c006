"""How far rounding can take a mirror that steps have moved from the mirror that is built anew (law 3).

Let ``T(a)`` be the TAO reserve at which the head's ideal curve has ``a`` alpha left, and ``e = tao - T(a)`` what a
mirror is off it. The alpha reserve is exact on both ways, since every step is booked with its alpha, so the two mirrors
are compared by ``e`` alone.

A step from ``(t, a)`` to ``(t', a')`` adds its own rounding ``d`` and carries what was there along the curve:
``e' = d + e * T(a') / T(a)``, and ``T(a') / T(a)`` is ``(t' - d) / t``: what the step would have made of ``t`` without
rounding, by ``t``. ``d`` follows from the roundings of ``economics`` 1.3, where a payout is less than 1 below the ideal
one, and above it by less than ``q`` of the reserve, ``q = 10**-18 + 2**-64`` (a stay share rounded down twice):

- exact TAO: the net is exact, the alpha is off by less than ``max(1, q * alpha)`` rao, and 1 rao of alpha stands for as
  many rao of TAO as the marginal price behind the step: ``d <= max(1, q * alpha) * price``. This is what a high price
  costs: at 96 TAO per alpha a purchase may leave the mirror 96 rao off;
- exact alpha: the smallest net that brings it, less than 1 above the ideal one, and below it by what ``q * alpha`` is
  worth: ``d <= max(1, q * alpha * price)``;
- a sale is two of them, the customer's and the author's, each a payout in TAO: ``d <= 2 * max(1, q * tao)``;
- the mirror built anew is one purchase of exact alpha, or one sale of its kind without a fee; nothing where nothing is
  pending.
"""

from amm.reference import SCALE, Pool

Q = SCALE * 2**64 // (SCALE + 2**64)
"""1 / q, rounded down."""


def of_step(before: Pool, after: Pool) -> int:
    """Return the most rao that a fill's step on the curve is off the ideal one, rounded up."""
    if after.alpha > before.alpha:
        return 2 * max(1, -(-before.tao // Q))
    alpha = max(1, -(-before.alpha // Q))
    return price_up(after, alpha, alpha)


def of_mirror(head: Pool, mirror: Pool) -> int:
    """Return the most rao that a head pool with what is pending on it is off the ideal curve, rounded up."""
    if mirror.alpha == head.alpha:
        return 0
    if mirror.alpha > head.alpha:
        return max(1, -(-head.tao // Q))
    return max(1, -(-price_up(mirror, head.alpha, -(-head.alpha // Q)) // Q))


def price_up(pool: Pool, alpha: int, beyond: int) -> int:
    """Return alpha at the marginal price that a pool has with ``beyond`` rao of alpha less, rao of TAO, rounded up."""
    return -(-alpha * (SCALE - pool.weight) * pool.tao // (pool.weight * max(pool.alpha - beyond, 1)))


def carried(drift: int, before: Pool, after: Pool, step: int) -> int:
    """Return what a drift has become behind a step whose own rounding is up to ``step``, rounded up."""
    return step + -(-drift * (after.tao + step) // before.tao)
