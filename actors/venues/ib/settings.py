"""Where TWS is, and how patient we are with it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.venues.ib.contracts import ContractSpec
from actors.venues.ib.restarts import Restarts

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where TWS is, and how patient we are."""

    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 7497
    client_id: Annotated[int, msgspec.Meta(ge=1)] = 17
    """Always the same one: another client's orders can neither be changed nor cancelled. 0 is
    the client that orders by hand belong to."""
    connect_seconds: Seconds = 15.0
    answer_seconds: Seconds = 10.0
    heartbeat_seconds: Seconds = 10.0
    heartbeat_deadline_seconds: Seconds = 5.0
    pause_seconds: Seconds = 1.0
    pause_cap_seconds: Seconds = 60.0
    commission_seconds: Seconds = 60.0
    """A commission that does not come in this time is told as unknown, and booked when it comes."""
    alarm_minutes: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """A line that is down for so long is an alert, and again and again until it is up; one that goes in a
    planned restart, for so long after its end."""
    restarts: Restarts = Restarts()

    def __post_init__(self) -> None:
        deadline, heartbeat = self.heartbeat_deadline_seconds, self.heartbeat_seconds
        if deadline >= heartbeat:
            raise ValueError(
                f"heartbeat_deadline_seconds is {deadline:g}: write less than "
                f"heartbeat_seconds, which is {heartbeat:g}"
            )
        if self.pause_cap_seconds < self.pause_seconds:
            raise ValueError(
                f"pause_cap_seconds is {self.pause_cap_seconds:g}: write pause_seconds, "
                f"{self.pause_seconds:g}, or more"
            )

    def alarm_seconds(self, since_ns: int | None) -> float:
        """How long a line that went then may be away."""
        ahead = self.heartbeat_seconds  # so much before the lead the line may go, never within it
        planned = 0.0 if since_ns is None else self.restarts.seconds_left(since_ns, ahead)
        return planned + self.alarm_minutes * 60


class TwsSettings(SessionSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TWS with the contracts whose names alone do not say which they are."""

    contracts: dict[str, ContractSpec] = {}
    """By the name used in `NAME@venue`."""
