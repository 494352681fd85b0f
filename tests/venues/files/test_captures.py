"""Recorded feeds: trades, quotes and books come out with their venue's ids and the recorder's times."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from actors.errors import BadDataFile
from actors.venues.files.reading import read_file
from actors.venues.files.series import Piece

TRADE = (
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1700000000001,"s":"BTCUSDT","t":7,"p":"100.5",'
    '"q":"2","T":1700000000000,"m":true}}'
)
TICKER = '{"stream":"btcusdt@bookTicker","data":{"u":9,"s":"BTCUSDT","b":"100","B":"3","a":"101","A":"4"}}'
SNAPSHOT = '{"lastUpdateId":5,"bids":[["100","3"]],"asks":[["101","4"]]}'
RECEIVED = 1_700_000_000_100_000_000


def captured(folder: Path, lines: list[str], name: str = "capture.gz") -> dict[str, Piece]:
    path = folder / name
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    return {f"{piece.kind} {piece.symbol}": piece for piece in read_file(path).pieces()}


def test_a_raw_binance_capture_gives_trades_quotes_and_the_book(tmp_path: Path) -> None:
    lines = [f"{RECEIVED + i} {text}" for i, text in enumerate([TRADE, TICKER, SNAPSHOT])]
    found = captured(tmp_path, lines)
    trade = found["trades BTCUSDT"].frame.row(0, named=True)
    assert trade == {
        "ts_event": 1_700_000_000_000_000_000, "trade_id": "7", "price": 100.5, "size": 2.0,
            "aggressor": "sell",
        "ts_init": RECEIVED, "row": 1,
    }  # fmt: skip
    quote = found["quotes BTCUSDT"].frame.row(0, named=True)
    assert (quote["ts_event"], quote["bid_price"], quote["ask_size"]) == (RECEIVED + 1, 100.0, 4.0)
    book = found["book BTCUSDT"].frame.row(0, named=True)
    assert (book["is_snapshot"], book["last_update_id"], book["ask_prices"]) == (True, 5, [101.0])


@pytest.mark.parametrize(
    ("host", "message", "key", "values"),
    [
        ("wss://ws-feed.pro.coinbase.com",
            ('{"type":"match","trade_id":3,"side":"sell","size":"2","price":"5","product_id":"A-B",'
            '"time":"2023-11-14T22:13:20.5Z"}'),
         "trades A-B", {"ts_event": 1_700_000_000_500_000_000, "aggressor": "buy", "price": 5.0}),
        ("wss://ws.kraken.com", '[1,[["5.5","2","1700000000.250000","s","l",""]],"trade","A/B"]',
         "trades A/B", {"ts_event": 1_700_000_000_250_000_000, "aggressor": "sell", "price": 5.5}),
        ("wss://ws.bitstamp.net/",
            ('{"event":"trade","channel":"live_trades_btceur","data":{"id":4,"type":1,"price":5,'
            '"amount":2,"microtimestamp":"1700000000000000"}}'),
         "trades BTCEUR", {"ts_event": 1_700_000_000_000_000_000, "aggressor": "sell", "size": 2.0}),
        ("wss://fstream.binance.com/stream",
            ('{"stream":"x@aggTrade","data":{"e":"aggTrade","E":1,"a":8,"s":"X","p":"5","q":"2",'
            '"T":1700000000000,"m":false}}'),
         "trades X", {"trade_id": "8", "aggressor": "buy"}),
    ],
)  # fmt: skip
def test_dumps_of_several_venues_are_read(
    tmp_path: Path, host: str, message: str, key: str, values: dict[str, object]
) -> None:
    lines = [
        f"{host} <-> 1700000000.0",
        f'{host} <- 1700000000.1: {{"event":"subscribe"}}',
        f"1700000000.2: {message}",
    ]
    row = captured(tmp_path, lines)[key].frame.row(0, named=True)
    assert {name: row[name] for name in values} == values
    assert (row["ts_init"], row["row"]) == (1_700_000_000_200_000_000, 3)


def test_a_recorder_whose_clock_was_behind_is_told(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_text(f"{RECEIVED - 1_370_000_000} {TRADE}\n")
    file = read_file(path)
    list(file.pieces())
    (finding,) = file.problems.take()
    assert (finding.code, finding.severity) == ("clock", "warning")
    assert "1.27 s" in finding.text


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_text(f"{RECEIVED} {TRADE}\n{RECEIVED} {TRADE[:40]}\n")
    with pytest.raises(BadDataFile, match="line 2 is no JSON"):
        list(read_file(path).pieces())
