"""Where compiled kernels are kept, and how a function becomes one.

numba's file cache looks only at the file that defines a kernel and not at the files that kernel calls, so an edit
in one module would leave stale machine code in another. The kernels of a package are therefore kept in a folder named
by a digest of every source they can depend on, and of the versions of numba, numpy and Python: any change opens an
empty folder, and an edit in one package leaves the kernels of those below it as they are. What no module with kernels
imports is no part of it: an edit there compiles nothing. A checkout elsewhere, or with other times on its files, uses
the same ones. Every module with kernels imports ``kernel`` from here.
"""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata
from inspect import get_annotations
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.core.dispatcher import Dispatcher

from amm.kernel_files import KernelFiles

ROOT = Path(__file__).resolve().parent.parent

KERNEL_PACKAGES = ("amm", "ledger.engine", "chain.tree", "chain.runtime.yuma")
"""Packages with kernels, those that others call first."""
INTERPRETED = "TAOBOURSE_INTERPRETED"
"""Environment variable: packages, separated by commas, whose kernels run as plain Python, for debugging."""

F = TypeVar("F", bound=Callable[..., Any])


def package_of(module: str) -> str:
    """Return the package of ``KERNEL_PACKAGES`` that a module belongs to; raises ``LookupError`` outside of them."""
    for package in KERNEL_PACKAGES:
        if module == package or module.startswith(package + "."):
            return package
    raise LookupError(f"{module} is outside the packages with kernels: name it in KERNEL_PACKAGES")


def kernel_sources(package: str) -> list[Path]:
    """Return every source file that the compiled kernels of a package can depend on.

    Those with kernels, and what they import, directly or not.
    """
    folder = ROOT / package.replace(".", "/")
    waiting = [path for path in folder.rglob("*.py") if _KERNEL.search(path.read_text())]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return sorted(found)


_KERNEL = re.compile(r"^@(allocating_)?kernel$", re.MULTILINE)
_IMPORT = re.compile(r"^from ([\w.]+) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


def _imported(path: Path) -> list[Path]:
    """Return the files of this project that one imports by ``from .. import ..``, as all its modules do."""
    modules = []
    for module, names in _IMPORT.findall(path.read_text()):
        modules += [module, *(f"{module}.{name}" for name in re.findall(r"\w+", names))]
    return [file for module in modules if (file := ROOT / (module.replace(".", "/") + ".py")).is_file()]


def cache_base() -> Path:
    """Return the folder that holds the kernel folders."""
    if os.access(ROOT, os.W_OK):
        return ROOT / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "taobourse"


@cache
def cache_folder(package: str) -> Path:
    """Return the folder of a package's kernels, named by the digest of its sources, numba, numpy and Python."""
    digest = hashlib.blake2b(digest_size=12)
    for path in kernel_sources(package):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    for library in ("numba", "numpy", "llvmlite"):
        digest.update(metadata.version(library).encode())
    digest.update(sys.version.encode())
    return cache_base() / f"kernels-{package}-{digest.hexdigest()}"


def kernel(function: F) -> F:
    """Compile a module-level function in nopython mode, cached on disk; never with ``fastmath``.

    It makes no arrays and takes none over from what it calls: no references are counted in it, which costs more than
    many a rule does.
    """
    return _compile(function, counts_references=False)


def allocating_kernel(function: F) -> F:
    """Compile a function that makes arrays of its own, or keeps what another one returns."""
    return _compile(function, counts_references=True)


def _compile(function: F, *, counts_references: bool) -> F:
    package = package_of(function.__module__)
    if package in os.environ.get(INTERPRETED, "").split(","):
        np.seterr(over="ignore")  # hashing wraps around, as compiled code does without a word
        for name, value in list(function.__globals__.items()):
            if isinstance(value, Dispatcher):
                function.__globals__[name] = _typed(value)
        return function
    compiled: F = njit(_nrt=counts_references)(function)
    widen_integers(compiled)
    cast("Any", compiled)._cache = KernelFiles(function, cache_folder(package))  # noqa: SLF001 - numba has no other way in
    return compiled


def widen_integers(compiled: Any) -> None:
    """Let kernels that call this one pass any integer of up to 64 bits for an ``int``, and compile it once for all.

    numba would compile it, and all that it calls, for each width of field, literal and truth value again. Unsigned
    integers of 64 bits stay what they are.
    """
    widened = [kind is int for kind in get_annotations(compiled.py_func, eval_str=True).values()]
    template_of = compiled.get_call_template

    def wide_template_of(arguments: Any, keywords: Any) -> Any:
        if not keywords and len(arguments) <= len(widened):
            pairs = zip(arguments, widened, strict=False)
            arguments = tuple(types.int64 if w and _is_narrow(kind) else kind for kind, w in pairs)
        return template_of(arguments, keywords)

    compiled.get_call_template = wide_template_of


def _is_narrow(kind: Any) -> bool:
    kind = types.unliteral(kind)
    return isinstance(kind, types.Boolean) or (isinstance(kind, types.Integer) and kind != types.uint64)


def _typed(compiled: Any) -> Callable[..., Any]:
    """Return a compiled kernel for callers in plain Python: an unsigned argument stays one, however small it is."""
    unsigned = [kind is np.uint64 for kind in get_annotations(compiled.py_func, eval_str=True).values()]

    def call(*arguments: Any) -> Any:
        return compiled(*(np.uint64(a) if u else a for a, u in zip(arguments, unsigned, strict=False)))

    return call


def remove_stale_folders() -> None:
    """Delete the kernel folders of earlier sources beside the current ones."""
    current = {cache_folder(package) for package in KERNEL_PACKAGES}
    for folder in cache_base().glob("kernels-*"):
        if folder not in current:
            shutil.rmtree(folder, ignore_errors=True)


def warm() -> None:
    """Compile every kernel that has a ``warm_up`` function in its module's package."""
    remove_stale_folders()
    for package in KERNEL_PACKAGES:
        module = f"{package}.warm_up"
        if (ROOT / (module.replace(".", "/") + ".py")).exists():
            import_module(module).warm_up()


if __name__ == "__main__":
    # The same module under its real name, so that kernels and caller share one folder.
    import_module("amm.kernel_cache").warm()
