"""All configuration, read once from the environment: ``TAOBOURSE_<NAME>`` for each field of these classes."""

import os
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from ledger.log.snapshot_writer import SnapshotSettings

PREFIX = "TAOBOURSE_"


class _FromEnvironment(BaseModel):
    """Settings that read themselves from the environment; unknown variables are left alone, bad values refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None, **given: object) -> Self:
        """Return the settings of the environment; what is given here wins.

        Raises ``pydantic.ValidationError``, which names each bad variable by its field.
        """
        source = os.environ if environment is None else environment
        found = {name: source[PREFIX + name.upper()] for name in cls.model_fields if PREFIX + name.upper() in source}
        return cls.model_validate(found | given)


class ExchangeSettings(_FromEnvironment):
    """What the whole process needs: the URL of another PostgreSQL, the passphrase of the sealed custody seed.

    A snapshot is written every ``snapshot_events`` events or ``snapshot_seconds`` s, the newest ``snapshot_keep`` stay.
    The log's head is anchored on the chain every ``anchor_heads`` heads, 0: never.
    """

    database_url: str | None = None
    passphrase: SecretStr | None = None
    snapshot_events: Annotated[int, Field(ge=1_000)] = 1_000_000
    snapshot_seconds: Annotated[float, Field(ge=1, le=86_400)] = 900.0
    anchor_heads: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    snapshot_keep: Annotated[int, Field(ge=1, le=100)] = 3

    @property
    def snapshots(self) -> SnapshotSettings:
        """Return the schedule of snapshots."""
        return SnapshotSettings(
            every_events=self.snapshot_events, every_s=self.snapshot_seconds, keep=self.snapshot_keep
        )

    @property
    def passphrase_bytes(self) -> bytes | None:
        """Return the passphrase as the seal takes it."""
        return None if self.passphrase is None else self.passphrase.get_secret_value().encode()


class GatewaySettings(_FromEnvironment):
    """The doors: where they listen and how much they let in.

    ``body_bytes_max`` and ``frame_bytes_max`` bound one request and one frame from a client; ``outbox_max`` frames may
    wait for a slow socket before it is dropped; ``slippage_ppm`` is what market orders accept by default, ppm;
    ``address_cooling_ms`` passes before a new withdrawal address may be used.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8_700
    rate_limits: bool = True
    tier: Literal["starter", "intermediate", "pro"] = "pro"
    body_bytes_max: Annotated[int, Field(ge=1_024, le=16 * 2**20)] = 64 * 1_024
    frame_bytes_max: Annotated[int, Field(ge=1_024, le=16 * 2**20)] = 64 * 1_024
    outbox_max: Annotated[int, Field(ge=16, le=1_000_000)] = 1_000
    sockets_max: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    subscriptions_max: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    slippage_ppm: Annotated[int, Field(ge=0, le=999_999)] = 5_000
    address_cooling_ms: Annotated[int, Field(ge=0, le=90 * 86_400_000)] = 86_400_000
    log_level: Literal["debug", "info", "warning", "error"] = "info"
