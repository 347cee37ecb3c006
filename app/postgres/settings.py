"""Server settings of the embedded database, given on its command line so that no file in the cluster can undo them."""

import hashlib
from collections.abc import Mapping

PORT = 5432
"""Only names the socket file; nothing listens on the network."""


def server_settings(*, socket_dir: str, wal_mb: int, shared_buffers_mb: int) -> dict[str, str]:
    """Return all settings; ``taobourse.settings`` is their digest, which tells a left-over server with older ones.

    ``min_wal_size = max_wal_size``: a new WAL segment costs a commit 15-57 ms, a recycled one 3-6 ms, so segments are
    kept and used again.
    """
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": socket_dir,
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "max_connections": "60",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_sync_retry": "off",
        "wal_level": "replica",
        "min_wal_size": f"{wal_mb}MB",
        "max_wal_size": f"{wal_mb}MB",
        "checkpoint_timeout": "15min",
        "shared_buffers": f"{shared_buffers_mb}MB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
        "logging_collector": "off",
        "log_destination": "stderr",
    }
    return {**settings, "taobourse.settings": settings_digest(settings)}


def settings_digest(settings: Mapping[str, str]) -> str:
    """Return a short digest of the settings, equal for equal settings in any order."""
    text = "\n".join(f"{name}={value}" for name, value in sorted(settings.items()))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
