"""Compiles every public kernel once, so that nobody waits for it later."""

import numpy as np

from amm import fixed_point, pool, quote, shares, steps

TAO, ALPHA, RATE, AMOUNT = 10**13, 10**14, 33, 10**9
WEIGHTS = (pool.WEIGHT_SCALE // 2, pool.WEIGHT_SCALE // 2 + 10**16 + 7)


def warm_up() -> None:
    """Call each public kernel with the types the engine uses; a weighted pool takes every path of the power."""
    for w in WEIGHTS:
        high, low = pool.spot_bits(TAO, ALPHA, w)
        spot = pool.spot_rao(TAO, ALPHA, w)
        pool.limit_bits(spot)
        pool.bits_to_rao(high, low)
        pool.pool_fee(AMOUNT, RATE)
        pool.curve_buy(TAO, ALPHA, w, AMOUNT)
        pool.curve_sell(TAO, ALPHA, w, AMOUNT)
        pool.swap(pool.BUY, TAO, ALPHA, w, RATE, AMOUNT, 2 * spot)
        pool.max_input_for_limit(pool.BUY, TAO, ALPHA, w, RATE, 2 * spot)
        steps.net_for_out(TAO, ALPHA, w, AMOUNT)
        steps.buy_in(TAO, ALPHA, w, RATE, AMOUNT)
        steps.buy_out(TAO, ALPHA, w, RATE, AMOUNT)
        steps.sell_in(TAO, ALPHA, w, RATE, AMOUNT)
        steps.mirror(TAO, ALPHA, w, AMOUNT)
        steps.net_to_price_buy(TAO, ALPHA, w, high + np.uint64(1), low)
        steps.net_to_price_sell(TAO, ALPHA, w, high, low >> np.uint64(1))
        shares.jumped(high, low, low, high, 500_000)
    steps.gross_for_net(AMOUNT, RATE)
    shares.trading_fee(AMOUNT, 2_600)
    shares.cost_within(AMOUNT, 2_600)
    shares.cap(500_000, RATE, TAO)
    shares.bound_buy(AMOUNT, RATE)
    shares.bound_sell(AMOUNT, RATE)
    shares.settlement_limit_buy(AMOUNT, 10_000)
    shares.settlement_limit_sell(AMOUNT, 10_000)
    fixed_point.mul_div_floor(AMOUNT, AMOUNT, TAO)
    fixed_point.mul_div_ceil(AMOUNT, AMOUNT, TAO)
    fixed_point.mul_div_round(AMOUNT, AMOUNT, TAO)
    column = np.full(2, AMOUNT, np.int64)
    shares.largest_remainder(AMOUNT, column, np.zeros_like(column))
    shares.running_floor(AMOUNT, column, np.zeros_like(column))
    tao, alpha, weight, rate = (np.full(2, value, np.int64) for value in (TAO, ALPHA, WEIGHTS[1], RATE))
    for side in (pool.BUY, pool.SELL):
        quote.quote_batch(side, tao, alpha, weight, rate, column, np.zeros((2, 2), np.int64))
    rows = np.zeros(2, np.int64)
    quote.swap_sequence(rows, rows, column, tao, alpha, weight, rate, rows.copy())
