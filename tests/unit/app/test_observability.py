import json
from collections.abc import Iterator

import pytest
import structlog

from app.observability import Metrics, configure_logging, get_logger


def test_two_gateways_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.requests.labels("Time").inc()

    assert 'taobourse_requests_total{method="Time"} 1.0' in first.exposition().decode()
    assert 'method="Time"' not in second.exposition().decode()


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Logs of later tests must not go to this test's captured stream."""
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_restored")
def test_log_lines_are_json_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    log = get_logger("gateway")
    log.debug("hidden")
    log.info("opened", port=5)

    out, err = capsys.readouterr()
    line = json.loads(err)
    assert out == ""
    assert (line["event"], line["part"], line["port"], line["level"]) == ("opened", "gateway", 5, "info")
    assert "timestamp" in line
