"""Text files as tables of strings, block by block; encoding, delimiter and header are found out."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, NamedTuple, cast

import polars as pl

from actors.errors import BadDataFile

BLOCK_BYTES = 8_000_000
SAMPLE_LINES = 400
_HEAD_BYTES = 65_536
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


class Head(NamedTuple):
    """What the beginning of a text file tells."""

    path: Path
    member: str
    """Name of the text itself: inside a zip its member, else the file without `.gz`."""
    delimiter: str
    names: tuple[str, ...]
    """The header's cells; empty without one."""
    rows: tuple[tuple[str, ...], ...]
    """The first rows behind the header."""
    first_line: int
    """Line number of the first row behind the header."""


def open_binary(path: Path) -> tuple[IO[bytes], str]:
    """The bytes without their compression, and the name of what they are.

    Raises:
        BadDataFile: Not there, empty, or a zip of more than one file.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if not magic:
            raise BadDataFile(f"{path} is empty: get the file again")
        if magic.startswith(_GZIP):
            return cast(IO[bytes], gzip.open(path)), path.name.removesuffix(".gz")
        if magic.startswith(_ZIP):
            archive = zipfile.ZipFile(path)
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) != 1:
                raise BadDataFile(f"{path} holds {len(members)} files: unpack it and import them one by one")
            return archive.open(members[0]), members[0]
        return path.open("rb"), path.name
    except (OSError, zipfile.BadZipFile) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BadDataFile(f"{path} cannot be read ({why}): check the path, or get the file again") from error


def chunks(path: Path) -> Generator[bytes]:
    """UTF-8 text in blocks of whole lines.

    Raises:
        BadDataFile: Damaged, or not text.
    """
    stream, _ = open_binary(path)
    decoder: codecs.IncrementalDecoder | None = None
    rest, is_first = b"", True
    try:
        with stream:
            while block := stream.read(BLOCK_BYTES):
                if is_first:
                    encoding = next((name for bom, name in _BOMS if block.startswith(bom)), None)
                    decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
                    is_first = False
                if decoder is not None:
                    block = decoder.decode(block).encode()
                whole, newline, tail = (rest + block).rpartition(b"\n")
                rest = tail
                if whole:
                    yield whole + newline
            if rest:
                yield rest + b"\n"
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise BadDataFile(f"{path} is damaged or no text ({error}): get the file again") from error


def first_bytes(path: Path, count: int) -> bytes:
    """The beginning of a text."""
    with closing(chunks(path)) as blocks_:
        return next(blocks_, b"")[:count]


def head_of(path: Path) -> Head:
    """Look at the beginning of a text file.

    Raises:
        BadDataFile: Empty, not text, or without one delimiter throughout.
    """
    stream, member = open_binary(path)
    stream.close()
    first = first_bytes(path, _HEAD_BYTES)
    try:
        text = first.decode()
    except UnicodeDecodeError as error:
        if error.start < len(first) - 4:
            raise BadDataFile(f"{path} is no UTF-8 text (byte {error.start}): convert it to UTF-8") from error
        text = first[: error.start].decode()
    lines = [line for line in text.splitlines() if line.strip()][: SAMPLE_LINES + 3]
    if len(first) == _HEAD_BYTES:
        lines = lines[:-1] or lines
    if not lines:
        raise BadDataFile(f"{path} is empty: get the file again")
    delimiter = _delimiter(lines[:20])
    rows = [tuple(cell.strip() for cell in row) for row in csv.reader(lines, delimiter=delimiter)]
    names: tuple[str, ...] = ()
    first_line = 1
    if _is_header(rows[0]):
        names = rows[0]
        # a library's table with several header rows: Price / Ticker / Date
        more = 2 if len(rows) > 2 and rows[1][0] == "Ticker" and rows[2][0] == "Date" else 0
        first_line = 2 + more
        rows = rows[1 + more :]
        if not rows and path.suffix != ".packet":
            raise BadDataFile(f"{path} has a header and no rows: get the file again")
    return Head(path, Path(member).name, delimiter, names, tuple(rows), first_line)


def blocks(head: Head) -> Iterator[pl.DataFrame]:
    """All rows behind the header as strings, columns `c0`, `c1`, …, and `row`, their line numbers.

    Raises:
        BadDataFile: A line with another number of columns; names it.
    """
    width = len(head.names or head.rows[0])
    schema = {f"c{number}": pl.String for number in range(width)}
    line = 1
    for text in chunks(head.path):
        skip = max(0, head.first_line - line)
        lines = text.count(b"\n")
        try:
            frame = pl.read_csv(
                io.BytesIO(text),
                has_header=False,
                separator=head.delimiter,
                schema=schema,
                skip_lines=skip,
            )
        except pl.exceptions.NoDataError:
            line += lines
            continue
        except pl.exceptions.PolarsError as error:
            raise _ragged(head, text, line, width) or BadDataFile(
                f"{head.path} cannot be read as a table: {str(error).splitlines()[0]}"
            ) from error
        begin = max(line, head.first_line)
        numbered = frame.with_columns(pl.int_range(begin, begin + frame.height, dtype=pl.Int64).alias("row"))
        yield numbered.filter(~pl.all_horizontal(pl.col(name).is_null() for name in schema))
        line += lines


def _ragged(head: Head, text: bytes, line: int, width: int) -> BadDataFile | None:
    rows = csv.reader(text.decode(errors="replace").splitlines(), delimiter=head.delimiter)
    for number, row in enumerate(rows, line):
        if len(row) > width:
            return BadDataFile(
                f"{head.path}: line {number} has {len(row)} columns instead of {width}: correct or remove it"
            )
    return None


def _delimiter(lines: list[str]) -> str:
    """The one that stands equally often in every line."""
    for delimiter in (",", ";", "\t", "|"):
        counts = {line.count(delimiter) for line in lines}
        if len(counts) == 1 and counts.pop():
            return delimiter
    return max((",", ";", "\t", "|"), key=lambda each: sum(line.count(each) for line in lines))


def _is_header(cells: tuple[str, ...]) -> bool:
    return not any(_is_value(cell) for cell in cells) and any(any(map(str.isalpha, cell)) for cell in cells)


def _is_value(cell: str) -> bool:
    if cell[:1].isdigit():
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True
