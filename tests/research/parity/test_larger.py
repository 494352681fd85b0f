from __future__ import annotations

from pathlib import Path

import pytest

from actors.bars.spec import BarSpec
from actors.messages.market import Bar
from daemon.config import BacktestSection, Config, DataFile
from daemon.graph import BarSources
from daemon.research.data.catalogue import Catalogue
from daemon.research.history import History
from daemon.research.parity.larger import specs_for, with_larger
from tests.research.data.made import BARS, HOUR, MINUTE, TRADES, Y2024, bars, store, trades
from tests.strategies.stage import an_instrument

BTC = BARS.instrument
INSTRUMENTS = {BTC: an_instrument()}


def a_history(root: Path, kind: str) -> History:
    data = DataFile(path=str(root), catalogue=True, instrument=BTC, kind=kind)  # type: ignore[arg-type]
    return History(Config(backtest=BacktestSection(data=(data,))))


def test_hours_of_a_session_are_built_of_the_minutes_of_a_history(tmp_path: Path) -> None:
    store(Catalogue(tmp_path), BARS, bars(*range(1, 241)))
    history = a_history(tmp_path, "bars")
    session = BarSources(given=frozenset({(BTC, HOUR)}))
    specs, missing = specs_for(session, history.sources)
    assert (specs, missing) == (
        [BarSpec(instrument=BTC, interval_ns=HOUR, source="bars", source_interval_ns=MINUTE)], []
    )  # fmt: skip
    start = Y2024 + HOUR + 30 * MINUTE
    found = list(with_larger(history, specs, INSTRUMENTS, start, Y2024 + 4 * HOUR))
    hours = [(time, each) for time, each in found if isinstance(each, Bar) and each.interval_ns == HOUR]
    # the hour in which it began is whole, as what lies before the start is read for it
    assert [(time, each.ts_event, each.volume) for time, each in hours] == [
        (Y2024 + number * HOUR, Y2024 + number * HOUR, 60.0) for number in (2, 3)
    ]
    assert min(time for time, _ in found) == start
    assert [time for time, _ in found] == sorted(time for time, _ in found)


def test_bars_are_built_of_trades_and_trades_of_nothing(tmp_path: Path) -> None:
    store(Catalogue(tmp_path), TRADES, trades(*range(1, 600)))
    history = a_history(tmp_path, "trades")
    specs, _ = specs_for(BarSources(given=frozenset({(BTC, MINUTE)})), history.sources)
    found = list(with_larger(history, specs, INSTRUMENTS, Y2024, Y2024 + 10 * MINUTE))
    built = [(time, each.ts_event) for time, each in found if isinstance(each, Bar)]
    assert built
    assert all(time >= end for time, end in built), "never before it is over"
    only_bars = BarSources(given=frozenset({(BTC, MINUTE)}))
    assert specs_for(BarSources(trades=frozenset({BTC})), only_bars) == ([], [BTC])
    assert specs_for(BarSources(given=frozenset({(BTC, 90 * MINUTE)})), BarSources()) == ([], [BTC])


@pytest.mark.parametrize("smaller", [7 * MINUTE, 2 * HOUR])
def test_what_does_not_divide_an_hour_makes_none(smaller: int) -> None:
    has = BarSources(given=frozenset({(BTC, smaller)}))
    assert specs_for(BarSources(given=frozenset({(BTC, HOUR)})), has) == ([], [BTC])
