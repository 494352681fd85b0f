"""Any data file → its form and its pieces; what is wrong in it is collected beside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files.captures import find_capture, read_capture
from actors.venues.files.columns import Context
from actors.venues.files.forms import FORMS, FUNDING_COLUMNS, Form, find_form
from actors.venues.files.read_bars import FIGURES, named_columns, normal
from actors.venues.files.series import (
    HAS_INTERVAL,
    KINDS,
    SCHEMAS,
    Kind,
    Piece,
    Problems,
    ReadFile,
    ReadOptions,
    shaped,
)
from actors.venues.files.text import Head, blocks, first_bytes, head_of

TABLES = (".parquet", ".pq", ".feather", ".arrow", ".ipc")
FEATHER = (".feather", ".arrow", ".ipc")
ROWS_PER_BLOCK = 131_072
DEFAULTS = ReadOptions()


def read_file(path: Path, options: ReadOptions = DEFAULTS) -> ReadFile:
    """Recognise a file.

    Raises:
        BadDataFile: Not there, empty, or of no form we know.
    """
    if not path.is_file():
        raise BadDataFile(f"{path}: no such file; check the path")
    problems = Problems(str(path))
    if path.suffix.lower() in TABLES:
        return _read_table(path, options, problems)
    start = first_bytes(path, 4096)
    capture = find_capture(path, start) if options.form is None else None
    if capture is not None:
        return ReadFile(
            path, capture.form, capture.why, partial(read_capture, path, capture, problems), problems
        )
    head = head_of(path)
    form = find_form(head, options.form)

    def pieces() -> Iterator[Piece]:
        context = Context(head, options, problems)
        for block in blocks(head):
            yield from _converted(context, form, block)

    return ReadFile(path, form.name, form.why, pieces, problems)


def _converted(context: Context, form: Form, block: pl.DataFrame) -> list[Piece]:
    try:
        return form.read(context, block)
    except (pl.exceptions.PolarsError, KeyError, TypeError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadDataFile(
            f"{context.problems.file} is not of the form {form.name} ({what}): name another with --form"
        ) from error


def _read_table(path: Path, options: ReadOptions, problems: Problems) -> ReadFile:
    try:
        lazy = pl.scan_ipc(path) if path.suffix.lower() in FEATHER else pl.scan_parquet(path)
        names = lazy.collect_schema().names()
        is_empty = not int(lazy.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadDataFile(
            f"{path} cannot be read as a table: {str(error).splitlines()[0]}: get the file again"
        ) from error
    if is_empty:
        raise BadDataFile(f"{path} has no rows: get the file again")
    kind = _own_kind(names, options.kind)
    if kind is not None:
        interval = options.interval_ns or own_interval(path)
        return ReadFile(
            path, "tickerd", "our own columns", partial(_own, lazy, path, kind, interval), problems
        )
    form = next((name for name in ("funding", "bars", "quotes", "trades") if _fits(names, name)), None)
    if form is None:
        if any("fund" in normal(name) for name in names):
            raise BadDataFile(f"{path}: wrong columns: it has {', '.join(names[:12])}; {FUNDING_COLUMNS}")
        raise BadDataFile(
            f"{path}: wrong columns: it has {', '.join(names[:12])}: name them as in timestamp,open,high,low,"
            "close,volume, timestamp,price,size or timestamp,bid_price,bid_size,ask_price,ask_size"
        )
    return ReadFile(
        path, form, "columns by name", partial(_foreign, lazy, path, names, form, options, problems), problems
    )


def _own_kind(names: list[str], wanted: Kind | None) -> Kind | None:
    for kind in KINDS:
        if wanted in (None, kind) and set(SCHEMAS[kind]) <= set(names):
            return kind
    return None


def own_interval(path: Path) -> int | None:
    """The interval that a Parquet file of ours names."""
    if path.suffix.lower() in FEATHER:
        return None
    text = pl.read_parquet_metadata(path).get("interval_ns", "")
    return int(text) if text.isdigit() else None


def _blocks(lazy: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    start = 0
    while True:
        block = lazy.slice(start, ROWS_PER_BLOCK).collect()
        if block.is_empty():
            return
        numbered = pl.int_range(start + 1, start + 1 + block.height, dtype=pl.Int64, eager=True)
        yield block.with_columns(numbered.alias("row"))
        start += block.height


def _own(lazy: pl.LazyFrame, path: Path, kind: Kind, interval: int | None) -> Iterator[Piece]:
    for block in _blocks(lazy):
        if interval is None and kind in HAS_INTERVAL:
            interval = _smallest_step(block["ts_event"], path)
        yield Piece(kind, None, interval, shaped(block, kind))


def _smallest_step(times: pl.Series, path: Path) -> int:
    steps = times.diff().drop_nulls()
    steps = steps.filter(steps > 0)
    if steps.is_empty():
        raise BadDataFile(
            f"{path}: one row does not tell the bars' interval: name it, as --interval 1m or interval = '1m'"
        )
    return int(steps.mode().sort()[0])


def _fits(names: list[str], form: str) -> bool:
    if form == "funding":
        known = {normal(name) for name in names}
        return {"fundingtime", "fundingrate"} <= known or {"calctime", "lastfundingrate"} <= known
    needed = {
        "bars": {"time", "open", "high", "low", "close"},
        "quotes": {"time", "bid_price", "ask_price"},
        "trades": {"time", "price", "size"},
    }[form]
    return needed <= named_columns(tuple(names)).keys()


def _foreign(
    lazy: pl.LazyFrame, path: Path, names: list[str], form_name: str, options: ReadOptions, problems: Problems
) -> Iterator[Piece]:
    """A table of somebody else's, read as a CSV with that header: names and times mean the same.

    What is a number or a time already stays one: making texts of them costs many times the reading.
    """
    form = next(form for form in FORMS if form.name == form_name)
    context = Context(Head(path, path.name, ",", tuple(names), (), 1), options, problems)
    numeric = _numeric(tuple(names))
    has_clock = {"date", "time"} <= {normal(name) for name in names}  # two columns that make one text
    for block in _blocks(lazy):
        columns = []
        for place, name in enumerate(names):
            column = block[name]
            is_time = isinstance(column.dtype, pl.Datetime) and not has_clock
            if is_time or (column.dtype.is_numeric() and f"c{place}" in numeric):
                text = column
            elif column.dtype.is_temporal():
                is_date = column.dtype == pl.Date
                text = column.cast(pl.String) if is_date else _iso(column)
            else:
                text = column.cast(pl.String)
            columns.append(text.alias(f"c{place}"))
        yield from _converted(context, form, pl.DataFrame([*columns, block["row"]]))


def _numeric(names: tuple[str, ...]) -> frozenset[str]:
    """Columns that hold nothing but figures."""
    return frozenset(theirs for ours, theirs in named_columns(names).items() if ours in FIGURES)


def _iso(column: pl.Series) -> pl.Series:
    zoned = isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None
    if zoned:
        return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.9f+00:00")
    return column.dt.strftime("%Y-%m-%d %H:%M:%S%.9f")
