"""Published fee schedules by name. Rates change: each says when it was read; a changed one is written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from actors.errors import ConfigError
from actors.venues.simulated.charges import Charge

_CENT = Decimal("0.01")
_IB_SHARES = {"base": "quantity", "per": "order", "most_share": Decimal("0.01"), "step": _CENT}


def _charge(name: str, rate: str, **rest: Any) -> Charge:
    return Charge(name=name, rate=Decimal(rate), **({"rounding": "nearest"} | rest))


def _us_regulation() -> tuple[Charge, ...]:
    """Fees on sales, as IB's price list of 2025 passes them on."""
    return (
        _charge("sec", "0.0000278", side="sell", per="order", step=_CENT),
        _charge("finra-taf", "0.000166", base="quantity", side="sell", per="order", most=Decimal("8.30"),
                step=_CENT),
    )  # fmt: skip


def _zerodha(
    *, stt: tuple[str, str], exchange: str, stamp: str, brokerage: Sequence[Charge] = ()
) -> tuple[Charge, ...]:
    """Zerodha's list of 2026: taxes to the paisa, securities transaction tax to the rupee, for each order."""
    rate, side = stt
    named = [charge.name for charge in brokerage]
    return (
        *brokerage,
        _charge("exchange", exchange, per="order", step=_CENT),
        _charge("sebi", "0.000001", per="order", step=_CENT),
        _charge("gst", "0.18", base="charges", of=(*named, "exchange", "sebi"), per="order", step=_CENT),
        _charge("stt", rate, side=side, per="order", step=Decimal(1)),
        _charge("stamp-duty", stamp, side="buy", per="order", step=_CENT),
    )


_TWENTY_RUPEES = (_charge("brokerage", "0.0003", per="order", most=Decimal(20), step=_CENT),)
_FLAT_TWENTY = (_charge("brokerage", "20", base="order"),)
_DELIVERY = {"stt": ("0.001", "both"), "stamp": "0.00015"}
_INTRADAY = {"stt": ("0.00025", "sell"), "stamp": "0.00003", "brokerage": _TWENTY_RUPEES}

PRESETS: Mapping[str, tuple[Charge, ...]] = {
    "ib-us-stocks-fixed": (
        _charge("commission", "0.005", least=Decimal(1), **_IB_SHARES),
        *_us_regulation(),
    ),
    "ib-us-stocks-tiered": (
        _charge("commission", "0.0035", least=Decimal("0.35"), **_IB_SHARES),
        _charge("clearing", "0.0002", base="quantity", per="order", step=_CENT),
        _charge("nyse-pass-through", "0.000175", base="charges", of=("commission",), per="order", step=_CENT),
        _charge("finra-pass-through", "0.000563", base="charges", of=("commission",), per="order",
                step=_CENT),
        *_us_regulation(),
    ),
    "zerodha-equity-delivery-nse": _zerodha(exchange="0.0000307", **_DELIVERY),  # type: ignore[arg-type]
    "zerodha-equity-delivery-bse": _zerodha(exchange="0.0000375", **_DELIVERY),  # type: ignore[arg-type]
    "zerodha-equity-intraday-nse": _zerodha(exchange="0.0000307", **_INTRADAY),  # type: ignore[arg-type]
    "zerodha-equity-intraday-bse": _zerodha(exchange="0.0000375", **_INTRADAY),  # type: ignore[arg-type]
    "zerodha-futures-nse": _zerodha(
        stt=("0.0005", "sell"), exchange="0.0000183", stamp="0.00002", brokerage=_TWENTY_RUPEES
    ),
    "zerodha-options-nse": _zerodha(
        stt=("0.0015", "sell"), exchange="0.0003553", stamp="0.00003", brokerage=_FLAT_TWENTY
    ),
}  # fmt: skip
"""IB's tiered list is its first tier, up to 300,000 shares a month, without what the exchanges charge."""


def preset(name: str) -> tuple[Charge, ...]:
    """The charges of a published schedule.

    Raises:
        ConfigError: No schedule of this name.
    """
    if name not in PRESETS:
        nearest = get_close_matches(name, PRESETS, 1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"use one of: {', '.join(PRESETS)}"
        raise ConfigError(f"there is no fee schedule {name!r}; {hint}")
    return PRESETS[name]
