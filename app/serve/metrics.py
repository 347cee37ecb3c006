"""What a gateway of the server shape tells of its engine, beside its own metrics."""

from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from app.serve.remote import RemoteSequencer

_FIGURES: Final = {
    "taobourse_engine_connected": "1 while requests are taken, 0 while there is no engine.",
    "taobourse_engine_requests_in_flight": "Requests sent that have no answer yet.",
    "taobourse_engine_reconnects": "How often the connection to the engine was made again.",
}


class EngineMetrics:
    """Asked at each scrape."""

    def __init__(self, remote: RemoteSequencer) -> None:
        self._remote = remote
        self._registry = CollectorRegistry()
        self._gauges = {name: Gauge(name, text, registry=self._registry) for name, text in _FIGURES.items()}

    def exposition(self) -> bytes:
        """Return the figures in the text format of Prometheus."""
        remote = self._remote
        for gauge, figure in zip(
            self._gauges.values(), (remote.is_connected, remote.queued, remote.reconnects), strict=True
        ):
            gauge.set(figure)
        return generate_latest(self._registry)
