"""Which bars are missing: against a trading calendar, or against what the data themselves look like."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from daemon.research.exchange_calendars import Sessions, Times, sessions_of

DAY_NS = 86_400_000_000_000
REST_NS = 6 * 3_600_000_000_000
"""A market that rests so long on most days has sessions; such breaks are no gaps."""
WEEKEND_SHARE_OF_ALWAYS = 0.25
ALWAYS, WEEKDAYS, SESSIONS = "24/7", "weekdays", "sessions as seen"


class Gaps(NamedTuple):
    """What is missing."""

    calendar: str
    missing: int
    gaps: int
    longest: int
    """Bars."""
    longest_from: int
    """Start of the first bar missing in the longest gap."""
    longest_to: int
    """End of the last one."""
    after: int
    """Place of the row before the longest gap."""


NONE = Gaps("", 0, 0, 0, 0, 0, 0)


def seen_calendar(starts: Times, interval_ns: int) -> str:
    """What the data look like: traded always, on weekdays, or in sessions."""
    if interval_ns >= DAY_NS:
        weekend = int(is_weekend(starts).sum())
        return ALWAYS if weekend >= WEEKEND_SHARE_OF_ALWAYS * len(starts) else WEEKDAYS
    rests = int((np.diff(starts) >= REST_NS).sum())
    days = len(np.unique(starts // DAY_NS))
    return SESSIONS if days > 2 and rests >= days / 2 else ALWAYS


def is_weekend(times: Times) -> npt.NDArray[np.bool_]:
    """Saturdays and Sundays, UTC."""
    return (times // DAY_NS + 3) % 7 >= 5  # 1970-01-01 was a Thursday


def find_gaps(ends: Times, interval_ns: int, calendar: str | None = None) -> Gaps:
    """Bars missing between the first and the last; `ends` ascending, without repeats.

    Args:
        calendar: `24/7`, `weekdays`, an exchange's code, or None for what the data look like.
    Raises:
        ConfigError: No such calendar.
    """
    starts = ends - interval_ns
    if len(starts) < 2:
        return NONE
    name = calendar or seen_calendar(starts, interval_ns)
    if name in (ALWAYS, SESSIONS):
        return _by_steps(starts, interval_ns, name)
    if name == WEEKDAYS:
        days = np.arange(starts[0] - starts[0] % DAY_NS, starts[-1] + 1, DAY_NS)
        days = days[~is_weekend(days)]
        expected = days if interval_ns >= DAY_NS else _within(days, days + DAY_NS, interval_ns)
    else:
        sessions = sessions_of(name, int(starts[0]), int(starts[-1]))
        if interval_ns >= DAY_NS:
            expected = sessions.days
        else:
            opens = sessions.opens - sessions.opens % interval_ns
            expected = _within(opens, sessions.closes, interval_ns)
    return _by_expectation(starts, expected, interval_ns, name)


def _within(opens: Times, closes: Times, interval_ns: int) -> Times:
    """Starts of all bars of all sessions."""
    if len(opens) == 0:
        return opens
    return np.concatenate([np.arange(o, c, interval_ns) for o, c in zip(opens, closes, strict=True)])


def _by_steps(starts: Times, interval_ns: int, name: str) -> Gaps:
    steps = np.diff(starts)
    missing = np.maximum(steps // interval_ns - 1, 0)
    if name == SESSIONS:
        missing[steps >= REST_NS] = 0
    at = int(missing.argmax())
    begin = int(starts[at]) + interval_ns
    longest = int(missing[at])
    return Gaps(
        name, int(missing.sum()), int((missing > 0).sum()), longest, begin, begin + longest * interval_ns, at
    )


def _by_expectation(starts: Times, expected: Times, interval_ns: int, name: str) -> Gaps:
    expected = expected[(expected > starts[0]) & (expected < starts[-1])]
    there = starts - starts % DAY_NS if interval_ns >= DAY_NS else starts
    absent = ~np.isin(expected, there)
    missing = int(absent.sum())
    if not missing:
        return Gaps(name, 0, 0, 0, 0, 0, 0)
    # runs of expected bars that are absent one after another
    edges = np.flatnonzero(np.diff(np.concatenate(([0], absent.astype(np.int8), [0]))))
    begins, ends = edges[::2], edges[1::2]
    longest = int((ends - begins).argmax())
    first, last = int(expected[begins[longest]]), int(expected[ends[longest] - 1])
    after = int(np.searchsorted(there, first)) - 1
    count = int(ends[longest] - begins[longest])
    return Gaps(name, missing, len(begins), count, first, last + interval_ns, max(after, 0))


def hour_shifts(starts: Times, weights: npt.NDArray[np.float64], sessions: Sessions) -> dict[int, int]:
    """Session day → the hour (−1, 1) by which its trading lies beside the session."""
    hour = 3_600_000_000_000
    total = np.concatenate(([0.0], np.cumsum(weights)))

    def inside(shift: int) -> npt.NDArray[np.float64]:
        low = np.searchsorted(starts, sessions.opens + shift * hour)
        high = np.searchsorted(starts, sessions.closes + shift * hour)
        return cast("npt.NDArray[np.float64]", total[high] - total[low])

    as_is, early, late = inside(0), inside(-1), inside(1)
    found = {}
    for place, day in enumerate(sessions.days.tolist()):
        best = max(early[place], late[place])
        if best > as_is[place] * 1.05:
            found[day] = -1 if early[place] > late[place] else 1
    return found
