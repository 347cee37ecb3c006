import pytest
from pydantic import ValidationError

from app.settings import GatewaySettings


def test_settings_come_from_the_environment_and_what_is_given_wins() -> None:
    environment = {"TAOBOURSE_PORT": "9000", "TAOBOURSE_RATE_LIMITS": "false", "TAOBOURSE_OTHER": "x", "PORT": "1"}

    settings = GatewaySettings.read(environment, host="0.0.0.0")

    assert (settings.port, settings.rate_limits, settings.host) == (9000, False, "0.0.0.0")


@pytest.mark.parametrize(
    "environment",
    [{"TAOBOURSE_PORT": "70000"}, {"TAOBOURSE_PORT": "x"}, {"TAOBOURSE_TIER": "gold"}, {"TAOBOURSE_OUTBOX_MAX": "0"}],
)
def test_a_bad_value_is_refused_by_its_name(environment: dict[str, str]) -> None:
    name = next(iter(environment)).removeprefix("TAOBOURSE_").lower()

    with pytest.raises(ValidationError, match=name):
        GatewaySettings.read(environment)


def test_a_misspelt_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="prot"):
        GatewaySettings.read({}, prot=1)
