"""One strategy as configured."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import msgspec

from actors.errors import ConfigError
from actors.model.calendar import Calendars, calendar_named
from actors.model.instrument import Instrument
from actors.strategies.base import Strategy


class StrategySpec(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's class with everything it is given."""

    name: str
    strategy: type[Strategy]
    account: str
    instruments: tuple[str, ...]
    timeframes: tuple[int, ...] = ()
    """Nanoseconds."""
    parameters: Mapping[str, Any] = {}

    def check(
        self, taken: Container[str], currencies: Mapping[str, str], instruments: Container[str]
    ) -> None:
        """Look whether the strategy fits among the others.

        Raises:
            ConfigError: Its name is taken, or its account or an instrument is unknown.
        """
        if self.name in taken:
            raise ConfigError(f"two strategies are named {self.name}: give each a name of its own")
        if self.account not in currencies:
            known = ", ".join(currencies) or "none"
            raise ConfigError(f"strategy {self.name} uses unknown account {self.account!r}; known: {known}")
        if not self.instruments:
            raise ConfigError(f"strategy {self.name} has no instruments: give it at least one")
        for instrument in self.instruments:
            if instrument not in instruments:
                raise ConfigError(
                    f"strategy {self.name} trades unknown instrument {instrument!r}: configure it first"
                )

    def next_day_close(self, instruments: Mapping[str, Instrument], calendars: Calendars, now: int) -> int:
        """When the next trading day of any of the instruments ends."""
        names = dict.fromkeys(instruments[name].calendar for name in self.instruments)
        return min(calendar_named(name, calendars).next_close(now) for name in names)
