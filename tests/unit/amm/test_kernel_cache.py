"""Where compiled kernels are kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from amm import kernel_cache

ROOT = Path(__file__).resolve().parents[3]


def names(package: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in kernel_cache.kernel_sources(package)}


def test_every_module_whose_code_or_constants_are_compiled_is_part_of_the_digest() -> None:
    assert {"amm/power.py", "amm/power_tables.py", "amm/reference.py", "amm/kernel_cache.py"} <= names("amm")
    below = {"amm/power.py", "amm/shares.py", "amm/kernel_cache.py", "ledger/errors.py"}
    assert below | {"ledger/engine/layout.py", "ledger/engine/handle.py"} <= names("ledger.engine")
    assert {"amm/fixed_point.py", "chain/runtime/yuma/bond_kernels.py"} <= names("chain.runtime.yuma")


def test_an_edit_in_the_engine_leaves_the_kernels_below_and_beside_it_as_they_are() -> None:
    assert not any(name.startswith(("ledger/", "chain/")) for name in names("amm"))
    assert not any(name.startswith("chain/") for name in names("ledger.engine"))
    assert not any(name.startswith("ledger/") for name in names("chain.runtime.yuma"))


def test_an_edit_in_the_shell_around_the_engine_compiles_nothing() -> None:
    assert not {"ledger/engine/machine.py", "ledger/engine/directory.py"} & names("ledger.engine")


def test_a_kernel_outside_the_named_packages_is_refused() -> None:
    with pytest.raises(LookupError, match="KERNEL_PACKAGES"):
        kernel_cache.package_of("app.settings")


def test_kernels_are_kept_in_the_folder_of_the_digest_even_where_numba_was_imported_first() -> None:
    program = "import numba; import amm.pool; print(amm.pool.pool_fee.stats.cache_path)"
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(answer.stdout.strip()).is_relative_to(kernel_cache.cache_folder("amm"))


def test_kernels_of_a_package_run_as_plain_python_where_the_environment_says_so() -> None:
    program = "from ledger.engine.pools import value_at as v; from amm.shares import cap as c; print(type(v), type(c))"
    environment = os.environ | {kernel_cache.INTERPRETED: "ledger.engine"}
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    plain, compiled = answer.stdout.split("> <")
    assert "function" in plain
    assert "CPUDispatcher" in compiled
