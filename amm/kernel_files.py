"""One file per compiled kernel and argument types, named by what it was compiled for.

numba keeps an index file per kernel, which is worthless once the source was touched or stands at another path, and is
rewritten as a whole: of two processes that compile one kernel at once, for different types, one may leave its code
under the other's name. Here a name is a digest of types, processor and byte code, and a file tells its own key, so
that any number of processes may compile and load at the same time. For the sources the name of the folder vouches.
"""

import hashlib
import pickle
import uuid
from pathlib import Path
from typing import Any

from numba.core.compiler import CompileResult
from numba.core.serialize import dumps


class KernelFiles:
    """The compiled forms of one kernel, as its dispatcher asks for them."""

    def __init__(self, function: Any, folder: Path) -> None:
        self._folder = folder
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._byte_code = hashlib.sha256(function.__code__.co_code).hexdigest()

    @property
    def cache_path(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the form compiled for these types, or None."""
        target.refresh()
        key = self._key(signature, target.codegen())
        try:
            data = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        known, reduced = pickle.loads(data)  # noqa: S301 - our own files, as trusted as the code beside them
        return CompileResult._rebuild(target, *reduced) if known == key else None  # noqa: SLF001 - as numba's cache does

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a form for these types; readers see all of it or nothing. Code that holds addresses is not kept."""
        if compiled.library.has_dynamic_globals or compiled.lifted:
            return
        key = self._key(signature, compiled.codegen)
        path = self._path(key)
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}")
        try:
            unfinished.write_bytes(dumps((key, compiled._reduce())))  # noqa: SLF001 - as numba's cache does
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def flush(self) -> None:
        """Forget all forms."""
        for path in self._folder.glob(f"{self._name}.*.kernel"):
            path.unlink(missing_ok=True)

    def _key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        return signature, codegen.magic_tuple(), self._byte_code

    def _path(self, key: tuple[Any, ...]) -> Path:
        digest = hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()
        return self._folder / f"{self._name}.{digest}.kernel"
