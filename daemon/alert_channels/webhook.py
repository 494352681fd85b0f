"""Alerts to an address that takes JSON in the form of Slack's incoming webhooks."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from actors.errors import ConfigError
from daemon.alert_channels.port import NotDelivered
from daemon.alert_routing import Alert
from daemon.alert_settings import LOOPBACK

_COLOURS = {"info": "#439fe0", "warning": "#daa038", "critical": "#a30200"}
_RETRYABLE = (408, 425, 429)


class Webhook:
    """Posts; any 2xx answer means delivered, redirects are not followed."""

    def __init__(self, *, name: str, url: str, timeout_seconds: float) -> None:
        """Raises `ConfigError` for what is no address, without repeating it: it is a secret."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                f"alerts.webhook.{name}.url: the secret is no address that starts with https://"
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ConfigError(
                f"alerts.webhook.{name}.url: the address sends unencrypted to another machine, use https://"
            )
        self._url, self._host = url, parts.hostname
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, alert: Alert) -> None:
        """Post one message."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.post(self._url, json=slack_form(alert), allow_redirects=False) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            # Its text may hold the address, which is a secret.
            raise NotDelivered(f"no answer from {self._host} ({type(error).__name__})") from None
        if not 200 <= status < 300:
            is_final = status < 500 and status not in _RETRYABLE
            raise NotDelivered(f"{self._host} answered {status}", is_final=is_final)

    async def close(self) -> None:
        """Give up the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def slack_form(alert: Alert) -> dict[str, Any]:
    """`text` for all readers of the form, `attachments` with colour and fields for those that know them."""
    fields = {"Severity": alert.severity, "Kind": alert.kind, "Subject": alert.subject, "Time": alert.time,
              "Count": str(alert.count), "Host": socket.gethostname()}  # fmt: skip
    return {
        "text": _escaped(f"tickerd: {alert.headline}"),
        "attachments": [
            {
                "color": _COLOURS[alert.severity],
                "fallback": _escaped(alert.headline),
                "fields": [
                    {"title": title, "value": _escaped(value), "short": True}
                    for title, value in fields.items()
                    if value
                ],
            }
        ],
    }


def _escaped(text: str) -> str:
    """Slack reads &, < and > as its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
