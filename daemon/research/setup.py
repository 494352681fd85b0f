"""A configuration from a few words: one strategy, one account, whatever data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from actors.errors import ConfigError, UsageError
from actors.model.intervals import format_interval
from actors.portfolio.sizing import Sizing
from actors.risk.limits import RiskLimits
from actors.venues.simulated.charges import Charge
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import (
    AccountSection,
    BacktestSection,
    Config,
    DataFile,
    InstrumentSection,
    StrategySection,
    VenueSection,
)
from daemon.config_checks import check_config
from daemon.config_instances import with_instances
from daemon.research.history import History

VENUE, ACCOUNT, NAME = "files", "test", "strategy"
ALMOST_ALL = Sizing(method="target_weight", amount=Decimal("0.95"))
"""The rest pays for fees and for prices that have moved."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What `Backtester` is told besides strategy and data; it says what each means."""

    bars: str | Sequence[str] | None
    parameters: Mapping[str, Any] | None
    cash: float | str | Decimal
    currency: str
    fee: float | str | Decimal
    charges: tuple[Charge, ...]
    sizing: Sizing | None
    tick_size: str | Decimal
    lot_size: str | Decimal
    calendar: str
    per_instrument: bool

    def config(self, use: str, files: Sequence[DataFile]) -> Config:
        """The whole configuration.

        Args:
            use: The strategy, as configurations name it.
        Raises:
            ConfigError: The first thing that is wrong.
        """
        bars = _interval_of(files) if self.bars is None else self.bars
        names = tuple(dict.fromkeys(file.instrument for file in files))
        section = StrategySection(
            use=use,
            account=ACCOUNT,
            instruments=names,
            per_instrument=self.per_instrument,
            bars=(bars,) if isinstance(bars, str) else tuple(bars),
            sizing=self.sizing or ALMOST_ALL,
            parameters=dict(self.parameters or {}),
        )
        made = Config(
            venues={VENUE: VenueSection(kind="simulated")},
            accounts={ACCOUNT: self._account()},
            instruments={name: self._instrument(name) for name in names},
            strategies={NAME: section},
            backtest=BacktestSection(data=tuple(files)),
        )
        check_config(made)
        return with_instances(made)

    def _account(self) -> AccountSection:
        fee = _decimal("fee", self.fee)
        return AccountSection(
            venue=VENUE,
            mode="paper",
            base_currency=self.currency,
            limits=RiskLimits(price_age_max_seconds=None),
            simulated=SimulatedVenueSettings(
                opening_balances={self.currency: _decimal("cash", self.cash)},
                maker_fee=fee,
                taker_fee=fee,
                charges=self.charges,
                fee_currency=self.currency,
            ),
        )

    def _instrument(self, name: str) -> InstrumentSection:
        symbol = name.partition("@")[0]
        return InstrumentSection(
            base=symbol.removesuffix(self.currency).rstrip("-/_") or symbol,
            quote=self.currency,
            tick_size=_decimal("tick_size", self.tick_size),
            lot_size=_decimal("lot_size", self.lot_size),
            calendar=self.calendar,
        )


def full_name(name: str) -> str:
    """`BTCUSDT` is `BTCUSDT@files`."""
    return name if "@" in name else f"{name}@{VENUE}"


def _interval_of(files: Sequence[DataFile]) -> str:
    """The data's own interval, of several the smallest."""
    config = Config(
        venues={VENUE: VenueSection(kind="simulated")}, backtest=BacktestSection(data=tuple(files))
    )
    intervals = [interval for _, interval in History(config).sources.given]
    if not intervals:
        raise UsageError("the data are ticks: say which bars to make of them, as bars='1m'")
    return format_interval(min(intervals))


def _decimal(name: str, value: float | str | Decimal) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ConfigError(f"{name} {value!r} is no number: write one as 0.001 or '0.001'")
    return number
