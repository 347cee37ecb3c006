"""Known answers of the pool arithmetic: price, curve, fee, swap, limit, injection and the amount helpers."""

from collections.abc import Callable
from fractions import Fraction

from amm import reference
from amm.errors import SwapRefused, WeightOutOfRange
from amm.reference import Pool, Side
from amm.reference_power import pow_scaled
from app.verify.family import Case, Family, Mismatch, expect, recognises_ops, sections_by_op


def _expect_close(actual: int | Fraction, case: Case, exact: int | None = None) -> None:
    """Hold an answer against the exact figure where there is one, and against the toleranced figure always."""
    if exact is not None:
        expect(actual, exact, "exact")
    difference = abs(Fraction(actual) - Fraction(case["expected"]))
    if difference > Fraction(case["tolerance"]):
        raise Mismatch(f"expected {case['expected']} within {case['tolerance']}, got {actual}")


def _pow(case: Case) -> None:
    given = case["inputs"]
    actual = pow_scaled(
        given["base_num"],
        given["base_den"],
        given["exp_num"],
        given["exp_den"],
        precision=given["precision"],
        scale=given["scale"],
    )
    if actual is None:
        raise Mismatch("undefined")
    _expect_close(actual, case, case.get("exact"))


def _pool(given: Case) -> Pool:
    return Pool(given["tao"], given["alpha"], given.get("weight_quote", reference.HALF_WEIGHT))


def _curve(given: Case, side: Side, reserve: str, delta: str) -> int:
    pool = Pool(given[reserve], given[reserve], given["weight_quote"])
    return reference.curve_bits(pool, side, given[delta])


def _exp_scaled(case: Case) -> None:
    given = case["inputs"]
    bits = _curve(given, Side.SELL if given["base_over_quote"] else Side.BUY, "reserve", "delta")
    expect(bits, case["exact_bits"], "bits")
    _expect_close(Fraction(bits, reference.ONE), case)


def _exp_pair(case: Case) -> None:
    given = case["inputs"]
    for side in Side:
        bits = _curve(given, side, "reserve_in", "delta_in")
        expect(bits, case["expected"][f"{side.value}_e_bits"], f"{side.value}_e_bits")
        reserves = given["reserve_in"], given["reserve_out"]
        tao, alpha = reserves if side is Side.BUY else reversed(reserves)
        out = reference.curve_out(Pool(tao, alpha, given["weight_quote"]), side, given["delta_in"])
        expect(out, case["expected"][f"{side.value}_out"], f"{side.value}_out")


def _exp_order(case: Case) -> None:
    bits = [_curve(case["inputs"][name], Side.SELL, "reserve", "delta") for name in ("first", "second")]
    expect(bits, [case["expected"]["first_e_bits"], case["expected"]["second_e_bits"]], "bits")
    if not bits[0] < bits[1] < reference.ONE:
        raise Mismatch(f"payouts are not in order: {bits}")


def _delta_to_price(case: Case) -> None:
    given = case["inputs"]
    actual = reference.delta_to_price(
        Side(given["side"]),
        weight=given["weight_quote"],
        price=given["price_bits"],
        target=given["target_bits"],
        reserve_in=given["reserve_in"],
    )
    expect(actual, case["expected"])


def _base_needed(case: Case) -> None:
    given = case["inputs"]
    expect(reference.alpha_needed_for_tao(_pool(given), given["tao_out"]), case["expected"])


def _weight_mul_round(case: Case) -> None:
    expect(reference.mul_weight_round(case["inputs"]["parts"], case["inputs"]["value"]), case["expected"])


def _price(case: Case) -> None:
    bits = reference.price_bits(_pool(case["inputs"]))
    expect(bits, case["exact_bits"], "bits")
    _expect_close(Fraction(bits, reference.ONE), case)


def _weight_valid(case: Case) -> None:
    expect(reference.is_weight_valid(case["inputs"]["weight_quote"]), case["expected"])


def _inject(case: Case) -> None:
    given, expected = case["inputs"], case["expected"]
    pool = _pool(given)
    try:
        after = reference.inject(pool, tao=given["tao_delta"], alpha=given["alpha_delta"])
    except WeightOutOfRange:
        expect(True, expected.get("rejected", False), "rejected")
        return
    expect(False, expected.get("rejected", False), "rejected")
    expect(after.weight, expected["weight_quote"], "weight")
    expect(reference.price_bits(pool), expected["price_before_bits"], "price before")
    expect(reference.price_bits(after), expected["price_after_bits"], "price after")


def _init_weight(case: Case) -> None:
    given = case["inputs"]
    weight = reference.HALF_WEIGHT
    if given["price_bits"] is not None:
        weight = reference.initial_weight(tao=given["tao"], alpha=given["alpha"], price=given["price_bits"])
    expect(weight, case.get("exact_weight_quote", case["expected"].get("weight_quote")), "weight")
    price = Fraction(reference.price_bits(Pool(given["tao"], given["alpha"], weight)), reference.ONE)
    if abs(price - Fraction(case["expected"]["price"])) > Fraction(case["tolerance"]):
        raise Mismatch(f"price {float(price)}")


def _swap(case: Case) -> None:
    given, expected = case["inputs"], case["expected"]
    pool = Pool(given["tao"], given["alpha"], given["weight_quote"], given["fee_rate"])
    try:
        swapped = reference.swap(
            pool,
            Side(given["side"]),
            given["amount"],
            limit_bits=given["limit_bits"],
            drop_fees=given["drop_fees"],
            simulate=given["simulate"],
            min_reserve=given["min_reserve"],
        )
    except SwapRefused as refused:
        expect({"error": type(refused).__name__}, expected)
        return
    actual = {name: getattr(swapped, name) for name in ("amount_in", "amount_out", "fee", "full")}
    if "exact" not in case:
        expect(actual, expected)
        return
    expect(actual, case["exact"])
    if abs(swapped.amount_out - expected["amount_out"]) > case["tolerance"]:
        raise Mismatch(f"amount_out {swapped.amount_out} is outside the tolerance")


def _convert(case: Case) -> None:
    given = case["inputs"]
    for side in Side:
        actual = reference.curve_out(_pool(given), side, given["delta_in"])
        expect(actual, case["expected"][f"{side.value}_out"], side.value)


def _fee(case: Case) -> None:
    amount, rate = case["inputs"]["amount"], case["inputs"]["fee_rate"]
    actual = {"on_total": reference.fee_on_total(amount, rate), "on_top": reference.fee_on_top(amount, rate)}
    expect(actual, case["expected"])


def _max_amount_in(case: Case) -> None:
    given = case["inputs"]
    try:
        actual = reference.max_input_for_limit(
            _pool(given), Side(given["side"]), limit_rao=given["limit_rao"], min_reserve=given["min_reserve"]
        )
    except SwapRefused as refused:
        expect({"error": type(refused).__name__}, case["expected"])
        return
    _expect_close(actual, case, case["exact"])


def _max_amount_in_one_to_one(case: Case) -> None:
    given = case["inputs"]
    expect(reference.max_input_one_to_one(Side(given["side"]), limit_rao=given["limit_rao"]), case["expected"])


def _max_amount_move(case: Case) -> None:
    given = case["inputs"]
    origin, destination = (Pool(given[f"tao_{n}"], given[f"alpha_{n}"]) for n in (1, 2))
    _expect_close(reference.max_amount_move(origin, destination, limit_rao=given["limit_rao"]), case, case["exact"])


RUNNERS: dict[str, Callable[[Case], None]] = {
    "pow_ratio_scaled": _pow,
    "exp_scaled": _exp_scaled,
    "exp_pair": _exp_pair,
    "exp_order": _exp_order,
    "delta_to_price": _delta_to_price,
    "base_needed_for_quote": _base_needed,
    "weight_mul_round": _weight_mul_round,
    "price": _price,
    "weight_valid": _weight_valid,
    "inject": _inject,
    "init_weight": _init_weight,
    "swap": _swap,
    "convert": _convert,
    "fee": _fee,
    "max_amount_in": _max_amount_in,
    "max_amount_in_1to1": _max_amount_in_one_to_one,
    "max_amount_move": _max_amount_move,
}
FAMILY = Family(name="amm_swap", recognises=recognises_ops(*RUNNERS), sections=sections_by_op, runners=RUNNERS)
