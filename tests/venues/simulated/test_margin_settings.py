"""What a margin account's settings can be wrong about: one place and one reason each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.venues.simulated.margin_settings import MarginRates, MarginSettings, margin_faults
from tests.venues.simulated.clearing_rig import ACME, PERP, instruments

D = Decimal


def rates(initial: str, maintenance: str, **short: Decimal) -> MarginRates:
    return MarginRates(initial=D(initial), maintenance=D(maintenance), **short)


@pytest.mark.parametrize(
    ("changes", "keys", "reason"),
    [
        ({"rates": {"stock": rates("0.5", "0.2")}}, ("rates", "stock"), "neither an instrument nor one of"),
        ({"rates": {ACME: rates("0.1", "0.2")}}, ("rates", ACME), "maintenance 0.2 of longs"),
        ({"rates": {ACME: rates("0.5", "0.2", maintenance_short=D(1))}}, ("rates", ACME), "1 of shorts"),
        ({"borrow": {"equity": D(30)}}, ("borrow", "equity"), "write 0.03 for 3 %"),
        ({"interest": D(-1)}, ("interest",), "write 0.06 for 6 %"),
        ({"call_seconds": -1.0}, ("call_seconds",), "must not be negative"),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, Any], keys: tuple[str, ...], reason: str) -> None:
    faults = [(found, why) for found, why in margin_faults(MarginSettings(**changes)) if reason in why]
    assert [found for found, _ in faults] == [keys]


def test_nothing_is_wrong_with_the_defaults() -> None:
    assert list(margin_faults(MarginSettings())) == []


def test_an_instruments_own_figures_come_before_its_kinds_and_those_before_the_defaults() -> None:
    share, perpetual = instruments()[ACME], instruments()[PERP]
    settings = MarginSettings(
        rates={"equity": rates("0.4", "0.2"), PERP: rates("0.02", "0.01")},
        borrow={"equity": D("0.01"), ACME: D("0.2")},
    )
    assert settings.rates_of(share).initial == D("0.4")
    assert settings.rates_of(perpetual).keeping(is_short=True) == D("0.01")
    assert MarginSettings().rates_of(share).keeping(is_short=True) == D("0.3")
    assert (settings.borrow_rate(share), settings.borrow_rate(perpetual)) == (D("0.2"), D(0))
