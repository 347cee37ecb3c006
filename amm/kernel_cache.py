"""Where compiled kernels are kept, decided once, before numba is first imported.

numba's file cache looks only at the file that defines a kernel and not at the files that kernel calls, so an edit
in one module would leave stale machine code in another. The cache folder is therefore named by a digest of every source
with kernels or their constants and of numba's version: any change opens an empty folder. Every module with kernels
imports ``kernel`` from here.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
# Kernels, and the modules whose constants are compiled into them.
KERNEL_SOURCES = ("amm/**/*.py", "ledger/engine/**/*.py", "ledger/errors.py", "chain/runtime/yuma/**/*.py")

F = TypeVar("F", bound=Callable[..., Any])


def kernel_sources() -> list[Path]:
    """Return every source file that compiled kernels depend on."""
    return sorted(path.resolve() for pattern in KERNEL_SOURCES for path in ROOT.glob(pattern))


def cache_folder() -> Path:
    """Return the folder named by the digest of the kernel sources, numba, numpy and Python."""
    digest = hashlib.blake2b(digest_size=12)
    for path in kernel_sources():
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    for package in ("numba", "numpy", "llvmlite"):
        digest.update(metadata.version(package).encode())
    digest.update(sys.version.encode())
    base = ROOT / ".cache"
    if not os.access(ROOT, os.W_OK):
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "taobourse"
    return base / f"kernels-{digest.hexdigest()}"


os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder()))

from numba import config, njit  # noqa: E402 - the folder must be named before numba reads it

# Where something else imported numba before this module, numba has read its settings already.
config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]


def kernel(function: F) -> F:
    """Compile a module-level function in nopython mode, cached on disk; never with ``fastmath``."""
    compiled: F = njit(cache=True)(function)
    return compiled


def remove_stale_folders() -> None:
    """Delete the kernel folders of earlier sources beside the current one."""
    current = Path(os.environ["NUMBA_CACHE_DIR"])
    for folder in current.parent.glob("kernels-*"):
        if folder != current:
            shutil.rmtree(folder, ignore_errors=True)


def warm() -> None:
    """Compile every kernel that has a ``warm_up`` function in its module's package."""
    remove_stale_folders()
    for module in ("amm.warm_up", "ledger.engine.warm_up"):
        if (ROOT / (module.replace(".", "/") + ".py")).exists():
            import_module(module).warm_up()


if __name__ == "__main__":
    # The same module under its real name, so that kernels and caller share one folder.
    import_module("amm.kernel_cache").warm()
