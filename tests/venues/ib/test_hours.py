"""Trading hours as contract details write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.venues.ib.hours import UNKNOWN, parse_hours, zone_of


def ns(text: str) -> int:
    """`2026-11-20 14:30`, UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def shown(text: str, zone: str = "US/Eastern") -> list[tuple[str, str]]:
    """Sessions in UTC."""
    return [(utc(opens), utc(closes)) for opens, closes in parse_hours(text, zone).sessions]


def utc(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns / 1e9, tz=UTC):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "sessions"),
    [
        ("20261120:0930-20261120:1600", [("11-20 14:30", "11-20 21:00")]),
        ("20261120:0930-1600", [("11-20 14:30", "11-20 21:00")]),
        ("20261120:0930-1130,1230-1600", [("11-20 14:30", "11-20 16:30"), ("11-20 17:30", "11-20 21:00")]),
        ("20261120:0930-20261120:1130,20261120:1230-20261120:1600",
         [("11-20 14:30", "11-20 16:30"), ("11-20 17:30", "11-20 21:00")]),
        ("20261120:1800-20261121:1700", [("11-20 23:00", "11-21 22:00")]),
        ("20261120:1800-1700", [("11-20 23:00", "11-21 22:00")]),
        ("20261120:0000-20261120:2359", [("11-20 05:00", "11-21 05:00")]),
        ("20261120:0000-2400", [("11-20 05:00", "11-21 05:00")]),
        ("20261121:CLOSED;20261120:0930-20261120:1600", [("11-20 14:30", "11-20 21:00")]),
        (" 20261120:0930-20261120:1600; ;", [("11-20 14:30", "11-20 21:00")]),
        # The clocks go back on 1 November and forward on 8 March.
        ("20261030:0930-1600;20261102:0930-1600",
         [("10-30 13:30", "10-30 20:00"), ("11-02 14:30", "11-02 21:00")]),
        ("20260306:0930-1600;20260309:0930-1600",
         [("03-06 14:30", "03-06 21:00"), ("03-09 13:30", "03-09 20:00")]),
        ("20261101:0000-2359", [("11-01 04:00", "11-02 05:00")]),
        ("20261121:CLOSED", []),
        ("", []),
    ],
)  # fmt: skip
def test_every_form_is_read(text: str, sessions: list[tuple[str, str]]) -> None:
    assert shown(text) == sessions


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("US/Eastern", "US/Eastern"), ("EST (Eastern Standard Time)", "America/New_York"),
        ("CST", "America/Chicago"), ("CST (Central Standard Time)", "America/Chicago"),
        ("JST (Japan Standard Time)", "Asia/Tokyo"), ("MET (Middle Europe Time)", "Europe/Berlin"),
        ("GB-Eire", "GB-Eire"), ("Hongkong", "Hongkong"), ("", "UTC"),
    ],
)  # fmt: skip
def test_zones_are_known_by_all_their_names(name: str, zone: str) -> None:
    assert str(zone_of(name)) == zone


def test_what_cannot_be_read_is_not_known_and_counts_as_open() -> None:
    assert parse_hours("20261120:0930-20261120:1600", "Mars/Crater") == UNKNOWN
    for text in ("tomorrow", "20261120:0930", "20261120:09:30-16:00", "20261399:0930-1600"):
        assert parse_hours(text, "UTC") == UNKNOWN
    assert UNKNOWN.is_open(ns("2026-11-20 14:30"))
    assert UNKNOWN.next_open(ns("2026-11-20 14:30")) is None


def test_a_holiday_is_closed_and_the_days_after_the_last_listed_one_are_not_known() -> None:
    hours = parse_hours("20261126:CLOSED;20261127:0930-20261127:1300", "US/Eastern")
    assert not hours.is_open(ns("2026-11-26 15:00"))
    assert hours.next_open(ns("2026-11-26 15:00")) == ns("2026-11-27 14:30")
    assert not hours.is_open(ns("2026-11-27 14:29"))
    assert hours.is_open(ns("2026-11-27 14:30"))
    assert not hours.is_open(ns("2026-11-27 18:00")), "the close is no part of the session"
    assert hours.is_open(ns("2026-11-28 15:00"))
    closed = parse_hours("20261126:CLOSED;20261127:CLOSED", "US/Eastern")
    assert not closed.is_open(ns("2026-11-27 15:00"))
