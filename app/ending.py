"""How a process ends that may not go on."""

import os
from typing import Final

import structlog

log = structlog.get_logger(__name__)

EXIT_FATAL: Final = 70
"""Exit code of a process whose memory may be ahead of the log."""


def end_process(error: BaseException) -> None:
    """End the process at once: memory may be ahead of the log, and only a start can tell what is true."""
    log.critical("fatal", error=f"{type(error).__name__}: {error}", exc_info=error)
    os._exit(EXIT_FATAL)
