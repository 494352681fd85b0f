"""Imports: every file form, folders, tapes; what is refused is refused whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.errors import BadDataFile
from actors.messages.market import Quote, Trade
from actors.venues.files.series import ReadOptions
from daemon.research import DataManager
from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.data.importing import Wanted, files_of, import_file
from tests.research.data.made import DAY, MINUTE, csv_of_bars
from tests.store.steps import write_tape
from tests.store.trading import SECOND, T0, a_stop

GOOD = [f"2024-01-0{day},1,3,0.5,2,10" for day in range(1, 6)]
WANTED = Wanted(instrument="A@x")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "data")


def test_a_file_is_stored_under_its_instrument_and_again_changes_nothing(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    path = csv_of_bars(tmp_path / "a.csv", GOOD)
    (added,) = import_file(catalogue, path, WANTED).added
    assert (added.series, added.given, added.added) == (Series("A@x", "bars", DAY), 5, 5)
    (again,) = import_file(catalogue, path, WANTED).added
    assert (again.given, again.added) == (5, 0)


def test_newest_first_is_turned_round_and_disorder_is_sorted(catalogue: Catalogue, tmp_path: Path) -> None:
    import_file(catalogue, csv_of_bars(tmp_path / "a.csv", [GOOD[3], *GOOD[:3], GOOD[4]]), WANTED)
    times = catalogue.frame(Series("A@x", "bars", DAY))["ts_event"]
    assert times.is_sorted()
    assert times.len() == 5


def test_a_bad_row_refuses_the_file_unless_it_may_be_left_out(catalogue: Catalogue, tmp_path: Path) -> None:
    path = csv_of_bars(tmp_path / "a.csv", [*GOOD[:2], "2024-01-03,1,0.1,0.5,2,10", *GOOD[3:]])
    with pytest.raises(BadDataFile, match=r"a\.csv: row 4: .*cannot be true.*--skip-bad"):
        import_file(catalogue, path, WANTED)
    assert catalogue.series() == []
    done = import_file(catalogue, path, Wanted(instrument="A@x", skip_bad=True))
    assert done.added[0].given == 4


def test_overlapping_files_that_differ_are_both_named(catalogue: Catalogue, tmp_path: Path) -> None:
    import_file(catalogue, csv_of_bars(tmp_path / "a.csv", GOOD), WANTED)
    other = csv_of_bars(tmp_path / "b.csv", ["2024-01-05,1,3,0.5,2.5,10", "2024-01-06,1,3,0.5,2,10"])
    with pytest.raises(BadDataFile, match=r"b\.csv and .*a\.csv differ .* close 2\.5 here, 2\.0 there"):
        import_file(catalogue, other, WANTED)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [(Wanted(), "give --instrument"), (Wanted(instrument="A"), "'A' is no instrument: write it as")],
)
def test_a_file_without_an_instrument_asks_for_one(
    catalogue: Catalogue, tmp_path: Path, wanted: Wanted, says: str
) -> None:
    with pytest.raises(BadDataFile, match=says):
        import_file(catalogue, csv_of_bars(tmp_path / "a.csv", GOOD), wanted)


TRADE = '{"e":"trade","E":1,"s":"%s","t":1,"p":"9","q":"1","T":1626992741000,"m":true}'
TWO_MARKETS = "".join(
    f'1626992741062179000 {{"stream":"{symbol.lower()}@trade","data":{TRADE % symbol}}}\n'
    for symbol in ("BTCUSDT", "ETHUSDT")
)


def test_several_instruments_never_come_under_one_name(catalogue: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "raw.txt"
    path.write_text(TWO_MARKETS)
    with pytest.raises(BadDataFile, match=r"several instruments \(BTCUSDT, ETHUSDT\): give --venue NAME"):
        import_file(catalogue, path, WANTED)
    assert catalogue.series() == []
    import_file(catalogue, path, Wanted(venue="x"))
    assert [each.instrument for each in catalogue.series()] == ["BTCUSDT@x", "ETHUSDT@x"]
    with pytest.raises(BadDataFile, match="several instruments"):
        DataManager().load_data(path)


def test_folders_give_their_files_and_what_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b.csv", "a.csv", ".hidden"):
        (tmp_path / "in" / name).write_text("x")
    assert [path.name for path in files_of([tmp_path / "in"])] == ["a.csv", "b.csv"]
    with pytest.raises(BadDataFile, match="no such file"):
        files_of([tmp_path / "none"])


def test_intervals_of_one_instrument_lie_beside_each_other(catalogue: Catalogue, tmp_path: Path) -> None:
    minutes = [f"2024-01-01 00:0{minute}:00,1,3,0.5,2,10" for minute in range(5)]
    import_file(catalogue, csv_of_bars(tmp_path / "a.csv", GOOD), WANTED)
    import_file(catalogue, csv_of_bars(tmp_path / "b.csv", minutes), WANTED)
    assert {series.interval_ns for series in catalogue.series("A@x")} == {MINUTE, DAY}


SHARED = [
    ("bad/orcl-2010-googlefinance-malformed.csv", {"bars": 251}),
    ("bad/bitstamp_btcusd_day_2015.csv.utf16.gz", {"bars": 365}),
    ("bad/trades-mgtox-usd-2013-01-01.csv.gz", {"trades": 2331}),
    ("bad/binance_spot_market_data_with_disconnect_events.json", {"trades": 21}),
    ("corporate_actions/wiki_events.csv", {"actions": 20}),
    ("crypto_1m/binance_dump/ADABTC-1m-2021-11-27.csv", {"bars": 10}),
    ("crypto_1m/bitfinex_iotusd_2017/merged.csv.gz", {"bars": 253_041}),
    ("crypto_1m/bitstamp/bitstamp_btcusd_min_2020_01_01.csv.gz", {"bars": 1_440}),
    ("crypto_1m/lean_coinbase_btcusd/20170903_quote.zip", {"quote_bars": 1_438}),
    ("crypto_1m/lean_coinbase_btcusd/20170903_trade.zip", {"bars": 1_440}),
    ("depth/binance-futures_book_snapshot_25_BTCUSDT.csv", {"book": 10}),
    ("depth/binance_depth_update.json", {"book": 1}),
    ("depth/bitmex_trades_XBTUSD.csv", {"trades": 10}),
    ("depth/btcusdt-depth-snap.csv", {"book": 1}),
    ("depth/btcusdt-depth-update.csv", {"book": 1}),
    ("depth/deribit_incremental_book_L2_BTC-PERPETUAL.csv", {"book": 1}),
    ("equity_daily/backtesting_py/GOOG.csv.gz", {"bars": 2_148}),
    ("equity_daily/wiki/WIKI-AAPL-2012-quandl.csv", {"bars": 250, "actions": 2}),
    ("equity_daily/yahoo/orcl-2000-yahoofinance.csv", {"bars": 252}),
    ("equity_lean/factor_files/qqq.csv", {"actions": 66}),
    ("equity_lean/minute/aapl/20140605_quote.zip", {"quote_bars": 830}),
    ("equity_lean/minute/aapl/20140605_trade.zip", {"bars": 686}),
    ("equity_lean/tick/ibm/20131010_trade.zip", {"trades": 22_415}),
    ("equity_lean/tick/ibm/20131011_quote.zip", {"quotes": 99_850}),
    ("equity_minute/ninjatrader/nt-spy-minute-2011.csv.gz", {"bars": 14_180}),
    ("fx/fxcm_m1_gbpusd_2012/gbpusd-m1-ask-2012.csv.gz", {"bars": 30_117}),
    ("fx/fxcm_minute_eurusd/20111031_quote.zip", {"quote_bars": 1_438}),
    ("fx/oanda_tick_eurusd/20140504_quote.zip", {"quotes": 1_164}),
    ("fx/truefx/usdjpy-ticks.csv.gz", {"quotes": 1_000}),
    ("kite/historical_minute.json", {"bars": 6}),
    ("raw_ws/binance_spot/btcusdt_20240808.gz", {"quotes": 28_040, "trades": 9_757, "book": 3_452}),
    ("raw_ws/cryptofeed/BINANCE.ws.1.0.gz", None),
    ("raw_ws/cryptofeed/BINANCE_FUTURES.ws.1.0.gz", None),
    ("raw_ws/cryptofeed/BITSTAMP.ws.1.0.gz", None),
    ("raw_ws/cryptofeed/KRAKEN.ws.49.0", None),
]
OWN_SYMBOLS = ("depth/", "raw_ws/", "corporate_actions/", "bad/binance")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows"), SHARED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_file_of_each_shared_form_is_stored_whole(
    shared_data: Path, catalogue: Catalogue, name: str, rows: dict[str, int] | None
) -> None:
    instrument = None if name.startswith(OWN_SYMBOLS) else "A@x"
    done = import_file(catalogue, shared_data / name, Wanted(instrument=instrument, venue="x"))
    found: dict[str, int] = {}
    for each in done.added:
        assert each.given == each.added == catalogue.frame(each.series).height
        found[each.series.kind] = found.get(each.series.kind, 0) + each.given
    assert found == rows if rows is not None else sum(found.values()) > 0
    assert not [each for each in done.findings if each.severity == "error"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("indicators/sc-ema-10.csv", "wrong columns"),
        ("equity_lean/map_files/aapl.csv", "LEAN map file"),
        ("kite/ticker_full.packet", "one frame of Kite's ticker"),
        ("kite/ticker_full.json", "JSON without market data"),
        ("raw_ws/cryptofeed/KRAKEN.0.gz", "no market data"),
        ("venue_metadata/interest-rate.csv", "wrong columns"),
    ],
)
def test_what_is_no_history_is_said_so(shared_data: Path, catalogue: Catalogue, name: str, says: str) -> None:
    with pytest.raises(BadDataFile, match=says):
        import_file(catalogue, shared_data / name, WANTED)


def test_options_reach_the_reader(catalogue: Catalogue, tmp_path: Path) -> None:
    path = csv_of_bars(tmp_path / "a.csv", ["2024-01-01 09:30:00,1,3,0.5,2,10"])
    options = ReadOptions(interval_ns=MINUTE, zone="America/New_York", stamp="end")
    seen: list[int] = []
    advance: Callable[[int, int], None] = lambda rows, _: seen.append(rows)  # noqa: E731
    import_file(catalogue, path, Wanted(instrument="A@x", options=options), advance)
    assert catalogue.frame(Series("A@x", "bars", MINUTE))["ts_event"].to_list() == [1_704_119_400_000_000_000]
    assert seen == [1]


def test_a_recorded_session_gives_the_market_data_it_was_given(catalogue: Catalogue, tmp_path: Path) -> None:
    quote = Quote(instrument="A@x", ts_event=T0, bid_price=1.0, bid_size=2.0, ask_price=3.0, ask_size=4.0)
    trade = Trade(instrument="B@x", ts_event=T0, trade_id="7", price=1.0, size=2.0, aggressor="sell")
    state = tmp_path / "state"
    write_tape(state, [(a_stop(1), []), (quote, []), (trade, []), (quote, [])])
    done = import_file(catalogue, state, Wanted())
    assert {str(each.series): each.added for each in done.added} == {"quotes of A@x": 2, "trades of B@x": 1}
    frame = catalogue.frame(Series("A@x", "quotes"))
    assert frame["ts_init"].to_list() == [T0 + 2 * SECOND, T0 + 4 * SECOND]
    assert frame["bid_size"].to_list() == [2.0, 2.0]
