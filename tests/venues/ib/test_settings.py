"""What cannot be meant of a TWS is refused with the configuration, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import ConfigError
from daemon.config_sources import load_config
from tests.conftest import REPO_ROOT


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("port=0", "tws.port: 0 is not a whole number >= 1"),
        ("port=70000", "tws.port: 70000 is not a whole number <= 65535"),
        ("client_id=0", "tws.client_id: 0 is not a whole number >= 1"),
        ("host=", "tws.host: "),
        ("connect_seconds=0", "tws.connect_seconds: 0 is not a number > 0.0"),
        ("heartbeat_seconds=-3", "tws.heartbeat_seconds: -3 is not a number > 0.0"),
        (
            "heartbeat_deadline_seconds=30",
            "heartbeat_deadline_seconds is 30: write less than heartbeat_seconds",
        ),
        ("pause_seconds=90", "pause_cap_seconds is 60: write pause_seconds, 90, or more"),
        ("restarts.lead_seconds=-5", "tws.restarts.lead_seconds: -5 is not a number >= 0.0"),
        ("contracts.ES.sec_type=FUTURE", "'FUTURE' is not one of STK, CASH, FUT, OPT, CRYPTO"),
    ],
)
def test_a_value_that_no_tws_could_have_is_refused(setting: str, said: str) -> None:
    config = REPO_ROOT / "configs/ib-fake.toml"
    with pytest.raises(ConfigError) as caught:
        load_config(config, overrides=[f"venues.ib.tws.{setting}"], environ={})
    assert said in str(caught.value)


def test_what_a_table_says_of_its_own_values_is_told_with_its_place(tmp_path: Path) -> None:
    config = tmp_path / "tickerd.toml"
    config.write_text(
        """
[venues.ib]
kind = "ib"
[[venues.ib.tws.restarts.planned]]
at = "25:00"
"""
    )
    with pytest.raises(ConfigError) as caught:
        load_config(config, environ={})
    assert "venues.ib.tws.restarts.planned" in str(caught.value)
    assert str(caught.value).endswith("at is '25:00': write hour and minute as in 23:45")
