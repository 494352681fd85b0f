"""Makes this release's golden state folder: `python -m tests.store.golden.make`, once, then commit it.

Later versions must read what it wrote: its tape, sealed and not, its checkpoint and its projections.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import msgspec

from actors.messages.base import Message
from actors.store import database
from actors.store.database import Checkpoint, checkpoint_values, database_path, open_database
from actors.store.layout import list_parts, seal, tape_folder
from actors.store.rerun import encode_snapshot
from actors.store.tape_reader import TapeReader
from tests.store.trading import Life, a_stop

FOLDER = Path(__file__).resolve().parent
RELEASE = "0.1.0"


class Expected(msgspec.Struct):
    """What the folder holds, for those who read it."""

    inputs: int
    orders: int
    chain: str
    checkpoint_seq: int
    snapshot_digest: str
    """Of the state at the tape's end."""
    fills: int


def digest(snapshot: bytes) -> str:
    return blake2b(snapshot, digest_size=16).hexdigest()


def make(state: Path) -> Expected:
    """A session of two parts with a checkpoint in the second; the first part is sealed."""
    life = Life(state, is_preallocated=False).begin().trade(range(1, 150))
    life.tape.begin_part(
        life.head(part=2, epoch=1, session="first", chain=life.tape.chain), life.sequencer.now
    )
    life.trade(range(150, 200))
    life.tape.flush()
    checkpoint = Checkpoint(life.sequencer.seq, life.tape.chain, encode_snapshot(life.sequencer))
    life.trade(range(200, 230))
    stop: Message = a_stop(230)
    life.take(stop)
    chain, last = life.tape.chain, life.sequencer.seq
    life.tape.close()
    for segment in list_parts(tape_folder(state))[0].segments:
        seal(segment.path)
    with closing(open_database(database_path(state))) as connection:
        database.catch_up(connection, TapeReader(tape_folder(state)), last)
        connection.execute(database.SAVE_CHECKPOINT, checkpoint_values(checkpoint, 0))
        fills = connection.execute("SELECT count(*) FROM fills").fetchone()[0]
        orders = connection.execute("SELECT count(*) FROM orders").fetchone()[0]
    return Expected(last, orders, chain.hex(), checkpoint.seq, digest(encode_snapshot(life.sequencer)), fills)


if __name__ == "__main__":
    target = FOLDER / RELEASE
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    (target / "expected.json").write_bytes(msgspec.json.format(msgspec.json.encode(make(target))))
