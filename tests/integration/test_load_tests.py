"""The load tests run from the command line; their figures are judged elsewhere, their form here."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


async def load_tests(*arguments: str) -> tuple[int, list[str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load_tests", *arguments,
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stdout, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, stdout.decode().splitlines()


async def test_log_append_ends_with_one_line_of_json() -> None:
    code, lines = await load_tests("run", "log_append", "--json", "--runs", "1", "--scale", "0.02")

    told = json.loads(lines[-1])
    assert code == 0
    assert (told["name"], told["unit"]) == ("log_append", "events/s")
    assert told["value"] > told["baseline"] > 0
    assert abs(told["ratio"] - told["value"] / told["baseline"]) < 0.01
    assert lines[0].startswith("log_append: ")


async def test_an_unknown_scenario_is_a_usage_error() -> None:
    assert (await load_tests("run", "nothing"))[0] == 2
    assert (await load_tests("run", "log_append", "--runs", "0"))[0] == 2


async def test_the_list_names_every_scenario() -> None:
    assert "log_append" in (await load_tests("list"))[1]


async def test_a_restart_begins_with_a_snapshot_and_reads_the_tail_alone() -> None:
    code, lines = await load_tests("run", "restart", "--json", "--runs", "1", "--scale", "0.001")

    told = json.loads(lines[-1])
    details = told["details"]
    assert code == 0
    assert (told["name"], told["unit"]) == ("restart", "s")
    assert 0 < details["from_snapshot"][0]["tail"] < details["whole_log"][0]["tail"] == details["events"]
    assert details["gateway"][0]["tail"] == details["from_snapshot"][0]["tail"]
    assert details["snapshot"]["stored_mb"] > 0
    assert 0 < told["value"] <= 10


async def test_what_a_replica_spends_beside_evolving_is_measured() -> None:
    code, lines = await load_tests("run", "replica_fold", "--json", "--runs", "1", "--scale", "0.1")

    told = json.loads(lines[-1])
    assert code == 0
    assert (told["name"], told["unit"]) == ("replica_fold", "us/event")
    assert 0 < told["value"] < told["baseline"]


async def test_replay_tells_memory_database_and_the_plain_fold() -> None:
    code, lines = await load_tests("run", "replay", "--json", "--runs", "1", "--scale", "0.005")

    told = json.loads(lines[-1])
    assert code == 0
    assert round(told["value"]) == told["details"]["memory"]["median"] > 0
    assert told["details"]["database"]["median"] > 0
    assert told["baseline"] > 0


async def test_orders_over_the_socket_are_all_filled_alone_and_in_batches() -> None:
    code, lines = await load_tests("run", "order_socket", "--json", "--runs", "1", "--scale", "0.01")

    told = json.loads(lines[-1])
    details = told["details"]
    assert code == 0
    assert round(told["value"]) == details["single"]["median"] > 0
    assert details["batch_add"]["median"] > 0
    assert [row["offered"] for row in details["curve"]] == sorted(row["offered"] for row in details["curve"])
    assert details["single"]["paced"]["p99_ms"] > 0


async def test_beyond_capacity_orders_are_refused_and_everything_accepted_is_filled() -> None:
    code, lines = await load_tests("run", "overload", "--json", "--runs", "1", "--scale", "0.1")

    told = json.loads(lines[-1])
    details = told["details"]
    assert code == 0
    assert details["refused"] > 0
    assert details["offered"] > details["accepted"] > 0
    assert details["beside"]["cancels"]["p50_ms"] > 0
    # Generous: the machine may be busy with other tests. The figure itself is measured, not tested.
    assert details["refusals"]["p50_ms"] < details["orders"]["p50_ms"]
