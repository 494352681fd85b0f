"""Market data in the venue's words → ours, and what is refused as impossible."""

from __future__ import annotations

import msgspec
import pytest

from actors.errors import BadMarketData
from actors.messages.market import Bar, BookDelta, BookSnapshot, Quote, Trade
from actors.venues.binance import translate
from actors.venues.binance.wire import (
    BOOK_TICKER,
    DEPTH,
    DEPTH_SNAPSHOT,
    FRAME,
    KLINE,
    KLINE_ROWS,
    TRADE,
)

BTC = "BTCUSDT@binance"
MINUTE = 60_000_000_000
TRADE_TEXT = (
    '{"e":"trade","E":1790000000100,"s":"BTCUSDT","t":9001,"p":"60000.10","q":"0.00200000",'
    '"T":1790000000099,"m":true,"M":true}'
)
TICKER_TEXT = '{"u":400900217,"s":"BTCUSDT","b":"60000.00","B":"1.2","a":"60000.10","A":"0.7"}'
KLINE_TEXT = (
    '{"e":"kline","E":1790000040001,"s":"BTCUSDT","k":{"t":1789999980000,"T":1790000039999,"s":"BTCUSDT",'
    '"i":"1m","f":1,"L":9,"o":"1","c":"2","h":"3","l":"1","v":"10","n":9,"x":true,"q":"20","V":"4","Q":"8"}}'
)
DEPTH_TEXT = (
    '{"e":"depthUpdate","E":1790000000200,"s":"BTCUSDT","U":157,"u":160,'
    '"b":[["59999.9","10"]],"a":[["60000.1","0"]]}'
)
SNAPSHOT_TEXT = '{"lastUpdateId":160,"bids":[["59999.9","10"]],"asks":[["60000.1","3"]]}'


def test_a_trade_whose_buyer_was_the_maker_was_a_sale() -> None:
    expected = Trade(
        ts_event=1790000000099_000_000,
        instrument=BTC,
        trade_id="9001",
        price=60000.10,
        size=0.002,
        aggressor="sell",
    )
    assert translate.trade(TRADE.decode(TRADE_TEXT), BTC) == expected
    bought = TRADE.decode(TRADE_TEXT.replace('"m":true', '"m":false'))
    assert translate.trade(bought, BTC).aggressor == "buy"


def test_a_book_ticker_happened_when_it_was_received() -> None:
    expected = Quote(
        ts_event=77, instrument=BTC, bid_price=60000.0, bid_size=1.2, ask_price=60000.1, ask_size=0.7
    )
    assert translate.quote(BOOK_TICKER.decode(TICKER_TEXT), BTC, 77) == expected


def test_a_bar_is_stamped_with_its_end() -> None:
    kline = KLINE.decode(KLINE_TEXT).kline
    assert kline.is_closed
    expected = Bar(
        ts_event=1790000040000_000_000,
        instrument=BTC,
        interval_ns=MINUTE,
        open=1.0,
        high=3.0,
        low=1.0,
        close=2.0,
        volume=10.0,
    )
    assert translate.bar(kline, BTC, MINUTE) == expected
    row = '[[1789999980000,"1","3","1","2","10",1790000039999,"20",9,"4","8","0"]]'
    assert translate.bar(KLINE_ROWS.decode(row)[0], BTC, MINUTE) == expected


def test_depth_keeps_its_update_ids_and_removals() -> None:
    expected = BookDelta(
        ts_event=1790000000200_000_000,
        instrument=BTC,
        first_update_id=157,
        last_update_id=160,
        bids=((59999.9, 10.0),),
        asks=((60000.1, 0.0),),
    )
    assert translate.book_delta(DEPTH.decode(DEPTH_TEXT), BTC) == expected


def test_a_book_snapshot_happened_when_it_was_received() -> None:
    expected = BookSnapshot(
        ts_event=77, instrument=BTC, update_id=160, bids=((59999.9, 10.0),), asks=((60000.1, 3.0),)
    )
    assert translate.book_snapshot(DEPTH_SNAPSHOT.decode(SNAPSHOT_TEXT), BTC, 77) == expected


@pytest.mark.parametrize("price", ["NaN", "-1", "0", "Infinity"])
def test_an_impossible_trade_price_is_refused(price: str) -> None:
    with pytest.raises((BadMarketData, msgspec.MsgspecError)):
        translate.trade(TRADE.decode(TRADE_TEXT.replace("60000.10", price)), BTC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("60000.00", "60000.10"),
        ("60000.00", "60000.20"),
        ("60000.00", "nan"),
        ("60000.00", "-5"),
        ('"B":"1.2"', '"B":"-1.2"'),
        ('"A":"0.7"', '"A":"nan"'),
    ],
)
def test_a_locked_crossed_or_impossible_quote_is_refused(old: str, new: str) -> None:
    assert old in TICKER_TEXT
    with pytest.raises((BadMarketData, msgspec.MsgspecError)):
        translate.quote(BOOK_TICKER.decode(TICKER_TEXT.replace(old, new)), BTC, 0)


@pytest.mark.parametrize(
    ("old", "new"), [('"h":"3"', '"h":"1.5"'), ('"l":"1"', '"l":"1.1"'), ('"v":"10"', '"v":"-1"')]
)
def test_a_bar_that_contradicts_itself_is_refused(old: str, new: str) -> None:
    with pytest.raises(BadMarketData):
        translate.bar(KLINE.decode(KLINE_TEXT.replace(old, new)).kline, BTC, MINUTE)


def test_a_negative_level_and_a_crossed_snapshot_are_refused() -> None:
    with pytest.raises(BadMarketData):
        translate.book_delta(DEPTH.decode(DEPTH_TEXT.replace('"10"', '"-10"')), BTC)
    crossed = DEPTH_SNAPSHOT.decode(SNAPSHOT_TEXT.replace("59999.9", "60000.1"))
    with pytest.raises(BadMarketData, match="crossed"):
        translate.book_snapshot(crossed, BTC, 0)


def test_fields_the_venue_adds_are_skipped() -> None:
    extended = TRADE_TEXT[:-1] + ',"zz":{"deep":[1,2,{"x":null}]},"new":"field"}'
    assert translate.trade(TRADE.decode(extended), BTC) == translate.trade(TRADE.decode(TRADE_TEXT), BTC)


def test_every_kind_of_stream_frame_is_read() -> None:
    event = FRAME.decode('{"stream":"btcusdt@trade","data":' + TRADE_TEXT + "}")
    assert (event.stream, TRADE.decode(event.data).trade_id) == ("btcusdt@trade", 9001)
    assert FRAME.decode('{"result":null,"id":1}').id == 1
    assert FRAME.decode('{"code":2,"msg":"bad","id":1}').code == 2
    assert FRAME.decode('{"e":"serverShutdown","E":1770000000000}').event == "serverShutdown"
    assert FRAME.decode('{"stream":"!serverShutdown","data":{"e":"serverShutdown"}}').stream
