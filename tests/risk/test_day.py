"""Days of daily losses: local midnight, where clocks change and while the process was away."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from actors.messages.account import AccountReconciled
from actors.messages.control import Started, TimeReached
from actors.risk.day import next_day_start
from tests.risk.build import SECOND, D, a_quote, limits
from tests.risk.test_losses import (
    LossRig,
    a_balance,
    a_lot,
    a_transfer,
    a_valuation,
    meter,
    opened,
    tripped,
)

BERLIN = ZoneInfo("Europe/Berlin")


def instant(text: str, zone: str = "Europe/Berlin") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("zone", "now", "start", "hours"),
    [
        ("UTC", "2026-05-04T00:00:00", "2026-05-05T00:00:00", 24),
        ("Europe/Berlin", "2026-03-29T00:00:00", "2026-03-30T00:00:00", 23),
        ("Europe/Berlin", "2026-10-25T00:00:00", "2026-10-26T00:00:00", 25),
        ("America/New_York", "2026-03-08T00:00:00", "2026-03-09T00:00:00", 23),
        ("Africa/Cairo", "2026-04-23T00:00:00", "2026-04-24T01:00:00", 24),  # midnight itself is skipped
        ("Asia/Kolkata", "2026-05-04T23:59:59", "2026-05-05T00:00:00", 1 / 3600),
        ("Pacific/Apia", "2011-12-29T12:00:00", "2011-12-31T00:00:00", 12),  # a whole date is skipped
    ],
)
def test_a_day_begins_at_local_midnight(zone: str, now: str, start: str, hours: float) -> None:
    at = instant(now, zone)
    assert next_day_start(at, zone) == instant(start, zone)
    assert next_day_start(at, zone) - at == round(hours * 3600 * SECOND)


@pytest.mark.parametrize("date", ["2026-03-29", "2026-10-25", "2026-06-15"])
def test_a_new_day_begins_in_the_accounts_zone_also_when_clocks_change(date: str) -> None:
    rig = LossRig(limits(daily_loss_max=D(50)), is_active=False, time_zone="Europe/Berlin")
    rig.sequencer.now = instant(f"{date}T12:00:00")
    rig.feed(Started(ts_event=0, epoch=1), AccountReconciled(ts_event=0, account="main", asked_seq=0))
    rig.feed(a_balance("USDT", "10000"), a_transfer("10000"), a_quote(100.0))
    rig.feed(a_balance("BTC", "10"), a_transfer("10", "BTC", "t2"))
    rig.feed(a_lot(rig, "10", "100", "other"), a_valuation())
    rig.feed(a_quote(96.0), a_valuation())
    midnight = next_day_start(rig.sequencer.now, "Europe/Berlin")
    assert datetime.fromtimestamp(midnight // SECOND, tz=BERLIN).hour == 0
    rig.sequencer.run(TimeReached(ts_event=0), midnight - 1)
    assert meter(rig).daily_loss == 40.0
    rig.sequencer.run(TimeReached(ts_event=0), midnight)
    assert meter(rig).daily_loss == 0.0
    assert tripped(rig, a_quote(91.0), a_valuation()) == []
    assert tripped(rig, a_quote(90.99), a_valuation()) == [("account=main", "halted")]


def test_a_midnight_that_passed_while_away_begins_a_day_at_the_start() -> None:
    rig = opened(limits(daily_loss_max=D(50)))
    rig.feed(a_quote(96.0), a_valuation())
    rig.sequencer.run(Started(ts_event=0, epoch=2), 3 * 86_400 * SECOND + 1)
    assert meter(rig).daily_loss == 0.0
    assert list(rig.risk.guard.snapshot().days) == ["main", "second"]
    assert {day.ends for day in rig.risk.guard.snapshot().days.values()} == {4 * 86_400 * SECOND}
