"""One small file for each form, and what its first row says."""

from __future__ import annotations

from typing import Any, NamedTuple

MINUTE, HOUR, DAY = 60_000_000_000, 3_600_000_000_000, 86_400_000_000_000
Y2020 = 1_577_836_800_000_000_000
"""2020-01-01 UTC."""


class Case(NamedTuple):
    form: str
    kind: str
    text: str
    first: dict[str, Any]
    interval_ns: int | None = None
    name: str = "data.csv"


OHLC = {"open": 1.0, "high": 3.0, "low": 0.5, "close": 2.0, "volume": 10.0}
ALGOSEEK = (
    "Date,Ticker,TimeBarStart,OpenBarTime,FirstTradePrice,HighTradePrice,LowTradePrice,"
    "LastTradePrice,Volume\n"
)
WIKI = (
    "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,Adj. Close,"
    "Adj. Volume\n"
)

CASES = [
    Case(
        "bars",
        "bars",
        "datetime,open,high,low,close,volume\n2020-01-01 00:00:00,1,3,0.5,2,10\n"
        "2020-01-01 00:01:00,2,2,2,2,1\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "bars",
        "bars",
        ",Open,High,Low,Close,Volume\n2020-01-01,1,3,0.5,2,10\n2020-01-02,2,2,2,2,1\n",
        {"ts_event": Y2020 + DAY, **OHLC},
        DAY,
    ),
    Case(
        "bars",
        "bars",
        "Date,Open,High,Low,Close,Volume\n02-Jan-20,2,2,2,2,1\n01-Jan-20,1,3,0.5,2,10\n",
        {"ts_event": Y2020 + 2 * DAY, "open": 2.0},
        DAY,
    ),
    Case(
        "bars",
        "bars",
        "date,time,open,high,low,close\n2020-01-01,00:00:00,1,3,0.5,2\n2020-01-01,01:00:00,2,2,2,2\n",
        {"ts_event": Y2020 + HOUR, "volume": 0.0},
        HOUR,
    ),
    Case(
        "bars",
        "bars",
        "timestamp,o,h,l,c\n2020-01-01 01:00:00+01:00,1,3,0.5,2\n2020-01-01 01:01:00+01:00,2,2,2,2\n",
        {"ts_event": Y2020 + MINUTE, "high": 3.0},
        MINUTE,
    ),
    Case(
        "backtrader",
        "bars",
        "Date,Open,High,Low,Close,Volume,OpenInterest\n2020-01-01,1,3,0.5,2,10,0\n2020-01-02,2,2,2,2,1,0\n",
        {"ts_event": Y2020 + DAY, **OHLC},
        DAY,
    ),
    Case(
        "binance-klines",
        "bars",
        "1577836800000,1,3,0.5,2,10,1577836859999,1,79,1,1,0\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "binance-klines",
        "bars",
        "1577836800000000,1,3,0.5,2,10,1577836859999999,1,79,1,1,0\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "binance-klines",
        "bars",
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,tb,tq,ignore\n"
        "1577836800000,1,3,0.5,2,10,1577836859999,1,79,1,1,0\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "binance-trades",
        "trades",
        "17,100.5,2,201,1577836800000,True,True\n",
        {"ts_event": Y2020, "trade_id": "17", "price": 100.5, "size": 2.0, "aggressor": "sell"},
    ),
    Case(
        "binance-aggtrades",
        "trades",
        "17,100.5,2,1,3,1577836800000000,false,true\n",
        {"ts_event": Y2020, "trade_id": "17", "price": 100.5, "size": 2.0, "aggressor": "buy"},
    ),
    Case(
        "bitfinex",
        "bars",
        "1577836800000,1,2,3,0.5,10\n1577836860000,2,2,2,2,1\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "ohlcv",
        "bars",
        "1577836800000,1,3,0.5,2,10\n1577836860000,2,2,2,2,1\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "ninjatrader",
        "bars",
        "20200101 000100;1;3;0.5;2;10\n20200101 000200;2;2;2;2;1\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "metatrader",
        "bars",
        "2020.01.01,00:00,1,3,0.5,2,10\n2020.01.01,00:01,2,2,2,2,1\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "yahoo",
        "bars",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-01,1,3,0.5,2,1,10\n2020-01-02,2,2,2,2,1,1\n",
        {"ts_event": Y2020 + DAY, **OHLC},
        DAY,
    ),
    Case(
        "yahoo",
        "bars",
        "Date,Open,High,Low,Close,Volume,Adj Close\n2020-01-01,1,3,0.5,2,10,1\n2020-01-02,2,2,2,2,1,1\n",
        {"ts_event": Y2020 + DAY, **OHLC},
        DAY,
    ),
    Case(
        "yfinance",
        "bars",
        "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n2020-01-01,2,3,0.5,1,10\n"
        "2020-01-02,2,2,2,2,1\n",
        {"ts_event": Y2020 + DAY, **OHLC, "row": 4},
        DAY,
    ),
    Case(
        "wiki",
        "bars",
        WIKI + "2020-01-02,2,2,2,2,1,0.5,1.0,2,2,2,2,1\n2020-01-01,1,3,0.5,2,10,0,2.0,1,1,1,1,1\n",
        {"ts_event": Y2020 + 2 * DAY},
        DAY,
    ),
    Case(
        "algoseek-bars",
        "bars",
        ALGOSEEK + "20200102,A,0930,093000123,1,3,0.5,2,10\n20200102,A,0931,,,,,,0\n"
        "20200102,A,0932,093200000,2,2,2,2,1\n"
        "20200102,A,0933,093300000,2,2,2,2,1\n",
        {"ts_event": Y2020 + DAY + 14 * HOUR + 31 * MINUTE, **OHLC},
        MINUTE,
    ),
    Case(
        "algoseek-ticks",
        "trades",
        "Date,Timestamp,EventType,Ticker,Price,Quantity,Exchange,Conditions\n"
        "20200102,09:30:00.791480832,TRADE NB,A,51.2,300,NYSE,2000\n",
        {"ts_event": Y2020 + DAY + 14 * HOUR + 30 * MINUTE + 791_480_832, "price": 51.2, "size": 300.0},
    ),
    Case(
        "lean-bars",
        "bars",
        "34200000,10000,30000,5000,20000,10\n34260000,20000,20000,20000,20000,1\n",
        {"ts_event": Y2020 + DAY + 14 * HOUR + 31 * MINUTE, **OHLC},
        MINUTE,
        "equity/minute/aapl/20200102_trade.csv",
    ),
    Case(
        "lean-bars",
        "bars",
        "0,1,3,0.5,2,10\n60000,2,2,2,2,1\n",
        {"ts_event": Y2020 + MINUTE, **OHLC},
        MINUTE,
        "crypto/minute/20200101_trade.csv",
    ),
    Case(
        "lean-bars",
        "bars",
        "20200101 00:00,10000,30000,5000,20000,10\n20200102 00:00,20000,20000,20000,20000,1\n",
        {"ts_event": Y2020 + DAY, **OHLC},
        DAY,
        "equity/daily/aapl.csv",
    ),
    Case(
        "lean-quote-bars",
        "quote_bars",
        "0,1,3,0.5,2,7,1.1,3.1,0.6,2.1,8\n",
        {"ts_event": Y2020 + MINUTE, "bid_close": 2.0, "ask_size": 8.0},
        MINUTE,
        "forex/minute/20200101_quote.csv",
    ),
    Case(
        "lean-trades",
        "trades",
        "34200000,1815200,283,P,2000,0\n34200001,1815300,1,P,2000,1\n",
        {"ts_event": Y2020 + DAY + 14 * HOUR + 30 * MINUTE, "price": 181.52, "size": 283.0},
        None,
        "equity/tick/ibm/20200102_ibm_Trade_Tick.csv",
    ),
    Case(
        "lean-quotes",
        "quotes",
        "34200000,0,0,1836300,100,Q,1,0\n34200001,1836200,300,0,0,P,1,0\n",
        {"bid_price": 183.62, "ask_price": 183.63, "ask_size": 100.0},
        None,
        "equity/tick/ibm/20200102_ibm_Quote_Tick.csv",
    ),
    Case(
        "lean-forex",
        "quotes",
        "292,1.38676,1.38686\n",
        {"ts_event": Y2020 + 292_000_000, "bid_price": 1.38676},
        None,
        "forex/tick/20200101_quote.csv",
    ),
    Case(
        "quotes",
        "quotes",
        "Ask,Bid,Timestamp\n101,100,1577836800\n",
        {"ts_event": Y2020, "bid_price": 100.0, "ask_price": 101.0, "bid_size": 1.0},
    ),
    Case(
        "trades",
        "trades",
        "timestamp,price,size,side\n1577836800000000000,100,2,sell\n",
        {"ts_event": Y2020, "trade_id": "#0", "price": 100.0, "size": 2.0, "aggressor": "sell"},
    ),
    Case(
        "tardis-trades",
        "trades",
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "x,XBT,1577836800000000,1577836800000001,a-1,buy,5,7\n",
        {"ts_event": Y2020, "trade_id": "a-1", "price": 5.0, "size": 7.0, "aggressor": "buy"},
    ),
    Case(
        "tardis-book",
        "book",
        "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
        "d,B,1577836800000000,1,true,ask,11,1\nd,B,1577836800000000,1,true,bid,10,2\n",
        {"ts_event": Y2020, "is_snapshot": True, "bid_prices": [10.0], "ask_sizes": [1.0]},
    ),
    Case(
        "tardis-snapshots",
        "book",
        "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,"
        "bids[0].amount\n"
        "d,B,1577836800000000,1,11,1,10,2\n",
        {"is_snapshot": True, "bid_sizes": [2.0], "ask_prices": [11.0]},
    ),
    Case(
        "binance-depth",
        "book",
        "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n"
        "B,1577836800000,5,9,a,set,11,0,4\nB,1577836800000,5,9,b,set,10,3,4\n",
        {
            "is_snapshot": False,
            "first_update_id": 5,
            "last_update_id": 9,
            "ask_sizes": [0.0],
            "bid_prices": [10.0],
        },
    ),
    Case(
        "actions",
        "actions",
        "symbol,kind,ex_date,value\naapl,split,20200101,4\n",
        {"ts_event": Y2020, "action": "split", "value": 4.0},
    ),
    Case(
        "id-is-time",
        "trades",
        "id,price,amount,type\n1577836800000001,13.5,36.8,ask\n",
        {"ts_event": Y2020 + 1_000, "price": 13.5, "aggressor": "sell"},
    ),
    Case(
        "funding",
        "funding",
        "symbol,fundingTime,fundingRate,markPrice\nBTCUSDT,1577836800003,-0.0001,7195.24\n"
        "BTCUSDT,1577865600000,0.0002,\n",
        {"ts_event": Y2020 + 3_000_000, "rate": -0.0001, "mark_price": 7195.24},
    ),
    Case(
        "funding",
        "funding",
        "calc_time,funding_interval_hours,last_funding_rate\n1577836800000,8,0.0001\n",
        {"ts_event": Y2020, "rate": 0.0001, "mark_price": None},
    ),
]
