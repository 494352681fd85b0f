"""Alerts: tells people what the record and the process show, and never holds up trading.

Reads   steps                   from the runtime's observer: remembered there, worked through in its own task
        Telemetry               every few seconds: orders unknown, accounts and feeds down, an old checkpoint
        `raise_alert`           from whoever knows what no message says: core failure, store fault
Writes  alerts                  to channels: each has its own bounded inbox, task, retries and back-off
State   none that outlives the process; what is worth keeping is in the record, and so in the `alerts` table
Fails   a channel that fails is retried with capped, jittered back-off, then given up, logged and counted
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from zoneinfo import ZoneInfo

import structlog

from actors.errors import TradingError
from actors.messages.base import Message
from actors.venues.backoff import Backoff
from daemon.alert_channels.build import make_channels
from daemon.alert_channels.port import Channel, NotDelivered
from daemon.alert_routing import Alert, Inbox, Repeats, Route, seconds_ns
from daemon.alert_rules import HEARD, Watch
from daemon.alert_settings import AlertsSection, Severity
from daemon.telemetry import Telemetry

log = structlog.get_logger(__name__)

HEARD_MAX = 10_000
CHECK_SECONDS = 2.0
BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_CAP_SECONDS = 60.0


class _Line:
    """One channel with its route and what it has still to deliver."""

    def __init__(self, name: str, channel: Channel, route: Route) -> None:
        self.name, self.channel, self.route = name, channel, route
        self.inbox = Inbox()
        self.wake = asyncio.Event()


class Alerts:
    """The edge actor."""

    def __init__(
        self,
        settings: AlertsSection,
        *,
        environ: Mapping[str, str],
        now_ns: Callable[[], int],
        telemetry: Telemetry,
    ) -> None:
        """Raises `ConfigError` when a channel's secret is missing."""
        self._settings, self._now_ns, self._telemetry = settings, now_ns, telemetry
        zone, sections = ZoneInfo(settings.timezone), settings.channels()
        self._lines = [
            _Line(name, channel, Route(sections[name], zone))
            for name, channel in make_channels(settings, environ).items()
        ]
        self._watch = Watch(settings)
        self._repeats = Repeats(seconds_ns(settings.repeat_seconds))
        self._heard: deque[tuple[int, Message]] = deque()
        self._raised: deque[Alert] = deque()
        self._wake = asyncio.Event()
        self._is_closing = self._is_over = False
        telemetry.refreshers.append(self._refresh)

    # from the loop: nothing here can wait or fail

    def on_step(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        """Remember what may be worth an alert."""
        for each in (message, *sent):
            if each.__class__ in HEARD:
                if len(self._heard) >= HEARD_MAX:
                    self._heard.popleft()
                    self._telemetry.count(self._telemetry.alerts_dropped, "unread")
                self._heard.append((ts_init, each))
                self._wake.set()

    def raise_alert(self, severity: Severity, kind: str, subject: str, text: str) -> None:
        """Tell something that no message of the record says."""
        self._raised.append(
            Alert(severity=severity, kind=kind, subject=subject, text=text, ts_ns=self._now_ns())
        )
        self._wake.set()

    def on_store_fault(self, fault: TradingError | None) -> None:
        """The database cannot be written, or can be again."""
        if fault is None:
            log.info("store works")
            self.raise_alert("info", "store", "", "right again")
        else:
            log.error("store", fault=str(fault))
            self.raise_alert("critical", "store", "", str(fault))

    # beside it

    async def run(self) -> None:
        """Deliver until closed and everything is delivered or given up."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for line in self._lines:
                    tasks.create_task(self._serve(line), name=f"alerts:{line.name}")
                await self._sort_out()
        finally:
            for line in self._lines:
                await line.channel.close()

    async def close(self) -> None:
        """Deliver what is there, each alert with one more attempt; `run` returns then."""
        self._is_closing = True
        self._wake.set()

    async def _sort_out(self) -> None:
        checked = monotonic()
        while True:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            is_last, is_due = self._is_closing, monotonic() - checked >= CHECK_SECONDS
            try:
                self._look(is_last=is_last, with_conditions=is_due)
            except Exception:  # a fault in here must cost alerts, never the trading it reports on
                log.exception("alerts could not be worked out")
            if is_due:
                checked = monotonic()
            if is_last:
                break
        self._is_over = True
        for line in self._lines:
            line.wake.set()

    def _look(self, *, is_last: bool, with_conditions: bool) -> None:
        now = self._now_ns()
        self._take(self._fresh(), now)
        if with_conditions:
            self._telemetry.refresh()
            self._take(self._watch.check(self._telemetry, now), now)
        self._hand_over(self._repeats.due(now, is_last=is_last), now)
        for line in self._lines:
            self._put(line, line.route.due(now))
            if is_last:
                line.wake.set()

    def _fresh(self) -> list[Alert]:
        found = []
        while self._heard:
            ts, message = self._heard.popleft()
            found += self._watch.on_message(message, ts)
        while self._raised:
            found.append(self._raised.popleft())
        return found

    def _take(self, alerts: Iterable[Alert], now: int) -> None:
        for alert in alerts:
            self._telemetry.count(self._telemetry.alerts_raised, (alert.severity, alert.kind))
            self._hand_over(self._repeats.take(alert), now)

    def _hand_over(self, alerts: Sequence[Alert], now: int) -> None:
        for alert in alerts:
            level = {"info": log.info, "warning": log.warning, "critical": log.error}[alert.severity]
            level("alert", kind=alert.kind, subject=alert.subject, text=alert.text, count=alert.count)
            for line in self._lines:
                self._put(line, line.route.take(alert, now))

    def _put(self, line: _Line, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if line.inbox.put(alert) is not None:
                self._telemetry.count(self._telemetry.alerts_dropped, line.name)
            line.wake.set()

    async def _serve(self, line: _Line) -> None:
        while True:
            alert = line.inbox.take()
            if alert is not None:
                await self._deliver(line, alert)
            elif self._is_over:
                return
            else:
                await line.wake.wait()
                line.wake.clear()

    async def _deliver(self, line: _Line, alert: Alert) -> None:
        """Until it has arrived, is refused for good, or is not worth more attempts."""
        backoff = Backoff(first_seconds=BACKOFF_FIRST_SECONDS, cap_seconds=BACKOFF_CAP_SECONDS)
        give_up = monotonic() + self._settings.give_up_minutes * 60
        while True:
            try:
                await _send(line.channel, alert)
            except NotDelivered as error:
                self._telemetry.count(self._telemetry.alerts_failed, line.name)
                is_over = error.is_final or self._is_closing or monotonic() >= give_up
                log.warning("alert not delivered", channel=line.name, error=str(error), given_up=is_over)
                if is_over:
                    self._telemetry.count(self._telemetry.alerts_dropped, line.name)
                    return
            else:
                self._telemetry.count(self._telemetry.alerts_sent, line.name)
                return
            await self._pause(line, backoff.next())

    async def _pause(self, line: _Line, seconds: float) -> None:
        """Wait; the end of the process cuts it short."""
        end = monotonic() + seconds
        while not self._is_closing and (left := end - monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    await line.wake.wait()
            except TimeoutError:
                return
            line.wake.clear()

    def _refresh(self, telemetry: Telemetry) -> None:
        telemetry.alerts_repeated = self._repeats.counted
        for line in self._lines:
            telemetry.queue_depth[f"alerts:{line.name}"] = len(line.inbox)


async def _send(channel: Channel, alert: Alert) -> None:
    try:
        await channel.send(alert)
    except NotDelivered:
        raise
    except Exception as error:  # whatever a library does not declare must not reach the supervisor
        log.exception("alert channel is at fault")
        raise NotDelivered(f"a fault in the channel ({type(error).__name__})", is_final=True) from error


def wanted_by(settings: AlertsSection, alert: Alert) -> list[str]:
    """Channels that want an alert, quiet hours aside: for one-shot commands."""
    zone = ZoneInfo(settings.timezone)
    return [name for name, section in settings.channels().items() if Route(section, zone).wants(alert)]


async def deliver_now(
    alert: Alert, settings: AlertsSection, *, environ: Mapping[str, str], names: Sequence[str], attempts: int
) -> dict[str, str | None]:
    """Send one alert over the named channels at once, whatever their routes say: for one-shot commands.

    Returns:
        Channel → why it did not arrive; None where it did.
    """
    chosen = {name: channel for name, channel in make_channels(settings, environ).items() if name in names}
    results = await asyncio.gather(*(_tried(channel, alert, attempts) for channel in chosen.values()))
    return dict(zip(chosen, results, strict=True))


async def _tried(channel: Channel, alert: Alert, attempts: int) -> str | None:
    backoff, why = Backoff(first_seconds=BACKOFF_FIRST_SECONDS, cap_seconds=BACKOFF_CAP_SECONDS), ""
    try:
        for attempt in range(attempts):
            if attempt:
                await asyncio.sleep(backoff.next())
            try:
                await _send(channel, alert)
                return None
            except NotDelivered as error:
                why = str(error)
                if error.is_final:
                    break
        return why
    finally:
        await channel.close()
