"""Columns of times → nanoseconds UTC: the form is found from the text, the zone is given or in the text."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files.series import Problems

DAY_NS = 86_400_000_000_000
_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
_TEXT_FORMS: tuple[tuple[str, str, bool], ...] = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d", True),
    (r"\d{4}/\d{2}/\d{2}", "%Y/%m/%d", True),
    (r"\d{4}\.\d{2}\.\d{2}", "%Y.%m.%d", True),
    (r"\d{1,2}-[A-Za-z]{3}-\d{2}", "%d-%b-%y", True),
    (r"\d{8} \d{2}:\d{2}", "%Y%m%d %H:%M", False),
    (r"\d{8} \d{6}", "%Y%m%d %H%M%S", False),
    (r"\d{4}\.\d{2}\.\d{2} \d{2}:\d{2}", "%Y.%m.%d %H:%M", False),
    (r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}", "%Y/%m/%d %H:%M:%S", False),
    (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?", "iso", False),
)
"""Pattern, polars format, whether it is a date alone."""
DATE_ONLY_NUMBER, MILLISECONDS_TEXT = 8, 17


class Times(NamedTuple):
    """A column of times."""

    ns: pl.Series
    """Null where the text is none."""
    is_date: bool
    """Dates without a time of day: in UTC, whatever the zone."""


def zone_named(name: str) -> str:
    """
    Raises:
        BadDataFile: No such zone.
    """
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadDataFile(f"{name!r} is no time zone: write one as America/New_York") from error


def parse_times(text: pl.Series, rows: pl.Series, zone: str, problems: Problems) -> Times:
    """Nanoseconds UTC of a column of texts.

    Raises:
        BadDataFile: A form that is not known, or rows with and without an offset.
    """
    known = text.drop_nulls()
    if known.is_empty():
        raise BadDataFile(f"{problems.file}: the time column is empty: name the file's form with --form")
    first = str(known[0]).strip()
    if re.fullmatch(r"\d+(\.\d*)?([eE]\+?\d+)?", first):
        return _numbers(text, first, zone, rows, problems)
    text = text.str.strip_chars()
    has_offset = text.str.contains(_OFFSET)
    bare = text.str.replace(_OFFSET, "").str.strip_chars_end()
    bare_first = str(bare.drop_nulls()[0])
    known_form = next((each for each in _TEXT_FORMS if re.fullmatch(each[0], bare_first)), None)
    if known_form is None:
        raise BadDataFile(
            f"{problems.file}: times such as {first!r} are not understood: write 2024-01-31T09:30:00, "
            "or numbers of s, ms, µs or ns since 1970"
        )
    _, form, is_date = known_form
    if form == "iso":
        bare = bare.str.replace("T", " ").str.replace(",", ".")
        parsed = bare.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False)
        short = bare.str.to_datetime("%Y-%m-%d %H:%M", time_unit="ns", strict=False)
        parsed = parsed.fill_null(short)
    else:
        parsed = bare.str.to_datetime(form, time_unit="ns", strict=False)
    if is_date:
        return Times(parsed.cast(pl.Int64), True)
    return Times(_in_utc(text, parsed, has_offset, rows, zone, problems), False)


def _in_utc(
    text: pl.Series, local: pl.Series, has_offset: pl.Series, rows: pl.Series, zone: str, problems: Problems
) -> pl.Series:
    offsets = has_offset.fill_null(False)
    if not offsets.any():
        return local_to_utc(local, zone, rows, problems)
    mixed = ~offsets & local.is_not_null()
    if mixed.any():
        at = int(mixed.arg_max() or 0)
        raise BadDataFile(
            f"{problems.file}: row {rows[at]} has a time without an offset ({text[at]}), others have one: "
            "mixed time zones, write all of them in one way"
        )
    found = text.str.extract(_OFFSET)
    minutes = _offset_minutes(found)
    kinds = minutes.drop_nulls().unique().to_list()
    if len(kinds) > 2 or (len(kinds) == 2 and abs(kinds[0] - kinds[1]) != 60):
        names = ", ".join(found.drop_nulls().unique(maintain_order=True).to_list()[:4])
        raise BadDataFile(
            f"{problems.file}: mixed time zones ({names}): write all times in one zone, best in UTC"
        )
    return local.cast(pl.Int64) - minutes.cast(pl.Int64) * 60_000_000_000


def _offset_minutes(found: pl.Series) -> pl.Series:
    sign = pl.when(pl.col("o").str.starts_with("-")).then(-1).otherwise(1)
    digits = pl.col("o").str.replace_all("[^0-9]", "").str.pad_end(4, "0")
    hours, minutes = digits.str.slice(0, 2).cast(pl.Int64), digits.str.slice(2, 2).cast(pl.Int64)
    frame = pl.DataFrame({"o": found})
    return frame.select(
        pl.when(pl.col("o").is_null()).then(None).otherwise(sign * (hours * 60 + minutes)).alias("m")
    )["m"]


def in_utc(times: pl.Series, zone: str, rows: pl.Series, problems: Problems) -> pl.Series:
    """Nanoseconds UTC of a column that holds times already; `zone` is of those without one."""
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is not None:
        return times.dt.convert_time_zone("UTC").dt.cast_time_unit("ns").cast(pl.Int64)
    return local_to_utc(times.dt.cast_time_unit("ns"), zone, rows, problems)


def local_to_utc(local: pl.Series, zone: str, rows: pl.Series, problems: Problems) -> pl.Series:
    """Wall-clock times of a zone; the hour that comes twice in autumn is told apart by the rows' order."""
    if zone == "UTC":
        return local.cast(pl.Int64)
    frame = pl.DataFrame({"t": local})
    early, late = (
        frame.select(
            pl.col("t")
            .dt.replace_time_zone(zone, ambiguous=which, non_existent="null")
            .dt.convert_time_zone("UTC")
            .cast(pl.Int64)
        )["t"]
        for which in ("earliest", "latest")
    )
    never = early.is_null() & local.is_not_null()
    if never.any():
        at = int(never.arg_max() or 0)
        problems.add(
            "error",
            "dst",
            f"{local[at]} does not exist in {zone}: clocks go forward there",
            "the times are not in this zone, name theirs with --zone",
            row=int(rows[at]),
            count=int(never.sum()),
        )
    twice = early != late
    if not twice.fill_null(False).any():
        return early
    again = frame.select(pl.col("t").is_duplicated() & ~pl.col("t").is_first_distinct())["t"]
    return pl.select(pl.when(twice & again).then(late).otherwise(early)).to_series()


def _numbers(text: pl.Series, first: str, zone: str, rows: pl.Series, problems: Problems) -> Times:
    if first.isdigit() and len(first) == DATE_ONLY_NUMBER:
        parsed = text.str.to_datetime("%Y%m%d", time_unit="ns", strict=False)
        return Times(parsed.cast(pl.Int64), True)
    if first.isdigit() and len(first) == MILLISECONDS_TEXT:
        parsed = text.str.to_datetime("%Y%m%d%H%M%S%3f", time_unit="ns", strict=False)
        return Times(local_to_utc(parsed, zone, rows, problems), False)
    if first.isdigit():
        whole = text.cast(pl.Int64, strict=False)
        factor = (
            pl.when(pl.col("t") < 10**11)
            .then(1_000_000_000)
            .when(pl.col("t") < 10**14)
            .then(1_000_000)
            .when(pl.col("t") < 10**17)
            .then(1_000)
            .otherwise(1)
        )
        scaled = pl.DataFrame({"t": whole}).select(pl.col("t") * factor)["t"]
        return Times(pl.select(pl.when(scaled > 0).then(scaled)).to_series(), False)
    seconds = text.cast(pl.Float64, strict=False)
    return Times((seconds * 1e6).round().cast(pl.Int64, strict=False) * 1_000, False)


def since_midnight(text: pl.Series, day: date, zone: str, rows: pl.Series, problems: Problems) -> pl.Series:
    """Milliseconds of the wall clock since a local midnight → nanoseconds UTC."""
    ms = text.cast(pl.Float64, strict=False)
    ns = (ms * 1e6).round().cast(pl.Int64, strict=False)
    midnight = (day - date(1970, 1, 1)).days * DAY_NS
    return local_to_utc((ns + midnight).cast(pl.Datetime("ns")), zone, rows, problems)
