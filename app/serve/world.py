"""What a part with a database, a node or an engine may meet: it can do nothing about it, ends, and is started again."""

from typing import Final

import asyncpg

from app.link.connection import LinkError
from ledger.log.errors import LogError
from ledger.sequencer import Unavailable

WORLD: Final = (LogError, LinkError, Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError)
