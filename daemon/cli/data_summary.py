"""What an import came to, in as many lines as there are kinds of things to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from daemon.cli.tables import table

if TYPE_CHECKING:
    from actors.venues.files.series import Finding

SERIES_MAX = 20
"""More of them are summed by their kind."""
NAMES_MAX = 3


def summary(
    rows: Sequence[dict[str, Any]], findings: Sequence[Finding], left_out: Sequence[dict[str, str]]
) -> str:
    """For people: the series that were filled, what was found in their files, and which were left out.

    Args:
        rows: A file's part of a series each.
    """
    from daemon.research.data.findings import many_as_one

    parts = [_series(rows)] if rows else []
    parts += ["\n".join(many_as_one(findings))] if findings else []
    parts += ["\n".join(_reasons(left_out))] if left_out else []
    return "\n\n".join(parts) or "nothing found"


def _series(rows: Sequence[dict[str, Any]]) -> str:
    by_series = _grouped(rows, ("series",))
    if len(by_series) <= SERIES_MAX:
        return table([{"series": series, **_sums(each)} for (series,), each in by_series.items()])
    lines = []
    for (form, kind), each in _grouped(
        [{**row, "kind": _kind(row)} for row in rows], ("form", "kind")
    ).items():
        names = list(dict.fromkeys(row["instrument"] for row in each))
        shown = ", ".join(names) if len(names) <= NAMES_MAX else f"{names[0]} … {len(names)} of them"
        lines.append({"form": form, "kind": kind, "instruments": shown, **_sums(each)})
    return f"{table(lines)}\n\n{len(by_series)} series; `tickerd data list` shows them one by one"


def _kind(row: dict[str, Any]) -> str:
    """`1m bars` of `1m bars of BTCUSD@files`."""
    return str(row["series"]).removesuffix(f" of {row['instrument']}")


def _grouped(
    rows: Sequence[dict[str, Any]], by: tuple[str, ...]
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in by), []).append(row)
    return found


def _sums(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {
        "files": len({row["file"] for row in rows}),
        "rows": sum(row["rows"] for row in rows),
        "new": sum(row["new"] for row in rows),
    }


def _reasons(left_out: Sequence[dict[str, str]]) -> list[str]:
    """One line for each reason; of several files the first is named."""
    groups: dict[str, list[dict[str, str]]] = {}
    for each in left_out:
        groups.setdefault(each["why"].replace(each["file"], "").strip(": "), []).append(each)
    lines = []
    for group in groups.values():
        more = f" (and {len(group) - 1:,} more files)" if len(group) > 1 else ""
        lines.append(f"left out: {group[0]['why']}{more}")
    return lines
