"""``python -m chain``: runs a node until it is told to stop, and says on one line of JSON where it listens."""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import uvloop

from chain.errors import ChainError
from chain.node import SEALS, Node, NodeConfig
from chain.runtime.yuma.warm_up import warm_up
from chain.startup import PRESETS

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 3

GC_THRESHOLDS = (20_000, 20, 50)
"""New objects before the youngest are looked at, and how often that happens before older ones are."""

PARENT_SECONDS = 0.2
"""How often the parent is looked for; there is no portable way to be told."""


async def run_node(config: NodeConfig, *, say: Callable[[str], None], with_parent: bool = False) -> None:
    """Run a node until SIGINT, SIGTERM or a failure, which is raised; ``say`` gets the line that it is ready.

    ``with_parent`` stops it also when the process that started it is gone, however that ended.
    """
    parent = os.getppid()
    # The first epoch must not wait for its kernels to be loaded.
    warm_up()
    node = Node(config)
    await node.start()
    _spare_the_collector()
    say(json.dumps({"ws": node.url, "genesis": "0x" + node.genesis_hash.hex(), "height": node.height}))
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, asked.set)
    ending = [asyncio.create_task(asked.wait()), asyncio.create_task(node.wait())]
    if with_parent:
        ending.append(asyncio.create_task(_wait_for_orphanage(parent)))
    try:
        await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await node.stop()
        for task in ending:
            task.cancel()
    if ending[1].done() and not ending[1].cancelled():
        ending[1].result()


def run(config: NodeConfig, *, with_parent: bool = False) -> int:
    """Run a node and return the exit code: 0 when asked to stop, 3 when it cannot start, 1 when it could not go on."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_node(config, say=_say, with_parent=with_parent))
    except (ChainError, OSError) as error:
        logging.getLogger(__name__).error("%s", error)  # noqa: TRY400 - a refusal needs no traceback
        return EXIT_UNAVAILABLE
    except KeyboardInterrupt:
        return 0
    except Exception:
        logging.getLogger(__name__).exception("the node could not go on")
        return EXIT_FAILED
    return 0


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m chain", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9944)
    parser.add_argument("--preset", choices=PRESETS, default="dev")
    parser.add_argument("--block-ms", type=int, default=2_000)
    parser.add_argument("--seal", choices=SEALS, default="interval")
    parser.add_argument("--with-parent", action="store_true")
    chosen = parser.parse_args()
    config = NodeConfig(
        data_dir=chosen.data_dir,
        host=chosen.host,
        port=chosen.port,
        preset=chosen.preset,
        block_interval_ms=chosen.block_ms,
        seal=chosen.seal,
    )
    sys.exit(run(config, with_parent=chosen.with_parent))


def _spare_the_collector() -> None:
    """Leave what stands after the start, code and state, out of every garbage collection, and collect less often.

    A collection of everything stops the loop for as long as there are objects; blocks make few cycles, and a state
    that was read at the start is never garbage as a whole.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _wait_for_orphanage(parent: int) -> Literal[True]:
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody sets an event when a process dies
        await asyncio.sleep(PARENT_SECONDS)
    return True


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
