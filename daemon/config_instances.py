"""A strategy that runs once for each of its instruments becomes several, each with its own name."""

from __future__ import annotations

import msgspec

from actors.errors import ConfigError
from daemon.config import Config, StrategySection


def with_instances(config: Config) -> Config:
    """The configuration with every `per_instrument` strategy in the place of its instances.

    `sma` on BTCUSDT@binance and ETHUSDT@binance becomes `sma-BTCUSDT` and `sma-ETHUSDT`: each has a position,
    indicators, state and limits of its own.

    Raises:
        ConfigError: An instance's name is taken.
    """
    if not any(section.per_instrument for section in config.strategies.values()):
        return config
    found: dict[str, StrategySection] = {}
    for name, section in config.strategies.items():
        for instance, instruments in _instances(name, section):
            if instance in found:
                raise ConfigError(f"two strategies are named {instance}: rename strategies.{name}")
            found[instance] = msgspec.structs.replace(section, instruments=instruments, per_instrument=False)
    return msgspec.structs.replace(config, strategies=found)


def _instances(name: str, section: StrategySection) -> list[tuple[str, tuple[str, ...]]]:
    if not section.per_instrument:
        return [(name, section.instruments)]
    return [(f"{name}-{each.partition('@')[0]}", (each,)) for each in section.instruments]
