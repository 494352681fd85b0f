"""`[alerts]` and `[deadman]` in the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import ConfigError
from daemon.alert_settings import secret_names
from daemon.config import Config
from daemon.config_sources import load_config

GOOD = """
[alerts]
timezone = "Europe/Berlin"

[alerts.webhook.desk]
url = "ALERT_WEBHOOK_URL"
quiet_hours = "22:00-07:00"
kinds = ["halted", "core_failed"]

[alerts.smtp.mail]
host = "mail.example.com"
user = "tickerd"
password = "ALERT_SMTP_PASSWORD"
sender = "tickerd@example.com"
recipients = ["ops@example.com"]

[alerts.exec.siren]
command = ["/usr/local/bin/siren", "--loud"]
severity_min = "critical"

[deadman]
silence_seconds = 20
cancel_orders = true
"""


def loaded(folder: Path, text: str) -> Config:
    file = folder / "tickerd.toml"
    file.write_text(text)
    return load_config(file, environ={}).config


def test_every_kind_of_channel_is_read_and_its_secrets_are_names(tmp_path: Path) -> None:
    config = loaded(tmp_path, GOOD)
    assert list(config.alerts.channels()) == ["desk", "mail", "siren"]
    assert secret_names(config.alerts) == {
        "alerts.webhook.desk.url": "ALERT_WEBHOOK_URL",
        "alerts.smtp.mail.password": "ALERT_SMTP_PASSWORD",
    }
    assert config.deadman.cancel_orders


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('timezone = "Europe/Berlin"', 'timezone = "Europe/Atlantis"', "no time zone 'Europe/Atlantis'"),
        ("22:00-07:00", "22-7", "write them as 22:00-07:00"),
        ("22:00-07:00", "22:00-22:00", "begins where it ends"),
        ('"halted"', '"haltd"', "did you mean 'halted'?"),
        ("ALERT_WEBHOOK_URL", "https://hooks.example.com/x", "the \\*name\\* of a secret"),
        ("[alerts.exec.siren]", "[alerts.exec.mail]", "has this name too"),
        ('["ops@example.com"]', "[]", "recipients: is empty"),
        ('user = "tickerd"', "", "user and password go together"),
        ('host = "mail.example.com"', 'host = "mail.example.com"\nsecurity = "none"', "unencrypted"),
        ('["/usr/local/bin/siren", "--loud"]', "[]", "command: is empty"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_its_place(
    tmp_path: Path, before: str, after: str, why: str
) -> None:
    assert before in GOOD
    with pytest.raises(ConfigError, match=why) as caught:
        loaded(tmp_path, GOOD.replace(before, after))
    assert "alerts" in str(caught.value)
