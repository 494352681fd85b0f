"""What is traded."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from actors.model.instrument import Instrument, instrument_id

D = Decimal


def an_instrument() -> Instrument:
    return Instrument(
        id=instrument_id("BTCUSDT", "binance"),
        symbol="BTCUSDT",
        venue="binance",
        kind="spot",
        base="BTC",
        quote="USDT",
        tick_size=D("0.010"),
        lot_size=D("0.00001"),
    )


def test_an_instrument_is_named_by_symbol_and_venue() -> None:
    assert an_instrument().id == "BTCUSDT@binance"


def test_a_spot_instrument_has_no_multiplier_and_no_bounds_of_its_own() -> None:
    instrument = an_instrument()
    assert (instrument.multiplier, instrument.quantity_min, instrument.notional_min) == (D(1), D(0), D(0))
    assert instrument.quantity_max is None


def test_an_instrument_reads_back_from_the_tape_to_the_last_digit() -> None:
    instrument = an_instrument()
    packed = msgspec.msgpack.encode(instrument)
    assert msgspec.msgpack.decode(packed, type=Instrument) == instrument
    assert str(msgspec.msgpack.decode(packed, type=Instrument).tick_size) == "0.010"


def test_an_instrument_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        an_instrument().tick_size = D(1)  # type: ignore[misc]
