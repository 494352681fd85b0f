from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import cast

import msgspec
import pytest

from actors.errors import ConfigError
from actors.model.calendar import ALWAYS_OPEN, BUILT_IN, Calendar, Session, WeeklyHours, calendar_named

NEW_YORK = cast("WeeklyHours", calendar_named("new-york-0930-1600-without-holidays"))


def ns(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000_000  # type: ignore[arg-type, misc]


def test_what_never_rests_has_utc_days() -> None:
    midnight = ns(2024, 5, 1)
    assert ALWAYS_OPEN.session_of(midnight + 1) == Session(midnight, ns(2024, 5, 2))
    assert ALWAYS_OPEN.next_close(midnight) == ns(2024, 5, 2)
    assert ALWAYS_OPEN.day_close(midnight - 1) == midnight


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ((2024, 3, 8), 14, 21),  # before summer time
        ((2024, 3, 11), 13, 20),  # the Monday after
        ((2024, 11, 1), 13, 20),
        ((2024, 11, 4), 14, 21),
    ],
)
def test_local_hours_follow_the_clocks(day: tuple[int, int, int], opens: int, closes: int) -> None:
    session = Session(ns(*day, opens, 30), ns(*day, closes))
    assert NEW_YORK.session_of(session.open) == session
    assert NEW_YORK.session_of(session.close - 1) == session
    assert NEW_YORK.session_of(session.open - 1) is None
    assert NEW_YORK.session_of(session.close) is None


def test_a_session_through_the_night_of_a_change_is_an_hour_shorter() -> None:
    night = WeeklyHours(
        name="night", zone="Europe/Berlin", opens=time(22), closes=time(6), weekdays=(0, 1, 2, 3, 4, 5, 6)
    )
    session = night.session_of(ns(2024, 3, 31, 0))
    assert session == Session(ns(2024, 3, 30, 21), ns(2024, 3, 31, 4))
    assert (session.close - session.open) // 3_600_000_000_000 == 7


def test_the_next_close_is_after_the_weekend_and_never_now() -> None:
    friday, monday = ns(2024, 6, 7, 20), ns(2024, 6, 10, 20)
    assert NEW_YORK.next_close(friday - 1) == friday
    assert NEW_YORK.next_close(friday) == monday
    assert NEW_YORK.day_close(ns(2024, 6, 8, 12)) == monday


def test_holidays_and_early_closes_are_kept_when_given() -> None:
    assert isinstance(NEW_YORK, WeeklyHours)
    known = msgspec.structs.replace(
        NEW_YORK, holidays=frozenset({date(2024, 7, 4)}), early_closes={date(2024, 7, 3): time(13)}
    )
    assert known.next_close(ns(2024, 7, 3, 12)) == ns(2024, 7, 3, 17)
    assert known.next_session(ns(2024, 7, 3, 17)) == Session(ns(2024, 7, 5, 13, 30), ns(2024, 7, 5, 20))


def test_a_calendar_that_never_opens_says_so() -> None:
    closed = WeeklyHours(name="closed", zone="UTC", opens=time(9), closes=time(10), weekdays=())
    with pytest.raises(ConfigError, match="calendar closed has no session in the 60 days"):
        closed.next_close(ns(2024, 1, 1))


@pytest.mark.parametrize("calendar", BUILT_IN, ids=lambda calendar: calendar.name)
def test_every_built_in_calendar_agrees_with_itself(calendar: Calendar) -> None:
    moment = ns(2024, 3, 1)
    for _ in range(40):
        close = calendar.next_close(moment)
        session = calendar.session_of(close - 1)
        assert session is not None
        assert session.close == close > moment
        assert calendar.next_session(session.open) == session
        moment = close
    assert calendar_named(calendar.name) is calendar


def test_regular_hours_without_holidays_are_named_so() -> None:
    assert all(c.name in ("24/7", "weekdays") or c.name.endswith("-without-holidays") for c in BUILT_IN)


def test_an_unknown_calendar_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="there is no calendar '24/5'; did you mean '24/7'"):
        calendar_named("24/5")
