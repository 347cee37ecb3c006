"""Where compiled kernels are kept."""

import os
import subprocess
import sys
from pathlib import Path

from amm import kernel_cache

ROOT = Path(__file__).resolve().parents[3]


def test_every_module_whose_code_or_constants_are_compiled_is_part_of_the_digest() -> None:
    named = {str(path.relative_to(ROOT)) for path in kernel_cache.kernel_sources()}
    assert {"amm/power.py", "amm/power_tables.py", "amm/reference.py", "amm/kernel_cache.py"} <= named
    assert {"ledger/engine/layout.py", "ledger/errors.py"} <= named


def test_kernels_are_kept_in_the_folder_of_the_digest_even_where_numba_was_imported_first() -> None:
    program = "import numba; import amm.pool; print(numba.config.CACHE_DIR); print(amm.pool.pool_fee.stats.cache_path)"
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    folder, cached = answer.stdout.split()
    assert folder == str(kernel_cache.cache_folder())
    assert Path(cached).is_relative_to(folder)
