"""Plain text for people: aligned tables and lists of facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

NANOSECONDS_MIN = 10**17
"""Larger numbers in a column of times are nanoseconds UTC."""
TIMES = ("ts_", "good_till")
PLACES_MAX = 10
NOT_DEFINED = "n/a"
_WRITTEN = re.compile(r"-?\d[\d,]*(\.\d+)?( ?%| [A-Z]{2,6})?")


def table(rows: Sequence[Mapping[str, Any]], *, empty: str = "none") -> str:
    """Columns in the order of the first row's keys, numbers to the right."""
    if not rows:
        return empty
    columns = list(rows[0])
    cells = [[shown(row.get(column), column) for column in columns] for row in rows]
    widths = [max(len(column), *(len(row[at]) for row in cells)) for at, column in enumerate(columns)]
    right = [all(_is_number(row.get(column)) for row in rows) for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(*line, strict=True)
        )
        for line in ((row, widths, right) for row in [[column.upper() for column in columns], *cells])
    ]
    return "\n".join(line.rstrip() for line in lines)


def facts(values: Mapping[str, Any]) -> str:
    """One line per value; lists of rows as tables, nested facts indented, empty ones left out."""
    plain = {name: value for name, value in values.items() if not isinstance(value, Mapping | list)}
    width = max(map(len, plain), default=0)
    lines = [f"{name:<{width}}  {shown(value, name)}" for name, value in plain.items()]
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            lines += ["", f"{name}", _indented(facts(value))]
        elif isinstance(value, list) and value:
            rows = value if all(isinstance(row, Mapping) for row in value) else [{name: row} for row in value]
            lines += ["", f"{name}", _indented(table(rows))]
    return "\n".join(lines).strip("\n")


def shown(value: Any, name: str = "") -> str:
    """One value in a cell: times as people read them, money without a tail of digits."""
    if value is None:
        return "-"
    if isinstance(value, int) and value > NANOSECONDS_MIN and name.startswith(TIMES) | name.endswith("_at"):
        return datetime.fromtimestamp(value / 1e9, tz=UTC).isoformat(sep=" ", timespec="milliseconds")[:-6]
    if (
        isinstance(value, str | Decimal)
        and len(str(value).partition(".")[2]) > PLACES_MAX
        and _is_number(str(value))
    ):
        return f"{Decimal(value):.{PLACES_MAX}f}".rstrip("0").rstrip(".")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={shown(inner, key)}" for key, inner in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "-"
    return str(value)


def _is_number(value: Any) -> bool:
    """Also of one that is written out already, with its unit behind it; a missing one is no word, either."""
    if isinstance(value, str):
        return value == NOT_DEFINED or _WRITTEN.fullmatch(value) is not None
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
