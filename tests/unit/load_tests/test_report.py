"""What a load test reports: ratios, percentiles, one line of JSON."""

import json

from load_tests.driver import Options, scenario_names
from load_tests.report import Result, describe_machine, latencies_ms, percentile, spread, to_json, to_text

RESULT = Result(
    name="log_append", value=600.0, unit="events/s", baseline=4.0, baseline_name="one by one", goal=500.0,
    details={"runs": 3},
)  # fmt: skip


def test_the_json_is_one_line_with_the_ratio_and_the_machine() -> None:
    line = to_json(RESULT, describe_machine())

    told = json.loads(line)
    assert "\n" not in line
    assert {name: told[name] for name in ("name", "value", "unit", "baseline", "ratio", "goal")} == {
        "name": "log_append", "value": 600.0, "unit": "events/s", "baseline": 4.0, "ratio": 150.0, "goal": 500.0,
    }  # fmt: skip
    assert {"processor", "cores", "memory", "system", "python", "commit"} <= told["machine"].keys()


def test_the_text_says_whether_the_goal_was_reached() -> None:
    assert "goal       500 events/s: reached" in to_text(RESULT, {})
    missed = Result(name="x", value=1.0, unit="/s", baseline=1.0, baseline_name="y", goal=2.0)
    assert "not reached" in to_text(missed, {})


def test_where_less_is_better_goal_and_ratio_turn_round() -> None:
    found = Result(name="x", value=10.0, unit="MB", baseline=30.0, baseline_name="y", goal=15.0, less_is_better=True)

    assert found.ratio == 3.0
    assert "goal       15 MB: reached" in to_text(found, {})


def test_percentiles_are_of_real_samples() -> None:
    samples = [float(number) for number in range(1, 101)]

    assert percentile(samples, 50) == 51.0
    assert percentile(samples, 99) == 100.0
    assert percentile([7.0], 99) == 7.0
    assert latencies_ms([0.001, 0.002, 0.003]) == {"p50_ms": 2.0, "p99_ms": 3.0, "max_ms": 3.0}
    assert spread([3.0, 1.0, 2.0]) == {"low": 1, "median": 2, "high": 3}


def test_scales_never_reach_zero() -> None:
    assert Options(scale=0.001).scaled(500) == 1
    assert Options(scale=2.0).scaled(500) == 1_000


def test_scenarios_are_found_by_their_file_name() -> None:
    assert "log_append" in scenario_names()
