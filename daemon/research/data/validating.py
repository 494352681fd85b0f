"""Files and series looked through: every finding names its file and row and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files.reading import read_file
from actors.venues.files.series import Finding, Kind, Problems, ReadOptions
from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.data.checks import check, moment
from daemon.research.data.gaps import ALWAYS, DAY_NS, seen_calendar
from daemon.research.data.importing import is_state

EARLY_END_NS = 3_600_000_000_000


def validate_file(path: Path, options: ReadOptions, calendar: str | None = None) -> list[Finding]:
    """Everything wrong with one file; one that cannot be read is a finding, too.

    Raises:
        ConfigError: The calendar is not known.
    """
    problems = Problems(str(path))
    if is_state(path):
        problems.add("error", "file", "is a state folder", "import it, and validate what it gave")
        return problems.take()
    try:
        file = read_file(path, options)
        tables: dict[tuple[Kind, str | None, int | None], list[pl.DataFrame]] = {}
        for piece in file.pieces():
            tables.setdefault((piece.kind, piece.symbol, piece.interval_ns), []).append(piece.frame)
    except BadDataFile as error:
        told = str(error).removeprefix(f"{path}: ").removeprefix(f"{path} ")
        text, _, advice = told.rpartition(": " if ": " in told else "; ")
        problems.add("error", "file", text or str(error), advice or "get the file again")
        return problems.take()
    findings = file.problems.take()
    if not tables and not findings:
        problems.add("error", "file", "holds no market data", "leave it out")
    for (kind, symbol, interval), frames in tables.items():
        own = Problems(f"{path}" if symbol is None or len(tables) < 3 else f"{path} ({symbol} {kind})")
        frame = pl.concat(frames)
        if not frame.is_empty():
            check(frame, kind, interval, own, calendar)
            if kind == "bars" and interval is not None and len(tables) == 1:
                _ends_early(frame, interval, own)
        findings += own.take()
    return findings + problems.take()


def validate_series(catalogue: Catalogue, series: Series, calendar: str | None = None) -> list[Finding]:
    """Everything wrong with a series of the catalogue; its rows are counted over the whole of it."""
    problems = Problems(str(catalogue.folder(series)))
    frame = catalogue.frame(series)
    if frame.is_empty():
        problems.add("error", "file", "holds no rows", "import the data again")
    else:
        check(frame, series.kind, series.interval_ns, problems, calendar)
    return problems.take()


def has_errors(findings: Sequence[Finding]) -> bool:
    """Whether something must be mended before the data can be trusted."""
    return any(finding.severity == "error" for finding in findings)


def _ends_early(frame: pl.DataFrame, interval_ns: int, problems: Problems) -> None:
    """One day of a market that never rests, and hours are missing at its end."""
    ends = frame["ts_event"].sort().to_numpy()
    starts = ends - interval_ns
    first, last = int(starts[0]), int(ends[-1])
    if interval_ns >= DAY_NS or first // DAY_NS != (last - 1) // DAY_NS or first % DAY_NS > EARLY_END_NS:
        return
    if seen_calendar(starts, interval_ns) == ALWAYS and -last % DAY_NS > EARLY_END_NS:
        problems.add(
            "warning", "early-end", f"the day ends at {moment(last - interval_ns)[-8:-3]}",
            "get the file again if the market was open until midnight", row=int(frame["row"][-1]),
        )  # fmt: skip
