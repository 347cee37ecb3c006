"""A database that could forget a commit is refused, with every setting that must change."""

import pytest

from ledger.log.errors import SettingsRefused
from ledger.log.settings import REQUIRED, check_settings

GOOD = {name: allowed[0] for name, allowed in REQUIRED.items()}


def test_good_settings_pass() -> None:
    check_settings(GOOD)
    check_settings(GOOD | {"synchronous_commit": "remote_apply", "wal_level": "logical"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("data_sync_retry", "on"),
        ("data_checksums", "off"),
        ("wal_level", "minimal"),
        ("server_encoding", "SQL_ASCII"),
    ],
)
def test_a_dangerous_setting_is_named_with_what_it_must_be(name: str, value: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        check_settings(GOOD | {name: value})

    assert refused.value.settings == ((name, value, GOOD[name]),)
    assert f"{name} is {value}" in str(refused.value)


def test_all_wrong_settings_are_told_at_once_and_missing_ones_count() -> None:
    with pytest.raises(SettingsRefused) as refused:
        check_settings({})

    assert len(refused.value.settings) == len(REQUIRED)
