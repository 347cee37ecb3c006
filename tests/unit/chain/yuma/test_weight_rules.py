from dataclasses import replace
from typing import Any

import pytest

from chain.runtime.yuma.weight_rules import (
    Refusal,
    Setter,
    WeightRules,
    check_weights,
    is_each_below,
    is_within_limit,
    max_upscale,
)

RULES = WeightRules(
    n=4, stake_threshold=100, weights_version=7, rate_limit=10, commit_reveal=False, min_allowed_weights=2
)
SETTER = Setter(uid=1, stake_weight=100, is_owner=False, has_permit=True, last_update=50)
ROW: dict[str, Any] = {"uids": [2, 3], "values": [1, 2], "version": 7, "now": 60}
REFUSED = [
    (Refusal.ROOT_NETWORK, {"is_root": True}, {}, {}),
    (Refusal.UNEQUAL_LENGTHS, {}, {}, {"values": [1]}),
    (Refusal.NO_SUCH_MECHANISM, {"exists": False}, {}, {}),
    (Refusal.TOO_MANY_UIDS, {"n": 1}, {}, {}),
    (Refusal.NOT_REGISTERED, {}, {"uid": None}, {}),
    (Refusal.STAKE_TOO_LOW, {}, {"stake_weight": 99}, {}),
    (Refusal.OLD_VERSION, {}, {}, {"version": 6}),
    (Refusal.TOO_FAST, {}, {}, {"now": 59}),
    (Refusal.NO_PERMIT, {}, {"has_permit": False}, {}),
    (Refusal.DUPLICATE_UIDS, {}, {}, {"uids": [2, 2]}),
    (Refusal.UNKNOWN_UID, {}, {}, {"uids": [2, 4]}),
    (Refusal.TOO_FEW, {"min_allowed_weights": 3}, {}, {}),
    (Refusal.ABOVE_LIMIT, {"max_weight_limit": 30_000}, {}, {}),
]


def test_a_sound_row_is_taken() -> None:
    assert check_weights(RULES, SETTER, **ROW) is None


@pytest.mark.parametrize(("refusal", "rules", "setter", "row"), REFUSED, ids=[case[0] for case in REFUSED])
def test_each_check_has_its_own_refusal(
    refusal: Refusal, rules: dict[str, Any], setter: dict[str, Any], row: dict[str, Any]
) -> None:
    assert check_weights(replace(RULES, **rules), replace(SETTER, **setter), **ROW | row) is refusal


@pytest.mark.parametrize("at", range(len(REFUSED) - 1))
def test_of_several_reasons_the_first_is_named(at: int) -> None:
    """A later reason beside an earlier one changes nothing; reasons that need the same input are left out."""
    refusal, rules, setter, row = REFUSED[at]
    for _, later_rules, later_setter, later_row in REFUSED[at + 1 :]:
        if row.keys() & later_row.keys() or rules.keys() & later_rules.keys() or setter.keys() & later_setter.keys():
            continue
        if refusal is Refusal.UNEQUAL_LENGTHS or "n" in rules:
            continue
        both = check_weights(
            replace(RULES, **rules | later_rules), replace(SETTER, **setter | later_setter), **ROW | row | later_row
        )
        assert both is refusal


def test_the_owner_needs_neither_stake_nor_permit() -> None:
    assert check_weights(RULES, replace(SETTER, is_owner=True, has_permit=False, stake_weight=0), **ROW) is None


def test_a_lone_self_weight_needs_no_permit_and_no_length() -> None:
    setter = replace(SETTER, has_permit=False)

    assert check_weights(RULES, setter, **ROW | {"uids": [1], "values": [9]}) is None
    assert check_weights(RULES, setter, **ROW | {"uids": [2], "values": [9]}) is Refusal.NO_PERMIT


def test_the_rate_limit_rests_while_commit_reveal_is_on_and_before_the_first_update() -> None:
    assert check_weights(replace(RULES, commit_reveal=True), SETTER, **ROW | {"now": 51}) is None
    assert check_weights(RULES, replace(SETTER, last_update=0), **ROW | {"now": 1}) is None


def test_a_network_without_a_version_takes_any() -> None:
    assert check_weights(replace(RULES, weights_version=0), SETTER, **ROW | {"version": 0}) is None


def test_rows_are_scaled_to_the_top() -> None:
    assert max_upscale([]) == []
    assert max_upscale([0, 0]) == [0, 0]
    assert max_upscale([1, 2, 4]) == [16_384, 32_768, 65_535]
    assert max_upscale([1, 65_534]) == [1, 65_535]


def test_a_limit_holds_for_shares_of_the_row() -> None:
    assert is_each_below([], limit=0)
    assert is_each_below([1, 1], limit=32_768)
    assert not is_each_below([1, 1], limit=32_767)
    assert is_within_limit(1, [1], [9], limit=1)
    assert not is_within_limit(1, [2], [9], limit=1)
