"""The epoch of ``docs/yuma.md``: its own inputs are read from its tables, and every other number is computed again."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from chain.runtime.yuma import fixed, reference, rows
from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.interface import Entry, EpochInputs, Row

DOCUMENT: Final = Path(__file__).parents[4] / "docs" / "yuma.md"
BLOCK: Final = 10_000
Table = dict[str, dict[str, str]]


def tables(text: str) -> dict[str, Table]:
    """Return the tables by the first cell of their heads: ``row name -> column name -> cell``."""
    found: dict[str, Table] = {}
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        head, _, *body = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines())
        table = found.setdefault(head[0], {})
        for name, *cells in body:
            assert name not in table, f"{name} twice in {head[0]}"
            table[name] = dict(zip(head[1:], cells, strict=True))
    return found


TABLES: Final = tables(DOCUMENT.read_text(encoding="utf-8")) if DOCUMENT.exists() else {}


def numbers(table: Table) -> list[list[Entry]]:
    """Return a table of whole numbers as sparse rows; an empty cell is no entry."""
    return [[(int(uid), int(cell.replace(" ", ""))) for uid, cell in row.items() if cell] for row in table.values()]


def documented_inputs() -> EpochInputs:
    """Return the example's inputs, read from the document."""
    given, parameters = TABLES["uid"], TABLES["parameter"]
    stake = [int(cell.replace(" ", "")) * 10**9 for cell in given["alpha staked"].values()]

    def parameter(name: str) -> int:
        return int(parameters[name]["value"].replace(" ", ""))

    return EpochInputs(
        n=len(stake),
        weights=numbers(TABLES["submitted"]),
        bonds=numbers(TABLES["old bonds"]),
        last_update=[BLOCK - 10] * len(stake),
        registered_at=[0] * len(stake),
        permits=[cell == "yes" for cell in given["permit"].values()],
        alpha_stake=stake,
        tao_stake=[0] * len(stake),
        tao_weight=0,
        stake_threshold=0,
        owner_uid=None,
        max_validators=64,
        tempo=360,
        activity_cutoff_factor_milli=13_889,
        kappa=parameter("kappa"),
        bonds_penalty=parameter("bonds penalty"),
        bonds_moving_average=parameter("bonds moving average"),
        yuma3=False,
        liquid_alpha=False,
        alpha_low=parameter("alpha low"),
        alpha_high=parameter("alpha high"),
        alpha_sigmoid_steepness=parameter("steepness"),
        commit_blocks=None,
        last_mechanism_step_block=BLOCK - 360,
        emission=parameter("emission"),
        current_block=BLOCK,
    )


def share(raw: int) -> str:
    """Return an I32F32 proportion with six digits."""
    return f"{raw / fixed.ONE:.6f}"


def whole(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def matrix(given: Any, show: Any = share) -> Table:
    """Return sparse rows as a table of the validators and the miners."""
    cells = [dict(row) for row in given[:3]]
    return {
        str(uid): {str(column): show(row[column]) if column in row else "" for column in range(3, 7)}
        for uid, row in enumerate(cells)
    }


def vector(values: Any, show: Any = share) -> dict[str, str]:
    return {str(uid): show(value) for uid, value in enumerate(values)}


def yuma2_steps(inputs: EpochInputs) -> dict[str, list[list[Entry]]]:
    """Return the intermediate bonds that no trace holds."""
    trace, n = reference.run_epoch(inputs).trace, inputs.n
    paid: list[Row] = list(trace.weights_for_bonds)
    bought = rows.scale_rows(paid, trace.active_stake)
    shares, held = rows.column_normalize(bought, n), rows.column_normalize(reference.stored_bonds(inputs), n)
    mixed = rows.average(shares, held, n, reference.bonds_alpha(inputs.bonds_moving_average))
    return {
        "bought": bought,
        "bought shares": shares,
        "old shares": held,
        "averaged": mixed,
        "averaged shares": rows.column_normalize(mixed, n),
    }


def expected_tables() -> dict[str, Table]:
    """Compute every table of the document from its inputs."""
    inputs = documented_inputs()
    two, three = run_epoch(inputs), run_epoch(replace(inputs, yuma3=True))
    liquid = run_epoch(replace(inputs, yuma3=True, liquid_alpha=True))
    trace = two.trace
    held = [[(j, fixed.div(value << 32, 65_535 << 32)) for j, value in row] for row in inputs.bonds]
    alphas = reference.liquid_alphas(
        inputs,
        [list(row) for row in trace.weights_for_bonds],
        [*held, *[[]] * (inputs.n - len(held))],
        trace.consensus,
    )
    vectors = {
        "stake": vector(trace.stake),
        "active stake": vector(trace.active_stake),
        "consensus": vector(trace.consensus),
        "validator trust": vector(trace.validator_trust),
        "rank": vector(trace.ranks),
        "incentive": vector(trace.incentive),
        "dividends": vector(trace.dividends),
        "incentive / 2": vector(trace.server_share),
        "dividends / 2": vector(trace.validator_share),
        "to miners": vector(two.server_emission, whole),
        "to validators": vector(two.validator_emission, whole),
        "consensus u16": vector(two.consensus, whole),
        "incentive u16": vector(two.incentive, whole),
        "dividends u16": vector(two.dividends, whole),
        "trust u16": vector(two.validator_trust, whole),
        "Yuma3 dividends": vector(three.trace.dividends),
        "liquid dividends": vector(liquid.trace.dividends),
        "alpha staked": TABLES["uid"]["alpha staked"],
        "permit": TABLES["uid"]["permit"],
    }
    return {
        "uid": vectors,
        "parameter": TABLES["parameter"],
        "submitted": matrix(inputs.weights, whole),
        "old bonds": matrix(inputs.bonds, whole),
        "weights": matrix(trace.weights),
        "clipped": matrix(trace.clipped_weights),
        **{name: matrix(step) for name, step in yuma2_steps(inputs).items()},
        "kept": matrix(trace.bonds),
        "stored": matrix(two.bonds, whole),
        "old proportions": matrix(held),
        "Yuma3 bonds": matrix(three.trace.bonds),
        "Yuma3 stored": matrix(three.bonds, whole),
        "alpha": matrix([[(j, alphas[i][j]) for j, _ in row] for i, row in enumerate(trace.weights_for_bonds)]),
        "liquid bonds": matrix(liquid.trace.bonds),
        "liquid stored": matrix(liquid.bonds, whole),
    }


def test_the_document_has_every_table_of_the_example() -> None:
    assert TABLES.keys() == expected_tables().keys()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_number_of_a_table_is_what_the_epoch_computes(name: str) -> None:
    expected = expected_tables()[name]

    assert TABLES[name].keys() == expected.keys()
    for row, cells in expected.items():
        assert TABLES[name][row] == cells, row


def test_the_example_is_the_same_by_kernels_and_reference() -> None:
    inputs = documented_inputs()
    for yuma3, liquid_alpha in ((False, False), (True, False), (True, True)):
        given = replace(inputs, yuma3=yuma3, liquid_alpha=liquid_alpha)
        assert run_epoch(given) == reference.run_epoch(given)


def test_a_changed_cell_would_be_noticed() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    cell = TABLES["clipped"]["0"]["3"]

    assert tables(text.replace(cell, "0.123456"))["clipped"] != expected_tables()["clipped"]
