"""Runs ``emission.json``: block emission, shares, terms, splits and averages against the runtime's own functions."""

from app.verify.family import Case, Family, Mismatch, expect, recognises_ops, sections_by_op
from chain.runtime.fixed_point import ratio_u64_q32, to_rao_q32
from chain.runtime.subtensor import emission, epochs
from chain.runtime.subtensor.family_split import Backing, Stake, split_dividend


def _close(actual: float, expected: float, tolerance: float, what: str) -> None:
    if abs(actual - expected) > tolerance:
        raise Mismatch(f"{what}: expected {expected!r} within {tolerance}, got {actual!r}")


def _block_emission(case: Case) -> None:
    expect(emission.block_emission(case["inputs"]["issuance"]), case["expected"])


def _blocks_until_epoch(case: Case) -> None:
    expect(emission.blocks_until_epoch(**case["inputs"]), case["expected"])


def _subnet_emission(case: Case) -> None:
    inputs = case["inputs"]
    prices = inputs["moving_price_q32"]
    shares = emission.price_shares(prices, inputs.get("miner_burned_q32", [0] * len(prices)))
    got = emission.tao_emissions(shares, inputs.get("emission_enabled", [True] * len(prices)), inputs["block_emission"])
    for actual, expected in zip(got, case["expected"], strict=True):
        _close(to_rao_q32(actual), expected, case["tolerance"], "emission")
    expect(got, case["exact_q32"], "exact emission")


def _price_shares(case: Case) -> None:
    inputs = case["inputs"]
    expect(emission.price_shares(inputs["moving_price_q32"], inputs["miner_burned_q32"]), case["exact_q64"])


def _subnet_emission_full(case: Case) -> None:
    inputs = case["inputs"]
    shares = emission.price_shares(inputs["moving_price_q32"], inputs["miner_burned_q32"])
    expect(shares, case["expected"]["share_q64"], "shares")
    got = emission.tao_emissions(shares, inputs["emission_enabled"], inputs["block_emission"])
    expect(got, case["expected"]["emission_q32"], "emission")


def _moving_price(case: Case) -> None:
    inputs = case["inputs"]
    moving = inputs["moving_q32"]
    for _ in range(inputs.get("iterations", 1)):
        moving = emission.moving_price(
            moving_q32=moving,
            price_q64=inputs["price_q64"],
            blocks_since_start=inputs["blocks_since_start"],
            halving=inputs["halving"],
            alpha_q32=inputs["moving_alpha_q32"],
        )
    expected = case["expected"]
    expect(moving, expected["q32"] if isinstance(expected, dict) else case["exact_q32"])


def _root_proportion(case: Case) -> None:
    expect(emission.root_proportion(**case["inputs"]), case["expected"]["q32"])


def _split_alpha_out(case: Case) -> None:
    inputs = case["inputs"]
    split = emission.split_alpha_out(
        inputs["alpha_out"] << 32,
        root_proportion_q32=inputs["root_proportion_q32"],
        owner_cut=inputs["owner_cut"],
        owner_cut_enabled=inputs["owner_cut_enabled"],
    )
    for name, expected in (case["expected"] | case.get("exact", {})).items():
        expect(to_rao_q32(getattr(split, name)), expected, name)


def _subnet_terms(case: Case) -> None:
    inputs = case["inputs"]
    terms = emission.subnet_terms(
        tao_q32=inputs["tao_emission_q32"],
        alpha_emission=inputs["alpha_emission"],
        price_q32=inputs["price_q64"] >> 32,
        root_proportion_q32=inputs["root_proportion_q32"],
    )
    for name, expected in case.get("exact_q32", case["expected"]).items():
        expect(getattr(terms, name), expected, name)


def _dividend_distribution(case: Case) -> None:
    inputs = case["inputs"]
    alpha, root = emission.dividend_distribution(
        pending_validator=inputs["pending_validator"],
        pending_root=inputs["pending_root"],
        tao_weight_q32=inputs["tao_weight_q32"],
        stakes=inputs["stakes_alpha_root"],
        dividends=inputs["dividends"],
    )
    expect(alpha, case["exact_q32"]["alpha"], "alpha dividends")
    expect(root, case["exact_q32"]["root"], "root dividends")


def _hotkey_take(case: Case) -> None:
    taken, rest = emission.hotkey_take(**case["inputs"])
    expect({"take": taken, "nominators": rest}, case["expected"])


def _emission_conserved(case: Case) -> None:
    """Expect all of a hotkey's incentive and dividend to be paid out, whoever its parents are."""
    inputs, tolerance = case["inputs"], case["tolerance"]
    weight = ratio_u64_q32(emission.TAO_WEIGHT)
    backings = [_backing(number, parent) for number, parent in enumerate(inputs["parents"])]
    own, parents = split_dividend(inputs["dividend"], own_q32=0, backings=backings, take=0, tao_weight_q32=weight)
    dividends = own + sum(amount for _, amount in parents)
    # A rao of each parent's part may be cut off; without parents nothing is.
    _close(dividends, case["expected"]["dividends"], max(tolerance, len(backings)), "dividends")
    incentives = sum(epochs.in_proportion([1], inputs["incentive"]))
    _close(incentives, case["expected"]["incentives"], tolerance, "incentives")


def _backing(number: int, parent: Case) -> Backing:
    proportion = parent[0] if isinstance(parent, list) else parent
    stake = Stake(alpha=parent[1] if isinstance(parent, list) and isinstance(parent[1], int) else 0, root=0)
    return Backing(hotkey=number.to_bytes(32, "little"), stake=stake, proportion=proportion, is_same_owner=False)


FAMILY = Family(
    name="emission",
    recognises=recognises_ops(
        "split_alpha_out",
        "block_emission",
        "subnet_terms",
        "subnet_emission_full",
        "moving_price",
        "root_proportion",
        "blocks_until_epoch",
        "hotkey_take",
        "subnet_emission",
        "dividend_distribution",
        "emission_conserved",
        "price_shares",
    ),
    sections=sections_by_op,
    runners={
        "split_alpha_out": _split_alpha_out,
        "block_emission": _block_emission,
        "subnet_terms": _subnet_terms,
        "subnet_emission_full": _subnet_emission_full,
        "moving_price": _moving_price,
        "root_proportion": _root_proportion,
        "blocks_until_epoch": _blocks_until_epoch,
        "hotkey_take": _hotkey_take,
        "subnet_emission": _subnet_emission,
        "dividend_distribution": _dividend_distribution,
        "price_shares": _price_shares,
        "emission_conserved": _emission_conserved,
    },
)
