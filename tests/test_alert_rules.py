"""What becomes an alert, and when."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.messages.base import Message
from actors.messages.control import (
    ClockMeasured,
    HealthReported,
    Scope,
    StateChanged,
    StrategyFailed,
    TradingState,
)
from actors.messages.corrections import FillCorrected, FillFigures
from actors.messages.orders import OrderFilled, OrderOutcomeUnknown, OrderRejected
from actors.store.alerts import notice_of
from daemon.alert_rules import HEARD, Watch
from daemon.alert_settings import AlertsSection
from daemon.telemetry import AccountFigures, FeedData, LineFigures, Telemetry

S = 1_000_000_000


def a_telemetry() -> Telemetry:
    return Telemetry(now_ns=lambda: 0, version="0")


FACT: dict[str, Any] = {"client_order_id": "T", "account": "demo", "strategy": "s", "instrument": "X@x"}


def a_fill(*, fee_known: bool) -> OrderFilled:
    return OrderFilled(
        ts_event=1, **FACT, venue_order_id="1", trade_id="1", side="buy", quantity=Decimal(1),
        price=Decimal(100), fee=Decimal(0), fee_currency="USD", liquidity="taker", remaining=Decimal(0),
        mid_price=None, revision=1, fee_known=fee_known,
    )  # fmt: skip


def a_correction(quantity: str, price: str) -> FillCorrected:
    before = FillFigures(quantity=Decimal(1), price=Decimal(100), fee=Decimal(0), fee_currency="USD")
    after = FillFigures(quantity=Decimal(quantity), price=Decimal(price), fee=Decimal(1), fee_currency="USD")
    return FillCorrected(
        ts_event=1, **FACT, venue_order_id="1", trade_id="1", revision=2, side="buy", before=before,
        after=after, fee_known=True, liquidity="taker", mid_price=None, ts_filled=1,
        filled_quantity=Decimal(quantity),
    )  # fmt: skip


def a_state(state: TradingState) -> StateChanged:
    return StateChanged(ts_event=1, scope=Scope(account="demo"), state=state, reason="why")


def a_rejection() -> OrderRejected:
    return OrderRejected(ts_event=1, client_order_id="T", account="demo", strategy="s", instrument="X@x",
                         code="-2010", text="insufficient balance")  # fmt: skip


@pytest.mark.parametrize(
    ("message", "severity", "kind"),
    [
        (a_state("halted"), "critical", "halted"),
        (a_state("paused"), "warning", "paused"),
        (a_state("reduce_only"), "warning", "reduce_only"),
        (a_state("active"), "info", "active"),
        (
            StrategyFailed(ts_event=1, account="demo", strategy="sma", handler="on_bar", error="ValueError",
                           file="sma.py", line=3), "critical", "strategy_failed",
        ),
        (a_fill(fee_known=False), "warning", "fee_unknown"),
        (a_correction("0.5", "100"), "warning", "fill_corrected"),
        (a_correction("1", "100"), "info", "fill_corrected"),
        (HealthReported(ts_event=1, subject="disk", is_good=False, reason="full"), "critical", "disk"),
        (HealthReported(ts_event=1, subject="disk", is_good=True, reason="room"), "info", "disk"),
    ],
)  # fmt: skip
def test_a_message_of_the_record_is_told_by_its_weight(message: Message, severity: str, kind: str) -> None:
    assert type(message) in HEARD
    (alert,) = Watch(AlertsSection()).on_message(message, 7)
    assert (alert.severity, alert.kind, alert.ts_ns) == (severity, kind, 7)
    notice = notice_of(message)
    assert notice is not None
    assert notice.text == alert.text


def test_a_fill_whose_fee_is_known_is_no_news() -> None:
    assert notice_of(a_fill(fee_known=True)) is None


def test_starting_and_reconciling_are_no_news_by_themselves() -> None:
    watch = Watch(AlertsSection())
    assert watch.on_message(a_state("starting"), 1) == watch.on_message(a_state("reconciling"), 1) == []


def test_a_fresh_unknown_order_is_stored_but_not_told() -> None:
    unknown = OrderOutcomeUnknown(ts_event=1, client_order_id="T", account="demo", strategy="s",
                                  instrument="X@x", command="submit", reason="no answer")  # fmt: skip
    assert OrderOutcomeUnknown not in HEARD
    assert notice_of(unknown) is not None


def test_rejections_are_told_once_they_come_in_a_burst() -> None:
    watch = Watch(AlertsSection(rejections_per_minute=3))
    found = [watch.on_message(a_rejection(), second * S) for second in (1, 2, 3, 4)]
    assert [len(alerts) for alerts in found] == [0, 0, 1, 0]
    assert "3 orders refused within a minute, the last one: -2010" in found[2][0].text


def test_a_lasting_unknown_order_is_told_at_its_limit_again_later_and_at_its_end() -> None:
    telemetry = a_telemetry()
    telemetry.unknown_since_ns = {"demo": 100 * S}
    watch = Watch(AlertsSection(unknown_order_seconds=30, remind_minutes=15))
    assert watch.check(telemetry, 130 * S - 1) == []
    (told,) = watch.check(telemetry, 130 * S)
    assert (told.severity, told.kind, told.subject) == ("critical", "unknown_order", "demo")
    assert watch.check(telemetry, 131 * S) == []
    assert len(watch.check(telemetry, (130 + 900) * S)) == 1
    telemetry.unknown_since_ns = {}
    (over,) = watch.check(telemetry, 1100 * S)
    assert (over.severity, over.text) == ("info", "right again after 1000 s")


def test_a_short_reconnect_is_nobodys_business_and_a_long_one_is() -> None:
    telemetry = a_telemetry()
    figures = telemetry.accounts["demo"] = AccountFigures(currency="USDT", state="reconciling")
    watch = Watch(AlertsSection(account_down_seconds=60))
    assert watch.check(telemetry, 10 * S) == watch.check(telemetry, 40 * S) == []
    figures.state = "active"
    assert watch.check(telemetry, 50 * S) == []
    figures.state = "reconciling"
    assert watch.check(telemetry, 60 * S) == watch.check(telemetry, 119 * S) == []
    (told,) = watch.check(telemetry, 120 * S)
    assert (told.kind, told.subject) == ("account_down", "demo")


def test_a_clock_that_is_far_off_the_venues_is_told_at_once_and_when_it_is_right() -> None:
    telemetry, watch = a_telemetry(), Watch(AlertsSection())
    for offset_ms, told in ((900, []), (-3_600_000, ["critical"]), (12, ["info"])):
        assert watch.on_message(ClockMeasured(ts_event=0, account="demo", offset_ms=offset_ms), S) == []
        assert [alert.severity for alert in watch.check(telemetry, S)] == told


def test_a_feed_that_is_down_and_a_checkpoint_that_is_old_are_told() -> None:
    telemetry = a_telemetry()
    telemetry.feed_connected = {"binance": False}
    telemetry.checkpoint_ns = 0
    watch = Watch(AlertsSection(feed_down_seconds=5, checkpoint_age_seconds=600))
    assert watch.check(telemetry, 1 * S) == []
    assert [alert.kind for alert in watch.check(telemetry, 6 * S)] == ["feed_down"]
    assert [alert.kind for alert in watch.check(telemetry, 600 * S)] == ["checkpoint_old"]


def test_a_line_that_stays_down_alarms_after_its_own_time_and_again() -> None:
    telemetry = a_telemetry()
    line = telemetry.lines["ib"] = LineFigures(alarm_seconds=600.0)
    watch = Watch(AlertsSection(remind_minutes=15))
    assert watch.check(telemetry, 0) == []
    line.down_since_ns, line.reason = 10 * S, "nothing listens"
    assert watch.check(telemetry, 609 * S) == []
    (alert,) = watch.check(telemetry, 610 * S)
    assert (alert.severity, alert.kind, alert.subject) == ("critical", "line_down", "ib")
    assert alert.text == "for 600 s: nothing listens"
    assert watch.check(telemetry, 1_509 * S) == []
    assert [alert.kind for alert in watch.check(telemetry, 1_510 * S)] == ["line_down"]
    line.down_since_ns = None
    assert [alert.severity for alert in watch.check(telemetry, 1_600 * S)] == ["info"]


def test_a_line_that_is_down_is_one_alert_and_not_three() -> None:
    telemetry = a_telemetry()
    line = telemetry.lines["ib"] = LineFigures(alarm_seconds=900.0)
    telemetry.account_lines = {"demo": "ib"}
    telemetry.feed_connected, telemetry.feed_data = {"ib": False}, {"ib": FeedData(2, 0, "TWS restarts")}
    telemetry.accounts["demo"] = AccountFigures(currency="USD", state="reconciling")
    line.down_since_ns, line.reason = 0, "the gateway restarts"
    watch = Watch(AlertsSection(feed_down_seconds=5, account_down_seconds=5))
    assert watch.check(telemetry, 0) == watch.check(telemetry, 899 * S) == []
    assert [alert.kind for alert in watch.check(telemetry, 900 * S)] == ["line_down"]


def test_a_venue_without_any_live_data_is_critical_and_says_why() -> None:
    telemetry, watch = a_telemetry(), Watch(AlertsSection(feed_down_seconds=5))
    telemetry.feed_connected, telemetry.feed_data = {"ib": False}, {"ib": FeedData(2, 1, "no line is free")}
    assert watch.check(telemetry, 0) == []
    (some,) = watch.check(telemetry, 5 * S)
    assert (some.severity, some.text) == (
        "warning", "for 5 s: 1 of 2 instruments have no live data: no line is free",
    )  # fmt: skip
    telemetry, watch = a_telemetry(), Watch(AlertsSection(feed_down_seconds=5))
    telemetry.feed_connected, telemetry.feed_data = {"ib": False}, {"ib": FeedData(2, 0, "data are delayed")}
    assert watch.check(telemetry, 0) == []
    (none,) = watch.check(telemetry, 5 * S)
    assert none.severity == "critical"
    assert none.text.endswith("no instrument has live data, none can be traded on them: data are delayed")


def test_delayed_and_competing_data_are_named() -> None:
    telemetry = a_telemetry()
    line = telemetry.lines["ib"] = LineFigures(alarm_seconds=600.0)
    line.troubles = {"delayed": 2, "competing": 1, "refused": 0}
    watch = Watch(AlertsSection(feed_down_seconds=5))
    assert watch.check(telemetry, 0) == []
    (alert,) = watch.check(telemetry, 5 * S)
    assert alert.text == "for 5 s: instruments without live data: 2 delayed, 1 competing"


def test_a_new_checkpoint_in_time_is_no_news_however_long_the_process_lives() -> None:
    telemetry = a_telemetry()
    watch = Watch(AlertsSection(checkpoint_age_seconds=600))
    for minute in range(60):
        telemetry.checkpoint_ns = minute * 60 * S
        assert watch.check(telemetry, (minute * 60 + 59) * S) == []
