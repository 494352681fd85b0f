"""Maintenance of a tape that is being written: seal what is finished, prune what is no longer wanted.

Meant for a process of its own (`tidy` and its arguments can be pickled): sealing 16 MB of quotes takes about
a second of one core, which a trading loop must not lend.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from actors.errors import StoreError, TradingError
from actors.store import database
from actors.store.export import open_for_reading
from actors.store.layout import seal, tape_folder, unsealed
from actors.store.tape_repair import prunable, prune

CHECKPOINTS_PROTECTED = 2


@dataclass(frozen=True)
class Tidied:
    """What was done, and what could not be."""

    sealed: tuple[str, ...]
    pruned: tuple[int, ...]
    faults: tuple[str, ...]
    """Damaged segments stay as they are and are named here."""


def needed_after_seq(state: Path) -> int:
    """Inputs after this one must stay on the tape: seq of the last but one checkpoint, else 0."""
    try:
        with closing(open_for_reading(state)) as connection, database.errors_named(state):
            seqs = database.checkpoint_seqs(connection)
    except StoreError:
        return 0  # without a database the tape is all there is
    return seqs[CHECKPOINTS_PROTECTED - 1] if len(seqs) >= CHECKPOINTS_PROTECTED else 0


def tidy(state: Path, now_ns: int, keep_days: float | None, keep_gb: float | None) -> Tidied:
    """Seal every finished segment and delete the parts that are too old, or too much."""
    tape = tape_folder(state)
    sealed, faults = [], []
    for path in unsealed(tape):
        try:
            sealed.append(str(seal(path).relative_to(tape)))
        except (TradingError, OSError) as error:
            faults.append(f"{path.relative_to(tape)} was not sealed: {error}")
    pruned = prunable(
        tape,
        now_ns=now_ns,
        needed_after_seq=needed_after_seq(state),
        keep_days=keep_days,
        keep_gb=keep_gb,
    )
    prune(tape, pruned)
    return Tidied(tuple(sealed), tuple(part.number for part in pruned), tuple(faults))
