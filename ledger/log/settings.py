"""Database settings without which a committed batch could be lost; looked at before the first write."""

from collections.abc import Mapping

from ledger.log.errors import SettingsRefused

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
    "data_sync_retry": ("off",),
    "data_checksums": ("on",),
    "wal_level": ("replica", "logical"),
    "server_encoding": ("UTF8",),
}
"""Setting -> values under which the promises hold; the first is named where another is found."""


def check_settings(found: Mapping[str, str]) -> None:
    """Raise ``SettingsRefused`` with every setting that must change; one that is missing counts as wrong."""
    wrong = tuple(
        (name, found.get(name, "missing"), allowed[0])
        for name, allowed in REQUIRED.items()
        if found.get(name) not in allowed
    )
    if wrong:
        raise SettingsRefused(settings=wrong)
