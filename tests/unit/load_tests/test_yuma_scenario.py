"""The scenario of epochs: it compares with the reference and with float64 while it measures, and draws a picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chain.runtime.yuma import compiled
from chain.runtime.yuma.epoch import run_epoch
from load_tests.baselines import yuma_float64
from load_tests.driver import Options, run_scenario
from load_tests.scenarios import yuma_epoch
from load_tests.yuma_states import Size, inputs_of, state_of

SMALL = Size(40, 8)
KINDS = [
    SMALL,
    replace(SMALL, yuma3=True),
    replace(SMALL, yuma3=True, liquid_alpha=True),
    replace(SMALL, density=0.2),
    replace(SMALL, density=0.2, yuma3=True, liquid_alpha=True),
]


def test_a_short_run_gives_every_figure_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same path as a full run, on subnets small enough for a test."""
    monkeypatch.setattr(yuma_epoch, "PICTURE", tmp_path / "folder" / "growth.png")
    monkeypatch.setattr(yuma_epoch, "ROOT", tmp_path)
    monkeypatch.setattr(yuma_epoch, "MAIN", SMALL)
    monkeypatch.setattr(yuma_epoch, "OTHERS", tuple(KINDS[1:]))
    monkeypatch.setattr(yuma_epoch, "GROWING_UIDS", (16, 32))
    monkeypatch.setattr(yuma_epoch, "GROWING_VALIDATORS", (2, 4, 8))

    result = run_scenario("yuma_epoch", Options(runs=2, scale=0.1))

    assert result.name == "yuma_epoch"
    assert result.ratio == result.baseline / result.value
    assert len(result.details["others"]) == len(KINDS) - 1
    assert [point["validators"] for point in result.details["by_validators"]] == [2, 4, 8]
    assert [point["uids"] for point in result.details["by_uids"]] == [16, 32]
    assert result.details["picture"] == "folder/growth.png"
    assert (tmp_path / "folder" / "growth.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("size", KINDS, ids=str)
def test_the_baseline_comes_close_to_the_kernels(size: Size) -> None:
    state = state_of(size, 3)

    exact, close = compiled.run_arrays(state), yuma_float64.run(state)

    for name in ("consensus", "incentive", "dividends"):
        assert np.allclose(getattr(exact, name) / yuma_float64.ONE, getattr(close, name), atol=1e-6)
    assert np.allclose(exact.emission.astype(float), close.emission, atol=200)
    stored = np.zeros((size.uids, size.uids), np.int64)
    for uid, row in enumerate(exact.bonds.lists()):
        stored[uid, [column for column, _ in row]] = [value for _, value in row]
    assert np.abs(stored[: size.validators] - close.bonds.astype(np.int64)).max() <= 2


def test_a_state_is_the_same_as_arrays_and_as_lists() -> None:
    state, outputs = state_of(SMALL, 1), run_epoch(inputs_of(SMALL, 1))

    assert compiled.run_arrays(state).emission.tolist() == outputs.emission
    assert state.weights.lists()[: SMALL.validators] != state.bonds.lists()[: SMALL.validators]


def test_a_difference_stops_the_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yuma_epoch, "CLOSE", -1.0)

    with pytest.raises(ArithmeticError, match="differ in consensus"):
        yuma_epoch._expect_close(state_of(SMALL, 1))
