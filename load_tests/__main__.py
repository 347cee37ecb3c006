"""``python -m load_tests run NAME [--json]`` and ``python -m load_tests list``."""

import argparse
import sys

from load_tests.driver import Options, run_scenario, scenario_names
from load_tests.report import describe_machine, to_json, to_text

USAGE_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="load_tests", description="Measure the exchange beside its baselines.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="names of all scenarios")
    run = commands.add_parser("run", help="measure one scenario")
    run.add_argument("name")
    run.add_argument("--json", action="store_true", help="end with one line of JSON")
    run.add_argument("--runs", type=int, default=Options().runs, help="repetitions, the median counts")
    run.add_argument("--scale", type=float, default=Options().scale, help="length of a run, 1 is usual")
    chosen = parser.parse_args(arguments)
    if chosen.command == "list":
        print("\n".join(scenario_names()))
        return 0
    if chosen.name not in scenario_names() or chosen.runs < 1 or chosen.scale <= 0:
        print(f"unknown scenario or size; scenarios: {', '.join(scenario_names())}", file=sys.stderr)
        return USAGE_ERROR
    result = run_scenario(chosen.name, Options(runs=chosen.runs, scale=chosen.scale))
    machine = describe_machine()
    print(to_text(result, machine))
    if chosen.json:
        print(to_json(result, machine))
    return 0


if __name__ == "__main__":
    sys.exit(main())
