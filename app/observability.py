"""Structured logs and metrics: JSON lines to stderr, Prometheus names with units."""

import logging
import sys
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

# Of the whole process and told by every registry; made without one, so that several may take them in.
SNAPSHOTS_REFUSED: Final = Counter(
    "taobourse_snapshots_refused_total", "Stored snapshots that did not hold and were left out.", registry=None
)
ANCHOR_BATCH: Final = Gauge("taobourse_anchor_batch", "Newest batch whose hash is final in the chain.", registry=None)
ANCHOR_HEIGHT: Final = Gauge("taobourse_anchor_height", "Height of the block that holds it.", registry=None)
SNAPSHOT_SEQ: Final = Gauge("taobourse_snapshot_seq", "Seq of the newest snapshot used or written.", registry=None)


def configure_logging(level: str = "info") -> None:
    """Write log lines as JSON to stderr from this level on; stdout belongs to answers."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        # Asked for at each line: what stands behind sys.stderr may change in the life of a process.
        logger_factory=lambda *_: structlog.PrintLogger(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(part: str) -> Any:
    """Return a logger whose lines name the part of the system."""
    return structlog.get_logger().bind(part=part)


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the gateway counts, in a registry of its own so that several apps may live in one process."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    refusals: Counter = field(init=False)
    duration: Histogram = field(init=False)
    sockets: Gauge = field(init=False)
    frames: Counter = field(init=False)
    dropped: Counter = field(init=False)
    replica_seq: Gauge = field(init=False)

    def __post_init__(self) -> None:
        """Register every metric."""
        declared = {
            "requests": Counter("taobourse_requests_total", "Requests by method.", ["method"], registry=self.registry),
            "refusals": Counter("taobourse_refusals_total", "Refusals by code.", ["code"], registry=self.registry),
            "duration": Histogram(
                "taobourse_request_seconds",
                "Time from request to answer by method.",
                ["method"],
                buckets=_SECONDS,
                registry=self.registry,
            ),
            "sockets": Gauge("taobourse_sockets", "Open sockets.", registry=self.registry),
            "frames": Counter("taobourse_frames_sent_total", "Frames sent to sockets.", registry=self.registry),
            "dropped": Counter(
                "taobourse_sockets_dropped_total", "Sockets dropped as too slow.", registry=self.registry
            ),
            "replica_seq": Gauge("taobourse_replica_seq", "Seq the replica reflects.", registry=self.registry),
        }
        for name, metric in declared.items():
            object.__setattr__(self, name, metric)
        for shared in (ANCHOR_BATCH, ANCHOR_HEIGHT, SNAPSHOTS_REFUSED, SNAPSHOT_SEQ):
            self.registry.register(shared)

    def exposition(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)
