"""Exit codes of the ``taobourse`` command, documented in ``app/cli.py``."""

FAILED = 1
USAGE = 2
UNAVAILABLE = 3
GAVE_UP = 4
DIFFERS = 7
