"""Plain text for people: aligned tables and lists of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(rows: Sequence[Mapping[str, Any]], *, empty: str = "none") -> str:
    """Columns in the order of the first row's keys, numbers to the right."""
    if not rows:
        return empty
    columns = list(rows[0])
    cells = [[shown(row.get(column)) for column in columns] for row in rows]
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
    lines = [f"{name:<{width}}  {shown(value)}" for name, value in plain.items()]
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            lines += ["", f"{name}", _indented(facts(value))]
        elif isinstance(value, list) and value:
            rows = value if all(isinstance(row, Mapping) for row in value) else [{name: row} for row in value]
            lines += ["", f"{name}", _indented(table(rows))]
    return "\n".join(lines).strip("\n")


def shown(value: Any) -> str:
    """One value in a cell."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={shown(inner)}" for key, inner in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "-"
    return str(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float) or value is None:
        return True
    return isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
