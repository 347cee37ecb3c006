"""Long random histories on both engines: ``python -m tests.model.histories --examples 20 --steps 400``.

Prints the seed of every history that fails, with its last steps; the same seed plays the same history again.
"""

import argparse
import sys
import time
import traceback
from random import Random, SystemRandom

from tests.model.world import ACTIONS, World

TOLD = 12


def play(seed: int, steps: int) -> tuple[World | None, str]:
    """Play one history; return the world and the failure, empty if there is none."""
    rng = Random(seed)
    world = None
    done: list[str] = []
    try:
        world = World(rng)
        names, weights = list(ACTIONS), list(ACTIONS.values())
        for _ in range(steps):
            action = rng.choices(names, weights)[0]
            done = [*done[-TOLD:], action]
            getattr(world, action)(rng)
    except Exception:  # noqa: BLE001 - whatever it is, it is the finding
        trace = "\n".join(f"    {line}" for line in (world.trace[-TOLD:] if world else []))
        return world, f"actions {done}\n{trace}\n{traceback.format_exc()}"
    return world, ""


def main() -> int:
    """Play the histories that were asked for; return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=None, help="of the first history; random when absent")
    asked = parser.parse_args()
    first = SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    failed = 0
    begun = time.monotonic()
    events = 0
    for seed in range(first, first + asked.examples):
        world, failure = play(seed, asked.steps)
        events += world.exchange.seq if world else 0
        if failure:
            failed += 1
            sys.stdout.write(f"seed {seed} with {asked.steps} steps fails:\n{failure}\n")
            sys.stdout.flush()
    seconds = time.monotonic() - begun
    told = f"{asked.examples} histories from seed {first}: {failed} failed, {events} events, {seconds:.1f} s\n"
    sys.stdout.write(told)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
