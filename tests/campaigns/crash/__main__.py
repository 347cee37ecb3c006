"""The command of the campaign: exit code 0, or 7 where a promise was not kept."""

import argparse
import asyncio
import signal
import sys
import time

from tests.campaigns.crash.cycles import run_campaign
from tests.campaigns.crash.memory import Broken
from tests.campaigns.crash.served import run_served_campaign
from tests.campaigns.crash.summary import Summary

DIFFERS = 7


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run so many cycles, and tell what they came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.crash", description=__doc__)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--shape", choices=("embedded", "server"), default="embedded")
    parser.add_argument("--world", type=int, default=0, help="Begin with this world of the seed.")
    chosen = parser.parse_args()
    seed = time.time_ns() % 2**32 if chosen.seed is None else chosen.seed
    say(f"seed {seed}")
    for signum in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(signum, signal.default_int_handler)
    summary, began = Summary(), time.monotonic()
    run = run_campaign if chosen.shape == "embedded" else run_served_campaign
    try:
        asyncio.run(run(cycles=chosen.cycles, seed=seed, first_world=chosen.world, summary=summary, say=say))
    except Broken as broken:
        say(f"FAILED: {broken}")
        sys.exit(DIFFERS)
    except KeyboardInterrupt:
        say("ended early: what follows counts the cycles so far, and the answers of the worlds that were finished")
    summary.seconds = time.monotonic() - began
    for line in summary.lines():
        say(line)


if __name__ == "__main__":
    main()
