"""Runs ``yuma.json``: primitives, whole epochs, sequences of them, large recipes, and the rules around an epoch.

Epochs run through the runtime's own door, and the small ones through the slow reference as well; both must give every
figure bit for bit.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from app.verify.family import Case, Family, expect
from app.verify.yuma_asserted import expect_asserted
from app.verify.yuma_helpers import run_helper
from app.verify.yuma_recipe import inputs_of_recipe
from chain.runtime.yuma import reference, schedule, weight_rules
from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.interface import EpochInputs, EpochOutputs, Row
from chain.runtime.yuma.mechanisms import split_mechanism_emission

_RENAMED: Final = {
    "block_at_registration": "registered_at",
    "validator_permits": "permits",
    "max_allowed_validators": "max_validators",
    "rao_emission": "emission",
}
_REFERENCE_UIDS_MAX: Final = 128
"""Above this the slow reference is left out: it would take minutes."""


def inputs_of(given: Case) -> EpochInputs:
    """Return a case's inputs; without commit-reveal its commit blocks do not count."""
    fields = {_RENAMED.get(name, name): value for name, value in given.items() if name != "commit_reveal"}
    if not given["commit_reveal"]:
        fields["commit_blocks"] = None
    return EpochInputs(**fields)


class Figures(dict[str, Any]):
    """An epoch's results under the names of the file, each made when asked for; ``KeyError`` for a strange name."""

    def __init__(self, inputs: EpochInputs, outputs: EpochOutputs) -> None:
        super().__init__()
        self._inputs, self._outputs = inputs, outputs

    def __missing__(self, name: str) -> Any:
        """Make a figure and keep it."""
        self[name] = value = _FIGURES[name](self._inputs, self._outputs)
        return value


def _lists(rows: Sequence[Row]) -> list[list[list[int]]]:
    return [[list(entry) for entry in row] for row in rows]


def _inactive(inputs: EpochInputs, outputs: EpochOutputs) -> list[bool]:
    """Return as many as there are last updates, of which those beyond n tell nothing; the file has no others."""
    return [not active for active in outputs.active][: len(inputs.last_update)]


_FIGURES: Final[Mapping[str, Callable[[EpochInputs, EpochOutputs], Any]]] = {
    "inactive": _inactive,
    "raw_stake": lambda _, outputs: list(outputs.trace.raw_stake),
    "stake": lambda _, outputs: list(outputs.trace.stake),
    "new_validator_permits": lambda _, outputs: outputs.permits,
    "active_stake": lambda _, outputs: list(outputs.trace.active_stake),
    "weights_norm": lambda _, outputs: _lists(outputs.trace.weights),
    "kappa": lambda _, outputs: outputs.trace.kappa,
    "consensus": lambda _, outputs: list(outputs.trace.consensus),
    "clipped_weights": lambda _, outputs: _lists(outputs.trace.clipped_weights),
    "validator_trust": lambda _, outputs: list(outputs.trace.validator_trust),
    "ranks": lambda _, outputs: list(outputs.trace.incentive),  # the file's ranks are normalised in place
    "incentive": lambda _, outputs: list(outputs.trace.incentive),
    "weights_for_bonds": lambda _, outputs: _lists(outputs.trace.weights_for_bonds),
    "dividends": lambda _, outputs: list(outputs.trace.dividends),
    "ema_bonds": lambda _, outputs: _lists(outputs.trace.bonds),
    "normalized_server_emission": lambda _, outputs: list(outputs.trace.server_share),
    "normalized_validator_emission": lambda _, outputs: list(outputs.trace.validator_share),
    "normalized_combined_emission": lambda _, outputs: list(outputs.trace.combined_share),
    "server_emission": lambda _, outputs: outputs.server_emission,
    "validator_emission": lambda _, outputs: outputs.validator_emission,
    "combined_emission": lambda _, outputs: outputs.emission,
    "u16_stake_weight": lambda _, outputs: outputs.stake_weight,
    "u16_consensus": lambda _, outputs: outputs.consensus,
    "u16_incentive": lambda _, outputs: outputs.incentive,
    "u16_dividends": lambda _, outputs: outputs.dividends,
    "u16_validator_trust": lambda _, outputs: outputs.validator_trust,
    "bonds_u16": lambda _, outputs: _lists(outputs.bonds),
}


def _figures(given: Case, exact: Case) -> Figures:
    """Run an epoch, compare it with the exact figures, and return its own."""
    inputs = inputs_of(given)
    figures = Figures(inputs, run_epoch(inputs))
    _expect_figures(figures, inputs, exact, "")
    if inputs.n <= _REFERENCE_UIDS_MAX:
        _expect_figures(Figures(inputs, reference.run_epoch(inputs)), inputs, exact, "reference ")
    return figures


def _expect_figures(figures: Figures, inputs: EpochInputs, exact: Case, what: str) -> None:
    for name, expected in exact.items():
        wanted = expected[: inputs.n] if name == "inactive" else expected
        expect(figures[name], wanted, what + name)


def _epoch(case: Case) -> None:
    _figures(case["inputs"], case["exact"])


def _sequence(case: Case) -> None:
    for step in case["steps"]:
        figures = _figures(step["inputs"], step["exact"])
        for asserted in step.get("asserted", ()):
            expect_asserted(figures, asserted)


def _large(case: Case) -> None:
    inputs = inputs_of_recipe(case["recipe"])
    figures = Figures(inputs, run_epoch(inputs))
    for name, expected in case["out"].items():
        expect(figures[name], expected, name)
    for name, expected in case["sha256"].items():
        text = json.dumps(figures[name], separators=(",", ":"))
        expect(hashlib.sha256(text.encode()).hexdigest(), expected, f"hash of {name}")


def _weight_check(case: Case) -> None:
    expect(_WEIGHT_CHECKS[case["check"]](case["in"]), case["out"])
    if "error" in case:
        expect(_first_refusal(case["in"]), case["error"], "refusal")


def _first_refusal(given: Case) -> str | None:
    """Return what the whole list of checks says where only this case's inputs could be refused."""
    uids = given.get("uids", [0])
    rules = weight_rules.WeightRules(
        n=given.get("n", max(uids, default=0) + 1),
        stake_threshold=0,
        weights_version=given.get("network", 0),
        rate_limit=0,
        commit_reveal=False,
        min_allowed_weights=given.get("min_allowed_weights", 0),
    )
    setter = weight_rules.Setter(
        uid=given.get("uid", 0), stake_weight=0, is_owner=False, has_permit=True, last_update=0
    )
    return weight_rules.check_weights(
        rules,
        setter,
        uids=uids,
        values=given.get("values", [1] * len(uids)),
        version=given.get("supplied", 0),
        now=1,
    )


def _is_long_enough(given: Case) -> bool:
    return weight_rules.is_long_enough(
        given["uid"], given["uids"], given["values"], n=given["n"], minimum=given["min_allowed_weights"]
    )


_WEIGHT_CHECKS: Final[Mapping[str, Callable[[Case], Any]]] = {
    "version_key": lambda given: weight_rules.is_version_accepted(given["supplied"], network=given["network"]),
    "length": _is_long_enough,
    "uids_within_n": lambda given: weight_rules.has_no_more_uids(given["uids"], n=given["n"]),
    "is_self_weight": lambda given: weight_rules.is_self_weight(given["uid"], given["uids"], given["values"]),
    "max_weight_limited": lambda given: weight_rules.is_within_limit(
        given["uid"], given["uids"], given["values"], limit=given["limit"]
    ),
    "stored_after_upscale": lambda given: weight_rules.max_upscale(given["values"]),
}


def _next_epoch_start(given: Case) -> int | None:
    return schedule.next_epoch_start(
        tempo=given["tempo"],
        last_epoch_block=given.get("last_epoch_block", 0),
        pending_at=given.get("pending_epoch_at", 0),
    )


def _set_tempo(given: Case) -> int | None:
    restarted = schedule.restarted_cycle(current_block=given["current_block"])
    return schedule.next_epoch_start(tempo=given["new_tempo"], last_epoch_block=restarted, pending_at=0)


def _trigger(given: Case) -> str:
    # Where a case names no block, it stands at the start of a usual cycle.
    now = given.get("current_block", 1)
    answer = schedule.trigger_epoch(
        commit_reveal=given["commit_reveal"],
        pending_at=given.get("pending_epoch_at", 0),
        current_block=now,
        tempo=given.get("tempo", 360),
        last_epoch_block=given.get("last_epoch_block", 0),
        admin_freeze_window=given["admin_freeze_window"],
    )
    return str(answer) if isinstance(answer, schedule.TriggerRefusal) else f"pending = now + {answer - now}"


_SCHEDULE: Final[Mapping[str, Callable[[Case], Any]]] = {
    "next_epoch_start": _next_epoch_start,
    "set_tempo_then_next_epoch_start": _set_tempo,
    "trigger_epoch": _trigger,
}


def _schedule(case: Case) -> None:
    expect(_SCHEDULE[case["in"]["query"]](case["in"]), case["out"])


def _mechanism_split(case: Case) -> None:
    given = case["in"]
    expect(split_mechanism_emission(given["alpha"], mechanisms=given["mechanisms"], split=given["split"]), case["out"])


_RUNNERS: Final = {
    "helpers": run_helper,
    "sequences": _sequence,
    "epochs": _epoch,
    "large": _large,
    "weight_checks": _weight_check,
    "schedule": _schedule,
    "mechanism_split": _mechanism_split,
}


def _recognises(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and bool(document.keys() & _RUNNERS.keys())
        and (document.keys() <= _RUNNERS.keys() | {"format"})
    )


def _sections(document: Any) -> Iterator[tuple[str, list[Case]]]:
    for name, cases in document.items():
        if name in _RUNNERS:
            yield name, cases


FAMILY = Family(name="yuma", recognises=_recognises, sections=_sections, runners=_RUNNERS)
