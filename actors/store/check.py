"""Check: whether a state folder is whole, and where it is not. Changes nothing; a daemon may be running.

database      its pages and schema, and the digest of each checkpoint
tape          frames and chain through all parts, what checkpoints say of the chain, whose store it is
projections   every row against the one that the tape gives
audit         each row's hash, which covers all rows before it
books         by who can run the core: `Fault`s of his own may be added
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from actors.errors import StoreError, TapeError
from actors.store import database
from actors.store.database import BY_SEQ, SCHEMA_VERSION, database_path
from actors.store.export import open_for_reading
from actors.store.folder import IDENTITY, read_identity
from actors.store.layout import tape_folder
from actors.store.projections import exact_minus
from actors.store.tape_check import TapeChecked, check_tape
from actors.store.tape_reader import TapeReader

Area = Literal["database", "tape", "projections", "audit", "books"]
AREAS: tuple[Area, ...] = ("database", "tape", "projections", "audit", "books")


@dataclass(frozen=True)
class Fault:
    """Something that is not as it must be."""

    area: Area
    place: str
    what: str
    is_damage: bool = False
    """The folder cannot be used as it is; else what it says is wrong, and can be put right."""

    def __str__(self) -> str:
        return f"{self.area}: {self.place}: {self.what}"


@dataclass
class Checked:
    """What was looked at, and what was found."""

    tape: TapeChecked = field(default_factory=TapeChecked)
    applied_seq: int = 0
    checkpoints: tuple[int, ...] = ()
    checked: list[Area] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Remarkable, and as it may be."""

    @property
    def is_damaged(self) -> bool:
        return any(fault.is_damage for fault in self.faults)

    def state_of(self, area: Area) -> str:
        """`ok`, `broken`, or `not checked`."""
        if any(fault.area == area for fault in self.faults):
            return "broken"
        return "ok" if area in self.checked else "not checked"


def check(state: Path) -> Checked:
    """Check everything but the books.

    Raises:
        StoreError: There is nothing to check.
    """
    found = Checked()
    if not tape_folder(state).is_dir() and not database_path(state).exists():
        raise StoreError(
            f"{state} holds no tape and no database; give the state folder of a run with --state"
        )
    with TemporaryDirectory(prefix="tickerd-check-") as scratch:
        copy = _check_database(state, Path(scratch) / "copy.db", found)
        try:
            # Made after the copy: so the tape holds all that the copy knows of.
            reader = TapeReader(tape_folder(state))
            if _check_tape(reader, copy, found):
                _check_identity(state, reader, found)
                if copy is not None:
                    _check_projections(reader, copy, Path(scratch) / "tape.db", found)
            if copy is not None:
                _check_audit(copy, found)
        finally:
            if copy is not None:
                copy.close()
    return found


# database


def _check_database(state: Path, copy_path: Path, found: Checked) -> sqlite3.Connection | None:
    """A copy at one moment, when the database can be used at all."""
    path = database_path(state)
    found.checked.append("database")
    try:
        with closing(open_for_reading(state)) as connection, database.errors_named(path):
            problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
            if problems != ["ok"]:
                what = f"{'; '.join(problems)}; it is rebuilt from the tape by `tickerd db rebuild`"
                found.faults.append(Fault("database", path.name, what, is_damage=True))
                return None
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != SCHEMA_VERSION:
                what = f"schema {version}, this tickerd knows {SCHEMA_VERSION}: run `tickerd db migrate`"
                found.faults.append(Fault("database", path.name, what, is_damage=True))
                return None
            copy = sqlite3.connect(copy_path, isolation_level=None)
            connection.backup(copy)
    except StoreError as error:
        found.faults.append(Fault("database", path.name, str(error), is_damage=True))
        return None
    found.applied_seq = database.applied_seq(copy)
    found.checkpoints = tuple(_whole_checkpoints(copy, found))
    return copy


def _whole_checkpoints(copy: sqlite3.Connection, found: Checked) -> Iterator[int]:
    for seq in database.checkpoint_seqs(copy):
        try:
            database.read_checkpoint(copy, seq)
        except ValueError as error:
            what = f"it is damaged ({error}); an older state is taken at the next start"
            found.faults.append(Fault("database", f"checkpoint of seq {seq}", what))
        else:
            yield seq


# tape


def _check_identity(state: Path, reader: TapeReader, found: Checked) -> None:
    """Whether the folder still knows under which store id its orders were sent."""
    ours = reader.parts[-1].head.store_id
    try:
        identity = read_identity(state)
    except StoreError as error:
        found.faults.append(Fault("tape", IDENTITY, str(error), is_damage=True))
        return
    if identity is None or ours not in (identity.store_id, *identity.lineage):
        named = "it is gone" if identity is None else f"it names store {identity.store_id}"
        what = (
            f"{named}, the tape is store {ours}'s; restore it from a backup, or its orders count as foreign"
        )
        found.faults.append(Fault("tape", IDENTITY, what))


def _check_tape(reader: TapeReader, copy: sqlite3.Connection | None, found: Checked) -> bool:
    """Whether the tape is whole."""
    found.checked.append("tape")
    try:
        if not reader.parts:
            found.faults.append(
                Fault("tape", "tape", "there is none; restore it from a backup", is_damage=True)
            )
            return False
        found.tape = check_tape(reader, frozenset(found.checkpoints))
        oldest = reader.parts[0].head.previous_seq  # raises: a part is pruned with its folder
        assert oldest <= found.tape.last_seq
    except TapeError as error:
        what = f"{error}; restore it from a backup"
        found.faults.append(Fault("tape", getattr(error, "segment", "tape"), what, is_damage=True))
        return False
    if found.tape.torn is not None:
        found.notes.append(
            f"{found.tape.torn}: a write is under way, or a crash left it; the next start cuts it"
        )
    _check_against_checkpoints(copy, found)
    return True


def _check_against_checkpoints(copy: sqlite3.Connection | None, found: Checked) -> None:
    last = found.tape.last_seq
    if found.applied_seq > last:
        what = f"applied up to seq {found.applied_seq}, the tape ends with {last}: the next start rebuilds it"
        found.faults.append(Fault("database", "applied_seq", what))
    for seq in found.checkpoints:
        place = f"checkpoint of seq {seq}"
        if seq > last:
            found.faults.append(Fault("database", place, f"it lies behind the tape's end, seq {last}"))
            continue
        chain = found.tape.chains.get(seq)
        if copy is not None and chain is not None and database.read_checkpoint(copy, seq).chain != chain:
            found.faults.append(Fault("database", place, "it is of another chain than the tape's"))


# projections


def _check_projections(
    reader: TapeReader, copy: sqlite3.Connection, fresh_path: Path, found: Checked
) -> None:
    """Build the rows anew from the tape and compare; rows older than the tape stand for themselves."""
    found.checked.append("projections")
    if found.applied_seq > found.tape.last_seq:
        return  # said already
    oldest = reader.parts[0].head.previous_seq
    if found.applied_seq < oldest:
        found.notes.append(f"the projections end with seq {found.applied_seq}, before the tape begins")
        return
    with closing(sqlite3.connect(fresh_path, isolation_level=None)) as fresh:
        copy.backup(fresh)
        fresh.create_function("exact_minus", 2, exact_minus, deterministic=True)
        database.rebuild(fresh, reader, found.applied_seq)
        main = copy.execute("PRAGMA database_list").fetchone()[2]
        fresh.execute("ATTACH ? AS stored", (main,))
        for table in ("orders", *BY_SEQ):
            found.faults.extend(_differing(fresh, table))


def _differing(fresh: sqlite3.Connection, table: str) -> Iterator[Fault]:
    """The first row of a table that differs, and how many do."""
    stored = f"SELECT * FROM stored.{table} EXCEPT SELECT * FROM main.{table}"
    taped = f"SELECT * FROM main.{table} EXCEPT SELECT * FROM stored.{table}"
    columns = [(row[1], row[5]) for row in fresh.execute(f"PRAGMA table_info({table})")]
    for query, other, has, lacks in (
        (stored, "main", "the database", "the tape"),
        (taped, "stored", "the tape", "the database"),
    ):
        row = fresh.execute(f"{query} LIMIT 1").fetchone()
        if row is None:
            continue
        count = fresh.execute(f"SELECT count(*) FROM ({query})").fetchone()[0]
        values = {name: value for (name, _), value in zip(columns, row, strict=True)}
        key = {name: values[name] for name, part_of_key in columns if part_of_key}
        where = " AND ".join(f"{name} IS ?" for name in key)
        twin = fresh.execute(f"SELECT * FROM {other}.{table} WHERE {where}", tuple(key.values())).fetchone()
        what = _difference(values, twin, has, lacks) + (f" ({count} rows differ)" if count > 1 else "")
        place = f"{table} " + ", ".join(f"{name} {value}" for name, value in key.items())
        yield Fault("projections", place, f"{what}; `tickerd db rebuild` puts it right")
        return


def _difference(values: dict[str, Any], twin: tuple[Any, ...] | None, has: str, lacks: str) -> str:
    if twin is None:
        return f"{has} has this row, {lacks} does not"
    return ", ".join(
        f"{name} is {_shown(mine)} by {has} and {_shown(theirs)} by {lacks}"
        for (name, mine), theirs in zip(values.items(), twin, strict=True)
        if mine != theirs
    )


def _shown(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)


# audit


def _check_audit(copy: sqlite3.Connection, found: Checked) -> None:
    found.checked.append("audit")
    broken = database.broken_audit(copy)
    if broken is not None:
        what = "this row, or one before it, is not the one that was written"
        found.faults.append(Fault("audit", f"seq {broken}", what))
