"""exchangeInfo → instruments."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from actors.errors import ConfigError
from actors.model.intervals import parse_interval
from actors.venues.binance.filters import instrument_from, interval_name, unlisted
from actors.venues.binance.wire import EXCHANGE_INFO, SymbolInfo
from tests.fakes.binance_server import BTCUSDT


def info_of(**changes: object) -> SymbolInfo:
    text = json.dumps({"symbols": [{**BTCUSDT, **changes}], "exchangeFilters": [], "sors": []})
    return EXCHANGE_INFO.decode(text).symbols[0]


def test_filters_become_steps_and_limits() -> None:
    instrument = instrument_from(info_of(), "binance")
    assert instrument.id == "BTCUSDT@binance"
    assert (instrument.base, instrument.quote, instrument.kind) == ("BTC", "USDT", "spot")
    assert instrument.tick_size == Decimal("0.01")
    assert instrument.lot_size == Decimal("0.00001")
    assert instrument.quantity_min == Decimal("0.00001")
    assert instrument.quantity_max == Decimal(120), "market orders have the tighter bound"
    assert str(instrument.quantity_max) == "120", "as people write it"
    assert instrument.notional_min == Decimal(5)


def test_a_symbol_without_filters_is_not_limited() -> None:
    instrument = instrument_from(info_of(filters=[]), "binance")
    assert instrument.tick_size == instrument.lot_size == instrument.notional_min == 0
    assert instrument.quantity_max is None


def test_zero_switches_a_check_off() -> None:
    filters = [{"filterType": "LOT_SIZE", "minQty": "0", "maxQty": "0.00000000", "stepSize": "0"}]
    instrument = instrument_from(info_of(filters=filters), "binance")
    assert instrument.quantity_max is None
    assert instrument.lot_size == 0


def test_an_unlisted_symbol_is_named_with_its_nearest() -> None:
    error = unlisted(["BTCUSD", "XQZW"], ["BTCUSDT", "ETHBTC"])
    assert "'BTCUSD' (did you mean BTCUSDT?), 'XQZW':" in str(error)


def test_timeframes_have_the_venues_names() -> None:
    assert [interval_name(parse_interval(text)) for text in ("1m", "60s", "3d", "1w")] == [
        "1m",
        "1m",
        "3d",
        "1w",
    ]
    with pytest.raises(ConfigError, match="no 7m bars"):
        interval_name(parse_interval("7m"))
