"""The chain's state as a plain node would hold it: every entry decoded, in one dictionary by item and keys.

``python -m load_tests.baselines.decoded_state FOLDER`` reads a data folder and says how much memory the process then
takes. There is no state tree in it, and nothing else of a node.
"""

import sys
from pathlib import Path

from chain.runtime import items
from chain.runtime.state import RAW, split_key
from chain.storage.database import open_reader
from load_tests.memory import resident_mb


def main() -> None:
    """Read, and print megabytes."""
    state = {}
    for key, value in open_reader(Path(sys.argv[1])).execute("SELECT key, value FROM state"):
        item, keys = split_key(key)
        state[item, keys] = value if item == RAW else items.item(item).decode(value)
    assert state
    sys.stdout.write(f"{resident_mb():.1f}\n")


if __name__ == "__main__":
    main()
