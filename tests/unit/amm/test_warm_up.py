"""Warming compiles what the engine calls."""

import numpy as np

from amm import fixed_point, pool, quote, shares, steps
from amm.warm_up import warm_up

PUBLIC = [
    *(fixed_point.mul_div_floor, fixed_point.mul_div_ceil, fixed_point.mul_div_round),
    *(pool.pool_fee, pool.spot_bits, pool.spot_rao, pool.limit_bits, pool.bits_to_rao, pool.curve_buy, pool.curve_sell),
    *(pool.swap, pool.max_input_for_limit),
    *(steps.net_for_out, steps.gross_for_net, steps.buy_in, steps.buy_out, steps.sell_in, steps.mirror),
    *(steps.net_to_price_buy, steps.net_to_price_sell),
    *(shares.trading_fee, shares.cost_within, shares.cap, shares.jumped, shares.bound_buy, shares.bound_sell),
    *(shares.settlement_limit_buy, shares.settlement_limit_sell, shares.largest_remainder, shares.running_floor),
    *(quote.quote_batch, quote.swap_sequence),
]


def test_warming_compiles_each_public_kernel_for_whole_numbers_only() -> None:
    warm_up()
    for kernel in PUBLIC:
        assert kernel.signatures, kernel.__name__
        for signature in kernel.signatures:
            assert not any("float" in str(argument) for argument in signature)
            results = str(kernel.overloads[signature].signature.return_type)
            assert "float" not in results, (kernel.__name__, results)


def test_fields_of_a_record_fit_the_warmed_signature() -> None:
    warm_up()
    row = np.zeros(1, [("tao", np.int64), ("alpha", np.int64), ("w", np.int64)])
    row["tao"], row["alpha"], row["w"] = 10**12, 10**12, 10**18 // 2
    before = len(pool.curve_buy.signatures)
    assert pool.curve_buy(row["tao"][0], row["alpha"][0], row["w"][0], np.int64(10**9))[0] == pool.OK
    assert len(pool.curve_buy.signatures) == before
