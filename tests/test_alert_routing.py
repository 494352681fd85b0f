"""Repeats, quiet hours, routes and inboxes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from daemon.alert_routing import Alert, Bursts, Inbox, QuietHours, Repeats, Route
from daemon.alert_settings import ChannelSection, Severity

S = 1_000_000_000


def an_alert(
    severity: Severity = "warning", *, kind: str = "paused", ts_ns: int = 0, text: str = "x"
) -> Alert:
    return Alert(severity=severity, kind=kind, subject="account=demo", text=text, ts_ns=ts_ns)


def at(hour: int, minute: int = 0, *, month: int = 1) -> int:
    return int(datetime(2026, month, 15, hour, minute, tzinfo=UTC).timestamp()) * S


def test_an_alert_passes_once_in_its_window_and_its_repeats_as_one_with_a_count() -> None:
    repeats = Repeats(300 * S)
    assert repeats.take(an_alert()) == [an_alert()]
    for second in (1, 2, 299):
        assert repeats.take(an_alert(ts_ns=second * S, text=f"at {second}")) == []
    assert repeats.due(299 * S) == []
    (told,) = repeats.due(300 * S)
    assert (told.count, told.text) == (3, "at 299")
    assert repeats.counted == 3


def test_a_halt_is_told_each_time() -> None:
    repeats = Repeats(300 * S)
    first = an_alert("critical", kind="halted", text="halted by file")
    again = an_alert("critical", kind="halted", text="DAILY_LOSS_EXCEEDS_MAX", ts_ns=40 * S)
    assert [repeats.take(first), repeats.take(again)] == [[first], [again]]


def test_a_quiet_window_after_a_count_opens_the_way_again() -> None:
    repeats = Repeats(300 * S)
    repeats.take(an_alert())
    assert repeats.due(300 * S) == []
    assert repeats.take(an_alert(ts_ns=300 * S)) == [an_alert(ts_ns=300 * S)]


def test_the_same_alert_gone_critical_is_another_one() -> None:
    repeats = Repeats(300 * S)
    repeats.take(an_alert())
    assert repeats.take(an_alert("critical")) == [an_alert("critical")]


def test_at_the_end_every_repeat_is_told() -> None:
    repeats = Repeats(300 * S)
    repeats.take(an_alert())
    repeats.take(an_alert(ts_ns=1))
    assert [alert.count for alert in repeats.due(2, is_last=True)] == [1]


@pytest.mark.parametrize(
    ("text", "hour", "is_quiet"),
    [
        ("22:00-07:00", 21, False), ("22:00-07:00", 22, True), ("22:00-07:00", 3, True),
        ("22:00-07:00", 7, False), ("12:00-13:30", 12, True), ("12:00-13:30", 14, False),
    ],
)  # fmt: skip
def test_quiet_hours_begin_inclusive_and_end_exclusive_and_may_pass_midnight(
    text: str, hour: int, is_quiet: bool
) -> None:
    assert QuietHours(text, ZoneInfo("UTC")).covers(at(hour)) is is_quiet


def test_quiet_hours_follow_the_time_zone_through_summer_time() -> None:
    quiet = QuietHours("22:00-07:00", ZoneInfo("Europe/Berlin"))
    assert [quiet.covers(at(20, 30, month=month)) for month in (1, 7)] == [False, True]
    assert [quiet.covers(at(21, 30, month=month)) for month in (1, 7)] == [True, True]


def test_in_quiet_hours_only_critical_alerts_pass_and_the_rest_is_summed_up_after_them() -> None:
    route = Route(ChannelSection(quiet_hours="22:00-07:00", severity_min="info"), ZoneInfo("UTC"))
    assert route.take(an_alert("critical"), at(23)) == [an_alert("critical")]
    for _ in range(2):
        assert route.take(an_alert(), at(23)) == []
    assert route.take(an_alert("info", kind="started"), at(3)) == []
    assert route.due(at(6)) == []
    (told,) = route.due(at(7))
    assert (told.kind, told.count) == ("held_back", 3)
    assert "2 paused, 1 started" in told.text
    assert route.due(at(8)) == []


def test_a_route_lets_through_what_is_severe_enough_and_of_its_kinds() -> None:
    route = Route(ChannelSection(severity_min="warning", kinds=("paused", "halted")), ZoneInfo("UTC"))
    given = [
        an_alert("info"),
        an_alert(),
        an_alert("critical", kind="disk"),
        an_alert("critical", kind="halted"),
    ]
    assert [alert.severity for alert in given if route.take(alert, 0)] == ["warning", "critical"]


def test_a_full_inbox_gives_up_its_oldest_of_the_least_severe() -> None:
    inbox = Inbox(3)
    info = [an_alert("info", ts_ns=number) for number in range(2)]
    critical = [an_alert("critical", ts_ns=number) for number in range(4)]
    assert inbox.put(critical[0]) is None
    assert inbox.put(info[0]) is None
    assert inbox.put(info[1]) is None
    assert inbox.put(critical[1]) == info[0]
    assert inbox.put(critical[2]) == info[1]
    assert inbox.put(critical[3]) == critical[0]
    assert len(inbox) == 3


def test_an_inbox_gives_the_most_severe_first_and_the_oldest_of_those() -> None:
    inbox = Inbox()
    for number, severity in enumerate(("info", "critical", "warning", "critical")):
        inbox.put(an_alert(severity, ts_ns=number))  # type: ignore[arg-type]
    taken = [inbox.take() for _ in range(5)]
    assert [alert.ts_ns for alert in taken if alert is not None] == [1, 3, 2, 0]
    assert taken[-1] is None


def test_a_burst_counts_within_a_minute_and_starts_anew_when_told() -> None:
    bursts = Bursts(3)
    assert [bursts.add("demo", second * S) for second in (0, 30, 61, 62)] == [0, 0, 0, 3]
    assert bursts.add("demo", 63 * S) == 0
    assert bursts.add("other", 63 * S) == 0
