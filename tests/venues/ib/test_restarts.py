"""Planned restarts, on ordinary days and on those when the clocks change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from structlog.testing import capture_logs

from actors.messages.control import BrokerStopped
from actors.messages.orders import NotSent
from actors.venues.ib.restarts import Restart, Restarts
from actors.venues.ib.settings import SessionSettings
from tests.venues.ib.rig import rig
from tests.venues.ib.test_hours import ns

NIGHTLY = Restarts(planned=(Restart(at="23:45"),))


@pytest.mark.parametrize(
    ("now", "is_quiet"),
    [
        ("2026-11-21 04:43:59", False),
        ("2026-11-21 04:44:00", True),
        ("2026-11-21 04:45:00", True),
        ("2026-11-21 04:49:59", True),
        ("2026-11-21 04:50:00", False),
        # 23:45 in New York an hour earlier in UTC: daylight saving time.
        ("2026-07-01 03:45:00", True),
        ("2026-07-01 04:45:00", False),
    ],
)
def test_no_order_leaves_from_a_minute_before_until_it_is_over(now: str, is_quiet: bool) -> None:
    assert (NIGHTLY.why_now(ns(now)) is not None) is is_quiet


@pytest.mark.parametrize(
    ("lost_at", "minutes"),
    [
        ("2026-11-21 04:43:49", 10),
        ("2026-11-21 04:44:00", 16),
        ("2026-11-21 04:49:00", 11),
        ("2026-11-21 04:50:00", 10),
    ],
)
def test_a_line_that_goes_in_a_restart_has_until_its_end_before_it_is_an_alarm(
    lost_at: str, minutes: int
) -> None:
    settings = SessionSettings(restarts=NIGHTLY, alarm_minutes=10)
    assert settings.alarm_seconds(ns(lost_at)) == minutes * 60
    assert settings.alarm_seconds(None) == 600


def test_the_reason_names_the_restart() -> None:
    assert NIGHTLY.why_now(ns("2026-11-21 04:45:00")) == (
        "the gateway restarts at 23:45 America/New_York, over by 23:50: nothing need be done"
    )


def test_of_two_that_overlap_the_one_that_lasts_longer_is_named() -> None:
    both = Restarts(planned=(Restart(at="23:45"), Restart(at="23:40", minutes=30)))
    assert "over by 00:10" in (both.why_now(ns("2026-11-21 04:46:00")) or "")


@pytest.mark.parametrize(
    ("now", "is_quiet"),
    [
        ("2026-11-22 06:10:00", True),  # Sunday 01:10 in New York
        ("2026-11-23 06:10:00", False),
        ("2026-11-21 06:10:00", False),
    ],
)
def test_a_weekly_one_is_on_its_day_only(now: str, is_quiet: bool) -> None:
    weekly = Restarts(planned=(Restart(at="01:00", days=("sunday",), minutes=30),))
    assert (weekly.why_now(ns(now)) is not None) is is_quiet


def test_the_lead_is_never_cut_short_by_how_rarely_it_is_looked_at() -> None:
    settings = SessionSettings(restarts=Restarts(planned=(Restart(at="23:45", time_zone="UTC"),)))
    before, lead = "2026-11-20 23:43:51", settings.heartbeat_seconds
    assert settings.restarts.why_now(ns(before)) is None
    assert settings.restarts.why_now(ns(before), lead) is not None
    assert settings.restarts.why_now(ns("2026-11-20 23:50:00"), lead) is None
    assert settings.alarm_seconds(ns(before)) > settings.alarm_minutes * 60 + 5 * 60


def test_a_lead_over_midnight_belongs_to_the_day_of_the_restart() -> None:
    early = Restarts(planned=(Restart(at="00:00", days=("sunday",), time_zone="UTC"),))
    assert early.why_now(ns("2026-11-21 23:59:30")) is not None
    assert early.why_now(ns("2026-11-22 23:59:30")) is None


def test_an_hour_that_comes_twice_is_quiet_twice_and_one_that_is_left_out_once() -> None:
    nightly = Restarts(planned=(Restart(at="01:30"),))
    for now in ("2026-11-01 05:30:00", "2026-11-01 06:30:00"):  # 01:30 twice
        assert nightly.why_now(ns(now)) is not None
    assert nightly.why_now(ns("2026-11-01 06:00:00")) is None
    skipped = Restarts(planned=(Restart(at="02:30"),))
    quiet = [m for m in range(0, 24 * 60, 5) if skipped.why_now(ns("2026-03-08 00:00") + m * 60 * 10**9)]
    assert quiet, "a restart in the hour that is left out still happens"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"at": "24:00"}, "as in 23:45"),
        ({"at": "9"}, "as in 23:45"),
        ({"at": "09:00", "days": ["sun"]}, "there is no day 'sun'"),
        ({"at": "09:00", "time_zone": "New York"}, "there is no time zone 'New York'"),
        ({"at": "09:00", "minutes": 0}, "minutes is 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_when_it_is_read(given: dict[str, object], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(given, Restart)


@pytest.mark.slow
async def test_the_line_is_open_and_nothing_leaves_before_a_planned_restart() -> None:
    soon = datetime.now(UTC) + timedelta(minutes=1)
    planned = Restarts(planned=(Restart(at=f"{soon:%H:%M}", time_zone="UTC"),), lead_seconds=120.0)
    async with rig(settings=SessionSettings(restarts=planned, pause_seconds=0.02)) as rigged:
        rigged.broker = rigged.new_broker()
        rigged.start()
        await rigged.told.until(lambda: rigged.told.all(BrokerStopped))
        said = rigged.told.all(BrokerStopped)[0].reason
        assert said.startswith(f"the gateway restarts at {soon:%H:%M} UTC, over by ")
        with capture_logs() as logged:
            rigged.fault("refuse_connection", count=3)
            rigged.fault("drop")
            async with asyncio.timeout(10):
                while rigged.session.connections == 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert rigged.tws.faults.happened["refuse_connection"] == 3
        assert rigged.session.outage.reason == said
        assert [each for each in logged if each.get("reason") != said] == []
        rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(NotSent))
        assert len(rigged.tws.sessions.lines) == 1
        assert rigged.tws.desk.orders == []
        await rigged.stop()


@pytest.mark.slow
async def test_a_line_that_is_up_is_closed_before_a_planned_restart_and_opened_after_it() -> None:
    evening = (datetime.now(UTC) + timedelta(days=1)).replace(hour=23, minute=0, second=0, microsecond=0)
    now = evening
    planned = Restarts(planned=(Restart(at="23:45", time_zone="UTC"),))
    settings = SessionSettings(restarts=planned, heartbeat_seconds=0.04, heartbeat_deadline_seconds=0.02)
    async with rig(settings=settings, clock=lambda: round(now.timestamp() * 1e6) * 1_000) as rigged:
        rigged.broker = rigged.new_broker()
        rigged.start()
        await rigged.started()
        now = evening + timedelta(minutes=43, seconds=59.98)  # nobody looks again before the lead
        await rigged.told.until(lambda: rigged.told.all(BrokerStopped))
        rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(NotSent))
        assert rigged.told.all(NotSent)[0].reason == "there is no line to IB"
        now = evening + timedelta(minutes=50, seconds=1)
        await rigged.started(2)
        assert (rigged.tws.desk.orders, rigged.session.connections) == ([], 1)
        await rigged.stop()
