"""Exchanges' calendars in a daemon: looked up at its start, kept on its tape, and keeping its orders."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.errors import ConfigError
from actors.messages.orders import FillReport, RejectReport
from actors.model.calendar import BUILT_IN, ListedSessions, calendar_named
from actors.store.layout import tape_folder
from actors.store.replay import replay
from actors.store.tape_reader import TapeReader
from actors.venues.simulated.settings import MarketSettings, SimulatedVenueSettings, TradingTimes
from daemon.calendars import ending_soon, live_calendars, with_calendars
from daemon.config import AccountSection, Config, InstrumentSection, VenueSection
from daemon.startup import core_of_head
from daemon.tape_configuration import recorded_calendars
from tests.startup_rig import BTC, SECOND, T0, Life, a_config, an_instrument, mine

HOUR = 3_600 * SECOND
NIGHT, DAY = T0, T0 + 7 * HOUR
"""08:00 and 15:00 UTC of a Friday on which New York trades from 14:30."""
BUYER = """
from decimal import Decimal
from actors import Quote, Strategy

class Mine(Strategy):
    def on_quote(self, quote: Quote) -> None:
        if not self.ctx.open_orders():
            self.ctx.market("buy", Decimal("0.001"))
"""


def on_paper(folder: Path) -> Config:
    """A paper account at a venue that keeps New York's hours."""
    section = AccountSection(
        venue="binance",
        mode="paper",
        base_currency="USDT",
        simulated=SimulatedVenueSettings(opening_balances={"USDT": Decimal(10_000)}),
    )
    hours = MarketSettings(hours=TradingTimes(calendar="XNYS", outside="reject"))
    return msgspec.structs.replace(
        a_config(folder / "state", mine=mine(folder, BUYER)),
        accounts={"main": section},
        venues={"binance": VenueSection(simulated=hours)},
    )


def test_hours_of_an_exchange_keep_orders_of_a_daemon_as_in_a_backtest(tmp_path: Path) -> None:
    config = on_paper(tmp_path)
    calendars = live_calendars(config, (), NIGHT)
    for now, kind in ((NIGHT, RejectReport), (DAY, FillReport)):
        life = Life(config, now, calendars=calendars)
        life.quotes(5, answer=False)
        said = [each for each in life.sent if isinstance(each, RejectReport | FillReport)]
        assert said
        assert {type(each) for each in said} == {kind}
        assert all(each.code == "MARKET_CLOSED" for each in said if isinstance(each, RejectReport))
        life.stop(with_checkpoint=False)
    head = TapeReader(tape_folder(tmp_path / "state")).parts[-1].head
    assert recorded_calendars(head.config) == calendars
    assert replay(tmp_path / "state", build=lambda head: core_of_head(head).sequencer).identical


def test_a_tape_without_calendars_has_the_built_in_ones() -> None:
    assert recorded_calendars({}) == BUILT_IN


def test_the_configuration_gives_an_instrument_of_a_venue_its_calendar(tmp_path: Path) -> None:
    config = msgspec.structs.replace(
        a_config(tmp_path), instruments={BTC: InstrumentSection(calendar="weekdays")}
    )
    other = "ETHUSDT@binance"
    found = with_calendars(config, {BTC: an_instrument(BTC), other: an_instrument(other)})
    assert found[BTC] == msgspec.structs.replace(an_instrument(BTC), calendar="weekdays")
    assert found[other] == an_instrument(other)


def test_a_calendar_is_listed_for_some_years_and_its_end_is_told_before() -> None:
    calendars = live_calendars(Config(), ["XBOM", "24/7"], NIGHT - 365 * 24 * HOUR)
    bombay = calendar_named("XBOM", calendars)
    assert isinstance(bombay, ListedSessions)
    assert datetime.fromtimestamp(bombay.opens[0] / 1e9, tz=UTC).year == 2023
    last = bombay.closes[-1]
    assert ending_soon(calendars, last - 100 * 24 * HOUR) == []
    assert "XBOM is known until" in ending_soon(calendars, last - 10 * 24 * HOUR)[0]


def test_a_calendar_that_has_ended_is_refused_at_the_start() -> None:
    bombay = calendar_named("XBOM", live_calendars(Config(), ["XBOM"], NIGHT - 365 * 24 * HOUR))
    assert isinstance(bombay, ListedSessions)
    with pytest.raises(ConfigError, match=r"XBOM is known until .* only: install a newer"):
        live_calendars(Config(), ["XBOM"], bombay.closes[-1])
