"""What is worth an alert: messages of the record, bursts, and conditions that last too long. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from actors.messages.base import Message
from actors.messages.control import BrokerStopped, ClockMeasured, Started, Stop
from actors.messages.orders import OrderOutcomeUnknown, OrderRejected
from actors.store.alerts import NOTED, notice_of
from daemon.alert_routing import Alert, Bursts, seconds_ns
from daemon.alert_settings import AlertsSection, Severity
from daemon.telemetry import Telemetry

HEARD: frozenset[type[Message]] = (NOTED - {OrderOutcomeUnknown}) | {
    OrderRejected, BrokerStopped, ClockMeasured, Started, Stop,
}  # fmt: skip
"""Messages to hand to `Watch.on_message`; a fresh unknown order is no news, one that stays unknown is."""

_DOWN = ("starting", "reconciling")
CLOCK_OFF_MS = 10_000
"""So far the venue's clock and ours may differ before somebody must look: the tape keeps our times."""


class Condition(NamedTuple):
    """Something that is not as it should be just now."""

    severity: Severity
    kind: str
    subject: str
    text: str
    since_ns: int | None
    """When it began; None: when it is first seen."""
    limit_ns: int
    """How long it may last."""


class _Standing(msgspec.Struct):
    since_ns: int
    began_ns: int = 0
    """Since when it had lasted as it was told first."""
    told_ns: int | None = None


class Watch:
    """Turns what happens and what lasts into alerts."""

    def __init__(self, settings: AlertsSection) -> None:
        self._settings = settings
        self._rejections = Bursts(settings.rejections_per_minute)
        self._remind_ns = seconds_ns(settings.remind_minutes * 60)
        self._standing: dict[tuple[str, str], _Standing] = {}
        self._broker_reasons: dict[str, str] = {}
        self._offsets_ms: dict[str, int] = {}

    def on_message(self, message: Message, ts_ns: int) -> list[Alert]:
        """What one message of the record is worth."""
        match message:
            case OrderRejected():
                return self._rejected(message, ts_ns)
            case BrokerStopped():
                self._broker_reasons[message.account] = message.reason
                return []
            case ClockMeasured():
                self._offsets_ms[message.account] = message.offset_ms
                return []
            case Started():
                return [_alert("info", "started", "", f"process life {message.epoch} begins", ts_ns)]
            case Stop():
                return [_alert("info", "stopping", "", f"stopped by {message.by}", ts_ns)]
            case _:
                notice = notice_of(message)
                return [] if notice is None else [_alert(*notice, ts_ns)]

    def _rejected(self, event: OrderRejected, ts_ns: int) -> list[Alert]:
        count = self._rejections.add(event.account, ts_ns)
        if not count:
            return []
        text = f"{count} orders refused within a minute, the last one: {event.code} {event.text}"
        return [_alert("warning", "rejections", event.account, text, ts_ns)]

    def check(self, telemetry: Telemetry, now_ns: int) -> list[Alert]:
        """Alerts of conditions that have lasted too long, of those still lasting, and of those that ended."""
        found: list[Alert] = []
        present: dict[tuple[str, str], None] = {}
        for condition in self._conditions(telemetry, self._settings):
            key = (condition.kind, condition.subject)
            present[key] = None
            standing = self._standing.setdefault(key, _Standing(now_ns))
            if condition.since_ns is not None:
                standing.since_ns = condition.since_ns
            found += self._judged(condition, standing, now_ns)
        for key in [key for key in self._standing if key not in present]:
            found += _ended(key, self._standing.pop(key), now_ns)
        return found

    def _judged(self, condition: Condition, standing: _Standing, now_ns: int) -> list[Alert]:
        key = (condition.kind, condition.subject)
        lasts_ns = now_ns - standing.since_ns
        if lasts_ns < condition.limit_ns:
            return _ended(key, standing, now_ns)
        if standing.told_ns is not None and now_ns - standing.told_ns < self._remind_ns:
            return []
        if standing.told_ns is None:
            standing.began_ns = standing.since_ns
        standing.told_ns = now_ns
        text = f"for {lasts_ns / 1e9:.0f} s: {condition.text}"
        return [_alert(condition.severity, *key, text, now_ns)]

    def _conditions(self, t: Telemetry, s: AlertsSection) -> Iterable[Condition]:
        for account, since in t.unknown_since_ns.items():
            text = "an order's outcome is unknown; see `tickerd ctl orders`"
            limit = seconds_ns(s.unknown_order_seconds)
            yield Condition("critical", "unknown_order", account, text, since, limit)
        for account, figures in t.accounts.items():
            if figures.state in _DOWN and not _is_line_down(t, t.account_lines.get(account)):
                reason = self._broker_reasons.get(account, "see `tickerd ctl status`")
                text = f"{figures.state}, nothing is traded: {reason}"
                limit = seconds_ns(s.account_down_seconds)
                yield Condition("critical", "account_down", account, text, None, limit)
        for account, offset_ms in self._offsets_ms.items():
            if abs(offset_ms) > CLOCK_OFF_MS:
                text = f"the venue's clock minus ours is {offset_ms / 1e3:+.0f} s: set this machine's clock"
                yield Condition("critical", "clock", account, text, None, 0)
        yield from _feed_conditions(t, s)
        yield from _line_conditions(t, s)
        if t.checkpoint_ns is not None:
            text = "no new checkpoint: recovery gets slower, and the database may be out of order"
            limit = seconds_ns(s.checkpoint_age_seconds)
            yield Condition("warning", "checkpoint_old", "", text, t.checkpoint_ns, limit)


def _is_line_down(t: Telemetry, venue: str | None) -> bool:
    """Whether what follows from it needs no alert of its own: `line_down` tells it, and knows of restarts."""
    line = None if venue is None else t.lines.get(venue)
    return line is not None and line.down_since_ns is not None


def _feed_conditions(t: Telemetry, s: AlertsSection) -> Iterable[Condition]:
    limit = seconds_ns(s.feed_down_seconds)
    for venue, is_connected in t.feed_connected.items():
        if _is_line_down(t, venue):
            continue
        data = t.feed_data.get(venue)
        if data is not None and data.is_dark:
            text = f"no instrument has live data, none can be traded on them: {data.reason}"
            yield Condition("critical", "feed_down", venue, text, None, limit)
        elif not is_connected:
            text = "no market data"
            if data is not None and data.instruments:
                text = f"{data.instruments - data.live} of {data.instruments} instruments have no live data"
                text = f"{text}: {data.reason}"
            yield Condition("warning", "feed_down", venue, text, None, limit)


def _line_conditions(t: Telemetry, s: AlertsSection) -> Iterable[Condition]:
    for venue, line in t.lines.items():
        if line.down_since_ns is not None:
            limit = seconds_ns(line.alarm_seconds)
            yield Condition("critical", "line_down", venue, line.reason, line.down_since_ns, limit)
        if any(line.troubles.values()):
            text = ", ".join(f"{count} {why}" for why, count in line.troubles.items() if count)
            limit = seconds_ns(s.feed_down_seconds)
            yield Condition(
                "warning", "data_trouble", venue, f"instruments without live data: {text}", None, limit
            )


def _ended(key: tuple[str, str], standing: _Standing, now_ns: int) -> list[Alert]:
    if standing.told_ns is None:
        return []
    standing.told_ns = None
    return [_alert("info", *key, f"right again after {(now_ns - standing.began_ns) / 1e9:.0f} s", now_ns)]


def _alert(severity: Severity, kind: str, subject: str, text: str, ts_ns: int) -> Alert:
    return Alert(severity=severity, kind=kind, subject=subject, text=text, ts_ns=ts_ns)
