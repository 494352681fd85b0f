"""How a daemon is brought to each of its effects: what it finds, what it is told, and what happens to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from actors.core.frames import scan_frames
from actors.store.database import database_path
from actors.store.layout import HEADER_BYTES, list_parts, part_folder, segment_path, tape_folder
from tests.architecture.source import has_segment
from tests.architecture.test_crash_points import labels, named_sources
from tests.chaos.kills.life import Life
from tests.chaos.kills.stage import Stage
from tests.chaos.kills.victim import ANSWERED

Prepare = Callable[[Path], None]
Disturb = Callable[[Stage, Life], None]
RESERVED = 64 * 1024
OFTEN = ("store.checkpoint_seconds=1",)
ASKING = (*OFTEN, "accounts.DU1000001.limits.margin_check=true")
SHORT_RECORD = (*OFTEN, "tape.keep_gb=0.000001")


def leave_as_it_is(state: Path) -> None:
    """What the life before has left is enough."""


def _leave_alone(stage: Stage, life: Life) -> None:
    """It gets there by itself."""


@dataclass(frozen=True)
class Scenario:
    """One death: the K-th time right before an effect."""

    label: str
    number: int = 1
    prepare: Prepare = leave_as_it_is
    disturb: Disturb = _leave_alone
    """Once the account is active."""
    settings: tuple[str, ...] = OFTEN
    quirk: str = ""
    is_last: bool = False
    """It removes parts of the record: after all others."""

    @property
    def name(self) -> str:
        return f"{self.label}:{self.number}"


# what a crash or a power cut leaves behind


def tear(state: Path) -> None:
    """Half a frame behind the last whole one."""
    segment = list_parts(tape_folder(state))[-1].segments[-1].path
    data = segment.read_bytes()
    end = scan_frames(data, HEADER_BYTES).end
    segment.write_bytes(data[:end] + b"\x40\x00\x00\x00half a frame" + bytes(RESERVED))


def tear_before_a_segment(state: Path) -> None:
    """Half a frame, and the segment after it is there already."""
    tear(state)
    last = list_parts(tape_folder(state))[-1].segments[-1]
    segment_path(last.path.parent, last.number + 1).write_bytes(bytes(RESERVED))


def begin_a_part(state: Path) -> None:
    """A part whose first write never happened."""
    tape = tape_folder(state)
    folder = part_folder(tape, list_parts(tape)[-1].number + 1)
    folder.mkdir()
    segment_path(folder, 1).write_bytes(bytes(RESERVED))


def leave_half_a_file(state: Path) -> None:
    """A file that was never renamed to what it was to be."""
    (list_parts(tape_folder(state))[-1].path / "000001.sealed.tmp").write_bytes(b"half")


def delete_database(state: Path) -> None:
    """Checkpoints and projections are gone."""
    for suffix in ("", "-wal", "-shm"):
        database_path(state).with_name(database_path(state).name + suffix).unlink(missing_ok=True)


def damage_database(state: Path) -> None:
    """It is no database any more."""
    database_path(state).write_bytes(b"no database at all" * 100)


def _stop(stage: Stage, life: Life) -> None:
    life.process.terminate()


def _drop(stage: Stage, life: Life) -> None:
    """TWS says that it will drop the line."""
    stage.exchange.fault("system_message", code=1300)


def _refuse_a_child(stage: Stage, life: Life) -> None:
    """A bracket will not be whole."""
    stage.exchange.fault("error_before", method="placeChild")


SPECIAL: Mapping[str, Scenario] = {
    each.label: each
    for each in (
        Scenario("file.make", prepare=tear),
        Scenario("file.write", prepare=tear),
        Scenario("file.flush", prepare=tear),
        Scenario("file.sync", prepare=tear),
        Scenario("file.rename", prepare=tear),
        Scenario("repair.truncate", prepare=tear),
        Scenario("repair.sync", prepare=tear),
        Scenario("repair.unlink half a file", prepare=leave_half_a_file),
        Scenario("repair.unlink later segment", prepare=tear_before_a_segment),
        Scenario("repair.unlink segment", prepare=begin_a_part),
        Scenario("repair.set part aside", prepare=begin_a_part),
        Scenario("part.sync", disturb=_stop),
        Scenario("tape.write the rest", 3, quirk="write in two"),
        Scenario("sealed.drop", quirk="lose what is sealed"),
        Scenario("database.commit schema", prepare=delete_database),
        Scenario("database.set aside", prepare=damage_database),
        Scenario("database.unlink log", prepare=damage_database),
        Scenario("rest.send order", 3, quirk="look closed"),
        Scenario("tws.abort", disturb=_drop),
        Scenario("tws.send what if", settings=ASKING),
        Scenario("tws.send cancel of a family", disturb=_refuse_a_child),
        Scenario("prune.rename", settings=SHORT_RECORD, is_last=True),
        Scenario("prune.unlink", settings=SHORT_RECORD, is_last=True),
        Scenario("prune.remove folder", settings=SHORT_RECORD, is_last=True),
    )
}
MORE = (
    ("tape.write", 2), ("tape.write", 30), ("tape.write", 90), ("tape.sync", 2), ("socket.send", 2),
    ("socket.send", 9), ("socket.send", 25), ("rest.request", 5), ("rest.request", 9), ("folder.sync", 2),
    ("folder.sync", 4), ("store.commit rows", 3), ("store.commit checkpoint", 2), ("segment.make", 2),
    ("segment.reserve", 2), ("segment.finish", 2), ("segment.sync finished", 2), ("database.pragma", 2),
    ("tws.send order", 4), ("tws.send cancel", 2),
)  # fmt: skip
"""Effects that happen at several places, or again and again."""


UNSAFE = Scenario(ANSWERED, quirk="send before writing")
"""What must be caught."""
STAGED = {"binance": ("actors/store", "actors/venues/binance"), "ib": ("actors/venues/ib",)}
"""By stage, where effects are that a life on it can come to."""
OF_PANIC = frozenset({"actors/venues/ib/panic.py"})
"""No life comes to these: they are effects of `tickerd panic`, whose orders no store knows."""


def is_of_panic(path: str) -> bool:
    """Whether only a panic comes to what the source does."""
    return any(has_segment(path, panic) for panic in OF_PANIC)


def staged_labels(stage: str) -> list[str]:
    """Labels that a death is to be tried at."""
    return [
        label
        for source in named_sources()
        if any(has_segment(source.path, staged) for staged in STAGED[stage]) and not is_of_panic(source.path)
        for label in labels(source)
    ]


def every_scenario(seed: int, *, stage: str = "binance", only: str = "") -> list[Scenario]:
    """One for each label in the source at least, in an order of the seed."""
    named = staged_labels(stage)
    found = [SPECIAL.get(label, Scenario(label)) for label in named]
    found += [Scenario(label, number) for label, number in MORE if label in named]
    chosen = [scenario for scenario in found if only in scenario.name]
    Random(seed).shuffle(chosen)
    return sorted(chosen, key=lambda scenario: scenario.is_last)
