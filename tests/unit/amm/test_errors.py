"""Refusals of the pool arithmetic."""

from amm import errors


def test_every_refusal_has_its_own_stable_code() -> None:
    leaves = [
        errors.MalformedAmount("x"),
        errors.TooManyDecimals("0.1", 0),
        errors.AmountOutOfRange(1, 2, 3),
        errors.SwapInputTooLarge(2, 1),
        errors.ReservesTooLow(0),
        errors.PriceLimitExceeded(2, 1),
        errors.InsufficientLiquidity(2, 1),
        errors.WeightOutOfRange(0),
    ]
    assert [leaf.code for leaf in leaves] == [
        "malformed_amount",
        "too_many_decimals",
        "amount_out_of_range",
        "swap_input_too_large",
        "reserves_too_low",
        "price_limit_exceeded",
        "insufficient_liquidity",
        "weight_out_of_range",
    ]


def test_a_refusal_is_hashable_and_shows_its_figures() -> None:
    refused = errors.SwapInputTooLarge(7, 5)
    assert hash(refused) == hash(refused)
    assert repr(refused) == "SwapInputTooLarge(net=7, largest=5)"
