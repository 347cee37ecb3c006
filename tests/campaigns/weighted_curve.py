"""The compiled curve against the reference on millions of random inputs; ``python -m tests.campaigns.weighted_curve``.

Each case is a power as swaps, limits and exact buys need it, over the allowed weights. The result must be the same
integer, and the reference may be asked for at most one in a million.
"""

import argparse
import random
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from amm import power
from amm.reference import SCALE
from amm.reference_power import pow_scaled
from tests.support.pools import random_amount, random_pool

CHUNK = 50_000
LIMB_MASK = 2**64 - 1


def random_power(draw: random.Random) -> tuple[int, int, int, int]:
    """Return ``(num, den, p, q)``: mostly swaps, and the powers of exact buys and of prices."""
    pool = random_pool(draw)
    base = SCALE - pool.weight
    kind = draw.random()
    if kind < 0.4:
        return pool.tao, pool.tao + random_amount(draw, pool.tao), pool.weight, base
    if kind < 0.8:
        return pool.alpha, pool.alpha + random_amount(draw, pool.alpha), base, pool.weight
    if kind < 0.9:
        return pool.alpha, draw.randrange(pool.alpha // 4 + 1, pool.alpha), base, pool.weight
    price = draw.randrange(2**40, 2**100)
    return price * draw.randrange(1_000, 4_000) // 1_000, price, base, SCALE


def differences(seed: int, cases: int) -> tuple[int, int, list[str]]:
    """Return ``(cases, times asked, descriptions of differences)`` of one seeded run."""
    draw = random.Random(seed)
    found = []
    asked = power.fallbacks()
    for _ in range(cases):
        num, den, p, q = random_power(draw)
        limbs = (np.uint64(part) for value in (num, den) for part in (value >> 64, value & LIMB_MASK))
        defined, high, low = power.scaled_power(*limbs, np.uint64(p), np.uint64(q), 256)
        expected = pow_scaled(num, den, p, q, precision=256, scale=SCALE)
        if not defined or (int(high) << 64) + int(low) != expected:
            found.append(f"seed {seed}: ({num} / {den}) ** ({p} / {q}) is {expected}")
    return cases, power.fallbacks() - asked, found


def main() -> int:
    """Run the cases in all processes asked for and return 0 if nothing differs and the reference was rarely needed."""
    parser = argparse.ArgumentParser(description="compiled curve against the reference")
    parser.add_argument("--cases", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args()
    chunks = max(-(-options.cases // CHUNK), 1)
    total = asked = 0
    found: list[str] = []
    with ProcessPoolExecutor(options.workers) as executor:
        runs = executor.map(differences, range(options.seed, options.seed + chunks), [CHUNK] * chunks)
        for cases, fallbacks, different in runs:
            total, asked, found = total + cases, asked + fallbacks, found + different
            sys.stdout.write(f"\r{total} cases, {len(found)} differences, reference asked {asked} times")
            sys.stdout.flush()
    sys.stdout.write("\n" + "".join(f"{line}\n" for line in found[:20]))
    return 1 if found or asked * 1_000_000 > max(total, 1_000_000) else 0


if __name__ == "__main__":
    sys.exit(main())
