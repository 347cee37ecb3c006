"""A projector in a process of its own, made to be killed: small writes, a line once the first of them is done.

Usage: ``python -m tests.support.crash_projector URL``.
"""

import asyncio
import sys

from app.projections.projector import Projector


async def run(url: str) -> None:
    projector = Projector(url, pages_max=6, poll_s=0.01)
    started = {name: progress.batch for name, progress in projector.progress.items()}
    projector.start()
    while True:
        await asyncio.sleep(0.001)
        if any(progress.batch != started[name] for name, progress in projector.progress.items()):
            break
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
