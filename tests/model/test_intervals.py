"""Timeframes by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import ConfigError
from actors.model.intervals import format_interval, parse_interval

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("30s", 30), ("1m", 60), ("4h", 14_400), ("1d", 86_400), ("2w", 1_209_600)],
)
def test_a_timeframe_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_interval(text) == seconds * SECOND
    assert format_interval(seconds * SECOND) == text


@pytest.mark.parametrize("text", ["", "m", "5", "0m", "-1m", "1.5h", "1M", "1 m", "m1", "²m", "1y"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match="as in 30s, 1m"):
        parse_interval(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60, "1m"), (90, "90s"), (3_600, "1h"), (604_800, "1w"), (7_200, "2h"), (86_400, "1d")],
)
def test_the_shortest_name_is_used(seconds: int, text: str) -> None:
    assert format_interval(seconds * SECOND) == text


def test_what_is_no_whole_second_is_told_in_nanoseconds() -> None:
    assert format_interval(1_500_000_000) == "1500000000ns"


@given(st.integers(1, 10_000), st.sampled_from("smhdw"))
def test_a_name_read_and_written_means_the_same(count: int, unit: str) -> None:
    interval = parse_interval(f"{count}{unit}")
    assert parse_interval(format_interval(interval)) == interval
