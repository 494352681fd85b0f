"""The port of alert channels."""

from __future__ import annotations

import socket
from typing import Any, Protocol

from actors.errors import TradingError
from daemon.alert_routing import Alert


class NotDelivered(TradingError):
    """One attempt has failed; its text names no secret."""

    def __init__(self, text: str, *, is_final: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final
        """Whether the same alert would be refused again."""


class Channel(Protocol):
    """Delivers one alert at a time."""

    async def send(self, alert: Alert) -> None:
        """Deliver, within the channel's own timeout.

        Raises:
            NotDelivered: It did not arrive.
        """

    async def close(self) -> None:
        """Give up what is open."""


def as_json(alert: Alert) -> dict[str, Any]:
    """The alert as plain values."""
    return {
        "severity": alert.severity,
        "kind": alert.kind,
        "subject": alert.subject,
        "text": alert.text,
        "count": alert.count,
        "time": alert.time,
        "host": socket.gethostname(),
    }
