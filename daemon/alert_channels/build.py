"""Channels from the configuration, their secrets found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from actors.errors import ConfigError
from daemon.alert_channels.port import Channel
from daemon.alert_settings import AlertsSection, SmtpChannel
from daemon.secret import resolve_secret


def make_channels(alerts: AlertsSection, environ: Mapping[str, str]) -> dict[str, Channel]:
    """Every channel by name; only the kinds in use are loaded.

    Raises:
        ConfigError: A secret is missing or unusable.
    """
    found: dict[str, Channel] = {}
    for name, hook in alerts.webhook.items():
        from daemon.alert_channels.webhook import Webhook

        url = resolve_secret(hook.url, environ).reveal()
        found[name] = Webhook(name=name, url=url, timeout_seconds=hook.timeout_seconds)
    for name, mail in alerts.smtp.items():
        from daemon.alert_channels.smtp import Mail

        _check_ca(name, mail)
        password = None if mail.password is None else resolve_secret(mail.password, environ)
        found[name] = Mail(mail, password)
    for name, program in alerts.exec.items():
        from daemon.alert_channels.command import Command

        found[name] = Command(program, environ)
    return found


def _check_ca(name: str, mail: SmtpChannel) -> None:
    if mail.ca_file is None:
        return
    try:
        with Path(mail.ca_file).open("rb"):
            return
    except OSError as error:
        raise ConfigError(
            f"alerts.smtp.{name}.ca_file: {mail.ca_file} cannot be read ({error.strerror}): correct the path"
        ) from None
