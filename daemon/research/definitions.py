"""Instruments as a configuration defines them, where no venue is asked for them."""

from __future__ import annotations

from actors.errors import ConfigError
from actors.model.instrument import Instrument
from daemon.config import Config
from daemon.graph import traded_instruments


def configured_instruments(config: Config) -> dict[str, Instrument]:
    """Definitions of all traded instruments from the configuration; defaults come from the name.

    Raises:
        ConfigError: An instrument without a definition.
    """
    found = {}
    for venue, names in traded_instruments(config).items():
        for name in names:
            section = config.instruments.get(name)
            if section is None or not section.base or not section.quote:
                raise ConfigError(
                    f'{name} is not defined: add [instruments."{name}"] with base, quote, tick_size, lot_size'
                )
            found[name] = Instrument(
                id=name,
                symbol=name.partition("@")[0],
                venue=venue,
                kind=section.kind,
                base=section.base,
                quote=section.quote,
                tick_size=section.tick_size,
                lot_size=section.lot_size,
                quantity_min=section.quantity_min,
                notional_min=section.notional_min,
                multiplier=section.multiplier,
                calendar=section.calendar,
            )
    return found
