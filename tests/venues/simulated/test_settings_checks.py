"""Settings that no single value is wrong about."""

from __future__ import annotations

from typing import Any

import pytest

from actors.venues.simulated.delays import Delay
from actors.venues.simulated.settings import MarketSettings
from actors.venues.simulated.settings_checks import (
    account_doubts,
    account_faults,
    market_doubts,
    market_faults,
)
from tests.venues.simulated.builders import D, a_market, settings


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"latency_ms": -1.0}, ("latency_ms",)),
        ({"fees": "nobody"}, ("fees",)),
        ({"cancel_delay": Delay(model="recorded")}, ("cancel_delay", "recorded_ms")),
        ({"submit_delay": Delay(recorded_ms=(1.0,))}, ("submit_delay", "recorded_ms")),
        ({"report_delay": Delay(model="normal", spread=-1)}, ("report_delay", "spread")),
        ({"market_data_delay": Delay(model="lognormal", spread=1)}, ("market_data_delay", "ms")),
        ({"fill_share_of_trade": 1.5}, ("fill_share_of_trade",)),
        ({"opening_balances": {"USDT": D(-1)}}, ("opening_balances", "USDT")),
    ],
)
def test_fault_of_an_account_names_its_key(changes: dict[str, Any], keys: tuple[str, ...]) -> None:
    (fault,) = account_faults(settings(**changes))
    assert fault[0] == keys


@pytest.mark.parametrize(
    ("market", "keys"),
    [
        (a_market(volume_share=0.0), ("bars", "volume_share")),
        (a_market(volume_share=25.0), ("bars", "volume_share")),
        (a_market(slippage={"bps": -1.0}), ("slippage", "bps")),
        (a_market(slippage={"impact": float("nan")}), ("slippage", "impact")),
        (a_market(slippage={"function": "mine:not a name"}), ("slippage", "function")),
        (a_market(hours={"zone": "Europe/Berln"}), ("hours", "zone")),
        (a_market(hours={"opens": "09:30"}), ("hours",)),
        (a_market(hours={"opens": "09:30", "closes": "16:00", "calendar": "24/7"}), ("hours",)),
    ],
)
def test_fault_of_a_market_names_its_key(market: MarketSettings, keys: tuple[str, ...]) -> None:
    (fault,) = market_faults(market)
    assert fault[0] == keys


def test_settings_as_they_come_are_right() -> None:
    assert list(account_faults(settings())) == list(market_faults(MarketSettings())) == []


def test_what_is_probably_not_meant_is_said() -> None:
    fees = settings(fees="ib-us-stocks-fixed", maker_fee=D("0.0002"), taker_fee=D("0.001"))
    assert [keys for keys, _ in account_doubts(fees)] == [("maker_fee",)]
    assert not list(account_doubts(settings()))
    market = a_market(market_orders="same_close", market_rest="cancel")
    assert [keys for keys, _ in market_doubts(market)] == [("bars", "market_orders"), ("bars", "market_rest")]
    assert not list(market_doubts(a_market(market_orders="same_close", slippage={"ticks": 1})))
