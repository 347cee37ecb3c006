"""Blocks without extrinsics on a chain as full as it gets: 128 subnets, 256 neurons each, 20 000 stake positions.

Measured around one block of a single validator: built, run through the consensus machine with its signatures, and
committed to state and state tree; the disk is not in it. Each third block runs two epochs, the most that a block may.
``value`` counts blocks without epoch, ``epoch`` in the details are those with two. The baseline makes the same blocks
with the same runtime on a state of encoded entries in SQLite; the hashes of both chains have to be equal.
"""

import statistics
import time
from dataclasses import dataclass, field

from chain.executor import Candidate, Head, build_candidate
from chain.producer import decide_alone
from chain.runtime import items
from chain.runtime.state import State
from load_tests.baselines.stored_state import StoredState
from load_tests.crowded_chain import EPOCH_EVERY, EPOCHS_PER_BLOCK, crowded_head, crowded_pairs, validator_key
from load_tests.driver import Options
from load_tests.report import Result, latencies_ms, spread

SUBNETS = 128
UIDS = 256
STAKES = 20_000
BLOCKS_PER_RUN = 30
BASELINE_BLOCKS_PER_RUN = 6
EMPTY_GOAL_MS = 50
EPOCH_GOAL_MS = 250


class ChainsDiffer(Exception):  # noqa: N818 - says what is the matter
    """Both chains made another block of the same height: one of them measures something else."""


@dataclass(slots=True)
class Blocks:
    """One chain in the making, its block hashes in order, and the seconds of blocks with and without epochs.

    The processor's seconds beside those of the clock: other jobs on the machine lengthen them far less.
    """

    head: Head
    hashes: list[bytes] = field(default_factory=list)
    empty_s: list[float] = field(default_factory=list)
    epoch_s: list[float] = field(default_factory=list)
    empty_cpu_s: list[float] = field(default_factory=list)
    epoch_cpu_s: list[float] = field(default_factory=list)

    def make(self, count: int) -> None:
        """Make so many blocks and keep the time of each."""
        for _ in range(count):
            begun, cpu_begun = time.perf_counter(), time.process_time()
            self.head = step(self.head)
            taken, cpu_taken = time.perf_counter() - begun, time.process_time() - cpu_begun
            has_epochs = bool(self.head.state.get(f"{items.PRIVATE}.Epochs"))
            (self.epoch_s if has_epochs else self.empty_s).append(taken)
            (self.epoch_cpu_s if has_epochs else self.empty_cpu_s).append(cpu_taken)
            self.hashes.append(self.head.block_hash)


def step(head: Head) -> Head:
    """Return the head after the next block, made of nothing but its timestamp."""
    key = validator_key()

    def build(round_number: int) -> Candidate:
        time_ms = head.earliest_time_ms()
        return build_candidate(head, (), time_ms=time_ms, round_number=round_number, proposer=key.public)

    candidate, commit = decide_alone(head, key, build)
    return candidate.commit_on(head, commit)


async def run(options: Options) -> Result:
    """Make blocks on both chains in turns, compare them, and return the medians."""
    small = min(options.scale, 1.0)
    subnets, stakes = max(2, round(SUBNETS * small)), max(8, round(STAKES * small))
    pairs = crowded_pairs(subnets=subnets, uids=UIDS, stakes=stakes)
    ours = Blocks(crowded_head(pairs, State.from_pairs(pairs.items())))
    stored = Blocks(crowded_head(pairs, StoredState(pairs.items())))
    rates: list[float] = []
    baselines: list[float] = []
    for _ in range(options.runs):
        for chain, blocks, found in (
            (ours, BLOCKS_PER_RUN, rates),
            (stored, BASELINE_BLOCKS_PER_RUN, baselines),
        ):
            known = len(chain.empty_s)
            chain.make(max(EPOCH_EVERY, options.scaled(blocks)))
            found.append(1 / statistics.median(chain.empty_s[known:]))
    if any(one != other for one, other in zip(ours.hashes, stored.hashes, strict=False)):
        raise ChainsDiffer("the same blocks have other hashes")
    empty, epoch = latencies_ms(ours.empty_s), latencies_ms(ours.epoch_s)
    return Result(
        name="block_step",
        value=statistics.median(rates),
        unit="empty blocks/s",
        baseline=statistics.median(baselines),
        baseline_name="the same runtime on encoded entries in SQLite, in memory",
        goal=1_000 / EMPTY_GOAL_MS,
        details={
            "runs": options.runs,
            "sizes": {"subnets": subnets, "uids": UIDS, "stakes": stakes // subnets * subnets, "entries": len(pairs)},
            "blocks": spread(rates),
            "empty": {**empty, "goal_ms": EMPTY_GOAL_MS, "reached": empty["p50_ms"] <= EMPTY_GOAL_MS},
            "epoch": {
                **epoch,
                "goal_ms": EPOCH_GOAL_MS,
                "reached": epoch["p50_ms"] <= EPOCH_GOAL_MS,
                "epochs": EPOCHS_PER_BLOCK,
            },
            "empty_cpu": latencies_ms(ours.empty_cpu_s),
            "epoch_cpu": latencies_ms(ours.epoch_cpu_s),
            "sqlite_empty": latencies_ms(stored.empty_s),
            "sqlite_epoch": latencies_ms(stored.epoch_s),
        },
    )
