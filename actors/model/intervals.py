"""Timeframes by name."""

from __future__ import annotations

from actors.errors import ConfigError

_UNITS_NS = {
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}


def parse_interval(text: str) -> int:
    """`5m` → nanoseconds; units s m h d w.

    Raises:
        ConfigError: Not a positive whole number with one of the units.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS_NS or not number.isascii() or not number.isdigit() or int(number) == 0:
        raise ConfigError(
            f"{text!r} is not a timeframe: write a number and a unit, as in 30s, 1m, 4h, 1d, 1w"
        )
    return int(number) * _UNITS_NS[unit]


def format_interval(interval_ns: int) -> str:
    """The shortest name: 60 s → `1m`."""
    for unit in ("w", "d", "h", "m", "s"):
        count, rest = divmod(interval_ns, _UNITS_NS[unit])
        if count and not rest:
            return f"{count}{unit}"
    return f"{interval_ns}ns"
