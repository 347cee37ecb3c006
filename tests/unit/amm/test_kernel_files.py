"""Compiled kernels on disk: found again by any checkout of the same sources, and never taken for another's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core.dispatcher import Dispatcher

from amm.kernel_cache import cache_folder
from amm.kernel_files import KernelFiles

ROOT = Path(__file__).resolve().parents[3]


def twice(number: int) -> int:
    return number + number


def kept_in(folder: Path) -> Dispatcher:
    """A dispatcher as a fresh process would have it."""
    compiled = njit(twice)
    compiled._cache = KernelFiles(twice, folder)
    return compiled


def hits(compiled: Dispatcher) -> int:
    return sum(compiled.stats.cache_hits.values())


def test_a_kernel_is_compiled_once_for_each_type(tmp_path: Path) -> None:
    assert [kept_in(tmp_path)(21), kept_in(tmp_path)(1.5)] == [42, 3.0]
    later = kept_in(tmp_path)

    assert [later(21), later(1.5)] == [42, 3.0]
    assert hits(later) == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_under_the_name_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    kept_in(tmp_path)(21)
    (whole,) = tmp_path.iterdir()
    kept_in(tmp_path)(np.float32(1.5))
    (other,) = set(tmp_path.iterdir()) - {whole}
    shutil.copy(other, whole)
    later = kept_in(tmp_path)

    assert later(21) == 42
    assert hits(later) == 0


def test_what_was_not_written_to_its_end_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space left"):
        kept_in(tmp_path)(21)

    assert list(tmp_path.iterdir()) == []


def test_forms_can_be_forgotten(tmp_path: Path) -> None:
    compiled = kept_in(tmp_path)
    compiled(21)

    compiled._cache.flush()

    assert list(tmp_path.iterdir()) == []


def test_a_checkout_elsewhere_with_other_times_uses_the_same_kernels(tmp_path: Path) -> None:
    program = "import amm.fixed_point as f; f.div_wide(0, 9, 3); print(sum(f.div_wide.stats.cache_hits.values()))"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    moved = tmp_path / "moved"
    shutil.copytree(
        ROOT / "amm", moved / "amm", ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile
    )
    (moved / ".cache").symlink_to(cache_folder("amm").parent)

    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=moved, env=os.environ | {"PYTHONPATH": "."},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert answer.stdout.strip() == "1"
