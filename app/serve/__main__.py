"""``python -m app.serve PART``: runs one part of the server shape; the supervisor starts it and gives the order."""

import sys
from importlib import import_module

from app.exits import USAGE
from app.serve.life import live
from app.serve.plan import PARTS


def main() -> int:
    """Run the part that the command line names; each loads nothing that it does not need."""
    if len(sys.argv) != 2 or sys.argv[1] not in PARTS:
        sys.stderr.write(f"usage: python -m app.serve {'|'.join(PARTS)}, the order on stdin\n")
        return USAGE
    module = import_module(f"app.serve.parts.{sys.argv[1]}")
    return live(module.open_part, getattr(module, "WORLD", ()))


if __name__ == "__main__":
    sys.exit(main())
