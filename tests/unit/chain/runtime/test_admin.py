from dataclasses import replace
from typing import Any

import pytest

from chain.extrinsic import call_value
from chain.runtime import admin
from chain.runtime.admission import parameters_of
from chain.runtime.declarations import module_error, pallet
from chain.runtime.parameters import PARAMS_KEY
from chain.runtime.state import RAW
from tests.support.dev_chain import ALICE, BOB, HOTKEY, DevChain, events_of

MODULE = "SubtensorModule"


def setting(name: str, **args: Any) -> Any:
    return call_value("AdminUtils", name, **args)


def as_root(call: Any) -> Any:
    return call_value("Sudo", "sudo", call=call)


def roots_answer(chain: DevChain, call: Any) -> Any:
    told = [
        fields["sudo_result"] for _, name, fields in events_of(chain.run((ALICE, as_root(call))), 1) if name == "Sudid"
    ]
    return told[0]


def owned_by_bob(**entries: Any) -> DevChain:
    """Return a chain where Bob owns subnet 1 and no tempo is short."""
    chain = DevChain()
    changes: dict[Any, Any] = {(f"{MODULE}.SubnetOwner", (1,)): BOB.public, (f"{MODULE}.Tempo", (1,)): 360}
    changes |= {(f"{MODULE}.{item}", (1,) if item != "AdminFreezeWindow" else ()): entries[item] for item in entries}
    chain.state = chain.state.commit(changes)
    return chain


def value_of(kind: str) -> Any:
    return {"bool": True, "AccountId32": HOTKEY, "Option<Vec<u16>>": None}.get(kind, 1)


def test_every_declared_setting_is_carried_out() -> None:
    assert {name for _, name in admin.CALLS} == {declared.name for declared in pallet("AdminUtils").calls}


@pytest.mark.parametrize("declared", pallet("AdminUtils").calls, ids=lambda declared: declared.name)
def test_a_stranger_sets_nothing(declared: Any) -> None:
    call = setting(declared.name, **{name: value_of(kind) for name, kind in declared.args})

    assert DevChain().run((BOB, call)).receipts[1].error == "BadOrigin"


@pytest.mark.parametrize(
    ("name", "args", "item", "value"),
    [
        ("sudo_set_tempo", {"tempo": 7}, "Tempo", 7),
        ("sudo_set_kappa", {"kappa": 9}, "Kappa", 9),
        ("sudo_set_max_allowed_uids", {"max_allowed_uids": 100}, "MaxAllowedUids", 100),
        ("sudo_set_min_burn", {"min_burn": 10**10}, "MinBurn", 10**10),
        ("sudo_set_subtoken_enabled", {"subtoken_enabled": False}, "SubtokenEnabled", False),
        ("sudo_set_network_registration_allowed", {"registration_allowed": False}, "NetworkRegistrationAllowed", False),
    ],
)
def test_root_sets_a_parameter(name: str, args: dict[str, Any], item: str, value: Any) -> None:
    chain = DevChain()

    assert roots_answer(chain, setting(name, netuid=1, **args)) == ("Ok", ())
    assert chain.state.get(f"{MODULE}.{item}", 1) == value


@pytest.mark.parametrize(
    ("name", "args", "where", "refusal"),
    [
        (
            "sudo_set_max_allowed_uids",
            {"netuid": 1, "max_allowed_uids": 5},
            "AdminUtils",
            "MaxAllowedUidsLessThanMinAllowedUids",
        ),
        (
            "sudo_set_max_allowed_uids",
            {"netuid": 1, "max_allowed_uids": 257},
            "AdminUtils",
            "MaxAllowedUidsGreaterThanDefaultMaxAllowedUids",
        ),
        (
            "sudo_set_max_allowed_validators",
            {"netuid": 1, "max_allowed_validators": 257},
            "AdminUtils",
            "MaxValidatorsLargerThanMaxUIds",
        ),
        ("sudo_set_min_burn", {"netuid": 1, "min_burn": 10**12}, "AdminUtils", "ValueNotInBounds"),
        ("sudo_set_max_burn", {"netuid": 1, "max_burn": 0}, "AdminUtils", "ValueNotInBounds"),
        ("sudo_set_mechanism_count", {"netuid": 1, "mechanism_count": 0}, "AdminUtils", "InvalidValue"),
        ("sudo_set_kappa", {"netuid": 99, "kappa": 1}, "AdminUtils", "SubnetDoesNotExist"),
        ("sudo_set_commit_reveal_weights_interval", {"netuid": 1, "interval": 0}, MODULE, "RevealPeriodTooSmall"),
        ("sudo_set_commit_reveal_weights_interval", {"netuid": 1, "interval": 101}, MODULE, "RevealPeriodTooLarge"),
        (
            "sudo_set_alpha_values",
            {"netuid": 1, "alpha_low": 9_999, "alpha_high": 60_000},
            MODULE,
            "LiquidAlphaDisabled",
        ),
    ],
)
def test_a_value_out_of_bounds_is_refused_even_to_root(
    name: str, args: dict[str, Any], where: str, refusal: str
) -> None:
    assert roots_answer(DevChain(), setting(name, **args)) == ("Err", module_error(where, refusal))


def test_an_owner_sets_a_parameter_once_in_two_tempos() -> None:
    chain = owned_by_bob()
    calls = [setting("sudo_set_immunity_period", netuid=1, immunity_period=value) for value in (7, 8)]
    other = setting("sudo_set_rho", netuid=1, rho=11)

    result = chain.run((BOB, calls[0]), (BOB, calls[1]), (BOB, other))

    errors = [receipt.error for receipt in result.receipts[1:]]
    assert errors == [None, module_error(MODULE, "TxRateLimitExceeded"), None]
    assert chain.state.get(f"{MODULE}.ImmunityPeriod", 1) == 7


@pytest.mark.parametrize(
    ("name", "args", "error"),
    [
        ("sudo_set_tempo", {"tempo": 400}, "BadOrigin"),
        ("sudo_set_min_burn", {"min_burn": 2 * 10**9}, module_error("AdminUtils", "ValueNotInBounds")),
        ("sudo_set_max_burn", {"max_burn": 10**7}, module_error("AdminUtils", "ValueNotInBounds")),
        (
            "sudo_set_bonds_moving_average",
            {"bonds_moving_average": 975_001},
            module_error("AdminUtils", "BondsMovingAverageMaxReached"),
        ),
        ("sudo_set_sn_owner_hotkey", {"hotkey": HOTKEY}, module_error(MODULE, "NonAssociatedColdKey")),
    ],
)
def test_an_owner_has_narrower_bounds_than_root(name: str, args: dict[str, Any], error: Any) -> None:
    assert owned_by_bob().run((BOB, setting(name, netuid=1, **args))).receipts[1].error == error


def test_nothing_is_set_shortly_before_an_epoch() -> None:
    chain = owned_by_bob(AdminFreezeWindow=10, Tempo=8)

    result = chain.run((BOB, setting("sudo_set_rho", netuid=1, rho=11)))

    assert result.receipts[1].error == module_error(MODULE, "AdminActionProhibitedDuringWeightsWindow")


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [(9_999, 1_000, "AlphaHighTooLow"), (10, 60_000, "AlphaLowOutOfRange"), (60_001, 60_000, "AlphaLowOutOfRange")],
)
def test_the_bounds_of_liquid_alpha_are_checked(low: int, high: int, name: str) -> None:
    chain = owned_by_bob(LiquidAlphaOn=True)

    result = chain.run((BOB, setting("sudo_set_alpha_values", netuid=1, alpha_low=low, alpha_high=high)))

    assert result.receipts[1].error == module_error(MODULE, name)


@pytest.mark.parametrize("tempo", [0, 359, 50_401])
def test_only_a_development_chain_has_other_tempos(tempo: int) -> None:
    chain = DevChain()
    parameters = parameters_of(chain.state)
    call = setting("sudo_set_tempo", netuid=1, tempo=tempo)
    assert parameters.dev
    assert roots_answer(chain, call) == ("Ok", ())

    chain.state = chain.state.commit({(RAW, (PARAMS_KEY,)): replace(parameters, dev=0).encode()})

    assert roots_answer(chain, call) == ("Err", module_error(MODULE, "TempoOutOfBounds"))
