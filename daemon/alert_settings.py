"""Alerts and the dead-man as the configuration gives them, and what no type says about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from actors.errors import ConfigError
from daemon.config_files import KeyPath
from daemon.config_types import Misplaced, nearest
from daemon.secret import check_secret_name

Severity = Literal["info", "warning", "critical"]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
KINDS = (
    "started", "stopping", "core_failed", "active", "reduce_only", "paused", "halted", "strategy_failed",
    "step_failed", "difference_found", "unknown_order", "rejections", "account_down", "feed_down",
    "line_down", "data_trouble", "checkpoint_old", "clock", "disk", "store", "broker", "heartbeat",
    "unit_failed", "held_back", "message", "margin_call", "fill_corrected", "fee_unknown", "test",
)  # fmt: skip
"""Every kind of alert there is; `kinds` of a channel picks from them."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table."""


class ChannelSection(Section, frozen=True, kw_only=True):
    """Which alerts a channel gets, and when."""

    severity_min: Severity = "warning"
    kinds: tuple[str, ...] = ()
    """Only these; empty: all."""
    quiet_hours: str | None = None
    """`22:00-07:00`, in `alerts.timezone`: only critical alerts pass, the others are summed up afterwards."""
    timeout_seconds: Positive = 10.0
    """Of one attempt."""


class WebhookChannel(ChannelSection, frozen=True, kw_only=True):
    """An address that takes JSON in the form of Slack's incoming webhooks."""

    url: str
    """Name of the secret that holds the address: whoever knows it may post."""


class SmtpChannel(ChannelSection, frozen=True, kw_only=True):
    """Mail."""

    host: str
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` only for a relay on this machine."""
    ca_file: str | None = None
    """Certificates to trust instead of the system's."""
    user: str | None = None
    password: str | None = None
    """Name of the secret."""
    sender: str
    recipients: tuple[str, ...]


class ExecChannel(ChannelSection, frozen=True, kw_only=True):
    """A program: gets the alert as one JSON object on its standard input; no shell."""

    command: tuple[str, ...]


class AlertsSection(Section, frozen=True, kw_only=True):
    """What is worth an alert, and where alerts go."""

    timezone: str = "UTC"
    repeat_seconds: Positive = 300.0
    """The same alert goes out once in so long; then once more with its count."""
    remind_minutes: Positive = 15.0
    """How often a condition that lasts is told again."""
    give_up_minutes: Positive = 60.0
    """How long delivery of one alert is tried."""
    unknown_order_seconds: Positive = 30.0
    account_down_seconds: Positive = 60.0
    """An account that is starting or reconciling for so long: its broker is down, or nothing agrees."""
    feed_down_seconds: Positive = 60.0
    checkpoint_age_seconds: Positive = 600.0
    rejections_per_minute: Count = 10
    """So many orders of one account refused by the venue within a minute."""
    webhook: dict[str, WebhookChannel] = {}
    smtp: dict[str, SmtpChannel] = {}
    exec: dict[str, ExecChannel] = {}

    def channels(self) -> dict[str, ChannelSection]:
        """Every channel by its name, which is unique over all kinds."""
        return {**self.webhook, **self.smtp, **self.exec}


class DeadmanSection(Section, frozen=True, kw_only=True):
    """`tickerd deadman`: the second process that watches the heartbeat."""

    silence_seconds: Positive = 30.0
    """Without a heartbeat for so long the daemon counts as dead."""
    cancel_orders: bool = False
    """Whether its open orders are cancelled then: kill switch, end of the process, and cancels."""
    remind_minutes: Positive = 15.0


def parse_quiet_hours(text: str) -> tuple[time, time]:
    """Begin and end.

    Raises:
        ConfigError: Not two times of day.
    """
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"{text!r} are no quiet hours: write them as 22:00-07:00")
    begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if begin == end:
        raise ConfigError(f"{text!r} begins where it ends: leave quiet_hours out, or give a real span")
    return begin, end


def check_alerts(alerts: AlertsSection) -> None:
    """Check what the types alone do not say.

    Raises:
        Misplaced: The first thing that is wrong.
    """
    try:
        ZoneInfo(alerts.timezone)
    except (KeyError, OSError, ValueError):
        raise Misplaced(
            ("alerts", "timezone"), f"there is no time zone {alerts.timezone!r}: write Europe/Berlin or UTC"
        ) from None
    seen: dict[str, str] = {}
    for kind, name, channel in _all(alerts):
        place = ("alerts", kind, name)
        if name in seen:
            raise Misplaced(place, f"a channel of kind {seen[name]} has this name too: rename one of the two")
        seen[name] = kind
        _check_channel(channel, place)
        match channel:
            case WebhookChannel():
                _check_secret(channel.url, (*place, "url"))
            case SmtpChannel():
                _check_smtp(channel, place)
            case ExecChannel() if not channel.command or not channel.command[0]:
                raise Misplaced((*place, "command"), "is empty: name the program and its arguments")


def secret_names(alerts: AlertsSection) -> dict[str, str]:
    """Place in the configuration → name of the secret."""
    urls = {f"alerts.webhook.{name}.url": channel.url for name, channel in alerts.webhook.items()}
    return urls | {
        f"alerts.smtp.{name}.password": channel.password
        for name, channel in alerts.smtp.items()
        if channel.password is not None
    }


def _all(alerts: AlertsSection) -> Iterator[tuple[str, str, ChannelSection]]:
    for kind in ("webhook", "smtp", "exec"):
        for name, channel in getattr(alerts, kind).items():
            yield kind, name, channel


def _check_channel(channel: ChannelSection, place: KeyPath) -> None:
    for number, kind in enumerate(channel.kinds):
        if kind not in KINDS:
            raise Misplaced(
                (*place, "kinds", str(number)), f"there is no alert {kind!r}, {nearest(kind, KINDS)}"
            )
    if channel.quiet_hours is not None:
        try:
            parse_quiet_hours(channel.quiet_hours)
        except ConfigError as error:
            raise Misplaced((*place, "quiet_hours"), str(error)) from None


def _check_smtp(channel: SmtpChannel, place: KeyPath) -> None:
    if not channel.recipients:
        raise Misplaced((*place, "recipients"), "is empty: name at least one address")
    if channel.security == "none" and channel.host not in LOOPBACK:
        raise Misplaced(
            (*place, "security"), 'sends mail unencrypted to another machine, use "starttls" or "tls"'
        )
    if (channel.user is None) != (channel.password is None):
        raise Misplaced(place, "user and password go together: give both or neither")
    if channel.password is not None:
        _check_secret(channel.password, (*place, "password"))


def _check_secret(name: str, place: KeyPath) -> None:
    try:
        check_secret_name(name)
    except ConfigError as error:
        raise Misplaced(place, str(error)) from None
