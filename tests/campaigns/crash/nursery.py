"""Starts the exchange under test in a fraction of a second: a process that has loaded everything, and forks.

Each line of JSON on stdin is one start (``exchange.py`` says what it holds). Told on stdout: ``{"pid"}`` once the child
was made, ``{"status"}`` once it has ended: its exit code, negative for a signal. One child lives at a time.
"""

import ctypes
import gc
import json
import os
import signal
import sys
from typing import Any

from amm.kernel_cache import INTERPRETED
from ledger.engine.warm_up import warm_up
from ledger.failpoints import VARIABLE, arm
from tests.campaigns.crash.exchange import run

PR_SET_PDEATHSIG = 1


def main() -> None:
    if "ledger.engine" not in os.environ.get(INTERPRETED, ""):
        warm_up()
    gc.collect()
    gc.freeze()
    say({"ready": True})
    while line := sys.stdin.readline():
        launch = json.loads(line)
        pid = os.fork()
        if pid == 0:
            be_the_exchange(launch)
        say({"pid": pid})
        _, status = os.waitpid(pid, 0)
        say({"status": os.waitstatus_to_exitcode(status)})


def be_the_exchange(launch: dict[str, Any]) -> None:
    """Run the exchange in the forked child; it ends with the nursery, however that ends."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(launch["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, descriptor)
        os.environ[VARIABLE] = launch["armed"]
        arm(launch["armed"])
        run(launch)
        code = 0
    except Exception as error:  # noqa: BLE001 - told in the log, and by the exit code
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stderr.flush()
        os._exit(code)


def say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
