"""Valuation: direct, inverse and over one asset between; a missing mark is named, never guessed."""

from __future__ import annotations

from decimal import Decimal

from actors.core.market import MarketBoard
from actors.messages.market import Quote
from actors.model.instrument import Instrument
from actors.views.valuation import Valuation


def an_instrument(base: str, quote: str) -> Instrument:
    return Instrument(
        id=f"{base}{quote}@x",
        symbol=f"{base}{quote}",
        venue="x",
        kind="spot",
        base=base,
        quote=quote,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
    )


def a_board(**mids: float) -> MarketBoard:
    board = MarketBoard()
    for symbol, mid in mids.items():
        name = f"{symbol}@x"
        board.quotes[name] = Quote(
            instrument=name, ts_event=1, bid_price=mid, bid_size=1.0, ask_price=mid, ask_size=1.0
        )
    return board


VALUATION = Valuation(
    [an_instrument("BTC", "USDT"), an_instrument("BNB", "USDT"), an_instrument("ETH", "BTC")]
)


def test_an_asset_is_worth_its_mark_in_the_quote_currency() -> None:
    assert VALUATION.price("BTC", "USDT", a_board(BTCUSDT=50_000.0)) == 50_000.0


def test_the_quote_currency_is_worth_the_inverse_in_the_base() -> None:
    assert VALUATION.price("USDT", "BTC", a_board(BTCUSDT=50_000.0)) == 1 / 50_000.0


def test_one_asset_between_is_enough() -> None:
    assert VALUATION.price("ETH", "USDT", a_board(BTCUSDT=50_000.0, ETHBTC=0.05)) == 2_500.0


def test_what_cannot_be_valued_is_named_and_left_out() -> None:
    total, missing = VALUATION.total(
        {"USDT": Decimal(10), "BTC": Decimal(1), "BNB": Decimal(0), "DOGE": Decimal(5)}, "USDT", a_board()
    )
    assert total == 10.0
    assert missing == ["BTC", "DOGE"]
